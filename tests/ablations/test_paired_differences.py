"""Differences of the split ablation's arms: planted effects are found, and every pair of arms is the right one."""

import numpy as np
import pandas as pd
import pytest

from rmkit.ablations.paired_differences import split_curves, split_differences
from rmkit.artifacts.evaluations import Evaluations
from rmkit.artifacts.metric import Metric
from rmkit.errors import ResultError
from tests.ablations.study import ablation_seeds

EFFECT = {  # of each arm; every difference of two of them is another number
    "mlp_bt published mirrored_row": 0.0,
    "mlp_clf published mirrored_row": 1.0,
    "mlp_bt published pair": 3.0,
    "mlp_clf published pair": 3.5,
    "mlp_bt sound pair": 10.0,
    "mlp_clf sound pair": 17.0,
}
EXPECTED = {
    "mlp_bt published: pair minus mirrored_row": 3.0,
    "mlp_clf published: pair minus mirrored_row": 2.5,
    "published mirrored_row: mlp_clf minus mlp_bt": 1.0,
    "published pair: mlp_clf minus mlp_bt": 0.5,
    "sound pair: mlp_clf minus mlp_bt": 7.0,
}
SEEDS = ablation_seeds(EFFECT, betas=[0.5, np.inf], annotations=[100, 800])
HUMAN = ablation_seeds(EFFECT, betas=[None], annotations=[100, 800], metrics=("accuracy", "log_loss"))


@pytest.mark.parametrize(
    ("seeds", "metric"), [(SEEDS, "spearman"), (SEEDS, Metric("best_of_n", 4)), (HUMAN, "log_loss")]
)
def test_each_difference_is_that_of_its_two_arms(seeds, metric):
    table = split_differences(seeds, metric)
    assert set(table["difference"]) == set(EXPECTED)
    np.testing.assert_allclose(table["mean"], table["difference"].map(EXPECTED), atol=0.1)
    assert (table["low"] < table["mean"]).all()
    assert (table["mean"] < table["high"]).all()


def test_there_is_a_row_for_each_level_of_noise_and_number_of_annotations():
    table = split_differences(SEEDS, "spearman")
    assert list(table.columns[:3]) == ["beta", "annotations", "difference"]
    levels = [(0.5, 100), (0.5, 800), (np.inf, 100), (np.inf, 800)]
    assert list(table[["beta", "annotations"]].drop_duplicates().itertuples(index=False, name=None)) == levels
    assert (table.groupby(["beta", "annotations"]).size() == len(EXPECTED)).all()
    assert "beta" not in split_differences(HUMAN, "accuracy")


def test_what_is_hard_for_both_arms_cancels():
    hard = ablation_seeds(dict.fromkeys(EFFECT, 0.0), betas=[1.0], annotations=[100], hard=20.0)
    curves, differences = split_curves(hard, "spearman"), split_differences(hard, "spearman")
    assert (differences["high"] - differences["low"]).max() < 0.05 * (curves["high"] - curves["low"]).min()


def test_seeds_that_draw_pairs_anew_and_seeds_that_fold_the_same_have_intervals_of_different_things():
    assert set(split_differences(SEEDS, "spearman")["estimand"]) == {"new seeds, new prompts"}
    for table in (split_differences(HUMAN, "accuracy"), split_curves(HUMAN, "accuracy")):
        assert set(table["estimand"]) == {"new prompts, these fits"}
        assert set(table["seeds"]) == {5}


def test_where_people_judged_a_prompt_counts_by_its_pairs():
    fits = SEEDS[0].fits.query("beta == 0.5 and annotations == 100").drop(columns="beta").reset_index(drop=True)
    value_fp = np.where(fits["validation"] == "pair", 1.0, 0.0)[:, None] * np.array([[0.0, 1.0]])
    one = Evaluations(fits, np.arange(2), np.array([1, 3], "f4"), {"accuracy": value_fp.astype("f4")})
    table = split_differences([one], "accuracy").set_index("difference")
    assert table.loc["mlp_bt published: pair minus mirrored_row", "mean"] == pytest.approx(0.75)


def test_fewer_than_five_seeds_have_no_interval_and_a_reason():
    table = split_differences(SEEDS[:2], "spearman")
    assert table["low"].isna().all()
    assert table["reason"].str.contains("2 seeds are too few").all()


def without(*arms):
    kept = {arm: effect for arm, effect in EFFECT.items() if arm not in arms}
    return ablation_seeds(kept, betas=[1.0], annotations=[100], n_seeds=1)


def test_an_arm_that_is_not_there_takes_its_differences_with_it():
    found = set(split_differences(without("mlp_clf published pair"), "spearman")["difference"])
    assert set(EXPECTED) - found == {
        "mlp_clf published: pair minus mirrored_row",
        "published pair: mlp_clf minus mlp_bt",
    }


def test_what_cannot_be_compared_is_named():
    with pytest.raises(ResultError, match="no two arms to compare, of mlp_bt published pair; fit both heads or splits"):
        split_differences(without(*(arm for arm in EFFECT if arm != "mlp_bt published pair")), "spearman")
    with pytest.raises(ResultError, match="have no 'brier', but spearman, best_of_n"):
        split_differences(SEEDS, "brier")
    plain = Evaluations(pd.DataFrame({"fit": ["a"]}), np.arange(2), np.ones(2, "f4"), {"x": np.ones((1, 2), "f4")})
    with pytest.raises(ResultError, match="fits: lack reward_model, procedure, validation, annotations; they have fit"):
        split_differences([plain], "x")
