"""What a practitioner is told of shortcuts: what labels lean on, what the head leans on, and where it is right.

Words for evaluation/shortcuts.py. Knows held-out pairs; no figure.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from rmkit.evaluation.choice import points
from rmkit.evaluation.held_out import MARGIN
from rmkit.evaluation.shortcuts import Lean, accuracy_by_length, leans
from rmkit.intervals.means import Interval

LENGTH, FORMAT, POSITION = "length", "format", "position"
FEWEST_PAIRS = 10  # a share of fewer says nothing: it is left out, and their number is said
TRAITS = {
    LENGTH: "the longer answer",
    FORMAT: "the answer with more Markdown",
    POSITION: "the answer that was shown first",
}
NOUNS = {LENGTH: "length", FORMAT: "Markdown", POSITION: "what was shown first"}


def leans_of(held_out: pd.DataFrame) -> list[Lean]:
    """The leans of labels and head on held-out pairs, as evaluation/held_out.py has them."""
    trait_of = {}
    for trait, what in ((LENGTH, "characters"), (FORMAT, "marks")):
        if f"{what}_chosen" in held_out:
            trait_of[trait] = (held_out[f"{what}_chosen"] - held_out[f"{what}_rejected"]).to_numpy()
    if "chosen_first" in held_out:
        trait_of[POSITION] = held_out["chosen_first"].map({1: 1, 0: -1, -1: 0}).to_numpy()
    return leans(trait_of, *_pairs(held_out), weight_m=weights_of(held_out), unseen=(POSITION,))


def shares_of(held_out: pd.DataFrame) -> dict[str, dict[str, Interval]]:
    """By trait in words with its pairs, the shares of the labels and, where it can see the trait, of the head.

    Only of traits in which ten pairs differ.
    """
    return {
        f"{TRAITS[lean.trait]}\n({lean.pairs:,} pairs)": {
            "labels": lean.labels,
            **({"head": lean.head} if lean.head is not None else {}),
        }
        for lean in leans_of(held_out)
        if lean.pairs >= FEWEST_PAIRS
    }


def by_length(held_out: pd.DataFrame, *, fewest: int = FEWEST_PAIRS) -> dict[str, tuple[int, Interval]]:
    """Pairs and accuracy of the head by which of the two answers is longer; of at least so many pairs."""
    chosen_m, rejected_m = (held_out[f"characters_{side}"].to_numpy() for side in ("chosen", "rejected"))
    found = accuracy_by_length(chosen_m, rejected_m, *_pairs(held_out), weight_m=weights_of(held_out))
    return {name: (n, accuracy) for name, (n, accuracy) in found.items() if n >= fewest}


def weights_of(held_out: pd.DataFrame) -> np.ndarray | None:
    """(M,) how much each pair counts; None: all alike."""
    return held_out["weight"].to_numpy() if "weight" in held_out else None


def sentence_of(held_out: pd.DataFrame) -> str:
    """The answer to "Are there shortcuts?"; of fewer than ten pairs, their number alone."""
    every = leans_of(held_out)
    found = [lean for lean in every if lean.pairs >= FEWEST_PAIRS]
    few = [f"more of {NOUNS[lean.trait]}: {lean.pairs}" for lean in every if lean.pairs < FEWEST_PAIRS]
    said = [*filter(None, (_of_labels(found), _of_head(found)))]
    if few:
        said.append(f"Too few pairs differ to say more ({', '.join(few)}; at least {FEWEST_PAIRS}).")
    accuracies = [
        f"{share(accuracy)} {where} ({n:,} pairs)" if n >= FEWEST_PAIRS else f"too few pairs {where} ({n})"
        for name, where in (
            ("longer preferred", "where the longer answer was preferred"),
            ("shorter preferred", "where the shorter one was"),
            ("about as long", "where both are about as long"),
        )
        for n, accuracy in [by_length(held_out, fewest=1).get(name, (0, None))]
        if accuracy is not None
    ]
    if accuracies:
        said.append(f"The head is right in {', '.join(accuracies)}.")
    said.append(_next(found))
    return " ".join(filter(None, said)) or "Cannot tell: no two answers differ in anything that is counted."


def _of_labels(found: Sequence[Lean]) -> str:
    leaning = [lean for lean in found if lean.labels_lean]
    rest = [lean for lean in found if not lean.labels_lean]
    said = []
    if leaning:
        said.append(f"Labels lean: {'; '.join(map(_preferred, leaning))}.")
    if rest:
        named = (f"{_preferred(lean)}{_seen(lean)}" for lean in rest)
        said.append(f"{'No other lean' if leaning else 'No lean'} of the labels is shown: {'; '.join(named)}.")
    return " ".join(said)


def _preferred(lean: Lean) -> str:
    return f"{TRAITS[lean.trait]} was preferred in {share(lean.labels)} of the {lean.pairs:,} pairs that differ"


def _of_head(found: Sequence[Lean]) -> str:
    seeing = [lean for lean in found if lean.head is not None]
    leaning = [lean for lean in seeing if lean.head_leans]
    if not seeing:
        return ""
    if not leaning:
        return "The head is not shown to follow any of it more often than the labels do."
    named = []
    for lean in leaning:
        assert lean.head is not None
        assert lean.excess is not None
        by = f"{points(lean.excess.estimate, '+')} points{_between(lean.excess, points)}"
        named.append(
            f"it prefers {TRAITS[lean.trait]} in {share(lean.head)} of {lean.pairs:,} pairs, {by} beside the labels"
        )
    return f"The head leans further than the labels: {'; '.join(named)}. New texts may be written to that."


def _next(found: Sequence[Lean]) -> str:
    """What to do about leans that are shown."""
    labels = [lean.trait for lean in found if lean.labels_lean]
    head = [lean.trait for lean in found if lean.head_leans]
    said = []
    if labels == [POSITION]:
        said.append("show answers in random order, and judge some pairs again the other way round")
    elif labels:
        said.append(f"ask whether you want that; if not, label pairs that are alike in {_listed(labels)}")
        if POSITION in labels:
            said.append("show answers in random order")
    if head:
        said.append(
            f"compare heads on pairs that are alike in {_listed(head)}, and where a policy is trained on this one, "
            f"watch {_listed(head)} or subtract a penalty for it"
        )
    return f"Next: {'; '.join(said)}." if said else ""


def _listed(traits: Sequence[str]) -> str:
    return " and ".join(NOUNS[trait] for trait in traits if trait != POSITION)


def _pairs(held_out: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """(M,) margins and (M,) prompts."""
    return held_out[MARGIN].to_numpy(), held_out["prompt_id"].to_numpy()


def share(interval: Interval) -> str:
    """`58.2% (54.0% to 62.1%)`, or without the interval where there is none."""
    return f"{interval.estimate:.1%}{_between(interval, lambda value: f'{value:.1%}')}"


def _between(interval: Interval, shown: Callable[[float], str]) -> str:
    if np.isnan(interval.low):
        return ""
    return f" ({shown(interval.low)} to {shown(interval.high)})"


def _seen(lean: Lean) -> str:
    return f", where {points(lean.seen)} points from 50% could have been seen" if np.isfinite(lean.seen) else ""
