"""A fitted reward model on disk: its options as JSON, its learned arrays as safetensors, nothing pickled.

Knows names and arrays; no head, no torch.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from rmkit.errors import DataError

FORMAT = 1


def save_state(
    folder: str | Path, *, reward_model: str, options: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
) -> None:
    """Write model.json and model.safetensors; equal state gives equal bytes."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    about = {"format": FORMAT, "reward_model": reward_model, "options": dict(options)}
    (folder / "model.json").write_text(json.dumps(about, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    # safetensors writes a view's buffer in memory order, so a transposed array must be laid out first
    save_file({name: np.asarray(array, order="C") for name, array in arrays.items()}, folder / "model.safetensors")


def load_state(folder: str | Path, reward_model: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """(options, arrays) of a folder that `save_state` wrote for this reward model, or DataError."""
    folder = Path(folder)
    try:
        about = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        arrays = load_file(folder / "model.safetensors")
    except (OSError, ValueError, SafetensorError) as error:
        raise DataError(f"{folder}: cannot be read as a saved reward model: {error}") from error
    found = (about.get("format"), about.get("reward_model"))
    if found != (FORMAT, reward_model):
        raise DataError(
            f"{folder / 'model.json'}: holds {found[1]} of format {found[0]}, "
            f"expected {reward_model} of format {FORMAT}"
        )
    return about["options"], arrays
