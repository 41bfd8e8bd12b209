"""Every strategy on candidates that are odd: pairs that are all different, or one sentence; no other end.

Copies of one response, embeddings that are all alike, zero, on a line or of one dimension that dwarfs the others,
numbers near the ends of float64, rewards that say nothing or are sure of all, information near the ends of float64, and
as many pairs as there are, or more. What is chosen is a set of different positions, whatever the oddity; where a rule's
arithmetic cannot choose, a DataError says so. Warnings are errors in tests, so that no NaN decides.
"""

import signal
from contextlib import contextmanager

import numpy as np
import pytest

from rmkit.active.candidates import Candidates, Responses
from rmkit.active.registry import STRATEGIES, strategy
from rmkit.errors import DataError

pytestmark = pytest.mark.slow  # many of them, each a moment

N_PROMPTS, N_RESPONSES, N_DIMENSIONS = 4, 4, 3
PROMPT_U = np.repeat(np.arange(N_PROMPTS), N_RESPONSES)
PAIR_M2 = np.array([(a, b) for a in range(16) for b in range(a + 1, 16) if PROMPT_U[a] == PROMPT_U[b]])
FEATURE_UD = np.random.default_rng(0).normal(size=(16, N_DIMENSIONS))
REWARD_U = FEATURE_UD[:, 0] / 5
SECONDS = 60  # that a moment may take on a busy machine


def candidates(feature_ud=FEATURE_UD, reward_u=REWARD_U, known=1.0):
    """All pairs within prompts. known: what the information is a multiple of the identity of, or its diagonal."""
    first_m, second_m = PAIR_M2.T
    known_dd = np.diag(np.broadcast_to(np.asarray(known, dtype=np.float64), (feature_ud.shape[1],)))
    margin_m, feature_md = (values[first_m] - values[second_m] for values in (reward_u, feature_ud))
    return Candidates(margin_m[None], feature_md, known_dd, Responses(PAIR_M2, PROMPT_U, feature_ud, reward_u))


CASES = {
    "ordinary": lambda: candidates(),
    "two responses copied": lambda: candidates(np.repeat(FEATURE_UD[:2], 8, axis=0)),
    "copies within each prompt": lambda: candidates(FEATURE_UD[[0, 0, 1, 1] * 4], REWARD_U[[0, 0, 1, 1] * 4]),
    "identical embeddings": lambda: candidates(np.tile(FEATURE_UD[0], (16, 1))),
    "all-zero embeddings": lambda: candidates(np.zeros((16, N_DIMENSIONS))),
    "a dimension of 1e60": lambda: candidates(FEATURE_UD * (1, 1, 1e60)),
    "a dimension of 1e69": lambda: candidates(FEATURE_UD * (1, 1, 1e69)),
    "a dimension of 1e-200": lambda: candidates(FEATURE_UD * (1, 1, 1e-200)),
    "one response aside, by 1e-200": lambda: candidates(np.eye(16)[:, :3] * (1, 1e-200, 1e-200)),
    "on a line": lambda: candidates(np.outer(FEATURE_UD[:, 0], np.ones(N_DIMENSIONS))),
    "more dimensions than pairs": lambda: candidates(np.random.default_rng(1).normal(size=(16, 40))),
    "embeddings times 1e-160": lambda: candidates(FEATURE_UD * 1e-160),
    "embeddings times 1e-170": lambda: candidates(FEATURE_UD * 1e-170),
    "embeddings times 1e-310": lambda: candidates(FEATURE_UD * 1e-310),
    "embeddings times 1e69": lambda: candidates(FEATURE_UD * 1e69),
    "constant rewards": lambda: candidates(reward_u=np.zeros(16)),
    "sure rewards": lambda: candidates(reward_u=REWARD_U * 1e5),
    "rewards of 1e69": lambda: candidates(reward_u=REWARD_U * 1e69),
    "float32": lambda: candidates(FEATURE_UD.astype(np.float32), REWARD_U.astype(np.float32)),
    "information of 1e300": lambda: candidates(known=1e300),
    "information and embeddings large": lambda: candidates(FEATURE_UD * 1e69, known=1e138),
    "information of 1e-160": lambda: candidates(known=1e-160),
    "information of 1e-300": lambda: candidates(known=1e-300),
    "information of 1e-310": lambda: candidates(known=1e-310),
    "information from 1e-300 to 1e300": lambda: candidates(known=(1e300, 1, 1e-300)),
    "singular information": lambda: candidates(known=(1, 1, 0)),
    "negative information": lambda: candidates(known=(1, 1, -1)),
}
WITHOUT_AN_ERROR = {  # where every strategy must choose: nothing in these is beyond its arithmetic
    "ordinary", "two responses copied", "copies within each prompt", "identical embeddings", "all-zero embeddings",
    "on a line", "more dimensions than pairs", "embeddings times 1e-160", "embeddings times 1e-170",
    "embeddings times 1e-310", "constant rewards", "sure rewards", "rewards of 1e69", "float32",
    "a dimension of 1e-200", "one response aside, by 1e-200", "information of 1e300",
    "information and embeddings large",
}  # fmt: skip


@contextmanager
def at_most(seconds):
    """TimeoutError for what does not end."""

    def late(*_):
        raise TimeoutError(f"has not ended after {seconds} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("n_pairs", [0, 1, 5, len(PAIR_M2)])
@pytest.mark.parametrize("case", CASES)
def test_a_choice_is_of_different_pairs_or_one_sentence_says_why_there_is_none(case, n_pairs):
    seen, refused = CASES[case](), {}
    for name in STRATEGIES:
        with at_most(SECONDS):
            try:
                chosen_m = strategy(name).select(seen, n_pairs, np.random.default_rng(1))
            except DataError as fault:
                refused[name] = str(fault)
                continue
        assert chosen_m.dtype == np.int64, name
        assert len(set(chosen_m.tolist())) == len(chosen_m) == n_pairs, name
        assert set(chosen_m.tolist()) <= set(range(len(seen))), name
    if case in WITHOUT_AN_ERROR:
        assert not refused
    assert all("\n" not in said for said in refused.values())


@pytest.mark.parametrize("case", CASES)
def test_more_pairs_than_there_are_is_told_before_anything_else(case):
    seen = CASES[case]()
    for name in STRATEGIES:
        with pytest.raises(DataError, match="25 pairs are to be chosen, and there are 24 candidates; ask for fewer"):
            strategy(name).select(seen, 25, np.random.default_rng(1))


@pytest.mark.parametrize("power", [-60, -30, 30, 60])
def test_a_choice_that_knows_no_unit_is_the_same_in_another(power):
    """Embeddings in units of 2^p and information in 2^2p are the same candidates."""
    unit = 2.0**power
    for name in STRATEGIES:
        if name in (
            "d_optimal_one_shot",
            "linear_design",
            "coreset_published",
        ):  # a jitter or a radius in a unit, as released
            continue
        both = candidates(), candidates(FEATURE_UD * unit, known=unit**2)
        one_m, other_m = (strategy(name).select(seen, 5, np.random.default_rng(2)) for seen in both)
        np.testing.assert_array_equal(one_m, other_m, name)
