"""Worlds of equal accuracy: each shape is a line of its table in both panels, and the closed form is where it is said."""

import itertools

import numpy as np
import pandas as pd
import pytest

from rmkit.errors import ResultError
from rmkit.figures.goodhart import equal_accuracy_figure
from rmkit.worlds.goodhart.error_shapes import SHAPES

ROWS = pd.DataFrame(
    [
        {
            "shape": shape,
            "axis": axis,
            "at": float(at),
            "value": 0.1 * i + 0.01 * at,
            "low": 0.0,
            "high": 1.0,
            "worlds": 8,
        }
        for i, shape in enumerate(SHAPES)
        for axis, at in itertools.product(("n", "nats"), (4, 2))
    ]
)


def test_each_shape_is_a_line_in_both_panels_along_its_axis():
    figure = equal_accuracy_figure(ROWS, gaussian=0.293, accuracy=0.75)
    for ax, axis in zip(figure.axes, ("n", "nats"), strict=True):
        drawn = [line for line in ax.lines if len(line.get_xdata()) == 2 and list(line.get_xdata()) == [2.0, 4.0]]
        assert len(drawn) == len(SHAPES)
        for line, (_, rows) in zip(drawn, ROWS[ROWS["axis"] == axis].groupby("shape", sort=False), strict=True):
            np.testing.assert_allclose(line.get_ydata(), rows.sort_values("at")["value"])
        assert any(set(line.get_ydata()) == {0.293} for line in ax.lines)
    assert "0.75" in figure.get_suptitle()
    assert "8 worlds" in figure.get_suptitle()


def test_a_table_without_its_columns_is_one_sentence():
    with pytest.raises(ResultError, match="rows: lack low, worlds"):
        equal_accuracy_figure(ROWS.drop(columns=["low", "worlds"]), gaussian=0.3, accuracy=0.75)
