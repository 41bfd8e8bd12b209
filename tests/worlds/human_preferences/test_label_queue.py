"""A file of responses as pairs to label: every form, what is left out and why, ids that outlive the file, lists."""

import json
import random

import numpy as np
import pytest

from rmkit.commands.look_at_first import write_look_at_first
from rmkit.errors import DataError
from rmkit.worlds.human_preferences.label_queue import pool_of, read_to_label, response_id
from rmkit.worlds.human_preferences.pairs import read_pairs

LISTS = [{"prompt": f"question {n}", "responses": [f"answer {n} {k}" for k in "abc"]} for n in range(3)]
TWO = {"prompt": "other", "response_a": "yes", "response_b": "no", "label": None, "annotator": "judged next"}
JUDGED = {"prompt": "question 0", "chosen": "answer 0 a", "rejected": "answer 0 b", "annotator": "file"}
TIED = {"prompt": "question 1", "chosen": "answer 1 a", "rejected": "answer 1 b", "label": "tie"}


def embed(texts):
    return np.random.default_rng(0).normal(size=(len(texts), 4)).astype(np.float16), {"method": "made up"}


def written(tmp_path, rows, name="pairs.jsonl"):
    path = tmp_path / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def pool(tmp_path, rows, **more):
    return pool_of(read_to_label(written(tmp_path, rows)), embed, **more)


def texts(found):
    response = found.bank.responses["response"]
    return {frozenset((response[i], response[j])) for i, j in found.pair_m2.tolist()}


def test_all_pairs_of_responses_to_one_prompt_are_asked_about(tmp_path):
    found = pool(tmp_path, [*LISTS, TWO])
    wanted = {frozenset((f"answer {n} {i}", f"answer {n} {j}")) for n in range(3) for i, j in ("ab", "ac", "bc")}
    assert texts(found) == wanted | {frozenset(("yes", "no"))}
    assert found.judged is None
    assert set(found.bank.prompts["prompt"]) >= {"\n\nHuman: other\n\nAssistant:"}


def test_what_the_file_has_judged_is_learned_from_and_not_asked_again_a_tie_neither(tmp_path):
    found = pool(tmp_path, [*LISTS, JUDGED, TIED])
    assert frozenset(("answer 0 a", "answer 0 b")) not in texts(found)
    assert frozenset(("answer 1 a", "answer 1 b")) not in texts(found)
    assert len(found.pair_m2) == 7
    (chosen,), (rejected,) = found.judged.chosen_m, found.judged.rejected_m
    assert found.bank.responses["response"][[chosen, rejected]].tolist() == ["answer 0 a", "answer 0 b"]


def test_of_a_prompt_with_named_pairs_alone_only_these_are_asked_about(tmp_path):
    chain = [{"prompt": "other", "response_a": a, "response_b": b, "label": ""} for a, b in ("xy", "yz")]
    assert texts(pool(tmp_path, chain)) == {frozenset("xy"), frozenset("yz")}
    known = {"prompt": "other", "chosen": "x", "rejected": "w"}
    whole = texts(pool(tmp_path, [*chain, known]))
    assert whole == {frozenset(pair) for pair in ("xy", "yz", "xz", "wy", "wz")}


@pytest.mark.parametrize(
    "row",
    [
        {"instruction": "ask", "input": "this", "completions": ["one", "two"]},
        {"prompt": "ask", "answers": [{"text": "one"}, {"content": "two"}]},
        {"prompt": [{"role": "user", "content": "ask"}], "response1": "one", "response2": "two"},
        {"prompt": "ask", "responses": [[{"role": "assistant", "content": t}] for t in ("one", "two")]},
    ],
    ids=["completions", "objects", "messages as prompt", "messages as answers"],
)
def test_unjudged_rows_come_in_the_forms_of_judged_ones(tmp_path, row):
    assert texts(pool(tmp_path, [row])) == {frozenset(("one", "two"))}


