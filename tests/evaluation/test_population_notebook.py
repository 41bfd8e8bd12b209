"""Notebook 06 under the real runner, with every axis of the population at more than one value."""

import shutil
import sys

import numpy as np
import pandas as pd
import pytest

from rmkit.artifacts.bank import ResponseBank
from rmkit.artifacts.evaluations import Evaluations
from rmkit.measures.ranking import order_accuracy
from rmkit.reward_models.collection import RewardModels
from tests.checkout import execute

STAGE = "06_accuracy_vs_policy"
SET = {
    "seed": "[0]",
    "betas": "[null]",
    "reward_models": "[linear_bt]",
    "population": "wide",
    "flips": "[0.0, 0.2, 0.4]",
    "length_biases": "[0.0, 1.0]",
    "kept_dimensions": "[1.0, 0.25]",
    "error_shapes": "[gaussian, rare_hack]",
    "measures": "[accuracy, brier, chatterjee_xi]",
    "ns": "[1, 2, 3, 4, 6]",
    "kls": "[0.1, 0.2, 0.3]",
}
HEADS = 2 * 2 * 3 * 2 * 2  # draws, annotations, flips, biases, shares of dimensions
PROXIES = 2 * 2 * 3  # draws, shapes, accuracies


@pytest.fixture(scope="module")
def wide(smoke, tmp_path_factory):
    """The folder of a job of the smoke study's world with all axes, and the project that it is in."""
    project = tmp_path_factory.mktemp("wide") / "project"
    shutil.copytree(smoke, project)
    before = set((project / "runs/jobs").glob(f"{STAGE}-*"))
    command = [sys.executable, "-m", "rmkit.cli", "run", "smoke", "--no-report", "--only", STAGE]
    execute(
        [*command, *(word for name, value in SET.items() for word in ("--set", f"{name}={value}"))], project, project
    )
    (folder,) = set((project / "runs/jobs").glob(f"{STAGE}-*")) - before
    return folder


@pytest.mark.slow
def test_every_axis_is_in_the_fits_and_every_metric_in_the_rows(wide):
    rows = pd.read_parquet(wide / "rows.parquet")
    fits = rows[rows["metric"] == "accuracy"].query("fit != 'gold'")
    assert len(fits) == HEADS + PROXIES
    heads = fits[fits["reward_model"] == "linear_bt"]
    assert not heads["fit"].duplicated().any()
    for column, values in {"flip": 3, "length_bias": 2, "kept_dimensions": 2, "annotations": 2, "draw": 2}.items():
        assert heads[column].nunique() == values
    assert set(fits["error_shape"]) == {"none", "gaussian", "rare_hack"}
    assert heads["value"].mean() > 0.5
    told = {"brier", "chatterjee_xi", "correlation", "departure", "golden_ndr", "golden_correlation", "gamma", "alarm"}
    assert told <= set(rows["metric"])
    assert (rows["metric"] == "golden_accuracy").sum() == 3 * 2
    assert set(rows["param_population"]) == {"wide"}
    assert set(rows["among"].dropna()) == {"heads", "gaussian", "rare_hack"}


@pytest.mark.slow
def test_flips_cost_accuracy_and_the_clean_golden_is_the_first(wide):
    rows = pd.read_parquet(wide / "rows.parquet")
    training = rows[(rows["metric"] == "accuracy") & (rows["reward_model"] == "linear_bt")]
    mean = training.groupby("flip")["value"].mean()
    assert mean[0.0] > mean[0.4]
    pairs = rows[rows["metric"] == "golden_accuracy"]
    assert set(pairs["golden_flip"]) == {0.0, 0.2, 0.4}


@pytest.mark.slow
def test_the_saved_heads_score_the_test_bank_as_they_were_measured(wide):
    models = RewardModels.load(wide / "artifacts/reward_models")
    assert len(models.fits) == HEADS
    value_fp = Evaluations.load(wide / "artifacts/evaluations").value_fp("accuracy")[:HEADS]
    measuring_p = np.isfinite(value_fp[0])
    found = []
    for folder in wide.parent.glob("02_sampling-*/artifacts/test_bank"):  # of either generator: the job used one
        bank = ResponseBank.load(folder)
        gold_pk = bank.grid().scores_pk["gold"].astype(np.float64)
        score_fpk = models.score(bank.embedding_rd).reshape(-1, *gold_pk.shape)
        n = 3  # n_measured of the smoke study
        found.append(order_accuracy(score_fpk[..., :n], gold_pk[:, :n])[:, measuring_p])
    assert any(np.allclose(accuracy_fp, value_fp[:, measuring_p]) for accuracy_fp in found)
