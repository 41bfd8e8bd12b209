"""The encoder that a bank's embeddings were made with, loaded again to read other texts in the same way.

Knows what a bank says of its embeddings; not what the texts are for.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rmkit.errors import DataError, one_of
from rmkit.lm.loading import load_encoder, origin_of
from rmkit.lm.templates import TEMPLATES, fingerprint

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

COLUMNS = {"truncated": "answer", "raw": "response"}  # which text of a response was embedded


def reader_of(
    source: Mapping[str, Any], folders: Mapping[str, Path], **options: Any
) -> "tuple[PreTrainedModel, PreTrainedTokenizerBase, str]":
    """Encoder, tokenizer and template by a bank's `embedding_source`. folders: of the world's models.

    Options: dtype, pad_token. DataError if the template is unknown, or if the encoder there is now makes other tokens
    of the same text.
    """
    template = str(source["template"]).partition(":")[0]
    one_of(template, TEMPLATES, "the bank's template", DataError)
    encoder, tokenizer = load_encoder(origin_of(source["model"], folders, "encoder"), **options)
    if (now := fingerprint(template, tokenizer)) != source["template"]:
        raise DataError(f"encoder {source['model']}: makes {now} of a text, and the bank has {source['template']}")
    return encoder, tokenizer, template


def text_column(source: Mapping[str, Any]) -> str:
    """The column of responses that a bank embedded, or DataError."""
    return COLUMNS[one_of(str(source.get("text")), COLUMNS, "what the bank embedded", DataError)]
