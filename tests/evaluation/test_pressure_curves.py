import numpy as np
import pandas as pd
import pytest

from rmkit.errors import DataError
from rmkit.evaluation.population import EQUAL_SCORES, policy_values
from rmkit.evaluation.pressure_curves import (
    ALARMS,
    curves_of,
    other_draws,
    overoptimisation_rows,
    pressures_of,
    watched_rewards,
)
from rmkit.policies.alarms import in_one_unit
from rmkit.policies.overoptimisation import Resampling

RNG = np.random.default_rng(0)
P, K = 120, 24
NS, KLS = [1, 2, 4, 8, 16, 24], [0.25, 0.5, 1.0, 1.5]
GOLD_PK = RNG.normal(size=(P, K))
FEW = Resampling(n_resamples=100)


GOOD = [GOLD_PK + 0.3 * RNG.normal(size=(P, K)) for _ in range(3)]
HACK_PK = np.where(np.quantile(GOLD_PK, 0.1) > GOLD_PK, 6.0, 0.0)
SCORE_FPK = np.stack([*GOOD, GOOD[0] + HACK_PK, np.zeros((P, K))])
FITS = pd.DataFrame(
    {
        "fit": ["good-0", "good-1", "good-2", "hacked", "flat"],
        "reward_model": ["good"] * 3 + ["good", "flat"],
        "beta": [1.0, 1.0, 1.0, np.nan, 1.0],
        "draw": [0, 1, 2, 0, 0],
    }
)


@pytest.fixture(scope="module")
def rows():
    return overoptimisation_rows(FITS, SCORE_FPK, GOLD_PK, ns=NS, kls=KLS, resampling=FEW)


def one(rows, fit, metric, form="best_of_n", alarm=""):
    found = rows[(rows["fit"] == fit) & (rows["metric"] == metric) & (rows["form"] == form) & (rows["alarm"] == alarm)]
    assert len(found) == 1
    return found.iloc[0]


def test_policies_are_those_of_the_population():
    earned = policy_values(SCORE_FPK[:1], GOLD_PK, ns=NS, kls=KLS)
    for form, pressure in pressures_of(SCORE_FPK[0], NS, KLS).items():
        gained_pn = pressure.gains(GOLD_PK)
        np.testing.assert_allclose(gained_pn, earned[form][0] - GOLD_PK.mean(axis=1)[:, None], atol=1e-10)


