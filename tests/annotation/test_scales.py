"""Conventions for the unit of gold, by hand, and refusals."""

import numpy as np
import pytest

from rmkit.annotation.scales import PUBLISHED_SCALES, SCALES, scale_of
from rmkit.errors import DataError


def test_scales_have_names():
    gold_r = np.array([0.0, 2.0, 4.0])
    assert scale_of("none", gold_r) == 1
    assert scale_of("fixed", gold_r, 6.0) == 6
    assert scale_of("gold_sd", gold_r) == pytest.approx(gold_r.std())
    gold_m2 = np.array([[0.0, 3.0], [4.0, 0.0]])
    assert scale_of("gap_sd", gold_r, gold_m2=gold_m2) == pytest.approx(np.sqrt((9 + 16) / 2))
    assert scale_of("gap_sd", gold_r, gold_m2=gold_m2[:, ::-1]) == scale_of("gap_sd", gold_r, gold_m2=gold_m2)
    assert scale_of("gold_sd", gold_r, gold_m2=gold_m2) == pytest.approx(gold_r.std())
    assert set(SCALES) == {"none", "fixed", "gold_sd", "gap_sd"}
    assert PUBLISHED_SCALES == {"harmless": 1.0, "helpful": 6.0}
    with pytest.raises(DataError, match=r"^scale: gap_sd is of the pairs that are labelled, and their gold_m2"):
        scale_of("gap_sd", gold_r)
    with pytest.raises(DataError, match=r"^scale: the gold rewards have a standard deviation of 0.0"):
        scale_of("gap_sd", gold_r, gold_m2=np.ones((3, 2)))
    for convention, fixed in (("none", 2.0), ("fixed", None), ("gold_sd", 1.0)):
        with pytest.raises(
            DataError, match=f"^fixed_scale: {fixed} with scale {convention}; it goes with scale: fixed and no other$"
        ):
            scale_of(convention, gold_r, fixed)
    with pytest.raises(DataError, match=r"^fixed_scale: 0.0; what gold is divided by is above 0"):
        scale_of("fixed", gold_r, 0.0)
    with pytest.raises(DataError, match=r"^scale: 'std' is not one of none, fixed, gold_sd, gap_sd$"):
        scale_of("std", gold_r)
    with pytest.raises(
        DataError, match=r"^scale: the gold rewards have a standard deviation of 0.0; they must differ$"
    ):
        scale_of("gold_sd", np.ones(3))
