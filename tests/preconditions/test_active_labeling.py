"""A study is refused exactly where its pools cannot be drawn, counted by drawing them."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rmkit.active.budget import Budget
from rmkit.active.pools import draw_pool, not_among
from rmkit.active.pools_of_rules import ACTIVE_POOLS
from rmkit.errors import DataError
from rmkit.preconditions.active_labeling import check_pool, check_total, most_labels


@st.composite
def spent(draw):
    """A pool, a budget, the share of pairs of two prompts, prompts and responses: small, and often just too small."""
    n_all, n_responses = draw(st.integers(1, 5)), draw(st.integers(2, 4))
    n_candidates = draw(st.integers(1, 40))
    budget = Budget(
        n_start=draw(st.integers(5, 40)),
        n_rounds=draw(st.integers(1, 3)),
        n_batch=draw(st.integers(1, n_candidates)),
        n_prompts=draw(st.integers(1, 6)),
        n_candidates=n_candidates,
    )
    share = draw(st.sampled_from([0.0, 0.01, 0.2, 0.5, 0.9, 1.0]))
    return draw(st.sampled_from(ACTIVE_POOLS)), budget, share, n_all, n_responses


def is_refused(check, *given_to):
    try:
        check(*given_to)
    except DataError:
        return True
    return False


def can_be_drawn(pool, budget, share, n_all, n_responses):
    """Whether there are the labels of the start, and in a first round, of which none is labelled, those of a batch."""
    found = []
    for n_pairs in (budget.n_start, budget.n_candidates):
        try:
            drawn_m2 = draw_pool(
                pool, (n_all, n_responses), budget.n_prompts, n_pairs, np.random.default_rng(0), cross_share=share
            )
        except DataError:
            return False
        found.append(len(drawn_m2))
    return found[0] == budget.n_start and found[1] >= budget.n_batch


@given(spent())
@settings(max_examples=400, deadline=None)
def test_a_pool_is_accepted_exactly_where_its_start_and_its_batch_can_be_drawn(case):
    assert is_refused(check_pool, *case) != can_be_drawn(*case)


def rounds_end(pool, budget, share, n_all, n_responses, rng):
    """Whether all rounds of random choice have a batch to choose."""
    shape = n_all, n_responses
    known_m2 = draw_pool(pool, shape, budget.n_prompts, budget.n_start, rng, cross_share=share)
    for _ in range(budget.n_rounds):
        offered_m2 = draw_pool(pool, shape, budget.n_prompts, budget.n_candidates, rng, cross_share=share)
        left_m2 = offered_m2[not_among(offered_m2, known_m2)]
        if len(left_m2) < budget.n_batch:
            return False
        known_m2 = np.concatenate([known_m2, rng.permutation(left_m2)[: budget.n_batch]])
    return True


@given(spent(), st.integers(0, 10**6))
@settings(max_examples=200, deadline=None)
def test_no_study_is_refused_whose_rounds_end(case, seed):
    pool, budget, share, n_all, n_responses = case
    if is_refused(check_pool, *case) or not rounds_end(*case, np.random.default_rng(seed)):
        return
    check_total(budget, "there are", most_labels(pool, budget, share, n_all, n_responses))


def test_as_many_labels_as_there_can_be_are_drawn_and_one_more_is_refused():
    """Two prompts with two responses: two pairs of one prompt and four of two, all of them labelled in the end."""
    budget = Budget(n_start=5, n_rounds=1, n_batch=1, n_prompts=2, n_candidates=12)
    case = "mixed", budget, 0.6, 2, 2
    check_pool(*case)
    assert most_labels(*case) == 6
    assert any(rounds_end(*case, np.random.default_rng(seed)) for seed in range(20))
    more = Budget(n_start=5, n_rounds=1, n_batch=2, n_prompts=2, n_candidates=12)
    assert is_refused(check_total, more, "there are", most_labels("mixed", more, 0.6, 2, 2))
    assert not any(rounds_end("mixed", more, 0.6, 2, 2, np.random.default_rng(seed)) for seed in range(20))


def test_a_mixed_pool_with_few_pairs_of_one_kind_offers_the_other_for_a_batch():
    budget = Budget(n_start=5, n_rounds=1, n_batch=15, n_prompts=3, n_candidates=40)
    check_pool("mixed", budget, 0.5, 30, 2)  # three pairs of one prompt and twelve of two make fifteen