def test_a_kl_out_of_reach_and_equal_scores_are_left_out():
    two_pk = np.where(np.arange(K) < K // 2, 0.0, 1.0) + np.zeros((P, 1))
    assert list(pressures_of(two_pk, [], [0.5, 1.0])["kl"].at_n) == [0.5]  # log 2 is the most
    assert "kl" not in pressures_of(two_pk, [2], [1.0])
    assert pressures_of(np.zeros((P, K)), NS, KLS) == {}


def test_draws_of_one_setting_find_each_other():
    assert other_draws(FITS) == [[1, 2], [0, 2], [0, 1], [], []]
    assert other_draws(FITS.drop(columns="draw")) == [[]] * 5


def test_what_an_alarm_watches_knows_nothing_of_gold_and_only_the_ensemble_knows_the_model_itself():
    units_spk = in_one_unit(SCORE_FPK[[0, 1, 2]])
    watched = watched_rewards(SCORE_FPK, 0, [1, 2])
    np.testing.assert_allclose(watched["held_out"], units_spk[1:].mean(axis=0))
    np.testing.assert_allclose(watched["ensemble"], units_spk.mean(axis=0) - units_spk.std(axis=0, ddof=1))
    assert watched_rewards(SCORE_FPK, 3, []) == {}


def test_a_good_model_loses_little_and_a_hacked_one_turns_back(rows):
    good, bad = (one(rows, fit, "gamma") for fit in ("good-0", "hacked"))
    assert good["high"] < 0.15
    assert bad["low"] > 0.5
    assert np.isnan(one(rows, "good-0", "peak")["value"])
    assert "no peak in range" in one(rows, "good-0", "peak")["reason"]
    peak = one(rows, "hacked", "peak")
    assert 0 <= peak["value"] < pressures_of(SCORE_FPK[3], NS, [])["best_of_n"].kl_n[2]


def test_peaks_are_in_nats_along_either_way(rows):
    for form in ("best_of_n", "kl"):
        peak = one(rows, "hacked", "peak", form)
        reached = pressures_of(SCORE_FPK[3], NS, KLS)[form].kl_n
        assert np.isclose(reached, peak["value"]).any()
        assert peak["low"] <= peak["value"] <= peak["high"]


def test_coefficients_of_gold_itself_are_positive_and_do_not_change_with_golds_unit(rows):
    again = overoptimisation_rows(FITS, SCORE_FPK, 5 + 3 * GOLD_PK, ns=NS, kls=[], resampling=FEW)
    for metric in ("gao_alpha", "gao_beta", "gamma"):
        assert one(again, "good-1", metric)["value"] == pytest.approx(one(rows, "good-1", metric)["value"])
    assert one(rows, "good-0", "gao_alpha")["low"] > 0


def test_an_alarm_rings_for_a_model_whose_other_draws_fall_and_says_why_it_is_silent():
    fits = FITS.iloc[[0, 1, 3]].assign(beta=1.0, draw=[0, 1, 2])
    rows = overoptimisation_rows(fits, SCORE_FPK[[0, 1, 3]], GOLD_PK, ns=NS, kls=KLS, resampling=FEW)
    rang = one(rows, "hacked", "alarm", alarm="held_out")
    assert rang["value"] > 0
    late = one(rows, "hacked", "alarm_late_by", alarm="held_out")
    assert late["value"] == pytest.approx(rang["value"] - one(rows, "hacked", "peak")["value"])
    assert one(rows, "hacked", "alarm_lost", alarm="held_out")["value"] > 0
    silent = one(rows, "good-0", "alarm", alarm="ensemble")
    assert np.isnan(silent["value"])
    assert "does not ring" in silent["reason"]


def test_without_another_draw_or_with_equal_scores_there_is_a_reason(rows):
    for alarm in ALARMS:
        assert one(rows, "hacked", "alarm", alarm=alarm)["reason"] == "no other draw of this reward model"
    flat = rows[rows["fit"] == "flat"]
    assert set(flat["reason"]) == {EQUAL_SCORES}
    assert len(flat) == len(rows[rows["fit"] == "hacked"])
    assert rows.loc[rows["value"].isna(), "reason"].notna().all()
    assert rows.loc[rows["value"].notna(), "reason"].isna().all()
    assert not rows.duplicated(["fit", "form", "alarm", "metric"]).any()


def test_too_few_places_are_a_reason_for_what_needs_a_form_alone():
    rows = overoptimisation_rows(FITS[:2], SCORE_FPK[:2], GOLD_PK, ns=[1, 2, 8], kls=[0.5], resampling=FEW)
    for metric in ("gamma", "gao_alpha", "gao_beta", "gao_peak"):
        assert "too few to fit a curve" in one(rows, "good-0", metric)["reason"]
    assert "no peak in range" in one(rows, "good-0", "peak")["reason"]
    assert "one place alone" in one(rows, "good-0", "alarm", "kl", "held_out")["reason"]


def test_curves_for_a_figure_begin_near_the_base_and_are_those_of_the_rows():
    curves = curves_of(FITS, SCORE_FPK, GOLD_PK, ["hacked"], form="best_of_n", places=NS, resampling=FEW)
    proxy, gold = (curves[curves["reward"] == name].set_index("at")["mean"] for name in ("proxy", "gold"))
    assert proxy[1] == pytest.approx(0)
    assert proxy.is_monotonic_increasing
    assert gold[24] < gold[2]
    with pytest.raises(DataError, match="there is no fit 'mine'"):
        curves_of(FITS, SCORE_FPK, GOLD_PK, ["mine"], form="kl", places=KLS)
