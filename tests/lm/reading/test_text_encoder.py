"""Any encoder: each kind against the same thing done with its own library."""

import shutil

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from rmkit.errors import DataError, ParamsError
from rmkit.lm.reading.text_encoder import embed
from tests.worlds.human_preferences.conftest import dialogues, tiny_encoder  # noqa: F401

TEXTS = ["How do I bake rye bread?", "It depends on the weather", "You need patience, and glue. " * 40, "a"]


def last_states(folder, text, n_tokens=64):
    """(L, D) of the last tokens of a text, alone in its batch."""
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    tokenizer.truncation_side = "left"
    ids = tokenizer(text, truncation=True, max_length=n_tokens, return_tensors="pt")
    with torch.inference_mode():
        return model(**ids).last_hidden_state[0].numpy()


def test_another_encoder_is_read_as_the_mean_of_its_states(tiny_encoder):  # noqa: F811
    embedding_rd, source = embed(TEXTS, encoder=str(tiny_encoder))
    for text, embedding_d in zip(TEXTS, embedding_rd, strict=True):
        mean_d = last_states(tiny_encoder, text).mean(axis=0)
        np.testing.assert_allclose(embedding_d, mean_d / np.linalg.norm(mean_d), atol=2e-3)
    assert source["method"].startswith("mean of the last layer's states over the last 64 tokens")
    assert (source["n_dimensions"], source["n_texts"], source["encoder"]) == (16, 4, str(tiny_encoder))


def test_a_causal_model_is_read_at_the_last_token_of_the_texts_end(gpt2):
    embedding_rd, source = embed(TEXTS, encoder=gpt2.path)
    context = int(source["method"].split(" at most ")[1].split()[0])
    for text, embedding_d in zip(TEXTS, embedding_rd, strict=True):
        expected_d = last_states(gpt2.path, text, context)[-1]
        np.testing.assert_allclose(embedding_d, expected_d, rtol=2e-3, atol=2e-3 * np.abs(expected_d).max())
    assert source["method"].startswith("the last layer's state at the last of at most ")


def test_one_of_sentence_transformers_is_read_as_its_modules_say(tiny_encoder, tmp_path):  # noqa: F811
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer

    part = Transformer(str(tiny_encoder))
    SentenceTransformer(modules=[part, Pooling(16, pooling_mode="cls"), Normalize()]).save(str(tmp_path / "st"))
    embedding_rd, source = embed(TEXTS, encoder=str(tmp_path / "st"))
    for text, embedding_d in zip(TEXTS, embedding_rd, strict=True):
        first_d = last_states(tiny_encoder, text)[0]
        np.testing.assert_allclose(embedding_d, first_d / np.linalg.norm(first_d), atol=2e-3)
    assert source["method"] == "sentence-transformers: Transformer, Pooling, Normalize"


def test_what_is_no_encoder_is_one_line(tiny_encoder, tmp_path):  # noqa: F811
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="empty: its tokenizer cannot be loaded"):
        embed(TEXTS, encoder=str(tmp_path / "empty"))
    broken = shutil.copytree(tiny_encoder, tmp_path / "broken")
    (broken / "model.safetensors").write_bytes(b"0")
    with pytest.raises(DataError, match="broken: cannot be loaded"):
        embed(TEXTS, encoder=str(broken))
    (broken / "modules.json").write_text("[]", encoding="utf-8")
    with pytest.raises(DataError, match="broken: cannot be loaded"):
        embed(TEXTS, encoder=str(broken))
    with pytest.raises(DataError, match=r"no/such-model: .*cannot be loaded"):
        embed(TEXTS, encoder="no/such-model")
    with pytest.raises(ParamsError, match="encoder: 'mine' is not one of"):
        embed(TEXTS, encoder="mine")
    with pytest.raises(DataError, match="texts: there are none"):
        embed([], encoder=str(tiny_encoder))
