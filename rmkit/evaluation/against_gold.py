"""How good reward models are where the truth is known: their order and their Best-of-n against gold, prompt by prompt.

Where the annotator is known too, their margins are held against its chances: log-loss, calibration and accuracy as
labels would give them on average, with none drawn. Best-of-n is told twice: what the kept response earns in gold, and
what the fit promises for it, in its own spread. Knows rewards of F fits on the P x K responses of a test bank, one
fit at a time; no head, no label. Sources: arXiv 2411.04991, section 6 (Best-of-n gold reward, quantile of the pick,
within-prompt Spearman); its reviewers asked for the rest. measures/ has the formulas.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from rmkit.artifacts.evaluations import Evaluations
from rmkit.artifacts.metric import Axis
from rmkit.errors import DataError
from rmkit.measures import margins, ranking
from rmkit.measures.arrays import all_finite
from rmkit.measures.best_of_n import best_of_n, quantile_of_pick
from rmkit.policies.stored_responses import values_at_kls

# The chance that an annotator of this beta prefers the first of each pair, (M,), from (M, 2) gold rewards.
PrefersFirst = Callable[[float, np.ndarray], np.ndarray]

ORDER = {"accuracy": ranking.order_accuracy, "spearman": ranking.spearman}
EXPECTED = {
    "label_accuracy": margins.expected_accuracy,
    "log_loss": margins.expected_log_loss,
    "overconfidence": margins.expected_overconfidence,
}
SPLIT = "test prompts"  # what every row says of the responses that it is a mean over
NOTHING_TO_ORDER = "gold rewards are equal within every prompt"
ONE_REWARD = "gives all responses to a prompt one reward, so that its rewards have no unit"
NO_ANNOTATOR = "learned from no annotator, so there are no chances to hold its margins against"
TOO_ALIKE = "its rewards are too alike for a policy this far from the base"
REASONS = {"proxy_of_pick": ONE_REWARD, "kl": TOO_ALIKE, **dict.fromkeys(EXPECTED, NO_ANNOTATOR)}
ALL_PAIRS_UP_TO = 40  # responses to a prompt; of more, as many pairs are drawn as these have
PAIRS_DRAWN = ALL_PAIRS_UP_TO * (ALL_PAIRS_UP_TO - 1) // 2


def evaluate_against_gold(
    fits: pd.DataFrame,
    reward_fr: Iterable[np.ndarray],
    gold_pk: np.ndarray,
    prompt_id_p: np.ndarray,
    *,
    ns: Sequence[int],
    prefers_first: PrefersFirst | None = None,
    rng: np.random.Generator | None = None,
    kls: Sequence[float] = (),
    beta: float = np.nan,
) -> tuple[pd.DataFrame, Evaluations]:
    """Result rows (the columns of fits, metric, n, value, reason, units, split) and per-prompt evaluations.

    fits: F rows with `fit` and whatever varied. reward_fr: (F, R), or anything that gives F times (R,), on a bank's R =
    P K responses in its order; gold_pk: (P, K). Metrics: accuracy, spearman; along n, ascending, best_of_n in gold's
    units and proxy_of_pick as `proxy_of_pick` has it; and quantile_of_pick at the largest n. With prefers_first also
    label_accuracy, log_loss, overconfidence and, as a row only, ece, for fits that have a `beta`, or at this beta where
    fits have no such column; rng draws pairs where K is above 40. With kls also kl along nats: gold of the KL optimum
    at each mean KL from an even choice; NaN where a fit's rewards are too alike to get there. Rows then have `nats`. A
    prompt whose gold rewards are all equal has a Best-of-n but no order: it is NaN there, and `units`, the prompts
    behind a mean, is smaller. DataError for other shapes, values that are not finite, n above K, or a KL not above 0.
    """
    gold_pk, ns, kls = checked_gold(gold_pk, prompt_id_p), sorted(set(ns)), sorted(set(kls))
    values: dict[str, np.ndarray] = {}
    annotated = None if prefers_first is None else AnnotatedPairs.of(gold_pk, prefers_first, rng)
    beta_f = fits["beta"].to_numpy(dtype=np.float64) if "beta" in fits else np.full(len(fits), beta)
    error_f, n_given = np.full(len(fits), np.nan), 0
    for f, reward_r in enumerate(reward_fr):
        n_given = f + 1
        if n_given > len(fits):
            break
        score_pk = scores_of(reward_r, gold_pk.shape, fits["fit"].iloc[f])
        found = against_gold(score_pk, gold_pk, ns)
        if annotated is not None:
            of_pairs, error_f[f] = annotated.evaluate(score_pk, beta_f[f])
            found |= of_pairs
        if kls:
            found["kl"] = values_at_kls(score_pk, gold_pk, kls)
        for name, value in found.items():
            values.setdefault(name, np.full((len(fits), *value.shape), np.nan, dtype=np.float32))[f] = value
    if n_given != len(fits):
        more = " at least" * (n_given > len(fits))
        raise DataError(
            f"rewards: there are those of{more} {n_given} fits, and `fits` lists {len(fits)}; give one each"
        )
    units_p = np.ones(len(gold_pk), dtype=np.float32)
    axes = {name: Axis("n", tuple(at)) for name, at in along_n(ns).items() if name in values}
    axes |= {"kl": Axis("nats", tuple(kls))} if kls else {}
    evaluations = Evaluations(fits.reset_index(drop=True), prompt_id_p.astype(np.int64), units_p, values, axes)
    tables = [mean_rows(evaluations)]
    if annotated is not None:
        tables.append(calibration_rows(evaluations.fits, error_f, annotated.n_pairs))
    return pd.concat(tables, ignore_index=True), evaluations


def against_gold(score_pk: np.ndarray, gold_pk: np.ndarray, ns: Sequence[int]) -> dict[str, np.ndarray]:
    """Every metric of one fit that needs no annotator, (P,) each, or (P, N) along n."""
    return {
        **{name: order(score_pk, gold_pk) for name, order in ORDER.items()},
        "best_of_n": best_of_n(score_pk, gold_pk, ns),
        "proxy_of_pick": proxy_of_pick(score_pk, ns),
        "quantile_of_pick": quantile_of_pick(score_pk, gold_pk, along_n(ns)["quantile_of_pick"]),
    }


def along_n(ns: Sequence[int]) -> dict[str, Sequence[int]]:
    """The n at which each of the metrics that have one is measured."""
    return {"best_of_n": ns, "proxy_of_pick": ns, "quantile_of_pick": [max(ns)]}


def proxy_of_pick(score_pk: np.ndarray, ns: Sequence[int]) -> np.ndarray:
    """(P, N) expected proxy reward of the best of n above that of a random pick, in the fit's own unit.

    The unit is the root mean square, over prompts, of the scores' s.d. within a prompt, since a fit's rewards are known
    up to a constant and, between fits, up to their scale. NaN where the scores have none.
    """
    away_pk = score_pk - score_pk.mean(axis=1, keepdims=True)
    unit = np.sqrt(np.mean(away_pk**2))
    if unit <= np.finfo(np.float32).eps * np.abs(score_pk).max():
        return np.full((len(score_pk), len(ns)), np.nan)
    return best_of_n(score_pk, away_pk, ns) / unit


@dataclass(frozen=True, eq=False)
class AnnotatedPairs:
    """Pairs within test prompts, the same for every fit, and who would judge them."""

    first_pq: np.ndarray  # (P, Q) int64 positions among a prompt's K responses
    second_pq: np.ndarray  # (P, Q) int64, another response of the prompt
    gold_m2: np.ndarray  # (P Q, 2) float64
    prefers_first: PrefersFirst
    chance_m_of: dict[float, np.ndarray] = field(default_factory=dict, init=False)  # by beta, as far as they were asked

    @classmethod
    def of(cls, gold_pk: np.ndarray, prefers_first: PrefersFirst, rng: np.random.Generator | None) -> "AnnotatedPairs":
        """Those of `pairs_within_prompts`."""
        n_prompts, n_responses = gold_pk.shape
        first_pq, second_pq = pairs_within_prompts(n_prompts, n_responses, rng)
        sides = (np.take_along_axis(gold_pk, side_pq, axis=1).ravel() for side_pq in (first_pq, second_pq))
        return cls(first_pq, second_pq, np.stack(list(sides), axis=1), prefers_first)

    @property
    def n_pairs(self) -> int:
        return self.first_pq.size

    def evaluate(self, score_pk: np.ndarray, beta: float) -> tuple[Mapping[str, np.ndarray], float]:
        """(P,) means over a prompt's pairs of each of EXPECTED, and the calibration error; NaN where beta is."""
        if np.isnan(beta):
            return dict.fromkeys(EXPECTED, np.full(len(score_pk), np.nan)), np.nan
        sides = (np.take_along_axis(score_pk, side_pq, axis=1) for side_pq in (self.first_pq, self.second_pq))
        margin_m = np.subtract(*sides).ravel()
        if (chance_m := self.chance_m_of.get(float(beta))) is None:
            chance_m = self.chance_m_of[float(beta)] = self.prefers_first(float(beta), self.gold_m2)
        found = {
            name: metric(margin_m, chance_m).reshape(self.first_pq.shape).mean(axis=1)
            for name, metric in EXPECTED.items()
        }
        return found, margins.expected_calibration_error(margin_m, chance_m=chance_m)


