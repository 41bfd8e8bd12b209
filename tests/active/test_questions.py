"""Who is asked about what: an annotator of all pairs of a pool, or people who judged some."""

import numpy as np
import pandas as pd
import pytest

from rmkit.active.budget import Budget
from rmkit.active.questions import ToPeople
from rmkit.artifacts.comparisons import Comparisons
from rmkit.errors import DataError
from tests.active.small_settings import GOLD, label_actively, setting, world

PROMPT_R = np.array([0, 0, 1, 1, 2, 2, 3, 3, 3])


def comparisons(*rows, **more):
    table = pd.DataFrame(rows, columns=["first", "second", "label"]).astype({"first": "int64", "second": "int64"})
    return Comparisons(table.astype({"label": "int8"}).assign(**more))


def people():
    return ToPeople.of(comparisons((1, 0, 1), (2, 3, 0), (5, 4, 0), (6, 7, 1), (8, 6, 1), (0, 1, 1)), PROMPT_R)


def test_what_people_said_is_told_of_each_pair_whichever_way_round_it_was_shown():
    judged = people()
    assert judged.pair_m2.tolist() == [
        [0, 1],
        [2, 3],
        [4, 5],
        [6, 7],
        [6, 8],
    ]  # the last judgement is of the first pair
    assert judged.label_m.tolist() == [0, 0, 1, 1, 0]
    assert judged.won_m2.tolist() == [[1, 0], [3, 2], [4, 5], [6, 7], [8, 6]]
    assert judged.answered(np.array([[6, 8], [0, 1]])).tolist() == [0, 0]
    assert np.isnan(judged.contradicted(judged.pair_m2, judged.label_m))


def test_pairs_to_test_on_share_no_prompt_with_those_to_ask_about():
    to_ask, to_test = people().apart(0.5, np.random.default_rng(0))
    assert sorted([*to_ask.pair_m2.tolist(), *to_test.pair_m2.tolist()]) == people().pair_m2.tolist()
    assert not set(PROMPT_R[to_ask.pair_m2.ravel()]) & set(PROMPT_R[to_test.pair_m2.ravel()])
    assert len(set(PROMPT_R[to_test.pair_m2[:, 0]])) == 2
    with pytest.raises(DataError, match=r"^test_share: 0.1 of 4 prompts leaves one side without a pair$"):
        people().apart(0.1, np.random.default_rng(0))


def test_a_round_offers_pairs_of_the_prompts_that_it_draws():
    judged = people()
    drawn = [judged.drawn(2, 10, np.random.default_rng(seed)) for seed in range(60)]
    assert {len(set(PROMPT_R[pair_m2[:, 0]])) for pair_m2 in drawn} == {2}
    assert {tuple(pair) for pair_m2 in drawn for pair in pair_m2.tolist()} == set(map(tuple, judged.pair_m2.tolist()))
    assert {len(judged.drawn(4, 3, np.random.default_rng(seed))) for seed in range(5)} == {3}
    with pytest.raises(
        DataError, match=r"^n_prompts: 5, and people judged pairs of 4 prompts beside those that are kept"
    ):
        judged.drawn(5, 3, np.random.default_rng(0))


def test_a_judgement_that_makes_several_pairs_has_no_answer_to_hide():
    with pytest.raises(DataError, match=r"^comparisons: a judgement makes several pairs; say tied_pairs: leave_out"):
        ToPeople.of(comparisons((0, 1, 1), (2, 3, 0), weight=[0.5, 1.0]), PROMPT_R)


def test_labels_of_people_go_through_the_rounds():
    """Pairs of the planted world, judged by its gold: held-out pairs are ordered better from more labels."""
    embedding_rd, gold_pk = world(1, 200)
    first_p = 6 * np.arange(200)
    label_p = (gold_pk[:, 0] > gold_pk[:, 1]).astype(np.int8)
    judged = ToPeople(np.arange(1200) // 6, np.stack([first_p, first_p + 1], axis=1), label_p)
    to_ask, to_test = judged.apart(0.4, np.random.default_rng(0))
    budget = Budget(n_start=15, n_rounds=3, n_batch=10, n_prompts=60, n_candidates=60)
    asked_of_people = setting(embedding_rd=embedding_rd, questions=to_ask, pool="judged", budget=budget)
    made = label_actively(asked_of_people, embedding_rd[to_test.won_m2.ravel()])
    accuracy_f = (made.reward_fr[:, ::2] > made.reward_fr[:, 1::2]).mean(axis=1)
    assert (accuracy_f[-3:] > accuracy_f[:3]).all()
    assert made.batches["label_error"].isna().all()
    asked = made.asked[["first", "second"]].to_numpy()
    assert not set(map(tuple, asked.tolist())) & set(map(tuple, to_test.pair_m2.tolist()))


def test_the_annotators_error_is_counted_against_gold_and_pairs_of_equal_gold_do_not_count():
    asked = setting().questions
    pair_m2 = np.array([[0, 1], [6, 7], [12, 13]])
    right_m = (GOLD.ravel()[pair_m2[:, 0]] > GOLD.ravel()[pair_m2[:, 1]]).astype(np.int8)
    assert asked.contradicted(pair_m2, right_m) == 0
    assert asked.contradicted(pair_m2, 1 - right_m) == 1
    assert asked.contradicted(pair_m2, np.array([1 - right_m[0], *right_m[1:]])) == pytest.approx(1 / 3)
    equal = setting(gold_pk=np.zeros_like(GOLD)).questions
    assert np.isnan(equal.contradicted(pair_m2, right_m))
