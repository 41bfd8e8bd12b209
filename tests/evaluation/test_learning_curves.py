import numpy as np
import pandas as pd
import pytest

from rmkit.artifacts.evaluations import Evaluations
from rmkit.errors import ResultError
from rmkit.evaluation.contrasts import paired_differences
from rmkit.evaluation.curves import learning_curves
from rmkit.evaluation.on_pairs import NO_PROBABILITY, evaluate_pairs


def evaluation(seed, n=400):
    rng = np.random.default_rng(seed)
    margins = {
        name: pd.DataFrame(rng.normal(shift, 1, (2, n)), index=[10, 100]) for name, shift in (("a", 0.3), ("b", 0.9))
    }
    return evaluate_pairs(margins, {"coin": rng.normal(size=n)}, np.arange(n) // 2)


def test_rows_hold_every_fit_and_metric_and_say_why_a_value_is_missing():
    rows, _ = evaluation(0)
    assert len(rows) == 5 * 5
    assert rows[["fit", "metric"]].duplicated().sum() == 0
    missing = rows[rows["value"].isna()]
    assert set(missing["reward_model"]) == {"coin"}
    assert (missing["reason"] == NO_PROBABILITY).all()
    assert rows[rows["value"].notna()]["reason"].isna().all()
    assert (rows["units"] == 400).all()


def test_a_curve_is_the_mean_over_seeds_of_the_rows():
    seeds = [evaluation(seed) for seed in range(3)]
    curves = learning_curves([evaluations for _, evaluations in seeds], resamples=50).set_index(["fit", "metric"])
    rows = (
        pd.concat([rows for rows, _ in seeds])
        .query("metric != 'ece'")
        .groupby(["fit", "metric"])["value"]
        .mean()
        .dropna()
    )
    pd.testing.assert_series_equal(curves["mean"].sort_index(), rows.sort_index(), check_names=False, rtol=1e-6)
    assert (curves["low"] <= curves["mean"]).all()
    assert (curves["mean"] <= curves["high"]).all()
    assert (curves["seeds"] == 3).all()


def test_a_paired_difference_is_narrower_than_two_intervals_when_prompts_are_shared():
    rng = np.random.default_rng(0)
    hard_m = rng.normal(0, 3, 1000)
    margins = {name: pd.DataFrame((hard_m + shift)[None], index=[10]) for name, shift in (("a", 0.0), ("b", 0.5))}
    _, evaluations = evaluate_pairs(margins, {}, np.arange(1000))
    curves = learning_curves([evaluations]).query("metric == 'log_loss'")
    difference = paired_differences([evaluations], "b", "a").query("metric == 'log_loss'").iloc[0]
    assert difference["mean"] == pytest.approx(curves["mean"].iloc[1] - curves["mean"].iloc[0])
    assert difference["high"] < 0
    assert difference["high"] - difference["low"] < 0.5 * (curves["high"] - curves["low"]).max()


def test_a_baseline_is_held_against_every_count():
    _, evaluations = evaluation(0)
    differences = paired_differences([evaluations], "b", "coin", resamples=50).query("metric == 'accuracy'")
    assert list(differences["annotations"]) == [10, 100]
    with pytest.raises(ResultError, match="no fit of 'c' here; there are a, b, coin"):
        paired_differences([evaluations], "c", "a")


def test_seeds_of_different_studies_do_not_mix():
    one, other = evaluation(0)[1], evaluation(1, n=300)[1]
    with pytest.raises(ResultError, match="different studies"):
        learning_curves([one, other])
    renamed = Evaluations(one.fits.assign(fit=one.fits["fit"] + "x"), one.prompt_id_p, one.units_p, one.values)
    with pytest.raises(ResultError, match="different studies"):
        learning_curves([one, renamed])
