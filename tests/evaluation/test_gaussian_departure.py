import numpy as np
import pandas as pd
import pytest

from rmkit.evaluation.gaussian_departure import (
    METRICS,
    Tables,
    departure,
    departure_rows,
    gamma_spread_rows,
    spread,
    spread_noise,
)
from rmkit.evaluation.population import MEASURES, evaluate_population, population_rows
from rmkit.policies.gaussian_rewards import drop_ratio_at

RNG = np.random.default_rng(0)
M, P, K = 24, 400, 16
GOLD_PK = RNG.normal(size=(P, K))
NOISE_M = np.linspace(0.3, 2.5, M)
FITS = pd.DataFrame({"fit": [f"m{m}" for m in range(M)], "reward_model": "noisy"})
MEASURING_P = np.arange(P) % 2 == 0
OPTIONS = {"n_responses": 16, "ns": [2, 8], "kls": [0.5]}


def evaluated(score_fpk, gold_pk=GOLD_PK, **changed):
    return evaluate_population(
        FITS[: len(score_fpk)], score_fpk, gold_pk, np.arange(len(gold_pk)), MEASURING_P[: len(gold_pk)],
        **(OPTIONS | changed),
    )  # fmt: skip


GAUSSIAN = GOLD_PK + NOISE_M[:, None, None] * RNG.normal(size=(M, P, K))
EVALUATIONS = evaluated(GAUSSIAN)
ROWS = departure_rows(EVALUATIONS).set_index(["metric", "policy"])


def test_the_departure_is_the_mean_of_ratios_less_the_curve():
    rows = population_rows(EVALUATIONS)
    rows = rows[rows["fit"].str.startswith("m")]
    accuracy = rows[rows["metric"] == "accuracy"].set_index("fit")["value"]
    ratio = rows[(rows["metric"] == "ndr") & (rows["policy"] == "best_of_8")].set_index("fit")["value"]
    expected = (ratio - drop_ratio_at(accuracy[ratio.index])).mean()
    assert ROWS.loc[("departure", "best_of_8"), "value"] == pytest.approx(expected, abs=1e-5)


def test_gaussian_proxies_do_not_depart_and_saturated_ones_do():
    found = ROWS.loc["departure"]
    assert list(found.index) == ["best_of_2", "best_of_8", "kl_0.5"]
    assert (found["low"] < 0.03).all()
    assert (found["high"] > -0.03).all()
    saturated = np.minimum(GOLD_PK, -0.5) + 0.3 * RNG.normal(size=(M, P, K))
    bad = departure_rows(evaluated(saturated)).set_index(["metric", "policy"])
    assert bad.loc[("departure", "best_of_8"), "low"] > 0.05


def test_the_interval_of_a_departure_covers_new_models_and_new_prompts():
    """Tables of a known law: the departure's truth is 0.1, each model and each prompt adds its own error."""
    held, draws, rng = 0, 60, np.random.default_rng(1)
    for _ in range(draws):
        ratio_m = drop_ratio_at(0.75) + 0.1 + 0.1 * rng.normal(size=M)
        drop_mq = ratio_m[:, None] + 0.5 * rng.normal(size=100) + 0.3 * rng.normal(size=(M, 100))
        tables = Tables(np.full((M, 100), 0.75), drop_mq, np.ones(100))
        interval = departure(tables, rng, 200, 0.95)
        held += interval.low <= 0.1 <= interval.high
    assert held >= 51  # of a nominal 57; rather too many than too few


def parabola(noise, rng, n_models=M):
    """Models whose ratio is a parabola in accuracy and an error of this size; prompts are all alike."""
    accuracy_m = np.linspace(0.55, 0.9, n_models)
    ratio_m = 2 - 3 * accuracy_m + accuracy_m**2 + noise * rng.normal(size=n_models)
    shape = (n_models, 30)
    return Tables(np.broadcast_to(accuracy_m[:, None], shape), np.broadcast_to(ratio_m[:, None], shape), np.ones(30))


