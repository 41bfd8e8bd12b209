import matplotlib

matplotlib.use("Agg")

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rmkit.figures.axes import seeds_named, spread


@given(st.lists(st.floats(-500, 500), min_size=1, max_size=8), st.floats(1, 30))
def test_names_are_spread_in_order_and_no_further_than_needed(height, gap):
    place = spread(height, gap)
    order = np.argsort(height, kind="stable")
    apart = np.diff(place[order])
    assert (apart >= gap - 1e-6).all()
    if (np.diff(np.sort(height)) >= gap).all():
        np.testing.assert_allclose(place, height, atol=1e-6)
    np.testing.assert_allclose(np.mean(place), np.mean(height), atol=1e-6)


def test_seeds_are_named_by_their_number():
    assert [seeds_named(1), seeds_named(5.0), seeds_named(3, 5)] == [
        "one seed",
        "mean of 5 seeds",
        "mean of 3 to 5 seeds",
    ]
