"""The five figures by brute force and by worlds in which they are known; a world without variety has no figure."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from rmkit.artifacts.bank import ResponseBank
from rmkit.evaluation.probe import centred, probe
from rmkit.measures.ranking import pair_accuracy
from rmkit.worlds.grammar.acceptance import (
    BOUNDS,
    MIN_PROMPTS,
    Bound,
    acceptance_figures,
    most_duplicates,
    strongest_feature,
    surface_features,
)
from rmkit.worlds.grammar.summary import summary_rows

P, K, D = 30, 8, 6
PROMPT_ID_R = np.repeat(np.arange(P) * 3, K)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def ids_in_no_order(rng):
    return rng.permutation(np.repeat([4, 1, 9], [5, 1, 4]))


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


@pytest.mark.parametrize("levels", [3, 1000])
def test_pair_accuracy_by_brute_force(rng, levels):
    for _ in range(20):
        prompt_id_r = ids_in_no_order(rng)
        score_r, gold_r = rng.integers(0, levels, size=(2, len(prompt_id_r)))
        points = [
            0.5 if score_r[a] == score_r[b] else float((score_r[a] > score_r[b]) == (gold_r[a] > gold_r[b]))
            for a, b in itertools.combinations(range(len(prompt_id_r)), 2)
            if prompt_id_r[a] == prompt_id_r[b] and gold_r[a] != gold_r[b]
        ]
        assert pair_accuracy(prompt_id_r, score_r, gold_r) == pytest.approx(np.mean(points))


def test_pair_accuracy_is_undefined_without_a_pair():
    assert np.isnan(pair_accuracy(np.array([0, 0, 1]), np.arange(3.0), np.array([1.0, 1.0, 2.0])))


def test_most_duplicates_is_the_share_of_the_worst_prompt():
    prompt_id_r = np.array([1, 2, 1, 2, 1, 1, 2])
    assert most_duplicates(prompt_id_r, ["a", "x", "a", "y", "a", "b", "z"]) == 0.5  # 1: a a a b
    assert most_duplicates(prompt_id_r, list("axbycdz")) == 0
    assert most_duplicates(prompt_id_r, ["a"] * 7) == pytest.approx(0.75)
    assert most_duplicates(prompt_id_r, ["a", "a", "b", "b", "c", "d", "c"]) == 0  # across prompts it does not count


@pytest.mark.parametrize("shape", [(10,), (10, 3)])
def test_centred_by_brute_force(rng, shape):
    prompt_id_r, values = ids_in_no_order(rng), rng.normal(size=shape)
    expected = [
        value - values[prompt_id_r == prompt_id].mean(axis=0)
        for value, prompt_id in zip(values, prompt_id_r, strict=True)
    ]
    np.testing.assert_allclose(centred(prompt_id_r, values), expected, atol=1e-12)


@pytest.mark.parametrize("noise", [0.0, 1.0])
def test_the_probe_recovers_a_planted_linear_gold(rng, noise):
    """Whatever the scales and the means of the dimensions, and whatever each prompt adds."""
    scale_d, planted_d = 10.0 ** np.arange(-2, D - 2), rng.normal(size=D)
    embedding_rd = scale_d * (
        rng.normal(size=(P * K, D)) + 3 + rng.normal(size=(P, 1, D)).repeat(K, axis=1).reshape(-1, D)
    )
    gold_r = embedding_rd @ (planted_d / scale_d) + 5 * rng.normal(size=P).repeat(K) + noise * rng.normal(size=P * K)
    learned_d = probe(embedding_rd, PROMPT_ID_R, gold_r) * scale_d
    cosine = learned_d @ planted_d / np.linalg.norm(learned_d) / np.linalg.norm(planted_d)
    assert cosine > 0.97
    assert 0.8 < np.linalg.norm(learned_d) / np.linalg.norm(planted_d) < 1.2


def test_the_probe_makes_little_of_a_dimension_that_is_constant(rng):
    embedding_rd = np.hstack([rng.normal(size=(P * K, D)), np.full((P * K, 1), 7.0)])
    weight_d = probe(embedding_rd, PROMPT_ID_R, rng.normal(size=P * K))
    assert np.isfinite(weight_d).all()
    assert abs(weight_d[-1]) < 1e-3


def bank(rng, answers, gold_r, *, model_r=None, embedding_rd=None):
    prompts = pd.DataFrame(
        {"prompt_id": np.arange(P) * 3, "prompt": "\n\nHuman: Hi\n\nAssistant:", "category": "garden"}
    )
    responses = pd.DataFrame(
        {"prompt_id": PROMPT_ID_R, "response": answers, "answer": answers, "n_tokens": 5, "finish_reason": "stop"}
    )
    for term in ("relevance", "steps", "politeness", "harm", "repetition", "length"):
        responses[term] = 0.0
    source = {"model": "m", "revision": None, "template": None}
    scores = {"rule": gold_r, "model": gold_r if model_r is None else model_r}
    return ResponseBank(
        prompts, responses,
        (rng.normal(size=(P * K, D)) if embedding_rd is None else embedding_rd).astype(np.float16), {},
        {name: score.astype(np.float32) for name, score in scores.items()}, dict.fromkeys(scores, source),
    )  # fmt: skip


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


def test_result_rows_say_which_surface_feature_was_the_strongest(rng):
    longer = ["word " * int(n) for n in rng.permuted(np.tile(np.arange(1, K + 1), (P, 1)), axis=1).ravel()]
    test = bank(rng, longer, np.array([text.count("word") for text in longer], float))
    rows = summary_rows({"train": bank(rng, longer, rng.normal(size=P * K)), "test": test})
    surface = rows[rows["metric"] == "surface"]
    assert surface["detail"].tolist() in (["words"], ["characters"])
    assert {"fit", "metric", "value", "reason", "units", "part", "category", "scorer"} <= set(rows)
    assert rows[["fit", "metric", "units", "part", "category", "scorer"]].notna().all(axis=None)
    gold = rows[
        (rows["metric"] == "gold_mean")
        & (rows["part"] == "test")
        & (rows["category"] == "all")
        & (rows["scorer"] == "rule")
    ]
    assert gold["value"].tolist() == [pytest.approx((K + 1) / 2)]


def test_a_policy_that_always_says_the_same_has_rows_with_a_reason(rng):
    """As one that collapsed, or at a low temperature: no figure is a number, and none is a silent NaN."""
    same = [["Yes.", "No.", "So."][number % 3] for number in np.arange(P).repeat(K)]
    banks = {part: bank(rng, same, np.arange(P).repeat(K).astype(float)) for part in ("train", "test")}
    rows = summary_rows(banks).set_index("metric")
    for figure in ("surface", "probe", "fidelity"):
        assert pd.isna(rows.loc[figure, "value"])
        assert rows.loc[figure, "reason"]
    assert rows.loc["duplicates", "value"] == pytest.approx(1 - 1 / K)
    assert rows.loc["spread", "value"] == 0
