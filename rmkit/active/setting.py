"""One pool's experiment in active labelling: its first labels, and each step of a round.

Knows embeddings, questions with their answers, a head with a last layer, strategies by name: the last two are objects,
whoever defined them. Strategies get `Candidates`, which hold neither label nor gold. What is random is drawn from named
streams, so that all strategies of a pool share their first labels, every round's prompts and candidates, the start of
every fit and, question by question, the answers (common_answers.py). Their curves then differ by choice only. Source:
arXiv 2502.04354, Algorithm 1, which does not say whether a refit is cold or warm; the shared start, the common answers
and one prior for design and fit are ours. Notebook 05 runs the rounds.
"""

from collections.abc import Callable, Collection, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from scipy.special import expit

from rmkit.active.budget import VALIDATION_EVERY, Budget
from rmkit.active.calibrated import held_out_temperatures
from rmkit.active.candidates import Acquisition, Candidates, Responses, checked_choice
from rmkit.active.diagnostics import Controls, of_choice
from rmkit.active.pools import not_among
from rmkit.active.questions import Questions
from rmkit.errors import DataError, ParamsError
from rmkit.measures.information import information
from rmkit.reward_models.inputs import row_blocks
from rmkit.reward_models.protocol import HasLastLayer, RewardModel, StartsWarm
from rmkit.training_sets.pair_sets import PairSets

RESERVED = ("pool", "fit", "controls", "start")  # purposes of streams, which a strategy may be called too
Streams = Callable[[str], np.random.Generator]  # the generator of a purpose: for one name always the same draws


@dataclass(frozen=True, eq=False)
class Labelled:
    """M labelled pairs in the order in which they were asked about."""

    pair_m2: np.ndarray  # (M, 2) int64 positions into R, first < second
    label_m: np.ndarray  # (M,) int8, 1 where the first was preferred

    def __len__(self) -> int:
        return len(self.pair_m2)

    def followed_by(self, later: "Labelled") -> "Labelled":
        """These, then those."""
        pair_m2 = np.concatenate([self.pair_m2, later.pair_m2])
        return Labelled(pair_m2, np.concatenate([self.label_m, later.label_m]))

    @property
    def won_m2(self) -> np.ndarray:
        """(M, 2) int64: the chosen and the rejected response of each pair."""
        return np.where(self.label_m[:, None] == 1, self.pair_m2, self.pair_m2[:, ::-1])

    def split(self, *, holds_out: bool) -> tuple[np.ndarray, np.ndarray]:
        """(M, 2) chosen and rejected of the training pairs and of the validation pairs: the last of each five.

        Without holds_out all train, and the same pairs stand where a network looks at its loss: for a training that
        chooses nothing by them. A head that trains on both in the end, as the linear one, holds out.
        """
        if not holds_out:
            return self.won_m2, self.won_m2
        validates_m = np.arange(len(self)) % VALIDATION_EVERY == VALIDATION_EVERY - 1
        return self.won_m2[~validates_m], self.won_m2[validates_m]


@dataclass(frozen=True, eq=False)
class Batch:
    """What a strategy chose in a round, as it looked to the reward model that it was chosen by."""

    labelled: Labelled
    offered: int  # candidates that were left to choose from
    repeated: int  # candidates of the pool that this strategy had labelled already, dropped
    about: Mapping[str, float]  # its diagnostics, by name (diagnostics.METRICS)
    temperature: float  # what the model's margins were divided by before the strategy saw them


