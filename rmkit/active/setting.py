"""One pool's experiment in active labelling: its first labels, and each step of a round.

Knows a bank's embeddings and gold rewards, an annotator, a head with a last layer, strategies by name: the last two are
objects, whoever defined them. Gold is read by the annotator alone: strategies get `Candidates`, which hold none. What
is random is drawn from named streams, so that all strategies of a pool share their first labels, every round's prompts
and candidates, the start of every fit and, question by question, the annotator's answers (common_answers.py). Their
curves then differ by choice only. Source: arXiv 2502.04354, Algorithm 1; cold refits, the shared start, the common
answers and one prior for design and fit are ours. Notebook 05 runs the rounds.
"""

from collections.abc import Callable, Collection, Mapping
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from rmkit.active.budget import VALIDATION_EVERY, Budget
from rmkit.active.candidates import Acquisition, Candidates, Responses, checked_choice
from rmkit.active.common_answers import answers
from rmkit.active.pools import draw_pool, not_among
from rmkit.annotation.annotators import Annotator
from rmkit.errors import DataError, ParamsError
from rmkit.measures.information import information, log_det, p_variance
from rmkit.reward_models.inputs import row_blocks
from rmkit.reward_models.protocol import HasLastLayer, RewardModel
from rmkit.training_sets.pair_sets import PairSets

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

    def split(self) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
        """(chosen_m, rejected_m) of the training pairs and of the validation pairs: the last of each five."""
        won_m2 = np.where(self.label_m[:, None] == 1, self.pair_m2, self.pair_m2[:, ::-1])
        validates_m = np.arange(len(self)) % VALIDATION_EVERY == VALIDATION_EVERY - 1
        train_m2, validation_m2 = won_m2[~validates_m], won_m2[validates_m]
        return (train_m2[:, 0], train_m2[:, 1]), (validation_m2[:, 0], validation_m2[:, 1])


@dataclass(frozen=True, eq=False)
class Batch:
    """What a strategy chose in a round, as it looked to the reward model that it was chosen by."""

    labelled: Labelled
    offered: int  # candidates that were left to choose from
    repeated: int  # candidates of the pool that this strategy had labelled already, dropped
    mean_p_variance: float  # mean of p (1 - p), at most 1/4
    distinct_prompts: int
    log_det_gain: float  # in nats: how much log det of the information grows, whatever the labels


