"""A reward model of texts: new texts are scored as the pairs' own were, and a folder gives it back."""

import json
import shutil

import numpy as np
import pytest

from rmkit.errors import DataError
from rmkit.export.text_reward_model import TextRewardModel
from rmkit.worlds.human_preferences.computed_features import read_texts
from tests.export.conftest import NGRAMS, alike, fitted_on, texts_of
from tests.worlds.human_preferences.conftest import dialogues, tiny_encoder  # noqa: F401
from tests.worlds.human_preferences.dialogues import made_up, written


def test_texts_of_the_pairs_get_the_rewards_of_their_features(preferences, model):
    (head,) = model.head.models.values()
    score_r = model.score(*texts_of(preferences.bank))
    assert score_r.dtype == np.float32
    assert alike(score_r, head.score(preferences.bank.embedding_rd)[0])


def test_it_learned_from_every_pair(preferences, model):
    assert model.head.fits["annotations"].tolist() == [len(preferences.comparisons)]
    assert (model.about["pairs"], model.about["chosen"]) == (preferences.kept, ["kept: linear_bt"])


@pytest.mark.parametrize("name", ["linear_bt", "mlp_bt", "mlp_clf", "lightgbm_clf"])
def test_a_folder_gives_back_the_same_rewards_and_equal_models_equal_bytes(preferences, name, tmp_path):
    made = fitted_on(preferences, name)
    made.save(tmp_path / "one")
    fitted_on(preferences, name).save(tmp_path / "two")
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*") if path.is_file())
    assert all((tmp_path / "one" / path).read_bytes() == (tmp_path / "two" / path).read_bytes() for path in files)
    texts = ["\n\nHuman: Why?\n\nAssistant:"] * 3, ["You need glue", "It depends on the weather today", "zzz"]
    np.testing.assert_array_equal(TextRewardModel.load(tmp_path / "one").score(*texts), made.score(*texts))


def test_a_text_that_is_read_alone_has_one_reward_after_every_prompt_and_else_not(tmp_path, model):
    answers = ["Mix water and flour"] * 2
    asked = ["\n\nHuman: How do I bake rye bread?\n\nAssistant:", "\n\nHuman: Is it late?\n\nAssistant:"]
    assert len(set(model.score(asked, answers))) == 1
    path = written(tmp_path / "pairs.jsonl", made_up())
    joint = read_texts(path, features="ngrams", **NGRAMS | {"embedded": "prompt_and_response"})
    assert len(set(fitted_on(joint).score(asked, answers))) == 2


def test_an_encoder_scores_new_texts_and_must_stay_the_same(tiny_encoder, tmp_path):  # noqa: F811
    encoder = shutil.copytree(tiny_encoder, tmp_path / "encoder")
    path = written(tmp_path / "pairs.jsonl", made_up(60))
    preferences = read_texts(path, features="encoder", encoder=str(encoder))
    made = fitted_on(preferences, features="encoder")
    made.save(tmp_path / "made")
    loaded = TextRewardModel.load(tmp_path / "made")
    (head,) = made.head.models.values()
    assert alike(loaded.score(*texts_of(preferences.bank)), head.score(preferences.bank.embedding_rd)[0])
    weights = encoder / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(DataError, match="encoder holds other weights than those that it was fitted with"):
        TextRewardModel.load(tmp_path / "made")
    shutil.rmtree(encoder)
    with pytest.raises(DataError, match="is not there any more"):
        TextRewardModel.load(tmp_path / "made")


def test_a_folder_that_is_none_is_one_line(model, tmp_path):
    with pytest.raises(DataError, match=r"holds no reward_model.json; it must be a folder that `rmkit fit` wrote"):
        TextRewardModel.load(tmp_path)
    model.save(tmp_path / "made")
    about = json.loads((tmp_path / "made/reward_model.json").read_text(encoding="utf-8"))
    (tmp_path / "made/reward_model.json").write_text(json.dumps({**about, "format": 9}), encoding="utf-8")
    with pytest.raises(DataError, match="is of format 9; this rmkit reads format 1"):
        TextRewardModel.load(tmp_path / "made")
    for content in ("[]", "{", "{}", "\xff"):
        (tmp_path / "made/reward_model.json").write_text(content, encoding="latin-1")
        with pytest.raises(DataError, match="is not what rmkit wrote") as told:
            TextRewardModel.load(tmp_path / "made")
        assert "\n" not in str(told.value)
    model.save(tmp_path / "other")
    (tmp_path / "other/encoder/ngrams.safetensors").write_bytes(b"0")
    with pytest.raises(DataError, match="holds no n-gram features that can be read"):
        TextRewardModel.load(tmp_path / "other")


def _files(model, tmp_path):
    model.save(tmp_path)
    return sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file())


def test_each_file_that_is_cut_in_half_or_gone_is_one_line(model, tmp_path):
    files = _files(model, tmp_path / "whole")
    assert len(files) == 7
    for at, path in enumerate(files):
        for state in ("half", "gone"):
            folder = tmp_path / f"{state}-{at}"
            model.save(folder)
            content = (folder / path).read_bytes()
            (folder / path).unlink()
            if state == "half":
                (folder / path).write_bytes(content[: len(content) // 2])
            with pytest.raises(DataError) as told:
                TextRewardModel.load(folder)
            assert str(folder) in str(told.value)
            assert "\n" not in str(told.value)


@pytest.mark.parametrize("edit", [{"features": "words"}, {"features": []}, {"features": "encoder"}, {"encoder": 5}])
def test_features_that_there_are_not_are_one_line(model, tmp_path, edit):
    model.save(tmp_path)
    about = json.loads((tmp_path / "reward_model.json").read_text(encoding="utf-8"))
    (tmp_path / "reward_model.json").write_text(json.dumps({**about, **edit}), encoding="utf-8")
    with pytest.raises(DataError, match="is not what rmkit wrote"):
        TextRewardModel.load(tmp_path)


def test_no_text_no_reward_and_without_texts_no_refit(preferences, model):
    assert model.score([], []).shape == (0,)
    bank = preferences.bank
    bare = type(bank)(
        bank.prompts.drop(columns="prompt"), bank.responses.drop(columns="response"), bank.embedding_rd,
        bank.embedding_source,
    )  # fmt: skip
    with pytest.raises(DataError, match="has no texts"):
        fitted_on(type(preferences)(bare, preferences.comparisons, preferences.read, preferences.dropped))
