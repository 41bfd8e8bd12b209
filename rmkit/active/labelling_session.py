"""One person's work on a queue of pairs: what is shown now, an answer, an undo, and when it may end.

What a widget shows and a simulated person drives, both through the same calls. The next pairs are ready before they
are asked for: 2k of them are picked at once, and after each k labels, by whomever, they are picked anew beside the
person's work; until that is done the second half of the old ones serves, marked `stale` in the log. Of the pairs, only
ids and positions are known here; no text.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from rmkit.active.label_pool import Counts, Pool
from rmkit.active.next_pairs import Fitted, Worth
from rmkit.annotation.people.label_log import ANSWERS, FIRST, SECOND, Answer, Claim, Label, LabelLog, Pick, pair_name
from rmkit.annotation.people.names import check_annotator
from rmkit.annotation.people.queue import SHARED, Queue, Standing, is_shared_turn, shared_order
from rmkit.errors import ParamsError, RmkitError, one_of, quoted
from rmkit.evaluation.prequential import TOO_SURE
from rmkit.seeding import generator

RANDOM, INFORMATIVE, LISTED = "random", "D-optimal", "likely wrong"
BATCHES_IN_A_ROW = 2  # that must promise little before a stop is suggested
LARGEST_BATCH = 500  # twice as many are picked at once, in seconds
MOST_RANDOM = 2_000  # pairs that are looked through at random
NOTHING_TOLD: Mapping[str, np.ndarray] = {}


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a queue is worked on."""

    batch: int = 20  # labels after which the next pairs are picked anew
    overlap: float = 0.1  # share of a person's pairs that others get too, and that are random
    enough: float = 0.005  # a batch that promises to put fewer of the pairs right suggests to stop
    seed: int = 0
    background: bool = True  # pick while the person works; False: pick at once, so that a seed gives the same pairs

    def __post_init__(self) -> None:
        if not isinstance(self.batch, int) or not 1 <= self.batch <= LARGEST_BATCH:
            most = f"a whole number of labels, from 1 to {LARGEST_BATCH}"
            raise ParamsError(f"batch: is {quoted(self.batch)}; it must be {most}")
        if not isinstance(self.overlap, int | float) or not 0 <= self.overlap <= 1:
            raise ParamsError(f"overlap: is {quoted(self.overlap)}; it must be a share, from 0 to 1")
        if not isinstance(self.enough, int | float) or not 0 <= self.enough <= 0.5:
            raise ParamsError(f"enough: is {quoted(self.enough)}; it must be a share of the pairs, from 0 to 0.5")
        if not isinstance(self.seed, int) or self.seed < 0:
            raise ParamsError(f"seed: is {quoted(self.seed)}; it must be a whole number, 0 or more")


