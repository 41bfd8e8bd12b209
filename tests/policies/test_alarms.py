"""Alarms ring by their rule on curves that are planted, and near gold's peak in worlds whose answer is known."""

import numpy as np
import pytest

from rmkit.errors import DataError
from rmkit.policies.alarms import disagreement, held_out_reward, in_one_unit, late_by, ring, sure_reward
from rmkit.policies.overoptimisation import PLAIN, Resampling
from rmkit.policies.pressure import Pressure, best_of_n_pressure

NS = [1, 2, 4, 8, 16, 32, 64, 128]
N_PROMPTS = 60


def planted(mean_n, noise=0.3, seed=0):
    """(P, N) a reward whose mean at each place is this, where place j takes the response j."""
    away_pn = noise * np.random.default_rng(seed).normal(size=(N_PROMPTS, len(mean_n)))
    return np.asarray(mean_n) + away_pn - away_pn.mean(axis=0)


def rung(pressure, watched_pk, resampling=PLAIN):
    return ring(pressure.curve(pressure.score_pk), pressure.curve(watched_pk), resampling)


def steps(proxy_n):
    """A pressure whose place j takes response j: rewards of responses are curves."""
    score_pk, n = planted(proxy_n, seed=1), len(proxy_n)
    return Pressure(
        "n", np.array(NS[:n], dtype=float), np.arange(n) / 2, score_pk, np.eye(n)[:, None].repeat(N_PROMPTS, 1)
    )


RISING = steps([0, 1, 2, 3, 4, 5])


@pytest.mark.parametrize(
    ("watched_n", "place"),
    [
        ([0, 1, 2, 1.5, 1, 0], 3),
        ([0, 1, 2, 1.98, 1.96, 0], 5),  # falls that the noise hides
        ([0, 1, 2, 1.93, 1.82, 1.75], 4),  # each step is hidden, the fall from the highest is not
        ([0, -1, 0, 1, 2, 3], 1),
        ([0, 1, 2, 2.5, 2.8, 3], None),
    ],
)
def test_it_rings_at_the_first_fall_from_the_highest_that_is_sure(watched_n, place):
    found = rung(RISING, planted(watched_n))
    assert found.place == place
    if place is None:
        assert np.isnan(found.at)
        assert found.reason == "does not ring: the watched reward has not fallen while the proxy rises, up to 32"
    else:
        assert (found.at, found.nats, found.reason) == (NS[place], place / 2, None)
        assert found.fall.high < 0


def test_it_does_not_ring_where_the_proxy_falls_too():
    falling = [0, 1, 2, 1, 0, -1]
    assert rung(steps(falling), planted(falling)).place is None
    assert rung(RISING, planted(falling)).place == 3


def test_too_few_prompts_cannot_ring_and_say_so():
    rng = np.random.default_rng(0)
    score_pk = rng.normal(size=(19, 64))
    found = rung(best_of_n_pressure(score_pk, [1, 8, 64]), -score_pk)
    assert found.place is None
    assert found.reason == "does not ring: 19 prompts are too few for a bootstrap over prompts, which needs 20"


def test_how_late_it_is_and_what_that_costs():
    gold_pk = planted([0, 1, 2, 1.5, 1, 0.5])
    rang = rung(RISING, planted([0, 1, 2, 2.2, 1.5, 1], seed=2))
    found = late_by(RISING.curve(gold_pk), rang)
    assert rang.place == 4
    assert found.peak.estimate == 4
    assert found.late_by == pytest.approx(1.0)  # two places of half a nat
    assert found.lost.estimate == pytest.approx(1.0)
    assert found.lost.low < 1.0 < found.lost.high
    never = late_by(RISING.curve(gold_pk), rung(RISING, RISING.score_pk))
    assert np.isnan(never.late_by)
    assert never.lost.estimate == pytest.approx(1.5)  # optimised to the end
    at_peak = late_by(RISING.curve(RISING.score_pk), rung(RISING, RISING.score_pk))
    assert at_peak.lost.estimate == 0
    assert at_peak.lost.reason == "optimising stops where gold is highest"
    assert at_peak.peak.reason == "no peak in range: the mean is highest at the last place, 32"


def test_held_out_models_ring_near_golds_peak_if_errors_are_heavy_and_never_if_they_are_normal():
    rng = np.random.default_rng(0)
    gold_pk = rng.normal(size=(200, 512))
    held_out_pk = held_out_reward(gold_pk + rng.normal(size=(3, *gold_pk.shape)))
    heavy = best_of_n_pressure(gold_pk + 0.72 * rng.standard_t(2.5, size=gold_pk.shape), NS)
    found = late_by(heavy.curve(gold_pk), rang := rung(heavy, held_out_pk))
    assert found.peak.estimate in (16, 32)
    assert rang.at in (32, 64)
    assert 0 < found.lost.estimate < 0.15
    assert rung(best_of_n_pressure(gold_pk + rng.normal(size=gold_pk.shape), NS), held_out_pk).place is None


