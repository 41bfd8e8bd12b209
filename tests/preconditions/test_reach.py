"""Which agreements `rmkit check` refuses: those that no sharpness reaches, and none that one does."""

import itertools

import numpy as np
import pytest

from rmkit.annotation.annotators import Annotator
from rmkit.annotation.habits import Habits, crowd
from rmkit.errors import ParamsError
from rmkit.preconditions.annotation import check_reach, highest_agreement

PAIRS_M2 = np.random.default_rng(0).normal(size=(200, 2)) * 3
LENGTH_M2 = np.random.default_rng(1).normal(size=(200, 2))
GRID = [
    *itertools.product(
        (0.0, 0.1, 0.5, 0.9),  # flip
        (0.0, 0.3),  # lapse
        (
            (0.0, 0.0),
            (0.4, 0.0),
            (0.0, 0.4),
            (0.3, 0.3),
            (0.3, 0.4),
            (0.0, 0.5),
            (0.0, 0.9),
            (1.0, 0.0),
        ),  # careless, dissenting
        ({}, {"position_bias": 2.0}, {"length_bias": 1.0}, {"tie_width": 1.0}, {"tie_width": 1.0, "ties": "drop"}),
    )
]


@pytest.mark.parametrize(("flip", "lapse", "shares", "others"), GRID)
def test_no_sharpness_goes_beyond_what_is_called_the_highest_agreement(flip, lapse, shares, others):
    habits = Habits(flip=flip, lapse=lapse, **others)
    highest = highest_agreement(habits, *shares)
    for careless_beta, beta in itertools.product((0.3, 100.0), (0.1, 1.0, 10.0, 1e6)):
        who = Annotator(beta, 1.0, habits, crowd(careless=shares[0], careless_beta=careless_beta, dissenting=shares[1]))
        assert who.expected_agreement(PAIRS_M2, LENGTH_M2) <= highest + 1e-9


@pytest.mark.parametrize(("flip", "lapse", "dissenting"), [(0.0, 0.0, 0.0), (0.1, 0.2, 0.0), (0.2, 0.0, 0.3)])
def test_the_highest_agreement_is_reached_where_nobody_is_careless(flip, lapse, dissenting):
    who = Annotator(1e9, 1.0, Habits(flip=flip, lapse=lapse), crowd(dissenting=dissenting))
    assert who.expected_agreement(PAIRS_M2) == pytest.approx(highest_agreement(who.habits, 0.0, dissenting))


def test_an_agreement_out_of_reach_is_refused_before_any_job_runs():
    asked = vars(Habits(flip=0.2)) | {"careless": 0.0, "dissenting": 0.0, "agreements": [0.6, 0.67]}
    check_reach(asked, "here")
    with pytest.raises(ParamsError, match=r"^here: agreements\[1\]: 0.7; with these flips.* less than 0.680 of pairs"):
        check_reach(asked | {"agreements": [0.6, 0.7]}, "here")
