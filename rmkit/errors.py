"""The exceptions that a user of rmkit sees, each one sentence: where, what was found, what would be right.

Knows nothing of the project. A user's mistake is one of these and prints one line; anything else is a bug and keeps
its traceback.
"""

import difflib
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

Name = TypeVar("Name", bound=str)


class RmkitError(Exception):
    """Any mistake or fault that one sentence explains."""

    exit_code = 1  # of a command line that it ends

    def _render_traceback_(self) -> list[str]:
        """What IPython shows in a notebook: the sentence alone."""
        return [f"{type(self).__name__}: {self}"]


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


def did_you_mean(value: object, options: Collection[str]) -> str:
    """`; did you mean 'x'?` for the nearest option, or nothing when none is near."""
    near = difflib.get_close_matches(str(value), [str(option) for option in options], n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def nearest(value: object, options: Collection[str], most: int = 3) -> str:
    """`; the nearest are x, y, z`: the options that are most like a value, however little; nothing without options."""
    near = difflib.get_close_matches(str(value)[:100], options, n=most, cutoff=0.0)
    return f"; the nearest {'are' if near[1:] else 'is'} {', '.join(near)}" if near else ""


def listed(values: Sequence[object], most: int = 8) -> str:
    """`5, 6, 7`, the first of them if there are many: `5, 6, 7 and 12 more`."""
    more = f" and {len(values) - most} more" if len(values) > most else ""
    return ", ".join(map(str, values[:most])) + more


def one_of(value: Name, options: Collection[Name], where: str, error: type[RmkitError] = ParamsError) -> Name:
    """The value itself if it is an option, else an error that lists the options and suggests one."""
    if value in options:
        return value
    raise error(f"{where}: {not_one_of(value, options)}")


def not_one_of(value: object, options: Collection[object]) -> str:
    """`'y' is not one of x, z; did you mean 'x'?`."""
    listed = [str(option) for option in options]
    return f"{value!r} is not one of {', '.join(listed)}{did_you_mean(value, listed)}"


def check_each_once(values: Sequence[object], where: str) -> None:
    """ParamsError unless values are given, none of them twice."""
    if not values:
        raise ParamsError(f"{where} is empty; give at least one value")
    if twice := [value for position, value in enumerate(values) if value in values[:position]]:
        raise ParamsError(f"{where}: {twice[0]!r} is listed twice; give each once")
