import numpy as np
import pytest

from rmkit.reward_models.mlp.embedding_table import EmbeddingTable, center_and_scale

EMBEDDING_RD = 5 + 3 * np.random.default_rng(0).normal(size=(500, 6))


def test_inputs_are_centred_by_the_mean_of_all_responses_and_divided_by_one_number():
    embedding_rd = EMBEDDING_RD.astype(np.float16)
    center_d, scale, unit_d = center_and_scale(embedding_rd)
    np.testing.assert_allclose(center_d, embedding_rd.astype(float).mean(axis=0), rtol=1e-6)
    assert scale == pytest.approx((embedding_rd - embedding_rd.astype(float).mean(axis=0)).std(), rel=1e-6)
    assert unit_d is None
    assert center_and_scale(np.ones((3, 2), np.float16))[1:] == (1.0, None)


@pytest.mark.parametrize("factor", [1e-20, 1e-6, 1.0, 1e6])
def test_no_unit_is_too_small_and_what_is_only_rounding_is_no_spread(factor):
    centred_rd = (factor * (EMBEDDING_RD - EMBEDDING_RD.mean(axis=0))).astype(np.float32)
    assert center_and_scale(centred_rd)[1] == pytest.approx(factor * 3, rel=0.05)
    equal_rd = np.full((5000, 300), factor * 0.1, np.float32)
    table = EmbeddingTable.of(equal_rd, np.arange(3), device="cpu", precision="float32", standardises=True)
    assert table.row_ud.abs().max() < 1


def test_each_dimension_is_divided_by_its_spread_where_one_would_drown_the_others():
    embedding_rd = (EMBEDDING_RD * [1, 1, 200, 1, 1, 0]).astype(np.float32)
    table = EmbeddingTable.of(embedding_rd, np.arange(500), device="cpu", precision="float32", standardises=True)
    np.testing.assert_allclose(table.row_ud.std(dim=0, unbiased=False), [1, 1, 1, 1, 1, 0], rtol=1e-4)
    as_it_comes = EmbeddingTable.of(embedding_rd, np.arange(500), device="cpu", precision="float32", standardises=False)
    np.testing.assert_array_equal(as_it_comes.row_ud, embedding_rd)
