"""Times as people say them."""

import pytest

from rmkit.study.monitoring.words import about, duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (1500, "25 min"), (3599, "1 h 0 min"),
     (7500, "2 h 5 min")],
)  # fmt: skip
def test_a_time_as_people_say_it(seconds, text):
    assert duration(seconds) == text


def test_an_estimate_is_no_finer_than_it_deserves():
    assert [about(seconds) for seconds in (3, 44, 200, 9000)] == [
        "a few seconds", "about 40 s", "about 3 min", "about 2.5 h",
    ]  # fmt: skip
