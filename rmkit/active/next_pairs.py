"""What a person is asked next, and what the answers are worth, given all labels so far.

The pairs are picked as in to_judge.py: D-optimally and past-aware, by a linear Bradley-Terry head on everything that is
labelled. With fewer than FEWEST labels there is nothing to fit, and pairs are picked at random. Two things are said of
the picks before anybody answers: the information of each label, given those picked before it, in nats (BALD, exact for
a normal margin, at most log 2), and how many pairs of the pool the model has in the wrong order by its own account, now
and after these labels (measures/wrong_order.py). Both believe the model; evaluation/prequential.py asks if one may.
For these two the prior is the head's own penalty, but never stronger than the design's: where a penalty is chosen that
shrinks all margins to nothing, as with few labels it may be, labels would seem to be worth nothing.

Knows a bank, pairs and comparisons; no file, no person.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.special import expit

from rmkit.active.candidates import Candidates
from rmkit.active.setting import as_seen
from rmkit.active.strategies.d_optimal import DOptimal
from rmkit.active.to_judge import HEAD, PRIOR, STREAM, some_of
from rmkit.artifacts.bank import ResponseBank
from rmkit.artifacts.comparisons import Comparisons
from rmkit.errors import DataError, ResultError
from rmkit.measures.designs.bald import bald
from rmkit.measures.information import p_variance, squared_lengths
from rmkit.measures.wrong_order import chance_of_wrong_order, expected_chance_after
from rmkit.reward_models.fit_heads import fitted_on_all_pairs
from rmkit.reward_models.linear.bradley_terry import LinearBradleyTerry
from rmkit.seeding import generator

FEWEST = 10  # labels of which a head is fitted
VALIDATION_SHARE = 0.2  # of the labels, by which its penalty is chosen
N_SPLITS = 5  # that choose a penalty each; with few labels one alone jumps from batch to batch
MOST_OF_POOL = 2_000  # pairs over which the wrong order is averaged


@dataclass(frozen=True, eq=False)
class Worth:
    """What a batch of labels promises."""

    labels: int  # in the batch
    nats: float  # information of all of them
    wrong_now: float  # share of the pool's pairs in the wrong order, by the model's own account
    wrong_after: float  # what it is expected to be after these labels

    @property
    def promised(self) -> float:
        """The share of the pool's pairs that the labels are expected to put right."""
        return self.wrong_now - self.wrong_after


@dataclass(frozen=True, eq=False)
class Picked:
    """The next pairs, best first."""

    pair_n2: np.ndarray  # (N, 2) int64 positions in the bank
    score_n: np.ndarray  # (N,) log(1 + h): how much the log-determinant of the information grows, those before counted
    probability_n: np.ndarray  # (N,) that the first response wins
    gain_n: np.ndarray  # (N,) nats
    worth: Worth  # of the first `batch` of them


