"""A bank's encoder loaded again: the same embeddings, or a refusal."""

import numpy as np
import pytest

from rmkit.errors import DataError
from rmkit.lm.loading import load_encoder
from rmkit.lm.reading.embed import embed
from rmkit.lm.reading.read_again import reader_of, text_column
from rmkit.lm.reading.score import source_of

PROMPT, ANSWER = "\n\nHuman: My rose bush has brown spots.\n\nAssistant:", "Give it water."


@pytest.fixture
def stored(base):
    """A bank's embedding, what it says of it, and the folders of its models."""
    reader = load_encoder(base)
    embedding_rd, _ = embed(*reader, [PROMPT], [ANSWER], template="next_turn")
    return embedding_rd, source_of("mine", *reader, "next_turn"), {"mine": base.path}


def test_texts_are_read_as_they_were(stored):
    embedding_rd, source, folders = stored
    *reader, template = reader_of(source, folders)
    np.testing.assert_array_equal(embed(*reader, [PROMPT], [ANSWER], template=template)[0], embedding_rd)


def test_an_encoder_that_reads_otherwise_now_is_refused(stored):
    _, source, folders = stored
    with pytest.raises(DataError, match=r"encoder mine: makes next_turn:.* of a text, and the bank has next_turn:0"):
        reader_of(source | {"template": "next_turn:0"}, folders)
    with pytest.raises(DataError, match="the bank's template: 'nextturn' is not one of"):
        reader_of(source | {"template": "nextturn:0"}, folders)


def test_the_text_that_was_embedded_is_in_a_column():
    assert [text_column({"text": text}) for text in ("truncated", "raw")] == ["answer", "response"]
    with pytest.raises(DataError, match="what the bank embedded: 'None' is not one of truncated, raw"):
        text_column({})
