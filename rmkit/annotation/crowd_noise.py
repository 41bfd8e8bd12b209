"""The flip rate of labels without a gold model, from several judgements of a pair; and the ceilings that follow.

The model: every pair has a true answer, and each judgement is that answer turned round with probability f, the same
for all judgements and independently. Two judgements then agree with probability a = (1 - f)^2 + f^2. f and 1 - f give
the same a, so f is taken to be at most 1/2: nothing in judgements alone shows a crowd that is mostly wrong together.
Where some pairs are harder than others, this f is at most the mean rate of errors, and 1 - f is still a ceiling; where
annotators differ, it is at least the mean rate (both by Jensen's inequality). What the same annotator says again is
less independent: f of repeats alone is inconsistency, a lower bound of the errors.

Knows judgements alone. Source: the interval inverts a score test (Wilson 1927) with the variance of the model.
"""

import numpy as np
from scipy.special import comb, ndtri
from scipy.stats import binom

from rmkit.annotation.crowd_agreement import NEW_PROMPTS_THESE_ANNOTATORS
from rmkit.annotation.judgements import Judgements
from rmkit.errors import DataError
from rmkit.intervals.means import FEWEST_PROMPTS, Interval, check_request

GRID = 2001  # flip rates that the score test is asked about, before its two ends are refined
METHOD = "score interval of the flip model"


def agreement_of_flips(flip: np.ndarray | float) -> np.ndarray:
    """How often two judgements agree, each flipped with this probability."""
    flip = np.asarray(flip, dtype=np.float64)
    return (1 - flip) ** 2 + flip**2


def flip_of_agreement(agreement: np.ndarray | float) -> np.ndarray:
    """The flip rate, at most 1/2, under which two judgements agree so often; 1/2 where they agree less than chance."""
    return (1 - np.sqrt(np.maximum(2 * np.asarray(agreement, dtype=np.float64) - 1, 0))) / 2


def majority_accuracy(flip: np.ndarray | float, votes: int) -> np.ndarray:
    """How often the majority of so many judgements is the true answer; an even split is decided by a fair coin.

    With one vote, 1 - flip. It is also the accuracy that a perfect reward model has against such labels: the ceiling.
    """
    if votes < 1:
        raise DataError(f"votes: {votes}; a majority takes at least one")
    right = 1 - np.asarray(flip, dtype=np.float64)
    even = binom.pmf(votes // 2, votes, right) / 2 if votes % 2 == 0 else 0.0
    return binom.sf(votes // 2, votes, right) + even


def accuracy_ceiling(flip: Interval, votes: int = 1) -> Interval:
    """`majority_accuracy` at the ends of a flip rate's interval: what no reward model exceeds against such labels."""
    estimate, high, low = (float(majority_accuracy(end, votes)) for end in (flip.estimate, flip.low, flip.high))
    return Interval(estimate, low, high, flip.level, flip.estimand, flip.method, flip.units, flip.reason)


def flip_rate(judgements: Judgements, *, prompt_m: np.ndarray | None = None, level: float = 0.95) -> Interval:
    """The flip rate that the agreement of judgements gives, from every two judgements of one pair.

    prompt_m: (M,) int64, the prompt of each pair. If it is given and disagreement varies more between prompts than the
    model says, the interval is wider by that. Fewer than 20 pairs (or prompts) with two judgements have a reason
    instead of an interval, and so have judgements that agree less than any flip rate allows. DataError for a tie.
    """
    check_request(level, 1)
    if len(ties := np.flatnonzero(judgements.label_j == 0.5)):
        raise DataError(
            f"label_j[{ties[0]}] is a tie, which no flip of an answer gives; leave ties out with .decided()"
        )
    counts_mc = judgements.counts_mc
    size_m = counts_mc.sum(axis=1)
    same_m, compared_m = (comb(counts_mc, 2).sum(axis=1), comb(size_m, 2))
    used_m, prompt_of_m = compared_m > 0, judgements.prompt_of_pair(prompt_m)
    same, compared = float(same_m.sum()), float(compared_m.sum())
    n_prompts = len(np.unique(prompt_of_m[used_m]))
    if not n_prompts:
        none = "no pair was judged twice"
        return Interval(np.nan, np.nan, np.nan, level, NEW_PROMPTS_THESE_ANNOTATORS, METHOD, 0, none)
    estimate = float(flip_of_agreement(same / compared))
    excess = 1.0
    if prompt_m is not None and n_prompts > 1 and 0 < same < compared:
        rest_p = np.bincount(prompt_of_m, weights=same_m - same / compared * compared_m)
        seen = n_prompts / (n_prompts - 1) * float((rest_p**2).sum())
        excess = max(1.0, seen / float(variance_of_agreements(estimate, size_m)))
    low, high, reason = np.nan, np.nan, None
    if n_prompts < FEWEST_PROMPTS:
        reason = f"{n_prompts} prompts with two judgements are too few; an interval takes {FEWEST_PROMPTS}"
    else:
        found = _score_interval(same, size_m[used_m], excess=excess, level=level)
        if found is None:
            reason = f"two judgements agree in {same / compared:.3f} of the comparisons, less than any flip rate allows"
        else:
            low, high = found
    return Interval(estimate, low, high, level, NEW_PROMPTS_THESE_ANNOTATORS, METHOD, n_prompts, reason)


def variance_of_agreements(flip: np.ndarray | float, size_m: np.ndarray) -> np.ndarray:
    """Variance of the number of agreeing comparisons over pairs with so many judgements each; one for each flip rate.

    With signs e = +-1 of mean d = 1 - 2 f, a pair of k has (k (k - 1) / 2 + sum of e_i e_j) / 2 agreements, and two
    products are correlated where they share a judgement: [C (1 - d^4) + k (k - 1) (k - 2) (d^2 - d^4)] / 4.
    """
    square = (1 - 2 * np.asarray(flip, dtype=np.float64)) ** 2
    size_m = np.asarray(size_m, dtype=np.float64)
    twos, threes = (size_m * (size_m - 1) / 2).sum(), (size_m * (size_m - 1) * (size_m - 2)).sum()
    return (twos * (1 - square**2) + threes * (square - square**2)) / 4


def _score_interval(same: float, size_m: np.ndarray, *, excess: float, level: float) -> tuple[float, float] | None:
    """The first and the last flip rate that a score test of this many agreements does not reject, or None."""
    from scipy.optimize import brentq

    quantile, compared = ndtri((1 + level) / 2), float(comb(size_m, 2).sum())

    def room(flip: np.ndarray | float) -> np.ndarray:
        """At least 0 where the test accepts."""
        half = quantile * np.sqrt(excess * np.maximum(variance_of_agreements(flip, size_m), 0))
        return half - np.abs(same - compared * agreement_of_flips(flip)) + 1e-9

    # the estimate is on the grid, so an interval that is narrower than its steps is found too
    grid_g = np.unique(np.append(np.linspace(0, 0.5, GRID), flip_of_agreement(same / compared)))
    kept_g = np.flatnonzero(room(grid_g) >= 0)
    if not len(kept_g):
        return None
    first, last = int(kept_g[0]), int(kept_g[-1])
    low = grid_g[0] if first == 0 else brentq(room, grid_g[first - 1], grid_g[first])
    high = grid_g[-1] if last == len(grid_g) - 1 else brentq(room, grid_g[last], grid_g[last + 1])
    return float(low), float(high)
