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

from rmkit.errors import DataError, RmkitError, cut, quoted
from rmkit.files.regular import read_json, why_unreadable
from rmkit.reward_models.array_forms import Form, check_arrays

FORMAT = 2
ABOUT, ARRAYS = "model.json", "model.safetensors"
ABOUT_KEYS = ("format", "reward_model", "options", "facts")
WRONG = (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError, RecursionError)  # of odd options


@dataclass(kw_only=True)
class StoredHead:
    """A head whose learned state is arrays: its options are dataclass fields, `by_fit` and `shared` name the rest.

    An attribute that is not there, as a validation error of scores after a fit on pairs, is passed over. A head with
    more than arrays adds to `learned` and `take`, or to `only`, `save` and `load` themselves. What is loaded must be as
    `forms` and `wrong_fact` say.
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

    def forms(self) -> Mapping[str, Form] | None:
        """What the arrays of a saved head of these options are, by name; the first one's first axis is the fits'.

        None where a head does not say, as one of your own need not.
        """
        return None

    def wrong_fact(self, facts: Mapping[str, Any]) -> str | None:
        """What is wrong with what it learned that is no array, beginning with its name; None if nothing is."""
        del facts
        return None

    @property
    def n_fits(self) -> int:
        """S."""
        return len(next(iter(self.learned().values())))

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
        """As `Storable.load`; DataError that names file and key, or file and array, for what no save wrote."""
        options, facts, arrays = load_state(folder, cls.name)
        about = Path(folder) / ABOUT
        try:
            model = cls.made_from(options)
        except (*WRONG, RmkitError) as fault:
            said = str(fault) if isinstance(fault, RmkitError) else quoted(fault)
            raise DataError(f"{about}: options: are none of {cls.name} ({said}); fit it again") from None
        if lacking := [name for name in cls.shared if name not in facts and name not in arrays]:
            raise DataError(f"{about}: facts: have no {lacking[0]}; fit it again")
        place, forms = str(Path(folder) / ARRAYS), model.forms()
        if forms is not None:
            check_arrays(arrays, forms, place)
        elif not any(name in arrays for name in cls.by_fit):
            raise DataError(f"{place}: has none of {', '.join(cls.by_fit)}; fit it again")
        if wrong := model.wrong_fact(facts):
            raise DataError(f"{about}: facts: {wrong}; fit it again")
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
    (folder / ABOUT).write_text(json.dumps(about, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    # safetensors writes a view's buffer in memory order, so a transposed array must be laid out first
    save_file({name: np.asarray(array, order="C") for name, array in arrays.items()}, folder / ARRAYS)


def load_state(folder: str | Path, reward_model: str) -> tuple[dict[str, Any], dict[str, Any], dict[str, np.ndarray]]:
    """(options, facts, arrays) of a folder that `save_state` wrote for this reward model, or DataError."""
    folder = Path(folder)
    path = folder / ABOUT
    try:
        about = read_json(path)
        path = folder / ARRAYS
        arrays = load_file(path)
    except OSError as fault:
        raise DataError(f"{path}: cannot be read as a saved reward model: {why_unreadable(fault)}") from fault
    except (*WRONG, SafetensorError) as fault:  # KeyError, AttributeError: a number format that NumPy has not
        raise DataError(f"{path}: cannot be read as a saved reward model: {quoted(fault)}") from fault
    path = folder / ABOUT
    if not isinstance(about, dict):
        raise DataError(f"{path}: is {quoted(about)}; it must be an object of {', '.join(ABOUT_KEYS)}")
    found = (about.get("format"), about.get("reward_model"))
    if found != (FORMAT, reward_model):
        held = f"{_plain(found[1])} of format {_plain(found[0])}"
        raise DataError(f"{path}: holds {held}, expected {reward_model} of format {FORMAT}")
    for name in ("options", "facts"):
        if not isinstance(about.get(name), dict):
            raise DataError(f"{path}: {name}: is {quoted(about.get(name))}; it must be an object")
    return about["options"], about["facts"], arrays


def _plain(value: object) -> str:
    """A name without its quotes, anything else as messages quote it."""
    return cut(value) if isinstance(value, str) else quoted(value)
