"""What the parameter `uncertainty` of notebook 04 changes: which fits have rows of it, and no other row."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from rmkit.artifacts.bank import ResponseBank
from rmkit.artifacts.comparisons import Comparisons
from tests.notebook_cells import KeepingJob, run_cells


class RecordingJob(KeepingJob):
    def record(self, rows):
        self.rows = rows


def bank(rng, n_prompts, n_responses):
    embedding_rd = rng.normal(size=(n_prompts * n_responses, 4)).astype(np.float16)
    gold_r = embedding_rd.astype(np.float32).sum(axis=1)
    prompt_id_p = np.arange(n_prompts)
    return ResponseBank(
        pd.DataFrame({"prompt_id": prompt_id_p, "prompt": "what"}),
        pd.DataFrame({"prompt_id": np.repeat(prompt_id_p, n_responses), "response": "that"}),
        embedding_rd,
        {},
        {"gold": gold_r},
        {"gold": {"model": "a sum", "revision": None, "template": None}},
    )


def recorded(tmp_path, **parameters):
    rng = np.random.default_rng(0)
    train, test = bank(rng, 20, 4), bank(rng, 10, 5)
    gold_r, first_m = train.scores["gold"], rng.integers(80, size=60)
    second_m = (first_m + 1 + rng.integers(78, size=60)) % 80
    label_m = (rng.random(60) < expit(gold_r[first_m] - gold_r[second_m])).astype(np.int8)
    table = pd.DataFrame({"first": first_m, "second": second_m, "label": label_m, "beta": 1.0, "scale": 1.0})
    inputs = {"bank": train, "test_bank": test, "comparisons": Comparisons(table)}
    job = RecordingJob(tmp_path, inputs)
    shared = {"world": "files", "betas": [1.0], "annotations": [20, 60], "ns": [1, 5]}
    run_cells("04_reward_models", job, "sureness", **shared, reward_models=["linear_bt", "lightgbm_bt"], **parameters)
    return job.rows


@pytest.mark.parametrize(
    ("uncertainty", "fits"),
    [
        ("none", set()),
        ("most_annotations", {"linear_bt-1.0-60-pair"}),
        ("all", {"linear_bt-1.0-20-pair", "linear_bt-1.0-60-pair"}),
    ],
)
def test_these_fits_have_rows_of_uncertainty_and_all_other_rows_stay(tmp_path, uncertainty, fits):
    without, rows = recorded(tmp_path, uncertainty="none"), recorded(tmp_path, uncertainty=uncertainty)
    assert "spread" not in without
    has = rows["spread"].notna() if "spread" in rows else pd.Series(False, index=rows.index)
    assert set(rows.loc[has, "fit"]) == fits
    pd.testing.assert_frame_equal(rows.loc[~has, list(without)], without)
