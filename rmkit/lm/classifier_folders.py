"""A sequence classifier as a folder of transformers: how every fine-tuned reward model is written, and read back.

Knows a model, its tokenizer and the template that it reads; not what else stands in the folder.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from rmkit.errors import DataError, quoted
from rmkit.lm.libraries import quiet_libraries
from rmkit.lm.loading import Origin, load_reward_model
from rmkit.lm.templates import fingerprint

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def save_classifier(model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase", folder: Path) -> None:
    """Write both into a folder, made if need be; how the tokenizer was last called is no part of it."""
    folder.mkdir(parents=True, exist_ok=True)
    with quiet_libraries():
        model.save_pretrained(folder)
        if tokenizer.is_fast:
            tokenizer.backend_tokenizer.no_truncation()
            tokenizer.backend_tokenizer.no_padding()
        tokenizer.save_pretrained(folder)


def load_classifier(
    folder: Path, template: str, template_fingerprint: str
) -> tuple["PreTrainedModel", "PreTrainedTokenizerBase"]:
    """Both of a folder, or DataError if its tokenizer makes something else of a dialogue than when it was written."""
    model, tokenizer = load_reward_model(Origin(str(folder), str(folder.resolve())))
    if (found := fingerprint(template, tokenizer)) != template_fingerprint:
        was = quoted(template_fingerprint)
        raise DataError(f"{folder}: its tokenizer makes {found} of a dialogue, and was {was}; put its files back")
    return model, tokenizer
