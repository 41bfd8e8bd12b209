"""Which of several heads to keep: the simplest that the best one is not shown to beat on held-out pairs.

The rule, fixed before any data are seen: heads stand in the order of the study, the simplest first; of those at the
most annotations the first is kept whose held-out accuracy is not below that of the most accurate head by a 95% interval
over prompts. Where nothing can be told apart, that is the first.

What has to be beaten is the most accurate rule that knows no label, and never less than chance: where no rule is right
on more than half of the pairs, it is one half itself. A draw of random rewards is lucky or not, so it is no rule, and
the table of accuracies has what it is on average. Knows evaluations; no head and no figure.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from rmkit.artifacts.evaluations import Evaluations
from rmkit.errors import ResultError, one_of
from rmkit.evaluation.contrasts import paired_differences
from rmkit.evaluation.curves import learning_curves, stacked
from rmkit.evaluation.rulers import LEARNS
from rmkit.intervals.means import FEWEST_PROMPTS, ROUNDING

ACCURACY, RANDOM, CHANCE = "accuracy", "random", "chance"
HALF = 0.5  # what chance is right on, exactly
EXACT = "exactly one half on average; a single draw is above or below"


@dataclass(frozen=True)
class Choice:
    """The head that is kept, how accurate each is, and by how much it differs from the best head and the best ruler."""

    name: str
    annotations: int  # with so many: the most
    accuracies: pd.DataFrame  # a row each head and ruler: reward_model, is_ruler, mean, low, high, prompts, reason
    best: str  # the most accurate head
    to_best: pd.Series | None  # best minus chosen: mean, low, high; None where it is the best
    ruler: str  # the most accurate baseline of those that know no label; chance, if none is right on more than half
    to_ruler: pd.Series  # chosen minus that ruler
    asked: bool = False  # whether it was named beforehand, and no rule chose it
    same_as_ruler: bool = False  # whether it is right exactly as often as the ruler on every prompt

    @property
    def ruler_accuracy(self) -> float:
        """The ruler's share of right orders."""
        if self.ruler == CHANCE:
            return HALF
        return float(self.accuracies.set_index("reward_model")["mean"][self.ruler])

    def sentences(self) -> Iterator[str]:
        """What is kept and why, and how far it is ahead of the best ruler."""
        accuracy = self.accuracies.set_index("reward_model")["mean"]
        why = "the most accurate head"
        if self.asked:
            ahead = "" if self.to_best is None else f"; {self.best}, the most accurate, differs by {gap(self.to_best)}"
            why = f"as was asked{ahead}"
        elif self.to_best is not None:
            why = f"the first head that {self.best}, the most accurate, is not shown to beat: {gap(self.to_best)}"
        share = f"{accuracy[self.name]:.1%} of held-out pairs with {self.annotations:,} annotations"
        yield f"kept: {self.name}, {share}; {why}"
        sign = side(self.to_ruler)
        said = "ahead of" if sign > 0 else "behind" if sign < 0 else "not shown to beat"
        ruler = f"{self.ruler} ({self.ruler_accuracy:.1%})"
        if self.same_as_ruler:
            yield f"on every prompt it is right exactly as often as the best baseline, {ruler}"
        else:
            yield f"it is {said} the best baseline, {ruler}: {gap(self.to_ruler)}"

    def about(self) -> dict[str, Any]:
        """The same in JSON's types: what a saved reward model carries along."""
        rows = self.accuracies.astype(object).where(self.accuracies.notna(), None).to_dict("records")
        return {"chosen": list(self.sentences()), "annotations": self.annotations, "held_out_accuracy": rows}