@dataclass(frozen=True, eq=False, kw_only=True)
class Setting:
    """One pool's experiment: who is asked about what, and how; checked when made, or ParamsError or DataError."""

    embedding_rd: np.ndarray  # (R, D) float of P prompts with K responses each, R = P K
    gold_pk: np.ndarray  # (P, K), for the annotator
    annotator: Annotator
    length_r: np.ndarray | None = None  # (R,) lengths of the responses, for an annotator with a bias for them
    answer_seed: int  # of the annotator's answers
    budget: Budget
    pool: str
    strategies: Mapping[str, Acquisition]  # by the names that rows give them
    reward_model: str  # the head's name in rows
    head: RewardModel  # not fitted; each fit is of a copy
    streams: Streams
    prior: float = 1.0  # precision of the last layer's weights, for the design; a head has its own penalty

    def __post_init__(self) -> None:
        if len(self.embedding_rd) != self.gold_pk.size:
            shapes = f"{len(self.embedding_rd)} embeddings and gold rewards of shape {self.gold_pk.shape}"
            raise DataError(f"{shapes}; there must be one of each for every response")
        if not isinstance(self.head, HasLastLayer):
            raise ParamsError(f"reward_model: {self.reward_model} has no last layer, which strategies look at")

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
        """The pairs with the annotator's answers."""
        return Labelled(
            pair_m2,
            answers(pair_m2, self.gold_pk.reshape(-1), self.annotator, self.answer_seed, length_r=self.length_r),
        )

    def fit(self, labelled: Collection[Labelled], done: int) -> RewardModel:
        """The reward models of S sets of labelled pairs, fitted anew, each from the same stream."""
        train, validation = (PairSets.padded(sets) for sets in zip(*(one.split() for one in labelled), strict=True))
        rng_s = [self.streams(f"{self.pool} fit {done}") for _ in labelled]
        return deepcopy(self.head).fit(self.embedding_rd, train, validation, rng_s=rng_s)

    def choose(self, name: str, pool_m2: np.ndarray, known: Labelled, model: RewardModel, s: int, done: int) -> Batch:
        """The next batch of strategy `name`, which fit s of the model belongs to, and the answers to it."""
        new_m = not_among(pool_m2, known.pair_m2)
        pair_m2 = pool_m2[new_m]
        prompt_r = np.arange(self.gold_pk.size) // self.gold_pk.shape[1]
        candidates = as_seen(model, s, self.embedding_rd, pair_m2, known.pair_m2, prior=self.prior, prompt_r=prompt_r)
        rng = self.streams(f"{self.pool} {name} {done}")
        chosen_m = checked_choice(self.strategies[name].select(candidates, self.budget.n_batch, rng), candidates, name)
        margin_m, feature_md = candidates.margin_sm.mean(axis=0)[chosen_m], candidates.feature_md[chosen_m]
        p_m = expit(margin_m)
        told_dd = candidates.known_dd + information(feature_md, p_m * (1 - p_m), prior=0.0)
        return Batch(
            labelled=self.ask(pair_m2[chosen_m]),
            offered=len(pair_m2),
            repeated=int((~new_m).sum()),
            mean_p_variance=float(p_variance(margin_m).mean()),
            distinct_prompts=len(np.unique(pair_m2[chosen_m] // self.gold_pk.shape[1])),
            log_det_gain=log_det(told_dd) - log_det(candidates.known_dd),
        )

    def _draw(self, n_candidates: int, purpose: str) -> np.ndarray:
        n_prompts, n_responses = self.gold_pk.shape
        shape = (n_prompts, n_responses)
        return draw_pool(self.pool, shape, self.budget.n_prompts, n_candidates, self.streams(purpose))


def typical_difference(embedding_rd: np.ndarray) -> float:
    """The root mean square length of the difference of two responses drawn at random from (R, D) embeddings.

    A fit's own pairs would not do as a unit: strategies that choose long differences would be held by a stronger prior.
    The embeddings may be memory-mapped: they are read in blocks.
    """
    mean_d = _sum_of_blocks(embedding_rd, lambda block_bd: block_bd) / len(embedding_rd)
    variance_d = _sum_of_blocks(embedding_rd, lambda block_bd: (block_bd - mean_d) ** 2) / len(embedding_rd)
    return float(np.sqrt(2 * variance_d.sum()))


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
) -> Candidates:
    """Pairs as fit s of a reward model sees them, beside what the prior and the labelled pairs tell it.

    prompt_r: (R,) int64, whose responses they are, for rules that choose within a prompt.
    """
    assert isinstance(model, HasLastLayer)  # Setting has checked it
    used_u, place = np.unique(np.concatenate([pair_m2, labelled_m2]), return_inverse=True)
    feature_suh, weight_sh = model.last_layer(embedding_rd[used_u])
    feature_uh, place_m2 = feature_suh[s].astype(np.float64), place.reshape(-1, 2)
    difference_mh = feature_uh[place_m2[:, 0]] - feature_uh[place_m2[:, 1]]
    margin_m, n_pairs = difference_mh @ weight_sh[s], len(pair_m2)
    p_m = expit(margin_m[n_pairs:])
    known_dd = information(difference_mh[n_pairs:], p_m * (1 - p_m), prior)
    responses = None
    if prompt_r is not None:
        responses = Responses(place_m2[:n_pairs], prompt_r[used_u], feature_uh, feature_uh @ weight_sh[s])
    return Candidates(margin_m[None, :n_pairs], difference_mh[:n_pairs], known_dd, responses)
