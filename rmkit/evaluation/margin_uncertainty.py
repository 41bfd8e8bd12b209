"""How good the uncertainty of fits is: result rows, where gold is known and on held-out pairs.

Each measure is taken of two spreads of a margin (measures/margin_uncertainty.py): `joint`, the margin's own standard
deviation, and `marginal`, the sum of those of its two rewards. What needs only an order of sureness is taken of `none`
too: |margin| alone, so that a reader sees what a standard deviation adds. Heads without uncertainty have no rows.

Intervals are of the fit, given its model: how far it would move with other labels. What a head cannot say, or says of
responses that are unlike its data, is not in them; the rows tell how much that is. Knows margins, roots of covariances
and gold; how a head comes by a root is reward_models/margin_uncertainty.py's.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from rmkit.errors import DataError
from rmkit.evaluation.against_gold import (
    NO_ANNOTATOR,
    ONE_REWARD,
    PrefersFirst,
    checked_gold,
    pairs_within_prompts,
    scores_of,
)
from rmkit.evaluation.against_gold import SPLIT as TEST
from rmkit.evaluation.on_pairs import SPLIT as HELD_OUT
from rmkit.intervals.means import FEWEST_SEEDS, t_over_seeds
from rmkit.measures import margin_uncertainty as measured
from rmkit.measures.best_of_n import best_of_n
from rmkit.progress import Progress
from rmkit.reward_models.inputs import row_blocks
from rmkit.reward_models.margin_uncertainty import RewardRoot, reward_root_of
from rmkit.reward_models.protocol import RewardModel
from rmkit.training_sets.cross_fitting import CrossFitting
from rmkit.training_sets.pair_sets import PairSets

MOST_RESPONSES = 100_000  # of test prompts; of more, evenly spaced prompts are taken, so that a fit takes seconds
JOINT, MARGINAL, NO_SPREAD = "joint", "marginal", "none"
NOMINAL = (0.5, 0.8, 0.95)  # of intervals
KEPT = tuple(tenth / 10 for tenth in range(1, 11))  # shares of pairs, the surest ones
NOT_ALIGNED = "its rewards do not follow gold, so that gold has no place on their scale"
NEW_SEEDS = "new seeds, these prompts"
CONSTANT = "its errors or their standard deviations are all equal"


@dataclass(frozen=True, eq=False)
class Spread:
    """One kind of standard deviation of one fit on P x K responses."""

    pair_m: np.ndarray  # (M,) of margins
    own_pk: np.ndarray  # (P, K) of a reward less its prompt's mean


@dataclass(frozen=True, eq=False)
class TestPairs:
    """Pairs within P of the test prompts, the same for every fit."""

    __test__ = False  # no test, whatever pytest makes of its name

    prompt_p: np.ndarray  # (P,) int64, which prompts of the bank
    first_pq: np.ndarray  # (P, Q) int64 positions among a prompt's K responses
    second_pq: np.ndarray

    def differences(self, value_pk: np.ndarray) -> np.ndarray:
        """(M,) first minus second of each pair, M = P Q."""
        first_pq, second_pq = (np.take_along_axis(value_pk, at, axis=1) for at in (self.first_pq, self.second_pq))
        return (first_pq - second_pq).ravel()

    def spreads(self, root_of: RewardRoot, embedding_rd: np.ndarray, n_responses: int) -> dict[str, Spread]:
        """A fit's joint and marginal spread; a block of prompts at a time is in memory."""
        width = root_of(embedding_rd[:1]).shape[1]
        parts: list[tuple[np.ndarray, ...]] = []
        for prompts in row_blocks(len(self.first_pq), n_responses * max(width, embedding_rd.shape[1])):
            rows_pk = self.prompt_p[prompts, None] * n_responses + np.arange(n_responses)
            root_pkc = root_of(embedding_rd[rows_pk.ravel()]).reshape(-1, n_responses, width)
            parts.append(measured.sd_within_prompts(root_pkc, self.first_pq[prompts], self.second_pq[prompts]))
        joint_pq, marginal_pq, less_mean_pk, own_pk = map(np.concatenate, zip(*parts, strict=True))
        return {JOINT: Spread(joint_pq.ravel(), less_mean_pk), MARGINAL: Spread(marginal_pq.ravel(), own_pk)}


