"""Rules that pick one pair of a prompt's responses by estimated rewards and how uncertain these are: what they share.

A rule sees one prompt at a time: its K responses' rewards, standard deviations, and which pairs of them are candidates.
A batch has one pair a prompt, of prompts in random order (as published) or in the order of the rule's score; where that
is not enough, a second pair of each prompt, and so on.

Uncertainty, with A the inverse of the information that the prior and the labels hold and f a response's features:

    marginal   s_i + s_j, s_i = sqrt(f_i^T A f_i): as published; what both responses share does not cancel
    joint      sqrt((f_i - f_j)^T A (f_i - f_j)): the margin's own standard deviation

Knows candidates only. Source: the rules of ActiveUltraFeedback (arXiv 2603.09692), each in a file of strategies/.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.linalg import solve_triangular

from rmkit.active.candidates import Candidates
from rmkit.errors import DataError
from rmkit.measures.information import lower_root

Uncertainty = Literal["joint", "marginal"]
Prompts = Literal["ranked", "random"]


@dataclass(frozen=True, eq=False)
class Prompt:
    """K responses to one prompt, as the reward model sees them, in random order."""

    reward_k: np.ndarray  # (K,)
    sd_k: np.ndarray  # (K,) marginal
    sd_kk: np.ndarray  # (K, K) of a margin, by `uncertainty`; symmetric
    root_kh: np.ndarray  # (K, D): rewards are reward_k + root_kh z, z standard normal
    may_kk: np.ndarray  # (K, K) bool, symmetric: pairs that are candidates and not picked yet

    @property
    def margin_kk(self) -> np.ndarray:
        """(K, K) reward of the row's response minus that of the column's."""
        margin_kk: np.ndarray = self.reward_k[:, None] - self.reward_k
        return margin_kk

    def best(self, value_kk: np.ndarray) -> tuple[int, int, float]:
        """The pair of the largest value among those that may be picked, and the value; the first of equals."""
        masked_kk = np.where(self.may_kk, value_kk, -np.inf)
        i, j = divmod(int(np.argmax(masked_kk >= masked_kk.max() - 1e-12)), len(masked_kk))
        return i, j, float(masked_kk[i, j])


@dataclass(frozen=True, kw_only=True)
class WithinPrompt(ABC):
    """A strategy that picks one pair of a prompt; its rule is `pick`."""

    uncertainty: Uncertainty = "joint"
    prompts: Prompts = "ranked"  # by the rule's score; equal ones in random order
    c: float = 1.0  # standard deviations in a bound

    @abstractmethod
    def pick(self, prompt: Prompt, rng: np.random.Generator) -> tuple[int, int, float]:
        """Two different rows of the responses that may be picked, and what they are worth beside other pairs."""

    def select(self, candidates: Candidates, n_pairs: int, rng: np.random.Generator) -> np.ndarray:
        """As `Acquisition.select`.

        DataError where candidates do not say whose responses they are, where a pair has two prompts or is there twice,
        and where no prompt has more than one pair, so that there is nothing to choose within it.
        """
        candidates.request(n_pairs)
        seen = candidates.responses
        name = type(self).__name__
        if seen is None:
            raise DataError(f"{name}: chooses among the responses of a prompt, and these candidates do not say them")
        prompt_m2 = seen.prompt_u[seen.pair_m2]
        if (prompt_m2[:, 0] != prompt_m2[:, 1]).any():
            raise DataError(f"{name}: is defined within a prompt, and a candidate has two; use the pool within_prompt")
        _, first, times = np.unique(np.sort(seen.pair_m2, axis=1), axis=0, return_index=True, return_counts=True)
        if (times > 1).any():
            pair = seen.pair_m2[first[np.argmax(times > 1)]].tolist()
            raise DataError(f"{name}: responses {pair} are a candidate {times.max()} times; give each pair once")
        order_m = rng.permutation(len(candidates))
        rows_of = _by_prompt(prompt_m2[order_m, 0], order_m)
        if len(candidates) > 1 and all(len(rows) == 1 for rows in rows_of):
            raise DataError(
                f"{name}: chooses within a prompt, and each has one pair among the candidates; "
                "raise n_candidates, or use a rule that looks at pairs alone"
            )
        inverse_root_dd = solve_triangular(
            lower_root(candidates.known_dd), np.eye(len(candidates.known_dd)), lower=True
        )
        views = [_View.of(candidates, rows, inverse_root_dd, self.uncertainty, rng) for rows in rows_of]
        picked: list[int] = []
        while len(picked) < n_pairs:
            found = [(view, *self.pick(view.prompt, rng)) for view in views if view.prompt.may_kk.any()]
            scores = np.array([score for *_, score in found])
            by = rng.permutation(len(found))
            if self.prompts == "ranked":
                by = by[np.argsort(-scores[by], kind="stable")]
            for at in by[: n_pairs - len(picked)]:
                view, i, j, _ = found[at]
                picked.append(view.take(i, j))
        return np.array(picked, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class _View:
    """A prompt, and where in the candidates each of its pairs stands."""

    prompt: Prompt
    place_kk: np.ndarray  # (K, K) int64, -1 where a pair is no candidate

    @classmethod
    def of(
        cls,
        candidates: Candidates,
        rows: np.ndarray,
        inverse_root_dd: np.ndarray,
        uncertainty: Uncertainty,
        rng: np.random.Generator,
    ) -> "_View":
        assert candidates.responses is not None
        seen = candidates.responses
        used_u, at_m = np.unique(seen.pair_m2[rows], return_inverse=True)
        used_k = rng.permutation(used_u)  # the first of equals is then any of them
        first_m, second_m = np.argsort(used_k)[at_m.reshape(-1, 2)].T
        place_kk = np.full((len(used_k), len(used_k)), -1, dtype=np.int64)
        place_kk[first_m, second_m] = place_kk[second_m, first_m] = rows
        with np.errstate(over="ignore", invalid="ignore"):  # told below
            root_kh = seen.feature_ud[used_k].astype(np.float64) @ inverse_root_dd.T
            sd_k = np.sqrt((root_kh**2).sum(axis=1))
            if uncertainty == "joint":
                sd_kk = np.sqrt(((root_kh[:, None] - root_kh) ** 2).sum(axis=2))
            else:
                sd_kk = sd_k[:, None] + sd_k
        if not (np.isfinite(sd_k).all() and np.isfinite(sd_kk).all()):
            raise DataError("known_dd: leaves a margin uncertain beyond all numbers; give the prior a larger precision")
        reward_k = seen.reward_u[used_k].astype(np.float64)
        return cls(Prompt(reward_k, sd_k, sd_kk, root_kh, place_kk >= 0), place_kk)

    def take(self, i: int, j: int) -> int:
        self.prompt.may_kk[i, j] = self.prompt.may_kk[j, i] = False
        return int(self.place_kk[i, j])


def _by_prompt(prompt_m: np.ndarray, order_m: np.ndarray) -> list[np.ndarray]:
    """The positions order_m of each prompt's pairs, prompts by their first appearance."""
    _, first, place_m = np.unique(prompt_m, return_index=True, return_inverse=True)
    groups = [order_m[place_m == p] for p in range(len(first))]
    return [groups[p] for p in np.argsort(first)]
