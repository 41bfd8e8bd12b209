"""Each shape is wrong in the way that it says, and a population has one proxy for each shape and strength."""

import numpy as np
import pytest

from rmkit.errors import DataError, ParamsError
from rmkit.evaluation.population import evaluate_population, population_rows
from rmkit.worlds.goodhart.error_shapes import (
    CEILING,
    HACKED_BONUS,
    HACKED_GOLD,
    HACKED_SHARE,
    HIGH_GOLD,
    LESS_NOISE,
    MORE_NOISE,
    SHAPES,
    proxies,
    proxy,
    standardised,
)

GOLD_PK = np.random.default_rng(0).normal(size=(200, 1000))


def error_of(shape, strength=1.0, seed=1):
    return proxy(shape, GOLD_PK, strength, np.random.default_rng(seed)) - GOLD_PK


@pytest.mark.parametrize("shape", SHAPES)
def test_errors_grow_with_strength_and_come_from_the_generator_alone(shape):
    assert np.median(np.abs(error_of(shape, 2.0))) > 1.5 * np.median(np.abs(error_of(shape, 0.5)))
    np.testing.assert_array_equal(error_of(shape), error_of(shape))
    assert (error_of(shape) != error_of(shape, seed=2)).any()


@pytest.mark.parametrize("shape", sorted({*SHAPES} - {"saturated", "rare_hack"}))
def test_without_strength_these_are_gold(shape):
    np.testing.assert_array_equal(error_of(shape, 0.0), 0.0)


def test_tails_are_as_they_are_named():
    assert np.abs(error_of("uniform", 2.0)).max() <= 2.0
    beyond = {shape: (np.abs(error_of(shape)) > 10).mean() for shape in ("gaussian", "student_t_2.5", "student_t_1.5")}
    assert beyond["gaussian"] == 0 < 10 * beyond["student_t_2.5"] < 10 * beyond["student_t_1.5"]
    assert beyond["student_t_2.5"] == pytest.approx(0.00398, rel=0.2)  # twice the tail of t with 2.5 degrees of freedom


@pytest.mark.parametrize(
    ("shape", "ratio"), [("noisier_where_gold_is_high", MORE_NOISE), ("cleaner_where_gold_is_high", LESS_NOISE)]
)
def test_uneven_errors_have_another_spread_where_gold_is_high(shape, ratio):
    error_pk, high_pk = error_of(shape), GOLD_PK > HIGH_GOLD
    assert error_pk[high_pk].std() / error_pk[~high_pk].std() == pytest.approx(ratio, rel=0.03)


def test_a_saturated_proxy_is_gold_up_to_its_ceiling():
    np.testing.assert_array_equal(error_of("saturated", 0.0), np.minimum(CEILING - GOLD_PK, 0.0))


def test_hacks_are_rare_bad_and_rewarded():
    hack_pk = error_of("rare_hack", 0.0)
    assert set(np.unique(np.round(hack_pk, 9))) == {0.0, HACKED_BONUS}
    gold_r = GOLD_PK[hack_pk > 1]
    assert len(gold_r) / GOLD_PK.size == pytest.approx(HACKED_SHARE, rel=0.06)
    assert gold_r.mean() == pytest.approx(HACKED_GOLD, abs=0.1)
    assert gold_r.std() == pytest.approx(1.0, abs=0.1)


def test_a_population_has_every_strength_of_every_shape_with_errors_of_its_own():
    gold_pk = 5 + 3 * GOLD_PK[:50, :20]
    fits, score_fpk = proxies(gold_pk, {"gaussian": [0.0, 1.0, 1.0], "uniform": [2.0]}, np.random.default_rng(0))
    assert list(fits["fit"]) == ["0", "1", "2", "3"]
    assert list(zip(fits["reward_model"], fits["strength"], strict=True)) == [
        ("gaussian", 0.0), ("gaussian", 1.0), ("gaussian", 1.0), ("uniform", 2.0),
    ]  # fmt: skip
    np.testing.assert_array_equal(score_fpk[0], standardised(gold_pk))
    errors = score_fpk[1:] - score_fpk[0]
    assert abs(np.corrcoef(errors[0].ravel(), errors[1].ravel())[0, 1]) < 0.15


def test_a_population_of_proxies_is_one_of_reward_models():
    """At a mean KL of 1.5 the rare hack falls short of a Gaussian proxy that orders pairs as well."""
    fits, score_fpk = proxies(
        GOLD_PK[:80, :200], {"gaussian": [1.0, 3.0], "rare_hack": [0.858]}, np.random.default_rng(0)
    )
    ids_p, measuring_p = np.arange(80), np.arange(80) < 40
    found = evaluate_population(
        fits, score_fpk, GOLD_PK[:80, :200], ids_p, measuring_p, n_responses=50, ns=[4], kls=[1.5]
    )  # fmt: skip
    rows = population_rows(found)
    accuracy = rows[rows["metric"] == "accuracy"].set_index("fit")["value"]
    drop = rows[(rows["metric"] == "ndr") & rows["nats"].notna()].set_index("fit")["value"]
    assert accuracy["0"] == pytest.approx(accuracy["2"], abs=0.02)
    assert drop["2"] > drop["0"] + 0.15
    assert drop["1"] > drop["0"]


def test_standardised_gold_has_mean_0_in_each_prompt_and_spread_1():
    unit_pk = standardised(7 - 4 * GOLD_PK[:5, :9])
    np.testing.assert_allclose(unit_pk.mean(axis=1), 0, atol=1e-12)
    assert (unit_pk**2).mean() == pytest.approx(1)


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda rng: proxy("gausian", GOLD_PK, 1.0, rng), ParamsError, r"^error shape: 'gausian' is not one of gaussian.*mean 'gaussian'\?$"),
        (lambda rng: proxy("gaussian", GOLD_PK, -1.0, rng), DataError, r"^gaussian: strength -1\.0; it must be a number of at least 0$"),
        (lambda rng: proxy("gaussian", np.array([[0.0, np.nan]]), 1.0, rng), DataError, r"^the gold reward at \(0, 1\) is nan; it must be a finite number$"),
        (lambda rng: proxies(np.ones((3, 4)), {"gaussian": [1.0]}, rng), DataError, r"^gold rewards of shape \(3, 4\): they must be .* and differ within a prompt at least$"),
        (lambda rng: proxies(GOLD_PK, {"gaussian": []}, rng), DataError, r"^a population of proxies: no shape has a strength; name at least one of each$"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_one_line(call, error, said):
    with pytest.raises(error, match=said):
        call(np.random.default_rng(0))
