"""Times and sizes as people write them, with their units."""

import pytest

from rmkit.errors import ParamsError
from rmkit.machine import quantities


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("30m", 1800), ("1.5h", 5400), ("2 H", 7200)])
def test_times_are_read_with_their_units(text, seconds):
    assert quantities.seconds(text, "--time-limit") == seconds


@pytest.mark.parametrize(("text", "size"), [("500MB", 5e8), ("4gb", 4e9), ("2GiB", 2**31)])
def test_sizes_are_read_with_their_units(text, size):
    assert quantities.size(text, "--memory-limit") == size


@pytest.mark.parametrize("text", ["30", "m", "-3m", "0s", "3 parsecs", ""])
def test_a_time_without_sense_says_what_would_be_right(text):
    with pytest.raises(ParamsError, match=r"--time-limit: .* is not a number above 0 with a unit .*, as 30m"):
        quantities.seconds(text, "--time-limit")