def choose_head(evaluations: Sequence[Evaluations], *, asked: str | None = None) -> Choice:
    """The choice by the rule above from a cross-fitting's evaluations, one a seed; or the head that is asked for.

    ResultError if they hold no head, or not that one at the most annotations.
    """
    curves = learning_curves(evaluations)
    accuracy = curves[curves["metric"] == ACCURACY]
    most = accuracy["annotations"].max()
    heads = accuracy[accuracy["annotations"] == most].set_index("reward_model")
    rulers = accuracy[accuracy["annotations"].isna()].set_index("reward_model")
    if heads.empty:
        raise ResultError("evaluations: hold no head that learned from annotations; there is nothing to choose from")
    best = str(heads["mean"].idxmax())
    name, to_best = best, None
    if asked is not None and one_of(asked, list(heads.index), "keep_head", ResultError) != best:
        name, to_best = asked, _difference(evaluations, best, asked, most)
    for other in heads.index if asked is None else ():
        if other == best:
            break
        behind = _difference(evaluations, best, other, most)
        if not behind["low"] > 0:  # also where there is no interval
            name, to_best = str(other), behind
            break
    rules = rulers["mean"].drop(index=[*LEARNS, RANDOM], errors="ignore")
    ruler = str(rules.idxmax()) if len(rules) and rules.max() > HALF else CHANCE
    columns = ["reward_model", "is_ruler", "mean", "low", "high", "prompts", "reason"]
    table = pd.concat([heads.assign(is_ruler=False), rulers.assign(is_ruler=True)]).reset_index()[columns]
    table.loc[table["reward_model"] == RANDOM, ["mean", "low", "high", "reason"]] = [HALF, np.nan, np.nan, EXACT]
    against = _above_chance(heads.loc[name]) if ruler == CHANCE else _difference(evaluations, name, ruler, most)
    same = ruler != CHANCE and _alike(evaluations, name, ruler, most)
    return Choice(name, int(most), table, best, to_best, ruler, against, asked is not None, same)


def _above_chance(accuracy: pd.Series) -> pd.Series:
    return accuracy.drop(["mean", "low", "high"]).combine_first(accuracy[["mean", "low", "high"]].astype(float) - HALF)


def _alike(evaluations: Sequence[Evaluations], head: str, ruler: str, annotations: float) -> bool:
    """Whether both are right equally often on every prompt, in every seed."""
    fits = evaluations[0].fits
    of_head = (fits["reward_model"] == head) & (fits["annotations"] == annotations)
    value_sfp = stacked(evaluations, ACCURACY)
    mine, rule = (value_sfp[:, np.flatnonzero(at)[0]] for at in (of_head, fits["reward_model"] == ruler))
    return np.array_equal(mine, rule)


def _difference(evaluations: Sequence[Evaluations], first: str, second: str, annotations: float) -> pd.Series:
    table = paired_differences(evaluations, first, second)
    return table[(table["metric"] == ACCURACY) & (table["annotations"] == annotations)].iloc[0]


def gap(row: pd.Series) -> str:
    """`+1.2 points (95% interval 0.2 to 1.4)`, or why there is no interval."""
    mean = f"{points(row['mean'], '+')} points"
    if pd.isna(row["low"]):
        return f"{mean} (no interval: {row['reason']})"
    return f"{mean} ({row['level']:.0%} interval {points(row['low'])} to {points(row['high'])})"


def side(row: pd.Series) -> int:
    """1 where a difference is shown to be above 0, -1 where below, 0 where neither.

    By its interval; where all prompts have one value, which a bootstrap sees no variation in, by that value, from 20
    prompts on.
    """
    if pd.isna(row["low"]):
        alike = row["prompts"] >= FEWEST_PROMPTS and "bootstrap sees no variation" in str(row["reason"])
        return int(np.sign(row["mean"])) if alike and abs(row["mean"]) > ROUNDING else 0
    return int(row["low"] > ROUNDING) - int(row["high"] < -ROUNDING)


def points(share: float, sign: str = "-") -> str:
    """A difference of shares in percentage points, with a true minus; sign: of those above 0, as `format` has it."""
    return f"{round(100 * share, 1) + 0.0:{sign}.1f}".replace("-", "\N{MINUS SIGN}")
