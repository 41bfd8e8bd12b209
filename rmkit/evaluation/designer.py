"""Which test set to pay for: designs of one budget, compared by how well they choose the best reward model.

The bank (scores of F reward models, gold or ratings, P prompts) is sub-sampled as each design would: choice_quality.
What is estimated is for new prompts and these reward models. The bank's prompts are drawn again, and an interval is the
estimate -+ z times the root mean square of how far these are from what the bank itself says: their spread, and by how
much a finite bank errs on one side. Half of the latter is taken off the estimate: all of it would add as much noise as
it takes away. docs/log/designer-coverage.md says what the intervals cover. Knows arrays: no text, no head. Sources:
arXiv 2410.05584, section 4 (designs); Efron & Tibshirani 1993, ch. 10 (bias by the bootstrap).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri

from rmkit.errors import DataError, listed, one_of
from rmkit.evaluation.choice_quality import (
    Moments,
    choice_quality,
    draw_moments,
    normal_draws,
    prompt_weights,
    spread_of_differences,
)
from rmkit.evaluation.design_question import CRITERIA, Question, Resampling
from rmkit.evaluation.population import Measure
from rmkit.evaluation.test_sets.annotation import NOISELESS, Annotation
from rmkit.evaluation.test_sets.design import Design
from rmkit.evaluation.test_sets.fixed_budget import prompts_for
from rmkit.evaluation.test_sets.judged import JudgedResponses
from rmkit.evaluation.test_sets.responses_a_prompt import ResponsesAPrompt
from rmkit.intervals.means import FEWEST_PROMPTS
from rmkit.measures.arrays import finite
from rmkit.measures.registry import AGAINST_GOLD, AgainstGold

if TYPE_CHECKING:
    import pandas as pd

SIZES = (2, 3, 5, 8, 16, 32, 64)  # responses to a prompt of `plain_designs`
POWER = 0.8
SAME = 1e-6  # in shares and units of gold: two designs that never differ by more choose alike
FURTHEST = 2  # times the bank's prompts; a bank says too little of a larger test set, and its interval covers less
MOST_NUMBERS = 2**27  # of the second moments, P F^2: a gigabyte
USUAL = ("accuracy", "spearman", "best_of_all")
USUAL_RESAMPLING = Resampling()


@dataclass(frozen=True, eq=False)
class Advice:
    """Designs of one budget compared.

    table: a row a design and measure, the best first: design, measure, n_responses, n_prompts, unit, cost; half_width
    of one model's measure and half_width_difference of two models' (medians), detectable (the difference that is seen
    with a chance of 0.8); right_choice, correlation (Kendall's tau with the policies, where there are more than two
    models) and selection_regret (in units of gold), each with _low and _high; reason, why these are missing.
    """

    table: "pd.DataFrame"
    best: str  # "design by measure" of the first row
    same: tuple[str, ...]  # those that choose as well as it in every resample, as two measures of one pair do
    alike: tuple[str, ...]  # further ones that cannot be told from it; none where the best one is known
    sentence: str


def plain_designs(n_responses: int, annotation: Annotation = NOISELESS) -> dict[str, Design]:
    """2, 3, 5, ... responses to a prompt, up to as many as the bank has."""
    return {f"{m} responses": ResponsesAPrompt(m, annotation=annotation) for m in SIZES if m <= n_responses}


def advise(
    judged: JudgedResponses,
    score_fvpk: np.ndarray,
    designs: Mapping[str, Design],
    question: Question,
    *,
    rng: np.random.Generator,
    measures: Mapping[str, Measure] | Sequence[str] = USUAL,
    resampling: Resampling = USUAL_RESAMPLING,
) -> Advice:
    """Compare designs that may spend the same budget, each in its annotation's unit, by the question's criterion.

    score_fvpk: (F, P, K), or (F, V, P, K) for V wordings, finite. Every design draws one row a prompt, of all prompts
    that it takes (its n_prompts None): how many are paid for follows from the budget. measures: names of AGAINST_GOLD,
    or measures by name; one that takes more responses than a design has is left out there. Takes 8 P F^2 bytes.
    DataError for a budget that pays for no prompt, for fewer than two reward models or 20 prompts, for policies that
    all earn the same, and for what designs refuse.
    """
    import pandas as pd

    score_fvpk, named = _checked(judged, score_fvpk, question.models), _named(measures)
    if not designs or not named:
        raise DataError("designs and measures: give at least one of each")
    weight_bp = prompt_weights(judged.n_prompts, resampling.resamples, rng)
    earned_bf = _earned(judged, score_fvpk, question, weight_bp)
    normal_sf, unsettled = normal_draws(len(score_fvpk), rng), _unsettled(earned_bf, question, resampling.level)
    rows: list[dict[str, object]] = []
    values: dict[str, dict[str, np.ndarray]] = {}
    for name, design in designs.items():
        n_responses = int(design.draw(judged, rng).response_qm.shape[1])
        n_prompts = prompts_for(question.budget, n_responses, design.annotation)
        possible = _possible(named, n_responses)
        drawn = draw_moments(design, judged, score_fvpk, possible, rng, resampling.n_draws)
        for measure, moments in drawn.items():
            what = {"design": name, "measure": measure, "n_responses": n_responses, "n_prompts": n_prompts}
            what |= {"unit": design.annotation.unit, "cost": n_prompts * design.annotation.cost(n_responses)}
            reason = _why_none(moments, n_prompts) or unsettled
            if moments.share_p.any():
                found = choice_quality(moments, earned_bf, weight_bp, n_prompts, normal_sf)
                values[f"{name} by {measure}"] = found
                what |= _widths(moments, n_prompts, resampling.level)
                what |= _intervals(found, resampling.level, reason, len(score_fvpk))
            rows.append(what | {"reason": reason})
    if not rows:
        raise DataError("measures: every one takes more responses to a prompt than any of the designs has")
    up = CRITERIA[question.criterion] == "lowest"
    table = pd.DataFrame(rows).sort_values(question.criterion, ascending=up, kind="stable", ignore_index=True)
    last = table["reason"].notna()  # those without an interval
    table = pd.concat([table[~last], table[last]], ignore_index=True)
    return _told(table, {key: found[question.criterion] for key, found in values.items()}, question, resampling.level)


def cost_for(table: "pd.DataFrame", half_width: float, *, of: str = "half_width") -> "pd.DataFrame":
    """What each row's design takes until its interval is so narrow: design, measure, unit, n_prompts, cost.

    of: half_width (of one model's measure), half_width_difference (of two models') or detectable; these are in the
    measure's own units, and fall with the root of the number of prompts.
    """
    one_of(of, ("half_width", "half_width_difference", "detectable"), "of", DataError)
    if not half_width > 0:
        raise DataError(f"half_width: {half_width}; it must be above 0")
    times = (table[of] / half_width) ** 2
    n_prompts = np.ceil(np.maximum(table["n_prompts"] * times, 1))
    cost = n_prompts * (table["cost"] / table["n_prompts"])
    return table[["design", "measure", "unit"]].assign(n_prompts=n_prompts, cost=cost)


def _checked(judged: JudgedResponses, score_fvpk: np.ndarray, models: tuple[int, int] | None) -> np.ndarray:
    """(F, V, P, K) float64 scores, of the asked models alone, or DataError."""
    score_fvpk = finite(score_fvpk, "score")
    score_fvpk = score_fvpk[:, None] if score_fvpk.ndim == 3 else score_fvpk
    wanted = (judged.n_wordings, *judged.gold_pk.shape)
    if score_fvpk.ndim != 4 or score_fvpk.shape[2:] != wanted[1:] or score_fvpk.shape[1] not in (1, wanted[0]):
        raise DataError(f"scores: shape {score_fvpk.shape}; it must be (models, {', '.join(map(str, wanted))})")
    if len(score_fvpk) < 2 or judged.n_prompts < FEWEST_PROMPTS:
        raise DataError(
            f"a bank of {len(score_fvpk)} reward models on {judged.n_prompts} prompts: to choose takes two models, "
            f"and {FEWEST_PROMPTS} prompts to see how prompts vary"
        )
    if models is not None:
        if len(set(models)) != 2 or not all(0 <= model < len(score_fvpk) for model in models):
            raise DataError(f"models: {models}; give two different ones of 0 to {len(score_fvpk) - 1}")
        score_fvpk = score_fvpk[list(models)]
    if judged.n_prompts * len(score_fvpk) ** 2 > MOST_NUMBERS:
        raise DataError(
            f"{len(score_fvpk)} reward models on {judged.n_prompts} prompts: prompts times models squared may be "
            f"{MOST_NUMBERS:,} at most; take fewer models, or a sample of the prompts"
        )
    return score_fvpk


def _named(measures: Mapping[str, Measure] | Sequence[str]) -> Mapping[str, Measure]:
    if isinstance(measures, Mapping):
        return measures
    return {one_of(name, AGAINST_GOLD, "measures", DataError): AGAINST_GOLD[name] for name in measures}


def _possible(measures: Mapping[str, Measure], n_responses: int) -> dict[str, Measure]:
    """The measures that so many responses to a prompt suffice for."""
    return {
        name: measure
        for name, measure in measures.items()
        if not isinstance(measure, AgainstGold) or measure.fewest <= n_responses
    }


def _earned(judged: JudgedResponses, score_fvpk: np.ndarray, question: Question, weight_bp: np.ndarray) -> np.ndarray:
    """(B, F) what each model's policy earns on the prompts that policies answer, in the first wording."""
    policy_p = question.policy_prompts(judged.n_prompts)
    earned_fq = question.outcome.earned(score_fvpk[:, 0, policy_p], judged.gold_pk[policy_p])
    weight_bq = weight_bp[:, policy_p]
    if np.ptp(earned_fq.mean(axis=1)) == 0:
        raise DataError(
            f"the policies of all {len(earned_fq)} reward models earn the same at {question.outcome}: no choice"
        )
    return weight_bq @ earned_fq.T / np.maximum(weight_bq.sum(axis=1), 1e-300)[:, None]


