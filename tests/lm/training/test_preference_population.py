"""Models at several flip rates differ in their labels alone, lie in folders that give the same scores, and are kept."""

import json

import numpy as np
import pandas as pd
import pytest

from rmkit.artifacts.bank import ResponseBank
from rmkit.artifacts.finished_folders import FinishedFolders
from rmkit.artifacts.model_folders import ModelFolders
from rmkit.artifacts.shards import Shards
from rmkit.errors import DataError
from rmkit.lm.loading import Origin
from rmkit.lm.training import preference_population
from rmkit.lm.training.preference_model import PreferenceTraining, fit_preference_model
from rmkit.lm.training.preference_population import (
    RECIPES,
    PairsToLearnFrom,
    fit_at_flips,
    name_at,
    scores_of,
    training_of,
)
from rmkit.lm.training.tuned_folders import ABOUT, about_tuned, load_tuned, save_tuned
from rmkit.training_sets.validation_splits import STRADDLES, TRAINS, VALIDATES
from tests.lm.training.test_reward_model import separable

N, FLIPS = 40, [0.0, 0.45]


def quiet(what):
    return lambda done, total: None


@pytest.fixture(scope="module")
def pairs():
    """40 pairs that can be told apart, the better one first, of which the last 8 validate."""
    table = separable(N, 0)
    texts = [*table["chosen"], *table["rejected"]]
    side_m = np.where(np.arange(N) < N - 8, TRAINS, VALIDATES)
    return PairsToLearnFrom([*table["prompt"]] * 2, texts, np.stack([np.arange(N), np.arange(N) + N], axis=1), side_m)


@pytest.fixture(scope="module")
def label_fm():
    """No label turned round, and every other one."""
    return np.stack([np.ones(N), np.arange(N) % 2]).astype(np.int8)


@pytest.fixture(scope="module")
def training(base):
    return PreferenceTraining(base.path, learning_rate=1e-2, batch_size=4, epochs=2)


def fitted(training, pairs, label_fm, folder):
    return fit_at_flips(
        training, pairs, label_fm, FLIPS, finished=FinishedFolders(folder), rng=np.random.default_rng(0), progress=quiet
    )


