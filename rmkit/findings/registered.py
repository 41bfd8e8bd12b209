"""Which statements a study registered: `name@digest` of each, as text among the parameters of 07_figures.

Knows text only, so that `rmkit check` answers at once.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from rmkit.errors import ParamsError, listed_twice, quoted


def names_and_digests(registered: Sequence[str]) -> dict[str, str]:
    """The digest of each registered rule, by its name; ParamsError for an entry of another form, or a name twice."""
    for position, entry in enumerate(registered):
        if not re.fullmatch(r"[^@]+@[0-9a-f]{8}", entry):
            form = "is not a statement's name@digest, of eight digits"
            raise ParamsError(f"registered[{position}]: {quoted(entry)} {form}")
    if twice := listed_twice([entry.partition("@")[0] for entry in registered]):
        raise ParamsError(f"registered: {quoted(twice[0])} is listed twice; give each statement once")
    return dict(entry.split("@") for entry in registered)


def check_registered(parameters: Mapping[str, Any], counts: Mapping[str, int], where: str) -> None:
    """ParamsError unless 07_figures is given statements by name and digest."""
    try:
        names_and_digests(parameters["registered"])
    except ParamsError as fault:
        raise ParamsError(f"{where}: {fault}") from None
