"""What a strategy of active labelling sees of the candidate pairs, and what it promises.

Knows margins, features and information as arrays: no label and no gold reward, so none can leak into a choice.
Source: arXiv 2502.04354 (Shen, Sun & Ton, ICML 2025), its families of acquisition rules.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from rmkit.errors import DataError, quoted
from rmkit.measures.information import p_variance

LARGEST = 1e70  # of a feature or a reward, whose fourth power is still a number


@dataclass(frozen=True, eq=False)
class Responses:
    """The U responses that the candidates are pairs of, as the current reward model sees them."""

    pair_m2: np.ndarray  # (M, 2) int64 positions in U, first minus second
    prompt_u: np.ndarray  # (U,) int64 which prompt each answers
    feature_ud: np.ndarray  # (U, D) last-layer features
    reward_u: np.ndarray  # (U,) rewards, the members' mean


@dataclass(frozen=True, eq=False)
class Candidates:
    """M unlabelled pairs as the current reward model sees them. Checked when made, or DataError."""

    margin_sm: np.ndarray  # (S, M) rewards of the first minus the second, a row an ensemble member; S may be 1
    feature_md: np.ndarray  # (M, D) last-layer features of the first minus the second
    known_dd: np.ndarray  # (D, D) information that the prior and the labelled pairs hold (measures/information.py)
    responses: Responses | None = None  # for rules that choose within a prompt

    def __post_init__(self) -> None:
        if self.feature_md.ndim != 2 or self.feature_md.shape[1] == 0:
            raise DataError(f"feature_md: has shape {self.feature_md.shape}; it must be (M, D), D above 0")
        n_pairs, n_dimensions = self.feature_md.shape
        if self.margin_sm.ndim != 2 or self.margin_sm.shape[0] == 0 or self.margin_sm.shape[1] != n_pairs:
            raise DataError(f"margin_sm: has shape {self.margin_sm.shape}; it must be (S, {n_pairs}), S above 0")
        if self.known_dd.shape != (n_dimensions, n_dimensions):
            raise DataError(f"known_dd: has shape {self.known_dd.shape}; it must be ({n_dimensions}, {n_dimensions})")
        for name in ("margin_sm", "feature_md"):
            _require_usable(getattr(self, name), name)
        _require_usable(self.known_dd, "known_dd", most=np.inf)
        if self.responses is not None:
            _check_responses(self.responses, n_pairs, n_dimensions)

    def __len__(self) -> int:
        return len(self.feature_md)

    @property
    def scaled_md(self) -> np.ndarray:
        """(M, D) float64: sqrt(p (1 - p)) x of each pair, by the members' mean margin; new each time."""
        weight_m = np.sqrt(p_variance(self.margin_sm.mean(axis=0)), dtype=np.float64)
        scaled_md: np.ndarray = weight_m[:, None] * self.feature_md
        return scaled_md

    def request(self, n_pairs: int) -> int:
        """The number of pairs asked for, or DataError if there are fewer."""
        if not 0 <= n_pairs <= len(self):
            raise DataError(f"{n_pairs} pairs are to be chosen, and there are {len(self)} candidates; ask for fewer")
        return n_pairs


def _check_responses(seen: Responses, n_pairs: int, n_dimensions: int) -> None:
    n_responses = len(seen.reward_u)
    shapes = {"pair_m2": (n_pairs, 2), "prompt_u": (n_responses,), "feature_ud": (n_responses, n_dimensions)}
    for name, shape in (shapes | {"reward_u": (n_responses,)}).items():
        if (found := getattr(seen, name)).shape != shape:
            raise DataError(f"responses.{name}: has shape {found.shape}; it must be {shape}")
    for name in ("feature_ud", "reward_u"):
        _require_usable(getattr(seen, name), f"responses.{name}")
    pair_m2 = seen.pair_m2
    if pair_m2.dtype.kind not in "iu":
        raise DataError(f"responses.pair_m2: holds {pair_m2.dtype}; it must hold whole positions")
    wrong_m = ((pair_m2 < 0) | (pair_m2 >= n_responses)).any(axis=1) | (pair_m2[:, 0] == pair_m2[:, 1])
    if wrong_m.any():
        row = int(np.argmax(wrong_m))
        are = f"two different of {n_responses} responses"
        raise DataError(f"responses.pair_m2, row {row}: is {pair_m2[row].tolist()}; it must be {are}")


def _require_usable(array: np.ndarray, name: str, most: float = LARGEST) -> None:
    if len(bad := np.argwhere(~np.isfinite(array))):
        place = tuple(int(axis) for axis in bad[0])
        raise DataError(f"{name}{list(place)} is {array[place]}; it must be a finite number")
    if array.size and (largest := float(max(array.max(), -array.min()))) > most:
        raise DataError(f"{name}: reaches {largest:.3g} in size, and rules square it twice; keep within {most:g}")


class Acquisition(Protocol):
    """A strategy: which of the candidates are worth a label. A frozen dataclass of keyword-only options."""

    def select(self, candidates: Candidates, n_pairs: int, rng: np.random.Generator) -> np.ndarray:
        """(n_pairs,) int64 positions in M, no repeats, best first; ties are broken by rng, never by position.

        DataError, with both numbers, for fewer candidates than asked for.
        """


def checked_choice(chosen_m: np.ndarray, candidates: Candidates, name: str, n_pairs: int) -> np.ndarray:
    """What strategy `name` selected, or a DataError if that is not n_pairs whole positions in M without repeats."""
    try:
        chosen_m = np.asarray(chosen_m)
    except ValueError:  # a list of lists of different lengths
        raise DataError(
            f"{name}.select returned {quoted(chosen_m)}; it must return whole positions, (n_pairs,)"
        ) from None
    if chosen_m.ndim != 1 or chosen_m.dtype.kind not in "iu":
        found = f"{chosen_m.dtype} of shape {chosen_m.shape}"
        raise DataError(f"{name}.select returned {found}; it must return whole positions, (n_pairs,)")
    if len(set(chosen_m.tolist())) < len(chosen_m) or not ((chosen_m >= 0) & (chosen_m < len(candidates))).all():
        raise DataError(f"{name}.select returned positions twice, or beyond the {len(candidates)} candidates")
    if len(chosen_m) != n_pairs:
        raise DataError(f"{name}.select returned {len(chosen_m)} positions, and {n_pairs} were asked for")
    return chosen_m


def largest(value_m: np.ndarray, n_pairs: int, rng: np.random.Generator) -> np.ndarray:
    """(n_pairs,) int64 positions of the largest values, descending; equal ones in random order."""
    return np.lexsort((rng.random(len(value_m)), -value_m))[:n_pairs].astype(np.int64)
