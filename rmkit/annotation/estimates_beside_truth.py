"""What judgements alone say of simulated annotators, beside what is known of them.

The estimators are those for real votes (crowd_agreement, crowd_noise, sharpness_on_margins); the truth is that of the
annotators who are asked. Knows gold rewards, positions of responses and annotators; no text.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from rmkit.annotation.annotators import Annotator
from rmkit.annotation.crowd_agreement import krippendorff_alpha
from rmkit.annotation.crowd_noise import accuracy_ceiling, flip_rate
from rmkit.annotation.judgements import Judgements
from rmkit.annotation.label_quality import value_of_pairs
from rmkit.annotation.labels import labelled
from rmkit.annotation.sharpness_on_margins import sharpness_on_margins
from rmkit.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

MOST_PAIRS = 300  # that are judged: more would cost time and tell little more


def beside_truth(
    pairs_m2: np.ndarray,
    gold_r: np.ndarray,
    annotators: Sequence[Annotator],
    rng: np.random.Generator,
    *,
    length_r: np.ndarray | None = None,
    n_annotators: int = 3,
) -> "pd.DataFrame":
    """A row for each annotator (index beta): what is known, and what several like it say of the first 300 pairs.

    pairs_m2: (M, 2) positions into (R,) gold. Columns: error and ceiling (known), agreement's alpha, flip, flip_low,
    flip_high, ceiling_low and ceiling_high (estimated as if noise were the same for all pairs), and beta_estimate,
    beta_low, beta_high: the mean sharpness on gold differences in units of the annotator's scale. Labels of coins
    count; a pair that all call equal and drop is not judged. NaN where nothing can be said. n_annotators: how many like
    each judge every pair, at least 1. DataError for that, no annotator, or pairs_m2 of another shape or no integers.
    """
    import pandas as pd

    pairs_m2 = np.asarray(pairs_m2)
    if pairs_m2.ndim != 2 or pairs_m2.shape[1] != 2 or pairs_m2.dtype.kind not in "iu":
        found = f"has shape {pairs_m2.shape} of {pairs_m2.dtype}"
        raise DataError(f"pairs_m2: {found}; it must be (M, 2) whole numbers, positions into gold_r")
    if not annotators:
        raise DataError("annotators: there are none; give at least one")
    if n_annotators < 1:
        raise DataError(f"n_annotators: {n_annotators}; give at least 1")
    asked_m2 = pairs_m2[:MOST_PAIRS]
    gold_m2 = value_of_pairs(gold_r, asked_m2, "gold_r")
    length_m2 = None if length_r is None else value_of_pairs(length_r, asked_m2, "length_r")
    tables = [labelled(asked_m2, gold_r, annotators, own, length_r=length_r) for own in rng.spawn(n_annotators)]
    place = {pair: m for m, pair in enumerate(map(tuple, asked_m2.tolist()))}
    rows = []
    for annotator in annotators:
        said = [table[table["beta"] == annotator.beta] for table in tables]
        pair_j = np.array([place[pair] for one in said for pair in zip(one["first"], one["second"], strict=True)])
        known = {
            "beta": annotator.beta,
            "error": annotator.expected_error(gold_m2, length_m2),
            "ceiling": annotator.accuracy_ceiling(gold_m2, length_m2),
        }
        rows.append(known | _estimated(pair_j, said, gold_m2, annotator.scale))
    return pd.DataFrame(rows).set_index("beta")


def _estimated(
    pair_j: np.ndarray, said: "Sequence[pd.DataFrame]", gold_m2: np.ndarray, scale: float
) -> dict[str, float]:
    judged, place_j = np.unique(pair_j, return_inverse=True)
    who_j = np.repeat(np.arange(len(said)), [len(one) for one in said])
    label_j = np.concatenate([one["label"].to_numpy() for one in said])
    if not len(judged) or (np.bincount(place_j) < 2).all():
        return {}
    judgements = Judgements(place_j, who_j, label_j)
    flip = flip_rate(judgements)
    most = accuracy_ceiling(flip)
    margin_m = (gold_m2[judged, 0] - gold_m2[judged, 1]) / scale
    found = {
        "alpha": krippendorff_alpha(judgements, rng=np.random.default_rng(0), n_resamples=1).estimate,
        **{"flip": flip.estimate, "flip_low": flip.low, "flip_high": flip.high},
        **{"ceiling_low": most.low, "ceiling_high": most.high},
    }
    if np.abs(margin_m).max() > 0:
        mean = sharpness_on_margins(judgements, margin_m).mean_c3[0]
        found |= dict(zip(("beta_estimate", "beta_low", "beta_high"), map(float, mean), strict=True))
    return found
