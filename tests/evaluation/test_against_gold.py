import itertools
import math
import tracemalloc

import numpy as np
import pandas as pd
import pytest

from rmkit.annotation.annotators import Annotator
from rmkit.artifacts.metric import Axis, Metric
from rmkit.errors import DataError
from rmkit.evaluation.against_gold import (
    NO_ANNOTATOR,
    NOTHING_TO_ORDER,
    ONE_REWARD,
    TOO_ALIKE,
    evaluate_against_gold,
)
from rmkit.measures.best_of_n import best_of_n
from rmkit.measures.margins import expected_calibration_error
from rmkit.policies.stored_responses import beta_at_kl, kl_optimum, value

RNG = np.random.default_rng(1)
GOLD_PK = RNG.normal(size=(5, 6))
PROMPT_ID_P = np.array([3, 4, 7, 8, 9])
FITS = pd.DataFrame({"fit": ["gold", "noisy"], "beta": [np.inf, 1.0]})
REWARD_FR = np.stack([GOLD_PK.ravel(), (GOLD_PK + RNG.normal(size=GOLD_PK.shape)).ravel()])


def evaluate(reward_fr=REWARD_FR, gold_pk=GOLD_PK, ns=(1, 6), fits=FITS, prompt_id_p=PROMPT_ID_P, **options):
    return evaluate_against_gold(fits, reward_fr, gold_pk, prompt_id_p, ns=ns, **options)


def prefers_first(beta, gold_m2):
    return Annotator(beta).prefers_first(gold_m2)


def test_rows_are_the_means_of_the_evaluations():
    rows, evaluations = evaluate()
    by_name = {}
    for (metric, n), group in rows.groupby(["metric", "n"], dropna=False):
        by_name[metric, "" if np.isnan(n) else int(n)] = group.set_index("fit")
    for metric in evaluations.metrics():
        value_fp = evaluations.value_fp(metric)
        of_metric = by_name.pop((metric.name, "" if metric.at is None else metric.at))
        np.testing.assert_allclose(of_metric.loc[["gold", "noisy"], "value"], value_fp.mean(axis=1), rtol=1e-6)
        assert (of_metric["units"] == 5).all()
    assert not by_name
    assert set(rows["split"]) == {"test prompts"}


def test_gold_itself_is_in_perfect_order_and_the_best_of_one_is_the_mean():
    rows, _ = evaluate()
    gold = rows[rows["fit"] == "gold"].set_index(["metric", "n"])["value"]
    np.testing.assert_allclose(gold["accuracy"], 1.0)
    np.testing.assert_allclose(gold["spearman"], 1.0)
    np.testing.assert_allclose(gold["best_of_n", 1.0], GOLD_PK.mean(), rtol=1e-6)
    np.testing.assert_allclose(gold["best_of_n", 6.0], GOLD_PK.max(axis=1).mean(), rtol=1e-6)
    np.testing.assert_allclose(gold["quantile_of_pick", 6.0], 5.5 / 6)  # itself counts half
    assert ("quantile_of_pick", 1.0) not in gold.index  # for the largest n alone


def test_prompts_keep_their_ids_and_best_of_n_its_prompts():
    _, evaluations = evaluate()
    np.testing.assert_array_equal(evaluations.prompt_id_p, PROMPT_ID_P)
    noisy_pk = REWARD_FR[1].reshape(GOLD_PK.shape)
    expected_p = best_of_n(noisy_pk, GOLD_PK, [6])[:, 0]
    np.testing.assert_allclose(evaluations.value_fp(Metric("best_of_n", 6))[1], expected_p, rtol=1e-6)


def test_the_ns_may_come_in_any_order_and_are_an_axis_of_the_evaluations():
    rows, evaluations = evaluate(ns=(6, 1, 3))
    assert evaluations.axes["best_of_n"] == evaluations.axes["proxy_of_pick"] == Axis("n", (1, 3, 6))
    assert evaluations.axes["quantile_of_pick"] == Axis("n", (6,))
    assert "accuracy" not in evaluations.axes
    best = rows[(rows["metric"] == "best_of_n") & (rows["fit"] == "gold")].set_index("n")["value"]
    assert best.index.tolist() == [1, 3, 6]
    assert best.is_monotonic_increasing


def test_what_a_fit_promises_for_its_pick_is_a_mean_over_subsets_whatever_its_unit_and_origin():
    """By hand: the largest score of every pair of a prompt's responses, above their mean, in pooled s.d. within prompts."""
    noisy_pk = REWARD_FR[1].reshape(GOLD_PK.shape)
    unit = np.sqrt(noisy_pk.var(axis=1).mean())
    expected_p = [np.mean(list(map(max, itertools.combinations(row_k, 2)))) - row_k.mean() for row_k in noisy_pk]
    for scale, origin in ((1.0, 0.0), (7.0, -3.0)):
        _, evaluations = evaluate(scale * REWARD_FR + origin, ns=[1, 2])
        np.testing.assert_allclose(
            evaluations.value_fp(Metric("proxy_of_pick", 2))[1], np.array(expected_p) / unit, rtol=1e-5
        )
        np.testing.assert_allclose(evaluations.value_fp(Metric("proxy_of_pick", 1)), 0.0, atol=1e-6)


