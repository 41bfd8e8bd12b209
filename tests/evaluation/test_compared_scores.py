"""Judges on one set of pairs: tests against enumeration and closed forms, tiers, sections, and their error rates."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from rmkit.evaluation.compared_scores import (
    MCNEMAR,
    OWN_COUNTS,
    SECTIONS,
    SIGN_FLIP,
    JudgedPairs,
    accuracies_of,
    by_prompt,
    compare,
    differences_of,
    exact_sign_flip,
    n_marks,
    rulers_of,
    tiers_of,
)
from rmkit.intervals.many import holm
from rmkit.intervals.means import bootstrap_over_prompts, paired_difference


def judged(credit_km, prompts=None, **more):
    credit_km = np.asarray(credit_km, dtype=float)
    names = tuple(f"j{k}" for k in range(len(credit_km)))
    prompt_m = np.arange(credit_km.shape[1]) if prompts is None else np.asarray(prompts)
    return JudgedPairs(names, credit_km, prompt_m, **more)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.integers(-5, 5), max_size=9))
def test_sign_flips_are_all_enumerated(differences):
    sums = [abs(np.dot(signs, differences)) for signs in product((-1, 1), repeat=len(differences))]
    wanted = np.mean([total >= abs(sum(differences)) for total in sums])
    assert exact_sign_flip(np.array(differences, dtype=int)) == pytest.approx(wanted)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 5))
def test_mcnemar_is_the_binomial_test_of_the_pairs_on_which_two_judges_disagree(first, second, both):
    credit = [[1] * first + [0] * second + [1] * both + [1], [0] * first + [1] * second + [1] * both + [1]]
    row = differences_of(judged(credit)).iloc[0]
    wanted = binomtest(first, first + second).pvalue if first + second else 1.0
    assert row["test"] == MCNEMAR
    assert row["p"] == pytest.approx(wanted)
    assert row["value"] == pytest.approx(abs(first - second) / len(credit[0]))
    assert row["name"] == ("j0" if first >= second else "j1")


def test_many_pairs_are_counted_as_exactly_as_few():
    """Ones alone, where the binomial test knows it, and sizes so many that the convolution is by Fourier transforms."""
    ones = np.repeat([1, -1], [20_300, 19_700])
    assert exact_sign_flip(ones) == pytest.approx(binomtest(20_300, 40_000).pvalue, rel=1e-9)
    halves = np.concatenate([ones, 2 * ones[::2]])
    assert exact_sign_flip(halves) == pytest.approx(2 * _normal_tail(halves), rel=0.02)


def _normal_tail(difference_p):
    from scipy.stats import norm

    return norm.sf((abs(difference_p.sum()) - 0.5) / np.sqrt((difference_p**2).sum()))


@pytest.mark.parametrize(
    ("credit", "prompts"),
    [([[1, 1, 0], [0, 1, 0.5]], [0, 1, 2]), ([[1, 1, 0], [0, 1, 1]], [0, 0, 2])],
    ids=["a tie", "two pairs of a prompt"],
)
def test_mcnemar_is_left_where_it_does_not_fit(credit, prompts):
    assert differences_of(judged(credit, prompts))["test"].tolist() == [SIGN_FLIP]


def test_pairs_of_a_prompt_flip_together():
    """Eight equal pairs of two prompts are two observations, not eight."""
    credit = [[1] * 8, [0] * 8]
    assert differences_of(judged(credit))["p"].item() == pytest.approx(2 / 2**8)
    assert differences_of(judged(credit, [0] * 4 + [1] * 4))["p"].item() == pytest.approx(2 / 2**2)


def test_intervals_are_those_over_prompts_and_every_pair_of_judges_is_there():
    rng = np.random.default_rng(0)
    prompts = rng.integers(0, 40, 120)
    pairs = judged(rng.choice([0, 0.5, 1], size=(4, 120)), prompts)
    value_kp, pairs_p = by_prompt(pairs.credit_km, np.ones(120), prompts)
    table, accuracies = differences_of(pairs), accuracies_of(pairs).set_index("name")
    assert len(table) == 6
    np.testing.assert_allclose(table["p_holm"], holm(table["p"]))
    assert (table["value"] >= 0).all()
    for row in table.itertuples():
        first, second = (int(name[1]) for name in (row.name, row.other))
        (wanted,) = paired_difference(value_kp[first], value_kp[second], pairs_p, rng=np.random.default_rng(0))
        assert (row.value, row.low, row.high) == pytest.approx((wanted.estimate, wanted.low, wanted.high))
        assert row.value == pytest.approx(pairs.credit_km[first].mean() - pairs.credit_km[second].mean())
    (wanted,) = bootstrap_over_prompts(value_kp[2], pairs_p, rng=np.random.default_rng(0))
    assert accuracies.loc["j2", ["value", "low", "high"]].tolist() == pytest.approx(
        [wanted.estimate, wanted.low, wanted.high]
    )
    assert accuracies.loc["j2", "ties"] == (pairs.credit_km[2] == 0.5).sum()


def test_few_prompts_have_an_accuracy_and_a_reason():
    table = accuracies_of(judged([[1, 0, 1]]))
    assert table["low"].isna().all()
    assert "3 prompts are too few" in table["reason"].item()


@pytest.mark.parametrize(
    ("apart", "tiers"),
    [
        (set(), [1, 1, 1, 1]),
        ({("a", "c"), ("a", "d")}, [1, 1, 2, 2]),
        ({("a", "c"), ("a", "d"), ("c", "d")}, [1, 1, 2, 3]),
        ({("b", "c"), ("a", "d")}, [1, 1, 1, 2]),
        ({("a", "b")}, [1, 2, 2, 2]),
    ],
)
def test_a_tier_ends_where_a_judge_is_distinguished_from_its_first(apart, tiers):
    assert tiers_of(["a", "b", "c", "d"], apart) == tiers


def test_the_best_come_first_and_rulers_last():
    rng = np.random.default_rng(1)
    good, bad = rng.random((2, 200)) < [[0.9], [0.5]]
    found = compare(judged([bad, good, good], rulers={"longest": bad.astype(float)})).accuracies
    assert found["name"].tolist() == ["j1", "j2", "j0", "longest"]
    assert found["tier"].tolist()[:3] == [1, 1, 2]
    assert found["tier"].isna().tolist() == [False] * 3 + [True]


def test_a_section_is_rewardbenchs_average():
    """Weighted by nominal numbers: mathematics counts 984 of 1,968, however many of its pairs are there."""
    names = [*["math-prm"] * 30, *["hep-cpp"] * 50, *["hep-go"] * 20, *["mine"] * 10]
    credit = np.random.default_rng(0).choice([0.0, 1.0], size=110)
    table = accuracies_of(judged([credit], category_m=np.array(names, dtype=object)))
    means = table[table["part"] == "category"].set_index("category")["value"]
    (row,) = table[table["part"] == "section"].itertuples()
    wanted = (984 * means["math-prm"] + 164 * means["hep-cpp"] + 164 * means["hep-go"]) / (984 + 2 * 164)
    assert row.value == pytest.approx(wanted)
    assert (row.category, row.pairs, row.whole) == ("Reasoning", 100, 447 + 6 * 164)
    assert row.low < wanted < row.high


def test_the_sections_have_the_sizes_of_rewardbench():
    sizes = {
        name: sum(OWN_COUNTS.get(subset, n) for subset, n in subsets.items()) for name, subsets in SECTIONS.items()
    }
    assert sizes == {"Chat": 358, "Chat Hard": 456, "Safety": 740, "Reasoning": 1431}
    assert sum(sizes.values()) == 2985


def test_subsets_of_their_nominal_size_make_a_section_the_mean_over_pairs():
    subsets = {name: n for name, n in SECTIONS["Chat Hard"].items() if name.startswith("llmbar")}
    names = np.repeat(np.array(list(subsets), dtype=object), list(subsets.values()))
    credit = np.random.default_rng(0).choice([0.0, 0.5, 1.0], size=len(names))
    table = accuracies_of(judged([credit], category_m=names))
    (row,) = table[table["part"] == "section"].itertuples()
    assert (row.pairs, row.whole) == (419, 456)
    assert row.value == pytest.approx(credit.mean())


def test_rulers_read_nothing():
    rulers = rulers_of(["long", "a", "# b\n- c\n**d**", "same"], ["no", "bb", "b c d e f g h i", "text"])
    assert rulers["longer"].tolist() == [1, 0, 0, 0.5]
    assert rulers["shorter"].tolist() == [0, 1, 1, 0.5]
    assert rulers["more formatted"].tolist() == [0.5, 0.5, 1, 0.5]


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("plain, 3 * 4 - 5", 0), ("# A\n## B", 2), ("- a\n* b\n1. c\n  2) d", 4), ("**a** and **b**", 2),
        ("```py\nx\n```", 2), ("a `b` c", 1), ("[a](b)", 1), ("| a | b |", 3), ("> a", 1), ("#no heading", 0), ("", 0),
    ],
)  # fmt: skip
def test_marks_of_markdown_are_counted(text, marks):
    assert n_marks(text) == marks


def test_counting_marks_takes_no_longer_than_the_text_is_long():
    for text in ("**" * 200_000, "`" * 400_000, "*" * 400_001, " " * 400_000, "1" * 400_000):
        assert n_marks(text) >= 0


@pytest.mark.parametrize("pairs_a_prompt", [1, 4])
@pytest.mark.slow
def test_with_no_difference_any_is_claimed_in_at_most_a_twentieth_of_studies(pairs_a_prompt):
    """Five judges, equally good, that share hard prompts; with four pairs a prompt, a judge has prompts of its own too.

    1.96 standard errors of 600 studies above 5% are 6.7%. Tests of single pairs would claim one in a fifth of the latter.
    """
    rng, studies, false, by_pairs = np.random.default_rng(3), 600, 0, 0
    n_prompts = 60
    for _ in range(studies):
        prompts = np.repeat(np.arange(n_prompts), pairs_a_prompt)
        ease_p, own_kp = rng.normal(0.8, 1, n_prompts), rng.normal(0, 1.5 * (pairs_a_prompt > 1), (5, n_prompts))
        credit = rng.random((5, len(prompts))) < 1 / (1 + np.exp(-(ease_p + own_kp)[:, prompts]))
        false += holm(_p_values(credit, prompts)).min() < 0.05
        by_pairs += holm(_p_values(credit, np.arange(len(prompts)))).min() < 0.05
    assert false / studies < 0.05 + 1.96 * np.sqrt(0.05 * 0.95 / studies)
    assert pairs_a_prompt == 1 or by_pairs / studies > 0.1


def _p_values(credit_km, prompts):
    """What `differences_of` tests with, without its intervals: checked below to be the same."""
    value_kp, pairs_p = by_prompt(np.asarray(credit_km, float), np.ones(len(prompts)), prompts)
    sums = np.rint(2 * value_kp * pairs_p).astype(int)
    return [exact_sign_flip(sums[i] - sums[j]) for i in range(len(sums)) for j in range(i + 1, len(sums))]


def test_the_simulation_tests_as_the_table_does():
    rng = np.random.default_rng(0)
    prompts = rng.integers(0, 30, 90)
    credit = rng.choice([0, 0.5, 1], size=(4, 90))
    assert sorted(_p_values(credit, prompts)) == pytest.approx(sorted(differences_of(judged(credit, prompts))["p"]))


def test_the_smallest_difference_is_found_four_times_of_five():
    """Two judges of 400 pairs that disagree on 30% of them, the true difference as large as the table says."""
    rng, found, differ = np.random.default_rng(0), 0, 0.3
    flat = differences_of(judged([np.repeat([1, 0, 1], [60, 60, 280]), np.repeat([0, 1, 1], [60, 60, 280])]))
    smallest = flat["smallest_seen"].item()
    for _ in range(400):
        draw = rng.choice([1, -1, 0], size=400, p=[(differ + smallest) / 2, (differ - smallest) / 2, 1 - differ])
        found += exact_sign_flip(draw) < 0.05
    assert 0.72 < found / 400 < 0.86


def test_judges_that_agree_everywhere_have_no_smallest_difference():
    row = differences_of(judged(np.ones((2, 30)))).iloc[0]
    assert row["p"] == 1
    assert np.isnan(row["smallest_seen"])
    assert not row["distinguished"]


def test_one_judge_has_no_differences():
    found = compare(judged([[1, 0, 1]]))
    assert found.differences.empty
    assert isinstance(found.differences, pd.DataFrame)
    assert found.accuracies["tier"].tolist() == [1]
