"""The exceptions that a user of rmkit sees, each one sentence: where, what was found, what would be right.

Knows nothing of the project. A user's mistake is one of these and prints one line; anything else is a bug and keeps
its traceback.
"""

import difflib
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import TypeVar

SHOWN_WHOLE = 4  # entries of a list that a title has
QUOTED = 200  # characters of a value, a key or a name that a message shows
LISTED = 40  # options that a message names
Name = TypeVar("Name", bound=str)
Value = TypeVar("Value")
ENDS: dict[type, str] = {list: "[]", tuple: "()", dict: "{}", set: "{}"}


class RmkitError(Exception):
    """Any mistake or fault that one sentence explains."""

    exit_code = 1  # of a command line that it ends

    def _render_traceback_(self) -> list[str]:
        """What IPython shows in a notebook: the sentence alone."""
        shown = (sign if sign.isprintable() else ascii(sign)[1:-1] for sign in str(self))
        return [f"{type(self).__name__}: {''.join(shown)}"]


class ParamsError(RmkitError):
    """A study file, a parameter or a notebook's declaration is wrong: nothing was run."""

    exit_code = 2


class DataError(RmkitError):
    """A data file or an array is not what its format says; the sentence names the file or array, and the row."""

    exit_code = 2


class ResultError(RmkitError):
    """A notebook hands over results that break the contract of result rows or artifacts."""


class StoreError(RmkitError):
    """The store cannot be read or written; what is already in it is untouched."""


class JobError(RmkitError):
    """A job of a study failed, or one that this job needs did; its notebook is kept."""


@contextmanager
def told_of(where: str) -> Iterator[None]:
    """A DataError becomes a ParamsError that begins with `where`: what an object refuses, told of a study."""
    try:
        yield
    except DataError as fault:
        raise ParamsError(f"{where}: {fault}") from None


def quoted(value: object) -> str:
    """A value as messages show it: as Python writes it, at most QUOTED characters, however large the value is."""
    return cut("".join(islice(_pieces(value), QUOTED + 1)))


def cut(text: str, most: int = QUOTED) -> str:
    """A key, a name or a line as messages show it: itself, or its first characters with the last an ellipsis."""
    return text if len(text) <= most else text[: most - 1] + "…"


def _pieces(value: object) -> Iterator[str]:
    """What `repr` would give, piece by piece, so that nobody waits for what is cut; no piece is empty."""
    ends = ENDS.get(type(value))
    if ends is None or not value:
        yield _single(value)
        return
    assert isinstance(value, Sequence | Mapping | set)
    yield ends[0]
    for position, item in enumerate(value):
        if position:
            yield ", "
        yield from _pieces(item)
        if isinstance(value, Mapping):
            yield ": "
            yield from _pieces(value[item])
    yield ",)" if ends == "()" and len(value) == 1 else ends[1]


def _single(value: object) -> str:
    """The start of a value that holds no others; a whole number of thousands of digits is told by its size."""
    if isinstance(value, str | bytes):
        return repr(value[: QUOTED + 1])
    if isinstance(value, int) and value.bit_length() > 4 * QUOTED:
        return f"a whole number of {value.bit_length():,} bits"
    return repr(value)


def did_you_mean(value: object, options: Collection[str]) -> str:
    """`; did you mean 'x'?` for the nearest option, or nothing when none is near."""
    near = difflib.get_close_matches(_asked(value), [str(option) for option in options], n=1)
    return f"; did you mean {quoted(near[0])}?" if near else ""


def nearest(value: object, options: Collection[str], most: int = 3) -> str:
    """`; the nearest are x, y, z`: the options that are most like a value, however little; nothing without options."""
    near = difflib.get_close_matches(_asked(value), options, n=most, cutoff=0.0)
    return f"; the nearest {'are' if near[1:] else 'is'} {', '.join(map(cut, near))}" if near else ""


def _asked(value: object) -> str:
    return value[:QUOTED] if isinstance(value, str) else quoted(value)


def listed(values: Sequence[object], most: int = 8) -> str:
    """`5, 6, 7`, the first of them if there are many: `5, 6, 7 and 12 more`."""
    more = f" and {len(values) - most} more" if len(values) > most else ""
    return ", ".join(cut(str(value)) for value in values[:most]) + more


def valued(value: object) -> str:
    """A parameter's value in a title: as Python writes it, of a long list its first entries and how many more."""
    return f"[{listed(value, 2)}]" if isinstance(value, list) and len(value) > SHOWN_WHOLE else str(value)


def one_of(value: Name, options: Collection[Name], where: str, error: type[RmkitError] = ParamsError) -> Name:
    """The value itself if it is an option, else an error that lists the options and suggests one."""
    if value in options:
        return value
    raise error(f"{where}: {not_one_of(value, options)}")


def not_one_of(value: object, options: Collection[object]) -> str:
    """`'y' is not one of x, z; did you mean 'x'?`."""
    names = [str(option) for option in options]
    return f"{quoted(value)} is not one of {listed(names, LISTED)}{did_you_mean(value, names)}"


def check_each_once(values: Sequence[object], where: str) -> None:
    """ParamsError unless values are given, none of them twice."""
    if not values:
        raise ParamsError(f"{where} is empty; give at least one value")
    if twice := listed_twice(values):
        raise ParamsError(f"{where}: {quoted(twice[0])} is listed twice; give each once")


def listed_twice(values: Sequence[Value]) -> list[Value]:
    """The first value that equals an earlier one, or nothing. Fast for numbers and text, however many there are."""
    seen: set[object] = set()
    for position, value in enumerate(values):
        known = value in seen if isinstance(value, Hashable) else value in values[:position]
        if known:
            return [value]
        if isinstance(value, Hashable):
            seen.add(value)
    return []
