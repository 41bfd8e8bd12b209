"""Criteria of a choice against what normal measures do when they are drawn, and moments against a table."""

import numpy as np
import pytest
from scipy.stats import kendalltau

from rmkit.errors import DataError
from rmkit.evaluation.choice_quality import (
    choice_quality,
    draw_moments,
    normal_draws,
    prompt_weights,
    right_choice,
    selection_regret,
    spread_of_differences,
)
from rmkit.evaluation.population import MEASURES
from rmkit.evaluation.test_sets.annotation import Annotation
from rmkit.evaluation.test_sets.category import InCategory
from rmkit.evaluation.test_sets.design import draw_test_set
from rmkit.evaluation.test_sets.judged import JudgedResponses
from rmkit.evaluation.test_sets.measured import measured_on
from rmkit.evaluation.test_sets.number_of_pairs import NumberOfPairs
from rmkit.evaluation.test_sets.responses_a_prompt import ResponsesAPrompt

RNG = np.random.default_rng(0)
N_MODELS = 5
MEAN_BF, EARNED_BF = RNG.normal(size=(2, 3, N_MODELS))
ROOT_BFF = RNG.normal(size=(3, N_MODELS, N_MODELS)) / 2
ERROR_BFF = ROOT_BFF @ ROOT_BFF.swapaxes(1, 2)
DRAWN_BSF = np.stack(
    [np.random.default_rng(1).multivariate_normal(m, e, size=40_000) for m, e in zip(MEAN_BF, ERROR_BFF, strict=True)]
)
GOLD_PK = RNG.normal(size=(40, 6))
SCORE_FPK = GOLD_PK + RNG.normal(size=(4, 40, 6))
TWO = {name: MEASURES[name] for name in ("accuracy", "best_of_all")}


def test_right_choices_are_those_of_drawn_measures_and_tell_the_expected_correlation():
    found_b = right_choice(MEAN_BF, ERROR_BFF, EARNED_BF)
    for b in range(3):
        tau_s = [kendalltau(drawn_f, EARNED_BF[b]).statistic for drawn_f in DRAWN_BSF[b, :300]]
        assert abs(2 * found_b[b] - 1 - np.mean(tau_s)) < 4 * np.std(tau_s) / np.sqrt(300)


def test_selection_regret_is_that_of_drawn_measures():
    found_b = selection_regret(MEAN_BF, ERROR_BFF, EARNED_BF, normal_draws(N_MODELS, np.random.default_rng(2)))
    for b in range(3):
        regret_s = EARNED_BF[b].max() - EARNED_BF[b, DRAWN_BSF[b].argmax(axis=1)]
        assert abs(found_b[b] - regret_s.mean()) < 4 * regret_s.std() * np.sqrt(1 / 2000 + 1 / 40_000)


def test_differences_spread_as_drawn_measures_do():
    first_c, second_c = np.triu_indices(N_MODELS, 1)
    drawn_bc = (DRAWN_BSF[..., first_c] - DRAWN_BSF[..., second_c]).std(axis=1)
    np.testing.assert_allclose(spread_of_differences(ERROR_BFF), drawn_bc, rtol=0.02)


def test_models_of_equal_measure_are_chosen_by_a_coin_and_equal_policies_are_no_choice():
    level_bf, none_bff = np.zeros((1, 2)), np.zeros((1, 2, 2))
    assert right_choice(level_bf, none_bff, np.array([[0.0, 1.0]])) == 0.5
    assert np.isnan(right_choice(level_bf, none_bff, level_bf)).all()
    assert right_choice(np.array([[0.0, 1.0]]), none_bff, np.array([[0.0, 1.0]])) == 1


