"""Rules that choose within a prompt, against their formulas by loops over pairs, and what they refuse."""

import dataclasses
from itertools import permutations

import numpy as np
import pytest
from scipy.special import expit

from rmkit.active.candidates import Candidates
from rmkit.active.registry import STRATEGIES, strategy
from rmkit.active.strategies.delta_quantile import DeltaQuantile
from rmkit.active.strategies.delta_ucb import DeltaUCB
from rmkit.active.strategies.info_gain import InfoGain
from rmkit.active.strategies.info_max import InfoMax
from rmkit.active.strategies.max_min_lcb import MaxMinLCB
from rmkit.active.strategies.reverse_thompson import ReverseThompson
from rmkit.active.strategies.thompson import Thompson
from rmkit.active.within_prompt import Prompt
from rmkit.errors import DataError, ParamsError
from tests.active.strategies.test_every_strategy import candidates, chosen, of_prompts

C = 0.8
WITHIN = [name for name in STRATEGIES if any(rule in name for rule in ("ucb", "info_", "quantile", "lcb", "thompson"))]


def prompt(n=6, seed=0, uncertainty="joint", missing=()):
    """Responses as a rule sees them, and the same numbers by loops."""
    rng = np.random.default_rng(seed)
    root_kh = rng.normal(size=(n, 4))
    reward_k = rng.normal(size=n)
    sd_k = np.array([np.sqrt(row @ row) for row in root_kh])
    sd_kk = np.array(
        [
            [np.linalg.norm(root_kh[i] - root_kh[j]) if uncertainty == "joint" else sd_k[i] + sd_k[j] for j in range(n)]
            for i in range(n)
        ]
    )
    may_kk = ~np.eye(n, dtype=bool)
    for i, j in missing:
        may_kk[i, j] = may_kk[j, i] = False
    return Prompt(reward_k, sd_k, sd_kk, root_kh, may_kk)


def best_ordered(what, value):
    """The ordered pair of the largest value among the allowed ones."""
    allowed = [(i, j) for i, j in permutations(range(len(what.reward_k)), 2) if what.may_kk[i, j]]
    return max(allowed, key=lambda pair: value(*pair))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("uncertainty", ["joint", "marginal"])
@pytest.mark.parametrize("missing", [(), ((0, 1), (2, 3), (0, 5))])
def test_bounds_are_those_of_the_formulas(seed, uncertainty, missing):
    what, rng = prompt(seed=seed, uncertainty=uncertainty, missing=missing), np.random.default_rng(0)
    r, s = what.reward_k, what.sd_kk
    upper = lambda i, j: r[i] - r[j] + C * s[i, j]  # noqa: E731  u_i - l_j
    assert set(DeltaUCB(c=C).pick(what, rng)[:2]) == set(best_ordered(what, upper))
    width = lambda i, j: expit(upper(i, j)) - expit(-upper(j, i))  # noqa: E731
    i, j, score = InfoMax(c=C).pick(what, rng)
    assert {i, j} == set(best_ordered(what, width))
    assert score == pytest.approx(width(i, j))
    i, j, score = InfoGain(c=C).pick(what, rng)
    assert width(i, j) == max(width(i, k) for k in range(6) if what.may_kk[i, k])
    hopeful = [a for a in range(6) if all(upper(a, b) > 0 for b in range(6) if b != a)]
    lower = lambda i, j: r[i] - r[j] - C * s[i, j]  # noqa: E731
    least = {a: min(lower(a, b) for b in range(6) if what.may_kk[a, b]) for a in hopeful}
    i, j, score = MaxMinLCB(c=C).pick(what, rng)
    assert i == max(least, key=least.get)
    assert lower(i, j) == pytest.approx(least[i])
    assert score == pytest.approx(least[i])


@pytest.mark.parametrize("seed", range(4))
def test_the_quantile_rule_takes_the_best_liked_of_its_window_and_at_1_is_delta_ucb(seed):
    what, rng = prompt(seed=seed), np.random.default_rng(0)
    bound = what.margin_kk + C * what.sd_kk
    ordered = sorted(permutations(range(6), 2), key=lambda pair: bound[pair])  # 30 of them
    middle = round(0.5 * 29)
    window = ordered[middle - 3 : middle + 3]
    best = max(window, key=lambda pair: what.reward_k[pair[0]] + C * what.sd_k[pair[0]])
    assert DeltaQuantile(c=C, quantile=0.5, window=0.2).pick(what, rng)[0] == best[0]
    top = DeltaQuantile(c=C, quantile=1.0, window=0.0).pick(what, rng)[:2]
    assert set(top) == set(DeltaUCB(c=C).pick(what, rng)[:2])


