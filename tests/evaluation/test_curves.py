import numpy as np
import pandas as pd
import pytest

from rmkit.artifacts.evaluations import Evaluations
from rmkit.errors import ResultError
from rmkit.evaluation.curves import gold_curves, learning_curves
from rmkit.intervals.means import over_seeds_and_prompts
from tests.evaluation.seeds import FITS, N_PROMPTS, SEEDS, evaluation


def test_a_row_for_each_fit_and_metric_with_n_where_there_is_one():
    curves = gold_curves(SEEDS)
    assert len(curves) == 8
    assert curves.set_index("metric")["n"].groupby(level=0).first().to_dict() == {
        "accuracy": pytest.approx(np.nan, nan_ok=True),
        "best_of_n": 4.0,
    }
    assert (curves["seeds"] == 5).all()
    assert set(curves["estimand"]) == {"new seeds, new prompts"}


def test_the_interval_is_that_of_the_table_of_seeds_and_prompts():
    row = gold_curves(SEEDS, ["accuracy"]).set_index("fit").loc["a-2"]
    interval = over_seeds_and_prompts(np.stack([one.values["accuracy"][1] for one in SEEDS]).astype(float))
    assert (row["mean"], row["low"], row["high"]) == (interval.estimate, interval.low, interval.high)


def test_one_seed_has_an_interval_for_these_fits_and_two_have_none_with_a_reason():
    assert set(gold_curves(SEEDS[:1])["estimand"]) == {"new prompts, these fits"}
    two = gold_curves(SEEDS[:2])
    assert two["low"].isna().all()
    assert two["reason"].str.contains("2 seeds are too few").all()


def test_prompts_without_anything_to_order_are_left_out():
    seeds = []
    for one in SEEDS:
        value_fp = one.values["accuracy"].copy()
        value_fp[:, 3] = np.nan
        seeds.append(Evaluations(FITS, one.prompt_id_p, one.units_p, {"accuracy": value_fp}))
    assert set(gold_curves(seeds)["prompts"]) == {N_PROMPTS - 1}


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


def test_seeds_of_different_studies_do_not_mix():
    one, other = evaluation(0)[1], evaluation(1, n=300)[1]
    with pytest.raises(ResultError, match="different studies"):
        learning_curves([one, other])
    renamed = Evaluations(one.fits.assign(fit=one.fits["fit"] + "x"), one.prompt_id_p, one.units_p, one.values)
    with pytest.raises(ResultError, match="different studies"):
        learning_curves([one, renamed])
