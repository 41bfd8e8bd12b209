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

from rmkit.annotation.crowd_noise import accuracy_ceiling, flip_rate
from rmkit.annotation.single_labels import HIGHEST_FLIP, Suspects, calibrated_slope, flip_bounds, suspect_labels
from rmkit.artifacts.evaluations import Evaluations
from rmkit.evaluation.choice import ACCURACY, Choice, gap, points
from rmkit.evaluation.contrasts import in_group, over_prompts, paired_differences
from rmkit.evaluation.curves import interval_of, interval_row, stacked
from rmkit.evaluation.extrapolated import FEWEST_COUNTS, gain, last_step
from rmkit.evaluation.held_out import MARGIN
from rmkit.findings import annotators, shortcuts
from rmkit.findings.annotators import ANNOTATOR, judgements_in
from rmkit.intervals.means import Interval, detectable

OVERCONFIDENCE = "overconfidence"
MOST_SUSPECTS, TO_JUDGE = 50, 50
MORE = 500  # labels, of which it is said what they would bring
LITTLE = 0.01  # of accuracy: what is surely less is not worth them


@dataclass(frozen=True)
class Decision:
    """Questions with their answers, in the order in which one asks them; and the labels to look at first."""

    answers: Mapping[str, str]
    suspects: pd.DataFrame | None = None  # likeliest wrong first: pair (position), probability of the other answer
    crowd: annotators.Crowd | None = None  # those who judged, where somebody is named and pairs were judged by several

    def about(self, line_m: np.ndarray) -> dict[str, Any]:
        """The same in JSON's types, suspects by the line in the file; line_m: (M,) of every pair."""
        rows = [] if self.suspects is None else self.suspects.itertuples(index=False)
        suspects = [{"line": int(line_m[pair]), "probability": round(float(p), 4)} for pair, p in rows]
        return {"answers": dict(self.answers), "suspects": suspects}


def decide(
    evaluations: Sequence[Evaluations],
    choice: Choice,
    *,
    held_out: pd.DataFrame | None = None,
    to_label: pd.DataFrame | None = None,
) -> Decision:
    """The answers from a cross-fitting's evaluations, one a seed; with held-out pairs, also those about pairs.

    held_out: of the chosen head at the most annotations, as evaluation/held_out.py has it. to_label: the pairs that
    active/to_judge.py picks, as its table has them.
    """
    repeated = None if held_out is None else repeated_labels(held_out)
    of_all = repeated if speaks_of_all(held_out) else None
    answers = {
        "Is it learnable?": _learnable(choice, repeated, of_all is not None),
        "Which head?": _head(evaluations, choice),
        "Would more labels help?": _more_labels(evaluations, choice, held_out),
        "Is it as sure as it should be?": _sure(evaluations, choice, held_out),
    }
    suspects = crowd = None
    if held_out is not None:
        answers["Are there shortcuts?"] = shortcuts.sentence_of(held_out)
        margin_m, ones_m = held_out[MARGIN].to_numpy(), np.ones(len(held_out))
        bounds = flip_bounds(margin_m, ones_m, prompt_m=held_out["prompt_id"].to_numpy(), repeated=of_all)
        answers["How noisy are the labels?"] = bounds.sentence
        if ANNOTATOR in held_out:
            crowd = annotators.crowd_of(held_out)
            answers["Do annotators agree?"] = annotators.sentence_of(crowd)
        known = of_all is not None and bounds.low <= bounds.high
        flip = (bounds.low, min(bounds.high, HIGHEST_FLIP)) if known else None
        found = suspect_labels(margin_m, ones_m, k=min(MOST_SUSPECTS, len(held_out)), flip=flip)
        counted = suspect_labels(margin_m, ones_m, flip=flip)
        answers["Which labels to look at first?"] = _look(found, counted)
        suspects = pd.DataFrame({"pair": held_out.index[found.position_k], "probability": found.other_k})
    if to_label is not None:
        answers["Which pairs to label next?"] = _next(to_label)
    answers["Which n of Best-of-n is safe?"] = (
        "Pairs cannot show it: that needs several responses to a prompt, and a judgement of those that are picked."
    )
    return Decision(answers, suspects, crowd)


