"""One battery for every strategy, and what each is for."""

import dataclasses
from itertools import combinations

import numpy as np
import pytest
from scipy.stats import entropy

from rmkit.active.candidates import Candidates, Responses, checked_choice, largest
from rmkit.active.pools_of_rules import WITHIN_PROMPT
from rmkit.active.registry import STRATEGIES, strategy
from rmkit.active.strategies.batch_bald import BatchBald
from rmkit.active.strategies.entropy import Entropy
from rmkit.active.strategies.random import Random
from rmkit.errors import DataError, ParamsError

every_strategy = pytest.mark.parametrize("name", STRATEGIES)


def of_prompts(n_prompts, n_responses, feature_ud, reward_su):
    """All pairs within prompts."""
    pairs = [pair for p in range(n_prompts) for pair in combinations(range(p * n_responses, (p + 1) * n_responses), 2)]
    pair_m2 = np.array(pairs)
    feature_md = feature_ud[pair_m2[:, 0]] - feature_ud[pair_m2[:, 1]]
    margin_sm = reward_su[:, pair_m2[:, 0]] - reward_su[:, pair_m2[:, 1]]
    prompt_u = np.arange(n_prompts * n_responses) // n_responses
    seen = Responses(pair_m2, prompt_u, feature_ud, reward_su.mean(axis=0))
    return Candidates(margin_sm, feature_md, np.eye(feature_ud.shape[1]), seen)


def candidates(n_members=3, seed=0):
    """60 pairs of 10 prompts."""
    rng = np.random.default_rng(seed)
    return of_prompts(10, 4, rng.normal(size=(40, 4)), rng.normal(size=(n_members, 40)))


def tied(n_prompts=20, n_responses=5):
    return of_prompts(
        n_prompts, n_responses, np.ones((n_prompts * n_responses, 4)), np.zeros((3, n_prompts * n_responses))
    )


def moved(what, order_m, swapped_m):
    """The same candidates in another order, some with their responses exchanged."""
    sign_m = np.where(swapped_m, -1.0, 1.0)
    pair_m2 = np.where(swapped_m[:, None], what.responses.pair_m2[:, ::-1], what.responses.pair_m2)
    return Candidates(
        (what.margin_sm * sign_m)[:, order_m],
        (what.feature_md * sign_m[:, None])[order_m],
        what.known_dd,
        dataclasses.replace(what.responses, pair_m2=pair_m2[order_m]),
    )


def chosen(name, what, n_pairs, seed=0):
    return strategy(name).select(what, n_pairs, np.random.default_rng(seed))


def test_a_strategy_sees_no_label_and_no_gold():
    assert [field.name for field in dataclasses.fields(Candidates)] == [
        "margin_sm", "feature_md", "known_dd", "responses",
    ]  # fmt: skip
    assert [field.name for field in dataclasses.fields(Responses)] == ["pair_m2", "prompt_u", "feature_ud", "reward_u"]


@every_strategy
@pytest.mark.parametrize("n_pairs", [0, 1, 17, 60])
def test_a_choice_is_as_many_different_positions_as_were_asked_for(name, n_pairs):
    found = chosen(name, candidates(), n_pairs)
    assert (found.dtype, found.shape) == (np.int64, (n_pairs,))
    assert set(found) <= set(range(60))
    assert len(set(found)) == n_pairs


@every_strategy
def test_fewer_candidates_than_asked_for_is_one_line_with_both_numbers(name):
    with pytest.raises(DataError, match=r"^61 pairs are to be chosen, and there are 60 candidates; ask for fewer$"):
        chosen(name, candidates(), 61)


@every_strategy
def test_ties_are_broken_by_the_generator_alone(name):
    first, again, other = (list(chosen(name, tied(), 10, seed)) for seed in (1, 1, 2))
    assert first == again != other


@every_strategy
def test_of_equal_pairs_each_is_as_likely_as_any(name):
    choose = BatchBald(n_draws=8) if name == "batch_bald" else strategy(name)
    what = tied(1)
    count_m = sum(np.bincount(choose.select(what, 3, np.random.default_rng(s)), minlength=10) for s in range(500))
    assert np.abs(count_m - 150).max() < 4 * np.sqrt(500 * 0.3 * 0.7)


@every_strategy
def test_what_was_given_is_left_as_it_was(name):
    what, same = candidates(), candidates()
    chosen(name, what, 20)
    for name in ("margin_sm", "feature_md", "known_dd"):
        np.testing.assert_array_equal(getattr(what, name), getattr(same, name))
    for field in dataclasses.fields(Responses):
        np.testing.assert_array_equal(getattr(what.responses, field.name), getattr(same.responses, field.name))


DRAWN = {
    "random",
    "noisy_level_set",
    "coreset",
    "coreset_published",
    "batch_bald",
    "d_optimal_shuffled",
}  # by chance too
DRAWN |= {name for name in STRATEGIES if "thompson" in name or "info_gain" in name}
DRAWN |= {name for name in STRATEGIES if name.endswith(("_random_prompts", "_published"))}
fixed = pytest.mark.parametrize("name", [name for name in STRATEGIES if name not in DRAWN])


@fixed
def test_the_order_of_the_candidates_says_nothing(name):
    what, order_m = candidates(), np.random.default_rng(3).permutation(60)
    other = moved(what, order_m, np.zeros(60, bool))
    np.testing.assert_array_equal(order_m[chosen(name, other, 20)], chosen(name, what, 20))


@fixed
def test_which_response_comes_first_says_nothing(name):
    what = candidates()
    other = moved(what, np.arange(60), np.random.default_rng(4).random(60) < 0.5)
    np.testing.assert_array_equal(chosen(name, other, 20), chosen(name, what, 20))


