"""What is said of the people who judged: a careless one is found, and what cannot be known is not said."""

import numpy as np
import pandas as pd
import pytest

from rmkit.annotation.crowd_agreement import pairwise_agreement
from rmkit.annotation.judgements import Judgements
from rmkit.findings.annotators import crowd_of, judgements_in, sentence_of


def judged(right_a, n_pairs=300, each=2, seed=0):
    """Held-out pairs, each judged by some of the people, of whom each is right with a probability of their own."""
    rng = np.random.default_rng(seed)
    truth_m = rng.integers(0, 2, n_pairs)
    pair_j = np.repeat(np.arange(n_pairs), each)
    who_j = np.concatenate([rng.choice(len(right_a), each, replace=False) for _ in range(n_pairs)])
    label_j = np.where(rng.random(len(pair_j)) < np.array(right_a)[who_j], truth_m[pair_j], 1 - truth_m[pair_j])
    margin_j = np.where(label_j == truth_m[pair_j], 1.0, -1.0)  # a head that knows the truth
    table = {"first": 2 * pair_j, "second": 2 * pair_j + 1, "label": label_j, "annotator": who_j}
    return pd.DataFrame(table | {"line": np.arange(len(pair_j)), "prompt_id": pair_j, "margin": margin_j})


def test_who_is_right_less_often_is_found_and_the_head_beside_each():
    held_out = judged([0.95, 0.9, 0.6, 0.92], n_pairs=600)
    crowd = crowd_of(held_out)
    people = crowd.people.set_index("annotator")
    assert crowd.people["annotator"].iloc[0] == "3"
    assert people.loc["3", "right_low"] < 0.6 < people.loc["3", "right_high"] < crowd.crowd
    assert (crowd.n_people, crowd.pairs, people["judgements"].sum()) == (4, 600, 1200)
    alike = (held_out["margin"] > 0).groupby(held_out["annotator"]).mean()
    assert people["head"].sort_index().tolist() == pytest.approx(alike.tolist())
    judgements = Judgements(*(held_out[name].to_numpy() for name in ("first", "annotator", "label")))
    assert crowd.pairwise.estimate == pairwise_agreement(judgements, rng=np.random.default_rng(1)).estimate
    assert "by how far each agrees with the others: annotator 3, in 6" in sentence_of(crowd)


def test_people_who_are_alike_are_not_told_apart_in_most_files():
    said = [sentence_of(crowd_of(judged([0.85] * 4, seed=seed))) for seed in range(4)]
    assert sum("Nobody is shown to be right less often" in one for one in said) >= 3


def test_the_intervals_hold_what_each_is_right_in():
    right_a = [0.95, 0.8, 0.7, 0.9, 0.85]
    held = []
    for seed in range(5):
        people = crowd_of(judged(right_a, n_pairs=400, each=3, seed=seed)).people
        true = np.array(right_a)[people["annotator"].astype(int) - 1]
        held += ((people["right_low"] <= true) & (true <= people["right_high"])).tolist()
    assert np.mean(held) > 0.85  # of 25 nominal 95% intervals


def test_nobody_who_shares_no_pair_or_few_is_told_of_alone():
    alone = judged([0.9, 0.8], each=1)
    assert crowd_of(alone) is None
    assert "no pair was judged by two people" in sentence_of(None)
    assert crowd_of(alone.drop(columns="annotator")) is None
    few = pd.concat([alone, alone.head(5).assign(annotator=lambda one: 1 - one["annotator"], line=9999)])
    assert crowd_of(few).people.empty
    assert "Nobody judged 10 pairs that others judged too" in sentence_of(crowd_of(few))


def test_ties_are_left_out_and_who_is_not_named_is_one_person_called_so():
    held_out = judged([0.9, 0.9])
    tie = pd.concat([held_out, held_out.assign(label=1 - held_out["label"])])
    assert judgements_in(tie) is None
    some = held_out.assign(annotator=np.where(held_out["annotator"] == 0, -1, 0))
    assert set(crowd_of(some).people["annotator"]) == {"1", "not named"}


def test_of_very_many_people_those_with_the_most_shared_judgements_are_estimated(monkeypatch):
    monkeypatch.setattr("rmkit.findings.annotators.MOST_PEOPLE", 2)
    held_out = judged([0.9] * 4)
    held_out = pd.concat([held_out[held_out["annotator"] != 0], held_out[held_out["annotator"] == 0].head(12)])
    crowd = crowd_of(held_out)
    assert crowd.n_people == 4
    assert len(crowd.people) == 2
    assert "1" not in set(crowd.people["annotator"])
