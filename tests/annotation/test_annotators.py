"""Annotators against their integral, against many draws, and where gold rewards are equal."""

import numpy as np
import pytest
from scipy.special import expit

from rmkit.annotation.annotators import Annotator, Draws
from rmkit.annotation.calibration import beta_for_agreement, beta_for_error
from rmkit.annotation.habits import Habits, Member, crowd
from rmkit.annotation.label_quality import realised_error
from rmkit.annotation.labels import labelled, noise_rows
from rmkit.annotation.scales import PUBLISHED_SCALES, SCALES, scale_of
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
    gold_m2 = np.array([[0.0, 3.0], [4.0, 0.0]])
    assert scale_of("gap_sd", gold_r, gold_m2=gold_m2) == pytest.approx(np.sqrt((9 + 16) / 2))
    assert scale_of("gap_sd", gold_r, gold_m2=gold_m2[:, ::-1]) == scale_of("gap_sd", gold_r, gold_m2=gold_m2)
    assert scale_of("gold_sd", gold_r, gold_m2=gold_m2) == pytest.approx(gold_r.std())
    assert set(SCALES) == {"none", "fixed", "gold_sd", "gap_sd"}
    assert PUBLISHED_SCALES == {"harmless": 1.0, "helpful": 6.0}
    with pytest.raises(DataError, match=r"^scale: gap_sd is of the pairs that are labelled, and their gold_m2"):
        scale_of("gap_sd", gold_r)
    with pytest.raises(DataError, match=r"^scale: the gold rewards have a standard deviation of 0.0"):
        scale_of("gap_sd", gold_r, gold_m2=np.ones((3, 2)))
    for convention, fixed in (("none", 2.0), ("fixed", None), ("gold_sd", 1.0)):
        with pytest.raises(DataError, match=f"^scale: the convention is {convention} and the fixed number"):
            scale_of(convention, gold_r, fixed)
    with pytest.raises(DataError, match=r"^scale: 'std' is not one of none, fixed, gold_sd, gap_sd$"):
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


ODD = {
    "flip": {"habits": Habits(flip=0.1)},
    "lapse": {"habits": Habits(lapse=0.3)},
    "ties, by a coin": {"habits": Habits(tie_width=0.5)},
    "ties, dropped": {"habits": Habits(tie_width=0.5, ties="drop")},
    "length bias": {"habits": Habits(length_bias=0.7)},
    "position bias": {"habits": Habits(position_bias=-0.6)},
    "drift": {"habits": Habits(drift=0.1)},
    "careless": {"crowd": crowd(careless=0.4, careless_beta=0.2)},
    "dissenting": {"crowd": crowd(dissenting=0.3)},
    "all of it": {
        "habits": Habits(0.05, 0.1, 0.3, "drop", 0.5, 0.4, 0.3),
        "crowd": crowd(careless=0.2, dissenting=0.1),
    },
}
LENGTH = np.random.default_rng(8).gamma(4.0, 20.0, size=GOLD.shape)
TIMES = 40


@pytest.mark.parametrize("beta", [1.5, np.inf])
@pytest.mark.parametrize("name", ODD)
def test_what_is_expected_of_every_kind_of_annotator_comes_out_of_many_draws(name, beta):
    """Two annotators label the pile many times over; a tally of what they said is compared with what was expected."""
    annotator = Annotator(beta, 1.3, **ODD[name])
    tally = {"label": 0, "unequal": 0, "wrong": 0, "both": 0, "same": 0}
    for draw in range(TIMES):
        said, other = (
            annotator.say(GOLD, Draws.of(len(GOLD), [annotator], np.random.default_rng([draw, who])), LENGTH)
            for who in (0, 1)
        )
        truth_m = GOLD[:, 0] > GOLD[:, 1]
        both_m = said.kept_m & other.kept_m
        tally["label"] += said.kept_m.sum()
        tally["wrong"] += (said.label_m != truth_m)[said.kept_m].sum()
        tally["both"] += both_m.sum()
        tally["same"] += (said.label_m == other.label_m)[both_m].sum()
    error = 4 * np.sqrt(0.25 / tally["both"])
    assert abs(tally["wrong"] / tally["label"] - annotator.expected_error(GOLD, LENGTH)) < error
    assert abs(tally["same"] / tally["both"] - annotator.expected_agreement(GOLD, LENGTH)) < error
    assert annotator.gold_accuracy(GOLD, LENGTH) == pytest.approx(1 - annotator.expected_error(GOLD, LENGTH))
    assert annotator.gold_accuracy(GOLD, LENGTH) <= annotator.accuracy_ceiling(GOLD, LENGTH) + 1e-12
    if annotator.habits.ties == "coin":
        assert tally["label"] == TIMES * len(GOLD)
    else:
        assert tally["label"] < TIMES * len(GOLD)


@pytest.mark.parametrize("name", ODD)
def test_every_option_changes_labels(name):
    plain, odd = (
        Annotator(1.5, **options).label(GOLD, np.random.default_rng(1), LENGTH) for options in ({}, ODD[name])
    )
    assert (plain != odd).mean() > (0.005 if name.startswith("ties") else 0.03)