def test_moments_are_those_of_the_table_of_values():
    judged, design = JudgedResponses(GOLD_PK), ResponsesAPrompt(6)
    weight_bp = prompt_weights(40, 3, np.random.default_rng(0))
    table = measured_on(draw_test_set(design, judged, np.random.default_rng(0)), SCORE_FPK, measures=TWO)
    prompt_q = design.draw(judged, np.random.default_rng(0)).prompt_q
    moments = draw_moments(design, judged, SCORE_FPK, TWO, np.random.default_rng(5), 2)  # all six: whatever is drawn
    for name in TWO:
        share_b, mean_bf, covariance_bff = moments[name].at(weight_bp)
        np.testing.assert_allclose(share_b, 1)
        for b in range(4):
            times_q = np.rint(weight_bp[b, prompt_q] * 40).astype(int)
            np.testing.assert_allclose(mean_bf[b], np.repeat(table[name], times_q, axis=1).mean(axis=1), atol=1e-12)
            covariance_ff = np.cov(np.repeat(table[name], times_q, axis=1), ddof=0)
            np.testing.assert_allclose(covariance_bff[b], covariance_ff, atol=1e-12)


def test_draws_of_rows_and_labels_are_part_of_the_spread():
    judged, weight_bp = JudgedResponses(GOLD_PK), prompt_weights(40, 1, np.random.default_rng(0))[:1]
    spreads = []
    for design in (ResponsesAPrompt(6), ResponsesAPrompt(2), ResponsesAPrompt(2, annotation=Annotation(flip=0.3))):
        moments = draw_moments(design, judged, SCORE_FPK, TWO, np.random.default_rng(0), 30)["accuracy"]
        spreads.append(np.diagonal(moments.at(weight_bp)[2][0]).mean())
    assert spreads[0] < spreads[1] < spreads[2]


def test_prompts_without_a_value_do_not_count():
    gold_pk = GOLD_PK.copy()
    gold_pk[:10] = 0
    judged, weight_bp = JudgedResponses(gold_pk), prompt_weights(40, 1, np.random.default_rng(0))[:1]
    moments = draw_moments(ResponsesAPrompt(6), judged, SCORE_FPK, TWO, np.random.default_rng(0), 2)["accuracy"]
    share_b, mean_bf, _ = moments.at(weight_bp)
    np.testing.assert_allclose(share_b, 0.75)
    np.testing.assert_allclose(mean_bf[0], MEASURES["accuracy"](SCORE_FPK[:, 10:], gold_pk[10:]).mean(axis=1))


def test_prompts_that_a_design_does_not_take_are_not_paid_for():
    judged = JudgedResponses(GOLD_PK, category_p=np.where(np.arange(40) < 10, "chat", "code"))
    weight_bp = prompt_weights(40, 1, np.random.default_rng(0))[:1]
    design = InCategory("code", n_responses=6)
    moments = draw_moments(design, judged, SCORE_FPK, TWO, np.random.default_rng(0), 2)["accuracy"]
    share_b, mean_bf, _ = moments.at(weight_bp)
    np.testing.assert_allclose(share_b, 1)
    np.testing.assert_allclose(mean_bf[0], MEASURES["accuracy"](SCORE_FPK[:, 10:], GOLD_PK[10:]).mean(axis=1))


def test_more_prompts_choose_better():
    judged, weight_bp = JudgedResponses(GOLD_PK), prompt_weights(40, 1, np.random.default_rng(0))[:1]
    moments = draw_moments(ResponsesAPrompt(2), judged, SCORE_FPK, TWO, np.random.default_rng(0), 20)["accuracy"]
    _, mean_bf, _ = moments.at(weight_bp)  # measured in the order of what is earned: only noise can mislead
    normal_sf = normal_draws(4, np.random.default_rng(0))
    few, many = (choice_quality(moments, mean_bf, weight_bp, n, normal_sf) for n in (20, 2000))
    assert few["right_choice"] < many["right_choice"]
    assert few["selection_regret"] > many["selection_regret"]


def test_a_design_with_several_rows_a_prompt_is_refused():
    with pytest.raises(DataError, match="it must draw one row each"):
        draw_moments(NumberOfPairs(60), JudgedResponses(GOLD_PK), SCORE_FPK, TWO, np.random.default_rng(0), 2)
