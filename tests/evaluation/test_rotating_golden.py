import numpy as np
import pandas as pd
import pytest
from scipy import stats as scipy_stats

from rmkit.artifacts.metric import Metric
from rmkit.evaluation.population import MEASURES, evaluate_population, population_rows
from rmkit.evaluation.rotating_golden import flip_family, rotating_golden_rows, why_empty

RNG = np.random.default_rng(0)
F, P, K = 11, 80, 12
FLIPS = np.arange(F) * 0.04
TRUTH_PK = RNG.normal(size=(P, K))
SCORE_FPK = TRUTH_PK + (0.3 + 3 * FLIPS)[:, None, None] * RNG.normal(size=(F, P, K))
MEASURING_P = np.arange(P) % 2 == 0
FITS = pd.DataFrame({"fit": [f"m{f}" for f in range(F)], "reward_model": "linear_bt", "draw": 0, "beta": np.inf,
                     "annotations": 400, "flip": FLIPS, "length_bias": 0.0})  # fmt: skip
OPTIONS = {"measures": {name: MEASURES[name] for name in ("accuracy", "kendall")}, "n_responses": 5, "ns": [2, 8]}


def rotated(fits=FITS, score_fpk=SCORE_FPK, **changed):
    return rotating_golden_rows(fits, score_fpk, MEASURING_P, **(OPTIONS | {"kls": [0.5]} | changed))


ROWS = rotated()


def test_the_family_differs_in_flip_alone_and_is_the_first_of_everything_else():
    more = pd.concat(
        [
            FITS.assign(annotations=100),
            FITS[::-1],
            FITS.assign(draw=1),
            FITS.assign(beta=1.0),
            FITS.assign(reward_model="mlp_bt"),
            FITS.assign(length_bias=1.0),
            pd.DataFrame({"fit": ["analytic"], "reward_model": "analytic", "draw": 0}),
        ],
        ignore_index=True,
    )
    family = more.loc[flip_family(more)]
    assert list(family["fit"]) == list(FITS["fit"])
    assert family["annotations"].tolist() == [400] * F
    assert family["draw"].tolist() == [0] * F
    without = FITS[["fit", "reward_model", "flip"]]
    assert list(flip_family(without)) == list(range(F))


def test_every_pair_has_what_the_population_would_have_with_that_golden_as_its_gold():
    golden = 3
    evaluations = evaluate_population(
        FITS.drop(index=golden), np.delete(SCORE_FPK, golden, axis=0), SCORE_FPK[golden], np.arange(P), MEASURING_P,
        kls=[0.5], **OPTIONS,
    )  # fmt: skip
    wanted = population_rows(evaluations)
    wanted = wanted[~wanted["fit"].isin(["gold", "base"])].set_index(["metric", "policy", "fit"])["value"]
    found = ROWS[ROWS["golden"] == "m3"].set_index(["metric", "policy", "fit"])["value"]
    for metric in ("accuracy", "kendall", "ndr"):
        here = found.loc[f"golden_{metric}"]
        assert len(here) == (F - 1) * (3 if metric == "ndr" else 1)
        np.testing.assert_allclose(here, wanted.loc[metric].loc[here.index], rtol=1e-5, atol=1e-6)


def test_all_ordered_pairs_are_there_and_none_of_a_model_with_itself():
    pairs = ROWS[ROWS["metric"] == "golden_accuracy"]
    assert len(pairs) == F * (F - 1)
    assert not (pairs["golden"] == pairs["fit"]).any()
    assert dict(zip(pairs["golden"], pairs["golden_flip"], strict=True)) == dict(zip(FITS["fit"], FLIPS, strict=True))
    gained, lost = (ROWS[ROWS["metric"] == f"golden_{name}"]["value"] for name in ("recovered_gain", "ndr"))
    np.testing.assert_allclose(gained, 1 - lost.to_numpy())


def of_pairs(metric, policy=""):
    here = ROWS[(ROWS["metric"] == metric) & (ROWS["policy"] == policy)]
    return here.set_index(["golden", "fit"])["value"]


def test_correlations_are_over_pairs_pooled_or_the_mean_within_goldens():
    measured, gained = of_pairs("golden_accuracy"), of_pairs("golden_recovered_gain", str(Metric("best_of_n", 8)))
    gained = gained[measured.index]
    found = ROWS[(ROWS["metric"] == "golden_correlation") & (ROWS["measure"] == "accuracy") & (ROWS["n"] == 8)]
    found = found.set_index(["statistic", "over"])
    pooled = scipy_stats.kendalltau(measured, gained).statistic
    within = [scipy_stats.spearmanr(measured[m], gained[m]).statistic for m in FITS["fit"]]
    assert found.loc[("kendall", "pooled"), "value"] == pytest.approx(pooled)
    assert found.loc[("spearman", "within_golden"), "value"] == pytest.approx(np.mean(within))
    ranks = found.loc[["kendall", "spearman"]]
    assert (ranks["low"] < ranks["value"]).all()
    assert (ranks["value"] < ranks["high"]).all()
    assert found.loc["pearson", "no_interval"].str.contains("30").all(), "Pearson's takes more models than these"
    assert set(found["units"]) == {F}


def test_a_golden_without_a_gain_leaves_its_pairs_and_their_correlations_undefined_with_a_reason():
    luck = np.random.default_rng(5).normal(size=(1, K))
    score_fpk = SCORE_FPK[:4].copy()
    score_fpk[2] = luck + np.where(np.arange(P)[:, None] == 1, 1e4 * TRUTH_PK, 0.0)
    rows = rotated(FITS[:4], score_fpk, ns=[8], kls=[])
    drops = rows[(rows["metric"] == "golden_ndr") & (rows["golden"] == "m2")]
    assert drops["value"].isna().all()
    assert drops["reason"].str.contains("less than two standard errors").all()
    correlation = rows[rows["metric"] == "golden_correlation"]
    assert correlation["value"].isna().all()
    assert set(correlation["reason"]) == {"3 of 12 pairs have no value of both"}


def test_fewer_than_three_flips_say_why_there_is_nothing():
    assert rotated(FITS[:2], SCORE_FPK[:2]).empty
    assert why_empty(FITS[:1]) == "1 share of flipped labels: it takes 3 for every model to be golden once"
    assert why_empty(FITS) == ""
    assert why_empty(FITS.assign(flip=np.nan)).startswith("0 shares")


def test_few_models_have_correlations_and_no_interval():
    rows = rotated(FITS[:4], SCORE_FPK[:4])
    found = rows[rows["metric"] == "golden_correlation"]
    assert found["value"].notna().all()
    assert found["low"].isna().all()
    assert (found["no_interval"] != "").all()