def test_slips_have_a_closed_form():
    """A flip turns the label round, a lapse is right half the time: on normal gaps, from the integral."""
    many = np.stack([np.random.default_rng(3).normal(scale=1.25, size=400_000), np.zeros(400_000)], axis=1)
    plain = Annotator(1.0).error_at_normal_gaps(1.25)
    for habits, expected in (
        (Habits(flip=0.1), 0.1 * (1 - plain) + 0.9 * plain),
        (Habits(lapse=0.2), 0.2 * 0.5 + 0.8 * plain),
    ):
        assert Annotator(1.0, habits=habits).expected_error(many) == pytest.approx(expected, abs=1e-3)
    dissent = Annotator(1.0, crowd=crowd(dissenting=0.25))
    assert dissent.expected_error(many) == pytest.approx(0.25 * (1 - plain) + 0.75 * plain, abs=1e-3)
    mixed = Annotator(1.0, crowd=crowd(careless=0.25, careless_beta=0.1))
    careless = Annotator(0.1).error_at_normal_gaps(1.25)
    assert mixed.expected_error(many) == pytest.approx(0.25 * careless + 0.75 * plain, abs=1e-3)


@pytest.mark.parametrize("beta", [0.5, 1.0, 3.0, 10.0])
def test_the_error_on_normal_gaps_is_the_closed_form(beta):
    gap_m = np.random.default_rng(4).normal(scale=1.25, size=400_000)
    gold_m2 = np.stack([gap_m, np.zeros_like(gap_m)], axis=1)
    label_m = Annotator(beta).label(gold_m2, np.random.default_rng(5))
    sampling = 4 * np.sqrt(0.25 / len(gap_m))
    assert abs(realised_error(label_m, gold_m2) - Annotator(beta).error_at_normal_gaps(1.25)) < sampling


def test_who_is_biased_errs_without_noise_and_gold_falls_short_of_the_ceiling():
    biased = Annotator(np.inf, habits=Habits(length_bias=0.7))
    assert biased.accuracy_ceiling(GOLD, LENGTH) == 1
    assert 0.7 < biased.gold_accuracy(GOLD, LENGTH) < 0.9
    assert biased.expected_agreement(GOLD, LENGTH) == 1


def test_a_drifting_annotator_is_as_sharp_at_the_start_and_duller_at_the_end():
    chance_m = np.abs(Annotator(2.0, habits=Habits(drift=0.1)).prefers_first(np.tile([1.0, 0.0], (3, 1))))
    np.testing.assert_allclose(chance_m, expit([2.0, 2.0 * np.sqrt(0.1), 0.2]))


def test_dropped_ties_leave_fewer_labels_and_cleaner_ones():
    gold_r = np.random.default_rng(0).normal(size=50)
    pairs_m2 = np.random.default_rng(1).permuted(np.tile(np.arange(50), (4000, 1)), axis=1)[:, :2]
    tables = {
        ties: labelled(
            pairs_m2, gold_r, [Annotator(2.0, habits=Habits(tie_width=0.5, ties=ties))], np.random.default_rng(2)
        )
        for ties in ("coin", "drop")
    }
    assert "called_equal" not in tables["drop"]
    kept = tables["coin"][~tables["coin"]["called_equal"]].drop(columns="called_equal").reset_index(drop=True)
    assert kept.equals(tables["drop"])
    errors = [realised_error(t["label"].to_numpy(), gold_r[t[["first", "second"]].to_numpy()]) for t in tables.values()]
    assert errors[1] < errors[0]
    coin = tables["coin"][tables["coin"]["called_equal"]]["label"]
    assert abs(coin.mean() - 0.5) < 4 * np.sqrt(0.25 / len(coin))


def test_a_crowds_labels_say_who_gave_them_and_levels_of_noise_ask_the_same_people():
    gold_r = np.random.default_rng(0).normal(size=50)
    pairs_m2 = np.random.default_rng(1).permuted(np.tile(np.arange(50), (4000, 1)), axis=1)[:, :2]
    people = crowd(careless=0.25, careless_beta=0.1, dissenting=0.25)
    table = labelled(pairs_m2, gold_r, [Annotator(b, crowd=people) for b in (4.0, np.inf)], np.random.default_rng(2))
    noisy, sharp = (level.reset_index(drop=True) for _, level in table.groupby("beta"))
    assert noisy["annotator"].equals(sharp["annotator"])
    shares = noisy["annotator"].value_counts(normalize=True)
    assert dict(shares) == pytest.approx({"careful": 0.5, "careless": 0.25, "dissenting": 0.25}, abs=0.03)
    right = (sharp["label"] == 1) == (gold_r[pairs_m2[:, 0]] > gold_r[pairs_m2[:, 1]])
    by_name = right.groupby(sharp["annotator"]).mean()
    assert by_name["careful"] == 1
    assert by_name["dissenting"] == 0
    assert by_name["careless"] == pytest.approx(0.53, abs=0.06)