def evaluate_margin_uncertainty(
    fits: pd.DataFrame,
    models: Mapping[str, RewardModel],
    reward_fr: np.ndarray,
    *,
    embedding_rd: np.ndarray,
    train: PairSets,
    test_embedding_rd: np.ndarray,
    gold_pk: np.ndarray,
    ns: Sequence[int],
    prefers_first: PrefersFirst | None = None,
    rng: np.random.Generator | None = None,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Result rows (fit and what varied, metric, n, spread, share, value, reason, units, split); none for other heads.

    fits: F rows with fit, reward_model and position, that in its model and in the sets of `train`, whose pairs point
    into embedding_rd. reward_fr: (F, R) on the P x K test responses, in the order of test_embedding_rd (R, D) and
    gold_pk (P, K). Bounds are held against the chances of prefers_first where a fit has a finite or infinite `beta`;
    right is what gold says, half where it says nothing. Of more than 100,000 responses those of evenly spaced prompts
    are looked at (`units` counts their pairs). rng: as in `evaluate_against_gold`; from an equal generator the
    pairs are the same. DataError for other shapes and values that are not finite.
    """
    gold_pk, ns = checked_gold(gold_pk, np.arange(len(gold_pk))), sorted(set(ns))
    whole = gold_pk.shape
    if len(reward_fr) != len(fits):
        raise DataError(f"rewards: there are those of {len(reward_fr)} fits, and `fits` lists {len(fits)}")
    n_prompts, n_responses = gold_pk.shape
    sides = pairs_within_prompts(n_prompts, n_responses, rng)
    n_taken = max(1, min(n_prompts, MOST_RESPONSES // n_responses))
    taken_p = np.arange(n_taken) * n_prompts // n_taken
    pairs, gold_pk = TestPairs(taken_p, *(side_pq[taken_p] for side_pq in sides)), gold_pk[taken_p]
    gold_m2 = np.stack(
        [np.take_along_axis(gold_pk, at, axis=1).ravel() for at in (pairs.first_pq, pairs.second_pq)], axis=1
    )
    right_m = (np.sign(gold_m2[:, 0] - gold_m2[:, 1]) + 1) / 2
    rows: list[dict[str, Any]] = []
    for f, fit in enumerate(fits.to_dict("records")):
        model, s = models[fit["reward_model"]], int(fit.pop("position"))
        if (root_of := reward_root_of(model, s, embedding_rd, train)) is not None:
            score_pk = scores_of(reward_fr[f], whole, fit["fit"])[taken_p]
            spreads = pairs.spreads(root_of, test_embedding_rd, n_responses)
            margin_m, beta = pairs.differences(score_pk), fit.get("beta", np.nan)
            chance_m = None if prefers_first is None or np.isnan(beta) else prefers_first(float(beta), gold_m2)
            pair_m = {name: spread.pair_m for name, spread in spreads.items()}
            of_pairs = _rows_of_pairs(margin_m, pair_m, right_m, chance_m)
            of_gold = _rows_of_gold(score_pk, measured.aligned_gold(score_pk, gold_pk), margin_m, pairs, spreads, ns)
            rows += [fit | row for row in (*of_pairs, *of_gold)]
        if progress:
            progress(f + 1, len(fits))
    columns = [*fits.columns.drop("position"), "metric", "n", "spread", "share", "value", "reason", "units"]
    return pd.DataFrame(rows, columns=columns).assign(split=TEST)


def evaluate_held_out_uncertainty(
    margins: Mapping[str, pd.DataFrame],
    sds: Mapping[str, Mapping[str, np.ndarray] | None],
    *,
    weight_m: np.ndarray | None = None,
) -> pd.DataFrame:
    """Result rows of held-out pairs, where no gold is known: the columns of `evaluate_pairs`, spread and share.

    margins: as `evaluate_pairs` takes them. sds: by reward model, by spread (joint, marginal), (A, M) standard
    deviations of these margins (`held_out_sds`); a reward model that is not there, or has None, has no rows. Right is
    what was chosen. DataError for other shapes.
    """
    rows = []
    for name, by_spread in sds.items():
        if by_spread is None:
            continue
        table = margins[name]
        for spread, sd_am in by_spread.items():
            if sd_am.shape != table.shape:
                raise DataError(f"{name}: {spread} sds have shape {sd_am.shape} and its margins {table.shape}")
        for a, annotations in enumerate(table.index):
            margin_m, sd_m = table.to_numpy()[a], {spread: sd_am[a] for spread, sd_am in by_spread.items()}
            chosen_m = np.ones(len(margin_m))
            fit = {"fit": f"{name}-{annotations}", "reward_model": name, "annotations": float(annotations)}
            rows += [fit | row for row in _rows_of_pairs(margin_m, sd_m, chosen_m, chosen_m, weight_m)]
    columns = ["fit", "reward_model", "annotations", "metric", "spread", "share", "value", "reason", "units"]
    return pd.DataFrame(rows, columns=columns).assign(split=HELD_OUT)


def held_out_sds(
    model: RewardModel, sets: CrossFitting, embedding_rd: np.ndarray, annotations: int
) -> dict[str, np.ndarray] | None:
    """By spread, (1, M) standard deviations of the margins of the M scored pairs, each by the fit that held it out.

    model: fitted on `sets`, whose pairs point into embedding_rd, (R, D); of it the fits with this number of
    annotations. None for a head without uncertainty.
    """
    scored = sets.scored_m
    fold_m, side_2m = sets.fold_m[scored], np.stack([sets.chosen_m[scored], sets.rejected_m[scored]])
    sd_by_spread = {JOINT: np.empty((1, len(scored))), MARGINAL: np.empty((1, len(scored)))}
    for s in np.flatnonzero(sets.fits["annotations"] == annotations):
        if (root_of := reward_root_of(model, int(s), embedding_rd, sets.train)) is None:
            return None
        inside = np.flatnonzero(fold_m == sets.fits["fold"].iloc[s])
        width = max(root_of(embedding_rd[:1]).shape[1], embedding_rd.shape[1])
        for rows in row_blocks(len(inside), 2 * width):
            root_nc = root_of(embedding_rd[side_2m[:, inside[rows]].ravel()])
            sds = measured.sd_of_pairs(root_nc, *np.arange(len(root_nc)).reshape(2, -1))
            for sd_am, sd_m in zip(sd_by_spread.values(), sds, strict=True):
                sd_am[0, inside[rows]] = sd_m
    return sd_by_spread


def uncertainty_curves(rows: pd.DataFrame, by: Sequence[str] = ("reward_model",)) -> pd.DataFrame:
    """Means over seeds of rows of this module: the columns of by, metric, spread, share, n, then those of a curve.

    rows: of fits that differ in `by` and their seed alone. A curve has mean, low, high, level, seeds, estimand, method
    and reason: Student's t over seeds, the test prompts being the same for all, from five seeds on. What a seed could
    not measure is missing from all, with that seed's reason.
    """
    found = []
    keys = [*by, "metric", "spread", "share", "n"]
    has = rows[rows["spread"].notna()]
    has = has if "n" in has else has.assign(n=np.nan)
    for values, here in has.groupby(keys, sort=False, dropna=False):
        value_s, missing = here["value"].to_numpy(), here["reason"].dropna()
        told = dict(zip(keys, values, strict=True)) | {"seeds": len(value_s), "estimand": NEW_SEEDS, "level": 0.95}
        if len(missing):
            interval = {"mean": np.nan, "low": np.nan, "high": np.nan, "method": "none", "reason": missing.iloc[0]}
        else:
            over = t_over_seeds(value_s, estimand=NEW_SEEDS)
            few = over.reason or (f"fewer than {FEWEST_SEEDS} seeds" if len(value_s) < FEWEST_SEEDS else None)
            low, high = (np.nan, np.nan) if few else (over.low, over.high)
            interval = {"mean": over.estimate, "low": low, "high": high, "method": over.method, "reason": few}
        found.append(told | interval)
    return pd.DataFrame(found)


def _row(metric: str, spread: str, value: float, units: int, **told: Any) -> dict[str, Any]:
    return {"metric": metric, "spread": spread, "value": value, "reason": None, "units": units} | told


def _rows_of_pairs(
    margin_m: np.ndarray,
    sd_by_spread: Mapping[str, np.ndarray],
    right_m: np.ndarray,
    chance_m: np.ndarray | None,
    weight_m: np.ndarray | None = None,
) -> Iterator[dict[str, Any]]:
    """What needs no gold reward. chance_m: of labels, to calibrate bounds by; None gives a reason."""
    units = len(margin_m)
    for spread, sd_m in sd_by_spread.items():
        errors = dict.fromkeys(("elce", "mlce", "lower_bound_error", "upper_bound_error"), np.nan)
        if chance_m is not None:
            mirrored = measured.bound_errors(margin_m, sd_m, chance_m, weight_m=weight_m)
            ordered = measured.bound_errors(margin_m, sd_m, chance_m, mirrored=False, weight_m=weight_m)
            errors = dict(zip(errors, (mirrored.lower, mirrored.lower_most, ordered.lower, ordered.upper), strict=True))
        for metric, value in errors.items():
            reason = None if chance_m is not None else NO_ANNOTATOR
            yield _row(metric, spread, value, units if reason is None else 0, reason=reason)
        shares = measured.confidence_shares(margin_m, sd_m, right_m, weight_m=weight_m)
        for metric, value in shares._asdict().items():
            yield _row(metric, spread, value, units)
    for spread, sd_m in {**sd_by_spread, NO_SPREAD: np.ones(units)}.items():
        curve = measured.risk_coverage(margin_m, sd_m, right_m, weight_m=weight_m)
        yield _row("risk_coverage_area", spread, curve.area, units)
        for share in KEPT:
            yield _row("accuracy_of_surest", spread, measured.accuracy_of_surest(curve, share), units, share=share)


def _rows_of_gold(
    score_pk: np.ndarray,
    gold_pk: np.ndarray,
    margin_m: np.ndarray,
    pairs: TestPairs,
    spreads: Mapping[str, Spread],
    ns: Sequence[int],
) -> Iterator[dict[str, Any]]:
    """Whether intervals hold aligned gold, all pairs' and the picks' of Best-of-n, how wide they are, what they tell.

    A pick's interval is of its reward less the mean of its prompt's responses; the pick of n = 1 is a random one.
    """
    away_pk = score_pk - score_pk.mean(axis=1, keepdims=True)
    unit, units, n_prompts = np.sqrt(np.mean(away_pk**2)), len(margin_m), len(score_pk)
    aligned = bool(np.isfinite(gold_pk).all())
    error_m = pairs.differences(gold_pk) - margin_m
    for spread, sd in spreads.items():
        wide = 2 * measured.half_width(NOMINAL[-1]) * float(sd.pair_m.mean())
        has_unit = unit > np.finfo(np.float32).eps * np.abs(score_pk).max()
        told = {"share": NOMINAL[-1], "reason": None if has_unit else ONE_REWARD}
        yield _row("interval_width", spread, wide / unit if has_unit else np.nan, units, **told)
        told = {"reason": None if aligned else NOT_ALIGNED}
        correlation = measured.error_sd_correlation(error_m, sd.pair_m) if aligned else np.nan
        constant = {"reason": CONSTANT} if aligned and np.isnan(correlation) else told
        yield _row("error_sd_correlation", spread, correlation, units, **constant)
        for share in NOMINAL:
            held = float(measured.holds(error_m, sd.pair_m, share).mean()) if aligned else np.nan
            yield _row("gold_coverage", spread, held, units, share=share, **told)
            held_pk = measured.holds(gold_pk - away_pk, sd.own_pk, share)
            for n, value in zip(ns, best_of_n(score_pk, held_pk, ns).mean(axis=0), strict=True):
                kept = float(value) if aligned else np.nan
                yield _row("gold_coverage_of_pick", spread, kept, n_prompts, share=share, n=float(n), **told)
