"""What to do with a file of preference pairs: questions of a practitioner, each answered from held-out pairs.

The answers are sentences with their intervals; what cannot be told says what could have been seen. Rules, fixed before
any data are seen: a difference counts where its 95% interval over prompts lies on one side of 0. Knows evaluations,
margins and labels' lines; no file, no page.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from rmkit.annotation.crowd_noise import flip_rate
from rmkit.annotation.judgements import Judgements
from rmkit.annotation.single_labels import HIGHEST_FLIP, Suspects, calibrated_slope, flip_bounds, suspect_labels
from rmkit.artifacts.comparisons import Comparisons
from rmkit.artifacts.evaluations import Evaluations
from rmkit.evaluation.choice import ACCURACY, Choice, gap, points
from rmkit.evaluation.contrasts import in_group, over_prompts, paired_differences
from rmkit.evaluation.curves import interval_of, interval_row, stacked
from rmkit.intervals.means import Interval, detectable

OVERCONFIDENCE = "overconfidence"
ANNOTATOR, MOST_SUSPECTS = "annotator", 50


@dataclass(frozen=True)
class Decision:
    """Questions with their answers, in the order in which one asks them; and the labels to look at first."""

    answers: Mapping[str, str]
    suspects: pd.DataFrame | None = None  # likeliest wrong first: pair (position), probability of the other answer

    def about(self, line_m: np.ndarray) -> dict[str, Any]:
        """The same in JSON's types, suspects by the line in the file; line_m: (M,) of every pair."""
        rows = [] if self.suspects is None else self.suspects.itertuples(index=False)
        suspects = [{"line": int(line_m[pair]), "probability": round(float(p), 4)} for pair, p in rows]
        return {"answers": dict(self.answers), "suspects": suspects}


def decide(
    evaluations: Sequence[Evaluations],
    choice: Choice,
    *,
    margins: pd.Series | None = None,
    prompt_m: np.ndarray | None = None,
    repeated: Interval | None = None,
) -> Decision:
    """The answers from a cross-fitting's evaluations, one a seed; with margins, those about the labels too.

    margins: of the chosen head at the most annotations, (M,) chosen minus rejected, held out, by the pair's position.
    prompt_m: (M,) the pairs' prompts. repeated: the flip rate of pairs that several people judged, as `repeated_labels`
    gives it.
    """
    answers = {
        "Is it learnable?": _learnable(choice),
        "Which head?": _head(evaluations, choice),
        "Would more labels help?": _more_labels(evaluations, choice),
        "Is it as sure as it should be?": _sure(evaluations, choice, margins),
    }
    suspects = None
    if margins is not None:
        margin_m, ones_m = margins.to_numpy(), np.ones(len(margins))
        bounds = flip_bounds(margin_m, ones_m, prompt_m=prompt_m, repeated=repeated)
        answers["How noisy are the labels?"] = bounds.sentence
        known = repeated is not None and bounds.low <= bounds.high
        flip = (bounds.low, min(bounds.high, HIGHEST_FLIP)) if known else None
        found = suspect_labels(margin_m, ones_m, k=min(MOST_SUSPECTS, len(margins)), flip=flip)
        counted = suspect_labels(margin_m, ones_m, flip=flip)
        answers["Which labels to look at first?"] = _look(found, counted)
        suspects = pd.DataFrame({"pair": margins.index[found.position_k], "probability": found.other_k})
    answers["Which n of Best-of-n is safe?"] = (
        "Pairs cannot show it: that needs several responses to a prompt, and a judgement of those that are picked."
    )
    return Decision(answers, suspects)


def repeated_labels(comparisons: Comparisons, prompt_id_r: np.ndarray) -> Interval | None:
    """The flip rate that pairs say which several people judged; None where no annotator is named or none was.

    prompt_id_r: (R,) the bank's. The two halves of a tie are left out.
    """
    table = comparisons.table
    if ANNOTATOR not in table:
        return None
    both_ways = table.groupby(["first", "second", ANNOTATOR, "line"])["label"].transform("nunique") > 1
    table = table[~both_ways & (table[ANNOTATOR] >= 0)]
    pair_j = table.groupby(["first", "second"], sort=False).ngroup().to_numpy()
    if not len(table) or not (np.bincount(pair_j) > 1).any():
        return None
    prompt_m = prompt_id_r[table.groupby(["first", "second"], sort=False)["first"].first().to_numpy()]
    judged = Judgements(pair_j, table[ANNOTATOR].to_numpy(), table["label"].to_numpy())
    return flip_rate(judged, prompt_m=prompt_m)


