"""Pairs lie where they are said to, use every prompt alike, and say nothing by their order."""

import numpy as np
import pytest

from rmkit.annotation.label_budget import PROMPT_ORDERS, LabelBudget
from rmkit.annotation.pairs import (
    DRAWS,
    annotated,
    every_way,
    pairs_across_prompts,
    pairs_to_label,
    pairs_within_prompts,
)
from rmkit.annotation.pools import CHOICES, POOLS
from rmkit.errors import DataError

GOLD = np.random.default_rng(0).normal(size=(30, 8))
RANK_R = GOLD.argsort(axis=1).argsort(axis=1).reshape(-1)
ALLOWED = {"random": set(range(8)), "similar": {3, 4}, "diversified": {0, 7}}


def fresh():
    return np.random.default_rng(0)


def drawn(pool, n_pairs, choice, seed=0, gold_pk=GOLD):
    return DRAWS[pool](gold_pk, n_pairs, choice, np.random.default_rng(seed))


@pytest.mark.parametrize("choice", CHOICES)
def test_within_prompts_both_answer_one_prompt_and_have_the_ranks_that_were_chosen(choice):
    pair_m2 = drawn("within_prompt", 30, choice)
    assert pair_m2.shape == (30, 2)
    assert pair_m2.dtype == np.int64
    prompt_m2 = pair_m2 // 8
    assert (prompt_m2[:, 0] == prompt_m2[:, 1]).all()
    assert (pair_m2[:, 0] != pair_m2[:, 1]).all()
    assert sorted(prompt_m2[:, 0]) == list(range(30))
    assert set(RANK_R[pair_m2].reshape(-1)) <= ALLOWED[choice]
    if choice != "random":
        assert (np.sort(RANK_R[pair_m2], axis=1) == sorted(ALLOWED[choice])).all()


@pytest.mark.parametrize("choice", CHOICES)
def test_across_prompts_each_is_the_anchor_once_before_any_is_again(choice):
    pair_m2 = drawn("cross_prompt", 75, choice)
    prompt_m2 = pair_m2 // 8
    assert (prompt_m2[:, 0] != prompt_m2[:, 1]).all()
    assert set(RANK_R[pair_m2].reshape(-1)) <= ALLOWED[choice]
    assert np.bincount(prompt_m2.reshape(-1), minlength=30).min() >= 2


def test_every_pair_within_prompts_comes_once_when_all_are_asked_for():
    pair_m2 = drawn("within_prompt", 30 * 28, "random")
    assert len({tuple(sorted(pair)) for pair in pair_m2.tolist()}) == 30 * 28


@pytest.mark.parametrize("pool", POOLS)
def test_the_order_within_a_pair_is_an_even_coin(pool):
    gold_pk = np.random.default_rng(1).normal(size=(2000, 8))
    pair_m2 = drawn(pool, 2000, "diversified", gold_pk=gold_pk)
    gold_m2 = gold_pk.reshape(-1)[pair_m2]
    assert abs((gold_m2[:, 0] > gold_m2[:, 1]).mean() - 0.5) < 4 * np.sqrt(0.25 / 2000)


