"""Judgements that take the place of earlier ones: rows that say `again`, as notebook 11 writes of a list to look at.

A second judgement of two answers takes the place of earlier ones of the same two answers to the same prompt: of those
by the same annotator, of those that name nobody, and of the only annotator there is, whoever that was. Where several
people judged the two answers, it is one more voice beside theirs. Two second judgements stand beside each other. Knows
rows and pairs; no file.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

AGAIN = "again"  # the column
YES = ("true", "1", "yes")


class Judged(Protocol):
    """A judgement of two answers, as pairs.Pair has it."""

    @property
    def prompt(self) -> str: ...
    @property
    def chosen(self) -> str: ...
    @property
    def rejected(self) -> str: ...
    @property
    def annotator(self) -> str | None: ...
    @property
    def again(self) -> bool: ...


def says_again(row: Mapping[str, Any]) -> bool:
    """Whether a row is a second judgement: its `again` is true, or a text or number that means so."""
    value = row.get(AGAIN)
    return isinstance(value, bool | int | float | str) and str(value).strip().lower().removesuffix(".0") in YES


def replaced(pairs: Sequence[Judged]) -> list[bool]:
    """Of each pair, whether a second judgement among them takes its place; their order does not count."""
    second: dict[tuple[str, frozenset[str]], set[str | None]] = {}
    first: dict[tuple[str, frozenset[str]], set[str | None]] = {}
    for pair in pairs:
        (second if pair.again else first).setdefault(_of(pair), set()).add(pair.annotator)

    def is_replaced(pair: Judged) -> bool:
        by = second.get(_of(pair))
        if pair.again or by is None:
            return False
        return pair.annotator is None or pair.annotator in by or len(first[_of(pair)]) == 1

    return [is_replaced(pair) for pair in pairs]


def _of(pair: Judged) -> tuple[str, frozenset[str]]:
    return pair.prompt, frozenset((pair.chosen, pair.rejected))
