"""A fine-tuned reward model in a folder: a sequence classifier's, and beside it how it was trained and what it reads.

transformers, TRL and vLLM load the folder without rmkit. Knows a TunedModel and a folder.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from rmkit.errors import DataError
from rmkit.files.regular import read_json
from rmkit.lm.classifier_folders import load_classifier, save_classifier
from rmkit.lm.templates import fingerprint
from rmkit.lm.training.preference_model import TunedModel

ABOUT = "preference_training.json"


def save_tuned(tuned: TunedModel, folder: str | Path) -> None:
    """Write model, tokenizer and what else there is to know into a folder, made if need be."""
    folder = Path(folder)
    save_classifier(tuned.model, tuned.tokenizer, folder)
    about = {
        "template": tuned.template,
        "template_fingerprint": fingerprint(tuned.template, tuned.tokenizer),
        "validation_loss_e": tuned.validation_loss_e,
        "n_cut": tuned.n_cut,
        "log": tuned.log.replace({np.nan: None}).to_dict("records"),
    }
    (folder / ABOUT).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


def about_tuned(folder: str | Path) -> dict[str, Any]:
    """What `save_tuned` wrote beside the model, or DataError."""
    path = Path(folder) / ABOUT
    try:
        about = read_json(path)
        return {name: about[name] for name in ("template", "template_fingerprint", "validation_loss_e", "n_cut", "log")}
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise DataError(f"{path}: cannot be read ({fault}); a reward model here is a folder of save_tuned") from None


def load_tuned(folder: str | Path) -> TunedModel:
    """The model of a folder that `save_tuned` wrote, which gives the same scores; DataError for any other folder."""
    import pandas as pd

    about = about_tuned(folder)
    model, tokenizer = load_classifier(Path(folder), about["template"], about["template_fingerprint"])
    log = pd.DataFrame(about["log"])
    return TunedModel(model, tokenizer, about["template"], log, about["validation_loss_e"], about["n_cut"])
