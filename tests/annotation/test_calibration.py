"""The sharpness that gives an agreement that was asked for."""

import numpy as np
import pytest

from rmkit.annotation.annotators import Annotator
from rmkit.annotation.calibration import beta_for_agreement
from rmkit.annotation.habits import Habits
from rmkit.errors import DataError
from tests.annotation.odd_annotators import GOLD, LENGTH, ODD


@pytest.mark.parametrize("name", ["flip", "lapse", "ties, by a coin", "length bias", "careless", "dissenting"])
def test_one_can_ask_for_how_often_annotators_agree(name):
    who = Annotator(1.0, 0.7, **ODD[name])
    wanted = {"dissenting": 0.55, "lapse": 0.6}.get(name, 0.72)
    beta = beta_for_agreement(wanted, GOLD, who, LENGTH)
    found = Annotator(beta, 0.7, **ODD[name])
    assert found.expected_agreement(GOLD, LENGTH) == pytest.approx(wanted, abs=1e-8)
    label_m, other_m = (found.label(GOLD, np.random.default_rng(seed), LENGTH) for seed in (1, 2))
    assert abs((label_m == other_m).mean() - wanted) < 4 * np.sqrt(0.25 / len(GOLD))


def test_beta_is_in_units_of_the_scale():
    plain, scaled = (beta_for_agreement(0.72, GOLD, Annotator(1.0, scale)) for scale in (1.0, 5.0))
    assert scaled == pytest.approx(5 * plain, rel=1e-6)


@pytest.mark.parametrize("wanted", [0.4, 0.5, 1.0])
def test_an_agreement_out_of_reach_is_refused_with_what_can_be_had(wanted):
    with pytest.raises(DataError, match=rf"^agreement: {wanted} cannot be had .* between 0.500 \(pure noise\) and 0.9"):
        beta_for_agreement(wanted, np.concatenate([GOLD[:900], np.zeros((50, 2))]))
    with pytest.raises(DataError, match=r"^agreement: 0.9 cannot be had .* between 0.500 .* and 0.820"):
        beta_for_agreement(0.9, GOLD, Annotator(1.0, habits=Habits(flip=0.1)))