def test_the_spread_is_the_residual_standard_deviation_and_its_interval_covers_it():
    rng, found = np.random.default_rng(2), []
    for _ in range(200):
        interval = spread(parabola(0.05, rng), 0.0, 0.95)
        found.append((interval.estimate**2, interval.low <= 0.05 <= interval.high))
    squares, held = np.array(found).T
    assert squares.mean() == pytest.approx(0.05**2, rel=0.1)  # M - 3 in the denominator
    assert 0.88 <= held.mean() <= 0.99


def test_the_noise_of_prompts_alone_is_the_spread_where_models_differ_in_nothing_else():
    rng = np.random.default_rng(3)
    spreads, noises = [], []
    for _ in range(30):
        exact = parabola(0.0, rng)
        drop_mq = exact.drop_mq[:, :1] + 0.4 * rng.normal(size=(M, 100))
        tables = Tables(np.repeat(exact.accuracy_mp[:, :1], 100, axis=1), drop_mq, np.ones(100))
        spreads.append(spread(tables, 0.0, 0.95).estimate ** 2)
        noises.append(spread_noise(tables, rng, 100, 0.95).estimate ** 2)
    assert np.mean(noises) == pytest.approx(0.4**2 / 100, rel=0.1)
    assert np.mean(spreads) == pytest.approx(np.mean(noises), rel=0.2)


def test_the_spread_beyond_noise_is_what_is_left_of_both():
    assert set(ROWS.index.get_level_values("metric")) == set(METRICS)
    whole, noise, beyond = (ROWS.loc[name]["value"] for name in METRICS[1:])
    assert beyond.to_numpy() == pytest.approx(np.sqrt(np.maximum(0, whole**2 - noise**2)))


def turned(gamma_m, half=0.02, form="kl"):
    names = [f"m{m}" for m in range(len(gamma_m))]
    return pd.DataFrame(
        {"fit": names, "metric": "gamma", "form": form, "value": gamma_m, "low": gamma_m - half, "high": gamma_m + half}
    )


def test_the_spread_of_gamma_is_about_a_parabola_of_accuracy_without_gammas_noise():
    rng, accuracy_m = np.random.default_rng(5), np.linspace(0.55, 0.9, 60)
    measured = pd.DataFrame({"fit": [f"m{m}" for m in range(60)], "metric": "accuracy", "value": accuracy_m})
    exact_m = 2 - 3 * accuracy_m + accuracy_m**2
    noisy = pd.concat([turned(exact_m + 0.1 * rng.normal(size=60)), turned(exact_m, form="best_of_n")])
    rows = gamma_spread_rows(noisy, measured).set_index("form")
    assert rows.loc["kl", "low"] < 0.1 < rows.loc["kl", "high"]
    assert rows.loc["kl", "units"] == 60
    assert rows.loc["best_of_n", "value"] == pytest.approx(0, abs=1e-6)
    few = gamma_spread_rows(turned(exact_m[:3]), measured)
    assert few["reason"].item() == "3 reward models have a gamma with its interval"


def test_what_cannot_be_said_has_a_reason():
    few = departure_rows(evaluated(GAUSSIAN[:6])).set_index(["metric", "policy"])
    assert "6 reward models are too few" in few.loc[("departure", "best_of_2"), "no_interval"]
    assert few.loc[("ndr_spread", "best_of_2"), "value"] > 0
    without = departure_rows(evaluated(GAUSSIAN, measures={"kendall": MEASURES["kendall"]}))
    assert set(without["reason"]) == {"accuracy is not among the measures"}
    no_gain = departure_rows(evaluated(GAUSSIAN[:, :4], np.repeat(GOLD_PK[:4, :1], K, axis=1)))
    assert no_gain["reason"].str.contains("less than two standard errors|no value").all()
    assert no_gain["value"].isna().all()
