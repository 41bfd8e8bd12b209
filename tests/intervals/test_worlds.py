"""The interval for new worlds against Student's t, and what it says of worlds that differ."""

import numpy as np
import pytest
from scipy import stats

from rmkit.errors import DataError
from rmkit.intervals.worlds import FEWEST_WORLDS, NEW_WORLDS, over_worlds


def tables(effects, *, n_seeds=4, n_prompts=30, noise=0.1, seed=0):
    rng = np.random.default_rng(seed)
    return [effect + noise * rng.normal(size=(n_seeds, n_prompts)) for effect in effects]


def test_it_is_students_t_of_the_worlds_means_whatever_their_sizes():
    made = [*tables([0.1, 0.5, -0.2]), *tables([0.3, 0.4], n_seeds=2, n_prompts=90)]
    found = over_worlds(made)
    expected = stats.ttest_1samp([table.mean() for table in made], 0.0).confidence_interval(0.95)
    np.testing.assert_allclose([found.interval.low, found.interval.high], expected)
    np.testing.assert_allclose(found.effect_w, [table.mean() for table in made])
    assert (found.interval.estimand, found.interval.units, found.interval.df) == (NEW_WORLDS, 5, 4.0)
    assert found.same_sign == 0.8


def test_tau_is_what_worlds_differ_by_beyond_their_seeds_and_prompts():
    effect_w = 0.5 * np.random.default_rng(1).normal(size=400)
    assert over_worlds(tables(effect_w, noise=1.0)).tau == pytest.approx(effect_w.std(), rel=0.03)
    alike = over_worlds(tables(np.full(400, 0.2), noise=1.0))
    assert alike.tau < 0.06
    assert np.isnan(over_worlds(tables([0.1] * 6, n_seeds=1)).tau)


@pytest.mark.parametrize("n_worlds", range(1, FEWEST_WORLDS + 1))
def test_a_few_worlds_have_their_effects_and_no_interval(n_worlds):
    found = over_worlds(tables(np.linspace(0.1, 0.2, n_worlds)))
    assert len(found.effect_w) == n_worlds
    if n_worlds < FEWEST_WORLDS:
        assert found.interval.reason == f"{n_worlds} worlds are too few to see how worlds vary, which takes 5"
        assert np.isnan([found.interval.low, found.interval.high]).all()
    else:
        assert found.interval.reason is None


def test_equal_worlds_have_a_reason():
    assert over_worlds([np.full((2, 3), 0.5)] * 5).interval.reason == "all worlds gave the same number"


def test_a_prompt_that_a_seed_missed_is_left_out_and_a_world_without_any_is_named():
    table = np.array([[1.0, np.nan, 3.0], [1.0, 9.0, 3.0]])
    assert over_worlds([table] * 5).effect_w[0] == 2.0
    for wrong, said in [
        ([table, np.full((2, 3), np.nan)], r"tables\[1\]: no prompt has a value for every seed"),
        ([np.array([1.0])], r"tables\[0\]: \(1,\); it must be \(S, P\) numbers"),
        ([np.array([[np.inf]])], r"tables\[0\]: \(1, 1\); it must be"),
        ([], "tables: there are none"),
    ]:
        with pytest.raises(DataError, match=f"^{said}"):
            over_worlds(wrong)