def test_other_prompts_and_ranks_are_drawn_evenly():
    pair_m2 = drawn("cross_prompt", 60_000, "random")
    counts = np.bincount((pair_m2 // 8).reshape(-1), minlength=30)
    assert np.abs(counts / counts.mean() - 1).max() < 0.06
    counts = np.bincount(RANK_R[pair_m2].reshape(-1), minlength=8)
    assert np.abs(counts / counts.mean() - 1).max() < 0.04


def test_equal_gold_is_ranked_at_random():
    pair_m2 = drawn("within_prompt", 3000, "similar", gold_pk=np.zeros((3000, 4)))
    assert np.abs(np.bincount(pair_m2.reshape(-1) % 4, minlength=4) / 1500 - 1).max() < 0.1


@pytest.mark.parametrize("pool", POOLS)
def test_what_is_drawn_is_among_the_pools_pairs(pool):
    every = POOLS[pool].pair(np.arange(POOLS[pool].n_pairs(4, 5)), 5)
    found = np.sort(drawn(pool, 40, "random", gold_pk=GOLD[:4, :5]), axis=1)
    assert set(map(tuple, found.tolist())) <= set(map(tuple, every.tolist()))


@pytest.mark.parametrize("pool", POOLS)
def test_the_same_seed_gives_the_same_pairs(pool):
    np.testing.assert_array_equal(drawn(pool, 40, "random", seed=3), drawn(pool, 40, "random", seed=3))
    assert (drawn(pool, 40, "random", seed=3) != drawn(pool, 40, "random", seed=4)).any()


def test_wrong_requests_are_one_line():
    rng = np.random.default_rng(0)
    with pytest.raises(DataError, match=r"^n_pairs: 31, and 30 prompts offer 1 similar pair each; say at most 30$"):
        pairs_within_prompts(GOLD, 31, "similar", rng)
    with pytest.raises(DataError, match=r"^n_pairs: 0; give at least 1$"):
        pairs_within_prompts(GOLD, 0, "random", rng)
    with pytest.raises(DataError, match=r"^n_pairs: 1 prompts for cross_prompt pairs; give at least 2$"):
        pairs_across_prompts(GOLD[:1], 5, "random", rng)
    for pool in DRAWS.values():
        with pytest.raises(DataError, match=r"^choice: 'close' is not one of random, similar, diversified$"):
            pool(GOLD, 5, "close", rng)
        with pytest.raises(DataError, match=r"^gold rewards: shape \(30, 1\); it must be \(prompts, K\)"):
            pool(GOLD[:, :1], 5, "random", rng)
        bad = GOLD.copy()
        bad[2, 5] = np.inf
        with pytest.raises(
            DataError, match=r"^gold rewards: prompt 2, response 5 has inf; it must be a finite number$"
        ):
            pool(bad, 5, "random", rng)


def test_every_way_of_choosing_pairs_offers_what_it_has():
    gold_pk = np.random.default_rng(0).normal(size=(6, 5))
    ways = {(choice, pool): pairs_m2 for choice, pool, pairs_m2 in every_way(gold_pk, 40, np.random.default_rng(1))}
    assert set(ways) == {(choice, pool) for choice in CHOICES for pool in POOLS}
    sizes = {way: len(pairs_m2) for way, pairs_m2 in ways.items()}
    assert sizes["random", "within_prompt"] == 40
    assert sizes["similar", "within_prompt"] == sizes["diversified", "within_prompt"] == 6
    assert all(size == 40 for (_, pool), size in sizes.items() if pool == "cross_prompt")
    same_prompt = ways["diversified", "within_prompt"] // 5
    np.testing.assert_array_equal(same_prompt[:, 0], same_prompt[:, 1])


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("pool", POOLS)
def test_by_default_every_label_is_of_a_pair_of_its_own(pool, choice):
    np.testing.assert_array_equal(
        pairs_to_label(GOLD, 25, choice, pool, np.random.default_rng(3)), drawn(pool, 25, choice, seed=3)
    )


@pytest.mark.parametrize("order", PROMPT_ORDERS)
@pytest.mark.parametrize("pool", POOLS)
def test_a_budget_on_few_prompts_stays_on_them(pool, order):
    few = LabelBudget(n_annotated_prompts=5, prompt_order=order)
    pair_m2 = pairs_to_label(GOLD, 100, "random", pool, np.random.default_rng(1), few)
    assert pair_m2.shape == (100, 2)
    seen = set((pair_m2 // 8).ravel())
    assert len(seen) == 5
    assert (seen == set(range(5))) == (order == "file")
    assert len(set((drawn(pool, 100, "random") // 8).ravel())) == 30
    assert ((pair_m2[:, 0] // 8 == pair_m2[:, 1] // 8).all()) == (pool == "within_prompt")


def test_which_few_prompts_is_drawn_evenly():
    drawn_often = np.zeros(30)
    for seed in range(400):
        drawn_often[annotated(LabelBudget(n_annotated_prompts=6), 30, np.random.default_rng(seed))] += 1
    assert np.abs(drawn_often / 80 - 1).max() < 4 * np.sqrt(0.8 / 80)


@pytest.mark.parametrize("pool", POOLS)
def test_repeats_come_one_after_another_out_of_the_same_budget(pool):
    pair_m2 = pairs_to_label(GOLD, 20, "random", pool, np.random.default_rng(1), LabelBudget(labels_per_pair=3))
    assert pair_m2.shape == (20, 2)
    once_m2 = drawn(pool, 7, "random", seed=1)
    np.testing.assert_array_equal(pair_m2, [once_m2[row // 3] for row in range(20)])


def test_in_the_files_order_the_first_prompts_come_first():
    pair_m2 = pairs_to_label(GOLD, 40, "random", "within_prompt", fresh(), LabelBudget(prompt_order="file"))
    np.testing.assert_array_equal(pair_m2[:, 0] // 8, [*range(30), *range(10)])


def test_every_way_keeps_to_the_budget():
    gold_pk = np.random.default_rng(0).normal(size=(6, 5))
    budget = LabelBudget(n_annotated_prompts=3, labels_per_pair=2)
    ways = {f"{choice} {pool}": m2 for choice, pool, m2 in every_way(gold_pk, 40, fresh(), budget)}
    assert {way: len(m2) for way, m2 in ways.items() if "within" in way} == {
        "random within_prompt": 40,
        "similar within_prompt": 6,
        "diversified within_prompt": 6,
    }
    assert all(len(set((m2 // 5).ravel())) <= 3 for m2 in ways.values())
    assert all((m2[0::2] == m2[1::2]).all() for m2 in ways.values())


def test_a_million_pairs_need_no_loop_over_pairs():
    """Even two prompts in half a million passes: as many as a loop in Python would take seconds for."""
    pair_m2 = drawn("cross_prompt", 1_000_000, "random", gold_pk=GOLD[:2])
    assert (np.sort(pair_m2 // 8, axis=1) == [0, 1]).all()


def test_wrong_budgets_are_one_line():
    few, repeated = LabelBudget(n_annotated_prompts=1, prompt_order="file"), LabelBudget(labels_per_pair=2)
    with pytest.raises(DataError, match=r"^n_annotated_prompts: 31 prompts for within_prompt pairs; give 1 to 30$"):
        pairs_to_label(GOLD, 5, "random", "within_prompt", fresh(), LabelBudget(n_annotated_prompts=31))
    bad = GOLD.copy()
    bad[2, 5] = np.nan
    with pytest.raises(DataError, match=r"^gold rewards: prompt 2, response 5 has nan"):
        pairs_to_label(bad, 5, "random", "within_prompt", fresh(), few)
    with pytest.raises(DataError, match=r"^n_labels / labels_per_pair: 31, and 30 prompts offer 1 similar pair each"):
        pairs_to_label(GOLD, 61, "similar", "within_prompt", fresh(), repeated)
    with pytest.raises(DataError, match=r"^pool: 'across' is not one of within_prompt, cross_prompt"):
        pairs_to_label(GOLD, 5, "random", "across", fresh())
