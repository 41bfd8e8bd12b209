"""A language model that was fine-tuned on all pairs is a folder of transformers, and a reward of TRL's."""

import json

import numpy as np
import pytest

from rmkit.cli import main
from rmkit.errors import DataError
from rmkit.export.refit import refitted_language_model
from rmkit.export.sequence_classifier import scores_of
from rmkit.export.text_reward_model import TextRewardModel
from rmkit.export.trl_reward import reward_func
from rmkit.lm.training.preference_model import PreferenceTraining
from rmkit.seeding import generator

ASKED = "\n\nHuman: How do I bake bread?\n\nAssistant:"
SAID = ["Mix water and flour", "It depends on the weather", "No.", "You need patience, and glue. " * 30]
ABOUT = {"answers": {}, "held_out_accuracy": [{"reward_model": "language_model", "mean": 0.7, "low": 0.6, "high": 0.8}]}


@pytest.fixture(scope="module", params=[None, 4], ids=["all weights", "lora"])
def tuned(request, preferences, causal_with_start):
    training = PreferenceTraining(str(causal_with_start), request.param, 1e-3, epochs=1, max_length=64)
    return refitted_language_model(
        training, preferences.bank, preferences.comparisons, validation_share=0.2,
        rng_of=lambda purpose: generator(0, purpose), progress=lambda what: lambda done, total: None, about=ABOUT,
    )  # fmt: skip


def test_a_folder_gives_back_its_scores_in_rmkit_transformers_and_trl(tuned, tmp_path):
    expected_r = tuned.score([ASKED] * 4, SAID)
    assert np.ptp(expected_r) > 1e-2
    tuned.save(tmp_path)
    np.testing.assert_allclose(TextRewardModel.load(tmp_path).score([ASKED] * 4, SAID), expected_r, atol=1e-4)
    whole = [f"{ASKED} {said.strip()}" for said in SAID]
    for batch_size in (1, 16):
        np.testing.assert_allclose(scores_of(tmp_path, whole, batch_size=batch_size), expected_r, atol=1e-4)
    messages = [[{"role": "user", "content": "How do I bake bread?"}]] * 4
    answers = [[{"role": "assistant", "content": said}] for said in SAID]
    np.testing.assert_allclose(reward_func(tmp_path)(messages, answers), expected_r, atol=1e-4)


def test_its_folder_says_how_it_was_made_and_export_copies_it(tuned, preferences, tmp_path):
    tuned.save(tmp_path / "made")
    assert main(["export", str(tmp_path / "made"), "--out", str(tmp_path / "out")]) == 0
    for path in (tmp_path / "made").iterdir():
        assert path.read_bytes() == (tmp_path / "out" / path.name).read_bytes()
    about = json.loads((tmp_path / "out/reward_model.json").read_text(encoding="utf-8"))
    assert (about["head"], about["template"], about["max_length"]) == ("language_model", "plain", 64)
    made = about["about"]
    assert (made["pairs"], made["epoch"], len(made["validation_log_loss"])) == (len(preferences.comparisons), 1, 1)
    assert made["training"]["learning_rate"] == 1e-3
    assert made["texts_cut"] > 0
    card = (tmp_path / "out/README.md").read_text(encoding="utf-8")
    assert "language_model on prompt and response by llama" in card
    assert "| language_model | 70.0% | 60.0% to 80.0% |" in card


def test_a_folder_that_lost_its_weights_is_one_line(tuned, tmp_path):
    tuned.save(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"0")
    with pytest.raises(DataError) as told:
        TextRewardModel.load(tmp_path)
    assert "\n" not in str(told.value)
