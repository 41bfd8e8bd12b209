"""A queue of pairs that several people and windows work on: who is shown what, and what counts of what they said.

A pair is labelled once. Nobody is shown a pair that somebody has labelled, or that another window is showing; nobody is
shown a pair twice, a skipped one neither. Overlap is the one exception, and it is drawn at random, never by the rule
that picks the rest: a share of everybody's pairs comes from the same list in random order (`shared_order`), so that
people meet on the same pairs. These pairs are a random sample of all pairs, too, which the picked ones are not.

A claim ends with an answer, with its window's process, or after CLAIM_SECONDS. Who answers later is still heard, unless
somebody else has labelled the pair in the meantime. Knows the log's rows; no text, no model.
"""

import hashlib
import os
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import psutil

from rmkit.annotation.judgements import Judgements
from rmkit.annotation.people.label_log import (
    FIRST,
    SECOND,
    SKIP,
    TIE,
    Answer,
    Claim,
    Label,
    LabelLog,
    Pick,
    Release,
    Undo,
)
from rmkit.annotation.people.names import check_annotator
from rmkit.errors import DataError, cut
from rmkit.machine.processes import this_host

CLAIM_SECONDS = 900.0
SHARED = "shared, at random"  # the rule of pairs that overlap asks for
IMPORTED = "imported"
VALUE: Mapping[str, float] = {FIRST: 1.0, TIE: 0.5, SECOND: 0.0}


def shared_order(pairs: Iterable[str]) -> list[str]:
    """Pairs in an order that is random, and the same for everybody: by the hash of their ids."""
    return sorted(pairs, key=lambda pair: hashlib.sha256(pair.encode()).digest())


def is_shared_turn(annotator: str, decisions: int, overlap: float) -> bool:
    """Whether a person's next pair, after so many decisions, is a shared one: by a hash, in a share of all turns."""
    drawn = hashlib.sha256(f"{annotator}/{decisions}".encode()).digest()
    return int.from_bytes(drawn[:8], "big") < overlap * 2**64


@dataclass
class Standing:
    """What counts after some rows of a log. Read on by `hear`."""

    labels: dict[int, Label] = field(default_factory=dict)  # by row; those that were not undone
    by_pair: dict[str, dict[str, int]] = field(default_factory=dict)  # pair -> annotator -> row
    claims: dict[str, Claim] = field(default_factory=dict)  # window -> what it shows
    decisions: dict[str, int] = field(default_factory=dict)  # annotator -> labels ever given, undone ones too
    heard: int = 0

    def hear(self, log: LabelLog) -> None:
        """Take in the rows that are new; DataError for an undo of what is no label, or a second label of one's own."""
        for number, row in enumerate(log.rows[self.heard :], self.heard + 1):
            where = f"{log.path}, line {number}"
            if isinstance(row, Claim):
                self.claims[row.window] = row
            elif isinstance(row, Release):
                self.claims.pop(row.window, None)
            elif isinstance(row, Label):
                of_pair = self.by_pair.setdefault(row.pick.pair, {})
                if row.annotator in of_pair:
                    twice = f"labels a pair that line {of_pair[row.annotator]} labels for the same person"
                    raise DataError(f"{where}: {twice}; delete one of the two")
                of_pair[row.annotator] = number
                self.labels[number] = row
                self.decisions[row.annotator] = self.decisions.get(row.annotator, 0) + 1
                if (claim := self.claims.get(row.window)) and claim.pick.pair == row.pick.pair:
                    del self.claims[row.window]
            else:
                undone = self.labels.pop(row.undoes, None)
                if undone is None or undone.annotator != row.annotator:
                    raise DataError(f"{where}: undoes line {row.undoes}, which is no label of {cut(row.annotator, 40)}")
                del self.by_pair[undone.pick.pair][row.annotator]
            self.heard = number

    def said(self) -> list[Label]:
        """The labels that count and are no skip, in the order in which they were given."""
        return [label for label in self.labels.values() if label.answer != SKIP]