def repeated_labels(held_out: pd.DataFrame) -> Interval | None:
    """The flip rate that pairs say which several people judged; None where no annotator is named or none was.

    Ties are left out, and what `judgements_in` leaves out.
    """
    found = judgements_in(held_out)
    if found is None or not (np.bincount(found[0].pair_j) > 1).any():
        return None
    return flip_rate(found[0], prompt_m=found[2])


def speaks_of_all(held_out: pd.DataFrame | None) -> bool:
    """Whether most pairs were judged more than once: else those that were may have been picked."""
    if held_out is None or ANNOTATOR not in held_out:
        return False
    judged = held_out.groupby(["first", "second"]).size()
    return bool((judged > 1).mean() > 0.5)


def _learnable(choice: Choice, repeated: Interval | None, of_all: bool) -> str:
    accuracy = choice.accuracies.set_index("reward_model")["mean"]
    said = f"{choice.name} orders {accuracy[choice.name]:.1%} of held-out pairs as they were labelled"
    row, ruler = choice.to_ruler, choice.ruler
    ceiling = _ceiling(repeated, of_all)
    if row is None:
        return f"{said}; there is no rule without labels to hold it against.{ceiling}"
    against = f"the best rule that knows no label, {ruler}, {accuracy[str(ruler)]:.1%}: {gap(row)}"
    if row["low"] > 0:
        return f"Yes. {said}, {against}.{ceiling}"
    if row["high"] < 0:
        return f"Not by these heads: {said}, {against}. Use the rule, or better features.{ceiling}"
    return f"Cannot tell. {said}, {against}{_seen(row)}. Label more pairs, or try better features.{ceiling}"


def _ceiling(repeated: Interval | None, of_all: bool) -> str:
    """What no model can exceed, where pairs were judged more than once; said of these alone, if they are the fewer."""
    if repeated is None or not np.isfinite(repeated.low):
        return ""
    most = accuracy_ceiling(repeated)
    most_of_them = f"{most.estimate:.1%} ({most.level:.0%} interval {most.low:.1%} to {most.high:.1%})"
    if of_all:
        return (
            f" Judgements of one pair by several people differ so often that no model can be right on more than "
            f"{most_of_them} of single labels."
        )
    return (
        f" On the {repeated.units:,} pairs that were judged more than once, no model can be right on more than "
        f"{most_of_them} of single labels; other pairs may be clearer."
    )


def _head(evaluations: Sequence[Evaluations], choice: Choice) -> str:
    heads = choice.accuracies[~choice.accuracies["is_ruler"]].set_index("reward_model")["mean"]
    kept = f"{choice.name}, the simplest that {choice.best} is not shown to beat"
    if choice.asked:
        kept = f"{choice.name}, as was asked; the most accurate is {choice.best}"
    elif choice.to_best is None:
        kept = f"{choice.name}, the most accurate"
    if len(heads) < 2:
        return f"{choice.name}; no other was asked for."
    worst = str(heads.idxmin())
    if worst == choice.best:
        return f"{kept}. All heads are equally accurate."
    row = _at(paired_differences(evaluations, choice.best, worst), choice.annotations)
    matters = "The choice matters" if row["low"] > 0 else "The choice is not shown to matter"
    return f"{kept}. {matters}: from the least accurate ({worst}) to the most ({choice.best}), {gap(row)}."


