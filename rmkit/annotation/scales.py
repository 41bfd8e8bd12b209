"""The scale that gold rewards are divided by before an annotator's sharpness acts on them: the conventions there are.

Papers and code differ in it, and the same beta then means another noise. Knows gold rewards only; a convention is
checked without an array. Sources: arXiv 2411.04991 (its released code divides by a fixed number of each gold model; the
embedding release that followed, by the standard deviation of all rewards).
"""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from rmkit.errors import DataError, one_of

if TYPE_CHECKING:
    import numpy as np

SCALES: Mapping[str, str] = {
    "none": "1: beta is in units of one over the gold reward",
    "fixed": "a number that is given, one for each gold model: PUBLISHED_SCALES, or one's own",
    "gold_sd": "the standard deviation of all gold rewards of the responses that pairs are made from",
    "gap_sd": "the standard deviation, about 0, of the differences in gold of the pairs that are labelled",
}
PUBLISHED_SCALES: Mapping[str, float] = {"harmless": 1.0, "helpful": 6.0}  # `fixed` in arXiv 2411.04991's code, by task


def check_scale(convention: str, fixed: float | None) -> None:
    """DataError unless the convention is one of SCALES, with a fixed number above 0 if it takes one."""
    one_of(convention, SCALES, "scale", DataError)
    if (convention == "fixed") != (fixed is not None):
        raise DataError(f"fixed_scale: {fixed} with scale {convention}; it goes with scale: fixed and no other")
    if fixed is not None and not 0 < fixed < math.inf:
        raise DataError(f"fixed_scale: {fixed}; what gold is divided by is above 0, and finite")


def scale_of(
    convention: str, gold_r: "np.ndarray", fixed: float | None = None, *, gold_m2: "np.ndarray | None" = None
) -> float:
    """The scale that a convention of SCALES gives for (R,) gold rewards; `fixed` for the convention of that name alone.

    gold_m2: (M, 2) gold of the pairs to be labelled, for gap_sd. DataError for another convention, for what does not
    belong to it or is missing, and for gold without spread.
    """
    import numpy as np

    from rmkit.annotation.label_quality import gaps

    check_scale(convention, fixed)
    if convention == "gap_sd" and gold_m2 is None:
        raise DataError("scale: gap_sd is of the pairs that are labelled, and their gold_m2 was not given")
    if convention in ("none", "fixed"):
        return 1.0 if fixed is None else float(fixed)
    spread = float(np.std(gold_r)) if gold_m2 is None or convention == "gold_sd" else about_zero(gaps(gold_m2))
    if not 0 < spread < math.inf:
        raise DataError(f"scale: the gold rewards have a standard deviation of {spread}; they must differ")
    return spread


def about_zero(gap_m: "np.ndarray") -> float:
    """The standard deviation about 0: which of a pair comes first says nothing, and must change nothing."""
    import numpy as np

    return float(np.sqrt(np.mean(np.square(gap_m))))
