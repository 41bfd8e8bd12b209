import numpy as np
import pytest

from rmkit.errors import DataError
from rmkit.measures.reward_spread import covariance, reward_variance, whitened
from rmkit.policies.stored_responses import kl_optimum, value

RNG = np.random.default_rng(0)
SCORE_SPK, GOLD_PK = RNG.normal(size=(3, 4, 7)), RNG.normal(size=(4, 7))


def test_both_are_numpys():
    for s, p in np.ndindex(3, 4):
        expected = np.cov(SCORE_SPK[s, p], GOLD_PK[p])
        assert covariance(SCORE_SPK, GOLD_PK)[s, p] == pytest.approx(expected[0, 1])
        assert reward_variance(SCORE_SPK)[s, p] == pytest.approx(expected[0, 0])


def test_the_covariance_is_how_fast_gold_grows_along_the_kl_optimum():
    score_pk, step = SCORE_SPK[0], 1e-6
    slope_p = (value(kl_optimum(score_pk, 1 / step), GOLD_PK) - GOLD_PK.mean(axis=1)) / step
    np.testing.assert_allclose(slope_p, covariance(score_pk, GOLD_PK) * 6 / 7, rtol=1e-3)


def test_whitening_takes_out_each_models_own_scale_and_nothing_between_its_prompts():
    found = whitened(SCORE_SPK)
    np.testing.assert_allclose(found.mean(axis=(1, 2)), 0, atol=1e-12)
    np.testing.assert_allclose(found.std(axis=(1, 2)), 1)
    np.testing.assert_allclose(whitened(100 * SCORE_SPK[1] - 3), found[1])
    variance_p = reward_variance(SCORE_SPK[1])
    np.testing.assert_allclose(reward_variance(found[1]) / variance_p, 1 / SCORE_SPK[1].var())


def test_constant_scores_vary_by_nothing():
    score_spk = np.stack([SCORE_SPK[0], np.full((4, 7), 0.1)])
    assert (whitened(score_spk)[1] == 0).all()
    np.testing.assert_allclose(covariance(score_spk, GOLD_PK)[1], 0, atol=1e-15)
    np.testing.assert_allclose(covariance(SCORE_SPK[0], np.ones((4, 7))), 0)


@pytest.mark.parametrize("bad", [np.zeros(3), np.zeros((0, 3))])
def test_what_has_no_prompts_is_one_line(bad):
    with pytest.raises(DataError, match=r"they must be \(prompts, K\)"):
        whitened(bad)
    with pytest.raises(DataError, match=r"score at \(0, 1\) is nan"):
        whitened(np.array([[0.0, np.nan]]))
