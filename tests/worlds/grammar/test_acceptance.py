"""The five figures by brute force and by worlds in which they are known; a world without variety has no figure."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from rmkit.worlds.grammar.acceptance import (
    BOUNDS,
    MIN_PROMPTS,
    Bound,
    acceptance_figures,
    most_duplicates,
    strongest_feature,
    surface_features,
)
from tests.worlds.grammar.banks import PROMPT_ID_R, D, K, P, bank


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_bounds_are_kept_on_their_own_side():
    assert Bound(0.5, at_least=True).kept_by(0.5)
    assert Bound(0.5, at_least=False).kept_by(0.5)
    assert [Bound(0.5, at_least).kept_by(0.6) for at_least in (True, False)] == [True, False]
    assert [Bound(0.5, at_least).kept_by(0.4) for at_least in (True, False)] == [False, True]
    assert not any(Bound(0.5, at_least).kept_by(float("nan")) for at_least in (True, False))


def test_a_planted_feature_is_found_with_its_strength(rng):
    gold_r = rng.normal(size=P * K)
    features = {f"noise {number}": rng.normal(size=P * K) for number in range(20)}
    features["planted"] = -gold_r + rng.normal(size=P * K)
    name, strength = strongest_feature(PROMPT_ID_R, features, gold_r)
    expected = [
        spearmanr(planted_k, gold_k).statistic
        for planted_k, gold_k in zip(features["planted"].reshape(P, K), gold_r.reshape(P, K), strict=True)
    ]
    assert name == "planted"
    assert strength == pytest.approx(abs(np.mean(expected)))
    assert np.mean(expected) < -0.4


@pytest.mark.parametrize("n_prompts", [MIN_PROMPTS - 1, MIN_PROMPTS])
def test_a_feature_counts_from_so_many_prompts_on_in_which_it_differs(rng, n_prompts):
    gold_r = rng.normal(size=P * K)
    rare = np.where(np.arange(P * K) < n_prompts * K, gold_r, 0.0)
    name, strength = strongest_feature(PROMPT_ID_R, {"rare": rare, "noise": rng.normal(size=P * K)}, gold_r)
    assert (name == "rare") == (n_prompts >= MIN_PROMPTS)
    assert (strength > 0.99) == (n_prompts >= MIN_PROMPTS)


def test_surface_features_by_hand():
    prompts = ["\n\nHuman: My rose is dry.\n\nAssistant:", "\n\nHuman: Hello\n\nAssistant:"]
    answers = ["Water the rose, water the rose!", ""]
    features = surface_features(prompts, answers)
    by_hand = {
        "words": [6, 0],
        "characters": [31, 0],
        "repetition": [0.25, 0],  # water the rose, the rose water, rose water the, water the rose
        "overlap with the prompt": [1 / 6, 0],  # one word of the prompt, in six words
        "the word 'rose'": [1, 0],
        "the word 'the'": [1, 0],
        "the word 'water'": [1, 0],
    }
    assert set(features) == set(by_hand)
    for name, expected in by_hand.items():
        assert features[name].tolist() == pytest.approx(expected), name


def test_most_duplicates_is_the_share_of_the_worst_prompt():
    prompt_id_r = np.array([1, 2, 1, 2, 1, 1, 2])
    assert most_duplicates(prompt_id_r, ["a", "x", "a", "y", "a", "b", "z"]) == 0.5  # 1: a a a b
    assert most_duplicates(prompt_id_r, list("axbycdz")) == 0
    assert most_duplicates(prompt_id_r, ["a"] * 7) == pytest.approx(0.75)
    assert most_duplicates(prompt_id_r, ["a", "a", "b", "b", "c", "d", "c"]) == 0  # across prompts it does not count


def varied_answers(rng):
    return [" ".join(rng.choice(list("abcdefgh"), size=12)) for _ in range(P * K)]


def test_figures_of_a_world_in_which_they_are_known(rng):
    planted_d = rng.normal(size=D)
    banks = []
    for _ in range(2):
        embedding_rd = rng.normal(size=(P * K, D))
        banks.append(bank(rng, varied_answers(rng), embedding_rd @ planted_d, embedding_rd=embedding_rd))
    figures, _ = acceptance_figures(*banks)
    assert figures.keys() == BOUNDS.keys()
    assert figures["probe"] > 0.95
    assert figures["fidelity"] == pytest.approx(1)
    assert figures["duplicates"] == 0
    assert figures["surface"] < 0.5
    assert all(BOUNDS[name].kept_by(value) for name, value in figures.items())


def test_each_figure_breaks_its_bound_in_a_world_made_for_it(rng):
    answers, gold_r = varied_answers(rng), rng.normal(size=P * K)

    def figures(test):
        return acceptance_figures(bank(rng, answers, gold_r), test)

    longer = ["word " * int(n) for n in rng.permuted(np.tile(np.arange(1, K + 1), (P, 1)), axis=1).ravel()]
    found, feature = figures(bank(rng, longer, np.array([len(text) for text in longer], float)))
    assert (found["surface"], feature in ("words", "characters")) == (pytest.approx(1), True)
    found, _ = figures(bank(rng, answers, gold_r))
    assert abs(found["probe"] - 0.5) < 0.1  # embeddings that say nothing
    by_prompt_r = 10 * rng.normal(size=P).repeat(K)
    found, _ = figures(bank(rng, answers, gold_r + by_prompt_r))
    within, total = np.mean(gold_r.reshape(P, K).var(axis=1)), (gold_r + by_prompt_r).var()
    assert found["spread"] == pytest.approx(np.sqrt(within / total), rel=1e-3)
    assert found["spread"] < 0.2
    twice = [answer if number % K else answers[number + 1] for number, answer in enumerate(answers)]
    assert figures(bank(rng, twice, gold_r))[0]["duplicates"] == pytest.approx(1 / K)
    assert figures(bank(rng, answers, gold_r, model_r=-gold_r))[0]["fidelity"] == pytest.approx(-1)