@pytest.fixture(scope="module")
def models(training, pairs, label_fm, tmp_path_factory):
    return fitted(training, pairs, label_fm, tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def scores(models, tmp_path_factory):
    table = separable(30, 1)
    prompts, responses = [*table["prompt"]] * 2, [*table["chosen"], *table["rejected"]]
    shards = Shards(tmp_path_factory.mktemp("scores"))
    return scores_of(models, prompts, responses, shards=shards, progress=quiet), (prompts, responses), shards


def test_the_model_without_flips_orders_unseen_pairs_and_flips_shrink_the_scale(scores):
    """Half of the labels turned round leave nothing to learn, and margins that the model without flips exceeds."""
    margin_fm = scores[0][:, :30].astype(float) - scores[0][:, 30:]
    right = (margin_fm[0] > 0).mean()
    assert right - 5 * np.sqrt(right * (1 - right) / 30) > 0.5
    assert np.abs(margin_fm[1]).mean() < 0.5 * np.abs(margin_fm[0]).mean()


def test_what_is_stored_gives_the_scores_again_to_the_last_bit(models, scores, tmp_path):
    ModelFolders(models).save(tmp_path / "artifact")
    again = ModelFolders.load(tmp_path / "artifact").folders
    assert list(again) == [name_at(flip) for flip in FLIPS] == ["flip_0", "flip_0.45"]
    found = scores_of(again, *scores[1], shards=Shards(tmp_path / "again"), progress=quiet)
    np.testing.assert_array_equal(found, scores[0])


def test_a_model_in_memory_and_its_folder_score_alike(training, pairs, label_fm, tmp_path):
    tuned = fit_preference_model(training, *(pairs.texts(label_fm[0], side) for side in (TRAINS, VALIDATES)), seed=3)
    save_tuned(tuned, tmp_path)
    loaded = load_tuned(tmp_path)
    np.testing.assert_array_equal(
        loaded.score(pairs.prompt_r, pairs.response_r), tuned.score(pairs.prompt_r, pairs.response_r)
    )
    assert loaded.validation_loss_e == tuned.validation_loss_e
    assert (loaded.template, loaded.n_cut) == (tuned.template, tuned.n_cut)
    pd.testing.assert_frame_equal(loaded.log, tuned.log, check_dtype=False)


def test_models_begin_alike_and_are_one_fit_each_of_the_practitioners_path(training, pairs, label_fm, scores):
    """The second is what fit_preference_model gives for its labels and the seed that all share."""
    seed = int(np.random.default_rng(0).integers(preference_population.SEEDS))
    texts = (pairs.texts(label_fm[1], side) for side in (TRAINS, VALIDATES))
    tuned = fit_preference_model(training, *texts, seed=seed)
    np.testing.assert_array_equal(tuned.score(*scores[1], batch_size=64), scores[0][1])


def test_after_a_fault_the_finished_fits_are_kept_and_the_others_are_made(
    training, pairs, label_fm, models, tmp_path, monkeypatch
):
    whole, fits = preference_population.fit_preference_model, []

    def failing(*args, **options):
        fits.append(options["seed"])
        if len(fits) == 2:
            raise RuntimeError("power cut")
        return whole(*args, **options)

    monkeypatch.setattr(preference_population, "fit_preference_model", failing)
    with pytest.raises(RuntimeError, match="power cut"):
        fitted(training, pairs, label_fm, tmp_path)
    again = fitted(training, pairs, label_fm, tmp_path)
    assert len(fits) == 3
    assert len(set(fits)) == 1
    for name, folder in again.items():
        weights = [(where / "model.safetensors").read_bytes() for where in (folder, models[name])]
        assert weights[0] == weights[1]


def test_finished_scores_are_not_made_again(models, scores, tmp_path):
    nowhere = dict.fromkeys(models, tmp_path / "gone")
    np.testing.assert_array_equal(scores_of(nowhere, *scores[1], shards=scores[2], progress=quiet), scores[0])
    with pytest.raises(DataError, match="a reward model here is a folder of save_tuned"):
        scores_of(nowhere, *scores[1], shards=Shards(tmp_path / "none"), progress=quiet)


def test_a_tokenizer_that_reads_otherwise_is_refused(models, tmp_path):
    ModelFolders(models).save(tmp_path)
    folder = tmp_path / "flip_0"
    about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
    (folder / ABOUT).unlink()  # it may be a link to the one that other tests read
    (folder / ABOUT).write_text(json.dumps(about | {"template_fingerprint": "plain:0"}), encoding="utf-8")
    with pytest.raises(DataError, match="and was 'plain:0'; put its files back"):
        load_tuned(folder)
    assert about_tuned(folder)["template"] == "plain"


def test_labels_say_which_side_is_chosen_with_its_own_prompt():
    pairs = PairsToLearnFrom(
        ["p0", "p1", "p2"], ["r0", "r1", "r2"], np.array([[0, 1], [2, 1]]), np.array([TRAINS, TRAINS])
    )
    texts = pairs.texts(np.array([1, 0]), TRAINS)
    assert (texts.chosen_m, texts.rejected_m) == (["r0", "r1"], ["r1", "r2"])
    assert (texts.prompt_m, texts.rejected_prompt_m) == (["p0", "p1"], ["p1", "p2"])


@pytest.fixture(scope="module")
def bank():
    """20 prompts of 4 responses, which a person sees without their last word."""
    prompts = pd.DataFrame({"prompt_id": np.arange(20), "prompt": [f"p{i}" for i in range(20)], "category": "a"})
    responses = pd.DataFrame({"prompt_id": np.repeat(np.arange(20), 4), "response": [f"r{i} more" for i in range(80)]})
    responses["answer"] = responses["response"].str.removesuffix(" more")
    return ResponseBank(prompts, responses, np.ones((80, 2), np.float16), {"model": "none"})


def test_prompts_are_on_one_side_and_pairs_across_both_are_left_out(bank):
    within = np.array([[4 * p, 4 * p + 1] for p in range(20)])
    across = np.array([[4 * p, (4 * p + 5) % 80] for p in range(20)])
    pairs_m2 = np.concatenate([within, across])
    pairs = PairsToLearnFrom.of(bank, pairs_m2, validation_share=0.3, rng=np.random.default_rng(0))
    validating = set(bank.prompt_id_r[pairs_m2[pairs.side_m == VALIDATES]].ravel())
    training = set(bank.prompt_id_r[pairs_m2[pairs.side_m == TRAINS]].ravel())
    assert len(validating) == 6
    assert not validating & training
    assert (pairs.side_m[:20] != STRADDLES).all()
    assert pairs.n_straddling == (pairs.side_m == STRADDLES).sum() > 0
    assert len(pairs) == 40 - pairs.n_straddling
    assert pairs.response_r[:2] == ["r0", "r1"]


def test_too_few_pairs_for_two_sides_is_one_line(bank):
    with pytest.raises(DataError, match="1 pairs leave 1 to train and 0 to validate on"):
        PairsToLearnFrom.of(bank, np.array([[0, 1]]), validation_share=0.2, rng=np.random.default_rng(0))


def test_labels_of_another_shape_are_one_line(training, pairs, label_fm, tmp_path):
    with pytest.raises(DataError, match=r"labels: of shape \(2, 39\), and there are \(2, 40\) rates and pairs"):
        fitted(training, pairs, label_fm[:, 1:], tmp_path)


def test_the_published_recipe_is_the_paper_s_table():
    found = training_of("published", Origin("policy", "/models/policy"))
    assert found.language_model == "/models/policy"
    assert (found.max_length, found.batch_size, found.learning_rate) == (2048, 256, 5e-6)
    assert (found.warmup, found.regulariser, found.coefficient) == (0.1, "sum_of_squares", 1e-2)


@pytest.mark.parametrize("recipe", RECIPES)
def test_what_is_given_replaces_the_recipe_s(recipe):
    start = Origin("org/model@main", "org/model", "main")
    usual = training_of(recipe, start, learning_rate=None, epochs=None)
    other = training_of(recipe, start, learning_rate=1e-3, regulariser="centre", coefficient=0.0)
    assert usual.language_model == "org/model@main"
    assert usual.learning_rate == RECIPES[recipe]["learning_rate"]
    assert (other.learning_rate, other.regulariser, other.coefficient) == (1e-3, "centre", 0.0)
    assert other.epochs == usual.epochs
