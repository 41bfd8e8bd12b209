"""Whether a head is as sure as it should be: two numbers, and a sentence that agrees with both.

Confidence minus accuracy is a mean over pairs. The slope is by what margins have to be multiplied so that labels are
likeliest: below 1, margins claim too much, above 1 too little. The first is shown to differ from 0 by its interval, the
second from 1 by a likelihood ratio that counts each prompt once. They can disagree, as where small margins claim too
little and large ones too much; then both are said. Knows evaluations and held-out margins; no figure.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import chi2

from rmkit.annotation.single_labels import calibrated_slope
from rmkit.artifacts.evaluations import Evaluations
from rmkit.evaluation.choice import Choice, gap, points, side
from rmkit.evaluation.contrasts import in_group
from rmkit.evaluation.curves import interval_of, interval_row, stacked
from rmkit.evaluation.held_out import MARGIN
from rmkit.intervals.means import detectable
from rmkit.measures.margins import pair_log_loss

OVERCONFIDENCE = "overconfidence"
LEVEL = 0.95
FEWEST = 20  # prompts: of fewer, no slope is spoken of
SHOWN = (0.01, 100.0)  # slopes that are told as numbers


def sentence_of(evaluations: Sequence[Evaluations], choice: Choice, held_out: pd.DataFrame | None) -> str:
    """The answer to "Is it as sure as it should be?"; without held-out pairs, of confidence minus accuracy alone."""
    group = {"reward_model": choice.name, "annotations": choice.annotations}
    at = int(np.flatnonzero(in_group(evaluations[0].fits, group))[0])
    row = pd.Series(interval_row(interval_of(stacked(evaluations, OVERCONFIDENCE)[:, at]), len(evaluations)))
    mean, said = side(row), f"confidence minus accuracy is {gap(row)}"
    state = {
        1: "It claims more than it knows",
        -1: "It knows more than it claims",
        0: "Yes, as far as these pairs show",
    }
    seen = ""
    if mean == 0 and not pd.isna(row["low"]):
        width = detectable(row["high"] - row["low"], level=row["level"])
        seen = f"; {points(width)} points could have been seen"
    if held_out is None:
        return f"{state[mean]}: {said}{seen}."
    margin_m = held_out[MARGIN].to_numpy(dtype=np.float64)
    n_prompts = int(held_out["prompt_id"].nunique())
    if n_prompts < FEWEST:
        return f"{state[mean]}: {said}{seen}. {n_prompts} prompts are too few to say how its margins should be scaled."
    slope = calibrated_slope(margin_m, np.ones(len(margin_m)))
    if slope == 0:
        return f"No: no multiple of its margins fits the labels better than a coin does; {said}{seen}."
    off = slope_side(margin_m, slope, n_prompts)
    if off == 0:
        return f"{state[mean]}: {said}{seen}; by how well they fit, its margins are not shown to be out of scale."
    fits = f"its margins times {scale(slope)} fit the labels better"
    if off == -mean:
        claim = "claims more than it knows" if mean > 0 else "knows more than it claims"
        much = "too little" if off < 0 else "too much"
        return (
            f"No, and two measures disagree. On average it {claim}: {said}. But {fits}, as if it claimed {much}: it "
            "errs in one direction on sure pairs and in the other on unsure ones, as the figure shows."
        )
    if mean == 0:
        much = "too little" if off < 0 else "too much"
        return f"On average yes, pair by pair no: {said}{seen}, but {fits}: its surest pairs claim {much}."
    return f"{state[mean]}: {said}; {fits}."


def slope_side(margin_m: np.ndarray, slope: float, n_prompts: int) -> int:
    """1 where margins are shown to claim too much (a slope below 1), -1 where too little, 0 where neither.

    margin_m: (M,) chosen minus rejected; slope: their likeliest. By a likelihood ratio at 95%, of the mean over pairs
    times the number of prompts: pairs of one prompt count as one.
    """
    gained = float(np.mean(pair_log_loss(margin_m) - pair_log_loss(slope * margin_m)))
    if 2 * n_prompts * gained <= chi2.ppf(LEVEL, 1):
        return 0
    return 1 if slope < 1 else -1


def scale(slope: float) -> str:
    """A slope to two digits, without an exponent."""
    low, high = SHOWN
    if slope < low:
        return f"less than {low:g}"
    return f"more than {high:g}" if slope > high else f"{float(f'{slope:.2g}'):g}"
