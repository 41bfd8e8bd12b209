"""A tokenizer that loses nothing, and a model that is transformers' own and learns."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoTokenizer

from rmkit.lm.loading import Origin, load_causal
from rmkit.lm.training.pretrain import Architecture, pretrain, train_tokenizer

ARCHITECTURE = Architecture(hidden=16, layers=1, heads=2, inner=24, context=64)


def trained(texts, tokenizer, folder, **changed):
    options = {"learning_rate": 1e-2, "seed": 0, **changed}
    return pretrain(texts, tokenizer, options.pop("architecture", ARCHITECTURE), folder, **options)


@pytest.fixture(scope="module")
def tokenizer(texts, tmp_path_factory):
    return train_tokenizer(texts, tmp_path_factory.mktemp("tokenizer"), vocabulary=400)


@pytest.fixture(scope="module")
def usual(texts, tokenizer, tmp_path_factory):
    folder = tmp_path_factory.mktemp("usual")
    trained(texts[:32], tokenizer, folder)
    return folder


@pytest.mark.parametrize("text", ["\n\nHuman: Hi.\n\nAssistant: Ho!", "Grüße, 你好 🌱\t  end  ", ""])
def test_any_text_comes_back_from_its_tokens(tokenizer, text):
    ids = tokenizer(text)["input_ids"]
    assert ids[0] == tokenizer.bos_token_id
    assert tokenizer.decode(ids[1:], clean_up_tokenization_spaces=False) == text


def test_the_tokenizer_has_the_size_asked_for_and_loads_as_it_was_saved(texts, tmp_path):
    tokenizer = train_tokenizer(texts, tmp_path, vocabulary=300)
    assert len(tokenizer) == 300
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    assert loaded(texts[:5])["input_ids"] == tokenizer(texts[:5])["input_ids"]
    assert (loaded.pad_token, loaded.bos_token, loaded.eos_token) == ("<pad>", "<s>", "</s>")
    larger = train_tokenizer(texts, tmp_path / "larger", vocabulary=500)
    assert len(larger(texts[0])["input_ids"]) < len(tokenizer(texts[0])["input_ids"])


def test_a_model_has_the_architecture_asked_for(usual, tokenizer):
    model, _ = load_causal(Origin("it", str(usual)))
    config = model.config
    assert (config.hidden_size, config.num_hidden_layers, config.num_attention_heads) == (16, 1, 2)
    assert (config.intermediate_size, config.max_position_embeddings, config.vocab_size) == (24, 64, 400)
    assert (config.pad_token_id, config.bos_token_id, config.eos_token_id) == (0, 1, 2)


def test_a_model_learns_what_it_reads(base, texts):
    """It foretells tokens of texts that it has read better than their frequencies in these texts do."""
    model, tokenizer = load_causal(base)
    count_v = np.bincount([token for text in texts for token in tokenizer(text)["input_ids"][1:]])
    frequency_v = count_v[count_v > 0] / count_v.sum()
    losses = []
    for text in texts[:10]:
        ids = tokenizer(text, return_tensors="pt")["input_ids"].to(model.device)
        with torch.no_grad():
            losses.append(model(ids, labels=ids).loss.item())
    assert np.mean(losses) < -(frequency_v * np.log(frequency_v)).sum() - 0.3


def test_the_loss_falls_from_that_of_a_uniform_guess(texts, tokenizer, tmp_path):
    steps = []
    log = trained(texts * 4, tokenizer, tmp_path, progress=lambda *step: steps.append(step))
    assert log["step"].tolist() == [1, *range(10, 71, 10)]
    loss = log["loss"].to_numpy()
    assert abs(loss[0] - np.log(400)) < 0.3
    assert loss[7] < loss[4] < loss[1] < loss[0]
    assert steps == [(step, 75) for step in range(1, 76)]


def test_every_document_ends_and_the_end_is_learned(texts, tokenizer, tmp_path):
    trained(["Yes."] * 200, tokenizer, tmp_path, learning_rate=3e-2)
    model, _ = load_causal(Origin("it", str(tmp_path)))
    with torch.no_grad():
        logit_v = model(**tokenizer("Yes.", return_tensors="pt").to(model.device)).logits[0, -1]
    assert logit_v.argmax() == tokenizer.eos_token_id


def test_a_text_beyond_the_context_is_cut(texts, tokenizer, tmp_path):
    trained([" ".join(texts[:20])] * 4, tokenizer, tmp_path)
    assert load_causal(Origin("it", str(tmp_path)))


CHANGES = {
    "learning_rate": {"learning_rate": 1e-3},
    "seed": {"seed": 1},
    "inner": {"architecture": Architecture(hidden=16, layers=1, heads=2, inner=32, context=64)},
    "heads": {"architecture": Architecture(hidden=16, layers=1, heads=4, inner=24, context=64)},
    "context": {"architecture": Architecture(hidden=16, layers=1, heads=2, inner=24, context=32)},
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_option_changes_what_is_learned(texts, tokenizer, usual, tmp_path, change):
    trained(texts[:32], tokenizer, tmp_path, **CHANGES[change])
    name = "model.embed_tokens.weight"
    assert not torch.equal(
        load_file(tmp_path / "model.safetensors")[name], load_file(usual / "model.safetensors")[name]
    )


def test_the_same_arguments_give_the_same_bytes(texts, tokenizer, usual, tmp_path):
    trained(texts[:32], tokenizer, tmp_path)
    files = sorted(path.name for path in usual.iterdir())
    assert "model.safetensors" in files
    assert files == sorted(path.name for path in tmp_path.iterdir())
    assert {name for name in files if (tmp_path / name).read_bytes() != (usual / name).read_bytes()} == set()
