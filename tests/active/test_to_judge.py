"""Pairs to judge next: fresh ones first, none twice, in a form that is read back; D-optimal by brute force."""

import json

import numpy as np
import pandas as pd
import pytest

from rmkit.active.setting import as_seen
from rmkit.active.to_judge import HEAD, PRIOR, to_judge, unjudged_pairs
from rmkit.artifacts.bank import ResponseBank
from rmkit.artifacts.comparisons import Comparisons
from rmkit.measures.information import information, log_det, p_variance
from rmkit.reward_models.registry import build_heads
from rmkit.worlds.human_preferences.pairs import read_pairs


def small(n_prompts=30, n_responses=3, judged_a_prompt=1):
    """A bank with texts, and the first pairs of each prompt judged."""
    rng = np.random.default_rng(0)
    prompt_id_r = np.repeat(np.arange(n_prompts), n_responses)
    bank = ResponseBank(
        prompts=pd.DataFrame(
            {"prompt_id": np.arange(n_prompts), "prompt": [f"\n\nHuman: q{p}\n\nAssistant:" for p in range(n_prompts)]}
        ),
        responses=pd.DataFrame(
            {"prompt_id": prompt_id_r, "response": [f"answer {r}" for r in range(len(prompt_id_r))]}
        ),
        embedding_rd=rng.normal(size=(len(prompt_id_r), 4)).astype(np.float16),
        embedding_source={},
    )
    every = [
        (p * n_responses + i, p * n_responses + j)
        for p in range(n_prompts)
        for i, j in ((0, 1), (0, 2), (1, 2))[:judged_a_prompt]
    ]
    first, second = np.array(every).T
    table = {"first": first, "second": second, "label": rng.integers(0, 2, len(first)).astype(np.int8)}
    return bank, Comparisons(pd.DataFrame(table | {"line": np.arange(1, len(first) + 1)}))


def picked(bank, comparisons, n_pairs, seed=0):
    streams = {}

    def rng_of(name):
        return streams.setdefault(name, np.random.default_rng([seed, len(streams)]))

    return to_judge(
        bank, comparisons, n_pairs=n_pairs, validation_share=0.2, rng_of=rng_of, progress=lambda what: lambda *_: None
    )


def test_unjudged_pairs_are_all_of_one_prompt_that_are_not_among_the_judged():
    bank, comparisons = small()
    judged_m2 = np.stack([comparisons.second_m, comparisons.first_m], axis=1)  # in any order
    found = unjudged_pairs(bank.prompt_id_r, judged_m2)
    assert sorted(map(tuple, found.tolist())) == sorted((3 * p + i, 3 * p + 2) for p in range(30) for i in (0, 1))


def test_fresh_pairs_come_first_then_judged_ones_and_none_twice():
    bank, comparisons = small()
    found = picked(bank, comparisons, 70)
    pairs = [tuple(sorted(pair)) for pair in found.pair_n2.tolist()]
    assert len(set(pairs)) == 70
    assert found.unjudged == 60
    assert found.again_n.tolist() == [False] * 60 + [True] * 10
    judged = set(zip(comparisons.first_m.tolist(), comparisons.second_m.tolist(), strict=True))
    assert not set(pairs[:60]) & judged
    assert set(pairs[60:]) <= judged
    assert len(picked(bank, comparisons, 500).pair_n2) == 90  # no more than there are


def test_what_was_judged_twice_is_not_asked_again():
    bank, comparisons = small(n_responses=2)
    again = comparisons.table.iloc[:10].assign(line=99)
    found = picked(bank, Comparisons(pd.concat([comparisons.table, again], ignore_index=True)), 50)
    twice = set(zip(again["first"], again["second"], strict=True))
    assert len(found.pair_n2) == 20
    assert not twice & {tuple(sorted(pair)) for pair in found.pair_n2.tolist()}
    every = Comparisons(pd.concat([comparisons.table] * 2, ignore_index=True))
    assert picked(bank, every, 50).pair_n2.shape == (0, 2)
    assert picked(bank, every, 50).table(bank, every).empty


def test_the_first_pick_is_the_one_that_tells_most_by_brute_force():
    bank, comparisons = small()
    best = tuple(sorted(picked(bank, comparisons, 1).pair_n2[0].tolist()))
    judged_m2 = np.stack([comparisons.first_m, comparisons.second_m], axis=1)
    candidate_m2 = unjudged_pairs(bank.prompt_id_r, judged_m2)
    head = picked_head(bank, comparisons)
    seen = as_seen(head, 0, bank.embedding_rd, candidate_m2, judged_m2, prior=PRIOR)
    gains = [
        log_det(seen.known_dd + information(seen.feature_md[[m]], p_variance(seen.margin_sm[0, [m]]), 0.0))
        for m in range(len(candidate_m2))
    ]
    assert best == tuple(candidate_m2[int(np.argmax(gains))].tolist())


def picked_head(bank, comparisons):
    """The head that `picked` fits: the same draws."""
    from rmkit.reward_models.fit_heads import fitted_heads
    from rmkit.training_sets.by_annotations import all_pairs

    streams = {}

    def rng_of(name):
        return streams.setdefault(name, np.random.default_rng([0, len(streams)]))

    sets = all_pairs(
        comparisons, bank.prompt_id_r, validation_share=0.2, validation_split="pair", rng=rng_of("pairs to judge")
    )
    return fitted_heads(
        build_heads([HEAD], procedure="sound"), embedding_rd=bank.embedding_rd, train=sets.train, validation=sets.validation,
        streams=["pairs to judge"], rng_of=rng_of, progress=lambda what: lambda *_: None,
    )[HEAD]  # fmt: skip


def test_the_table_is_read_back_once_it_has_labels(tmp_path):
    bank, comparisons = small()
    table = picked(bank, comparisons, 65).table(bank, comparisons)
    assert table["line"].isna().sum() == 60
    again = table.dropna(subset=["line"]).iloc[0]
    said = comparisons.table.iloc[int(again["line"]) - 1]
    assert {again["response_a"], again["response_b"]} == {f"answer {said['first']}", f"answer {said['second']}"}
    table["label"] = "b"
    path = tmp_path / "filled.jsonl"
    table.to_json(path, orient="records", lines=True)
    assert json.loads(path.read_text(encoding="utf-8").splitlines()[0])["label"] == "b"
    reading = read_pairs(path)
    assert reading.kept == 65
    assert {pair.prompt for pair in reading.pairs} <= set(bank.prompts["prompt"])
    assert [pair.chosen for pair in reading.pairs] == table["response_b"].tolist()


@pytest.mark.parametrize("seed", [0, 1])
def test_the_same_draws_pick_the_same_pairs(seed):
    bank, comparisons = small()
    first, second = (picked(bank, comparisons, 20, seed) for _ in range(2))
    np.testing.assert_array_equal(first.pair_n2, second.pair_n2)
