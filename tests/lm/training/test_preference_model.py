"""A language model fine-tuned on pairs orders what it has not seen; LoRA keeps the layer of the reward."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from rmkit.errors import DataError
from rmkit.lm.templates import messages_of
from rmkit.lm.training.preference_model import (
    PairTexts,
    PreferenceTraining,
    fit_preference_model,
    template_of,
)
from tests.lm.training.test_reward_model import separable


def pairs_of(n, seed, weight_m=None):
    table = separable(n, seed)
    return PairTexts(*(table[name].tolist() for name in ("prompt", "chosen", "rejected")), weight_m)


def fitted(base, train, seed=0, validation=None, progress=None, **changed):
    options = {"learning_rate": 1e-2, "batch_size": 2, "epochs": 2, **changed}
    training = PreferenceTraining(base.path, **options)
    return fit_preference_model(training, train, validation or pairs_of(10, 5), seed=seed, progress=progress)


def margins_of(tuned, pairs):
    chosen_m, rejected_m = (tuned.score(pairs.prompt_m, side) for side in (pairs.chosen_m, pairs.rejected_m))
    return chosen_m.astype(np.float64) - rejected_m


@pytest.fixture(scope="module")
def full(base):
    return fitted(base, pairs_of(32, 0))


@pytest.fixture(scope="module")
def lora(base):
    return fitted(base, pairs_of(32, 0), lora_rank=4)


@pytest.mark.parametrize("kind", ["full", "lora"])
def test_held_out_pairs_are_ordered_above_chance(kind, request):
    """Of 100 held-out pairs so many come right that chance lies more than five standard errors below."""
    right = (margins_of(request.getfixturevalue(kind), pairs_of(100, 1)) > 0).mean()
    assert right - 5 * np.sqrt(right * (1 - right) / 100) > 0.5


def test_its_loss_after_each_epoch_is_that_of_the_validation_pairs_and_the_best_epoch_is_kept(full):
    assert len(full.validation_loss_e) == 2
    loss = np.logaddexp(0, -margins_of(full, pairs_of(10, 5))).mean()
    assert loss == pytest.approx(full.validation_loss_e[full.epoch - 1], abs=1e-4)
    assert full.epoch == 1 + int(np.argmin(full.validation_loss_e))


def test_an_epoch_that_does_worse_is_given_up(base):
    """Labels turned round in validation: whatever is learned makes it worse, so that the first epoch is kept."""
    turned = pairs_of(10, 5)
    turned = PairTexts(turned.prompt_m, turned.rejected_m, turned.chosen_m)
    tuned = fitted(base, pairs_of(32, 0), validation=turned, epochs=3)
    assert tuned.validation_loss_e[0] < tuned.validation_loss_e[-1]
    assert tuned.epoch == 1
    assert np.logaddexp(0, -margins_of(tuned, turned)).mean() == pytest.approx(tuned.validation_loss_e[0], abs=1e-4)


def test_lora_trains_its_score_layer_and_merged_it_is_a_plain_model(base, lora, tmp_path):
    """What transformers alone loads has no adapter, the trained layer of the reward, and the same scores."""
    lora.model.save_pretrained(tmp_path)
    names = set(load_file(tmp_path / "model.safetensors"))
    assert "score.weight" in names
    assert not any("lora" in name or "original_module" in name for name in names)
    assert not list(tmp_path.glob("adapter*"))
    plain = AutoModelForSequenceClassification.from_pretrained(tmp_path)
    texts = pairs_of(3, 2)
    ids = [
        lora.tokenizer(f"{prompt} {said}")["input_ids"]
        for prompt, said in zip(texts.prompt_m, texts.chosen_m, strict=True)
    ]
    with torch.inference_mode():
        found = [float(plain(torch.tensor([each])).logits) for each in ids]
    np.testing.assert_allclose(found, lora.score(texts.prompt_m, texts.chosen_m), atol=1e-4)
    before = fitted(base, pairs_of(32, 0), lora_rank=4, learning_rate=1e-12).model.score.weight
    assert (lora.model.score.weight - before).abs().max() > 1e-3


def test_equal_seeds_give_equal_models_and_another_seed_another(base):
    texts = pairs_of(5, 3)
    first, again, other = (
        fitted(base, pairs_of(8, 0), seed=seed, epochs=1).score(texts.prompt_m, texts.chosen_m) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-3


def test_equal_weights_are_none_and_a_pair_of_hardly_any_weight_does_not_count(base):
    texts, train = pairs_of(5, 3), pairs_of(8, 0)
    none = fitted(base, train, epochs=1).score(texts.prompt_m, texts.chosen_m)
    alike = PairTexts(train.prompt_m, train.chosen_m, train.rejected_m, np.full(8, 0.5))
    np.testing.assert_allclose(fitted(base, alike, epochs=1).score(texts.prompt_m, texts.chosen_m), none, atol=1e-4)
    flipped = [train.rejected_m[at] if at % 2 else train.chosen_m[at] for at in range(8)]
    others = [train.chosen_m[at] if at % 2 else train.rejected_m[at] for at in range(8)]
    weight_m = np.where(np.arange(8) % 2, 1e-9, 1.0)
    unsure = fitted(base, PairTexts(train.prompt_m, flipped, others))
    heeded = fitted(base, PairTexts(train.prompt_m, flipped, others, weight_m))
    held_out = pairs_of(100, 1)
    assert (margins_of(heeded, held_out) > 0).mean() > (margins_of(unsure, held_out) > 0).mean() + 0.1


def test_warm_up_is_as_asked(base):
    """With nothing but warm-up the first steps are small: the weights move less."""
    start, usual, slow = (
        fitted(base, pairs_of(4, 0), epochs=1, **changed).model.score.weight
        for changed in ({"learning_rate": 1e-12}, {}, {"warmup": 0.99})
    )
    assert (slow - start).abs().sum() < 0.8 * (usual - start).abs().sum()


def test_pairs_across_prompts_are_read_with_the_prompt_of_each_side(base):
    train = pairs_of(6, 0)
    turned = list(train.prompt_m)[::-1]
    across = PairTexts(train.prompt_m, train.chosen_m, train.rejected_m, rejected_prompt_m=turned)
    alike = PairTexts(train.prompt_m, train.chosen_m, train.rejected_m, rejected_prompt_m=train.prompt_m)
    texts = pairs_of(5, 3)
    within, same, other = (
        fitted(base, pairs, epochs=1).score(texts.prompt_m, texts.chosen_m) for pairs in (train, alike, across)
    )
    np.testing.assert_array_equal(within, same)
    assert np.abs(within - other).max() > 1e-3


def test_long_texts_are_cut_in_front_and_counted(base):
    tuned = fitted(base, pairs_of(6, 0), epochs=1, max_length=16)
    assert tuned.n_cut == 2 * (6 + 10)
    prompt = "\n\nHuman: What about the plant?\n\nAssistant:"
    said = "Take the door, glad to help. " * 4
    assert tuned.score([prompt], [said]) == pytest.approx(tuned.score([f"\n\nHuman: Or?{prompt}"], [said]), abs=1e-5)


def test_a_chat_template_of_its_own_is_used_where_it_takes_the_prompts(base):
    tokenizer = AutoTokenizer.from_pretrained(base.path)
    assert template_of(tokenizer, ["\n\nHuman: a\n\nAssistant:"]) == "plain"
    tokenizer.chat_template = (
        "{% for m in messages %}{% if m['role'] == 'system' %}{{ raise_exception('none') }}{% endif %}"
        "{{ m['content'] }}{% endfor %}"
    )
    assert template_of(tokenizer, ["\n\nHuman: a\n\nAssistant:"]) == "chat"
    asked = "\n\nSystem: Be brief.\n\nHuman: a\n\nAssistant:"
    assert messages_of(asked)[0]["role"] == "system"
    assert template_of(tokenizer, ["\n\nHuman: a\n\nAssistant:", asked]) == "plain"


def test_progress_counts_the_steps(base):
    steps = []
    fitted(base, pairs_of(6, 0), progress=lambda *step: steps.append(step))
    assert steps == [(step, 6) for step in range(1, 7)]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"lora_rank": 0}, "lora_rank: is 0; it must be 1 to 1,024"),
        ({"epochs": 0}, "epochs: is 0"),
        ({"max_length": 3}, "max_length: is 3; it must be 8 to 1,000,000"),
        ({"learning_rate": 2.0}, "learning_rate: is 2.0"),
        ({"warmup": 1.0}, "warmup: is 1.0; it must be 0 to 0.99"),
        ({"coefficient": -1.0}, "coefficient: is -1.0; it must be 0 to 1,000"),
        ({"regulariser": "ridge"}, "regulariser: is ridge; it must be sum_of_squares or centre"),
    ],
)
def test_a_training_that_cannot_be_is_one_line(options, said):
    with pytest.raises(DataError, match=said):
        PreferenceTraining("a/b", **options)


def test_a_model_that_is_none_is_one_line(base, tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "unknown"}', encoding="utf-8")
    with pytest.raises(DataError, match="has no weights"):
        fit_preference_model(PreferenceTraining(str(tmp_path)), pairs_of(2, 0), pairs_of(2, 1), seed=0)
    for name in ("model.safetensors", "tokenizer.json"):
        (tmp_path / name).write_bytes((Path(base.path) / name).read_bytes())
    with pytest.raises(DataError, match="cannot be fine-tuned"):
        fit_preference_model(PreferenceTraining(str(tmp_path)), pairs_of(2, 0), pairs_of(2, 1), seed=0)
