"""Bounds that hold under every kind of noise they speak of, and lists whose precision is the expected one."""

import numpy as np
import pytest
from scipy.special import expit

from rmkit.annotation.single_labels import calibrated_slope, count_of_wrong, flip_bounds, suspect_labels
from rmkit.errors import DataError
from rmkit.intervals.means import Interval


def labelled(rng, n_pairs, *, flip, slope=2.0):
    """Margins, labels and truths of a calibrated model: P(truth) = sigmoid(slope margin), then flips."""
    margin_m = rng.normal(size=n_pairs)
    truth_m = rng.random(n_pairs) < expit(slope * margin_m)
    return margin_m, (truth_m != (rng.random(n_pairs) < flip)) * 1.0, truth_m


@pytest.mark.parametrize("flip", [0.0, 0.05, 0.15, 0.3])
@pytest.mark.parametrize("slope", [1.0, 50.0])
def test_bounds_are_above_the_flip_rate_at_their_level(flip, slope):
    rng, n_runs = np.random.default_rng([int(100 * flip), int(slope)]), 400
    found = [flip_bounds(*labelled(rng, 300, flip=flip, slope=slope)[:2]) for _ in range(n_runs)]
    held = np.mean([bounds.low <= flip <= bounds.high for bounds in found])
    assert held > 0.95 - 4 * np.sqrt(0.95 * 0.05 / n_runs)
    assert all(bounds.high <= bounds.mean_high for bounds in found)
    if slope == 50:  # a model that is nearly always right bounds the rate closely
        assert np.mean([bounds.high for bounds in found]) < flip + 0.08


def test_the_surest_pairs_sharpen_the_bound_of_a_weak_model():
    margin_m, label_m, _ = labelled(np.random.default_rng(0), 3000, flip=0.1)
    bounds, whole = flip_bounds(margin_m, label_m), flip_bounds(margin_m, label_m, surest=1.0)
    assert 0.1 < bounds.high < 0.2 < bounds.mean_high
    assert whole.high == bounds.mean_high
    assert "300 pairs with the largest margins" in bounds.sentence
    assert "may be 0" in bounds.sentence
    assert "all pairs" in whole.sentence
    assert f"at most {bounds.high:.1%}" in bounds.sentence


def test_noise_that_depends_on_the_pair_is_bounded_in_the_mean_alone():
    """Bradley-Terry labels: sure pairs are labelled well, so only the bound over all pairs holds."""
    rng = np.random.default_rng(0)
    margin_m = rng.normal(size=20_000)
    label_m = (rng.random(20_000) < expit(margin_m)) * 1.0
    error = np.mean((label_m == 1) != (margin_m > 0))
    bounds = flip_bounds(margin_m, label_m)
    assert bounds.high < error < bounds.mean_high


def test_labels_given_twice_bound_from_below_and_may_contradict():
    margin_m, label_m, _ = labelled(np.random.default_rng(0), 3000, flip=0.1, slope=50)
    twice = Interval(0.1, 0.08, 0.12, 0.95, "", "", 100)
    bounds = flip_bounds(margin_m, label_m, repeated=twice)
    assert bounds.low == 0.08
    assert "at least 8.0%" in bounds.sentence
    assert "may be 0" not in bounds.sentence
    clean = flip_bounds(margin_m, (margin_m > 0) * 1.0, repeated=twice)
    assert "one of them is not what it seems" in clean.sentence


def test_pairs_of_one_prompt_count_less_and_few_say_nothing():
    margin_m, label_m, _ = labelled(np.random.default_rng(0), 200, flip=0.1, slope=50)
    copies = np.tile(margin_m, 20), np.tile(label_m, 20)
    alone, clustered = flip_bounds(*copies), flip_bounds(*copies, prompt_m=np.tile(np.arange(200), 20))
    assert alone.mean_high < clustered.mean_high == pytest.approx(flip_bounds(margin_m, label_m).mean_high, abs=0.002)
    few = flip_bounds(margin_m[:19], label_m[:19])
    assert (few.low, few.high) == (0, 0.5)
    assert "nothing below 50%" in few.sentence
    assert flip_bounds(np.zeros(200), label_m).high == 0.5


@pytest.mark.parametrize("flip", [0.0, 0.2])
def test_the_slope_is_where_the_likelihood_is_largest(flip):
    margin_m, label_m, _ = labelled(np.random.default_rng(1), 20_000, flip=flip, slope=3.0)
    slope = calibrated_slope(7 * margin_m, label_m, flip=flip)
    assert slope == pytest.approx(3 / 7, rel=0.15)
    signed_m = np.where(label_m == 1, 7 * margin_m, -7 * margin_m)
    loss = [-np.log(flip + (1 - 2 * flip) * expit(one * signed_m)).mean() for one in slope * np.array([0.99, 1, 1.01])]
    assert loss[1] == min(loss)
    assert calibrated_slope(-margin_m, label_m) == 0
    assert calibrated_slope(np.zeros(10), label_m[:10]) == 0


@pytest.mark.parametrize("flip", [0.05, 0.15, 0.3])
def test_with_a_known_flip_rate_the_precision_is_the_expected_one(flip):
    rng = np.random.default_rng(int(100 * flip))
    expected, found = [], []
    for _ in range(60):
        margin_m, label_m, truth_m = labelled(rng, 400, flip=flip, slope=4.0)
        suspects = suspect_labels(margin_m, label_m, k=20, flip=flip)
        assert suspects.precision == pytest.approx(suspects.wrong_k2.mean(axis=0))
        assert suspects.precision[0] == suspects.precision[1]
        expected.append(suspects.precision[0])
        found.append(np.mean(label_m[suspects.position_k] != truth_m[suspects.position_k]))
    error = np.std(np.subtract(found, expected), ddof=1) / np.sqrt(60)
    assert abs(np.mean(found) - np.mean(expected)) < 4 * error + 0.01
    assert suspect_labels(margin_m, label_m, k=20, flip=0.0).precision == (0, 0)


