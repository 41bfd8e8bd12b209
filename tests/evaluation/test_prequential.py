"""Whether a model was as sure as it should be: calibrated, too sure and not sure enough models, by their labels."""

import numpy as np
import pytest

from rmkit.errors import DataError
from rmkit.evaluation.prequential import CALIBRATED, CANNOT_TELL, NOT_SURE, TOO_SURE, prequential


def found(n=800, sharpness=1.0, n_prompts=200, seed=0):
    """Labels drawn at log-odds z, foretold at sharpness times z."""
    rng = np.random.default_rng(seed)
    z_m = rng.normal(scale=1.5, size=n)
    label_m = (rng.random(n) < 1 / (1 + np.exp(-z_m))).astype(int)
    p_m = 1 / (1 + np.exp(-sharpness * z_m))
    return p_m, label_m, rng.integers(0, n_prompts, n), np.random.default_rng(1)


@pytest.mark.parametrize(("sharpness", "verdict"), [(1.0, CALIBRATED), (4.0, TOO_SURE), (0.2, NOT_SURE)])
def test_the_verdict_is_what_the_labels_were_drawn_with(sharpness, verdict):
    p_m, label_m, prompt_m, rng = found(sharpness=sharpness)
    result = prequential(p_m, label_m, prompt_m, rng=rng)
    assert result.verdict == verdict
    seen = np.mean([-np.log(p if y else 1 - p) for p, y in zip(p_m, label_m, strict=True)])
    expected = np.mean([-p * np.log(p) - (1 - p) * np.log(1 - p) for p in p_m])
    assert result.seen == pytest.approx(seen)
    assert result.expected == pytest.approx(expected)
    assert result.ratio.estimate == pytest.approx(seen / expected)
    assert result.right == pytest.approx(((p_m > 0.5) == label_m).mean())
    assert result.labels == 800


def test_a_calibrated_model_is_within_the_interval_about_as_often_as_it_says():
    inside = [(lambda one: one.low <= 1 <= one.high)(prequential(*found(seed=seed)[:3], rng=np.random.default_rng(0)).ratio)
              for seed in range(60)]  # fmt: skip
    assert 0.85 <= np.mean(inside) <= 1.0


def test_few_labels_tell_nothing():
    p_m, label_m, _, rng = found(n=15)
    result = prequential(p_m, label_m, np.arange(15), rng=rng)
    assert result.verdict == CANNOT_TELL
    assert "too few" in result.ratio.reason
    none = prequential(np.empty(0), np.empty(0), np.empty(0), rng=rng)
    assert none.labels == 0
    assert none.verdict == CANNOT_TELL


def test_a_wide_interval_around_1_is_no_calibration():
    p_m, label_m, _, rng = found(n=25)
    assert prequential(p_m, label_m, np.arange(25), rng=rng).verdict == CANNOT_TELL


def test_a_certain_mistake_is_finite_and_an_even_chance_is_half_right():
    result = prequential(np.array([1.0, 0.5]), np.array([0, 1]), np.array([0, 1]), rng=np.random.default_rng(0))
    assert np.isfinite(result.seen)
    assert result.right == 0.25


@pytest.mark.parametrize("p", [1.5, np.nan, -0.1])
def test_what_is_no_probability_is_refused(p):
    with pytest.raises(DataError, match="p_m must be probabilities"):
        prequential(np.array([p]), np.array([1]), np.array([0]), rng=np.random.default_rng(0))
