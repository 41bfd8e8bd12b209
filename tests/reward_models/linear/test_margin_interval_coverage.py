"""What Laplace intervals of margins cover, by the simulator of benchmarks/margin_interval_coverage.py, with fewer runs."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

PATH = Path(__file__).resolve().parents[3] / "benchmarks" / "margin_interval_coverage.py"


def load():
    spec = importlib.util.spec_from_file_location("margin_interval_coverage", PATH)
    module = sys.modules["margin_interval_coverage"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


benchmark = load()


def shares(way, n_runs=120):
    """Means and standard errors of what `one_run` gives, with 400 annotations."""
    share_nc = np.array([benchmark.one_run(way, 400, rng) for rng in np.random.default_rng(0).spawn(n_runs)])
    return share_nc.mean(axis=0), share_nc.std(axis=0, ddof=1) / np.sqrt(n_runs)


def test_under_a_true_model_and_prior_intervals_hold_as_they_say_before_and_after_selection():
    mean, error = shares("prior known")
    for column, level in enumerate((0.5, 0.8, 0.95)):
        assert mean[column] == pytest.approx(level, abs=3 * error[column] + 0.01)  # Laplace is not exact
    for column in (4, 5, 6):  # the pick of 1, 4 and 16
        assert mean[column] == pytest.approx(0.95, abs=3 * error[column] + 0.015)


def test_a_part_of_gold_that_no_feature_has_is_in_no_interval():
    mean, error = shares("own part")
    assert mean[2] + 3 * error[2] < 0.8
