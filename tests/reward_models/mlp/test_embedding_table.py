import numpy as np
import pytest

from rmkit.reward_models.mlp.embedding_table import center_and_scale


def test_inputs_are_centred_by_the_mean_of_all_responses_and_divided_by_one_number():
    embedding_rd = (5 + 3 * np.random.default_rng(0).normal(size=(500, 6))).astype(np.float16)
    center_d, scale = center_and_scale(embedding_rd)
    np.testing.assert_allclose(center_d, embedding_rd.astype(float).mean(axis=0), rtol=1e-6)
    assert scale == pytest.approx((embedding_rd - embedding_rd.astype(float).mean(axis=0)).std(), rel=1e-6)
    assert center_and_scale(np.ones((3, 2), np.float16))[1] == 1.0
