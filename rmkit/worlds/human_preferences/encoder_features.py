"""Features that a real encoder gives: what prompt and response mean to all-MiniLM-L6-v2, 384 dimensions.

Knows texts and the encoder's name; the reading itself is `rmkit.lm.reading.sentence_embed`. Needs rmkit[lm], and the
encoder's folder or a hub. Source: https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2, Apache-2.0.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rmkit.files.digests import file_digest
from rmkit.lm.loading import load_encoder, origin_of
from rmkit.lm.reading.sentence_embed import embed_sentences
from rmkit.worlds.human_preferences.stored_features import ENCODER

if TYPE_CHECKING:
    import numpy as np

WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"  # its model.safetensors
LONGEST = 256  # tokens, as its sentence_bert_config.json has it


def embed(
    texts: Sequence[str], *, encoder: str = ENCODER, progress: Callable[[int, int], None] | None = None
) -> "tuple[np.ndarray, dict[str, Any]]":
    """The R texts as (R, D) float16, and how that was made, in JSON's types.

    encoder: a folder, or a name on the hub; DataError if there is none.
    """
    model, tokenizer = load_encoder(origin_of(encoder, {}, "encoder"))
    embedding_rd, _ = embed_sentences(model, tokenizer, texts, longest=LONGEST, progress=progress)
    source = {
        "method": f"mean of the last layer's states over the last {LONGEST} tokens, scaled to length 1",
        "encoder": name_of(encoder),
        "n_dimensions": int(embedding_rd.shape[1]),
        "n_texts": len(texts),
    }
    return embedding_rd, source


def name_of(encoder: str) -> str:
    """The published name and revision of an encoder if its folder holds those weights, else its name as given."""
    weights = Path(encoder) / "model.safetensors"
    if weights.is_file() and file_digest(weights) == WEIGHTS_SHA256:
        return ENCODER
    return encoder
