"""The figure of what labels were worth: the numbers of its table, and an arrow for each promise."""

import pandas as pd

from rmkit.figures.labelling import wrong_order_figure

BATCHES = pd.DataFrame(
    {
        "labels": [20, 40, 60],
        "wrong_now": [0.4, 0.3, 0.25],
        "after_labels": [40, 60, 80],
        "wrong_after": [0.33, 0.27, 0.24],
        "truth": [0.42, 0.31, 0.26],
    }
)


def test_each_line_is_a_column_and_each_promise_an_arrow():
    (ax,) = wrong_order_figure(BATCHES).axes
    drawn = {line.get_label(): line.get_ydata().tolist() for line in ax.lines}
    assert drawn == {
        "by the model's own account": BATCHES["wrong_now"].tolist(),
        "in truth": BATCHES["truth"].tolist(),
    }
    arrows = [(text.xyann, text.xy) for text in ax.texts if text.arrow_patch is not None]
    assert arrows == [((20, 0.4), (40, 0.33)), ((40, 0.3), (60, 0.27)), ((60, 0.25), (80, 0.24))]


def test_without_gold_there_is_no_truth_to_draw():
    (ax,) = wrong_order_figure(BATCHES.drop(columns="truth")).axes
    assert len(ax.lines) == 1
