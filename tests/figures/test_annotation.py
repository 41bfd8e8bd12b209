"""Figures of annotation noise say what their rows say."""

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pandas as pd
import pytest

from rmkit.annotation.annotators import Annotator
from rmkit.annotation.labels import noise_rows
from rmkit.figures.annotation import error_figure, noise_figure
from tests.figures.drawn_lines import line


def test_marks_are_the_rows_and_normal_gaps_put_them_on_the_line():
    gold_m2 = np.random.default_rng(0).normal(size=(20_000, 2)) / np.sqrt(2)
    levels = [0.5, 1.0, 3.0, np.inf]
    rows = noise_rows([Annotator(beta) for beta in levels], gold_m2, *map(np.random.default_rng, (1, 2)))
    figure = error_figure(rows, gap_sd=1.0)
    (ax,) = figure.axes
    line, expected, realised = (np.stack(line.get_data()) for line in ax.get_lines())
    for marks, metric in ((expected, "expected_error"), (realised, "realised_error")):
        of_metric = rows[rows["metric"] == metric].set_index("beta")["value"]
        np.testing.assert_array_equal(marks[0], levels[:3])
        np.testing.assert_array_equal(marks[1], of_metric[levels[:3]])
        np.testing.assert_allclose(marks[1], np.interp(marks[0], *line), atol=0.015)
    assert line[1][0] == pytest.approx(Annotator(0.25).error_at_normal_gaps(1.0))


def test_nobody_but_one_who_never_errs_leaves_the_line_alone():
    rows = pd.DataFrame({"beta": [np.inf], "metric": ["expected_error"], "value": [0.0]})
    (ax,) = error_figure(rows, gap_sd=1.0).axes
    assert [len(line.get_xdata()) for line in ax.get_lines()] == [81, 0, 0]


def choice_rows():
    rows = [
        {"choice": choice, "pool": pool, "beta": beta, "metric": "expected_error", "value": value + 0.1 * seed}
        for choice, pool in (("random", "within_prompt"), ("similar", "cross_prompt"))
        for beta, value in ((0.5, 0.4), (1.0, 0.3), (np.inf, 0.0))
        for seed in (0, 1)
    ]
    return pd.DataFrame(rows)


def test_errors_are_averaged_over_seeds_and_one_who_never_errs_is_left_out():
    left, right = noise_figure(choice_rows(), seeds=2).axes
    x, y = line(right, "random, within a prompt")
    np.testing.assert_allclose(y, [0.45, 0.35])
    np.testing.assert_array_equal(x, [0.5, 1.0])
    assert {"β = 0.5", "β = 1", "β = ∞"} <= {each.get_label() for each in left.lines}
