"""Each finding on planted faults and by brute force; nothing is found in random embeddings."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmkit.measures import embedding_health
from rmkit.measures.embedding_health import (
    dominating,
    embedding_findings,
    gold_finding,
    mean_and_spread,
    median_spread,
    repeated_finding,
    row_digests,
    shared_finding,
    spread_units,
)

RNG = np.random.default_rng(0)
EMBEDDING_RD = RNG.normal(size=(400, 20)).astype(np.float16)
PROMPT_R = np.repeat(np.arange(100), 4)
spread = st.just(0.0) | st.floats(1e-290, 1e6)  # what float64 scales by a power of two without rounding
spreads = st.lists(spread, min_size=1, max_size=12).map(np.array)


def found(embedding_rd):
    return {finding.name: finding for finding in embedding_findings(embedding_rd)}


def changed(**columns):
    """The embeddings, these columns multiplied."""
    embedding_rd = EMBEDDING_RD.astype(np.float64)
    for name, factor in columns.items():
        embedding_rd[:, int(name[1:])] *= factor
    return embedding_rd.astype(np.float16)


def test_random_embeddings_and_rewards_give_no_warning():
    every = [*embedding_findings(EMBEDDING_RD), shared_finding(EMBEDDING_RD, RNG.normal(size=(50, 20)).astype("f2"))]
    every.append(gold_finding(RNG.normal(size=400), PROMPT_R))
    assert [finding.name for finding in every if finding.warns] == []
    assert all(str(finding) == f"fine     {finding.sentence}" and finding.sentence.endswith(".") for finding in every)


@pytest.mark.parametrize("numbers", [1, 50, 10**6])
def test_mean_and_spread_in_blocks_are_numpys_and_0_where_only_rounding_is_left(monkeypatch, numbers):
    monkeypatch.setattr(embedding_health, "BLOCK_NUMBERS", numbers)
    embedding_rd = (EMBEDDING_RD + 7).astype(np.float32)
    embedding_rd[:, 3] = 0.1
    mean_d, spread_d = mean_and_spread(embedding_rd)
    np.testing.assert_allclose(mean_d, embedding_rd.astype(float).mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(spread_d, embedding_rd.astype(float).std(axis=0), rtol=1e-9, atol=1e-12)
    assert spread_d[3] == 0


@given(spreads)
def test_dominating_dimensions_and_their_share_by_brute_force(spread_d):
    varying = sorted(spread for spread in spread_d if spread > 0)
    median = varying[(len(varying) - 1) // 2] if varying else 0
    assert median_spread(spread_d) == median
    wide_e, share = dominating(spread_d)
    assert wide_e.tolist() == [d for d, spread in enumerate(spread_d) if spread > 10 * median]
    if len(wide_e):
        total = sum((spread / max(spread_d)) ** 2 for spread in spread_d)
        assert share == pytest.approx(sum((spread_d[d] / max(spread_d)) ** 2 for d in wide_e) / total)
    unit_d = spread_units(spread_d)
    assert (unit_d is None) == (not share > 0.5)
    if unit_d is not None:
        assert (unit_d > 0).all()
        varies_d = spread_d >= 1e-3 * median
        np.testing.assert_array_equal(unit_d[varies_d], spread_d[varies_d])
        np.testing.assert_array_equal(unit_d[~varies_d], median)


@given(spreads, st.floats(1e-3, 1e3))
def test_which_rule_holds_does_not_depend_on_the_unit_of_all_dimensions(spread_d, factor):
    one, other = dominating(spread_d), dominating(spread_d * 2.0 ** round(np.log2(factor)))
    np.testing.assert_array_equal(one[0], other[0])
    assert one[1] == pytest.approx(other[1])


def test_tiny_embeddings_are_told_with_the_steps_that_float16_keeps_of_them():
    finding = found((EMBEDDING_RD.astype(float) * 1e-6).astype(np.float16))["scale"]
    assert finding.warns
    assert finding.sentence == (
        f"The embeddings spread by {finding.value:.3g} (root mean square about their mean), and float16 keeps about 17 "
        "steps of it: bring them in float32, which is enlarged before it is rounded, or multiplied by a power of two."
    )
    assert not found((EMBEDDING_RD.astype(float) * 1e-3).astype(np.float16))["scale"].warns
    equal = found(np.ones((5, 3), np.float16))["scale"]
    assert (equal.warns, equal.value) == (True, 0)
    assert equal.sentence.endswith(": all are equal; bring others.")


def test_dimensions_that_dominate_are_named():
    finding = found(changed(d5=100))["dominating"]
    assert finding.warns
    assert finding.value == pytest.approx(1e4 / (1e4 + 19), abs=0.01)
    assert finding.sentence.startswith(f"1 dimension (5) of 20 holds {finding.value:.1%} of the variance: linear heads")
    assert "2 dimensions (5, 7) of 20 hold" in found(changed(d5=100, d7=90))["dominating"].sentence
    assert not found(changed(d5=8))["dominating"].warns


def test_near_constant_dimensions_warn_where_they_are_many():
    one = found(changed(d4=0))["near_constant"]
    assert (one.warns, one.value, one.sentence) == (False, 0.05, "1 dimension (4) of 20 hardly varies.")
    offset_rd = EMBEDDING_RD.copy()
    offset_rd[:, :7] = 400 + EMBEDDING_RD[:, :7]  # float16 rounds to quarters there
    seven = found(offset_rd)["near_constant"]
    assert not seven.warns, "a spread of 1 at 400 is still seen"
    offset_rd[:, :7] = 1 + 1e-6 * EMBEDDING_RD[:, :7].astype(float)
    seven = found(offset_rd)["near_constant"]
    assert (seven.warns, seven.value) == (True, 0.35)
    assert seven.sentence.startswith("7 dimensions (0, 1, 2, 3, 4, ...) of 20 hardly vary: subtract each dimension's")


@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(1, 60))
def test_repeated_and_shared_responses_by_brute_force(seed, n_train, n_test):
    rng = np.random.default_rng(seed)
    train_rd, test_rd = (rng.integers(0, 3, (n, 3)).astype(np.float16) for n in (n_train, n_test))
    train, test = [tuple(row) for row in train_rd.tolist()], [tuple(row) for row in test_rd.tolist()]
    repeated, shared = repeated_finding(row_digests(train_rd)), shared_finding(train_rd, test_rd)
    assert repeated.value == pytest.approx(sum(train.count(row) > 1 for row in train) / n_train)
    assert shared.value == pytest.approx(sum(row in train for row in test) / n_test)
    assert (repeated.warns, shared.warns) == (repeated.value > 0.2, shared.value > 0.01)


def test_one_far_reward_is_named_with_what_it_does_to_the_unit_of_noise():
    gold_r = RNG.normal(size=400)
    gold_r[42] = 1e4
    finding = gold_finding(gold_r, PROMPT_R)
    rest = np.delete(gold_r, 42).std()
    assert finding.value == pytest.approx(gold_r.std() / rest)
    assert finding.sentence == (
        "1 of 400 gold rewards of the training bank lie far outside, the furthest 10000 (prompt 10, response 2): gold's "
        f"standard deviation is {gold_r.std():.3g} with them, {rest:.3g} without; measured in the larger unit, labels "
        "are near coin flips: correct or clip them in the file, or run with --set scale=fixed --set "
        f"fixed_scale={rest:.3g}."
    )
    assert "--set" not in gold_finding(gold_r, PROMPT_R, "test").sentence
    assert str(finding) == f"WARNING  {finding.sentence}"


@pytest.mark.parametrize(
    ("name", "gold_r"),
    [
        ("equal", np.ones(400)),
        ("one in ten", (np.arange(400) % 10 == 0).astype(float)),
        ("one in a hundred", (np.arange(400) % 100 == 0).astype(float)),
        ("exponential", np.random.default_rng(1).exponential(size=400)),
        ("heavy tails", np.random.default_rng(1).standard_t(4, size=400)),
        ("two far groups", np.repeat([0.0, 1000.0], 200)),
    ],
)
def test_rewards_that_are_merely_skewed_discrete_or_wide_are_not_called_outlying(name, gold_r):
    assert not gold_finding(gold_r, PROMPT_R).warns


def test_a_far_reward_among_equal_ones_is_seen_from_the_twentieths():
    gold_r = (np.arange(400) % 8 == 0).astype(float)  # quartiles are equal, 5% and 95% are not
    gold_r[7] = -1e4
    assert gold_finding(gold_r, PROMPT_R).warns
