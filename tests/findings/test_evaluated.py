"""What the evaluations of each stage can be asked about is what they hold."""

import numpy as np
import pandas as pd
import pytest

from rmkit.ablations.validation_split import HEADS
from rmkit.annotation.annotators import Annotator
from rmkit.artifacts.evaluations import Evaluations
from rmkit.evaluation.against_gold import evaluate_against_gold
from rmkit.evaluation.contrasts import fulfilling
from rmkit.evaluation.on_pairs import evaluate_pairs
from rmkit.evaluation.population import MEASURES, POLICIES, STORED, evaluate_population
from rmkit.findings import evaluated
from rmkit.findings.evaluated import ENDS, EVALUATED
from rmkit.measures.registry import AGAINST_GOLD
from rmkit.reward_models.registry import REWARD_MODELS
from rmkit.training_sets.validation_splits import SPLITS

GOLD_PK = np.random.default_rng(0).normal(size=(6, 4))


def metrics_of(evaluations):
    return {name: evaluations.axes[name].name if name in evaluations.axes else "" for name in evaluations.values}


def against_gold(**options):
    fits = pd.DataFrame({"fit": ["a"], "beta": [1.0]})
    annotator = {"prefers_first": lambda beta, gold_m2: Annotator(beta).prefers_first(gold_m2)}
    return evaluate_against_gold(fits, [GOLD_PK.ravel()], GOLD_PK, np.arange(6), ns=[1, 2], **annotator, **options)[1]


def on_pairs():
    return evaluate_pairs({"a": pd.DataFrame(np.ones((1, 6)), index=[100])}, {}, np.arange(6))[1]


def population():
    fits = pd.DataFrame({"fit": ["a"], "reward_model": ["a"]})
    options = {"n_responses": 4, "ns": [2], "kls": [0.1], "measures": AGAINST_GOLD}
    return evaluate_population(fits, GOLD_PK[None], GOLD_PK, np.arange(6), np.arange(6) < 3, **options)


def test_the_metrics_of_each_stage_are_those_of_its_evaluations_with_their_axes():
    gold, pairs = metrics_of(against_gold()), metrics_of(on_pairs())
    assert EVALUATED["04_reward_models"].metrics == gold
    assert EVALUATED["05_active_labeling"].metrics == metrics_of(against_gold(kls=[0.1])) | pairs
    assert EVALUATED["06_accuracy_vs_policy"].metrics == metrics_of(population())
    assert EVALUATED["12_language_model_rewards"].metrics == EVALUATED["06_accuracy_vs_policy"].metrics
    assert EVALUATED["09_human_preferences"].metrics == pairs
    chances = {"label_accuracy", "log_loss", "overconfidence"}
    assert EVALUATED["10_validation_split"].metrics == {n: axis for n, axis in gold.items() if n not in chances} | pairs


def test_measures_and_policies_are_those_of_the_population():
    assert list(evaluated.MEASURES) == list(AGAINST_GOLD)
    assert set(MEASURES) < set(evaluated.MEASURES)
    assert evaluated.POLICIES == POLICIES
    assert EVALUATED["06_accuracy_vs_policy"].policies == tuple(STORED)
    trained = EVALUATED["13_policy_training"]
    assert trained.policies == tuple(POLICIES)
    assert trained.metrics == evaluated.MEASURES | POLICIES


def test_heads_and_splits_are_those_of_the_ablation():
    assert evaluated.HEADS == HEADS
    assert set(evaluated.ALL_HEADS) == set(REWARD_MODELS)
    assert set(evaluated.SPLITS) == set(SPLITS)


@pytest.mark.parametrize("end", ENDS)
def test_an_end_is_a_word_for_numbers(end):
    assert 0 < fulfilling(pd.Series([1.0, 2.0, 3.0]), end).sum() < 3


def test_the_columns_of_each_stage_are_those_of_the_fits_that_a_study_stored(smoke):
    found = {}
    for folder in sorted((smoke / "runs/jobs").glob("*/artifacts/evaluations")):
        stage = folder.parents[1].name.rpartition("-")[0]
        evaluations = Evaluations.load(folder)
        found.setdefault(stage, set()).update(evaluations.fits)
        assert metrics_of(evaluations).items() <= EVALUATED[stage].metrics.items()
    told = {stage: {"fit", *about.numbers, *about.names} for stage, about in EVALUATED.items() if about.metrics}
    assert found == told


def test_recorded_rows_have_the_columns_by_which_a_statement_names_them(smoke):
    seen = set()
    for stage, about in EVALUATED.items():
        if not about.recorded:
            continue
        rows = pd.concat([pd.read_parquet(path) for path in (smoke / "runs/jobs").glob(f"{stage}-*/rows.parquet")])
        seen |= set(rows["metric"])
        for metric in set(about.recorded) & set(rows["metric"]):
            columns = {*about.recorded[metric]} - {*evaluated.PART}  # of parts, which this study has none of
            assert {"low", "high", "level", "estimand", *columns} <= set(rows.columns), (stage, metric)
    assert {metric for about in EVALUATED.values() for metric in about.recorded} <= seen
