"""All pairs of some responses, without their list: against the list."""

import numpy as np
import pytest

from rmkit.errors import DataError
from rmkit.measures.designs import all_pairs
from rmkit.measures.designs.all_pairs import greedy_all_pairs, information_of_all
from rmkit.measures.designs.d_optimal import greedy
from rmkit.measures.information import information, p_variance


def responses(n=30, n_dimensions=6, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, n_dimensions)), rng.normal(size=n), 0.5 * np.eye(n_dimensions)


def listed(feature_nd, reward_n):
    """All pairs i < j by rows, their scaled differences and variances."""
    pair_m2 = np.stack(np.triu_indices(len(reward_n), k=1), axis=1)
    difference_md = feature_nd[pair_m2[:, 0]] - feature_nd[pair_m2[:, 1]]
    variance_m = p_variance(reward_n[pair_m2[:, 0]] - reward_n[pair_m2[:, 1]])
    return pair_m2, difference_md, variance_m


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("block", [2**22, 60])
def test_information_and_choice_are_those_of_the_list(seed, block, monkeypatch):
    monkeypatch.setattr(all_pairs, "BLOCK_VALUES", block)
    feature_nd, reward_n, known_dd = responses(seed=seed)
    pair_m2, difference_md, variance_m = listed(feature_nd, reward_n)
    np.testing.assert_allclose(
        information_of_all(feature_nd, reward_n, 0.2), information(difference_md, variance_m, 0.2), rtol=1e-11
    )
    scaled_md = np.sqrt(variance_m)[:, None] * difference_md
    np.testing.assert_array_equal(
        greedy_all_pairs(feature_nd, reward_n, known_dd, 100), pair_m2[greedy(scaled_md, known_dd, 100)]
    )


def test_only_free_pairs_are_chosen_and_more_than_there_are_is_one_sentence():
    feature_nd, reward_n, known_dd = responses(12)
    prompt_n = np.arange(12) // 4
    within_nn = prompt_n[:, None] == prompt_n
    chosen_k2 = greedy_all_pairs(feature_nd, reward_n, known_dd, 18, free_nn=within_nn)
    assert len({tuple(pair) for pair in chosen_k2}) == 18
    assert (prompt_n[chosen_k2[:, 0]] == prompt_n[chosen_k2[:, 1]]).all()
    with pytest.raises(DataError, match="19 pairs are to be chosen, and there are 18; ask for fewer"):
        greedy_all_pairs(feature_nd, reward_n, known_dd, 19, free_nn=within_nn)
    with pytest.raises(DataError, match=r"shapes \(12, 6\) and \(3,\)"):
        information_of_all(feature_nd, reward_n[:3])


def test_equal_responses_differ_in_nothing_and_come_last():
    feature_nd, reward_n, known_dd = responses(5)
    feature_nd[4] = feature_nd[0]
    assert greedy_all_pairs(feature_nd, reward_n, known_dd, 10)[-1].tolist() == [0, 4]
