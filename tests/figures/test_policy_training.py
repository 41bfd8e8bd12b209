"""Training as figures: a line a run in both rewards, and gains with their intervals."""

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pandas as pd
import pytest

from rmkit.errors import ResultError
from rmkit.figures.policy_training import gain_figure, training_figure


def training_rows():
    """Three models and gold at steps 0, 10 and 20."""
    rows = []
    for f, fit in enumerate(["m0", "m1", "m2", "gold"]):
        shared = {"fit": fit, "reward_model": "gold" if fit == "gold" else "mlp_bt", "units": 50}
        rows.append(shared | {"metric": "accuracy", "value": 0.6 + 0.1 * f})
        for at, step in enumerate((0, 10, 20)):
            numbers = {"proxy_reward": at, "gold_reward": at * f, "kl_by_token": float(at**2), "length": 9.0}
            rows += [shared | {"metric": metric, "value": value, "steps": step} for metric, value in numbers.items()]
        interval = {"low": f - 0.2, "high": f + 0.2, "level": 0.95}
        rows.append(shared | {"metric": "gain", "value": np.nan if fit == "m1" else f, "steps": 20} | interval)
    rows.append(
        {"fit": "base", "reward_model": "base", "metric": "gold_reward", "value": 0.0, "steps": 10, "units": 50}
    )
    return pd.DataFrame(rows)


def test_a_run_is_a_line_along_root_kl_in_both_rewards():
    figure = training_figure(training_rows())
    proxy, gold, *_ = figure.axes
    assert len(proxy.lines) == len(gold.lines) == 4
    for line in proxy.lines:
        np.testing.assert_allclose(line.get_xdata(), [0, 1, 2])
        np.testing.assert_allclose(line.get_ydata(), [0, 1, 2])
    assert sorted(line.get_ydata()[-1] for line in gold.lines) == [0, 2, 4, 6]
    assert "3 reward models and gold itself" in figure.get_suptitle()
    with pytest.raises(ResultError, match="no run was tracked with its kl_by_token"):
        training_figure(training_rows().query("metric != 'kl_by_token'"))


def test_a_gain_stands_over_its_accuracy_and_a_run_without_an_end_is_counted():
    (ax,) = gain_figure(training_rows()).axes
    np.testing.assert_allclose(ax.lines[0].get_xdata(), [0.6, 0.8])
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [0, 2])
    assert ax.get_title(loc="left") == "2 runs at their last step, 1 without an end; 95% intervals over 50 prompts"
    assert [text.get_text() for text in ax.texts] == ["gold itself"]
