"""Choice from a stream: the choice from the whole where it says so."""

import numpy as np
import pytest

from rmkit.errors import DataError
from rmkit.measures.designs.d_optimal import greedy
from rmkit.measures.designs.streamed import streamed_greedy


def stream(n_pairs=2000, n_dimensions=6, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n_pairs, n_dimensions)) * rng.gamma(1.0, size=(n_pairs, 1)), np.eye(n_dimensions)


def in_blocks(scaled_md, at_once=170):
    return (scaled_md[start : start + at_once] for start in range(0, len(scaled_md), at_once))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("n_kept", [40, 120, 400, 2000])
def test_what_it_calls_exact_is_the_choice_of_the_whole(seed, n_kept):
    scaled_md, known_dd = stream(seed=seed)
    found, whole = streamed_greedy(in_blocks(scaled_md), known_dd, 40, n_kept=n_kept), greedy(scaled_md, known_dd, 40)
    np.testing.assert_array_equal(found.position_k[: found.exact], whole[: found.exact])
    assert found.seen == 2000
    assert found.exact == 40 or n_kept < 2000
    assert len(set(found.position_k.tolist())) == 40


def test_more_kept_is_exact_for_longer():
    scaled_md, known_dd = stream()
    exact = [streamed_greedy(in_blocks(scaled_md), known_dd, 40, n_kept=n).exact for n in (40, 200, 1000, 2000)]
    assert exact == sorted(exact)
    assert exact[0] < exact[-1] == 40


def test_too_few_pairs_are_named():
    scaled_md, known_dd = stream(10)
    with pytest.raises(DataError, match="n_kept: 5; to choose 6 pairs as many must be kept at least"):
        streamed_greedy(in_blocks(scaled_md), known_dd, 6, n_kept=5)
    with pytest.raises(DataError, match="12 pairs are to be chosen, and there are 10"):
        streamed_greedy(in_blocks(scaled_md), known_dd, 12, n_kept=20)
