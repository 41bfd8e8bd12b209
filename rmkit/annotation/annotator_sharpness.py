"""How sharp each annotator is, from judgements alone: log-odds of the true answer, shrunk towards the crowd's.

    truth of pair m: first or second, with given log-odds (0: even)
    a judgement by annotator a is the truth with probability sigmoid(s_a), independently given the truth
    s_a ~ Normal(mean, spread^2), one mean and spread for each crowd; mean > 0

This is Dawid & Skene 1979 with one accuracy an annotator, and a common prior whose spread is estimated too. Intervals
come from the whole posterior, so they allow for not knowing truth, mean and spread. mean ~ Normal(0, 3^2) above 0 and
spread ~ Rayleigh(1), both weak on a scale where s = 1, 2, 3 are accuracies of .73, .88, .95. The density of the spread
is 0 at 0, where everybody would be shrunk to one number: with a half-normal, which is not, ten annotators of 60
judgements each and a spread of 0.6 were covered in 93% only (docs/log/crowd-noise-coverage.md).

**What can be known.** Turning round every truth and every sign of s gives the same judgements; mean > 0 says that the
crowd knows more than it errs. With two annotators only the agreement is seen, so their difference comes from the prior;
from three on who share pairs, each is identified by whom they agree with. An annotator who shares no pair gets the
prior. Errors that annotators make together (a hard pair, a habit that all have) look like truth: then s is too large.

Knows judgements alone, or with the margins of a calibrated, cross-fitted model as log-odds of the truth.
Sources: Dawid & Skene 1979; Raykar et al., JMLR 2010; Yu & Meng 2011 (updating the spread in two parametrisations);
Chung et al., Psychometrika 2013 (a prior that keeps a spread off 0).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, log_expit, ndtr, ndtri

from rmkit.annotation.judgements import Judgements
from rmkit.errors import DataError
from rmkit.intervals.means import check_request

MEAN_SCALE, SPREAD_SCALE = 3.0, 1.0  # of the priors
SPREADS_G = np.geomspace(0.02, 4.0, 48)  # what the spread may be
PROPOSAL_DF = 5.0  # degrees of freedom of proposals, whose tails must be heavier than the posterior's
LONGEST_LOG_ODDS = 30.0  # of a pair's prior: beyond it no judgement changes anything
Derivatives = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]  # log density, slope, curvature > 0


@dataclass(frozen=True, eq=False)
class Sharpness:
    """Posterior of A annotators in C crowds and of M pairs. Intervals are equal-tailed, at `level`."""

    sharpness_a: np.ndarray  # (A,) posterior mean of s, log-odds of the true answer
    low_a: np.ndarray  # (A,) its interval; sigmoid of the ends is the interval of the accuracy
    high_a: np.ndarray  # (A,)
    accuracy_a: np.ndarray  # (A,) posterior mean of sigmoid(s)
    judged_a: np.ndarray  # (A,) int64, how many judgements it rests on
    mean_c3: np.ndarray  # (C, 3) mean of s in each crowd: estimate, low, high
    spread_c3: np.ndarray  # (C, 3) standard deviation of s in each crowd: estimate, low, high
    first_m: np.ndarray  # (M,) probability that the first response is the better one
    level: float


def annotator_sharpness(
    judgements: Judgements,
    *,
    rng: np.random.Generator,
    prior_log_odds_m: np.ndarray | None = None,
    crowd_a: np.ndarray | None = None,
    n_draws: int = 1000,
    n_warm_up: int = 300,
    level: float = 0.95,
) -> Sharpness:
    """The posterior by Gibbs sampling: truth given s, s given truth, then mean and spread of each crowd.

    prior_log_odds_m: (M,) log-odds that the first response is the better one, e.g. calibrated margins of a
    cross-fitted model; 0 without. crowd_a: (A,) int64, the crowd of each annotator; one without. Crowds that share no
    pair are independent. DataError for a tie or a prior that is not finite.
    """
    check_request(level, min(n_draws, n_warm_up + 1))
    if len(ties := np.flatnonzero(judgements.label_j == 0.5)):
        raise DataError(
            f"label_j[{ties[0]}] is a tie, which is neither right nor wrong; leave ties out with .decided()"
        )
    prior_m, crowd_a = _prior(prior_log_odds_m, judgements.n_pairs), _crowds(crowd_a, judgements.n_annotators)
    pair_j, annotator_j = judgements.pair_j, judgements.annotator_j
    sign_j = 2 * judgements.label_j - 1
    judged_a = np.bincount(annotator_j, minlength=judgements.n_annotators)
    n_crowds = int(crowd_a.max()) + 1
    size_c = np.bincount(crowd_a, minlength=n_crowds)
    s_a, mean_c, spread_c = np.ones(len(crowd_a)), np.ones(n_crowds), np.full(n_crowds, 0.5)
    s_da = np.empty((n_draws, len(crowd_a)), dtype=np.float32)
    crowd_dc2 = np.empty((n_draws, n_crowds, 2))
    first_m = np.zeros(judgements.n_pairs)
    for step in range(-n_warm_up, n_draws):
        log_odds_m = prior_m + np.bincount(pair_j, weights=sign_j * s_a[annotator_j], minlength=len(prior_m))
        chance_m = expit(log_odds_m)
        truth_m = rng.random(len(chance_m)) < chance_m
        right_j = truth_m[pair_j] == (sign_j > 0)
        right_a = np.bincount(annotator_j, weights=right_j, minlength=len(crowd_a))
        s_a = _laplace_step(_of_annotators(right_a, judged_a, mean_c[crowd_a], spread_c[crowd_a]), s_a, rng)
        mean_c = _mean_given_sharpness(s_a, crowd_a, size_c, spread_c, rng)
        spread_c = _spread_given_sharpness(s_a, crowd_a, size_c, mean_c, rng)
        # again with the standardised distances held instead of s, so that a small spread does not hold the chain
        distance_a = (s_a - mean_c[crowd_a]) / spread_c[crowd_a]
        offset_a = spread_c[crowd_a] * distance_a
        moved_c = _laplace_step(_of_means(right_a, judged_a, offset_a, crowd_a, n_crowds), mean_c, rng)
        mean_c = np.where(moved_c > 0, moved_c, mean_c)
        spread_c = _spread_given_distances(distance_a, right_a, judged_a, mean_c, crowd_a, rng)
        s_a = mean_c[crowd_a] + spread_c[crowd_a] * distance_a
        if step >= 0:
            s_da[step], first_m = s_a, first_m + chance_m
            crowd_dc2[step] = np.stack([mean_c, spread_c], axis=1)
    ends = [(1 - level) / 2, (1 + level) / 2]
    low_a, high_a = np.quantile(s_da, ends, axis=0).astype(np.float64)
    crowd_3c2 = np.concatenate([crowd_dc2.mean(axis=0)[None], np.quantile(crowd_dc2, ends, axis=0)])
    return Sharpness(
        sharpness_a=s_da.mean(axis=0, dtype=np.float64),
        low_a=low_a,
        high_a=high_a,
        accuracy_a=expit(s_da).mean(axis=0, dtype=np.float64),
        judged_a=judged_a,
        mean_c3=crowd_3c2[:, :, 0].T,
        spread_c3=crowd_3c2[:, :, 1].T,
        first_m=first_m / n_draws,
        level=level,
    )


def _laplace_step(derivatives: Derivatives, current_n: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One independence Metropolis step for each of N log-concave densities; proposals are Student's t at the mode."""
    mode_n = np.zeros_like(current_n)
    for _ in range(8):  # from a fixed start, so that the proposal does not depend on where the chain is
        _, slope_n, curvature_n = derivatives(mode_n)
        mode_n = mode_n + np.clip(slope_n / curvature_n, -1.5, 1.5)
    width_n = 1 / np.sqrt(derivatives(mode_n)[2])
    proposed_n = mode_n + width_n * rng.standard_t(PROPOSAL_DF, size=len(mode_n))

    def weight(value_n: np.ndarray) -> np.ndarray:
        t_n = (value_n - mode_n) / width_n
        return derivatives(value_n)[0] + (PROPOSAL_DF + 1) / 2 * np.log1p(t_n**2 / PROPOSAL_DF)

    accepted_n = np.log(rng.random(len(mode_n))) < weight(proposed_n) - weight(current_n)
    return np.where(accepted_n, proposed_n, current_n)


