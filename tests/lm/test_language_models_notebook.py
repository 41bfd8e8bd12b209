"""What 12_language_model_rewards stored in the smoke study: models that give its evaluations again, and its rows."""

import json

import numpy as np
import pandas as pd
import pytest

from rmkit.artifacts.bank import ResponseBank
from rmkit.artifacts.evaluations import Evaluations
from rmkit.artifacts.model_folders import ModelFolders
from rmkit.artifacts.shards import Shards
from rmkit.evaluation.population import BASE, GOLD, correlations, evaluate_population
from rmkit.lm.training.preference_folds import texts_of
from rmkit.lm.training.preference_population import scores_of

STAGE, FITS = "12_language_model_rewards", ["flip_0", "flip_0.2", "flip_0.4"]


@pytest.fixture(scope="module")
def stored(smoke):
    (folder,) = (smoke / "runs/jobs").glob(f"{STAGE}-*")
    return folder


@pytest.fixture(scope="module")
def evaluations(stored):
    return Evaluations.load(stored / "artifacts/evaluations")


@pytest.fixture(scope="module")
def rows(stored):
    return pd.read_parquet(stored / "rows.parquet")


@pytest.fixture(scope="module")
def test_bank(smoke):
    """The responses of the fine-tuned policy to the test prompts."""
    for path in (smoke / "runs/jobs").glob("02_sampling-*/manifest.json"):
        if json.loads(path.read_text(encoding="utf-8"))["parameters"]["generator"] == "sft":
            return ResponseBank.load(path.parent / "artifacts/test_bank")
    raise AssertionError("the smoke study has no responses of the fine-tuned policy")


def test_the_stored_models_scored_again_give_the_stored_evaluations(stored, evaluations, test_bank, tmp_path):
    models = ModelFolders.load(stored / "artifacts/language_models").folders
    assert list(models) == FITS
    gold_pk = test_bank.grid().scores_pk["gold"].astype(np.float64)
    measuring_p = np.isnan(evaluations.values["best_of_n"][0, :, 0])
    read_r = (~measuring_p[:, None] | (np.arange(gold_pk.shape[1]) < 3)).ravel()
    texts = (np.array(side, dtype=object)[read_r] for side in texts_of(test_bank))
    score_fr = np.full((3, gold_pk.size), np.nan)
    score_fr[:, read_r] = scores_of(
        models, *texts, shards=Shards(tmp_path), progress=lambda what: lambda done, total: None
    )
    members = evaluations.fits[~evaluations.fits["fit"].isin([GOLD, BASE])]
    again = evaluate_population(
        members,
        score_fr.reshape(-1, *gold_pk.shape),
        gold_pk,
        evaluations.prompt_id_p,
        measuring_p,
        n_responses=3,
        ns=evaluations.axes["best_of_n"].at,
        kls=evaluations.axes["kl"].at,
    )
    assert again.values.keys() == evaluations.values.keys()
    for name, value in evaluations.values.items():
        np.testing.assert_array_equal(again.values[name], value)


def test_each_model_and_gold_and_the_base_has_a_row_for_each_policy(rows, evaluations):
    assert evaluations.fits["fit"].tolist() == [*FITS, GOLD, BASE]
    assert evaluations.fits["flip"].tolist()[:3] == [0.0, 0.2, 0.4]
    earned = rows[rows["metric"] == "gold_reward"]
    assert earned.groupby("policy")["fit"].apply(list).map(set).map(len).tolist() == [5] * earned["policy"].nunique()
    assert set(earned["fit"]) == {*FITS, GOLD, BASE}


def test_its_correlations_are_those_of_its_evaluations(rows, evaluations):
    found = rows[rows["metric"] == "correlation"].set_index(["measure", "policy"])["value"]
    expected = correlations(evaluations).set_index(["measure", "policy"])["value"]
    pd.testing.assert_series_equal(found.sort_index(), expected.sort_index())


def test_each_model_is_golden_once(rows):
    """Two proxies for each of three goldens, and a correlation over the six pairs of every policy."""
    pairs = rows[rows["metric"] == "golden_accuracy"]
    assert set(zip(pairs["golden"], pairs["fit"], strict=True)) == {(a, b) for a in FITS for b in FITS if a != b}
    told = rows[(rows["metric"] == "golden_correlation") & (rows["measure"] == "accuracy")]
    assert set(told["policy"]) == set(rows.loc[rows["metric"] == "correlation", "policy"])
    assert (told["units"] == len(FITS)).all()


def test_the_spread_of_scores_is_told_for_each_flip_rate(rows):
    spread = rows[rows["metric"] == "score_sd"].set_index("flip")["value"]
    assert spread.index.tolist() == [0.0, 0.2, 0.4]
    assert (spread > 0).all()
