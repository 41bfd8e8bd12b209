import numpy as np
import pytest
from scipy.special import expit

from rmkit.active.calibrated import held_out_temperatures
from rmkit.errors import DataError
from rmkit.measures.information import p_variance
from rmkit.measures.margins import pair_log_loss
from rmkit.measures.temperature import temperatures
from rmkit.reward_models.registry import build
from rmkit.training_sets.pair_sets import PairSets
from tests.reward_models.worlds import PlantedWorld, with_more_padding

WORLD = PlantedWorld.make(0, n_responses=1500, n_dimensions=16)
N_FITS = 6
TRAIN, _ = WORLD.sets([100] * N_FITS, seed=1)
HELD_OUT, OTHER = (WORLD.sets([100] * N_FITS, seed=seed)[0] for seed in (2, 3))


@pytest.fixture(scope="module")
def overtrained():
    head = build("mlp_bt", procedure="full_batch", hidden=(32, 32, 32), max_steps=500)
    return head.fit(WORLD.embedding_rd, TRAIN, TRAIN, rng_s=np.random.default_rng(0).spawn(N_FITS))


def margins(model, pairs):
    reward_sr = model.score(WORLD.embedding_rd).astype(float)
    chosen_sm, rejected_sm = (np.take_along_axis(reward_sr, side, 1) for side in (pairs.chosen_sm, pairs.rejected_sm))
    return chosen_sm - rejected_sm


def test_it_is_the_temperature_of_each_fits_own_held_out_margins(overtrained):
    expected_s = temperatures(margins(overtrained, HELD_OUT))
    np.testing.assert_allclose(held_out_temperatures(overtrained, WORLD.embedding_rd, HELD_OUT), expected_s, rtol=1e-4)
    padded = with_more_padding(HELD_OUT, 20)
    np.testing.assert_allclose(held_out_temperatures(overtrained, WORLD.embedding_rd, padded), expected_s, rtol=1e-4)


def test_a_network_that_learns_its_labels_by_heart_is_made_calibrated_again(overtrained):
    """On pairs that chose neither weights nor temperature: a smaller log-loss, and p (1 - p) nearer to the labels'."""
    temperature_s = held_out_temperatures(overtrained, WORLD.embedding_rd, HELD_OUT)
    assert (temperature_s > 2).all()
    raw_sm = margins(overtrained, OTHER)
    calm_sm = raw_sm / temperature_s[:, None]
    gain_s = (pair_log_loss(raw_sm) - pair_log_loss(calm_sm)).mean(axis=1)
    assert gain_s.mean() > 3 * gain_s.std(ddof=1) / np.sqrt(N_FITS)
    planted_sm = WORLD.reward_r[OTHER.chosen_sm] - WORLD.reward_r[OTHER.rejected_sm]
    true = p_variance(planted_sm).mean()
    assert p_variance(raw_sm).mean() < true / 2
    assert true / 1.5 < p_variance(calm_sm).mean() < 1.5 * true
    wins = np.mean(raw_sm > 0)
    assert expit(np.abs(calm_sm)).mean() == pytest.approx(wins, abs=0.05)  # confidence is accuracy


def test_pairs_that_were_learned_from_say_too_little(overtrained):
    learned_s = held_out_temperatures(overtrained, WORLD.embedding_rd, TRAIN)
    assert (learned_s < held_out_temperatures(overtrained, WORLD.embedding_rd, HELD_OUT) / 2).all()


def test_a_stronger_prior_holds_it_nearer_to_1(overtrained):
    loose_s, tight_s = (
        held_out_temperatures(overtrained, WORLD.embedding_rd, HELD_OUT, strength=strength) for strength in (1.0, 1e6)
    )
    assert (tight_s < loose_s).all()
    np.testing.assert_allclose(tight_s, 1, atol=1e-2)


def test_other_sets_than_fits_are_counted(overtrained):
    one = PairSets.padded([(np.array([0]), np.array([1]))])
    with pytest.raises(DataError, match="6 fits but 1 sets of held-out pairs; each fit needs its own"):
        held_out_temperatures(overtrained, WORLD.embedding_rd, one)
