"""The parts of a population give the rows that they would give as populations of their own."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from rmkit.evaluation.gaussian_departure import departure_rows, gamma_spread_rows
from rmkit.evaluation.parts_of_populations import AMONG, HEADS, rows_of_parts
from rmkit.evaluation.population import evaluate_population, population_rows
from rmkit.evaluation.pressure_curves import overoptimisation_rows
from rmkit.study.notebook_side.result_rows import wrong_with
from rmkit.worlds.goodhart import analytic_proxies
from rmkit.worlds.goodhart.analytic_proxies import with_analytic_proxies

RNG = np.random.default_rng(0)
M, P, K = 24, 80, 12
GOLD_PK = RNG.normal(size=(P, K))
HEAD_FPK = GOLD_PK + np.linspace(0.3, 2.5, M)[:, None, None] * RNG.normal(size=(M, P, K))
FITS = pd.DataFrame({"fit": [f"m{m}" for m in range(M)], "reward_model": "noisy", "draw": 0})
SHAPES, ACCURACIES = ["gaussian", "saturated"], [0.65, 0.75, 0.85]
NS, KLS = [1, 2, 4, 8], [0.5]
MEASURING_P = np.arange(P) % 2 == 0


def population(shapes, n_draws=7):
    """Evaluations, their over-optimisation rows, and the rows of each reward model."""
    fits, score_fpk = with_analytic_proxies(
        FITS, HEAD_FPK, GOLD_PK, shapes, ACCURACIES, n_draws, lambda name: np.random.default_rng([*name.encode()])
    )
    evaluations = evaluate_population(
        fits, score_fpk, GOLD_PK, np.arange(P), MEASURING_P, n_responses=K, ns=NS, kls=KLS
    )
    turned = overoptimisation_rows(fits, score_fpk[:, ~MEASURING_P], GOLD_PK[~MEASURING_P], ns=NS, kls=KLS)
    return evaluations, turned, population_rows(evaluations)


MIXED, ALONE = population(SHAPES), population([])
ROWS = rows_of_parts(*MIXED)
AS_THEY_ARE = ["metric", "policy", "value", "low", "high", "units", "estimand"]


def test_heads_alone_have_the_rows_of_a_population_of_heads():
    evaluations, turned, measured = ALONE
    expected = pd.concat([departure_rows(evaluations), gamma_spread_rows(turned, measured)], ignore_index=True)
    heads = ROWS[ROWS[AMONG] == HEADS].reset_index(drop=True)
    pd.testing.assert_frame_equal(heads[AS_THEY_ARE], expected[AS_THEY_ARE])
    assert set(heads["metric"]) == {
        *("departure", "ndr_spread", "ndr_spread_noise", "ndr_spread_beyond_noise", "gamma_spread")
    }
    of_all = departure_rows(MIXED[0])
    assert not np.isclose(of_all["value"], expected["value"][: len(of_all)]).any()  # proxies change what is said of all


def test_each_shape_has_a_departure_with_the_interval_of_its_own_proxies():
    found = ROWS[ROWS["policy"] == "best_of_8"].set_index([AMONG, "metric"]).loc[SHAPES]
    assert list(found.index) == [(shape, "departure") for shape in SHAPES]
    assert set(found["units"]) == {7 * len(ACCURACIES)}
    assert found.loc[("gaussian", "departure"), "low"] < 0 < found.loc[("gaussian", "departure"), "high"]
    assert found.loc[("saturated", "departure"), "low"] > 0
    each, shape = MIXED[2], "saturated"
    of_shape = each[(each["error_shape"] == shape)].pivot_table("value", "fit", ["metric", "policy"])
    accuracy, ratio = of_shape[("accuracy", "")], of_shape[("ndr", "best_of_8")]
    expected = (ratio - 1 - np.cos(np.pi * accuracy)).mean()
    assert found.loc[(shape, "departure"), "value"] == pytest.approx(expected, abs=1e-5)


def test_few_proxies_of_a_shape_say_why_they_have_no_interval():
    few = rows_of_parts(*population(SHAPES[:1], n_draws=2)).query("among == 'gaussian' and policy != 'best_of_1'")
    assert few["no_interval"].str.startswith("6 reward models are too few").all()
    assert few["value"].notna().all()


def test_a_population_without_proxies_has_no_parts():
    assert rows_of_parts(*ALONE).empty
    evaluations, turned, measured = ALONE
    without = replace(evaluations, fits=evaluations.fits.drop(columns="error_shape"))  # as of a stage without proxies
    assert rows_of_parts(without, turned, measured).empty


def test_rows_of_parts_can_be_recorded_and_each_is_told_from_those_of_all():
    rows = pd.concat([departure_rows(MIXED[0]), gamma_spread_rows(*MIXED[1:]), ROWS], ignore_index=True)
    assert wrong_with(rows) is None
    assert not rows.duplicated(["metric", "fit"]).any()


def test_the_word_for_no_error_is_that_of_the_proxies():
    from rmkit.evaluation import parts_of_populations

    assert parts_of_populations.NO_ERROR == analytic_proxies.NO_ERROR