def _unsettled(earned_bf: np.ndarray, question: Question, level: float) -> str | None:
    """Why the choice between two named models has no interval: the bank does not tell which policy is better."""
    gap_b = earned_bf[:, 0] - earned_bf[:, 1]
    if question.models is None or abs(gap_b[0]) > ndtri((1 + level) / 2) * gap_b[1:].std(ddof=1):
        return None
    return f"the bank cannot tell which of the two models has the better policy at {question.outcome}"


def _why_none(moments: Moments, n_prompts: int) -> str | None:
    """Why a test set of so many prompts has no interval, or None."""
    n_bank = int((moments.share_p > 0).sum())
    if n_bank < FEWEST_PROMPTS:
        return (
            f"{n_bank} prompts of the bank have a value, too few to see how prompts vary, which takes {FEWEST_PROMPTS}"
        )
    if n_prompts < FEWEST_PROMPTS:
        return f"the budget pays for {n_prompts} prompts, too few for the normal law, which takes {FEWEST_PROMPTS}"
    if n_prompts > FURTHEST * n_bank:
        return f"{n_prompts} prompts are more than {FURTHEST} times the {n_bank} of the bank: too far to see"
    return None


def _widths(moments: Moments, n_prompts: int, level: float) -> dict[str, float]:
    """Half the widths of intervals of a measure and of a difference, medians over models and over pairs of them."""
    even_1p = np.full((1, len(moments.share_p)), 1 / len(moments.share_p))
    (share,), _, covariance_1ff = moments.at(even_1p)
    error_1ff, quantile = covariance_1ff / (n_prompts * share), ndtri((1 + level) / 2)
    spread = float(np.median(spread_of_differences(error_1ff)))
    return {
        "half_width": quantile * float(np.median(np.sqrt(np.diagonal(error_1ff[0])))),
        "half_width_difference": quantile * spread,
        "detectable": (quantile + ndtri(POWER)) * spread,
    }