def _more_labels(evaluations: Sequence[Evaluations], choice: Choice, held_out: pd.DataFrame | None) -> str:
    """By the curve continued from all labels that there are; by its last step, where it has too few points."""
    fits = evaluations[0].fits
    counts = sorted(fits.loc[fits["reward_model"] == choice.name, "annotations"].dropna().unique())
    if len(counts) >= FEWEST_COUNTS:
        start = choice.annotations if held_out is None else max(choice.annotations, len(held_out))
        foretold = gain(evaluations, choice.name, start, start + MORE).gain
        row = pd.Series(interval_row(foretold, len(evaluations)))
        tested, failed = _tested(evaluations, choice.name)
        little = row["high"] < LITTLE
        verdict = ("A little" if little else "Likely") if row["low"] > 0 else "Hardly" if little else "Cannot tell"
        verdict = "Cannot tell" if failed else verdict
        said = f"{verdict}: {MORE} more than these {start:,} would bring {gap(row)} if the curve goes on as it went."
        return f"{said}{tested}"
    if len(counts) < 2:
        if fits["annotations"].nunique() > 1:
            return f"Cannot tell: {choice.name} was fitted on one number of labels, and a learning curve needs more."
        return "Cannot tell: there are too few pairs for a learning curve."
    groups = [{"reward_model": choice.name, "annotations": count} for count in (counts[-1], counts[-2])]
    row = pd.Series(interval_row(over_prompts(evaluations, ACCURACY, *groups), len(evaluations)))
    rose = f"from {counts[-2]:,.0f} to {counts[-1]:,.0f} annotations the accuracy changed by {gap(row)}"
    if row["low"] > 0:
        return f"Likely: {rose}."
    return f"Not shown: {rose}{_seen(row)}."


def _tested(evaluations: Sequence[Evaluations], name: str) -> tuple[str, bool]:
    """How the same rule does on the curve's last step, which it is not shown; and whether it fails there.

    It fails where the intervals of what was foretold and of what was seen have nothing in common.
    """
    found = last_step(evaluations, name)
    if found is None:
        return "", False
    foretold, seen = found
    failed = seen.high < foretold.gain.low or seen.low > foretold.gain.high
    rows = [pd.Series(interval_row(each, len(evaluations))) for each in (foretold.gain, seen)]
    said = (
        f" A test of that rule: from the labels up to {foretold.start:,} it foretells {gap(rows[0])} for the step to "
        f"{foretold.end:,}, where {gap(rows[1])} was seen."
    )
    return f"{said}{' So the curve did not go on as it went.' if failed else ''}", failed


def _next(to_label: pd.DataFrame) -> str:
    again = int(to_label["line"].notna().sum())
    new = len(to_label) - again
    said = []
    if not len(to_label):
        return "None: every pair of answers to one prompt was judged more than once."
    if new:
        said.append(f"{new} pairs of answers to one prompt that nobody has judged")
    if again:
        said.append(f"{again} that were judged once, for a second judgement, which also tells how noisy labels are")
    return (
        f"{' and '.join(said)}: those that tell a linear head most, given all labels so far, and that differ from each "
        "other (D-optimal). For prompts without labels, write answers to them first."
    )


def _sure(evaluations: Sequence[Evaluations], choice: Choice, held_out: pd.DataFrame | None) -> str:
    group = {"reward_model": choice.name, "annotations": choice.annotations}
    at = int(np.flatnonzero(in_group(evaluations[0].fits, group))[0])
    row = pd.Series(interval_row(interval_of(stacked(evaluations, OVERCONFIDENCE)[:, at]), len(evaluations)))
    state = "It claims more than it knows" if row["low"] > 0 else "It knows more than it claims"
    if not (row["low"] > 0 or row["high"] < 0):
        return f"Yes, as far as these pairs show: confidence minus accuracy is {gap(row)}{_seen(row)}."
    scaled = ""
    if held_out is not None:
        slope = calibrated_slope(held_out[MARGIN].to_numpy(), np.ones(len(held_out)))
        scaled = f"; its margins times {slope:.2g} fit better"
    return f"{state}: confidence minus accuracy is {gap(row)}{scaled}."


def _look(found: Suspects, counted: Suspects) -> str:
    if not len(counted.position_k):
        return "None stands out: the margins say too little about single labels."
    low, high = found.precision
    share = f"{low:.0%}" if f"{low:.0%}" == f"{high:.0%}" else f"{low:.0%} to {high:.0%}"
    named = f"of the {len(found.position_k)} that the margins contradict most, {share}"
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
