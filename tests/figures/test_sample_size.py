"""What a budget buys and which pairs tell: the lines of the tables, and a mark where a pair informs most."""

import numpy as np
import pandas as pd

from rmkit.figures.sample_size import budget_and_gap_figure

VARIANCES = pd.DataFrame(
    {"unit": ["comparison"] * 2 + ["response"] * 2, "n_responses": [2, 3] * 2, "value": [1.0, 2, 4, 3]}
)
GAPS = pd.DataFrame({"flip": 0.1, "chance": [0.6, 0.8, 0.9], "value": [0.1, 0.4, 0.2], "random": 0.15})


def test_both_panels_are_their_tables():
    left, right = budget_and_gap_figure(VARIANCES, GAPS.assign(best=[False, True, False])).axes
    named = {line.get_label(): line.get_ydata().tolist() for line in left.lines}
    assert named == {"paid per comparison": [1, 2], "paid per response": [4, 3]}
    (line,) = [line for line in right.lines if line.get_label() == "10% of labels flipped"]
    np.testing.assert_allclose(line.get_ydata(), GAPS["value"])
    (mark,) = [line for line in right.lines if line.get_marker() == "o"]
    assert (float(mark.get_xdata()[0]), float(mark.get_ydata()[0])) == (0.8, 0.4)
    assert "80%" in [text.get_text() for text in right.texts]
