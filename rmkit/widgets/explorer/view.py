"""What is seen in the explorer as one short text, and back: for a link, a file, a cell.

    study:tiny;stage:04_reward_models;metric:best_of_n;x:annotations;lines:reward_model;panels:beta;keep.n:32;sort:-value

A part is `key:value`; values of a list stand between commas; whatever else a value holds is percent-encoded, so that
the text is one word of a URL. `keep.COLUMN` lists the values that are kept, `drop.COLUMN` those that are not, whichever
is shorter. A text may come from anyone: it is bounded, its keys are known ones, its values are only ever compared with
those that exist.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote

from rmkit.errors import ResultError
from rmkit.study.monitoring.words import enumerated
from rmkit.widgets.explorer.columns import shown

LONGEST = 8_000  # characters of a view
PLAIN = ("study", "stage", "metric", "x", "lines", "panels", "table")
LISTS = {"sort": 1, "fit": 3, "pinned": 4}  # keys whose value is a list of so many parts
KEEP, DROP = "keep.", "drop."
MEANS = "means"


@dataclass(frozen=True)
class View:
    """What a view asks for, as text; whether it exists is another question (restoring.py)."""

    study: str = ""
    stage: str = ""
    metric: str = ""
    x: str = ""
    lines: str = ""
    panels: str = ""
    table: str = ""  # MEANS, or nothing for each fit
    keep: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    drop: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sort: tuple[str, ...] = ()  # a column, led by - for downwards
    fit: tuple[str, ...] = ()  # key of the job, fit, which of its rows of the metric
    pinned: tuple[str, ...] = ()  # study, stage, key of the job, fit


def text_of(view: View) -> str:
    """The view as text; ResultError if it is longer than a view may be."""
    parts: list[tuple[str, tuple[str, ...]]] = [(name, (value,)) for name in PLAIN if (value := getattr(view, name))]
    parts += [(KEEP + _quoted(name), values) for name, values in view.keep.items()]
    parts += [(DROP + _quoted(name), values) for name, values in view.drop.items()]
    parts += [(name, values) for name in LISTS if (values := getattr(view, name))]
    text = ";".join(f"{key}:{','.join(map(_quoted, values))}" for key, values in parts)
    return _bounded(text)


def parsed_view(text: str) -> View:
    """The view of a text; ResultError, in one sentence, for what is none."""
    found: dict[str, Any] = {"keep": {}, "drop": {}}
    for part in filter(None, _bounded(text).split(";")):
        key, colon, value = part.partition(":")
        values = tuple(map(unquote, value.split(",")))
        group, dot, name = key.partition(".")
        if not colon or not (key in PLAIN or key in LISTS or (dot and name and f"{group}." in (KEEP, DROP))):
            keys = ", ".join((*PLAIN, *LISTS, f"{KEEP}COLUMN", f"{DROP}COLUMN"))
            raise ResultError(f"not a view: {part[:40]!r} is not key:value with a key of {keys}")
        place, key = (found[group], unquote(name)) if dot else (found, key)
        if key in place:
            raise ResultError(f"not a view: {key[:40]!r} is listed twice")
        if not dot and len(values) != LISTS.get(key, 1):
            raise ResultError(f"not a view: {part[:40]!r} has {len(values)} values between commas")
        place[key] = values if dot or key in LISTS else values[0]
    return View(**found)


def value_text(value: Any) -> str:
    """A value of a column as a view names it: 0.5, inf, mlp_bt."""
    if isinstance(value, float):
        short = f"{value:g}"
        return short if float(short) == value else repr(value)
    return str(value)


def kept_or_dropped(kept: Sequence[Any], values: Sequence[Any]) -> tuple[str, tuple[str, ...]]:
    """Which values of a column are kept, told in the shorter way: `keep` or `drop`, and a list."""
    dropped = tuple(value_text(value) for value in values if value not in kept)
    if len(dropped) < len(kept) and dropped != ("",):
        return DROP, dropped or ("",)
    return KEEP, tuple(map(value_text, kept))


def missing_text(missing: Sequence[tuple[str, str]]) -> str:
    """What a view asks for and is not there, in one line; empty if nothing is. missing: what it is, and its name."""
    if not missing:
        return ""
    named = [f"{what.replace('_', ' ')} {shown(None, name)[:60]}" for what, name in missing[:4]]
    more = [f"{len(missing) - 4} more"] if len(missing) > 4 else []
    verb = "is" if len(missing) == 1 else "are"
    return f"This view also asks for {enumerated([*named, *more])}, which {verb} not there."


def _quoted(text: str) -> str:
    return quote(text, safe="")


def _bounded(text: str) -> str:
    if len(text) > LONGEST:
        raise ResultError(f"a view has at most {LONGEST:,} characters; this has {len(text):,}")
    return text