def test_an_ensemble_is_sure_of_gold_and_not_of_what_one_member_sees():
    """Members that share no errors disagree on the picks that heavy tails lead to; what they are sure of falls."""
    rng = np.random.default_rng(0)
    gold_pk = rng.normal(size=(200, 512))
    member_spk = gold_pk + 0.72 * rng.standard_t(2.5, size=(4, *gold_pk.shape))
    pressure = best_of_n_pressure(member_spk.mean(axis=0), NS)
    spread_n = pressure.gains(disagreement(member_spk)).mean(axis=0)
    assert (np.diff(spread_n)[1:] > 0).all()
    rang = rung(pressure, sure_reward(member_spk, penalty=2.0))
    assert rang.place is not None
    assert rung(pressure, sure_reward(member_spk, penalty=0.0)).place is None  # the mean alone is the proxy itself
    assert late_by(pressure.curve(gold_pk), rang).lost.estimate < 0.3


def test_members_count_alike_whatever_their_unit_and_origin():
    rng = np.random.default_rng(0)
    score_spk = rng.normal(size=(3, 6, 5))
    other_spk = score_spk * np.array([1.0, 7.0, 0.1])[:, None, None] + rng.normal(size=(3, 6, 1))
    for measure in (held_out_reward, disagreement, sure_reward):
        np.testing.assert_allclose(measure(other_spk), measure(score_spk))
    unit_spk = in_one_unit(score_spk)
    np.testing.assert_allclose(unit_spk.mean(axis=-1), 0, atol=1e-12)
    np.testing.assert_allclose((unit_spk**2).mean(axis=(1, 2)), 1)
    alone = np.sqrt(sum((one - unit_spk.mean(axis=0)) ** 2 for one in unit_spk) / 2)
    np.testing.assert_allclose(sure_reward(score_spk, penalty=3.0), unit_spk.mean(axis=0) - 3 * alone)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: disagreement(np.ones((1, 3, 4))), r"^an ensemble of 1 members cannot disagree; it takes at least 2$"),
        (lambda: held_out_reward(np.stack([np.arange(6.0).reshape(2, 3), np.ones((2, 3))])), r"^reward model 1 gives all responses to a prompt one reward, in every prompt$"),
        (lambda: held_out_reward(np.full((2, 3, 4), np.nan)), r"^the reward at \(0, 0, 0\) is nan; it must be a finite number$"),
        (lambda: held_out_reward(np.ones((3, 4))), r"^rewards of shape \(3, 4\): they must be \(models, prompts, K\), all at least 1$"),
        (lambda: rung(best_of_n_pressure(np.ones((20, 4)), [2]), np.ones((20, 4))), r"^an alarm on gains \(20, 1\) of a proxy with gains \(20, 1\): both must be \(prompts, N\), at the same places, and these at least 2"),
        (lambda: ring(RISING.curve(RISING.score_pk), steps([0, 1, 2]).curve(planted([0, 1, 2]))), r"^an alarm on gains \(60, 3\) of a proxy with gains \(60, 6\): both must be"),
        (lambda: ring(RISING.curve(RISING.score_pk), RISING.curve(RISING.score_pk)._replace(at_n=np.arange(6))), r"at the same places"),
        (lambda: rung(RISING, np.ones((20, 4))), r"^rewards \(20, 4\) and scores \(60, 6\) differ; both must be \(prompts, K\)$"),
        (lambda: rung(RISING, planted([0] * 6), Resampling(n_resamples=0, level=2.0)), r"^level "),
    ],
)  # fmt: skip
def test_what_cannot_be_is_one_line(call, said):
    with pytest.raises(DataError, match=said):
        call()


@pytest.mark.slow
def test_false_alarms_are_rare():
    """A watched reward that has nothing to do with the proxy neither rises nor falls; 5% of 200 within 4 errors."""
    runs, rang = 200, 0
    for rng in np.random.default_rng(3).spawn(runs):
        watched_pk, score_pk = rng.normal(size=(2, 40, 128))
        rang += rung(best_of_n_pressure(score_pk, NS), watched_pk).place is not None
    assert rang / runs < 0.025 + 4 * np.sqrt(0.025 * 0.975 / runs)
