"""What intervals of label noise cover, by the simulators of benchmarks/crowd_noise_coverage.py, with fewer runs."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

PATH = Path(__file__).resolve().parents[2] / "benchmarks" / "crowd_noise_coverage.py"


def load():
    spec = importlib.util.spec_from_file_location("crowd_noise_coverage", PATH)
    module = sys.modules["crowd_noise_coverage"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


benchmark = load()


@pytest.mark.parametrize("flip", [0.05, 0.15, 0.3])
@pytest.mark.parametrize(("n_pairs", "votes", "pairs_each"), [(300, 2, 1), (300, 3, 5)])
def test_a_known_flip_rate_is_covered(flip, n_pairs, votes, pairs_each):
    n_runs = 200
    rng = np.random.default_rng([votes, int(100 * flip)])
    covered, error, *_ = benchmark.flip_coverage(n_runs, n_pairs, votes, pairs_each, flip, rng)
    assert covered == pytest.approx(0.95, abs=4 * np.sqrt(0.95 * 0.05 / n_runs))
    assert error == pytest.approx(np.sqrt(covered * (1 - covered) / n_runs), rel=0.01)


@pytest.mark.parametrize(("on_margins", "n_runs"), [(False, 60), (True, 15)])
def test_known_sharpnesses_are_covered(on_margins, n_runs):
    rng = np.random.default_rng(6)
    found = benchmark.sharpness_coverage(n_runs, 8, 150, 3, 1.5, 0.6, rng, on_margins=on_margins, n_draws=200)
    covered, error, below, above, _ = found["sharpness"]
    assert covered == pytest.approx(0.95, abs=max(4 * error, 0.01))
    assert covered + below + above == pytest.approx(1)


def test_coverage_counts_what_is_inside_and_its_error_is_over_runs():
    low_na, high_na = np.array([[0.0, 0.0], [0.0, 2.0]]), np.array([[1.0, 1.0], [1.0, 4.0]])
    covered, error, below, above, width = benchmark.coverage(low_na, high_na, np.array([[0.5, 2.0], [0.5, 1.0]]))
    assert (covered, error, below, above, width) == (0.5, 0, 0.25, 0.25, 1.25)