@dataclass(frozen=True, eq=False, kw_only=True)
class Setting:
    """One pool's experiment: who is asked about what, and how; checked when made, or ParamsError or DataError."""

    embedding_rd: np.ndarray  # (R, D) float
    questions: Questions  # of the same R responses
    budget: Budget
    pool: str  # its name in rows
    strategies: Mapping[str, Acquisition]  # by the names that rows give them
    reward_model: str  # the head's name in rows
    head: RewardModel  # not fitted; each fit is of a copy
    streams: Streams
    prior: float = 1.0  # precision of the last layer's weights, for the design; a head has its own penalty
    holds_out: bool = True  # whether each fifth label is kept from training, to stop it by or to calibrate
    calibrated: bool = False  # whether margins are divided by a temperature before p (1 - p): fitted on those labels
    refit: Literal["cold", "warm"] = "cold"  # whether a round's fit starts anew, or from the round before
    last_controls: dict[int, Controls] = field(default_factory=dict, init=False, repr=False)  # by round, one at most

    def __post_init__(self) -> None:
        if len(self.embedding_rd) != len(self.questions.prompt_r):
            counts = f"{len(self.embedding_rd)} embeddings and questions about {len(self.questions.prompt_r)} responses"
            raise DataError(f"{counts}; there must be one of each for every response")
        for name, chooser in self.strategies.items():
            if isinstance(chooser, type) or not callable(getattr(chooser, "select", None)):
                made = f"{chooser.__name__}()" if isinstance(chooser, type) else "an object of a class that has it"
                raise ParamsError(f"strategies: {name} has no method to `select` by; give {made}")
        if not isinstance(self.head, HasLastLayer):
            raise ParamsError(f"reward_model: {self.reward_model} has no last layer, which strategies look at")
        if self.calibrated and not self.holds_out:
            raise ParamsError("calibration: temperature is fitted on labels that are held out, and all train here")
        if self.refit == "warm" and not isinstance(self.head, StartsWarm):
            raise ParamsError(f"refit: warm, and {self.reward_model} starts nowhere but anew; say cold")

    def start(self) -> Labelled:
        """The first labels, at random, the same for every strategy."""
        pair_m2 = self._draw(self.budget.n_start, f"{self.pool} start")
        if len(pair_m2) < self.budget.n_start:
            has = f"the {self.pool} pool of {self.budget.n_prompts} prompts has {len(pair_m2)}"
            raise DataError(f"start: {self.budget.n_start} pairs are to be labelled, and {has}; ask for fewer")
        return self.ask(pair_m2)

    def offered(self, done: int) -> np.ndarray:
        """(M, 2) the candidates of round `done`, counted from 1, the same for every strategy."""
        return self._draw(self.budget.n_candidates, f"{self.pool} pool {done}")

    def ask(self, pair_m2: np.ndarray) -> Labelled:
        """The pairs with their answers."""
        return Labelled(pair_m2, self.questions.answered(pair_m2))

    def fit(self, labelled: Collection[Labelled], done: int, before: RewardModel | None = None) -> RewardModel:
        """The reward models of S sets of labelled pairs, each from the same stream; warm ones go on from `before`."""
        train, validation = (PairSets.padded(sets) for sets in zip(*map(self._sides, labelled), strict=True))
        rng_s = [self.streams(f"{self.pool} fit {done}") for _ in labelled]
        head = deepcopy(self.head)
        if self.refit == "warm" and before is not None:
            assert isinstance(head, StartsWarm)  # checked when made
            return head.fit_from(before, self.embedding_rd, train, validation, rng_s=rng_s)
        return head.fit(self.embedding_rd, train, validation, rng_s=rng_s)

    def choose(self, name: str, pool_m2: np.ndarray, known: Labelled, model: RewardModel, s: int, done: int) -> Batch:
        """The next batch of strategy `name`, which fit s of the model belongs to, and the answers to it."""
        new_m = not_among(pool_m2, known.pair_m2)
        pair_m2 = pool_m2[new_m]
        warmth = self._temperature(known, model, s)
        candidates = as_seen(
            model, s, self.embedding_rd, pair_m2, known.pair_m2,
            prior=self.prior, prompt_r=self.questions.prompt_r, temperature=warmth,
        )  # fmt: skip
        rng = self.streams(f"{self.pool} choice {name} {done}" if name in RESERVED else f"{self.pool} {name} {done}")
        chosen_m = self._chosen(name, candidates, rng, done, len(known))
        labelled = self.ask(pair_m2[chosen_m])
        about = of_choice(candidates, chosen_m, self._controls_of(candidates, done))
        about["distinct_prompts"] = float(len(np.unique(self.questions.prompt_r[labelled.pair_m2])))
        about["distinct_responses"] = float(len(np.unique(labelled.pair_m2)))
        about["label_error"] = self.questions.contradicted(labelled.pair_m2, labelled.label_m)
        return Batch(labelled, len(pair_m2), int((~new_m).sum()), about, warmth)

    def _controls_of(self, candidates: Candidates, done: int) -> Controls:
        """Those of this round, the last strategy's if that had the same candidates: their ties are broken alike."""
        if not (last := self.last_controls.get(done)) or not last.hold_for(candidates, self.budget.n_batch):
            rng = self.streams(f"{self.pool} controls {done}")
            self.last_controls.clear()
            last = self.last_controls[done] = Controls.of(candidates, self.budget.n_batch, rng)
        return last

    def _chosen(
        self, name: str, candidates: Candidates, rng: np.random.Generator, done: int, n_known: int
    ) -> np.ndarray:
        n_pairs = self.budget.n_batch
        if len(candidates) < n_pairs:
            left = f"{len(candidates)} of the {self.pool} pool's candidates are left that it has not labelled"
            asked = f"{name}, round {done}: {n_pairs} pairs are to be chosen, and after {n_known} labels {left}"
            raise DataError(f"{asked}; lower n_batch or n_rounds, or raise n_candidates or n_prompts")
        return checked_choice(self.strategies[name].select(candidates, n_pairs, rng), candidates, name, n_pairs)

    def _sides(self, labelled: Labelled) -> list[tuple[np.ndarray, np.ndarray]]:
        return [(won_m2[:, 0], won_m2[:, 1]) for won_m2 in labelled.split(holds_out=self.holds_out)]

    def _temperature(self, known: Labelled, model: RewardModel, s: int) -> float:
        """What the margins of fit s are divided by, by the labels that it was not trained on; else 1."""
        if not self.calibrated:
            return 1.0
        held_out = PairSets.padded([self._sides(known)[1]])
        return float(held_out_temperatures(model.only(np.array([s])), self.embedding_rd, held_out)[0])

    def _draw(self, n_pairs: int, purpose: str) -> np.ndarray:
        return self.questions.drawn(self.budget.n_prompts, n_pairs, self.streams(purpose))


