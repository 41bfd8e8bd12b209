"""What strategies see of candidates, the labelled pairs, the unit of the prior, and settings that cannot be."""

import numpy as np
import pytest
from scipy.special import expit

from rmkit.active.budget import Budget
from rmkit.active.setting import Labelled, as_seen, typical_difference
from rmkit.errors import DataError, ParamsError
from tests.active.small_settings import EMBEDDING, GOLD, N_DIMENSIONS, setting


def test_candidates_are_margins_differences_and_what_the_labelled_pairs_tell():
    experiment = setting()
    known, pool_m2 = experiment.start(), experiment.offered(1)
    model = experiment.fit([known, known], 0)
    seen = as_seen(model, 1, EMBEDDING, pool_m2, known.pair_m2, prior=0.4)
    reward_r = model.score(EMBEDDING)[1].astype(float)
    np.testing.assert_allclose(
        seen.margin_sm[0], reward_r[pool_m2[:, 0]] - reward_r[pool_m2[:, 1]], rtol=1e-4, atol=1e-5
    )
    feature_rh = model.last_layer(EMBEDDING)[0][1].astype(float)
    np.testing.assert_allclose(seen.feature_md, feature_rh[pool_m2[:, 0]] - feature_rh[pool_m2[:, 1]], atol=1e-6)
    known_dd = 0.4 * np.eye(N_DIMENSIONS)
    for first, second in known.pair_m2:
        p, x_d = expit(reward_r[first] - reward_r[second]), feature_rh[first] - feature_rh[second]
        known_dd += p * (1 - p) * np.outer(x_d, x_d)
    np.testing.assert_allclose(seen.known_dd, known_dd, rtol=1e-4, atol=1e-5)


def test_labelled_pairs_keep_their_order():
    first, then = Labelled(np.array([[0, 1]]), np.array([1])), Labelled(np.array([[2, 3]]), np.array([0]))
    both = first.followed_by(then)
    assert both.pair_m2.tolist() == [[0, 1], [2, 3]]
    assert both.label_m.tolist() == [1, 0]
    train_m2, validation_m2 = both.split(holds_out=True)
    assert (train_m2.tolist(), validation_m2.tolist()) == ([[0, 1], [3, 2]], [])
    all_m2, looked_at_m2 = both.split(holds_out=False)
    assert all_m2.tolist() == looked_at_m2.tolist() == [[0, 1], [3, 2]]


def test_a_setting_that_does_not_fit_together_is_one_line():
    with pytest.raises(DataError, match=r"^240 embeddings and questions about 234 responses; there must be one"):
        setting(gold_pk=GOLD[1:])
    with pytest.raises(ParamsError, match=r"^reward_model: lightgbm_bt has no last layer, which strategies look at$"):
        setting(reward_model="lightgbm_bt")


class NoChoice:
    """Has no method to choose by."""


class Chooses:
    def select(self, candidates, n_pairs, rng):
        return np.arange(n_pairs)


@pytest.mark.parametrize(
    ("mine", "said"),
    [
        (NoChoice(), r"^strategies: mine has no method to `select` by; give an object of a class that has it$"),
        (Chooses, r"^strategies: mine has no method to `select` by; give Chooses\(\)$"),
        (None, r"^strategies: mine has no method to `select` by"),
    ],
)
def test_a_strategy_that_cannot_choose_is_told_before_anything_is_asked(mine, said):
    with pytest.raises(ParamsError, match=said):
        setting(strategies={"mine": mine})


def test_the_unit_of_the_prior_is_a_typical_difference_and_no_fits_own():
    first, second = np.random.default_rng(0).integers(len(EMBEDDING), size=(2, 200_000))
    lengths_m = np.linalg.norm(EMBEDDING[first].astype(float) - EMBEDDING[second], axis=1)
    assert typical_difference(EMBEDDING) == pytest.approx(np.sqrt((lengths_m**2).mean()), rel=0.01)
    experiment = setting(reward_model="linear_bt")
    near, far = experiment.ask(np.array([[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]])), experiment.start()
    assert set(experiment.fit([near, far], 1).scale_s_) == {typical_difference(EMBEDDING)}


@pytest.mark.parametrize("block_numbers", [1, 7, 100, 2**22])
@pytest.mark.parametrize("n_dimensions", [1, 2, 3, 16])
def test_the_unit_of_the_prior_is_the_same_to_the_last_bit_in_whatever_blocks_it_is_read(
    monkeypatch, n_dimensions, block_numbers
):
    monkeypatch.setattr("rmkit.reward_models.inputs.BLOCK_NUMBERS", block_numbers)
    embedding_rd = np.random.default_rng(1).normal(3, 2, size=(501, n_dimensions)).astype(np.float16)
    whole = float(np.sqrt(2 * embedding_rd.astype(np.float64).var(axis=0).sum()))
    if n_dimensions == 1:  # numpy adds one column in pairs
        assert typical_difference(embedding_rd) == pytest.approx(whole, rel=1e-14)
    else:
        assert typical_difference(embedding_rd) == whole


def test_a_linear_head_is_fitted_on_each_label_once_with_the_prior_of_the_design():
    """The minimum of the sum of losses plus prior / 2 |w|^2, of which M is the second derivative."""
    experiment = setting(prior=0.7)
    known = experiment.start()
    model = experiment.fit([known], 0)
    feature_srh, weight_sh = model.last_layer(EMBEDDING)
    won_m2, weight_h = known.won_m2, weight_sh[0].astype(float)
    difference_mh = feature_srh[0][won_m2[:, 0]].astype(float) - feature_srh[0][won_m2[:, 1]]
    gradient_h = 0.7 * weight_h - expit(-difference_mh @ weight_h) @ difference_mh
    np.testing.assert_allclose(gradient_h, 0, atol=1e-4)


def test_a_round_that_runs_out_of_pairs_says_who_and_when():
    budget = Budget(n_start=5, n_rounds=3, n_batch=5, n_prompts=2, n_candidates=30)
    small = setting(gold_pk=GOLD[:2], embedding_rd=EMBEDDING[:12], pool="within_prompt", budget=budget)
    known = small.ask(small.offered(1)[:26])
    with pytest.raises(
        DataError, match=r"^random, round 2: 5 pairs are to be chosen, and after 26 labels 4 of the within"
    ):
        small.choose("random", small.offered(2), known, small.fit([known], 1), 0, 2)


def test_a_strategy_that_chooses_too_few_is_told_so_before_anything_is_asked():
    class Fewer:
        def select(self, candidates, n_pairs, rng):
            return np.arange(n_pairs - 1)

    experiment = setting(strategies={"fewer": Fewer()})
    known = experiment.start()
    with pytest.raises(DataError, match=r"^fewer\.select returned 9 positions, and 10 were asked for$"):
        experiment.choose("fewer", experiment.offered(1), known, experiment.fit([known], 0), 0, 1)


def test_embeddings_that_are_all_the_same_are_told_as_such():
    with pytest.raises(DataError, match=r"^embeddings: all responses have the same one"):
        typical_difference(np.ones((6, 3)))