def _of_annotators(right_a: np.ndarray, judged_a: np.ndarray, mean_a: np.ndarray, spread_a: np.ndarray) -> Derivatives:
    """s of each annotator given their right answers: a binomial in log-odds times a normal."""

    def derivatives(s_a: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        chance_a, distance_a = expit(s_a), (s_a - mean_a) / spread_a
        density_a = right_a * s_a + judged_a * log_expit(-s_a) - distance_a**2 / 2
        slope_a = right_a - judged_a * chance_a - distance_a / spread_a
        return density_a, slope_a, judged_a * chance_a * (1 - chance_a) + spread_a**-2.0

    return derivatives


def _of_means(
    right_a: np.ndarray, judged_a: np.ndarray, offset_a: np.ndarray, crowd_a: np.ndarray, n_crowds: int
) -> Derivatives:
    """The mean of each crowd given right answers, where every s is the mean plus a known offset."""

    def derivatives(mean_c: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        s_a = mean_c[crowd_a] + offset_a
        chance_a = expit(s_a)
        of_a = (
            right_a * s_a + judged_a * log_expit(-s_a),
            right_a - judged_a * chance_a,
            judged_a * chance_a * (1 - chance_a),
        )
        density_c, slope_c, curvature_c = (np.bincount(crowd_a, weights=one_a, minlength=n_crowds) for one_a in of_a)
        variance = MEAN_SCALE**2
        return density_c - mean_c**2 / (2 * variance), slope_c - mean_c / variance, curvature_c + 1 / variance

    return derivatives


def _mean_given_sharpness(
    s_a: np.ndarray, crowd_a: np.ndarray, size_c: np.ndarray, spread_c: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """A normal, cut at 0."""
    precision_c = size_c / spread_c**2 + MEAN_SCALE**-2
    centre_c = np.bincount(crowd_a, weights=s_a, minlength=len(size_c)) / spread_c**2 / precision_c
    width_c = 1 / np.sqrt(precision_c)
    above_c = ndtr(centre_c / width_c)  # its mass above 0, from where the upper tail is inverted
    return centre_c - width_c * ndtri(np.maximum(rng.random(len(size_c)) * above_c, np.finfo(np.float64).tiny))


def _spread_given_sharpness(
    s_a: np.ndarray, crowd_a: np.ndarray, size_c: np.ndarray, mean_c: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    square_c = np.bincount(crowd_a, weights=(s_a - mean_c[crowd_a]) ** 2, minlength=len(size_c))
    return _drawn_spread(-np.outer(size_c, np.log(SPREADS_G)) - np.outer(square_c, SPREADS_G**-2 / 2), rng)


def _spread_given_distances(
    distance_a: np.ndarray,
    right_a: np.ndarray,
    judged_a: np.ndarray,
    mean_c: np.ndarray,
    crowd_a: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    s_ag = mean_c[crowd_a][:, None] + np.outer(distance_a, SPREADS_G)
    density_ag = right_a[:, None] * s_ag + judged_a[:, None] * log_expit(-s_ag)
    density_cg = np.zeros((len(mean_c), len(SPREADS_G)))
    np.add.at(density_cg, crowd_a, density_ag)
    return _drawn_spread(density_cg, rng)


def _drawn_spread(density_cg: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A spread for each crowd, from log densities on the grid, to which prior and widths of the grid are added."""
    density_cg = density_cg - (SPREADS_G / SPREAD_SCALE) ** 2 / 2 + 2 * np.log(SPREADS_G)
    cumulated_cg = np.exp(density_cg - density_cg.max(axis=1, keepdims=True)).cumsum(axis=1)
    drawn_c = rng.random(len(density_cg)) * cumulated_cg[:, -1]
    return SPREADS_G[(cumulated_cg < drawn_c[:, None]).sum(axis=1)]


def _prior(prior_log_odds_m: np.ndarray | None, n_pairs: int) -> np.ndarray:
    if prior_log_odds_m is None:
        return np.zeros(n_pairs)
    prior_m = np.asarray(prior_log_odds_m, dtype=np.float64)
    if prior_m.shape != (n_pairs,):
        raise DataError(f"prior_log_odds_m: shape {prior_m.shape}; it must be ({n_pairs},), one number a pair")
    if len(bad := np.flatnonzero(~np.isfinite(prior_m))):
        raise DataError(f"prior_log_odds_m[{bad[0]}] is {prior_m[bad[0]]}; it must be a finite number")
    return np.clip(prior_m, -LONGEST_LOG_ODDS, LONGEST_LOG_ODDS)


def _crowds(crowd_a: np.ndarray | None, n_annotators: int) -> np.ndarray:
    crowd_a = np.zeros(n_annotators, np.int64) if crowd_a is None else np.asarray(crowd_a)
    if crowd_a.shape != (n_annotators,) or crowd_a.dtype.kind not in "iu" or crowd_a.min() < 0:
        raise DataError(f"crowd_a: {crowd_a.dtype} of shape {crowd_a.shape}; it must be ({n_annotators},) from 0")
    if crowd_a.max() >= n_annotators:
        raise DataError(f"crowd_a names crowd {crowd_a.max()}; {n_annotators} annotators make at most as many crowds")
    return crowd_a
