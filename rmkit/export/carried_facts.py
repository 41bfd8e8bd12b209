"""What a reward model's folder says of its data and evaluation (`about`), checked before anything is told from it.

Knows JSON's values; no model. A model card and the summary of `rmkit fit` tell these facts as they are.
"""

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

from rmkit.errors import DataError, quoted


def check_facts(about: Any, where: str) -> None:
    """DataError, beginning with `where`, unless `about` holds what a model card tells, in the forms told there."""
    if not isinstance(about, dict):
        raise DataError(f"{where}: about: is {quoted(about)}; it must be an object; fit it again")
    for name in ("pairs", "prompts"):
        if not _is_count(about.get(name)):
            found = f"is {quoted(about[name])}" if name in about else "is not there"
            raise DataError(f"{where}: about.{name}: {found}; it must be a whole number; fit it again")
    for name, (is_right, right) in FORMS.items():
        if name in about and not is_right(about[name]):
            raise DataError(f"{where}: about.{name}: is {quoted(about[name])}; it must be {right}; fit it again")


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**53


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and isfinite(value)


def _is_accuracy(row: Any) -> bool:
    if not isinstance(row, dict) or not isinstance(row.get("reward_model"), str) or not _is_number(row.get("mean")):
        return False
    low, high = (row.get(end, False) for end in ("low", "high"))
    return low is None or (_is_number(low) and _is_number(high))


def _are_texts(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(text, str) for text in value.values())


FORMS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "held_out_accuracy": (
        lambda value: isinstance(value, list) and all(map(_is_accuracy, value)),
        "rows of reward_model, mean, low and high",
    ),
    "answers": (_are_texts, "an object of texts"),
    "embedding_source": (lambda value: isinstance(value, dict), "an object"),
}
