"""What batches are like, against sums by hand and against what must hold."""

import numpy as np
import pytest

from rmkit.active.candidates import Candidates
from rmkit.active.diagnostics import Controls, of_choice
from rmkit.active.strategies.d_optimal import DOptimal
from rmkit.active.strategies.entropy import Entropy
from tests.active.small_settings import GOLD, history, setting


def candidates(seed=0, n_pairs=60, n_dimensions=5):
    rng = np.random.default_rng(seed)
    return Candidates(rng.normal(size=(1, n_pairs)), rng.normal(size=(n_pairs, n_dimensions)), np.eye(n_dimensions))


def about(chosen_m, seed=0):
    seen, chosen_m = candidates(seed), np.asarray(chosen_m)
    return of_choice(seen, chosen_m, Controls.of(seen, len(chosen_m), np.random.default_rng(1)))


def test_a_greedy_batch_is_its_own_control_and_entropys_overlaps_with_itself():
    seen, rng = candidates(), np.random.default_rng(0)
    greedy, open_ = about(DOptimal().select(seen, 10, rng)), about(Entropy().select(seen, 10, rng))
    assert greedy["d_efficiency"] == pytest.approx(1)
    assert greedy["overlap_d_optimal"] == open_["overlap_entropy"] == 1
    assert open_["d_efficiency"] < 1
    assert open_["mean_p_variance"] > greedy["mean_p_variance"]


def test_numbers_are_those_by_hand():
    seen, chosen = candidates(3), [4, 17, 33]
    found = about(chosen, 3)
    p_m = 1 / (1 + np.exp(-seen.margin_sm[0]))
    v_m = p_m * (1 - p_m)

    def log_det(at_m):
        return np.linalg.slogdet(
            np.eye(5) + sum(v_m[m] * np.outer(seen.feature_md[m], seen.feature_md[m]) for m in at_m)
        )[1]

    control = DOptimal().select(seen, 3, np.random.default_rng(0))
    assert found["mean_p_variance"] == pytest.approx(v_m[chosen].mean())
    assert found["log_det_gain"] == pytest.approx(log_det(chosen))
    assert found["d_efficiency"] == pytest.approx(np.exp((log_det(chosen) - log_det(control)) / 5))
    assert found["overlap_d_optimal"] == pytest.approx(len(set(chosen) & set(control.tolist())) / 3)


def test_what_was_asked_is_counted_in_every_batch():
    made = history()
    for batch in made.batches.itertuples():
        asked = made.asked.query("strategy == @batch.strategy and annotations == @batch.annotations")
        first, second = asked["first"].to_numpy(), asked["second"].to_numpy()
        assert batch.distinct_responses == len({*first.tolist(), *second.tolist()})
        wrong = (GOLD.ravel()[first] > GOLD.ravel()[second]) != asked["label"].to_numpy()
        assert batch.label_error == pytest.approx(wrong.mean())
        assert batch.temperature == 1


def test_controls_hold_for_the_same_candidates_and_as_many_pairs_alone():
    controls = Controls.of(candidates(), 3, np.random.default_rng(0))
    assert controls.hold_for(candidates(), 3)
    assert not controls.hold_for(candidates(), 4)
    assert not controls.hold_for(candidates(1), 3)


def test_what_a_batch_is_like_does_not_depend_on_who_chose_before():
    def last_about(*names):
        experiment = setting()
        known, pool_m2 = experiment.start(), experiment.offered(1)
        model = experiment.fit([known], 0)
        return [experiment.choose(name, pool_m2, known, model, 0, 1).about for name in names][-1]

    alone = last_about("entropy")
    assert last_about("random", "entropy") == alone
    assert last_about("random") != alone
