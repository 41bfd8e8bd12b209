"""Exhibits of test sets, golden reward models and trained policies draw what the small study stored, and no more."""

import matplotlib

matplotlib.use("Agg")

import pandas as pd
import pytest

from rmkit.report.exhibits.population import HEADS, LANGUAGE_MODELS, TRAINED
from rmkit.report.exhibits.pressure import every_model_golden, gamma_and_accuracy, policy_training
from rmkit.report.exhibits.test_sets import EXHIBITS, STAGE, designs_of_test_sets, ends_of_training

STAGES = (HEADS, LANGUAGE_MODELS, TRAINED, STAGE)


class Stored:
    """The rows of some stages of a finished study."""

    def __init__(self, rows):
        self.gathered, self._rows = tuple(rows), rows

    def rows(self, stage):
        return self._rows[stage]


@pytest.fixture(scope="module")
def stored(smoke):
    found = {}
    for stage in STAGES:
        (path,) = (smoke / "runs/jobs").glob(f"{stage}-*/rows.parquet")
        found[stage] = pd.read_parquet(path).assign(stage=stage, param_seed=0)
    return Stored(found)


def test_every_design_of_the_small_study_has_its_figure(stored):
    drawn = list(designs_of_test_sets(stored))
    assert [one.name for one in drawn] == list(EXHIBITS)
    assert all(one.figure.axes for one in drawn)


def test_trained_policies_are_shown_after_the_most_steps(stored):
    rows = stored.rows(STAGE)
    assert ends_of_training(rows[rows["metric"] == "correlation"]) == ["ppo_2"]
    assert ends_of_training(rows.drop(columns="steps")) == []


def test_language_models_are_golden_in_turn_and_heads_of_one_flip_rate_are_not(stored):
    (drawn,) = every_model_golden(stored, LANGUAGE_MODELS)
    assert drawn.caption.startswith("3 reward models differ in flipped labels alone")
    assert drawn.name == "language-models-every-model-golden"
    assert list(every_model_golden(stored)) == []


def test_gamma_and_training_are_drawn_where_there_are_values(stored):
    n_gamma = stored.rows(HEADS).query("metric == 'gamma'")["value"].notna().any()
    assert len(list(gamma_and_accuracy(stored))) == n_gamma
    assert [one.name for one in policy_training(stored)] == ["training", "training-gain"]


@pytest.mark.parametrize("draw", [every_model_golden, gamma_and_accuracy, policy_training, designs_of_test_sets])
def test_a_study_without_these_stages_has_no_such_figure(draw):
    assert list(draw(Stored({}))) == []