def test_plain_annotators_add_no_column():
    table = labelled(np.array([[0, 1]]), np.array([0.0, 1.0]), [Annotator(1.0)], np.random.default_rng(0))
    assert list(table) == ["first", "second", "label", "beta"]


def test_the_rows_of_a_tie_are_its_share():
    annotator = Annotator(1.0, habits=Habits(tie_width=0.5, ties="drop"))
    rows = noise_rows([annotator], GOLD, np.random.default_rng(4), np.random.default_rng(5))
    value = rows.set_index("metric")["value"]
    assert value["realised_tie_share"] == pytest.approx(value["expected_tie_share"], abs=0.03)
    assert value["realised_error"] == pytest.approx(value["expected_error"], abs=0.03)
    everything = Annotator(np.inf, habits=Habits(tie_width=100.0, ties="drop"))
    rows = noise_rows([everything], GOLD, np.random.default_rng(4), np.random.default_rng(5))
    lost = rows[rows["value"].isna()]
    assert set(lost["metric"]) >= {"expected_error", "realised_error", "expected_agreement", "accuracy_ceiling"}
    assert set(lost["reason"]) == {"every pair is called equal and dropped"}


@pytest.mark.parametrize("name", ["flip", "lapse", "ties, by a coin", "length bias", "careless", "dissenting"])
def test_one_can_ask_for_how_often_annotators_agree(name):
    who = Annotator(1.0, 0.7, **ODD[name])
    wanted = {"dissenting": 0.55, "lapse": 0.6}.get(name, 0.72)
    beta = beta_for_agreement(wanted, GOLD, who, LENGTH)
    found = Annotator(beta, 0.7, **ODD[name])
    assert found.expected_agreement(GOLD, LENGTH) == pytest.approx(wanted, abs=1e-8)
    label_m, other_m = (found.label(GOLD, np.random.default_rng(seed), LENGTH) for seed in (1, 2))
    assert abs((label_m == other_m).mean() - wanted) < 4 * np.sqrt(0.25 / len(GOLD))


def test_one_can_ask_for_an_error_and_beta_is_in_units_of_the_scale():
    assert Annotator(beta_for_error(0.2, GOLD)).expected_error(GOLD) == pytest.approx(0.2, abs=1e-8)
    plain, scaled = (beta_for_agreement(0.72, GOLD, Annotator(1.0, scale)) for scale in (1.0, 5.0))
    assert scaled == pytest.approx(5 * plain, rel=1e-6)


@pytest.mark.parametrize("wanted", [0.4, 0.5, 1.0])
def test_an_agreement_out_of_reach_is_refused_with_what_can_be_had(wanted):
    with pytest.raises(DataError, match=rf"^agreement: {wanted} cannot be had .* between 0.500 \(pure noise\) and 0.9"):
        beta_for_agreement(wanted, np.concatenate([GOLD[:900], np.zeros((50, 2))]))
    with pytest.raises(DataError, match=r"^agreement: 0.9 cannot be had .* between 0.500 .* and 0.820"):
        beta_for_agreement(0.9, GOLD, Annotator(1.0, habits=Habits(flip=0.1)))


def test_arrays_that_do_not_fit_are_one_line():
    pairs_m2, rng = np.array([[0, 1], [2, 5]]), np.random.default_rng(0)
    with pytest.raises(DataError, match=r"^pairs_m2, row 1: \[2, 5\] and gold_r has 5 values; positions count from 0"):
        labelled(pairs_m2, np.zeros(5), [Annotator(1.0)], rng)
    with pytest.raises(DataError, match=r"^pairs_m2, row 1: \[2, 5\] and length_r has 3 values"):
        labelled(pairs_m2, np.zeros(6), [Annotator(1.0)], rng, length_r=np.zeros(3))
    with pytest.raises(DataError, match=r"^gold rewards of pair 1: \[0.0, nan\]; both must be finite numbers$"):
        labelled(pairs_m2, np.array([0, 0, 0, 0, 0, np.nan]), [Annotator(1.0)], rng)
    with pytest.raises(
        DataError, match=r"^gold rewards of pairs: shape \(0, 2\); it must be \(M, 2\) with at least one"
    ):
        labelled(np.zeros((0, 2), np.int64), np.zeros(5), [Annotator(1.0)], rng)
    longer = Annotator(1.0, habits=Habits(length_bias=0.5))
    with pytest.raises(DataError, match=r"^annotator: length_bias=0.5, and no lengths were given"):
        longer.label(GOLD, rng)
    with pytest.raises(DataError, match=r"^lengths: of 3 pairs, and gold of 4000; there must be as many$"):
        longer.label(GOLD, rng, np.ones((3, 2)))
    with pytest.raises(DataError, match=r"^lengths of pair 0: \[inf, 1.0\]; both must be finite numbers$"):
        longer.label(GOLD[:1], rng, np.array([[np.inf, 1.0]]))
    with pytest.raises(DataError, match=r"^crowd: shares \[0.5\]; above 0 each, they must add up to 1$"):
        Annotator(1.0, crowd=(Member("few", 0.5),))