def test_of_one_reward_for_all_nothing_is_promised_and_the_row_says_so():
    rows, _ = evaluate(np.stack([REWARD_FR[0], np.full(GOLD_PK.size, 0.3)]))
    promised = rows[(rows["metric"] == "proxy_of_pick") & (rows["fit"] == "noisy")]
    assert promised["value"].isna().all()
    assert set(promised["reason"]) == {ONE_REWARD}


def test_a_prompt_of_equal_gold_has_no_order_and_is_counted():
    gold_pk = GOLD_PK.copy()
    gold_pk[2] = 1.0
    rows, evaluations = evaluate(gold_pk=gold_pk)
    units = rows.set_index(["metric", "fit"])["units"]
    assert units["spearman"].tolist() == [4, 4]
    assert (units["best_of_n"] == 5).all()
    assert np.isnan(evaluations.values["accuracy"][:, 2]).all()


def test_where_no_prompt_can_be_ordered_the_value_is_missing_with_a_reason():
    rows, _ = evaluate(gold_pk=np.ones_like(GOLD_PK))
    missing = rows[rows["metric"] == "accuracy"]
    assert missing["value"].isna().all()
    assert set(missing["reason"]) == {NOTHING_TO_ORDER}
    assert rows.loc[rows["metric"] == "best_of_n", "reason"].isna().all()


def test_more_responses_than_there_are_and_a_reward_that_is_no_number_are_named():
    with pytest.raises(DataError, match="best of 7: n must be a whole number from 1 to 6"):
        evaluate(ns=[7])
    broken = REWARD_FR.copy()
    broken[1, 8] = np.inf
    with pytest.raises(DataError, match=r"reward of fit 'noisy' at \(1, 2\) is inf"):
        evaluate(broken)


def test_fits_may_come_one_at_a_time():
    rows, evaluations = evaluate()
    one_by_one, again = evaluate(row_r for row_r in REWARD_FR)
    pd.testing.assert_frame_equal(one_by_one, rows)
    assert again.values.keys() == evaluations.values.keys()


def test_what_does_not_fit_together_is_named_with_both_shapes():
    with pytest.raises(DataError, match=r"rewards of fit 'gold' have shape \(30,\) and gold rewards \(5, 5\)"):
        evaluate(gold_pk=GOLD_PK[:, :5], ns=[1])
    with pytest.raises(DataError, match=r"gold rewards have shape \(4, 6\) and prompt ids \(5,\)"):
        evaluate(gold_pk=GOLD_PK[:4])
    with pytest.raises(DataError, match="those of 1 fits, and `fits` lists 2"):
        evaluate(REWARD_FR[:1])
    with pytest.raises(DataError, match="those of at least 3 fits, and `fits` lists 2"):
        evaluate(np.concatenate([REWARD_FR, REWARD_FR]))


def test_margins_are_held_against_what_the_annotator_would_say_of_every_pair():
    """By hand: both labels of every pair of a prompt's responses, each with its chance."""
    rows, evaluations = evaluate(prefers_first=prefers_first)
    for f, beta in enumerate(FITS["beta"]):
        score_pk, by_prompt = REWARD_FR[f].reshape(GOLD_PK.shape), []
        for score_k, gold_k in zip(score_pk, GOLD_PK, strict=True):
            found = []
            for i, j in itertools.permutations(range(6), 2):  # i is preferred to j
                chance = float(gold_k[i] > gold_k[j]) if beta == np.inf else 1 / (1 + math.exp(gold_k[j] - gold_k[i]))
                says = 1 / (1 + math.exp(score_k[j] - score_k[i]))
                right = score_k[i] > score_k[j]
                found.append((chance * right, -chance * math.log(says), chance * (max(says, 1 - says) - right)))
            by_prompt.append(np.sum(found, axis=0) / 15)
        for name, expected_p in zip(
            ("label_accuracy", "log_loss", "overconfidence"), np.transpose(by_prompt), strict=True
        ):
            np.testing.assert_allclose(evaluations.values[name][f], expected_p, rtol=1e-5, atol=1e-6)
    left, right = np.triu_indices(6, 1)
    margin_m = (REWARD_FR[1].reshape(5, 6)[:, left] - REWARD_FR[1].reshape(5, 6)[:, right]).ravel()
    chance_m = prefers_first(1.0, np.stack([GOLD_PK[:, left].ravel(), GOLD_PK[:, right].ravel()], axis=1))
    error = rows[(rows["metric"] == "ece") & (rows["fit"] == "noisy")].iloc[0]
    assert error["value"] == pytest.approx(expected_calibration_error(margin_m, chance_m=chance_m))
    assert error["units"] == 5 * 15