class Queue:
    """One window's place in a queue. Every method takes a turn on the log, so that windows never cross."""

    def __init__(self, log: LabelLog, *, clock: Callable[[], float] = time.time) -> None:
        self.log, self.window, self._clock = log, uuid.uuid4().hex[:12], clock
        self._standing = Standing()
        self._host, self._pid = this_host(), os.getpid()
        self._started = psutil.Process().create_time()

    def standing(self) -> Standing:
        """What counts now, of all windows."""
        with self.log.turn():
            return self._heard()

    def take(self, picks: Iterable[Pick], annotator: str, rng: np.random.Generator) -> Claim | None:
        """The first pick that may be shown, claimed, left and right drawn at random; None if there is none."""
        check_annotator(annotator)
        with self.log.turn():
            standing = self._heard()
            for pick in picks:
                if not self._why_not(standing, pick, annotator):
                    now = self._clock()
                    left = pick.first if rng.random() < 0.5 else pick.second
                    claim = Claim(
                        pick, left, annotator, self.window, self._host, self._pid, self._started, now,
                        now + CLAIM_SECONDS,
                    )  # fmt: skip
                    self.log.append([claim])
                    self._heard()
                    return claim
        return None

    def answer(self, claim: Claim, answer: Answer) -> int | None:
        """Keep an answer; its row. None, and nothing is kept, where somebody else has labelled the pair by now."""
        with self.log.turn():
            standing = self._heard()
            if self._why_not(standing, claim.pick, claim.annotator):
                return None
            label = Label(
                claim.pick, claim.shown_left, claim.annotator, self.window, claim.shown_at, self._clock(), answer
            )
            (row,) = self.log.append([label])
            self._heard()
            return row

    def undo(self, annotator: str) -> Label | None:
        """Take back this window's last label of a person, else the last of any window; None if there is none."""
        with self.log.turn():
            standing = self._heard()
            mine = [row for row, label in standing.labels.items() if label.annotator == annotator]
            mine = [row for row in mine if standing.labels[row].window == self.window] or mine
            if not mine:
                return None
            undone = standing.labels[mine[-1]]
            self.log.append([Undo(mine[-1], annotator, self.window, self._clock())])
            self._heard()
            return undone

    def add(self, labels: Sequence[Label]) -> None:
        """Keep labels that were given elsewhere, all or none; DataError where the person has judged the pair here."""
        with self.log.turn():
            standing = self._heard()
            for label in labels:
                if label.annotator in standing.by_pair.get(label.pick.pair, {}):
                    row = standing.by_pair[label.pick.pair][label.annotator]
                    raise DataError(f"{self.log.path}: line {row} has {cut(label.annotator, 40)}'s label of that pair")
            if labels:
                self.log.append(labels)
            self._heard()

    def release(self) -> None:
        """Let others have what this window shows."""
        with self.log.turn():
            if self.window in self._heard().claims:
                self.log.append([Release(self.window, self._clock())])
                self._heard()

    def claimed_elsewhere(self) -> int:
        """How many pairs other windows show."""
        standing = self.standing()
        return sum(self._holds(claim) for window, claim in standing.claims.items() if window != self.window)

    def _heard(self) -> Standing:
        self._standing.hear(self.log)
        return self._standing

    def _why_not(self, standing: Standing, pick: Pick, annotator: str) -> str:
        """Why a pair may not be shown to a person, or labelled by them; empty if it may."""
        by = standing.by_pair.get(pick.pair, {})
        if annotator in by:
            return "judged by the same person"
        shared = pick.rule == SHARED
        if not shared and any(standing.labels[row].answer != SKIP for row in by.values()):
            return "labelled by somebody else"
        for window, claim in standing.claims.items():
            same = claim.pick.pair == pick.pair and (not shared or claim.annotator == annotator)
            if same and window != self.window and self._holds(claim):
                return "shown in another window"
        return ""

    def _holds(self, claim: Claim) -> bool:
        """Whether a claim still counts: it is young enough, and its process lives, as far as that can be seen here."""
        if claim.until <= self._clock():
            return False
        if claim.host != self._host or claim.pid == self._pid:
            return True
        try:
            return abs(psutil.Process(claim.pid).create_time() - claim.started) < 1
        except psutil.NoSuchProcess:
            return False
        except psutil.Error:
            return True


def overlapping(labels: Sequence[Label]) -> tuple[Judgements, list[str], list[str]] | None:
    """Labels as judgements, for crowd_agreement and its like; whose the annotators are, and which the pairs.

    A judgement is of the response on the left where that is known, so that sides are random and answers comparable:
    both people's are turned to the first one's sides. None where there is no label.
    """
    if not labels:
        return None
    names = list(dict.fromkeys(label.annotator for label in labels))
    pairs = list(dict.fromkeys(label.pick.pair for label in labels))
    turned = {label.pick.pair: label.shown_left == label.pick.second for label in reversed(labels)}
    value_j = np.array([VALUE[label.answer] for label in labels])
    turned_j = np.array([turned[label.pick.pair] for label in labels])
    number, place = ({name: n for n, name in enumerate(found)} for found in (names, pairs))
    judgements = Judgements(
        np.array([place[label.pick.pair] for label in labels]),
        np.array([number[label.annotator] for label in labels]),
        np.where(turned_j, 1 - value_j, value_j),
    )
    return judgements, names, pairs
