"""Tables of labels at several levels of noise, and the rows that say what the noise is."""

import numpy as np
import pytest

from rmkit.annotation.annotators import Annotator
from rmkit.annotation.habits import Habits, Member, crowd
from rmkit.annotation.label_quality import realised_error
from rmkit.annotation.labels import labelled, noise_rows
from rmkit.errors import DataError
from tests.annotation.odd_annotators import GOLD


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
    with pytest.raises(DataError, match=r"^length_bias: 0.5, and no lengths were given"):
        longer.label(GOLD, rng)
    with pytest.raises(DataError, match=r"^lengths: of 3 pairs, and gold of 4000; there must be as many$"):
        longer.label(GOLD, rng, np.ones((3, 2)))
    with pytest.raises(DataError, match=r"^lengths of pair 0: \[inf, 1.0\]; both must be finite numbers$"):
        longer.label(GOLD[:1], rng, np.array([[np.inf, 1.0]]))
    with pytest.raises(DataError, match=r"^crowd: shares \[0.5\]; above 0 each, they must add up to 1$"):
        Annotator(1.0, crowd=(Member("few", 0.5),))
