"""What a measure is by its definition: read off an order of the responses, and a mean over the orders of tied scores."""

import itertools

import numpy as np
from hypothesis import strategies as st

# scores and gold of 2 to 5 responses, with many ties
small = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), min_size=2, max_size=5)
small_from_3 = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), min_size=3, max_size=5)


def arrays(pairs):
    """Scores and gold, (K,) each."""
    return np.array(pairs, dtype=float).T


def mean_over_orders(score_k, of_order):
    """The mean of a function of the responses, best score first, over all orders that agree with the scores."""
    orders = [
        list(order)
        for order in itertools.permutations(range(len(score_k)))
        if all(score_k[one] >= score_k[next_one] for one, next_one in itertools.pairwise(order))
    ]
    return np.mean([of_order(order) for order in orders])