@pytest.mark.parametrize("draws", ["normal", "uniform"])
@pytest.mark.parametrize("uncertainty", ["joint", "marginal"])
def test_thompson_picks_as_often_as_its_draws_win(draws, uncertainty):
    what, rng = prompt(4, seed=2, uncertainty=uncertainty), np.random.default_rng(0)
    n = 20_000
    if draws == "uniform":
        drawn = what.reward_k + what.sd_k * rng.uniform(-1, 1, (n, 4))
    elif uncertainty == "joint":
        drawn = what.reward_k + rng.normal(size=(n, 4)) @ what.root_kh.T
    else:
        drawn = what.reward_k + what.sd_k * rng.normal(size=(n, 4))
    wins, loses = (np.bincount(best, minlength=4) / n for best in (drawn.argmax(axis=1), drawn.argmin(axis=1)))
    for rule, second in ((Thompson, wins), (ReverseThompson, loses)):
        both = np.outer(wins, second)
        np.fill_diagonal(both, 0)
        seen = np.zeros((4, 4))
        for _ in range(3000):
            i, j, _ = rule(draws=draws, uncertainty=uncertainty).pick(what, rng)
            seen[i, j] += 1
        np.testing.assert_allclose(seen / 3000, both / both.sum(), atol=0.05)


def test_what_all_responses_share_cancels_jointly_and_not_marginally():
    what = prompt(3)
    shared = dataclasses.replace(what, root_kh=np.ones((3, 4)) * 9)
    rng = np.random.default_rng(0)
    assert all(Thompson().two(shared, rng)[0] == np.argmax(what.reward_k) for _ in range(50))


@pytest.mark.parametrize("name", WITHIN)
def test_a_batch_has_one_pair_a_prompt_before_any_has_two(name):
    what = candidates()
    prompt_m = what.responses.prompt_u[what.responses.pair_m2[:, 0]]
    for seed in range(3):
        found = prompt_m[chosen(name, what, 25, seed)]
        assert sorted(found[:10]) == list(range(10))
        assert sorted(found[10:20]) == list(range(10))


def test_ranked_prompts_come_by_score_and_random_ones_do_not():
    what = candidates(n_members=1)
    score_m = np.abs(what.margin_sm[0]) + np.linalg.norm(what.feature_md, axis=1)
    ranked = score_m[chosen("delta_ucb", what, 10)]
    assert (np.diff(ranked) <= 0).all()
    assert len({tuple(chosen("delta_ucb_random_prompts", what, 10, seed)) for seed in range(5)}) == 5
    assert set(chosen("delta_ucb_random_prompts", what, 10)) == set(chosen("delta_ucb", what, 10))


@pytest.mark.parametrize("name", WITHIN)
def test_what_is_no_choice_within_a_prompt_is_refused(name):
    what = candidates()
    with pytest.raises(
        DataError, match="chooses among the responses of a prompt, and these candidates do not say them"
    ):
        chosen(name, dataclasses.replace(what, responses=None), 3)
    across = dataclasses.replace(what.responses, prompt_u=np.arange(40))
    with pytest.raises(
        DataError, match="is defined within a prompt, and a candidate has two; use the pool within_prompt"
    ):
        chosen(name, dataclasses.replace(what, responses=across), 3)
    single = of_prompts(9, 2, np.random.default_rng(0).normal(size=(18, 4)), np.zeros((1, 18)))
    with pytest.raises(DataError, match="chooses within a prompt, and each has one pair"):
        chosen(name, single, 3)


def test_shares_beyond_all_are_refused():
    with pytest.raises(ParamsError, match=r"quantile: is 1.2; it must lie between 0 and 1"):
        DeltaQuantile(quantile=1.2)
    assert isinstance(strategy("thompson_published"), Thompson)
    assert len(Candidates.__dataclass_fields__) == 4