def test_entropy_takes_the_pairs_of_the_largest_entropy():
    what = candidates(n_members=1)
    p_m = 1 / (1 + np.exp(-what.margin_sm[0]))
    entropy_m = entropy(np.stack([p_m, 1 - p_m]))
    np.testing.assert_array_equal(chosen("entropy", what, 60), np.argsort(-entropy_m))


def test_entropy_asks_what_the_ensemble_agrees_to_be_open_not_where_it_quarrels_to_one_side():
    margin_sm = np.array([[1.0, 3.0, 0.5], [1.0, -3.1, 0.5]])
    assert list(chosen("entropy", Candidates(margin_sm, np.ones((3, 1)), np.eye(1)), 2)) == [1, 2]


def test_random_looks_at_nothing():
    assert list(chosen("random", candidates(seed=1), 9)) == list(chosen("random", candidates(seed=2), 9))


def test_largest_comes_first():
    assert list(largest(np.array([0.5, 3.0, -1.0, 2.0]), 3, np.random.default_rng(0))) == [1, 3, 0]


def test_a_strategy_has_a_name():
    assert isinstance(strategy("random"), Random)
    assert isinstance(strategy("entropy"), Entropy)
    listed = ", ".join(STRATEGIES)
    with pytest.raises(ParamsError, match=f"'entropi' is not one of {listed}; did you mean 'entropy'"):
        strategy("entropi")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"feature_md": np.ones(60)}, r"feature_md: has shape \(60,\); it must be \(M, D\)"),
        ({"margin_sm": np.ones((3, 59))}, r"margin_sm: has shape \(3, 59\); it must be \(S, 60\)"),
        ({"margin_sm": np.ones((0, 60))}, r"margin_sm: has shape \(0, 60\)"),
        ({"known_dd": np.eye(3)}, r"known_dd: has shape \(3, 3\); it must be \(4, 4\)"),
        ({"margin_sm": np.full((1, 60), np.nan)}, r"margin_sm\[0, 0\] is nan; it must be a finite number"),
        ({"feature_md": np.full((60, 4), np.inf)}, r"feature_md\[0, 0\] is inf; it must be a finite number"),
        ({"feature_md": np.full((60, 4), -1e160)}, r"feature_md: reaches 1e\+160 in size, and rules square it twice"),
        ({"margin_sm": np.full((1, 60), 1e80)}, r"margin_sm: reaches 1e\+80 in size, .*; keep within 1e\+70$"),
    ],
)
def test_candidates_that_do_not_fit_are_one_line(change, says):
    with pytest.raises(DataError, match=f"^{says}"):
        dataclasses.replace(candidates(), **change)


def with_responses(**change):
    what = candidates()
    return dataclasses.replace(what, responses=dataclasses.replace(what.responses, **change))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"reward_u": np.full(40, np.nan)}, r"reward_u\[0\] is nan; it must be a finite number"),
        ({"feature_ud": np.full((40, 4), np.inf)}, r"feature_ud\[0, 0\] is inf; it must be a finite number"),
        ({"feature_ud": np.ones((40, 3))}, r"feature_ud: has shape \(40, 3\); it must be \(40, 4\)"),
        ({"prompt_u": np.zeros(39, int)}, r"prompt_u: has shape \(39,\); it must be \(40,\)"),
        ({"reward_u": np.ones((40, 1))}, r"reward_u: has shape \(40, 1\); it must be \(40,\)"),
        ({"pair_m2": np.zeros((59, 2), int)}, r"pair_m2: has shape \(59, 2\); it must be \(60, 2\)"),
        ({"pair_m2": np.ones((60, 2))}, r"pair_m2: holds float64; it must hold whole positions"),
        ({"pair_m2": np.full((60, 2), (0, 40))}, r"pair_m2, row 0: is \[0, 40\]; it must be two different of 40"),
        ({"pair_m2": np.full((60, 2), (-1, 3))}, r"pair_m2, row 0: is \[-1, 3\]; it must be two different of 40"),
        ({"pair_m2": np.full((60, 2), (3, 3))}, r"pair_m2, row 0: is \[3, 3\]; it must be two different of 40"),
    ],
)
def test_responses_that_do_not_fit_are_one_line(change, says):
    with pytest.raises(DataError, match=rf"^responses\.{says}"):
        with_responses(**change)


@pytest.mark.parametrize("name", sorted(WITHIN_PROMPT))
def test_a_pair_that_is_there_twice_is_one_line_and_no_wait(name):
    pair_m2 = candidates().responses.pair_m2.copy()
    pair_m2[7] = pair_m2[3][::-1]
    with pytest.raises(DataError, match=r"responses .* are a candidate 2 times; give each pair once$"):
        chosen(name, with_responses(pair_m2=pair_m2), 60)


@pytest.mark.parametrize(
    ("returned", "sentence"),
    [
        (np.array([True, False, True]), r"mine.select returned bool of shape \(3,\); it must return whole positions"),
        (np.array([[0, 1]]), "it must return whole positions"),
        (np.array([0, 0]), "mine.select returned positions twice"),
        (np.array([0, 3]), "beyond the 3 candidates"),
        ([[0], [1, 2]], r"mine.select returned \[\[0\], \[1, 2\]\]; it must return whole positions"),
        ([None], "mine.select returned object of shape"),
    ],
)
def test_a_strategy_that_returns_something_else_is_told_what_is_right(returned, sentence):
    candidates = Candidates(margin_sm=np.zeros((1, 3)), feature_md=np.ones((3, 2)), known_dd=np.eye(2))
    with pytest.raises(DataError, match=sentence):
        checked_choice(returned, candidates, "mine", n_pairs=len(returned))
