import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmkit.errors import DataError
from rmkit.evaluation.on_pairs import NO_PROBABILITY, evaluate_pairs
from tests.evaluation.seeds import evaluation


def test_rows_hold_every_fit_and_metric_and_say_why_a_value_is_missing():
    rows, _ = evaluation(0)
    assert len(rows) == 5 * 5
    assert rows[["fit", "metric"]].duplicated().sum() == 0
    missing = rows[rows["value"].isna()]
    assert set(missing["reward_model"]) == {"coin"}
    assert (missing["reason"] == NO_PROBABILITY).all()
    assert rows[rows["value"].notna()]["reason"].isna().all()
    assert (rows["units"] == 400).all()


@settings(max_examples=30, deadline=None)
@given(times=st.lists(st.integers(1, 4), min_size=12, max_size=12), seed=st.integers(0, 1000))
def test_a_weight_counts_as_so_many_equal_pairs(times, seed):
    rng = np.random.default_rng(seed)
    margin_am, order_m = rng.normal(size=(2, 12)), rng.normal(size=12)
    prompt_m, index = np.sort(rng.integers(0, 4, 12)), pd.Index([10, 20], name="annotations")

    def rows_of(at, **options):
        margins = {"a": pd.DataFrame(margin_am[:, at], index=index)}
        return evaluate_pairs(margins, {"order": order_m[at]}, prompt_m[at], **options)

    rows, evaluations = rows_of(np.arange(12), weight_m=np.array(times, np.float64) / 8)
    wanted_rows, wanted = rows_of(np.repeat(np.arange(12), times))
    pd.testing.assert_frame_equal(rows.drop(columns="units"), wanted_rows.drop(columns="units"))
    assert (rows["units"] == 12).all()
    np.testing.assert_allclose(evaluations.units_p, wanted.units_p / 8)
    for metric, value_fp in wanted.values.items():
        np.testing.assert_allclose(evaluations.values[metric], value_fp, rtol=1e-5)


def test_equal_weights_are_none():
    rng = np.random.default_rng(0)
    margins, prompt_m = (
        {"a": pd.DataFrame(rng.normal(size=(1, 50)), index=pd.Index([10], name="annotations"))},
        np.arange(50) // 3,
    )
    plain, _ = evaluate_pairs(margins, {}, prompt_m)
    weighted, _ = evaluate_pairs(margins, {}, prompt_m, weight_m=np.full(50, 0.25))
    pd.testing.assert_frame_equal(plain, weighted)
    with pytest.raises(DataError, match="weight_m has shape"):
        evaluate_pairs(margins, {}, prompt_m, weight_m=np.ones(49))
