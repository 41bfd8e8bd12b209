import numpy as np

from rmkit.report.wording import between, join, number, percent, points, sentence, signed, standing
from rmkit.study.monitoring.words import counted


def test_numbers_read_as_a_person_writes_them():
    assert percent(0.6287) == "62.9%"
    assert points(-0.0064) == "−0.6 points"
    assert signed(0.0004, 3) == "0.000"
    assert signed(-0.0004, 3) == "0.000"
    assert join(["100", "200", "1,800"]) == "100, 200 and 1,800"
    assert join(["100"]) == "100"
    assert [counted(count, "seed") for count in (1, 10)] == ["1 seed", "10 seeds"]
    assert sentence("the shorter answer") == "The shorter answer"


ROWS = [
    {"annotations": 100.0, "mean": -0.02, "low": -0.03, "high": -0.01, "level": 0.95},
    {"annotations": 1800.0, "mean": 0.01, "low": -0.01, "high": 0.03, "level": 0.95},
]


def test_where_one_stands_follows_from_the_intervals_alone():
    said = standing(ROWS, shown=points, higher_is_better=True)
    assert said == "behind with 100 (−2.0); not told apart with 1,800 (+1.0, −1.0 to +3.0; 2.9 could have been seen)"
    assert standing(ROWS[:1], shown=points, higher_is_better=False) == "ahead with 100 (−2.0)"


def test_a_number_without_an_interval_shows_none():
    assert between({"low": np.nan, "high": np.nan}, percent) == ""
    assert between({"low": 0.1, "high": 0.2}, percent) == " (10.0% to 20.0%)"
    assert between({"low": -0.1, "high": 0.2}, points) == " (−10.0 to +20.0)"


def test_a_share_rounds_alike_as_number_and_as_percent():
    for eighths in range(0, 4001):
        share = eighths / 4000  # 0.52725 and the like lie between two numbers
        assert number(share, 3) == f"{float(percent(share).rstrip('%')) / 100:.3f}"
    assert number(8e-17, 3) == "0.000"
    assert number(-8e-17, 3, sign=True) == "0.000"
