import numpy as np
import pytest

from rmkit.errors import DataError
from rmkit.measures import ranking
from rmkit.measures.best_of_n import best_of_n
from rmkit.measures.names import FEWEST_RESPONSES
from rmkit.measures.registry import AGAINST_GOLD
from rmkit.measures.within_prompt_pairs import pair_temperature

RNG = np.random.default_rng(0)
N_PROMPTS, K = 200, 6
GOLD_PK = RNG.normal(size=(N_PROMPTS, K))
GOOD_PK, BAD_PK = (GOLD_PK + noise * RNG.normal(size=GOLD_PK.shape) for noise in (0.3, 3.0))
DIFFERENT_SCALES = ("covariance", "reward_variance", "log_loss", "brier", "ece")  # ask for scores of one scale
ABOUT_THE_REWARD_ALONE = ("reward_variance", "reward_variance_whitened")  # what is better there is another question
DEFINED_FOR_EQUAL_GOLD = ("best_of_all", "covariance", "covariance_whitened", *ABOUT_THE_REWARD_ALONE)


@pytest.mark.parametrize("name", AGAINST_GOLD)
def test_a_measure_gives_every_model_and_prompt_a_number_and_models_apart_the_same(name):
    score_spk = np.stack([GOOD_PK, BAD_PK])
    found = AGAINST_GOLD[name](score_spk, GOLD_PK)
    assert found.shape == (2, N_PROMPTS)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found, [AGAINST_GOLD[name](score_pk, GOLD_PK) for score_pk in score_spk])


@pytest.mark.parametrize("name", [name for name in AGAINST_GOLD if name not in (*ABOUT_THE_REWARD_ALONE, "ece")])
def test_more_is_better_as_it_says(name):
    measure = AGAINST_GOLD[name]
    units = [score_pk / score_pk.std() for score_pk in (GOOD_PK, BAD_PK)]
    good, bad = (measure.better_is_more(measure(unit_pk, GOLD_PK).mean()) for unit_pk in units)
    assert good > bad


def test_less_calibration_error_is_better_and_a_temperature_takes_out_the_scale():
    calibrated_pk = GOOD_PK / pair_temperature(GOOD_PK, GOLD_PK)
    ece = AGAINST_GOLD["ece"]
    well, too_sure, unsure = (ece(times * calibrated_pk, GOLD_PK).mean() for times in (1, 10, 0.1))
    assert ece.better_is_more(well) > max(ece.better_is_more(too_sure), ece.better_is_more(unsure))
    fitted = AGAINST_GOLD["ece_at_temperature"](10 * calibrated_pk, GOLD_PK).mean()
    assert fitted == pytest.approx(well)


@pytest.mark.parametrize("name", AGAINST_GOLD)
def test_the_rewards_scale_counts_where_it_must_alone(name):
    once, twice = (AGAINST_GOLD[name](times * GOOD_PK, GOLD_PK) for times in (1, 2))
    assert np.allclose(once, twice) == (name not in DIFFERENT_SCALES)


@pytest.mark.parametrize("name", AGAINST_GOLD)
def test_fewer_responses_than_it_takes_are_one_line_and_so_many_are_enough(name):
    measure = AGAINST_GOLD[name]
    n = measure.fewest
    assert np.isfinite(measure(GOOD_PK[:, :n], GOLD_PK[:, :n])).all()
    with pytest.raises(DataError, match=f"{name} takes {n} responses to a prompt or more; there are {n - 1}"):
        measure(GOOD_PK[:, : n - 1], GOLD_PK[:, : n - 1])


@pytest.mark.parametrize("name", AGAINST_GOLD)
def test_equal_gold_is_no_number_but_where_it_says_so(name):
    found_p = AGAINST_GOLD[name](GOOD_PK, np.where(np.arange(N_PROMPTS)[:, None] == 3, 0.5, GOLD_PK))
    assert np.isfinite(np.delete(found_p, 3)).all()
    assert np.isfinite(found_p[3]) == (name in DEFINED_FOR_EQUAL_GOLD)


@pytest.mark.parametrize("name", AGAINST_GOLD)
def test_what_is_not_finite_or_does_not_fit_is_one_line(name):
    broken_pk = GOOD_PK.copy()
    broken_pk[5, 1] = np.nan
    with pytest.raises(DataError, match=r"score at \(5, 1\) is nan"):
        AGAINST_GOLD[name](broken_pk, GOLD_PK)
    for score_pk, gold_pk in ((GOOD_PK, GOLD_PK[:-1]), (GOOD_PK, GOLD_PK[:, :-1]), (GOOD_PK[0], GOLD_PK[0])):
        with pytest.raises(DataError, match="both must be"):
            AGAINST_GOLD[name](score_pk, gold_pk)


def test_the_first_responses_are_the_pair_and_the_four():
    np.testing.assert_array_equal(
        AGAINST_GOLD["one_pair"](GOOD_PK, GOLD_PK), (GOOD_PK[:, 0] > GOOD_PK[:, 1]) == (GOLD_PK[:, 0] > GOLD_PK[:, 1])
    )
    four = GOOD_PK[:, :4].argmax(axis=1) == GOLD_PK[:, :4].argmax(axis=1)
    np.testing.assert_array_equal(AGAINST_GOLD["best_of_four"](GOOD_PK, GOLD_PK), four)


def test_three_against_three_and_of_fewer_responses_either_half():
    order_pk = GOLD_PK.argsort(axis=1)
    in_order_pk = np.take_along_axis(GOOD_PK, order_pk, axis=1)
    strict = in_order_pk[:, 3:].min(axis=1) > in_order_pk[:, :3].max(axis=1)
    np.testing.assert_array_equal(AGAINST_GOLD["strict_accuracy"](GOOD_PK, GOLD_PK), strict)
    four_pk, gold_pk = GOOD_PK[:, :4], GOLD_PK[:, :4]
    best_pk, worst_pk = gold_pk.argsort(axis=1)[:, 2:], gold_pk.argsort(axis=1)[:, :2]
    higher = (
        np.take_along_axis(four_pk, best_pk, axis=1)[:, :, None]
        > np.take_along_axis(four_pk, worst_pk, axis=1)[:, None]
    )
    np.testing.assert_allclose(AGAINST_GOLD["matrix_accuracy"](four_pk, gold_pk), higher.mean(axis=(1, 2)))


def test_the_lowest_quarter_of_prompts_is_that_by_accuracy():
    accuracy_p = np.sort(ranking.order_accuracy(BAD_PK, GOLD_PK))
    found_p = AGAINST_GOLD["lowest_quarter_accuracy"](BAD_PK, GOLD_PK)
    assert found_p.mean() == pytest.approx(accuracy_p[: N_PROMPTS // 4].mean())


def test_gains_of_the_best_are_gold_on_the_prompts_own_scale():
    expected_p = (best_of_n(GOOD_PK, GOLD_PK, [K])[:, 0] - GOLD_PK.mean(axis=1)) / (
        GOLD_PK.max(axis=1) - GOLD_PK.mean(axis=1)
    )
    np.testing.assert_allclose(AGAINST_GOLD["normalised_best_of_all"](GOOD_PK, GOLD_PK), expected_p)


def test_the_names_that_studies_are_checked_by_are_those_of_the_registry():
    assert {name: one.fewest for name, one in AGAINST_GOLD.items()} == FEWEST_RESPONSES
    assert list(FEWEST_RESPONSES) == list(AGAINST_GOLD)
