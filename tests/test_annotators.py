"""Annotators against their integral, against many draws, and where gold rewards are equal."""

import numpy as np
import pytest
from scipy.special import expit

from rmkit.annotators import SCALES, Annotator, labelled, noise_rows, realised_error, scale_of
from rmkit.errors import DataError

RNG = np.random.default_rng(0)
GOLD = RNG.normal(size=(4000, 2))


@pytest.mark.parametrize("beta", [0.5, 1.0, 10.0, np.inf])
def test_labels_follow_their_chance(beta):
    annotator = Annotator(beta, scale=1.3)
    label_m = annotator.label(GOLD, np.random.default_rng(1))
    assert label_m.dtype == np.int8
    error = np.sqrt(0.25 / len(GOLD))
    assert abs(label_m.mean() - annotator.prefers_first(GOLD).mean()) < 4 * error
    assert abs(realised_error(label_m, GOLD) - annotator.expected_error(GOLD)) < 4 * error
    other_m = annotator.label(GOLD, np.random.default_rng(2))
    assert abs((label_m == other_m).mean() - annotator.expected_agreement(GOLD)) < 4 * error


def test_the_chance_is_the_sigmoid_of_the_scaled_gap():
    found = Annotator(2.0, scale=4.0).prefers_first(np.array([[1.0, 0.0], [0.0, 6.0]]))
    np.testing.assert_allclose(found, expit([0.5, -3.0]))


def test_errors_that_the_paper_states_come_out_of_the_integral():
    """38% and 5% for the ends of the six levels, with gaps of standard deviation 1.25."""
    expected = {0.5: 0.382, 0.7: 0.343, 1.0: 0.293, 3.0: 0.136, 5.0: 0.086, 10.0: 0.044}
    for beta, error in expected.items():
        assert Annotator(beta).error_at_normal_gaps(1.25) == pytest.approx(error, abs=1.5e-3)
    many = np.stack([np.random.default_rng(3).normal(scale=1.25, size=400_000), np.zeros(400_000)], axis=1)
    assert Annotator(1.0).expected_error(many) == pytest.approx(Annotator(1.0).error_at_normal_gaps(1.25), abs=1e-3)
    assert Annotator(3.0, scale=3.0).error_at_normal_gaps(1.25) == pytest.approx(
        Annotator(1.0).error_at_normal_gaps(1.25)
    )


def test_without_noise_labels_are_the_gold_order_and_an_even_coin_on_ties():
    annotator = Annotator(np.inf)
    assert annotator.expected_error(GOLD) == annotator.error_at_normal_gaps(1.0) == 0
    assert annotator.accuracy_ceiling(GOLD) == annotator.expected_agreement(GOLD) == 1
    assert realised_error(annotator.label(GOLD, RNG), GOLD) == 0
    tied = np.zeros((4000, 2))
    assert 0.45 < annotator.label(tied, np.random.default_rng(0)).mean() < 0.55
    assert annotator.accuracy_ceiling(tied) == annotator.expected_agreement(tied) == 0.5
    assert np.isnan(annotator.expected_error(tied))
    assert np.isnan(realised_error(np.ones(4000), tied))


def test_no_reward_beats_the_ceiling_and_gold_reaches_it():
    annotator = Annotator(1.0)
    chance_m = annotator.prefers_first(GOLD)
    gold_right = np.where(GOLD[:, 0] > GOLD[:, 1], chance_m, 1 - chance_m).mean()
    assert gold_right == pytest.approx(annotator.accuracy_ceiling(GOLD))
    for _ in range(20):
        guess_m = RNG.random(len(GOLD)) < 0.5
        assert np.where(guess_m, chance_m, 1 - chance_m).mean() < annotator.accuracy_ceiling(GOLD)


def test_a_sharper_annotator_errs_on_a_part_of_the_same_pairs():
    """Common random numbers: whoever is right at a low beta stays right at a higher one."""
    right = [
        (Annotator(beta).label(GOLD, np.random.default_rng(5)) == 1) == (GOLD[:, 0] > GOLD[:, 1])
        for beta in (0.5, 1.0, 5.0)
    ]
    assert right[0].mean() < right[1].mean() < right[2].mean()
    assert (right[0] <= right[1]).all()
    assert (right[1] <= right[2]).all()


