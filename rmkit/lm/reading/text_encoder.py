"""Texts as any encoder reads them, by what kind it is: one of sentence-transformers, a causal model, or another.

| the folder or hub name holds | a text's features |
|---|---|
| modules.json, as sentence-transformers writes | what its modules say: pooling, prompts, scaling |
| a causal language model | the last layer's state at the last token |
| another encoder | the mean of the last layer's states, scaled to length 1 |

Of a text longer than the encoder's context the end is read: a dialogue's last answer. Knows texts; no prompt, no
response. Sources: Reimers & Gurevych 2019, arXiv 1908.10084, section 3; arXiv 2411.04991, section 4, for causal ones.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rmkit.errors import DataError
from rmkit.lm.libraries import quiet_libraries
from rmkit.lm.loading import CAUSAL, Origin, context_of, first_line, load_encoder, load_tokenizer, origin_of
from rmkit.lm.reading.batches import ids_through_model
from rmkit.lm.reading.sentence_embed import embed_sentences
from rmkit.progress import Progress

if TYPE_CHECKING:
    import numpy as np
    import torch

MODULES = "modules.json"
LONGEST = 4_096  # tokens, where an encoder's context is longer or unknown


def embed(
    texts: Sequence[str], *, encoder: str, batch_size: int = 32, progress: Progress | None = None
) -> "tuple[np.ndarray, dict[str, Any]]":
    """The R texts as (R, D) float16, and how that was made, in JSON's types; DataError if the encoder cannot be read.

    encoder: a folder, or a name on the hub with a slash in it and, after an @, a revision.
    """
    import numpy as np

    exact_rd, method = read(texts, encoder=encoder, batch_size=batch_size, progress=progress)
    if not (fits_r := (np.abs(exact_rd) <= np.finfo(np.float16).max).all(axis=1)).all():
        raise DataError(f"{encoder}: its features of text {int(np.argmin(fits_r)) + 1} do not fit float16; use another")
    source = {"method": method, "encoder": encoder, "n_dimensions": int(exact_rd.shape[1]), "n_texts": len(texts)}
    return exact_rd.astype(np.float16), source


def read(
    texts: Sequence[str], *, encoder: str, batch_size: int = 32, progress: Progress | None = None
) -> "tuple[np.ndarray, str]":
    """The R texts as (R, D) floats as the encoder gives them, and what that is, in words; else as `embed`."""
    if not texts:
        raise DataError("texts: there are none; give at least one")
    origin = origin_of(encoder, {}, "encoder")
    by = _by_its_modules if is_of_sentence_transformers(origin) else _by_its_last_layer
    return by(origin, texts, batch_size, progress)


def is_of_sentence_transformers(origin: Origin) -> bool:
    """Whether a folder or hub name has the modules by which sentence-transformers reads it."""
    if Path(origin.path).is_dir():
        return (Path(origin.path) / MODULES).is_file()
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, LocalEntryNotFoundError

    try:
        hf_hub_download(origin.path, MODULES, revision=origin.revision)
    except LocalEntryNotFoundError:  # offline, and not in the cache: nor is it one, or it cannot be loaded anyway
        return False
    except EntryNotFoundError:
        return False
    except (OSError, ValueError, HfHubHTTPError) as fault:
        raise DataError(f"{origin.name}: cannot be loaded ({first_line(fault)}); give a folder or a hub name") from None
    return True


def _by_its_modules(
    origin: Origin, texts: Sequence[str], batch_size: int, progress: Progress | None
) -> "tuple[np.ndarray, str]":
    """(R, D) float32 as sentence-transformers gives it."""
    import numpy as np

    with quiet_libraries():
        from sentence_transformers import SentenceTransformer

        try:
            model = SentenceTransformer(origin.path, revision=origin.revision, trust_remote_code=False)
        except (OSError, ValueError, KeyError, ImportError, RuntimeError) as fault:
            said = first_line(fault)
            raise DataError(f"{origin.name}: cannot be loaded ({said}); give a folder or a hub name") from None
        model.tokenizer.truncation_side = "left"
        order = sorted(
            range(len(texts)), key=lambda row: -len(texts[row])
        )  # the longest first: memory runs out at once
        embedding_rd = np.empty((len(texts), model.get_embedding_dimension() or 0), np.float32)
        step = 16 * batch_size
        for start in range(0, len(order), step):
            rows = order[start : start + step]
            found = model.encode([texts[row] for row in rows], batch_size=batch_size, show_progress_bar=False)
            embedding_rd[rows] = found
            if progress:
                progress(start + len(rows), len(order))
    parts = ", ".join(type(module).__name__ for module in model)
    return embedding_rd, f"sentence-transformers: {parts}"


def _by_its_last_layer(
    origin: Origin, texts: Sequence[str], batch_size: int, progress: Progress | None
) -> "tuple[np.ndarray, str]":
    """(R, D) floats of a causal model's last token, or of another encoder's mean."""
    tokenizer = load_tokenizer(origin, padding_side="right")
    pad_token = None if tokenizer.pad_token else tokenizer.eos_token or tokenizer.unk_token  # masked, so any will do
    model, tokenizer = load_encoder(origin, pad_token=pad_token)
    most = min(LONGEST, context_of(model) or LONGEST)
    if not is_causal(origin):
        embedding_rd, _ = embed_sentences(
            model, tokenizer, texts, longest=most, batch_size=batch_size, progress=progress
        )
        return embedding_rd, f"mean of the last layer's states over the last {most} tokens, scaled to length 1"
    tokenizer.truncation_side = "left"
    ids_r = tokenizer(list(texts), truncation=True, max_length=most)["input_ids"]

    def last_state(input_ids: "torch.Tensor", attention_mask: "torch.Tensor") -> "torch.Tensor":
        hidden_bld = model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        last_b = attention_mask.sum(dim=1) - 1
        return hidden_bld[range(len(last_b)), last_b]

    last_rd = ids_through_model(model, tokenizer, ids_r, last_state, batch_size=batch_size, progress=progress)
    return last_rd, f"the last layer's state at the last of at most {most} tokens"


def is_causal(origin: Origin) -> bool:
    """Whether a folder or hub name holds a causal language model, by its configuration."""
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(origin.path, revision=origin.revision, trust_remote_code=False)
    return any(name.endswith(CAUSAL) for name in config.architectures or [])
