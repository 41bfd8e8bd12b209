"""What no design can be made of is one sentence, and float32 rows give the design of their numbers."""

import numpy as np
import pytest

from rmkit.errors import DataError
from rmkit.measures.designs.all_pairs import greedy_all_pairs
from rmkit.measures.designs.bald import bald, greedy_batch_bald
from rmkit.measures.designs.d_optimal import certificate, exchange, greedy, lazy_greedy, one_shot
from rmkit.measures.designs.other_criteria import greedy_e, greedy_linear
from rmkit.measures.designs.streamed import streamed_greedy

ROW_MD = np.random.default_rng(0).normal(size=(30, 4))


def _square(row_d):
    return np.outer(row_d, row_d.astype(np.float64))


DESIGNS = {
    "greedy": greedy,
    "lazy_greedy": lambda row_md, known_dd, k: lazy_greedy(row_md, known_dd, k)[0],
    "one_shot": lambda row_md, known_dd, k: one_shot(row_md, known_dd),
    "exchange": lambda row_md, known_dd, k: exchange(row_md, known_dd, np.arange(k)),
    "certificate": lambda row_md, known_dd, k: certificate(row_md, known_dd, np.arange(k)).log_det,
    "v": lambda row_md, known_dd, k: greedy_linear(row_md, known_dd, k, np.eye(4)),
    "c": lambda row_md, known_dd, k: greedy_linear(row_md, known_dd, k, _square(row_md[0])),
    "e": greedy_e,
    "streamed": lambda row_md, known_dd, k: (
        streamed_greedy([row_md[:15], row_md[15:]], known_dd, k, n_kept=8).position_k
    ),
}
every_design = pytest.mark.parametrize("name", DESIGNS)


@every_design
@pytest.mark.parametrize("value", [np.nan, np.inf, 1e200])
def test_a_number_that_is_not_finite_or_whose_square_is_not_is_told(name, value):
    row_md = ROW_MD.copy()
    row_md[3, 1] = value
    with pytest.raises(DataError, match=r"^row \d+: its gain is (nan|inf)|must not contain infs or NaNs"):
        DESIGNS[name](row_md, np.eye(4), 5)


@every_design
@pytest.mark.parametrize("known_dd", [np.full((4, 4), np.nan), np.eye(3)], ids=["nan", "shape"])
def test_information_that_is_none_is_told(name, known_dd):
    with pytest.raises(DataError, match=r"infs or NaNs|is not finite|they must be \(M, D\) and \(D, D\)"):
        DESIGNS[name](ROW_MD, known_dd, 5)


@every_design
def test_float32_rows_give_the_design_of_their_numbers(name):
    row_md = (ROW_MD * 1e3).astype(np.float32)
    found, expected = (DESIGNS[name](each_md, np.eye(4), 5) for each_md in (row_md, row_md.astype(np.float64)))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("power", [-500, -300, 300, 500])
@pytest.mark.parametrize("name", ["greedy", "lazy_greedy", "exchange", "v", "c", "e"])
def test_a_design_is_the_same_in_any_unit_up_to_information_of_1e300(name, power):
    """Features in units of 2^p and information in units of 2^2p are the same design: nothing over- or underflows."""
    found = DESIGNS[name](ROW_MD * 2.0**power, np.eye(4) * 2.0 ** (2 * power), 12)
    np.testing.assert_array_equal(found, DESIGNS[name](ROW_MD, np.eye(4), 12))


@pytest.mark.parametrize("known", [1e-300, 1e-310, 1e300])
@pytest.mark.parametrize("name", ["lazy_greedy", "exchange", "certificate", "v", "c"])
@pytest.mark.parametrize("size", [1e100, 1e153, 10**153.9, 10**154.1])
def test_numbers_that_cannot_be_squared_give_a_design_or_a_sentence(name, size, known):
    """No warning, which is an error in tests, and nothing else."""
    try:
        found = DESIGNS[name](ROW_MD * size, np.eye(4) * known, 8)
    except DataError:
        return
    assert np.isfinite(found).all()
    assert len(np.unique(found)) == np.size(found)


def test_numbers_too_far_apart_for_float64_are_told_and_not_picked_by():
    known_dd = np.diag([1e16, 1.0, 1.0, 1e-16])
    with pytest.raises(DataError, match=r"^the information's numbers lie too far apart: 1 \+ gain came to"):
        DESIGNS["streamed"](ROW_MD, known_dd, 5)


@pytest.mark.parametrize("picked", [[1, 1], [30], [-1]])
@pytest.mark.parametrize("design", [exchange, certificate])
def test_a_design_that_is_none_is_told(design, picked):
    with pytest.raises(DataError, match="positions twice, or beyond the 30 pairs"):
        design(ROW_MD, np.eye(4), np.array(picked))


@pytest.mark.parametrize(
    ("row_nd", "reward_n", "known_dd", "said"),
    [
        (ROW_MD * np.nan, np.zeros(30), np.eye(4), "feature_nd has a number that is not finite"),
        (ROW_MD, np.full(30, np.inf), np.eye(4), "reward_n has a number that is not finite"),
        (ROW_MD, np.zeros(30), np.eye(3), r"known_dd has shape \(3, 3\); it must be \(4, 4\)"),
        (ROW_MD * 1e200, np.zeros(30), np.eye(4), "row 0: its gain is inf"),
    ],
)
def test_responses_that_give_no_pairs_are_told(row_nd, reward_n, known_dd, said):
    with pytest.raises(DataError, match=said):
        greedy_all_pairs(row_nd, reward_n, known_dd, 3)


def test_information_of_labels_needs_finite_margins():
    with pytest.raises(DataError, match="mean_m and variance_m have a number that is not finite"):
        bald(np.array([0.0, np.nan]), np.ones(2))
    np.testing.assert_array_equal(bald(np.ones(2), np.array([-1e-18, 0.0])), 0.0)


@pytest.mark.parametrize(("means", "variances"), [((3,), (2,)), ((3, 1), (3, 1)), ((), ())])
def test_information_of_labels_needs_a_mean_and_a_variance_a_pair(means, variances):
    with pytest.raises(DataError, match=r"mean_m and variance_m have the shapes .*; both must be \(M,\), one of each"):
        bald(np.zeros(means), np.ones(variances))


@pytest.mark.parametrize(
    ("margin_km", "n_pairs", "said"),
    [
        (np.zeros((8, 30)), 31, "31 pairs are to be chosen, and there are 30; ask for fewer"),
        (np.zeros((8, 30)), -1, "-1 pairs are to be chosen"),
        (np.full((8, 30), np.nan), 3, "must be finite margins of one draw or more"),
        (np.zeros((0, 30)), 3, "must be finite margins of one draw or more"),
    ],
)
def test_margins_that_no_batch_can_be_chosen_by_are_told(margin_km, n_pairs, said):
    with pytest.raises(DataError, match=said):
        greedy_batch_bald(margin_km, n_pairs, rng=np.random.default_rng(0))
