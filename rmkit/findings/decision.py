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
from rmkit.annotation.single_labels import HIGHEST_FLIP, Suspects, flip_bounds, suspect_labels
from rmkit.artifacts.evaluations import Evaluations
from rmkit.evaluation.choice import ACCURACY, CHANCE, Choice, gap, points, side
from rmkit.evaluation.contrasts import over_prompts, paired_differences
from rmkit.evaluation.curves import interval_row
from rmkit.evaluation.extrapolated import FEWEST_COUNTS, gain, last_step
from rmkit.evaluation.held_out import MARGIN
from rmkit.findings import annotators, shortcuts
from rmkit.findings.annotators import ANNOTATOR, judgements_in
from rmkit.findings.sureness import sentence_of as sure
from rmkit.intervals.means import Interval, detectable

MOST_SUSPECTS, TO_JUDGE = 50, 50
MORE = 500  # labels, of which it is said what they would bring
LITTLE = 0.01  # of accuracy: what is surely less is not worth them
COVERAGE = "docs/log/extrapolation-coverage.md"


@dataclass(frozen=True)
class Decision:
    """Questions with their answers, in the order in which one asks them; and the labels to look at first."""

    answers: Mapping[str, str]
    suspects: pd.DataFrame | None = None  # likeliest wrong first: pair (position), probability of the other answer
    crowd: annotators.Crowd | None = None  # those who judged, where somebody is named and pairs were judged by several

    def about(self, line_m: np.ndarray) -> dict[str, Any]:
        """The same in JSON's types, suspects by line in the file and position; line_m: (M,) of every pair."""
        rows = [] if self.suspects is None else self.suspects.itertuples(index=False)
        suspects = [
            {"line": int(line_m[pair]), "pair": int(pair), "probability": round(float(p), 4)} for pair, p in rows
        ]
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
        "Is it learnable?": _learnable(choice, held_out, repeated, of_all is not None),
        "Which head?": _head(evaluations, choice),
        "Would more labels help?": _more_labels(evaluations, choice, held_out),
        "Is it as sure as it should be?": sure(evaluations, choice, held_out),
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
        against = int((margin_m < 0).sum())  # no other label is listed: the margin agrees with it
        found = suspect_labels(margin_m, ones_m, k=min(MOST_SUSPECTS, against), flip=flip)
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
    return _judged_twice(held_out) > 0.5 * held_out.groupby(["first", "second"]).ngroups


def _judged_twice(held_out: pd.DataFrame) -> int:
    return int((held_out.groupby(["first", "second"]).size() > 1).sum())


def _learnable(choice: Choice, held_out: pd.DataFrame | None, repeated: Interval | None, of_all: bool) -> str:
    accuracy = choice.accuracies.set_index("reward_model")["mean"]
    pairs = "held-out pairs" if held_out is None else f"{len(held_out):,} held-out pairs"
    said = f"{choice.name} orders {accuracy[choice.name]:.1%} of {pairs} as they were labelled"
    row, ceiling = choice.to_ruler, _ceiling(held_out, repeated, of_all)
    rule = f"the best rule that knows no label, {choice.ruler}, {choice.ruler_accuracy:.1%}"
    if choice.ruler == CHANCE:
        rule = f"chance {choice.ruler_accuracy:.1%}"
    if choice.same_as_ruler:
        return (
            f"Not beyond a rule: {said}, and it is right exactly where the rule is that prefers {choice.ruler} (on "
            "every prompt equally often), so it seems to have learned that rule. More labels of this kind change "
            f"little: use the rule, or features that show more than it.{ceiling}"
        )
    against = f"{rule}: {gap(row)}"
    if side(row) > 0:
        return f"Yes. {said}, {against}.{ceiling}"
    if side(row) < 0:
        use = "Use better features" if choice.ruler == CHANCE else "Use the rule, or better features"
        return f"Not by these heads: {said}, {against}. {use}.{ceiling}"
    more = _needed(row)
    return f"Cannot tell. {said}, {against}{_seen(row)}.{more} Label more pairs, or try better features.{ceiling}"


def _ceiling(held_out: pd.DataFrame | None, repeated: Interval | None, of_all: bool) -> str:
    """What no model can exceed, where pairs were judged more than once; said of these alone, if they are the fewer."""
    if held_out is None or repeated is None or not np.isfinite(repeated.low):
        return ""
    twice, most = f"{_judged_twice(held_out):,} pairs", accuracy_ceiling(repeated)
    most_of_them = f"{most.estimate:.1%} ({most.level:.0%} interval {most.low:.1%} to {most.high:.1%})"
    if of_all:
        return (
            f" Judgements of one pair by several people differ so often that no model can be right on more than "
            f"{most_of_them} of single labels ({twice} were judged more than once)."
        )
    return (
        f" On the {twice} that were judged more than once, no model can be right on more than "
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
    matters = "The choice matters" if side(row) > 0 else "The choice is not shown to matter"
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
    return f"Not shown: {rose}{_seen(row)}.{_needed(row)}"


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
        f"{foretold.end:,}, where {gap(rows[1])} was seen; with a few hundred pairs such an interval can be too short "
        f"({COVERAGE})."
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


def _look(found: Suspects, counted: Suspects) -> str:
    listed = len(found.position_k)
    if not listed:
        return "No label is listed: no held-out margin stands against its label."
    if not len(counted.position_k):
        return (
            "None stands out: the margins say too little about single labels. What is listed all the same "
            f"({listed}, at most {MOST_SUSPECTS}) are those that the margins contradict most; most of them may well be "
            "right."
        )
    low, high = found.precision
    share = f"{low:.0%}" if f"{low:.0%}" == f"{high:.0%}" else f"{low:.0%} to {high:.0%}"
    named = f"of the {listed} that the margins contradict most, {share}"
    open_still = "; the list cannot say more, because single labels do not tell wrong ones from a weak head"
    return (
        f"About {len(counted.position_k)} labels stand against their margins; {named} are expected to be wrong, by how "
        f"noisy the labels are ({found.flip[0]:.0%} to {found.flip[1]:.0%} flipped)"
        f"{open_still if not found.flip[0] else ''}."
    )


def _at(table: pd.DataFrame, annotations: float) -> pd.Series:
    return table[(table["metric"] == ACCURACY) & (table["annotations"] == annotations)].iloc[0]


def _seen(row: pd.Series) -> str:
    """What could have been seen, where there is an interval."""
    if pd.isna(row["low"]):
        return ""
    return f"; {points(detectable(row['high'] - row['low'], level=row['level']))} points could have been seen"


def _needed(row: pd.Series) -> str:
    """About how many prompts would show the difference, or one of a point where it is smaller; nothing without one."""
    if pd.isna(row["low"]) or not row["high"] > row["low"]:
        return ""
    wanted = max(abs(float(row["mean"])), LITTLE)
    times = (detectable(row["high"] - row["low"], level=row["level"]) / wanted) ** 2
    about = float(f"{times * row['prompts']:.2g}")
    return f" About {about:,.0f} prompts would show a difference of {points(wanted)} points."