def typical_difference(embedding_rd: np.ndarray) -> float:
    """The root mean square length of the difference of two responses drawn at random from (R, D) embeddings.

    A fit's own pairs would not do as a unit: strategies that choose long differences would be held by a stronger prior.
    The embeddings may be memory-mapped: they are read in blocks. DataError where all are the same.
    """
    mean_d = _sum_of_blocks(embedding_rd, lambda block_bd: block_bd) / len(embedding_rd)
    variance_d = _sum_of_blocks(embedding_rd, lambda block_bd: (block_bd - mean_d) ** 2) / len(embedding_rd)
    if not (total := float(variance_d.sum())) > 0:
        raise DataError("embeddings: all responses have the same one, so that there is nothing to learn a reward from")
    return float(np.sqrt(2 * total))


def _sum_of_blocks(embedding_rd: np.ndarray, term: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """(D,) float64 sum of a term over R rows, read in blocks but added row by row, as `var` adds them."""
    sum_d: np.ndarray | None = None
    for rows in row_blocks(*embedding_rd.shape):
        term_bd = term(embedding_rd[rows].astype(np.float64))
        sum_d = term_bd.sum(axis=0) if sum_d is None else np.vstack([sum_d, term_bd]).sum(axis=0)
    assert sum_d is not None
    return sum_d


def as_seen(
    model: RewardModel,
    s: int,
    embedding_rd: np.ndarray,
    pair_m2: np.ndarray,
    labelled_m2: np.ndarray,
    *,
    prior: float,
    prompt_r: np.ndarray | None = None,
    temperature: float = 1.0,
) -> Candidates:
    """Pairs as fit s of a reward model sees them, beside what the prior and the labelled pairs tell it.

    prompt_r: (R,) int64, whose responses they are, for rules that choose within a prompt. temperature: what rewards are
    divided by, so that p (1 - p) is of a model as sure as it should be.
    """
    used_u, place = np.unique(np.concatenate([pair_m2, labelled_m2]), return_inverse=True)
    fitted = model.only(np.array([s]))
    assert isinstance(fitted, HasLastLayer)  # Setting has checked it
    (feature_uh,), (weight_h,) = fitted.last_layer(embedding_rd[used_u])
    feature_uh, weight_h = feature_uh.astype(np.float64), weight_h / np.float32(temperature)
    place_m2 = place.reshape(-1, 2)
    difference_mh = feature_uh[place_m2[:, 0]] - feature_uh[place_m2[:, 1]]
    margin_m, n_pairs = difference_mh @ weight_h, len(pair_m2)
    p_m = expit(margin_m[n_pairs:])
    known_dd = information(difference_mh[n_pairs:], p_m * (1 - p_m), prior)
    responses = None
    if prompt_r is not None:
        responses = Responses(place_m2[:n_pairs], prompt_r[used_u], feature_uh, feature_uh @ weight_h)
    return Candidates(margin_m[None, :n_pairs], difference_mh[:n_pairs], known_dd, responses)
