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
from rmkit.policies.overoptimisation import PLAIN, Resampling, checked, measured_peak
from rmkit.policies.pressure import Curve


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


def ring(proxy: Curve, watched: Curve, resampling: Resampling = PLAIN) -> Ring:
    """Where the alarm rings that watches this reward while the proxy is optimised; the rule is at the top of the file.

    DataError for one place alone, or curves of different places or prompts. With too few prompts for an interval it
    cannot ring, and says so.
    """
    (kl_n, proxy_pn), (_, watched_pn) = checked(proxy, fewest=1), checked(watched, fewest=1)
    n_prompts, n_places = proxy_pn.shape
    same = proxy_pn.shape == watched_pn.shape and np.array_equal(proxy.at_n, watched.at_n)
    if not same or n_places < 2:
        raise DataError(
            f"an alarm on gains {watched_pn.shape} of a proxy with gains {proxy_pn.shape}: both must be (prompts, N), "
            "at the same places, and these at least 2, to see a fall from one to another"
        )
    both_p2n = np.concatenate([watched_pn, proxy_pn], axis=1)
    mean_2n, shared = both_p2n.mean(axis=0), resampling.shared_among(n_places - 1)
    mean_b2n = shared.means(both_p2n)

    def change(place: int, since: int, of: int) -> Interval:
        at, before = of * n_places + place, of * n_places + since
        return shared.interval(mean_2n[at] - mean_2n[before], mean_b2n[:, at] - mean_b2n[:, before], n_prompts)

    for place in range(1, n_places):
        highest = int(mean_2n[:place].argmax())
        fall, rise = change(place, highest, 0), change(place, highest, 1)
        if fall.high < 0 < rise.low:
            return Ring(place, float(proxy.at_n[place]), float(kl_n[place]), fall)
    told = fall.reason or f"the watched reward has not fallen while the proxy rises, up to {proxy.at_n[-1]:g}"
    return Ring(None, np.nan, np.nan, fall, f"does not ring: {told}")


def late_by(gold: Curve, rang: Ring, resampling: Resampling = PLAIN) -> Lateness:
    """How far from gold's peak an alarm rang, and what gold it costs to stop there; see `Lateness`."""
    kl_n, gain_pn = checked(gold, fewest=1)
    best, stop = int(gain_pn.mean(axis=0).argmax()), len(kl_n) - 1 if rang.place is None else rang.place
    peak, mean_bn = measured_peak(gold, resampling), resampling.means(gain_pn)
    reason = "optimising stops where gold is highest" if best == stop else None
    lost = resampling.interval(
        (gain_pn[:, best] - gain_pn[:, stop]).mean(), mean_bn[:, best] - mean_bn[:, stop], len(gain_pn), reason
    )
    both = rang.place is not None and peak.reason is None
    return Lateness(peak, rang.nats - float(kl_n[best]) if both else np.nan, lost)
