import numpy as np
import pandas as pd
import pytest

from rmkit.errors import DataError
from rmkit.findings.evaluated import NO_ERROR as NAME_IN_STATEMENTS
from rmkit.measures.ranking import order_accuracy
from rmkit.worlds.goodhart.analytic_proxies import ANALYTIC, NO_ERROR, analytic_proxies, with_analytic_proxies
from rmkit.worlds.goodhart.error_shapes import SHAPES

GOLD_PK = 3 + 2 * np.random.default_rng(0).normal(size=(300, 16))
FITS = pd.DataFrame({"fit": ["a"], "reward_model": ["linear_bt"], "draw": [0], "beta": [1.0]})


def rng_of(name):
    return np.random.default_rng([ord(letter) for letter in name])


def test_each_shape_has_about_the_accuracy_that_is_asked_for():
    fits, score_fpk = analytic_proxies(GOLD_PK, list(SHAPES), [0.65, 0.8], 1, rng_of)
    found_f = order_accuracy(score_fpk, GOLD_PK).mean(axis=1)
    np.testing.assert_allclose(found_f, fits["error_accuracy"], atol=0.02)
    assert set(fits["error_shape"]) == set(SHAPES)


def test_draws_differ_in_their_errors_alone_and_more_shapes_change_no_other():
    fits, score_fpk = analytic_proxies(GOLD_PK, ["gaussian"], [0.7], 2, rng_of)
    assert list(fits["fit"]) == ["analytic-0-gaussian-0.7", "analytic-1-gaussian-0.7"]
    assert np.abs(score_fpk[0] - score_fpk[1]).max() > 0.1
    more, more_fpk = analytic_proxies(GOLD_PK, ["uniform", "gaussian"], [0.7], 2, rng_of)
    np.testing.assert_array_equal(more_fpk[more["error_shape"] == "gaussian"], score_fpk)


def test_they_join_the_heads_which_stay_as_they_are():
    head_fpk = np.random.default_rng(1).normal(size=(1, *GOLD_PK.shape))
    fits, score_fpk = with_analytic_proxies(FITS, head_fpk, GOLD_PK, ["uniform"], [0.7], 1, rng_of)
    assert list(fits["reward_model"]) == ["linear_bt", ANALYTIC]
    assert list(fits["error_shape"]) == [NO_ERROR, "uniform"]
    assert fits["beta"].isna().tolist() == [False, True]
    np.testing.assert_array_equal(score_fpk[:1], head_fpk)
    alone, alone_fpk = with_analytic_proxies(FITS, head_fpk, np.zeros((300, 16)), [], [0.7], 1, rng_of)
    assert len(alone) == 1
    assert alone_fpk is head_fpk


def test_what_cannot_be_made_is_said():
    with pytest.raises(DataError, match="none is asked for"):
        analytic_proxies(GOLD_PK, ["gaussian"], [], 1, rng_of)
    with pytest.raises(DataError, match=r"saturated: an accuracy of 0.99; its errors give one between"):
        analytic_proxies(GOLD_PK, ["saturated"], [0.99], 1, rng_of)


def test_statements_call_those_without_a_shape_by_the_same_name():
    assert NAME_IN_STATEMENTS == NO_ERROR
