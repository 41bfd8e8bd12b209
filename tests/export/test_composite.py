"""A reward model for which transformers has no class: one folder that moves, scores alike, and holds no pickle."""

import json
import shutil

import numpy as np
import pytest

from rmkit.cli import main
from rmkit.errors import DataError
from rmkit.export import composite
from rmkit.export.composite import write_composite
from rmkit.export.text_reward_model import TextRewardModel
from rmkit.worlds.human_preferences.computed_features import read_texts
from tests.export.conftest import fitted_on
from tests.export.test_readme_path import as_on_the_hub
from tests.worlds.human_preferences.conftest import dialogues, tiny_encoder  # noqa: F401
from tests.worlds.human_preferences.dialogues import made_up, written

TEXTS = ["\n\nHuman: Why?\n\nAssistant:"] * 3, ["You need glue", "It depends on the weather today", "zzz " * 90]
EVALUATED = {"held_out_accuracy": [{"reward_model": "mlp_bt", "mean": 0.7, "low": 0.6, "high": 0.8}], "answers": {}}


@pytest.mark.parametrize("name", ["linear_bt", "mlp_bt", "mlp_clf", "lightgbm_clf"])
def test_n_grams_and_any_head_score_alike_from_a_folder_that_was_moved(name, preferences, tmp_path):
    model = fitted_on(preferences, name, **EVALUATED)
    write_composite(model, tmp_path / "out")
    shutil.move(tmp_path / "out", tmp_path / "moved")
    np.testing.assert_allclose(TextRewardModel.load(tmp_path / "moved").score(*TEXTS), model.score(*TEXTS), atol=1e-4)
    assert "| mlp_bt | 70.0% | 60.0% to 80.0% |" in (tmp_path / "moved/README.md").read_text(encoding="utf-8")
    endings = {path.suffix for path in (tmp_path / "moved").rglob("*") if path.is_file()}
    assert endings <= {".json", ".safetensors", ".parquet", ".md", ".txt"}


@pytest.fixture(scope="module")
def by_mean(tiny_encoder, tmp_path_factory):  # noqa: F811
    """A linear head on the mean state of an encoder of one's own, whose folder also has pickled weights; the encoder."""
    encoder = shutil.copytree(tiny_encoder, tmp_path_factory.mktemp("encoder") / "mine")
    (encoder / "pytorch_model.bin").write_bytes(b"a pickle")
    (encoder / "LICENSE").write_text("Made up.", encoding="utf-8")
    path = written(encoder.parent / "pairs.jsonl", made_up(60))
    return fitted_on(
        read_texts(path, features="encoder", encoder=str(encoder)), features="encoder", **EVALUATED
    ), encoder


def test_a_local_encoder_comes_along_without_pickles(by_mean, tmp_path):
    model, encoder = by_mean
    write_composite(model, tmp_path / "out")
    expected_r = model.score(*TEXTS)
    shutil.move(encoder, tmp_path / "elsewhere")
    try:
        loaded = TextRewardModel.load(tmp_path / "out")
        np.testing.assert_allclose(loaded.score(*TEXTS), expected_r, atol=1e-4)
        write_composite(loaded, tmp_path / "again")
        np.testing.assert_array_equal(TextRewardModel.load(tmp_path / "again").score(*TEXTS), loaded.score(*TEXTS))
    finally:
        shutil.move(tmp_path / "elsewhere", encoder)
    assert {path.name for path in (tmp_path / "out/encoder").iterdir()} >= {"config.json", "LICENSE"}
    assert not list((tmp_path / "out").rglob("*.bin"))
    about = json.loads((tmp_path / "out/reward_model.json").read_text(encoding="utf-8"))
    assert (about["encoder"], about["layer"]) == ("./encoder", "last")
    assert about["pooling"].startswith("mean of the last layer's states")
    assert about["template_fingerprint"].startswith("plain:")
    card = (tmp_path / "out/README.md").read_text(encoding="utf-8")
    assert "by mine, fitted on" in card
    assert str(encoder.parent) not in card


def test_an_encoder_of_the_hub_is_named_with_its_commit(by_mean, tmp_path, monkeypatch):
    from huggingface_hub import constants

    _, encoder = by_mean
    as_on_the_hub(encoder, "made/up", tmp_path)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    path = written(tmp_path / "pairs.jsonl", made_up(60))
    model = fitted_on(read_texts(path, features="encoder", encoder="made/up"), features="encoder", **EVALUATED)
    write_composite(model, tmp_path / "out")
    loaded = TextRewardModel.load(tmp_path / "out")
    assert loaded.encoder == f"made/up@{'0' * 40}"
    np.testing.assert_allclose(loaded.score(*TEXTS), model.score(*TEXTS), atol=1e-4)
    assert "base_model: made/up\n" in (tmp_path / "out/README.md").read_text(encoding="utf-8")


def test_an_encoder_with_pickled_weights_alone_and_other_scores_are_one_line(
    by_mean, preferences, tmp_path, monkeypatch
):
    model, encoder = by_mean
    (encoder / "model.safetensors").rename(encoder / "aside")
    try:
        with pytest.raises(DataError, match=r"mine: has no model\.safetensors, and nothing pickled is exported"):
            write_composite(model, tmp_path / "out")
    finally:
        (encoder / "aside").rename(encoder / "model.safetensors")
    monkeypatch.setattr(composite, "OFF", -1.0)
    with pytest.raises(DataError, match="read back, it gives other scores, off by up to"):
        write_composite(fitted_on(preferences), tmp_path / "other")


def test_the_command_writes_one_and_its_cards_code_runs_as_pasted(preferences, tmp_path, monkeypatch, capsys):
    fitted_on(preferences, "mlp_bt", **EVALUATED).save(tmp_path / "made")
    assert main(["export", str(tmp_path / "made"), "--out", str(tmp_path / "out")]) == 0
    assert "mlp_bt on response by character n-grams, for which transformers has no class" in capsys.readouterr().out
    monkeypatch.chdir(tmp_path / "out")
    code = (tmp_path / "out/README.md").read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    exec(code, {})
    shown = float(capsys.readouterr().out)
    prompt, response = "\n\nHuman: How do I bake bread?\n\nAssistant:", "Mix flour and water, and wait."
    assert shown == pytest.approx(
        float(TextRewardModel.load(tmp_path / "made").score([prompt], [response])[0]), abs=1e-4
    )
