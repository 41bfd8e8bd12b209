"""Correlations replicated together: each replicate against its definition, intervals against those of one correlation."""

import numpy as np
import pytest

from rmkit.errors import DataError
from rmkit.intervals.correlations import CORRELATIONS, correlation_over_models
from rmkit.intervals.joint_replicates import (
    Means,
    PromptDraws,
    Replicated,
    combined,
    correlated,
    correlation_interval,
    forms,
    means,
    value_interval,
)
from rmkit.intervals.statistics_over_models import statistic_over_models

M, P, Q = 40, 60, 50


def tables(seed=0, n_models=M):
    """Two measures of models and an outcome, prompts of its own, that all see how good a model is."""
    rng = np.random.default_rng(seed)
    good_m1, prompt_p, prompt_q = rng.normal(size=(n_models, 1)), rng.normal(size=P), rng.normal(size=Q)
    measures = [0.6 * good_m1 + prompt_p * (1 + good_m1) + rng.normal(size=(n_models, P)) for _ in range(2)]
    return np.stack(measures), good_m1 + prompt_q * (1 + good_m1) + 2 * rng.normal(size=(n_models, Q))


def replicated(statistic, value_tmp, outcome_mq, n_resamples, seed=1):
    """(T) correlations of measures with one outcome."""
    rng = np.random.default_rng(seed)
    first = PromptDraws.of(len(outcome_mq), value_tmp.shape[2], n_resamples, rng)
    second = PromptDraws.of(len(outcome_mq), outcome_mq.shape[1], n_resamples, rng)
    of_measures, of_outcome = means(value_tmp, first), means(outcome_mq[None], second)
    parts = correlated(forms(statistic, of_measures), forms(statistic, of_outcome))
    full_t = [CORRELATIONS[statistic](mean_m, of_outcome.full_tm[0]) for mean_m in of_measures.full_tm]
    return [Replicated(np.float64(full), *(part_otr[0, t] for part_otr in parts)) for t, full in enumerate(full_t)], (
        of_measures,
        of_outcome,
    )


@pytest.mark.parametrize("statistic", CORRELATIONS)
def test_replicates_are_the_correlations_of_their_means(statistic):
    value_tmp, outcome_mq = tables()
    (first, _), (of_measures, of_outcome) = replicated(statistic, value_tmp, outcome_mq, 5)
    correlation = CORRELATIONS[statistic]
    without = [correlation(np.delete(of_measures.full_tm[0], m), np.delete(of_outcome.full_tm[0], m)) for m in range(M)]
    np.testing.assert_allclose(first.without_one, without, rtol=1e-5)
    np.testing.assert_allclose(first.new, correlation(of_measures.new_tbm[0], of_outcome.new_tbm[0]), rtol=1e-5)
    np.testing.assert_allclose(first.own, correlation(of_measures.own_tbm[0], of_outcome.own_tbm[0]), rtol=1e-5)


@pytest.mark.parametrize("statistic", CORRELATIONS)
def test_of_one_correlation_the_interval_is_that_of_correlation_over_models(statistic):
    value_tmp, outcome_mq = tables()
    (first, _), _ = replicated(statistic, value_tmp, outcome_mq, 2000)
    found = correlation_interval(first, statistic, n_prompts=Q)
    wanted = correlation_over_models(
        value_tmp[0], outcome_mq, statistic=statistic, rng=np.random.default_rng(2), n_resamples=2000
    )
    assert found.estimate == pytest.approx(wanted.estimate)
    np.testing.assert_allclose([found.low, found.high], [wanted.low, wanted.high], atol=0.02)
    assert (found.df, found.on_z, found.units) == (wanted.df, True, M)


def test_of_a_difference_the_interval_is_that_of_any_statistic_over_models():
    value_tmp, outcome_mq = tables()
    both, _ = replicated("kendall", value_tmp, outcome_mq, 2000)
    found = value_interval(combined(lambda pair: pair[0] - pair[1], both), n_prompts=Q)
    kendall = CORRELATIONS["kendall"]
    wanted = statistic_over_models(
        lambda mean: kendall(mean[0], mean[2]) - kendall(mean[1], mean[2]),
        [*value_tmp, outcome_mq],
        prompts=[0, 0, 1],
        rng=np.random.default_rng(2),
        n_resamples=2000,
    )
    assert found.estimate == pytest.approx(wanted.estimate)
    np.testing.assert_allclose([found.low, found.high], [wanted.low, wanted.high], atol=0.03)