def pairs_within_prompts(
    n_prompts: int, n_responses: int, rng: np.random.Generator | None
) -> tuple[np.ndarray, np.ndarray]:
    """(P, Q) and (P, Q) int64 positions in K: all pairs of each prompt if K is at most 40, else 780 drawn evenly.

    DataError where pairs are drawn and there is no generator.
    """
    if n_responses <= ALL_PAIRS_UP_TO:
        first_q, second_q = np.triu_indices(n_responses, 1)
        return np.tile(first_q, (n_prompts, 1)), np.tile(second_q, (n_prompts, 1))
    if rng is None:
        raise DataError(f"rng: is missing; with {n_responses} responses to a prompt its pairs are drawn")
    shape = (n_prompts, PAIRS_DRAWN)
    first_pq = rng.integers(n_responses, size=shape)
    return first_pq, (first_pq + rng.integers(1, n_responses, size=shape)) % n_responses


def checked_gold(gold_pk: np.ndarray, prompt_id_p: np.ndarray) -> np.ndarray:
    """The gold rewards as float64, or DataError unless they are finite and a row for each prompt."""
    gold_pk = np.asarray(gold_pk, dtype=np.float64)
    if gold_pk.ndim != 2 or gold_pk.shape[:1] != prompt_id_p.shape:
        found = f"gold rewards have shape {gold_pk.shape} and prompt ids {prompt_id_p.shape}"
        raise DataError(f"{found}; they must be (prompts, K) and (prompts,)")
    return all_finite(gold_pk, "gold reward")


