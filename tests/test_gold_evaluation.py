import numpy as np
import pandas as pd
import pytest

from rmkit.best_of_n import best_of_n
from rmkit.errors import DataError
from rmkit.gold_evaluation import NOTHING_TO_ORDER, evaluate_against_gold

RNG = np.random.default_rng(1)
GOLD_PK = RNG.normal(size=(5, 6))
PROMPT_ID_P = np.array([3, 4, 7, 8, 9])
FITS = pd.DataFrame({"fit": ["gold", "noisy"], "beta": [np.inf, 1.0]})
REWARD_FR = np.stack([GOLD_PK.ravel(), (GOLD_PK + RNG.normal(size=GOLD_PK.shape)).ravel()])


def evaluate(reward_fr=REWARD_FR, gold_pk=GOLD_PK, ns=(1, 6)):
    return evaluate_against_gold(FITS, reward_fr, gold_pk, PROMPT_ID_P, ns=ns)


def test_rows_are_the_means_of_the_evaluations():
    rows, evaluations = evaluate()
    wide = rows.assign(name=rows["metric"].where(rows["n"].isna(), "best_of_" + rows["n"].astype("Int64").astype(str)))
    for name, value_fp in evaluations.values.items():
        of_metric = wide[wide["name"] == name].set_index("fit")
        np.testing.assert_allclose(of_metric.loc[["gold", "noisy"], "value"], value_fp.mean(axis=1), rtol=1e-6)
        assert (of_metric["units"] == 5).all()
    assert set(rows["split"]) == {"test prompts"}


def test_gold_itself_is_in_perfect_order_and_the_best_of_one_is_the_mean():
    rows, _ = evaluate()
    gold = rows[rows["fit"] == "gold"].set_index(["metric", "n"])["value"]
    np.testing.assert_allclose(gold["accuracy"], 1.0)
    np.testing.assert_allclose(gold["spearman"], 1.0)
    np.testing.assert_allclose(gold["best_of_n", 1.0], GOLD_PK.mean(), rtol=1e-6)
    np.testing.assert_allclose(gold["best_of_n", 6.0], GOLD_PK.max(axis=1).mean(), rtol=1e-6)


def test_prompts_keep_their_ids_and_best_of_n_its_prompts():
    _, evaluations = evaluate()
    np.testing.assert_array_equal(evaluations.prompt_id_p, PROMPT_ID_P)
    noisy_pk = REWARD_FR[1].reshape(GOLD_PK.shape)
    expected_p = best_of_n(noisy_pk, GOLD_PK, [6])[:, 0]
    np.testing.assert_allclose(evaluations.values["best_of_6"][1], expected_p, rtol=1e-6)


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
    with pytest.raises(DataError, match=r"score at \(1, 1, 2\) is inf"):
        evaluate(broken)
