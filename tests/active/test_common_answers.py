"""The annotator's answers: uniform numbers by hash, one a question, whoever asks it."""

import itertools

import numpy as np
import pytest
from scipy.stats import kstest

from rmkit.active.common_answers import GAMMA, answers, common_uniform, mixed
from rmkit.annotation.annotators import Annotator
from rmkit.annotation.habits import Habits
from rmkit.errors import DataError

PAIRS = np.array(list(itertools.combinations(range(300), 2)))  # 44,850
GOLD = np.random.default_rng(0).normal(size=300)


def test_the_mixing_function_is_that_of_splitmix64():
    """Its published outputs for the seed 1234567."""
    state_m = np.array([1234567], np.uint64) + np.array([1, 2, 3], np.uint64) * GAMMA
    assert mixed(state_m).tolist() == [6457827717110365317, 3203168211198807973, 9817491932198370423]


@pytest.mark.parametrize("seed", [0, 1, 12345, 2**63])
def test_the_numbers_are_uniform(seed):
    uniform_m = common_uniform(PAIRS, seed)
    assert uniform_m.dtype == np.float64
    assert ((uniform_m >= 0) & (uniform_m < 1)).all()
    assert kstest(uniform_m, "uniform").pvalue > 1e-3


@pytest.mark.parametrize(("step", "seed_step"), [((0, 1), 0), ((1, 0), 0), ((1, 1), 0), ((0, 0), 1), ((256, 0), 0)])
def test_neighbours_and_seeds_have_nothing_to_do_with_each_other(step, seed_step):
    """Correlations of the numbers and of their distance from a half, four standard errors at most."""
    apart = np.array([(a, b) for a in range(200) for b in range(a + 300, 500)])
    one, other = common_uniform(apart, 7) - 0.5, common_uniform(apart + step, 7 + seed_step) - 0.5
    bound = 4 / np.sqrt(len(one))
    assert abs(np.corrcoef(one, other)[0, 1]) < bound
    assert abs(np.corrcoef(np.abs(one), np.abs(other))[0, 1]) < bound


def test_no_two_questions_share_a_number():
    uniform = [common_uniform(PAIRS, seed) for seed in range(5)]
    assert len(np.unique(np.concatenate(uniform))) == 5 * len(PAIRS)


def test_a_question_has_one_number_whatever_is_asked_beside_it_and_whichever_comes_first():
    uniform_m = common_uniform(PAIRS, 3)
    some = np.random.default_rng(1).permutation(len(PAIRS))[:100]
    np.testing.assert_array_equal(common_uniform(PAIRS[some], 3), uniform_m[some])
    np.testing.assert_array_equal(common_uniform(PAIRS[some][:, ::-1], 3), uniform_m[some])
    assert common_uniform(np.empty((0, 2), np.int64), 3).shape == (0,)


@pytest.mark.parametrize("beta", [0.5, 3.0])
def test_answers_follow_the_annotators_chance(beta):
    annotator = Annotator(beta, scale=1.5)
    label_m, chance_m = answers(PAIRS, GOLD, annotator, 0), annotator.prefers_first(GOLD[PAIRS])
    assert label_m.dtype == np.int8
    for low, high in itertools.pairwise(np.linspace(0, 1, 6)):
        here = (chance_m >= low) & (chance_m < high)
        error = np.sqrt((chance_m * (1 - chance_m))[here].sum())
        assert abs(label_m[here].sum() - chance_m[here].sum()) < 4 * error


def test_another_seed_is_another_day_of_the_same_annotator():
    one, other = (answers(PAIRS, GOLD, Annotator(1.0), seed) for seed in (0, 1))
    assert (one == other).mean() == pytest.approx(Annotator(1.0).expected_agreement(GOLD[PAIRS]), abs=0.01)


def test_a_sharper_annotator_is_right_wherever_a_duller_one_was():
    right = [
        (answers(PAIRS, GOLD, Annotator(beta), 0) == 1) == (GOLD[PAIRS[:, 0]] > GOLD[PAIRS[:, 1]])
        for beta in (0.5, 1.0, np.inf)
    ]
    assert (right[0] <= right[1]).all()
    assert (right[1] <= right[2]).all()
    assert right[2].all()


def test_a_question_names_the_smaller_position_first():
    with pytest.raises(DataError, match=r"^pair_m2, row 1: is \[4, 2\]; a question has first < second$"):
        answers(np.array([[0, 1], [4, 2]]), GOLD, Annotator(1.0), 0)


def test_a_bias_for_length_answers_alike_beside_any_other_question():
    length_r = np.random.default_rng(1).normal(200, 50, size=300)
    leaning = Annotator(1.0, habits=Habits(length_bias=2.0), length_unit=70.0)
    together = answers(PAIRS[:500], GOLD, leaning, 3, length_r=length_r)
    alone = [answers(PAIRS[m : m + 1], GOLD, leaning, 3, length_r=length_r)[0] for m in range(500)]
    assert together.tolist() == alone
    longer_m = length_r[PAIRS[:500, 0]] > length_r[PAIRS[:500, 1]]
    assert together[longer_m].mean() > answers(PAIRS[:500], GOLD, Annotator(1.0), 3)[longer_m].mean() + 0.1


@pytest.mark.parametrize("habits", [Habits(drift=0.5), Habits(length_bias=1.0)])
def test_whose_answer_depends_on_when_or_beside_what_it_is_asked_has_no_common_answers(habits):
    with pytest.raises(DataError, match="answers by when, or beside what, it is asked"):
        answers(PAIRS[:5], GOLD, Annotator(1.0, habits=habits), 0, length_r=GOLD)
