"""A learning curve continued: its weights are those of least squares, and it goes on as a curve that has the shape."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmkit.artifacts.evaluations import Evaluations
from rmkit.errors import ResultError
from rmkit.evaluation.extrapolated import SHAPES, continued, gain, last_step, weights

COUNTS = np.array([100.0, 200.0, 400.0, 600.0])


def evaluations(accuracy_kp, counts=COUNTS):
    fits = pd.DataFrame({"fit": [f"h-{c:.0f}" for c in counts], "reward_model": "h", "annotations": counts})
    return [Evaluations.from_pairs(fits, np.arange(accuracy_kp.shape[1]), {"accuracy": accuracy_kp})]


def curve_of(shape, slope, n_prompts=400, noise=0.0):
    rng = np.random.default_rng(0)
    return (0.7 + slope * SHAPES[shape](COUNTS))[:, None] + noise * rng.normal(size=(len(COUNTS), n_prompts))


@pytest.mark.parametrize("shape", list(SHAPES))
@given(start=st.integers(50, 5000), more=st.integers(1, 5000), values=st.lists(st.floats(0, 1), min_size=4, max_size=4))
def test_weights_are_those_of_a_least_squares_line(shape, start, more, values):
    slope, _ = np.polyfit(SHAPES[shape](COUNTS), values, 1)
    ends = SHAPES[shape](np.array([start, start + more], dtype=float))
    assert weights(COUNTS, start, start + more, shape) @ values == pytest.approx(slope * (ends[1] - ends[0]), abs=1e-9)


@pytest.mark.parametrize(("shape", "slope"), [("log n", 0.03), ("-1/√n", 1.0), ("-1/n", 20.0)])
def test_the_interval_holds_the_gain_of_a_curve_of_any_of_its_shapes(shape, slope):
    found = gain(evaluations(curve_of(shape, slope, noise=0.01)), "h", 600, 1100).gain
    true = slope * np.diff(SHAPES[shape](np.array([600.0, 1100.0])))[0]
    assert found.low < true < found.high
    assert found.low > 0


def test_the_estimate_is_that_of_the_middle_shape():
    found = gain(evaluations(curve_of("-1/√n", 1.0, noise=1e-6)), "h", 600, 1100).gain
    assert found.estimate == pytest.approx(600**-0.5 - 1100**-0.5, rel=1e-3)


def test_the_last_step_is_foretold_without_the_last_number():
    accuracy_kp = curve_of("-1/√n", 1.0, noise=0.05)
    foretold, seen = last_step(evaluations(accuracy_kp), "h")
    assert (foretold.start, foretold.end) == (400, 600)
    assert seen.estimate == pytest.approx((accuracy_kp[-1] - accuracy_kp[-2]).mean(), abs=1e-6)
    changed = accuracy_kp.copy()
    changed[-1] += 0.2
    again, _ = last_step(evaluations(changed), "h")
    assert again == foretold


def test_a_curve_of_three_has_no_last_step_to_test_and_of_two_no_continuation():
    accuracy_kp = curve_of("log n", 0.03, noise=0.05)
    assert last_step(evaluations(accuracy_kp[:3], COUNTS[:3]), "h") is None
    with pytest.raises(ResultError, match=r"^evaluations: h has 2 numbers of annotations; a curve is continued from"):
        gain(evaluations(accuracy_kp[:2], COUNTS[:2]), "h", 200, 700)


def test_the_band_begins_at_what_was_seen_and_widens():
    accuracy_kp = curve_of("log n", 0.03, noise=0.05)
    band = continued(evaluations(accuracy_kp), "h", 1500)
    assert band["annotations"].iloc[[0, -1]].tolist() == [600, 1500]
    assert band["mean"].iloc[0] == pytest.approx(accuracy_kp[-1].mean(), abs=1e-6)
    assert (band["high"] - band["low"]).is_monotonic_increasing


def test_few_prompts_have_a_reason_and_no_interval():
    found = gain(evaluations(curve_of("log n", 0.03, n_prompts=12, noise=0.05)), "h", 600, 1100).gain
    assert np.isnan(found.low)
    assert "prompts" in found.reason
