"""What a practitioner is told of the people who judged: how far they agree, and how sharp each of them is.

Words for annotation/crowd_agreement.py and annotator_sharpness.py. Knows held-out pairs; people are numbers, from 1 in
the order in which the file names them.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit

from rmkit.annotation.annotator_sharpness import annotator_sharpness
from rmkit.annotation.crowd_agreement import agreement_with_others, krippendorff_alpha, pairwise_agreement
from rmkit.annotation.judgements import Judgements
from rmkit.evaluation.held_out import MARGIN
from rmkit.findings.shortcuts import share
from rmkit.intervals.means import Interval

ANNOTATOR = "annotator"
MOST_PEOPLE = 1_000  # whose sharpness is estimated, those with the most judgements
FEWEST_JUDGED = 10  # judgements of pairs that others judged too, below which nobody is told of alone
RESAMPLES = 1_000
UNNAMED = "not named"


@dataclass(frozen=True)
class Crowd:
    """How far people agree, and a row for each who judged enough of what others judged.

    people: annotator (`1`, `2`, ... or `not named`), judgements, agrees (an Interval: the share in which most of the
    others gave the same answer), right, right_low, right_high (the share of their labels that are the true one, by the
    sharpness that judgements alone tell, shrunk towards the crowd's, and its 95% interval), head (the share in which
    the head orders alike, a tie of it half). Those with the fewest right first.
    """

    people: pd.DataFrame
    n_people: int
    pairs: int  # judged by two or more people
    pairwise: Interval
    alpha: Interval
    crowd: float  # the share that the mean annotator gets right


def judgements_in(held_out: pd.DataFrame) -> tuple[Judgements, pd.DataFrame, np.ndarray] | None:
    """The judgements of held-out pairs without ties, their rows there, and the prompt of each pair; None if none.

    None too where no annotator is named. Judgements without a name are taken for one person's, the last, but where
    they stand both ways: of those only the disagreements were kept, so they would make labels look noisier.
    """
    if ANNOTATOR not in held_out:
        return None
    tie = held_out.groupby(["first", "second", ANNOTATOR, "line"])["label"].transform("nunique") > 1  # its two halves
    unnamed = held_out[ANNOTATOR] < 0
    twice = unnamed & (held_out.groupby(["first", "second", ANNOTATOR])["label"].transform("size") > 1)
    table = held_out[~tie & ~twice]
    if not len(table):
        return None
    table = table.assign(**{ANNOTATOR: table[ANNOTATOR].where(table[ANNOTATOR] >= 0, held_out[ANNOTATOR].max() + 1)})
    by_pair = table.groupby(["first", "second"], sort=False)
    judged = Judgements(by_pair.ngroup().to_numpy(), table[ANNOTATOR].to_numpy(), table["label"].to_numpy())
    return judged, table, by_pair["prompt_id"].first().to_numpy()


def crowd_of(held_out: pd.DataFrame) -> Crowd | None:
    """What the judgements of held-out pairs say of those who gave them; None where no pair was judged by two people."""
    found = judgements_in(held_out)
    if found is None:
        return None
    judged, rows_j, prompt_m = found
    shared_m = np.bincount(np.unique(np.stack([judged.pair_j, judged.annotator_j]), axis=1)[0]) > 1
    if not shared_m.any():
        return None
    margin_j = rows_j[MARGIN].to_numpy()
    n, rng = RESAMPLES, np.random.default_rng(0)
    pairwise = pairwise_agreement(judged, rng=rng, prompt_m=prompt_m, n_resamples=n)
    alpha = krippendorff_alpha(judged, rng=rng, prompt_m=prompt_m, n_resamples=n, mirrored=True)
    unnamed = held_out[ANNOTATOR].max() + 1
    # people by how many shared judgements they have, numbered again, so that arrays are as long as needed
    shared_a = np.bincount(judged.annotator_j, weights=shared_m[judged.pair_j], minlength=judged.n_annotators)
    kept = np.sort(np.argsort(-shared_a, kind="stable")[:MOST_PEOPLE])
    place_a = np.full(judged.n_annotators, -1)
    place_a[kept] = np.arange(len(kept))
    own_j = place_a[judged.annotator_j] >= 0
    ours = Judgements(judged.pair_j[own_j], place_a[judged.annotator_j[own_j]], judged.label_j[own_j])
    sharp = annotator_sharpness(ours, rng=rng)
    agrees = agreement_with_others(ours, rng=rng, prompt_m=prompt_m, n_resamples=n)
    alike_j = (margin_j[own_j] > 0) + (margin_j[own_j] == 0) / 2
    n_ours = np.bincount(ours.annotator_j, minlength=len(kept))
    alike_a = np.bincount(ours.annotator_j, weights=alike_j, minlength=len(kept)) / np.maximum(n_ours, 1)
    rows = [
        {
            ANNOTATOR: UNNAMED if who == unnamed else str(who + 1),
            "judgements": int(n_ours[a]),
            "agrees": agrees[a],
            "right": float(sharp.accuracy_a[a]),
            "right_low": float(expit(sharp.low_a[a])),
            "right_high": float(expit(sharp.high_a[a])),
            "head": float(alike_a[a]),
        }
        for a, who in enumerate(kept)
        if shared_a[who] >= FEWEST_JUDGED
    ]
    people = pd.DataFrame(rows).sort_values("right", kind="stable") if rows else pd.DataFrame()
    n_people = len(np.unique(judged.annotator_j))
    return Crowd(people, n_people, int(shared_m.sum()), pairwise, alpha, float(expit(sharp.mean_c3[0, 0])))


def sentence_of(crowd: Crowd | None) -> str:
    """The answer to "Do annotators agree?", where somebody is named."""
    if crowd is None:
        return "Nobody can tell: no pair was judged by two people. Let two or three judge the same 50 pairs."
    alpha = f"Krippendorff's alpha is {_number(crowd.alpha)}, 0 being chance and 1 perfect"
    said = (
        f"Two of the {crowd.n_people} people gave the same answer in {share(crowd.pairwise)} of the cases where both "
        f"judged one of {crowd.pairs:,} pairs (ties left out); {alpha}."
    )
    if not len(crowd.people):
        return f"{said} Nobody judged {FEWEST_JUDGED} pairs that others judged too, so nobody is told of alone."
    below = crowd.people[crowd.people["right_high"] < crowd.crowd]
    worst = crowd.people.iloc[0]
    if len(below):
        between = f"{worst['right_low']:.0%} to {worst['right_high']:.0%}"
        least = f"annotator {worst[ANNOTATOR]}, in {worst['right']:.0%} ({between})"
        others = f"; so are {len(below) - 1} more" if len(below) > 1 else ""
        return (
            f"{said} Right less often than the mean annotator ({crowd.crowd:.0%}), by how far each agrees with the "
            f"others: {least}{others}. Look at a few of their labels."
        )
    return f"{said} Nobody is shown to be right less often than the mean annotator ({crowd.crowd:.0%})."


def _number(interval: Interval) -> str:
    if np.isnan(interval.estimate):
        return f"not defined ({interval.reason})"
    return f"{interval.estimate:.2f}" + (
        "" if np.isnan(interval.low) else f" ({interval.low:.2f} to {interval.high:.2f})"
    )