def _learnable(choice: Choice) -> str:
    accuracy = choice.accuracies.set_index("reward_model")["mean"]
    said = f"{choice.name} orders {accuracy[choice.name]:.1%} of held-out pairs as they were labelled"
    row, ruler = choice.to_ruler, choice.ruler
    if row is None:
        return f"{said}; there is no rule without labels to hold it against."
    against = f"the best rule that knows no label, {ruler}, {accuracy[str(ruler)]:.1%}: {gap(row)}"
    if row["low"] > 0:
        return f"Yes. {said}, {against}."
    if row["high"] < 0:
        return f"Not by these heads: {said}, {against}. Use the rule, or better features."
    return f"Cannot tell. {said}, {against}{_seen(row)}. Label more pairs, or try better features."


def _head(evaluations: Sequence[Evaluations], choice: Choice) -> str:
    heads = choice.accuracies[~choice.accuracies["is_ruler"]].set_index("reward_model")["mean"]
    kept = f"{choice.name}, the simplest that {choice.best} is not shown to beat"
    if choice.to_best is None:
        kept = f"{choice.name}, the most accurate"
    if len(heads) < 2:
        return f"{choice.name}; no other was asked for."
    worst = str(heads.idxmin())
    if worst == choice.best:
        return f"{kept}. All heads are equally accurate."
    row = _at(paired_differences(evaluations, choice.best, worst), choice.annotations)
    matters = "The choice matters" if row["low"] > 0 else "The choice is not shown to matter"
    return f"{kept}. {matters}: from the least accurate ({worst}) to the most ({choice.best}), {gap(row)}."


def _more_labels(evaluations: Sequence[Evaluations], choice: Choice) -> str:
    fits = evaluations[0].fits
    counts = sorted(fits.loc[fits["reward_model"] == choice.name, "annotations"].dropna().unique())
    if len(counts) < 2:
        return "Cannot tell: there are too few pairs for a learning curve."
    groups = [{"reward_model": choice.name, "annotations": count} for count in (counts[-1], counts[-2])]
    row = pd.Series(interval_row(over_prompts(evaluations, ACCURACY, *groups), len(evaluations)))
    rose = f"from {counts[-2]:,.0f} to {counts[-1]:,.0f} annotations the accuracy changed by {gap(row)}"
    if row["low"] > 0:
        return f"Likely: {rose}."
    return f"Not shown: {rose}{_seen(row)}."


def _sure(evaluations: Sequence[Evaluations], choice: Choice, margins: pd.Series | None) -> str:
    group = {"reward_model": choice.name, "annotations": choice.annotations}
    at = int(np.flatnonzero(in_group(evaluations[0].fits, group))[0])
    row = pd.Series(interval_row(interval_of(stacked(evaluations, OVERCONFIDENCE)[:, at]), len(evaluations)))
    state = "It claims more than it knows" if row["low"] > 0 else "It knows more than it claims"
    if not (row["low"] > 0 or row["high"] < 0):
        return f"Yes, as far as these pairs show: confidence minus accuracy is {gap(row)}."
    scaled = ""
    if margins is not None:
        scaled = f"; its margins times {calibrated_slope(margins.to_numpy(), np.ones(len(margins))):.2g} fit better"
    return f"{state}: confidence minus accuracy is {gap(row)}{scaled}."


def _look(found: Suspects, counted: Suspects) -> str:
    if not len(counted.position_k):
        return "None stands out: the margins say too little about single labels."
    low, high = found.precision
    named = f"of the {len(found.position_k)} that the margins contradict most, {low:.0%} to {high:.0%}"
    return (
        f"About {len(counted.position_k)} labels stand against their margins; {named} are expected to be wrong, by how "
        f"noisy the labels are ({found.flip[0]:.0%} to {found.flip[1]:.0%} flipped)."
    )


def _at(table: pd.DataFrame, annotations: float) -> pd.Series:
    return table[(table["metric"] == ACCURACY) & (table["annotations"] == annotations)].iloc[0]


def _seen(row: pd.Series) -> str:
    """What could have been seen, where there is an interval."""
    if pd.isna(row["low"]):
        return ""
    return f"; {points(detectable(row['high'] - row['low'], level=row['level']))} points could have been seen"
