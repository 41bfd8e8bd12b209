"""A reward model of texts for which transformers has no class, in one folder that moves: head, encoder and model card.

The loader is `TextRewardModel.load`, and needs rmkit. A local encoder comes along, with its licence files; one of the
hub is named with its commit. No pickle goes in. Knows a reward model of texts; nothing is fitted.

| file | holds |
|---|---|
| reward_model.json | head, features, encoder with revision, layer, pooling, template and its fingerprint, evaluation |
| head/ | the head's class (one of rmkit's registry), options as JSON, arrays as safetensors; trees as text |
| encoder/ | what was fitted on n-grams (JSON, safetensors), or the encoder's own folder |
| README.md | the model card |
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rmkit.errors import DataError
from rmkit.export.model_card import CARD_FILE, card
from rmkit.export.probes import OFF, PROBES
from rmkit.export.text_reward_model import ABOUT, BESIDE, ENCODER, WEIGHTS, HeadRewardModel, TextRewardModel
from rmkit.files.regular import read_json
from rmkit.lm.libraries import quiet_libraries
from rmkit.lm.loading import load_tokenizer, origin_of
from rmkit.lm.templates import fingerprint
from rmkit.worlds.human_preferences.stored_features import ENCODED, MINILM

PICKLES = ("*.bin", "*.pt", "*.pth", "*.pkl", "*.pickle", "*.ckpt")
OTHERS = ("*.onnx", "*.h5", "*.msgpack", "*.ot", "onnx", "openvino", ".*")  # the same weights for other libraries


def write_composite(model: HeadRewardModel, folder: str | Path) -> None:
    """Write the folder; DataError if its encoder cannot come along, or if, read back, it gives other scores.

    The scores are those of `model.score` up to OFF of their spread.
    """
    folder = Path(folder)
    model.save(folder)
    about = read_json(folder / ABOUT) | _of_the_encoder(model)
    if model.encoder and Path(model.encoder).is_dir():
        if not (Path(model.encoder) / WEIGHTS).is_file():
            raise DataError(
                f"{model.encoder}: has no {WEIGHTS}, and nothing pickled is exported; save it as safetensors"
            )
        ignored = shutil.ignore_patterns(*PICKLES, *OTHERS)
        shutil.copytree(model.encoder, folder / ENCODER, ignore=ignored, dirs_exist_ok=True)
        about["encoder"] = BESIDE
    (folder / ABOUT).write_text(json.dumps(about, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / CARD_FILE).write_text(card(model, in_transformers=False), encoding="utf-8")
    expected_r, found_r = model.score(*PROBES), TextRewardModel.load(folder).score(*PROBES)
    off = float(np.abs(found_r - expected_r).max())
    if not off <= OFF * max(1.0, float(np.ptp(expected_r))):
        raise DataError(f"{folder}: read back, it gives other scores, off by up to {off:.2g}; it is of no use")


def _of_the_encoder(model: HeadRewardModel) -> Mapping[str, Any]:
    """What reward_model.json says of how texts are read, where a model reads them."""
    if model.features not in (ENCODED, MINILM):
        return {}
    origin = origin_of(str(model.encoder), {}, "encoder")
    with quiet_libraries():
        tokenizer = load_tokenizer(origin, padding_side="right")
    told = {
        "layer": "last",
        "pooling": model.about.get("embedding_source", {}).get("method"),
        "template": "plain",
        "template_fingerprint": fingerprint("plain", tokenizer),
    }
    if Path(origin.path).is_dir():
        return told
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(origin.path, revision=origin.revision, trust_remote_code=False)
    commit = getattr(config, "_commit_hash", None) or origin.revision
    return told | {"revision": commit, "encoder": f"{origin.path}@{commit}" if commit else origin.path}
