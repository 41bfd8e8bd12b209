"""Result rows about what was chosen."""

import numpy as np
import pandas as pd

from rmkit.active.diagnostics import METRICS
from rmkit.active.rows import batch_rows
from rmkit.evaluation.against_gold import evaluate_against_gold
from rmkit.study.notebook_side.result_rows import wrong_with
from tests.active.small_settings import TEST_GOLD, history


def test_rows_about_choices_stand_beside_rows_about_rewards():
    made = history()
    rows, _ = evaluate_against_gold(made.fits, made.reward_fr, TEST_GOLD, np.arange(len(TEST_GOLD)), ns=[1, 4])
    about = batch_rows(made.batches)
    assert set(about.columns) == set(rows.columns)
    assert wrong_with(pd.concat([rows, about], ignore_index=True)) is None
    assert set(about["metric"]) == {*METRICS, "temperature"}
    assert set(about["fit"]) == set(made.fits["fit"][3:])
    value = about.query("metric == 'distinct_prompts' and strategy == 'random' and annotations == 45")
    assert value[["value", "units"]].to_numpy().tolist() == [[made.batches["distinct_prompts"].iloc[-3], 10]]