def _intervals(found: Mapping[str, np.ndarray], level: float, reason: str | None, n_models: int) -> dict[str, float]:
    """The columns of the criteria, and of the correlation where there are more than two models."""
    columns: dict[str, float] = {}
    for name, value_b in found.items():
        estimate, half = estimate_and_half(value_b, level)
        ends = np.array([estimate, estimate - half, estimate + half])
        ends = np.clip(ends, 0.0, 1.0 if name == "right_choice" else np.inf)
        ends[1:] = np.nan if reason else ends[1:]
        columns |= dict(zip((name, f"{name}_low", f"{name}_high"), map(float, ends), strict=True))
    for end in ("", "_low", "_high"):
        columns[f"correlation{end}"] = 2 * columns[f"right_choice{end}"] - 1 if n_models > 2 else np.nan
    return columns


def estimate_and_half(value_b: np.ndarray, level: float) -> tuple[float, float]:
    """The bank's value (the first) less half of its bias by the resamples, and half the width of its interval."""
    off_b = value_b[1:] - value_b[0]
    return float(value_b[0] - off_b.mean() / 2), float(ndtri((1 + level) / 2) * np.sqrt(np.mean(off_b**2)))


def _told(table: "pd.DataFrame", value: Mapping[str, np.ndarray], question: Question, level: float) -> Advice:
    """With the best design named, those that cannot be told from it, and the sentence that says so.

    Of k designs each is compared with the best one by the paired difference at 1 - (1 - level) / (k - 1): Bonferroni.
    """
    criterion, outcome = question.criterion, question.outcome
    cannot_tell = f"Cannot tell which design is best for {outcome}: "
    answered = table[table["reason"].isna()]
    if answered.empty:
        return Advice(table, "", (), (), f"{cannot_tell}{table['reason'].iloc[0]}.")
    best, *others = (answered["design"] + " by " + answered["measure"]).tolist()
    each = 1 - (1 - level) / max(1, len(others))
    same, alike = [], []
    for other in others:
        difference_b = value[other] - value[best]
        if np.abs(difference_b).max() <= SAME:
            same.append(other)
            continue
        difference, half = estimate_and_half(difference_b, each)
        if abs(difference) <= half:
            alike.append(other)
    row, name = table.iloc[0], criterion.replace("_", " ")
    has = f"{row[criterion]:.3g} ({row[f'{criterion}_low']:.3g} to {row[f'{criterion}_high']:.3g})"
    lead = f"{best} has the {CRITERIA[criterion]} {name}, {has}" + f", as has {listed(same, 3)}" * bool(same)
    said = f"For {outcome}, {lead}; it is better than the other {len(others) - len(same)} of the table."
    if alike:
        said = f"{cannot_tell}{lead}, and the bank cannot tell it from {listed(alike, 3)}."
    return Advice(table, best, tuple(same), tuple(alike), said)