def scores_of(reward_r: np.ndarray, shape: tuple[int, ...], fit: str) -> np.ndarray:
    """One fit's rewards as float64 (P, K), or DataError unless they are finite and one for each response."""
    score_r = np.asarray(reward_r, dtype=np.float64)
    if score_r.shape != (shape[0] * shape[1],):
        found = f"rewards of fit {fit!r} have shape {score_r.shape} and gold rewards {shape}"
        raise DataError(f"{found}; give one reward for each of the {shape[0] * shape[1]} responses")
    return all_finite(score_r.reshape(shape), f"reward of fit {fit!r}")


def mean_rows(evaluations: Evaluations) -> pd.DataFrame:
    """Result rows: the mean over prompts of every metric of the evaluations, at each n where it has one."""
    tables = []
    along_nats = [name for name, axis in evaluations.axes.items() if axis.name == "nats"]
    for metric in evaluations.metrics():
        value_fp = evaluations.value_fp(metric)
        has_fp = np.isfinite(value_fp)
        units_f = has_fp.sum(axis=1)
        total_f = np.where(has_fp, value_fp, 0.0).sum(axis=1, dtype=np.float64)
        at = np.nan if metric.at is None else float(metric.at)
        means = {
            "metric": metric.name,
            "n": np.nan if metric.name in along_nats else at,
            **({"nats": at if metric.name in along_nats else np.nan} if along_nats else {}),
            "value": np.divide(total_f, units_f, out=np.full(len(units_f), np.nan), where=units_f > 0),
            "reason": [None if units else REASONS.get(metric.name, NOTHING_TO_ORDER) for units in units_f],
            "units": units_f,
            "split": SPLIT,
        }
        tables.append(evaluations.fits.assign(**means))
    return pd.concat(tables, ignore_index=True)


def calibration_rows(fits: pd.DataFrame, error_f: np.ndarray, n_pairs: int) -> pd.DataFrame:
    """Result rows of metric ece, over the pairs of all prompts together."""
    has_f = np.isfinite(error_f)
    columns = {
        "metric": "ece",
        "n": np.nan,
        "value": error_f,
        "reason": [None if has else NO_ANNOTATOR for has in has_f],
        "units": np.where(has_f, n_pairs, 0),
        "split": SPLIT,
    }
    return fits.assign(**columns)
