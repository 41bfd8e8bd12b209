"""How a card writes measured numbers."""

import pytest

from rmkit.widgets.explorer.details import number_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-0.34159, "−0.3416"),
        (12345.6, "1.235e+04"),
        (1.0, "1.000"),
        (0.0, "0.000"),
        (-6.963e-19, "0.000"),
        (3e-7, "3.000e−07"),
    ],
)
def test_a_measured_number_has_four_digits_and_a_true_minus_and_rounding_is_no_number(value, text):
    assert number_text(value) == text