def test_a_mean_is_over_the_prompts_that_a_model_has_a_value_of():
    value_tmp, _ = tables()
    value_tmp[0, 3, :20] = np.nan
    draws = PromptDraws.of(M, P, 4, np.random.default_rng(0))
    of = means(value_tmp, draws)
    np.testing.assert_allclose(of.full_tm, np.nanmean(value_tmp, axis=2))
    weight_p = draws.share_bp[1] * np.isfinite(value_tmp[0, 3])
    np.testing.assert_allclose(of.new_tbm[0, 1, 3], np.nansum(weight_p * value_tmp[0, 3]) / weight_p.sum())


def test_own_noise_has_the_spread_of_a_mean_without_what_prompts_do_to_all_models():
    value_tmp, _ = tables()
    of = means(value_tmp[:1], PromptDraws.of(M, P, 4000, np.random.default_rng(0)))
    rest_mp = value_tmp[0] - value_tmp[0].mean(axis=1, keepdims=True)
    rest_mp = rest_mp - rest_mp.mean(axis=0)
    np.testing.assert_allclose(of.own_tbm[0].std(axis=0), np.sqrt((rest_mp**2).sum(axis=1)) / P, rtol=0.06)
    np.testing.assert_allclose(of.own_tbm[0].mean(axis=0), of.full_tm[0], atol=0.01)


def test_several_intervals_at_once_are_wider():
    value_tmp, outcome_mq = tables()
    (first, _), _ = replicated("kendall", value_tmp, outcome_mq, 50)
    one, ten = (correlation_interval(first, "kendall", n_prompts=Q, intervals=n) for n in (1, 10))
    assert ten.low < one.low < one.high < ten.high
    one, ten = (value_interval(first, n_prompts=Q, intervals=n) for n in (1, 10))
    assert ten.low < one.low < one.high < ten.high


def made(full=0.5, n_models=M):
    rng = np.random.default_rng(0)
    return Replicated(np.float64(full), *(full + 0.01 * rng.normal(size=n) for n in (n_models, 20, 20)))


@pytest.mark.parametrize(
    ("of", "n_prompts", "said"),
    [
        (made(full=np.nan), 30, "nothing to correlate"),
        (made(n_models=14), 30, "14 reward models are too few for a correlation over them, which takes 15"),
        (made(), 19, "19 prompts are too few to see how prompts vary, which takes 20"),
        (made(full=1.0), 30, "correlate perfectly"),
    ],
)
def test_without_an_interval_there_is_a_reason(of, n_prompts, said):
    found = correlation_interval(of, "kendall", n_prompts=n_prompts)
    assert np.isnan([found.low, found.high]).all()
    assert said in (found.reason or "")


def test_a_value_that_never_varies_or_rests_on_few_models_has_no_interval():
    same = Replicated(np.float64(0.3), *(np.full(n, 0.3) for n in (M, 20, 20)))
    assert "no variation is seen" in (value_interval(same, n_prompts=30).reason or "")
    few = value_interval(made(n_models=19), n_prompts=30)
    assert few.reason == "19 reward models are too few for a difference of correlations over them, which takes 20"


def test_a_measure_that_is_the_same_for_all_models_has_no_correlation():
    value_tmp, outcome_mq = tables()
    value_tmp[0] = 1.0
    draws = PromptDraws.of(M, P, 5, np.random.default_rng(0))
    constant = Means(*(np.ones_like(part) for part in vars(means(value_tmp[:1], draws)).values()))
    outcome = means(outcome_mq[None], PromptDraws.of(M, Q, 5, np.random.default_rng(0)))
    for part_otr in correlated(forms("kendall", constant), forms("kendall", outcome)):
        assert np.isnan(part_otr).all()


def test_a_function_of_several_must_give_one_number_each():
    with pytest.raises(DataError, match="a function of 2 correlations gives shape"):
        combined(lambda value_kr: value_kr, [made(), made()])
