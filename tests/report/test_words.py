import numpy as np
import pytest

from rmkit.report.words import between, listed, percent, points, sentence, signed, verdict


def test_numbers_read_as_a_person_writes_them():
    assert percent(0.6287) == "62.9%"
    assert points(-0.0064) == "−0.6 points"
    assert signed(0.0004, 3) == "0.000"
    assert signed(-0.0004, 3) == "0.000"
    assert listed([100.0, 200.0, 1800.0]) == "100, 200 and 1,800"
    assert listed([100.0]) == "100"
    assert sentence("the shorter answer") == "The shorter answer"


@pytest.mark.parametrize(
    ("low", "high", "says"),
    [
        (0.01, 0.03, "better"),
        (-0.03, -0.01, "worse"),
        (-0.01, 0.03, "cannot tell, and a difference of about 2.0 points"),
    ],
)
def test_a_verdict_follows_from_its_interval_alone(low, high, says):
    assert verdict({"low": low, "high": high}).startswith(says)


def test_a_number_without_an_interval_shows_none():
    assert between({"low": np.nan, "high": np.nan}, percent) == ""
    assert between({"low": 0.1, "high": 0.2}, percent) == " (10.0% to 20.0%)"
    assert between({"low": -0.1, "high": 0.2}, points) == " (−10.0 to +20.0)"
