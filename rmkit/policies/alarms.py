"""Alarms without gold: when does optimising a proxy begin to fool it, told from other reward models alone?

An alarm watches a second reward of the same responses while the proxy is optimised ever harder: the mean of reward
models that were held out of it, or what an ensemble is sure of, its mean less its spread. It rings

    at the first place where the watched reward's mean is below its highest so far, and the proxy's mean above what it
    was there, both by paired intervals over prompts.

The intervals share `level` among all places (Bonferroni): a watched reward that has nothing to do with the proxy rang
in 2 to 3% of simulated curves of 8 places. `late_by` says, with gold at hand, how far that is from where gold peaks.
Rewards have no common unit: each model's are taken less its prompt's mean, in units of its own spread within prompts.
Knows arrays only.
Sources: Gao et al. 2023 (arXiv 2210.10760); Coste et al. 2023 (arXiv 2310.02743) for ensembles and their spread.
"""

from dataclasses import dataclass

import numpy as np

from rmkit.errors import DataError
from rmkit.intervals.means import Interval
from rmkit.measures.arrays import finite
from rmkit.policies.overoptimisation import PLAIN, Resampling, gold_curve, measured_peak
from rmkit.policies.pressure import Pressure


@dataclass(frozen=True)
class Ring:
    """Where an alarm rang, or why it did not."""

    place: int | None  # among the N places
    at: float  # n or nats there; NaN
    nats: float  # KL there; NaN
    fall: Interval  # of the watched reward since its highest, at the place that it rang, else at the last
    reason: str | None = None


@dataclass(frozen=True)
class Lateness:
    """An alarm beside gold: where gold peaks, how much further the alarm rang, and what gold that costs."""

    peak: Interval  # n or nats where gold's mean is highest, or no peak in range and why
    late_by: float  # nats from gold's peak to the alarm, below 0 if it rang before; NaN without both
    lost: Interval  # gold at its highest less gold where optimising stops: at the alarm, or else at the last place


def held_out_reward(score_hpk: np.ndarray) -> np.ndarray:
    """(P, K) the mean over H held-out reward models, each (P, K) and in a unit of its own."""
    return in_one_unit(score_hpk).mean(axis=0)


def disagreement(score_spk: np.ndarray) -> np.ndarray:
    """(P, K) the standard deviation of S members' rewards, each in a unit of its own; at least two members."""
    if len(score_spk) < 2:
        raise DataError(f"an ensemble of {len(score_spk)} members cannot disagree; it takes at least 2")
    return in_one_unit(score_spk).std(axis=0, ddof=1)


def sure_reward(score_spk: np.ndarray, *, penalty: float = 1.0) -> np.ndarray:
    """(P, K) what an ensemble is sure of: its mean less `penalty` standard deviations of its members."""
    return held_out_reward(score_spk) - penalty * disagreement(score_spk)


def in_one_unit(score_hpk: np.ndarray) -> np.ndarray:
    """(H, P, K) each model's rewards less its prompt's mean, over its spread within prompts; DataError without one."""
    score_hpk = finite(score_hpk, "reward")
    if score_hpk.ndim != 3 or not score_hpk.size:
        raise DataError(f"rewards of shape {score_hpk.shape}: they must be (models, prompts, K), all at least 1")
    away_hpk = score_hpk - score_hpk.mean(axis=-1, keepdims=True)
    spread_h = np.sqrt((away_hpk**2).mean(axis=(1, 2)))
    if (flat_f := np.flatnonzero(np.ptp(score_hpk, axis=-1).max(axis=-1) == 0)).size:
        raise DataError(f"reward model {flat_f[0]} gives all responses to a prompt one reward, in every prompt")
    return away_hpk / spread_h[:, None, None]


def ring(pressure: Pressure, watched_pk: np.ndarray, resampling: Resampling = PLAIN) -> Ring:
    """Where the alarm rings that watches this (P, K) reward; the rule is at the top of this file.

    DataError for one place alone, or a watched reward of another shape or not finite. With too few prompts for an
    interval it cannot ring, and says so.
    """
    n_places = len(pressure.at_n)
    if n_places < 2:
        raise DataError("an alarm takes at least 2 places, to see a fall from one to another")
    both_p2n = np.concatenate([pressure.gains(watched_pk), pressure.gains(pressure.score_pk)], axis=1)
    mean_2n, shared = both_p2n.mean(axis=0), resampling.shared_among(n_places - 1)
    mean_b2n = shared.means(both_p2n)

    def change(place: int, since: int, of: int) -> Interval:
        at, before = of * n_places + place, of * n_places + since
        return shared.interval(mean_2n[at] - mean_2n[before], mean_b2n[:, at] - mean_b2n[:, before], len(both_p2n))

    for place in range(1, n_places):
        highest = int(mean_2n[:place].argmax())
        fall, rise = change(place, highest, 0), change(place, highest, 1)
        if fall.high < 0 < rise.low:
            return Ring(place, float(pressure.at_n[place]), float(pressure.kl_n[place]), fall)
    told = fall.reason or f"the watched reward has not fallen while the proxy rises, up to {pressure.at_n[-1]:g}"
    return Ring(None, np.nan, np.nan, fall, f"does not ring: {told}")


def late_by(pressure: Pressure, gold_pk: np.ndarray, rang: Ring, resampling: Resampling = PLAIN) -> Lateness:
    """How far from gold's peak an alarm rang, and what gold it costs to stop there; see `Lateness`."""
    gain_pn = gold_curve(pressure, gold_pk).gain_pn
    best, stop = int(gain_pn.mean(axis=0).argmax()), len(pressure.at_n) - 1 if rang.place is None else rang.place
    peak = measured_peak(pressure.at_n, gain_pn, resampling)
    mean_bn = resampling.means(gain_pn)
    lost_p = gain_pn[:, best] - gain_pn[:, stop]
    reason = "optimising stops where gold is highest" if best == stop else None
    lost = resampling.interval(lost_p.mean(), mean_bn[:, best] - mean_bn[:, stop], len(gain_pn), reason)
    both = rang.place is not None and peak.reason is None
    return Lateness(peak, rang.nats - float(pressure.kl_n[best]) if both else np.nan, lost)