def test_a_fit_without_an_annotator_has_a_reason_and_keeps_its_order():
    fits = FITS.assign(beta=[np.nan, 1.0])
    for given, known in ((fits, [False, True]), (fits.drop(columns="beta"), [False, False])):
        rows, evaluations = evaluate(fits=given, prefers_first=prefers_first)
        for metric in ("label_accuracy", "log_loss", "overconfidence", "ece"):
            of_metric = rows[rows["metric"] == metric].set_index("fit").loc[["gold", "noisy"]]
            assert of_metric["value"].notna().tolist() == known
            assert of_metric["reason"].isna().tolist() == known
            assert set(of_metric["reason"].dropna()) == {NO_ANNOTATOR}
        assert rows.loc[rows["metric"] == "accuracy", "value"].notna().all()
        assert "ece" not in evaluations.values
    assert not set(evaluate()[0]["metric"]) & {"label_accuracy", "log_loss", "overconfidence", "ece"}


def test_of_many_responses_so_many_pairs_are_drawn_that_the_mean_is_theirs():
    """The annotator's own margins have its entropy as log-loss: over 780 drawn pairs it is close to that of all."""
    gold_pk = RNG.normal(size=(40, 60))
    fits = pd.DataFrame({"fit": ["own", "twice"], "beta": [1.0, 1.0]})
    given = {"fits": fits, "gold_pk": gold_pk, "ns": [1], "prompt_id_p": np.arange(40), "prefers_first": prefers_first}
    reward_fr = np.stack([gold_pk.ravel(), 2 * gold_pk.ravel()])
    rows, evaluations = evaluate(reward_fr, **given, rng=np.random.default_rng(0))
    left, right = np.triu_indices(60, 1)
    chance_pq = 1 / (1 + np.exp(gold_pk[:, right] - gold_pk[:, left]))
    entropy_p = -(chance_pq * np.log(chance_pq) + (1 - chance_pq) * np.log(1 - chance_pq)).mean(axis=1)
    np.testing.assert_allclose(evaluations.values["log_loss"][0], entropy_p, atol=0.03)
    np.testing.assert_allclose(evaluations.values["log_loss"][0].mean(), entropy_p.mean(), atol=0.003)
    np.testing.assert_allclose(evaluations.values["overconfidence"][0], 0, atol=1e-6)
    by_fit = rows[rows["metric"] == "ece"].set_index("fit")
    assert (by_fit["units"] == 40 * 780).all()
    assert by_fit.loc["own", "value"] < 1e-9 < 0.05 < by_fit.loc["twice", "value"]
    with pytest.raises(DataError, match="rng: is missing; with 60 responses to a prompt its pairs are drawn"):
        evaluate(reward_fr, **given)


def test_a_million_responses_are_evaluated_in_less_than_a_third_of_a_gigabyte():
    """The papers' 2,000 prompts of 500 responses; what a fit needs is given back before the next one comes."""
    rng = np.random.default_rng(0)
    gold_pk = rng.normal(size=(2000, 500)).astype(np.float32)
    fits = pd.DataFrame({"fit": ["one", "two"], "beta": [0.5, 1.0]})
    tracemalloc.start()
    rewards = (gold_pk.ravel() + rng.normal(size=gold_pk.size).astype(np.float32) for _ in range(2))
    evaluate_against_gold(fits, rewards, gold_pk, np.arange(2000), ns=[1, 500], prefers_first=prefers_first, rng=rng)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 300e6


def test_the_kl_optimum_of_each_fit_is_told_in_gold_and_where_there_is_none_why():
    rewards = np.stack([REWARD_FR[1], np.ones(GOLD_PK.size)])
    rows, evaluations = evaluate(rewards, kls=[0.5, 0.25, 5.0])
    assert evaluations.axes["kl"] == Axis("nats", (0.25, 0.5, 5.0))
    at_half = evaluations.value_fp(Metric("kl", 0.5))
    score_pk = REWARD_FR[1].reshape(GOLD_PK.shape)
    np.testing.assert_allclose(at_half[0], value(kl_optimum(score_pk, beta_at_kl(score_pk, 0.5)), GOLD_PK), rtol=1e-5)
    policies = rows[rows["metric"] == "kl"].set_index(["fit", "nats"])
    assert policies["n"].isna().all()
    assert policies.loc[("gold", 0.5), "value"] == pytest.approx(at_half[0].mean())
    assert policies.loc[("gold", 5.0), "reason"] == TOO_ALIKE  # log 6 is the most
    assert (policies.loc["noisy", "reason"] == TOO_ALIKE).all()
    assert (policies.loc["noisy", "units"] == 0).all()
    others, _ = evaluate(rewards)
    kept = rows[rows["metric"] != "kl"]
    assert kept["nats"].isna().all()
    pd.testing.assert_frame_equal(kept.drop(columns="nats").reset_index(drop=True), others)


def test_fits_without_a_sharpness_of_their_own_are_held_against_the_one_that_is_given():
    told, _ = evaluate(fits=FITS.assign(beta=2.0), prefers_first=prefers_first)
    given, evaluations = evaluate(fits=FITS[["fit"]], prefers_first=prefers_first, beta=2.0)
    pd.testing.assert_frame_equal(told.drop(columns="beta"), given)
    assert list(evaluations.fits) == ["fit"]
