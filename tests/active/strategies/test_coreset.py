"""Sensitivities of points that are near 0, or nearly the same, beside those of the same points in ordinary numbers."""

import numpy as np
import pytest

from rmkit.active.strategies.coreset import sensitivities

POINT_MD = np.random.default_rng(0).normal(size=(40, 3))


@pytest.mark.parametrize("power", [-1000, -560, -300, 200])
def test_where_the_radius_is_the_points_own_their_scale_does_not_matter(power):
    found = sensitivities(POINT_MD * 2.0**power, np.random.default_rng(1), radius=None)
    np.testing.assert_array_equal(found, sensitivities(POINT_MD, np.random.default_rng(1), radius=None))


def test_points_that_are_near_0_beside_the_radius_are_all_alike():
    found = sensitivities(POINT_MD * 1e-300, np.random.default_rng(1), radius=1.0)
    np.testing.assert_allclose(found, 1.0)  # N / (1 + N - 1)


def test_points_whose_differences_have_no_square_count_as_one():
    apart_md, same_md = np.zeros((2, 12, 2))
    apart_md[:, 0] = same_md[:, 0] = [0.0, 1.0] * 6
    apart_md[:, 1] = np.arange(12) * 1e-200
    found, expected = (sensitivities(each_md, np.random.default_rng(1), radius=None) for each_md in (apart_md, same_md))
    np.testing.assert_array_equal(found, expected)
