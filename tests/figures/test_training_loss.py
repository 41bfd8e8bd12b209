"""A training's figure: every log is seen, and the axis says what the loss is counted in."""

import matplotlib

matplotlib.use("Agg")

import pandas as pd
import pytest

from rmkit.figures.training_loss import loss_figure


@pytest.mark.parametrize(("steps", "marker"), [([1], "o"), ([10, 20], "None")])
def test_a_log_of_one_step_is_a_dot_and_a_longer_one_a_line(steps, marker):
    (ax,) = loss_figure({"grammar-s": pd.DataFrame({"step": steps, "loss": 2.5})}, title="Learning").axes
    (line,) = ax.lines
    assert line.get_marker() == marker
    assert line.get_xdata().tolist() == steps
    assert [text.get_text() for text in ax.texts] == ["grammar-s: 2.50"]


def test_a_loss_that_is_not_of_tokens_says_so():
    log = pd.DataFrame({"step": [1, 2], "loss": [0.7, 0.6]})
    (tokens,), (questions,) = (
        loss_figure({"encoder": log}, title="Reading", **unit).axes for unit in ({}, {"unit": "nats a question"})
    )
    assert tokens.get_ylabel() == "loss (nats a token)"
    assert questions.get_ylabel() == "loss (nats a question)"


def test_an_empty_log_draws_nothing():
    (ax,) = loss_figure({"grammar-s": pd.DataFrame({"step": [], "loss": []})}, title="Learning").axes
    assert not ax.texts
