"""The pairs that people may be asked about, and what their labels say so far: counts, agreement, what was foretold.

Knows positions, ids and labels; no text, no window, and not how pairs are picked.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from rmkit.annotation.crowd_agreement import krippendorff_alpha, pairwise_agreement
from rmkit.annotation.people.label_log import FIRST, SECOND, SKIP, TIE, Label, pair_name
from rmkit.annotation.people.queue import SHARED, Standing, overlapping
from rmkit.artifacts.bank import ResponseBank
from rmkit.artifacts.comparisons import Comparisons
from rmkit.errors import DataError, cut, listed_twice
from rmkit.evaluation.prequential import Prequential, prequential
from rmkit.intervals.means import Interval
from rmkit.seeding import generator


@dataclass(frozen=True)
class Counts:
    """How far a queue is."""

    pairs: int
    labelled: int  # different pairs that have a label; skips are none
    labels: int
    ties: int
    skipped: int  # answers, not pairs
    twice: int  # pairs with labels by two people or more
    people: dict[str, int] = field(default_factory=dict)  # labels by annotator


@dataclass(frozen=True, eq=False)
class Pool:
    """The pairs that may be asked about."""

    bank: ResponseBank
    response_ids: Sequence[str]  # (R,) of the texts, all different
    pair_m2: np.ndarray  # (M, 2) int64 positions, first < second; of a list, in the order in which to ask
    judged: Comparisons | None = None  # labels that the file had
    is_list: bool = False  # a list of labels to look at again: asked in its order, and nothing is fitted

    def __post_init__(self) -> None:
        if len(self.response_ids) != self.bank.n_responses or listed_twice(self.response_ids):
            raise DataError(f"{self.bank.n_responses} responses need as many ids, all different")
        if not len(self.pair_m2):
            raise DataError("there is no pair to label: give two responses to one prompt that nobody has judged")

    @cached_property
    def pair_of(self) -> dict[str, tuple[int, int]]:
        """Positions by the pair's id, in the pool's order."""
        return {self.name(pair): (pair[0], pair[1]) for pair in self.pair_m2.tolist()}

    @cached_property
    def position(self) -> dict[str, int]:
        """The position of a response by its id."""
        return {name: r for r, name in enumerate(self.response_ids)}

    def name(self, pair: Sequence[int]) -> str:
        return pair_name(*(self.response_ids[r] for r in pair))

    def labels(self, standing: Standing) -> list[Label]:
        """The labels of this pool's pairs that count, without skips."""
        return [label for label in standing.said() if label.pick.pair in self.pair_of]

    def won_and_lost(self, label: Label) -> tuple[int, int] | None:
        """The positions of the better and of the worse response; None of a tie."""
        pair = self.position[label.pick.first], self.position[label.pick.second]
        return {FIRST: pair, SECOND: pair[::-1]}.get(label.answer)

    def comparisons(self, labels: Sequence[Label]) -> Comparisons:
        """The file's labels and these; ties are left out, as `rmkit fit` does unless it is told otherwise."""
        decided = np.array([pair for pair in map(self.won_and_lost, labels) if pair], dtype=np.int64).reshape(-1, 2)
        table = pd.DataFrame(
            {
                "first": decided.min(axis=1),
                "second": decided.max(axis=1),
                "label": (decided[:, 0] < decided[:, 1]).astype(np.int8),
            }
        )
        if self.judged is not None:
            table = pd.concat([self.judged.table[list(table)], table], ignore_index=True)
        return Comparisons(table)

    def counts(self, standing: Standing) -> Counts:
        """How far everybody is."""
        people: dict[str, int] = {}
        by_pair: dict[str, set[str]] = {}
        labels = self.labels(standing)
        for label in labels:
            by_pair.setdefault(label.pick.pair, set()).add(label.annotator)
            people[label.annotator] = people.get(label.annotator, 0) + 1
        return Counts(
            pairs=len(self.pair_of),
            labelled=len(by_pair),
            labels=len(labels),
            ties=sum(label.answer == TIE for label in labels),
            skipped=sum(label.answer == SKIP and label.pick.pair in self.pair_of for label in standing.labels.values()),
            twice=sum(len(names) > 1 for names in by_pair.values()),
            people=people,
        )

    def foretold(self, standing: Standing, *, shared: bool = False) -> Prequential:
        """What labels say of the models that had foretold them; shared: of the random pairs alone."""
        labels = [label for label in self.labels(standing) if label.pick.rule == SHARED or not shared]
        return self._prequential(labels)

    def foretold_by_batch(self, standing: Standing) -> pd.DataFrame:
        """The same for each model that picked: known, labels, right, seen and expected log-loss, ratio, verdict.

        known: the labels that it had learned from, so that several windows' models are told apart. low and high are NaN
        where a batch has too few prompts for an interval.
        """
        by_model: dict[int, list[Label]] = {}
        for label in self.labels(standing):
            by_model.setdefault(label.pick.known, []).append(label)
        rows = []
        for known, labels in sorted(by_model.items()):
            if (found := self._prequential(labels)).labels:
                losses = {"seen": found.seen, "expected": found.expected, "ratio": found.ratio.estimate}
                ends = {"low": found.ratio.low, "high": found.ratio.high, "verdict": found.verdict}
                rows.append({"known": known, "labels": found.labels, "right": found.right, **losses, **ends})
        return pd.DataFrame(rows)

    def _prequential(self, labels: Sequence[Label]) -> Prequential:
        found = [
            (label.pick.probability, label.answer == FIRST, self.bank.prompt_id_r[self.position[label.pick.first]])
            for label in labels
            if label.pick.probability is not None and label.answer in (FIRST, SECOND)
        ]
        p_m, label_m, prompt_m = np.array(found, dtype=np.float64).reshape(-1, 3).T
        return prequential(p_m, label_m, prompt_m.astype(np.int64), rng=generator(0, "prequential"))

    def agreement(self, standing: Standing) -> tuple[Interval, Interval] | None:
        """How often two people agree, and Krippendorff's alpha; None with fewer than two people."""
        found = overlapping(self.labels(standing))
        if found is None or len(found[1]) < 2:
            return None
        judgements, _, pairs = found
        prompt_m = np.array([self.bank.prompt_id_r[self.pair_of[pair][0]] for pair in pairs])
        rng = generator(0, "agreement")
        return (
            pairwise_agreement(judgements, rng=rng, prompt_m=prompt_m),
            krippendorff_alpha(judgements, rng=rng, prompt_m=prompt_m),
        )

    def overturned(self, standing: Standing) -> tuple[int, int]:
        """Of the pairs that the file had a label of: how many labels say the opposite, and how many decide at all."""
        if self.judged is None:
            return 0, 0
        file = set(zip(self.judged.chosen_m.tolist(), self.judged.rejected_m.tolist(), strict=True))
        decided = [pair for pair in map(self.won_and_lost, self.labels(standing)) if pair]
        one_way = [pair for pair in decided if (pair in file) != (pair[::-1] in file)]
        return sum(pair[::-1] in file for pair in one_way), len(one_way)

    def require_own(self, standing: Standing, path: object) -> int:
        """How many labels are of other pairs; DataError if all are."""
        labels = standing.said()
        others = len(labels) - len(self.labels(standing))
        if labels and others == len(labels):
            raise DataError(f"{cut(str(path))}: has labels of other pairs only; name another file for these")
        return others
