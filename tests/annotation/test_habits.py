"""Who makes up a crowd, and habits that cannot be."""

import numpy as np
import pytest

from rmkit.annotation.annotators import Annotator
from rmkit.annotation.habits import ALIKE, TIES, Habits, Member, check_crowd, crowd
from rmkit.errors import DataError


def test_a_crowd_is_made_of_those_who_are_there():
    assert crowd() == ALIKE
    assert [member.name for member in crowd(careless=0.2, dissenting=0.1)] == ["careful", "careless", "dissenting"]
    assert [member.name for member in crowd(careless=1.0)] == ["careless"]
    assert sum(member.share for member in crowd(careless=0.3, dissenting=0.7)) == pytest.approx(1)
    check_crowd(crowd(careless=0.1, dissenting=0.2))


@pytest.mark.parametrize(
    ("habit", "message"),
    [
        ({"flip": 1.2}, r"flip: 1.2; a chance lies between 0 and 1"),
        ({"lapse": -0.1}, r"lapse: -0.1; a chance lies between 0 and 1"),
        ({"flip": np.nan}, r"flip: nan; a chance lies between 0 and 1"),
        ({"tie_width": -1.0}, r"tie_width: -1.0; it must be 0 or more, and finite"),
        ({"drift": 0.0}, r"drift: 0.0; it must be above 0, and finite"),
        ({"length_bias": np.inf}, r"length_bias: inf; it must be a finite number"),
        ({"position_bias": np.nan}, r"position_bias: nan; it must be a finite number"),
        ({"ties": "skip"}, rf"ties: 'skip' is not one of {', '.join(TIES)}"),
    ],
)
def test_a_habit_amiss_is_one_line(habit, message):
    with pytest.raises(DataError, match=f"^{message}$"):
        Habits(**habit)


def test_a_crowd_amiss_is_one_line():
    with pytest.raises(DataError, match=r"^careless: 1.2; a share lies between 0 and 1$"):
        crowd(careless=1.2)
    with pytest.raises(DataError, match=r"^careless: 0.6, and dissenting: 0.5; shares together are at most 1$"):
        crowd(careless=0.6, dissenting=0.5)
    with pytest.raises(DataError, match=r"^careless_beta: 0.0; a sharpness is above 0$"):
        crowd(careless=0.1, careless_beta=0.0)
    with pytest.raises(DataError, match=r"^crowd: beta of a: -1.0; a sharpness is above 0$"):
        check_crowd((Member("a", beta=-1.0),))
    with pytest.raises(DataError, match=r"^crowd: names \['a', 'a'\]; each must come once$"):
        check_crowd((Member("a", 0.5), Member("a", 0.5)))


def test_further_flips_and_bias_come_on_top_of_what_there_is():
    habits = Habits(flip=0.1, length_bias=0.5)
    assert habits.further() == habits
    further = habits.further(flip=0.2, length_bias=-0.5)
    assert further.flip == pytest.approx(0.9 * 0.2 + 0.1 * 0.8)
    assert further.length_bias == 0
    with pytest.raises(DataError, match=r"flip: 1.5; a chance lies between 0 and 1"):
        habits.further(flip=1.5)


@pytest.mark.parametrize("beta", [1.0, np.inf])
def test_labels_turned_round_at_a_smaller_rate_are_among_those_of_a_larger_one(beta):
    gold_m2 = np.random.default_rng(0).normal(size=(4000, 2))
    told = [
        Annotator(beta).further(flip=flip).label(gold_m2, np.random.default_rng(1)) for flip in (0.0, 0.05, 0.10, 0.45)
    ]
    turned = [set(np.flatnonzero(label_m != told[0])) for label_m in told[1:]]
    assert turned[0] < turned[1]
    assert turned[1] < turned[2]
    if beta == np.inf:
        for found, flip in zip(turned, (0.05, 0.10, 0.45), strict=True):
            assert len(found) / 4000 == pytest.approx(flip, abs=4 * np.sqrt(flip * (1 - flip) / 4000))