def test_scales_have_names():
    gold_r = np.array([0.0, 2.0, 4.0])
    assert scale_of("none", gold_r) == 1
    assert scale_of("fixed", gold_r, 6.0) == 6
    assert scale_of("gold_sd", gold_r) == pytest.approx(gold_r.std())
    assert set(SCALES) == {"none", "fixed", "gold_sd"}
    for convention, fixed in (("none", 2.0), ("fixed", None), ("gold_sd", 1.0)):
        with pytest.raises(DataError, match=f"^scale: the convention is {convention} and the fixed number"):
            scale_of(convention, gold_r, fixed)
    with pytest.raises(DataError, match=r"^scale: 'std' is not one of none, fixed, gold_sd$"):
        scale_of("std", gold_r)
    with pytest.raises(
        DataError, match=r"^scale: the gold rewards have a standard deviation of 0.0; they must differ$"
    ):
        scale_of("gold_sd", np.ones(3))


def test_wrong_pairs_are_one_line():
    for beta, scale in ((0.0, 1.0), (-1.0, 1.0), (np.nan, 1.0), (1.0, 0.0), (1.0, np.inf)):
        with pytest.raises(DataError, match=r"^annotator: beta=.*; beta must be above 0, scale as well$"):
            Annotator(beta, scale)
    with pytest.raises(DataError, match=r"^gold rewards of pair 1: \[0.0, nan\]; both must be finite numbers$"):
        Annotator(1.0).label(np.array([[0.0, 1.0], [0.0, np.nan]]), RNG)
    for wrong in (np.zeros((0, 2)), np.zeros(4), np.zeros((3, 3))):
        with pytest.raises(DataError, match=r"it must be \(M, 2\) with at least one pair$"):
            Annotator(1.0).prefers_first(wrong)


def test_every_annotator_labels_the_same_pairs_with_the_same_numbers():
    gold_r = np.random.default_rng(0).normal(size=50)
    pairs_m2 = np.random.default_rng(1).permuted(np.tile(np.arange(50), (400, 1)), axis=1)[:, :2]
    annotators = [Annotator(0.5), Annotator(3.0), Annotator(np.inf)]
    table = labelled(pairs_m2, gold_r, annotators, np.random.default_rng(2))
    assert table["beta"].tolist() == [0.5] * 400 + [3.0] * 400 + [np.inf] * 400
    by_level = table["label"].to_numpy().reshape(3, 400)
    for annotator, label_m in zip(annotators, by_level, strict=True):
        alone_m = annotator.label(gold_r[pairs_m2], np.random.default_rng(2))
        np.testing.assert_array_equal(label_m, alone_m)
    truth_m = gold_r[pairs_m2[:, 0]] > gold_r[pairs_m2[:, 1]]
    wrong = by_level != truth_m
    assert (wrong[1] <= wrong[0]).all()
    assert not wrong[2].any()


def test_noise_rows_agree_with_the_annotators_own_figures():
    gold_m2 = np.random.default_rng(3).normal(size=(20_000, 2))
    rows = noise_rows([Annotator(1.0)], gold_m2, np.random.default_rng(4), np.random.default_rng(5))
    value = rows.set_index("metric")["value"]
    assert value["expected_error"] == Annotator(1.0).expected_error(gold_m2)
    assert value["realised_error"] == pytest.approx(value["expected_error"], abs=0.015)
    assert value["realised_agreement"] == pytest.approx(value["expected_agreement"], abs=0.015)
    assert value["expected_error"] == pytest.approx(Annotator(1.0).error_at_normal_gaps(np.sqrt(2)), abs=0.01)


def test_an_error_without_unequal_pairs_is_missing_with_a_reason():
    rows = noise_rows([Annotator(1.0)], np.ones((5, 2)), np.random.default_rng(4), np.random.default_rng(5))
    errors = rows[rows["metric"].isin(["expected_error", "realised_error"])]
    assert errors["value"].isna().all()
    assert set(errors["reason"]) == {"no pair has unequal gold rewards"}
    assert rows[~rows.index.isin(errors.index)]["reason"].isna().all()