@dataclass(frozen=True, eq=False)
class Fitted:
    """A head that was fitted on all labels of a moment."""

    head: LinearBradleyTerry
    embedding_rd: np.ndarray
    known_m2: np.ndarray  # (M, 2) the labelled pairs

    @classmethod
    def of(cls, bank: ResponseBank, known: Comparisons, *, seed: int) -> "Fitted | None":
        """The fit with the median of the penalties that N_SPLITS random splits choose.

        None: of fewer than FEWEST labels, or of embeddings that tell no two responses apart.
        """
        if len(known) < FEWEST:
            return None
        try:
            heads = [_fitted(bank, known, partial(generator, seed, "labelling", str(n))) for n in range(N_SPLITS)]
        except (DataError, ResultError):
            return None
        heads.sort(key=lambda head: float(head.l2_s_[0]))
        return cls(heads[N_SPLITS // 2], bank.embedding_rd, np.stack([known.first_m, known.second_m], axis=1))

    def seen(self, pair_m2: np.ndarray, prior: float = PRIOR) -> Candidates:
        """Pairs as the head sees them."""
        return as_seen(self.head, 0, self.embedding_rd, pair_m2, self.known_m2, prior=prior)

    def believed(self, pair_m2: np.ndarray) -> Candidates:
        """The same beside what the head itself takes to be known."""
        return self.seen(pair_m2, min(PRIOR, float(self.head.l2_s_[0])))

    def foretold(self, pair_m2: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(M,) chances that the first wins, and (M,) information of each label alone, in nats."""
        seen = self.believed(pair_m2)
        margin_m = seen.margin_sm[0]
        return chance_of_first(margin_m), bald(margin_m, squared_lengths(seen.feature_md, seen.known_dd))

    def pick(
        self, candidate_m2: np.ndarray, pool_m2: np.ndarray, n_pairs: int, batch: int, rng: np.random.Generator
    ) -> Picked:
        """The n_pairs best of the candidates, or all where there are fewer; pool_m2: (M, 2), all pairs that count."""
        candidate_m2 = some_of(candidate_m2, rng)
        seen = self.seen(candidate_m2)
        chosen_n = DOptimal().select(seen, min(n_pairs, len(candidate_m2)), rng)
        pair_n2, score_n, known_dd = candidate_m2[chosen_n], np.zeros(len(chosen_n)), seen.known_dd.astype(np.float64)
        for n, (feature_d, variance) in enumerate(_rows(seen, chosen_n)):
            score_n[n] = np.log1p(variance * squared_lengths(feature_d[None], known_dd)[0])
            known_dd = known_dd + variance * np.outer(feature_d, feature_d)
        told, length_n = self.believed(pair_n2), np.zeros(len(chosen_n))
        now_dd = later_dd = known_dd = told.known_dd.astype(np.float64)
        for n, (feature_d, variance) in enumerate(_rows(told, np.arange(len(chosen_n)))):
            length_n[n] = squared_lengths(feature_d[None], known_dd)[0]
            known_dd = known_dd + variance * np.outer(feature_d, feature_d)
            later_dd = known_dd if n < batch else later_dd
        gain_n = bald(told.margin_sm[0], length_n)
        pool = self.believed(some_of(pool_m2, rng, MOST_OF_POOL))
        worth = _worth(pool, now_dd, later_dd, gain_n[:batch])
        return Picked(pair_n2, score_n, chance_of_first(told.margin_sm[0]), gain_n, worth)


def _fitted(bank: ResponseBank, known: Comparisons, rng_of: Callable[[str], np.random.Generator]) -> LinearBradleyTerry:
    models, _ = fitted_on_all_pairs(
        HEAD, bank, known, procedure="sound", validation_share=VALIDATION_SHARE, validation_split="pair",
        rng=rng_of(f"{len(known)} labels"), stream=STREAM, rng_of=rng_of, progress=lambda _: lambda *_: None,
    )  # fmt: skip
    head = models[HEAD]
    assert isinstance(head, LinearBradleyTerry), "of the registry"
    return head


def _rows(seen: Candidates, chosen_n: np.ndarray) -> Iterator[tuple[np.ndarray, float]]:
    """Features, and p (1 - p), of some of the candidates."""
    variance_m = p_variance(seen.margin_sm[0])
    for m in chosen_n:
        yield seen.feature_md[m].astype(np.float64), float(variance_m[m])


def _worth(pool: Candidates, now_dd: np.ndarray, later_dd: np.ndarray, gain_n: np.ndarray) -> Worth:
    margin_m = pool.margin_sm[0]
    now_m, later_m = (squared_lengths(pool.feature_md, each_dd) for each_dd in (now_dd, later_dd))
    later_m = np.minimum(later_m, now_m)  # two inverses round differently
    wrong, after = chance_of_wrong_order(margin_m, now_m), expected_chance_after(margin_m, now_m, later_m)
    return Worth(len(gain_n), float(gain_n.sum()), float(wrong.mean()), float(after.mean()))


def chance_of_first(margin_m: np.ndarray) -> np.ndarray:
    """(M,) sigmoid of the margins."""
    found: np.ndarray = expit(margin_m.astype(np.float64))
    return found