def test_ids_are_of_texts_so_that_a_sorted_and_longer_file_has_the_same(tmp_path):
    one = pool(tmp_path, [*LISTS, TWO])
    turned = [{**row, "responses": row["responses"][::-1]} if "responses" in row else row for row in LISTS]
    random.Random(1).shuffle(turned)
    other = pool(tmp_path, [{"prompt": "new", "responses": ["x", "y"]}, TWO, *turned])
    assert set(one.pair_of) < set(other.pair_of)
    assert response_id("question", "answer") != response_id("question a", "nswer")
    assert len(set(other.response_ids)) == other.bank.n_responses


def test_what_is_left_out_is_counted_under_its_reason(tmp_path):
    rows = [
        {"prompt": "q", "responses": ["one", " one ", "", "two"]},
        {"prompt": "alone", "responses": ["one"]},
        {"prompt": "q2", "chosen": "same", "rejected": "same"},
    ]
    read = read_to_label(written(tmp_path, rows))
    assert read.told == (
        "3 rows: 2 responses to 1 prompts, 0 pairs judged already; dropped: 2 chosen equals rejected, "
        "1 an empty response, 1 a response alone"
    )


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"prompt": "q", "responses": ["one"]}], "there must be a prompt with two different responses"),
        ([{"prompt": 3, "responses": ["one", "two"]}], "pairs.jsonl, line 1: 'prompt' is int"),
        ([*LISTS, {"prompt": "q"}], "pairs.jsonl, line 4: has no 'chosen'"),
        ([*LISTS, {"prompt": "q", "responses": "ab"}], "pairs.jsonl, line 4: 'responses' is str"),
        ([{"prompt": "q", "responses": ["a", 3]}], "line 1: 'answer 2 of responses' is int"),
        ([{"prompt": "q", "responses": [str(n) for n in range(1200)]}], "make 719,400 pairs; keep so few"),
        ([], "0 rows"),
    ],
)
def test_a_file_that_cannot_be_labelled_is_one_sentence(tmp_path, rows, said):
    with pytest.raises(DataError) as raised:
        pool(tmp_path, rows)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_file_in_which_every_pair_is_judged_says_so(tmp_path):
    with pytest.raises(DataError, match="there is no pair to label"):
        pool(tmp_path, [JUDGED])


def long_pairs(tmp_path):
    rows = [
        {"prompt": f"=question {n} " + "long " * 90, "chosen": f"+good {n}", "rejected": f"bad\n{n} " + "x" * 400}
        for n in range(6)
    ]
    return written(tmp_path, rows)


def listed(tmp_path, path, positions):
    pairs = read_pairs(path).pairs
    suspects = [{"line": pairs[m].line, "probability": 0.9, "pair": m} for m in positions]
    write_look_at_first(tmp_path / "look_at_first.csv", suspects, pairs)
    return tmp_path / "look_at_first.csv"


def test_a_list_of_likely_wrong_labels_is_asked_in_its_order(tmp_path):
    path = long_pairs(tmp_path)
    again = listed(tmp_path, path, [4, 1, 5])
    found = pool_of(read_to_label(path), embed, look_at=again)
    assert found.is_list
    response = found.bank.responses["response"]
    asked = [{response[i], response[j]} for i, j in found.pair_m2.tolist()]
    assert [next(text for text in pair if text.startswith("+"))[-1] for pair in asked] == ["4", "1", "5"]
    assert len(found.judged) == 6


def test_a_list_of_another_file_is_one_sentence(tmp_path):
    path = long_pairs(tmp_path)
    again = listed(tmp_path, path, [4, 1])
    other = written(tmp_path, [JUDGED, *LISTS], "other.jsonl")
    with pytest.raises(DataError, match=r"look_at_first\.csv, row 1: is of no pair on line 5 of the pairs"):
        pool_of(read_to_label(other), embed, look_at=again)
    again.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(DataError, match="has no column line, prompt, chosen, rejected"):
        pool_of(read_to_label(path), embed, look_at=again)
    again.write_text("line,prompt,chosen,rejected\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"has no column|lists no pair"):
        pool_of(read_to_label(path), embed, look_at=again)
