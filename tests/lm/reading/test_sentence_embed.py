"""A sentence's embedding is the mean of its tokens' last states, of length 1, whatever it is padded with."""

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from rmkit.errors import DataError
from rmkit.lm.loading import load_encoder
from rmkit.lm.reading.sentence_embed import embed_sentences

TEXTS = ["No.", "Give it more water. " * 12, "My rose bush has brown spots."]


@pytest.mark.parametrize("batch_size", [1, 2, 64])
@pytest.mark.parametrize("name", ["base", "gpt2"])
def test_an_embedding_is_the_mean_of_what_transformers_gives_for_the_text_alone(name, batch_size, request):
    origin = request.getfixturevalue(name)
    tokenizer, model = AutoTokenizer.from_pretrained(origin.path), AutoModel.from_pretrained(origin.path)
    embedding_rd, work = embed_sentences(*load_encoder(origin), TEXTS, batch_size=batch_size)
    assert embedding_rd.dtype == np.float16
    assert work.tokens == sum(len(tokenizer(text)["input_ids"]) for text in TEXTS)
    for embedding_d, text in zip(embedding_rd, TEXTS, strict=True):
        with torch.no_grad():
            mean_d = model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0].mean(dim=0).numpy()
        np.testing.assert_allclose(embedding_d, mean_d / np.linalg.norm(mean_d), atol=1e-3)
    assert np.abs(embedding_rd[0] - embedding_rd[1]).max() > 0.05


def test_of_a_long_text_the_end_is_read(gpt2):
    """Also where the encoder's context, here 192 tokens, is shorter than what is asked for."""
    loaded = load_encoder(gpt2)
    begun, end = ("Hello there. " * 100, "And what of this? " * 100), "So water the rose bush in the morning. " * 60
    first_d, second_d, other_d = embed_sentences(*loaded, [begun[0] + end, begun[1] + end, end + begun[0]])[0]
    np.testing.assert_array_equal(first_d, second_d)
    assert np.abs(first_d - other_d).max() > 0.05
    shorter_d = embed_sentences(*loaded, [begun[0] + end], longest=20)[0][0]
    assert np.abs(first_d - shorter_d).max() > 0.01


def test_no_texts_are_a_sentence(encoder):
    with pytest.raises(DataError, match="texts: there are none"):
        embed_sentences(*encoder, [])