class Session:
    """A window of one person on a pool and a log."""

    def __init__(self, pool: Pool, log: str | Path, annotator: str, options: Options | None = None) -> None:
        """Opens the log. ParamsError for a name that is none, DataError for a log of other pairs."""
        self.pool, self.options, self.annotator = pool, options or Options(), check_annotator(annotator)
        self.log = LabelLog(log)
        self.queue = Queue(self.log)
        self.claim: Claim | None = None
        self.worths: list[tuple[int, Worth]] = []  # (labels that were known, what the next ones promised), a fit each
        self.fault = ""  # why the last picking failed, in a sentence
        self._shared = [] if pool.is_list else shared_order(pool.pair_of)
        self._rng = np.random.default_rng()  # sides, and pairs at random: two windows must not draw alike
        if not self.options.background:
            self._rng = generator(self.options.seed, "labelling", annotator)
        self._picking: threading.Thread | None = None
        self._lock = threading.Lock()
        self._ready: list[Pick] = []
        self._fitted: Fitted | None = None
        self._fitted_at = 0  # labels that the last fit knew
        try:
            standing = self.queue.standing()
            self.other_pairs = pool.require_own(standing, self.log.path)
        except BaseException:
            self.log.close()
            raise
        known = pool.labels(standing)
        if len(known) > self.options.batch:  # what the batch before had promised: two in a row are asked for
            self._pick_anew(known[: -self.options.batch])
        self._pick_anew(known)

    def close(self) -> None:
        """Release what is shown, and the file; a second time does nothing."""
        self.wait()
        try:
            if self.log.is_open:
                self.queue.release()
        except RmkitError:  # of a file that is gone or damaged, say: then the claim ends by itself
            pass
        finally:
            self.log.close()

    def change_person(self, annotator: str) -> None:
        """Somebody else sits down: what is shown is released. ParamsError for a name that is none."""
        check_annotator(annotator)
        if annotator != self.annotator:
            self.queue.release()
            self.annotator, self.claim = annotator, None

    def sides(self, claim: Claim) -> tuple[int, int]:
        """The positions in the bank of the responses on the left and on the right."""
        first, second = self.pool.position[claim.pick.first], self.pool.position[claim.pick.second]
        return (first, second) if claim.shown_left == claim.pick.first else (second, first)

    def next(self) -> Claim | None:
        """Show the next pair; None where there is none left for this person. What is shown already stays."""
        if self.claim is None:
            self.claim = self._next()
        return self.claim

    def answer(self, answer: Answer) -> bool:
        """Keep the answer to what is shown, and show nothing; False where somebody else has labelled it by now."""
        one_of(answer, ANSWERS, "answer")
        if self.claim is None:
            return False
        kept = self.queue.answer(self.claim, answer) is not None
        self.claim = None
        return kept

    def choose(self, side: str) -> bool:
        """Keep that the response on the `left` or on the `right` is better; as `answer`."""
        one_of(side, ("left", "right"), "side")
        if self.claim is None:
            return False
        return self.answer(FIRST if (side == "left") == (self.claim.shown_left == self.claim.pick.first) else SECOND)

    def undo(self) -> Label | None:
        """Take back the last label, and show its pair again; None if there is none."""
        undone = self.queue.undo(self.annotator)
        if undone is not None and undone.pick.pair in self.pool.pair_of:
            self.claim = self._take([undone.pick]) or self.claim
        return undone

    def counts(self) -> Counts:
        """How far everybody is."""
        return self.pool.counts(self.queue.standing())

    def orders(self, pair_m2: np.ndarray) -> np.ndarray:
        """(M,) 1 where the last fit prefers the first, -1 where it prefers the second, 0 where it has no preference."""
        with self._lock:
            fitted = self._fitted
        if fitted is None:
            return np.zeros(len(pair_m2))
        found: np.ndarray = np.sign(fitted.seen(pair_m2).margin_sm[0])
        return found

    def may_stop(self) -> bool:
        """Whether the last two batches promised little, and nothing says that the model is too sure to be believed."""
        last = [worth.promised for _, worth in self.worths[-BATCHES_IN_A_ROW:]]
        little = len(last) == BATCHES_IN_A_ROW and max(last) < self.options.enough
        return little and self.pool.foretold(self.queue.standing()).verdict != TOO_SURE

    @property
    def is_picking(self) -> bool:
        """Whether pairs are being picked beside the person's work."""
        return self._picking is not None and self._picking.is_alive()

    def wait(self) -> None:
        """Until what is being picked is there."""
        if self._picking:
            self._picking.join()

    def _next(self) -> Claim | None:
        standing = self.queue.standing()
        known = self.pool.labels(standing)
        due = abs(len(known) - self._fitted_at) >= self.options.batch
        if due and not self.options.background:
            self._pick_anew(known)
            due = False
        elif due and not self.is_picking:
            self._picking = threading.Thread(target=self._pick_anew, args=(known,), daemon=True)
            self._picking.start()
        asked: list[Pick] = []
        if is_shared_turn(self.annotator, standing.decisions.get(self.annotator, 0), self.options.overlap):
            asked = self._shared_picks(standing)
        with self._lock:
            asked += [replace(pick, stale=True) for pick in self._ready] if due else self._ready
        if claim := self._take(asked):
            return claim
        if len(standing.by_pair) < len(self.pool.pair_of) and not self.fault:  # others have taken what was ready
            self.wait()
            self._pick_anew(known)
        return self._take(self._ready) or self._take(self._others(standing))

    def _take(self, picks: Sequence[Pick]) -> Claim | None:
        return self.queue.take(picks, self.annotator, self._rng)

    def _pick_anew(self, known: Sequence[Label]) -> None:
        """Fit on all labels, and pick the next 2k pairs. Runs beside the person's work, and only sets what is ready."""
        try:
            ready, fitted, worth, fault = (*self._picks(known), "")
        except RmkitError as error:
            ready, fitted, worth, fault = [], None, None, str(error)
        with self._lock:
            self._ready, self._fitted, self.fault = ready, fitted, fault
            self._fitted_at = len(known)
            if worth:
                self.worths.append((len(known), worth))

    def _picks(self, known: Sequence[Label]) -> tuple[list[Pick], Fitted | None, Worth | None]:
        labelled = {label.pick.pair for label in known}
        left = [pair for name, pair in self.pool.pair_of.items() if name not in labelled]
        n_pairs = 2 * self.options.batch
        if self.pool.is_list:
            return self._as_picks(left[:n_pairs], LISTED, len(known)), None, None
        fitted = Fitted.of(self.pool.bank, self.pool.comparisons(known), seed=self.options.seed)
        rng = generator(self.options.seed, "labelling", "picks", str(len(known)))
        if fitted is None or not left:
            at_random = [left[m] for m in rng.permutation(len(left))[:n_pairs]]
            return self._as_picks(at_random, RANDOM, len(known)), fitted, None
        left_m2 = np.array(left, dtype=np.int64)
        picked = fitted.pick(left_m2, self.pool.pair_m2, n_pairs, self.options.batch, rng)
        told = {"score": picked.score_n, "probability": picked.probability_n, "gain": picked.gain_n}
        return self._as_picks(picked.pair_n2.tolist(), INFORMATIVE, len(known), told), fitted, picked.worth

    def _as_picks(
        self, pairs: Sequence[Sequence[int]], rule: str, known: int, told: Mapping[str, np.ndarray] = NOTHING_TOLD
    ) -> list[Pick]:
        made = []
        for n, pair in enumerate(pairs):
            first, second = (self.pool.response_ids[r] for r in pair)
            numbers: dict[str, Any] = {name: float(value_n[n]) for name, value_n in told.items()}
            made.append(Pick(pair_name(first, second), first, second, rule, known=known, **numbers))
        return made

    def _shared_picks(self, standing: Standing) -> list[Pick]:
        mine = (name for name in self._shared if self.annotator not in standing.by_pair.get(name, {}))
        names = [name for name, _ in zip(mine, range(self.options.batch), strict=False)]
        pairs = [self.pool.pair_of[name] for name in names]
        with self._lock:
            fitted, known = self._fitted, self._fitted_at
        if fitted is None or not pairs:
            return self._as_picks(pairs, SHARED, known)
        probability_n, gain_n = fitted.foretold(np.array(pairs))
        picks = self._as_picks(pairs, SHARED, known, {"probability": probability_n, "gain": gain_n})
        return [  # somebody else's label of the pair was learned from: then nothing is foretold
            replace(pick, probability=None, gain=None) if standing.by_pair.get(pick.pair) else pick for pick in picks
        ]

    def _others(self, standing: Standing) -> list[Pick]:
        """What is left for this person when nothing is ready, at random: pairs that were skipped by others, say."""
        left = [
            pair for name, pair in self.pool.pair_of.items() if self.annotator not in standing.by_pair.get(name, {})
        ]
        if self.pool.is_list:
            return self._as_picks(left, LISTED, self._fitted_at)
        at_random = [left[m] for m in self._rng.permutation(len(left))[:MOST_RANDOM]]
        return self._as_picks(at_random, RANDOM, self._fitted_at)
