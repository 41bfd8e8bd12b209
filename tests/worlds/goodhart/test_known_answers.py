"""All worlds have accuracy 0.75; their policies fall short as the table of published theory and simulation says."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from rmkit.errors import DataError
from rmkit.measures import ranking
from rmkit.measures.bivariate_normal import accuracy_at, correlation_with_noise
from rmkit.worlds.goodhart.error_shapes import SHAPES, proxy
from rmkit.worlds.goodhart.known_answers import (
    RANKED,
    World,
    drop_ratio_rows,
    drop_ratios,
    measured,
    strength_at,
    world,
)

COLUMNS = ["spearman", "n=4", "n=16", "n=64", "n=1024", "KL=0.5", "KL=2", "KL=4"]
ONE_DRAW = {  # simulated once, by other code, two decimals; its number of prompts and responses was not kept
    "gaussian": [0.67, 0.30, 0.29, 0.31, 0.29, 0.30, 0.30, 0.30],
    "uniform": [0.68, 0.27, 0.23, 0.19, 0.13, 0.26, 0.20, 0.15],
    "student_t_2.5": [0.67, 0.32, 0.43, 0.62, 0.90, 0.87, 0.83, 0.79],
    "student_t_1.5": [0.66, 0.33, 0.52, 0.78, 0.98, 0.99, 0.99, 0.99],
    "noisier_where_gold_is_high": [0.65, 0.31, 0.25, 0.29, 0.43, 0.34, 0.37, 0.42],
    "cleaner_where_gold_is_high": [0.67, 0.29, 0.38, 0.51, 0.69, 0.36, 0.51, 0.65],
    "saturated": [0.69, 0.40, 0.53, 0.61, 0.70, 0.45, 0.58, 0.65],
    "rare_hack": [0.67, 0.34, 0.46, 0.58, 0.82, 0.44, 0.60, 0.70],
}
TOLERANCE = 0.03  # two errors of sampling and one of rounding
TOLERANCE_OF_T_AT_KL = 0.15  # there a few responses of the whole bank decide


@pytest.mark.slow
def test_the_table_of_worlds_of_equal_accuracy():
    banks, found = 5, {}
    for shape in ONE_DRAW:
        drawn = (world(shape, 50, 4096, rng) for rng in np.random.default_rng(0).spawn(banks))
        found[shape] = pd.DataFrame([pd.concat([measured(one), drop_ratios(one)]) for one in drawn]).mean()
    found = pd.DataFrame(found).T
    assert list(found.index) == list(SHAPES)
    assert (abs(found["accuracy"] - 0.75) < 0.003).all()
    away = abs(found[COLUMNS] - pd.DataFrame(ONE_DRAW, index=COLUMNS).T)
    of_t = away.loc[["student_t_2.5", "student_t_1.5"], ["KL=0.5", "KL=2", "KL=4"]]
    assert (of_t < TOLERANCE_OF_T_AT_KL).all(axis=None), of_t
    away.loc[of_t.index, of_t.columns] = 0.0
    assert (away < TOLERANCE).all(axis=None), away


@pytest.mark.parametrize(("shape", "accuracy"), [("uniform", 0.65), ("student_t_1.5", 0.75), ("rare_hack", 0.75)])
def test_accuracy_is_as_asked_on_a_fresh_draw(shape, accuracy):
    score_pk, gold_pk = world(shape, 4000, 16, np.random.default_rng(7), accuracy=accuracy)
    accuracy_p = ranking.order_accuracy(score_pk, gold_pk)
    assert abs(accuracy_p.mean() - accuracy) < 4 * accuracy_p.std() / np.sqrt(len(accuracy_p)) + 1e-3


@pytest.mark.parametrize("accuracy", [0.6, 0.75])
def test_the_strength_of_normal_errors_is_the_closed_form(accuracy):
    assert accuracy_at(correlation_with_noise(1.0, strength_at("gaussian", accuracy))) == pytest.approx(
        accuracy, abs=1e-3
    )


@pytest.mark.parametrize("shape", ["noisier_where_gold_is_high", "student_t_2.5"])
def test_drop_ratios_are_those_of_drawing_anew(shape):
    """Best of 16 by drawing 16 and keeping one; no ranks, no weights."""
    rng, strength = np.random.default_rng(3), strength_at(shape)
    gold_pk = rng.normal(size=(60_000, 16))
    score_pk = proxy(shape, gold_pk, strength, rng)
    kept_p, best_p = np.take_along_axis(gold_pk, score_pk.argmax(axis=1)[:, None], axis=1)[:, 0], gold_pk.max(axis=1)
    ratio = 1 - kept_p.mean() / best_p.mean()
    error = (kept_p - (1 - ratio) * best_p).std() / best_p.mean() / np.sqrt(len(kept_p))
    found = drop_ratios(world(shape, 20, 4096, rng), ns=[16], kls=[])
    assert abs(found["n=16"] - ratio) < 4 * error + 0.02  # 0.02: 20 prompts' own error


def test_heavy_tails_defeat_a_kl_penalty_ever_more_as_the_bank_grows():
    ratios = [
        drop_ratios(world("student_t_2.5", 100, k, np.random.default_rng(0)), ns=[], kls=[0.5])["KL=0.5"]
        for k in (64, 512, 4096)
    ]
    assert ratios == sorted(ratios)
    assert ratios[-1] > ratios[0] + 0.2


def test_a_proxy_that_is_gold_falls_short_by_nothing_and_noise_by_everything():
    rng = np.random.default_rng(0)
    gold_pk, noise_pk = rng.normal(size=(2, 400, 64))
    np.testing.assert_allclose(drop_ratios(World(3 * gold_pk + 7, gold_pk), ns=[1 + 1, 16], kls=[0.5]), 0, atol=1e-9)
    np.testing.assert_allclose(drop_ratios(World(noise_pk, gold_pk), ns=[2, 16], kls=[0.5]), 1, atol=0.12)


def test_the_interval_of_drop_ratios_is_students_over_worlds():
    rng = np.random.default_rng(0)
    gold_wpk = rng.normal(size=(6, 40, 32))
    worlds = [World(gold_pk + rng.normal(size=gold_pk.shape), gold_pk) for gold_pk in gold_wpk]
    rows = drop_ratio_rows(worlds, ns=[2, 16], kls=[1.0])
    assert rows["axis"].tolist() == ["n", "n", "nats"]
    assert rows["at"].tolist() == [2, 16, 1.0]
    each = np.array([drop_ratios(one, ns=[2, 16], kls=[1.0]) for one in worlds])
    expected = stats.t.interval(0.95, 5, loc=each.mean(axis=0), scale=stats.sem(each, axis=0))
    np.testing.assert_allclose(rows[["low", "high"]].to_numpy().T, expected)
    assert (rows["low"] < 1 - np.sqrt(0.5)).all()
    assert (rows["high"] > 1 - np.sqrt(0.5)).all()
    with pytest.raises(DataError, match="1 worlds: an interval over worlds takes two or more"):
        drop_ratio_rows(worlds[:1])


def test_correlations_are_measured_on_few_responses():
    drawn = world("gaussian", 30, 64, np.random.default_rng(0))
    few = measured(World(drawn.score_pk[:, :RANKED], drawn.gold_pk[:, :RANKED]))
    assert measured(drawn)["spearman"] == few["spearman"]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: strength_at("saturated", 0.99), r"^saturated: an accuracy of 0\.99; its errors give one between 0\.5\d\d and 0\.9[45]\d$"),
        (lambda: strength_at("gaussian", np.nan), r"^gaussian: an accuracy of nan; its errors give one between"),
        (lambda: world("gaussian", 0, 5, np.random.default_rng(0)), r"^a world of 0 prompts and 5 responses: both must be at least 1$"),
        (lambda: drop_ratios(world("gaussian", 3, 8, np.random.default_rng(0)), ns=[9]), r"^best of 9: n must be a whole number from 1 to 8"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_one_line(call, said):
    with pytest.raises(DataError, match=said):
        call()
