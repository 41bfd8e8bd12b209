"""Some of a reward model's fits alone, and a reward model on disk: its options and learned arrays, nothing pickled.

Every head of rmkit is a `StoredHead` and says by name what it has learned; `only`, `save` and `load` follow from that.
Options are JSON, arrays safetensors. Knows names and arrays; no text, no torch.
"""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from rmkit.errors import DataError

FORMAT = 2


@dataclass(kw_only=True)
class StoredHead:
    """A head whose learned state is arrays: its options are dataclass fields, `by_fit` and `shared` name the rest.

    An attribute that is not there, as a validation error of scores after a fit on pairs, is passed over. A head with
    more than arrays adds to `learned` and `take`, or to `only`, `save` and `load` themselves.
    """

    name: ClassVar[str]  # in messages, and in a saved model
    draws: ClassVar[bool] = True  # whether a fit changes with its generator; if not, equal data give equal fits
    by_fit: ClassVar[tuple[str, ...]]  # attributes: arrays with a row for each fit
    shared: ClassVar[tuple[str, ...]] = ()  # attributes: an array, a number or a text that all fits have in common

    def made_with(self) -> dict[str, Any]:
        """What it was made with, by name."""
        return {option.name: getattr(self, option.name) for option in dataclasses.fields(self) if option.init}

    def learned(self) -> dict[str, np.ndarray]:
        """What each fit has learned: arrays with a row for each fit, by name. `take` is the way back."""
        return {name: vars(self)[name] for name in self.by_fit if name in vars(self)}

    def take(self, learned: Mapping[str, np.ndarray]) -> None:
        """Learn what `learned` gave, of some fits or all; other names are passed over."""
        vars(self).update({name: learned[name] for name in self.by_fit if name in learned})

    def only(self, position_g: np.ndarray) -> Self:
        """As `RewardModel.only`."""
        some = dataclasses.replace(self)
        vars(some).update({name: vars(self)[name] for name in self.shared})
        some.take({name: array[position_g] for name, array in self.learned().items()})
        return some

    def save(self, folder: Path) -> None:
        """As `Storable.save`."""
        arrays, facts = self.learned(), dict[str, Any]()
        for name in self.shared:
            (arrays if isinstance(vars(self)[name], np.ndarray) else facts)[name] = vars(self)[name]
        save_state(folder, reward_model=self.name, options=self.made_with(), facts=facts, arrays=arrays)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """As `Storable.load`."""
        options, facts, arrays = load_state(folder, cls.name)
        model = cls.made_from(options)
        vars(model).update({name: facts[name] if name in facts else arrays[name] for name in cls.shared})
        model.take(arrays)
        return model

    @classmethod
    def made_from(cls, options: dict[str, Any]) -> Self:
        """A head of these saved options, on whatever machine this is."""
        return cls(**options)


def save_state(
    folder: str | Path,
    *,
    reward_model: str,
    options: Mapping[str, Any],
    arrays: Mapping[str, np.ndarray],
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Write model.json and model.safetensors; equal state gives equal bytes. facts: learned, and no array."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    about = {"format": FORMAT, "reward_model": reward_model, "options": dict(options), "facts": dict(facts or {})}
    (folder / "model.json").write_text(json.dumps(about, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    # safetensors writes a view's buffer in memory order, so a transposed array must be laid out first
    save_file({name: np.asarray(array, order="C") for name, array in arrays.items()}, folder / "model.safetensors")


def load_state(folder: str | Path, reward_model: str) -> tuple[dict[str, Any], dict[str, Any], dict[str, np.ndarray]]:
    """(options, facts, arrays) of a folder that `save_state` wrote for this reward model, or DataError."""
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
    return about["options"], about["facts"], arrays