@pytest.mark.parametrize(("flip", "slope"), [(0.0, 1.0), (0.03, 1.0), (0.15, 4.0), (0.2, 20.0)])
def test_from_single_labels_the_precision_is_a_range_that_holds_it(flip, slope):
    """Also where the model is weak and labels are nearly clean, where confident learning is sure and wrong."""
    rng = np.random.default_rng(int(100 * flip))
    found, low, high, other = [], [], [], []
    for _ in range(40):
        margin_m, label_m, truth_m = labelled(rng, 800, flip=flip, slope=slope)
        suspects = suspect_labels(margin_m, label_m, k=40)
        assert suspects.flip[0] == 0
        assert (suspects.wrong_k2[:, 0] <= suspects.wrong_k2[:, 1]).all()
        found.append(np.mean(label_m[suspects.position_k] != truth_m[suspects.position_k]))
        low.append(suspects.precision[0])
        high.append(suspects.precision[1])
        other.append(suspects.other_k.mean())
    assert np.mean(low) == 0
    assert np.mean(found) <= np.mean(high) + 0.01
    if slope == 1:
        assert np.mean(found) < np.mean(other) - 0.4


def test_the_probability_of_the_other_answer_is_how_often_another_label_would_be_it():
    """A model that sees all there is to see: labels are independent given its margin, and a second one is drawn."""
    rng = np.random.default_rng(5)
    expected, found = [], []
    for _ in range(60):
        margin_m, label_m, _ = labelled(rng, 400, flip=0.0, slope=2.0)
        again_m = (rng.random(400) < expit(2.0 * margin_m)) * 1.0
        suspects = suspect_labels(margin_m, label_m, k=30)
        expected.append(suspects.other_k.mean())
        found.append(np.mean(again_m[suspects.position_k] != label_m[suspects.position_k]))
    assert np.mean(found) == pytest.approx(np.mean(expected), abs=0.03)


def test_of_four_hundred_pairs_most_named_labels_are_wrong():
    """A model that orders .87 of the truths, and 15% flipped: half of what is named without a flip rate, or more."""
    rng = np.random.default_rng(2)
    shares, sizes = [], []
    for _ in range(30):
        margin_m, label_m, truth_m = labelled(rng, 400, flip=0.15, slope=4.0)
        position_k = suspect_labels(margin_m, label_m).position_k
        shares.append(np.mean(label_m[position_k] != truth_m[position_k]))
        sizes.append(len(position_k))
    assert np.mean(shares) > 0.6
    assert min(shares) >= 0.4
    assert 20 < np.mean(sizes) < 110


def test_the_list_is_in_order_and_counts_what_confident_learning_counts():
    margin_m, label_m, _ = labelled(np.random.default_rng(3), 500, flip=0.1)
    suspects = suspect_labels(margin_m, label_m, flip=0.45)
    other_m = expit(-calibrated_slope(margin_m, label_m) * np.where(label_m == 1, margin_m, -margin_m))
    # by hand, with every pair and its mirror image as items of two classes
    first_i, given_i = np.concatenate([1 - other_m, other_m]), np.repeat([1, 0], 500)
    threshold = first_i[given_i == 1].mean()
    joint = [
        [(first_i[given_i == given] >= threshold).sum(), (1 - first_i[given_i == given] >= threshold).sum()]
        for given in (1, 0)
    ]
    assert joint[0] == joint[1][::-1]
    assert len(suspects.position_k) == round(500 * joint[0][1] / sum(joint[0])) == count_of_wrong(other_m)
    np.testing.assert_allclose(suspects.other_k, np.sort(other_m)[::-1][: len(suspects.position_k)])
    assert (np.diff(suspects.wrong_k2, axis=0) <= 0).all()
    assert len(suspect_labels(margin_m, label_m, flip=0.02).position_k) == 10
    assert len(suspect_labels(margin_m, label_m, k=0).position_k) == 0
    hopeless = suspect_labels(-margin_m, label_m)
    assert len(hopeless.position_k) == 0
    assert np.isnan(hopeless.precision).all()


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda m, y: flip_bounds(m, y[:2]), "must be \\(M,\\), one of each a pair"),
        (lambda m, y: flip_bounds(m, y + 0.5), r"label_m\[0\] is 1\.5; it must be 1 \(first preferred\) or 0"),
        (lambda m, y: flip_bounds(m / 0, y), r"margin_m\[0\] is inf; it must be a finite number"),
        (lambda m, y: flip_bounds(m, y, surest=0), "surest: 0; it must be a share"),
        (lambda m, y: flip_bounds(m, y, prompt_m=np.zeros(2)), "prompt_m .* differ in shape"),
        (lambda m, y: suspect_labels(m, y, k=4), "k: 4; it must lie between 0 and the number of pairs, 3"),
        (lambda m, y: suspect_labels(m, y, flip=(0.2, 0.1)), r"flip: \(0\.2, 0\.1\); give the lowest rate first"),
        (lambda m, y: suspect_labels(m, y, flip=0.5), "flip: 0.5; it must be a share of the labels below 1/2"),
    ],
)
def test_what_is_wrong_is_one_sentence(call, sentence):
    with np.errstate(divide="ignore"), pytest.raises(DataError, match=sentence):
        call(np.ones(3), np.ones(3))
