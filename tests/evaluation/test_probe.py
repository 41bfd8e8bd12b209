"""Centring by brute force, and the probe on embeddings in which a gold reward is planted."""

import numpy as np
import pytest

from rmkit.evaluation.probe import centred, probe

P, K, D = 30, 8, 6
PROMPT_ID_R = np.repeat(np.arange(P) * 3, K)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def ids_in_no_order(rng):
    return rng.permutation(np.repeat([4, 1, 9], [5, 1, 4]))


@pytest.mark.parametrize("shape", [(10,), (10, 3)])
def test_centred_by_brute_force(rng, shape):
    prompt_id_r, values = ids_in_no_order(rng), rng.normal(size=shape)
    expected = [
        value - values[prompt_id_r == prompt_id].mean(axis=0)
        for value, prompt_id in zip(values, prompt_id_r, strict=True)
    ]
    np.testing.assert_allclose(centred(prompt_id_r, values), expected, atol=1e-12)


@pytest.mark.parametrize("noise", [0.0, 1.0])
def test_the_probe_recovers_a_planted_linear_gold(rng, noise):
    """Whatever the scales and the means of the dimensions, and whatever each prompt adds."""
    scale_d, planted_d = 10.0 ** np.arange(-2, D - 2), rng.normal(size=D)
    embedding_rd = scale_d * (
        rng.normal(size=(P * K, D)) + 3 + rng.normal(size=(P, 1, D)).repeat(K, axis=1).reshape(-1, D)
    )
    gold_r = embedding_rd @ (planted_d / scale_d) + 5 * rng.normal(size=P).repeat(K) + noise * rng.normal(size=P * K)
    learned_d = probe(embedding_rd, PROMPT_ID_R, gold_r) * scale_d
    cosine = learned_d @ planted_d / np.linalg.norm(learned_d) / np.linalg.norm(planted_d)
    assert cosine > 0.97
    assert 0.8 < np.linalg.norm(learned_d) / np.linalg.norm(planted_d) < 1.2


def test_the_probe_makes_little_of_a_dimension_that_is_constant(rng):
    embedding_rd = np.hstack([rng.normal(size=(P * K, D)), np.full((P * K, 1), 7.0)])
    weight_d = probe(embedding_rd, PROMPT_ID_R, rng.normal(size=P * K))
    assert np.isfinite(weight_d).all()
    assert abs(weight_d[-1]) < 1e-3
