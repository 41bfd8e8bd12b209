"""Rows with several answers or several judges, ties, margins and rows that are none: each judgement is one pair."""

import json
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmkit.active.to_judge import unjudged_pairs
from rmkit.errors import DataError
from rmkit.worlds.human_preferences.judgements import MOST_PAIRS, judgements_of
from rmkit.worlds.human_preferences.pairs import (
    EMPTY,
    EQUAL,
    FOUND_TWICE,
    NOT_READABLE,
    TIE,
    UNLABELLED,
    bank_and_comparisons,
    check,
    read_pairs,
)
from tests.worlds.human_preferences.dialogues import written
from tests.worlds.human_preferences.test_row_forms import as_csv, as_json, as_json_lines, as_parquet

ASKED = {"prompt": "How deep do I plant a tulip?"}
LABELLED = {**ASKED, "response_a": "deep", "response_b": "flat"}
NUMBERED = {**ASKED, "response1": "deep", "response2": "flat"}
PLAIN = {**ASKED, "chosen": "deep", "rejected": "flat"}


def reading(tmp_path, *rows, **options):
    return read_pairs(written(tmp_path / "pairs.jsonl", list(rows)), **options)


def answers(found):
    return [(pair.chosen, pair.rejected) for pair in found.pairs]


def comparisons_of(found):
    return bank_and_comparisons(found, lambda texts: (np.zeros((len(texts), 2), np.float16), {"method": "none"}))[1]


def test_lists_of_chosen_and_rejected_are_all_their_pairs_and_count_once(tmp_path):
    row = {**ASKED, "chosen": ["a", "b"], "rejected": ["x", "y", "z"], "num_correct": 2}
    found = reading(tmp_path, row, {**ASKED, "chosen": "c", "rejected": ["x", "y"]}, PLAIN)
    assert answers(found)[:6] == [("a", "x"), ("a", "y"), ("a", "z"), ("b", "x"), ("b", "y"), ("b", "z")]
    assert answers(found)[6:] == [("c", "x"), ("c", "y"), ("deep", "flat")]
    assert [pair.weight for pair in found.pairs] == [1 / 6] * 6 + [1 / 2] * 2 + [1]
    assert (found.rows, found.read, found.kept) == (3, 9, 9)
    assert comparisons_of(found).table["weight"].tolist() == [pair.weight for pair in found.pairs]
    said, _ = check(tmp_path / "pairs.jsonl")
    assert "9 of 9 pairs kept of 3 rows, 1 prompts; read as lists of answers and prompts and answers; weights: " in said
    assert said.endswith("; not used: num_correct")


def test_a_row_counts_once_whatever_is_dropped_of_it(tmp_path):
    found = reading(tmp_path, {**ASKED, "chosen": ["a", "a", " "], "rejected": ["x", "a"]})
    assert answers(found) == [("a", "x")]
    assert found.pairs[0].weight == 1
    assert {reason: count for reason, count in found.dropped.items() if count} == {EMPTY: 2, EQUAL: 2, FOUND_TWICE: 1}
    assert "weight" not in comparisons_of(found).table


@given(st.lists(st.integers(-3, 3), min_size=2, max_size=7), st.booleans(), st.booleans())
def test_a_ranking_is_every_pair_of_better_and_worse(values, by_rank, inside):
    texts = [f"answer {number}" for number in range(len(values))]
    name = "rank" if by_rank else "score"
    row = (
        {**ASKED, "answers": [{"answer": text, name: value} for text, value in zip(texts, values, strict=True)]}
        if inside
        else {**ASKED, "responses": texts, f"{name}s": values}
    )
    found = judgements_of(row, "row 1")
    good = [-value if by_rank else value for value in values]
    wanted = {(i, j) for i in range(len(values)) for j in range(len(values)) if good[i] > good[j]}
    sides = [(texts.index(one.better.answer), texts.index(one.worse.answer)) for one in found.judgements if not one.tie]
    assert len(sides) == len(set(sides))
    assert set(sides) == wanted
    equal = sum(good[i] == good[j] for i in range(len(good)) for j in range(i))
    assert sum(one.tie for one in found.judgements) == equal
    assert found.counts_once


@pytest.mark.parametrize(("ties", "n_pairs"), [("leave_out", 5), ("half_each", 7)])
def test_equal_ranks_are_a_tie(tmp_path, ties, n_pairs):
    found = reading(tmp_path, {**ASKED, "responses": ["a", "b", "c", "d"], "ranking": [1, 2, 2, 3]}, tied_pairs=ties)
    assert found.kept == n_pairs
    assert found.dropped[TIE] == (ties == "leave_out")
    assert sum(Fraction(pair.weight).limit_denominator(1000) for pair in found.pairs) == 1
    opposite = {("b", "c"), ("c", "b")} & set(answers(found))
    assert len(opposite) == (2 if ties == "half_each" else 0)
    assert found.both_ways == 0


@pytest.mark.parametrize(
    ("names", "first", "second", "tie"),
    [
        (LABELLED, ["a", "A", "model_a", "response_a", 1, 1.0, "1", "first"], ["b", " B", "model_b", 0, "0.0"], ["tie", 0.5, "Tie (bothbad)"]),
        (NUMBERED, [1, "1.0", "response1", "model_1"], [2, 2.0, "response_2", "second"], [0, "0", "draw"]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("column", ["label", "preference", "winner"])
def test_a_label_says_which_of_two_is_better(tmp_path, names, first, second, tie, column):
    for label in first:
        assert answers(reading(tmp_path, {**names, column: label})) == [("deep", "flat")]
    for label in second:
        assert answers(reading(tmp_path, {**names, column: label})) == [("flat", "deep")]
    for label in tie:
        found = reading(tmp_path, {**names, column: label}, {**names, "prompt": "Hi", column: first[0]})
        assert (found.kept, found.dropped[TIE], found.read) == (1, 1, 2)


WRONG = {
    "another letter": ({**LABELLED, "label": "c"}, "'label' is 'c'; it must be one of response_a, response_b, tie, a, b, 1"),
    "2 of a and b": ({**LABELLED, "label": 2}, "'label' is 2; it must be one of response_a, response_b"),
    "a truth value": ({**LABELLED, "winner": True}, "'winner' is True; it must be"),
    "half of 1 and 2": ({**NUMBERED, "label": 0.5}, "'label' is 0.5; it must be one of response1, response2, tie, 1"),
    "a wrong vote": ({**NUMBERED, "annotator1": 1, "annotator2": 3}, "'annotator2' is 3; it must be"),
    "no label": ({**LABELLED, "label": None}, "has no value that says which of response_a and response_b is better"),
    "no text": ({**LABELLED, "response_b": None, "label": 1}, "'response_b' is NoneType, not text"),
    "one answer": ({**ASKED, "responses": ["a"], "ranks": [1]}, "'responses' holds 1; a ranking is a list of at least"),
    "a text": ({**ASKED, "responses": "a", "ranks": [1]}, "'responses' is str; a ranking is a list of at least two"),
    "no ranks": ({**ASKED, "responses": ["a", "b"]}, "'answer 1 of responses' has no rank and no score; give 'ranks'"),
    "too few ranks": ({**ASKED, "responses": ["a", "b"], "ranks": [1]}, "'ranks' has 1 values; it must be a list of 2"),
    "a text as rank": ({**ASKED, "responses": ["a", "b"], "ranks": [1, "2"]}, "'ranks' of answer 2 of responses is '2'; it"),
    "a rank too many digits long": ({**ASKED, "responses": ["a", "b"], "scores": [1, 10**400]}, "'scores' of answer 2 of"),
    "no number": ({**ASKED, "responses": ["a", "b"], "scores": [1, float("nan")]}, "'scores' of answer 2 of responses is nan"),
    "an answer that is none": ({**ASKED, "responses": ["a", None], "scores": [1, 2]}, "'answer 2 of responses' is NoneType"),
    "too many": ({**ASKED, "chosen": ["a"] * 101, "rejected": ["b"] * 100}, f"makes 10,100 pairs of its answers; keep so few that they make {MOST_PAIRS:,}"),
    "no turn": ({"conversation_a": [], "conversation_b": [], "turn": "one", "winner": "a"}, "'turn' is 'one'; it must be how many"),
    "a question that is none": ({**LABELLED, "prompt": None, "question": 3, "label": 1}, "'question' is int, not text"),
    "nothing": ({"text": "a"}, "has no 'chosen' (found text); a row needs 'chosen' and 'rejected', two responses and"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", WRONG)
def test_a_wrong_row_is_one_line(mistake):
    row, said = WRONG[mistake]
    with pytest.raises(DataError) as told:
        judgements_of(row, "pairs.json, row 7")
    assert str(told.value).startswith(f"pairs.json, row 7: {said}")
    assert "\n" not in str(told.value)


def test_a_tie_beside_chosen_and_rejected_is_one_and_another_label_is_not_looked_at(tmp_path):
    rows = [{**PLAIN, "label": "tie"}, {**PLAIN, "prompt": "Hi", "label": "harmless"}]
    found = reading(tmp_path, *rows)
    assert (found.kept, found.dropped[TIE], found.unread) == (1, 1, ())
    assert reading(tmp_path, rows[1]).unread == ("label",)
    halves = reading(tmp_path, *rows, tied_pairs="half_each")
    assert [(*pair, weight) for pair, weight in zip(answers(halves), (pair.weight for pair in halves.pairs), strict=True)] == [
        ("deep", "flat", 0.5), ("flat", "deep", 0.5), ("deep", "flat", 1)
    ]  # fmt: skip
    assert (
        "; ties: 1, each two opposite pairs of weight 1/2" in check(tmp_path / "pairs.jsonl", tied_pairs="half_each")[0]
    )
    table = comparisons_of(halves).table
    assert table["weight"].tolist() == [0.5, 0.5, 1]
    assert table["label"].tolist()[:2] in ([0, 1], [1, 0])
    with pytest.raises(DataError, match="tied_pairs"):
        reading(tmp_path, PLAIN, tied_pairs="both")


@pytest.mark.parametrize("column", ["annotator", "annotator_id", "judge", "worker_id"])
@pytest.mark.parametrize("write", [as_json_lines, as_csv, as_parquet])
def test_each_annotators_judgement_is_kept_and_nobodys_twice(tmp_path, column, write):
    names = ["ida", "7", "ida", "otto", "7"]
    rows = [{**PLAIN, column: name} for name in names]
    rows[3] |= {"chosen": "flat", "rejected": "deep"}
    path = write(tmp_path, rows)
    found = read_pairs(path)
    assert (found.kept, found.found_twice, found.annotators, found.both_ways) == (3, 2, ("ida", "7", "otto"), 1)
    table = comparisons_of(found).table
    assert table["annotator"].tolist() == [0, 1, 2]
    assert table["annotator"].dtype == np.int64
    assert "; annotators: 3; judged more than once: 1 of 1 pairs of answers" in check(path)[0]


def test_where_nobody_is_named_the_annotator_is_minus_one(tmp_path):
    found = reading(tmp_path, {**PLAIN, "judge": None}, {**PLAIN, "judge": 3}, {**PLAIN, "judge": 3.0})
    assert comparisons_of(found).table["annotator"].tolist() == [-1, 0]
    assert found.found_twice == 1
    assert "annotator" not in comparisons_of(reading(tmp_path, {**PLAIN, "judge": {"name": "x"}})).table


def test_votes_are_a_judgement_of_each_person_and_weigh_one_each(tmp_path):
    question = {"instruction": "Shorten.", "input": "It is so.", "response1": "So.", "response2": "It."}
    rows = [
        {**question, "annotator1": 1, "annotator2": 2, "annotator3": 0},
        {**question, "input": "", "annotator1": 1, "annotator2": None, "annotator3": 1},
    ]
    for write in (as_json, as_csv, as_parquet):
        found = read_pairs(write(tmp_path, rows))
        assert answers(found) == [("So.", "It."), ("It.", "So."), ("So.", "It."), ("So.", "It.")]
        assert [pair.annotator for pair in found.pairs] == ["annotator1", "annotator2", "annotator1", "annotator3"]
        assert {pair.weight for pair in found.pairs} == {1}
        assert (found.rows, found.read, found.dropped[TIE], found.unread) == (2, 5, 1, ())
        prompts = ["\n\nHuman: Shorten.\n\nIt is so.\n\nAssistant:", "\n\nHuman: Shorten.\n\nAssistant:"]
        assert list(dict.fromkeys(pair.prompt for pair in found.pairs)) == prompts
    halves = read_pairs(write(tmp_path, rows), tied_pairs="half_each")
    assert Counter(pair.annotator for pair in halves.pairs if pair.tie) == {"annotator3": 2}


@pytest.mark.parametrize("column", ["margin", "strength"])
def test_a_margin_is_kept_beside_its_pair(tmp_path, column):
    rows = [{**PLAIN, column: 0.5}, {**PLAIN, "prompt": "Hi"}, {**PLAIN, "prompt": "Ho", column: 2}]
    found = reading(tmp_path, *rows)
    np.testing.assert_array_equal(comparisons_of(found).table["margin"], [0.5, np.nan, 2])
    assert found.unread == ()
    assert read_pairs(as_csv(tmp_path, [{**PLAIN, column: "0.5"}])).pairs[0].margin == 0.5
    words = reading(tmp_path, {**PLAIN, column: "slightly"})
    assert (words.unread, "margin" in comparisons_of(words).table) == ((column,), False)


BAD = {
    "a null": {**PLAIN, "rejected": None},
    "a missing field": {**ASKED, "chosen": "deep"},
    "a wrong type": {**PLAIN, "prompt": 3},
    "no object": [1],
    "no JSON": "{",
}


@pytest.mark.parametrize("mistake", BAD)
def test_bad_rows_are_left_out_and_counted_where_that_is_asked_for(tmp_path, mistake):
    bad = BAD[mistake] if isinstance(BAD[mistake], str) else json.dumps(BAD[mistake])
    path = written(tmp_path / "pairs.jsonl", [PLAIN, bad, {**PLAIN, "prompt": "Hi"}, "null"])
    with pytest.raises(DataError, match=r"pairs.jsonl, line 2: ") as told:
        read_pairs(path)
    found = read_pairs(path, skip_bad_rows=True)
    assert (found.rows, found.read, found.kept, found.dropped[NOT_READABLE]) == (4, 4, 2, 2)
    assert [pair.line for pair in found.pairs] == [1, 3]
    said, counts = check(path, skip_bad_rows=True)
    assert f"2 of 4 pairs kept, 2 prompts; dropped: 2 not readable ({told.value}); read as" in said
    assert (counts["pairs"], counts["prompts"]) == (2, 2)


def test_bad_rows_of_a_table_are_left_out_and_a_file_of_them_alone_is_refused(tmp_path):
    path = tmp_path / "pairs.csv"
    path.write_text("prompt,chosen,rejected\nq,a,b\nq,a,b,c\nq,c\nq,b,a\n", encoding="utf-8")
    found = read_pairs(path, skip_bad_rows=True)
    assert (answers(found), found.dropped[NOT_READABLE]) == ([("a", "b"), ("b", "a")], 2)
    only = written(tmp_path / "bad.jsonl", ["[]", "3"])
    with pytest.raises(DataError, match=r"bad.jsonl: 2 rows; dropped: 2 not readable \(.*line 1: is a JSON list"):
        read_pairs(only, skip_bad_rows=True)


def test_a_damaged_file_is_refused_whatever_is_skipped(tmp_path):
    whole = written(tmp_path / "whole.jsonl.gz", [PLAIN] * 50).read_bytes()
    (tmp_path / "cut.jsonl.gz").write_bytes(whole[:-9])
    with pytest.raises(DataError, match="the gzip is cut short"):
        read_pairs(tmp_path / "cut.jsonl.gz", skip_bad_rows=True)


def test_an_answer_in_a_table_that_is_a_json_list_stays_a_text_beside_others(tmp_path):
    rows = [{**PLAIN, "prompt": str(number)} for number in range(3)] + [{**PLAIN, "chosen": '["deep"]'}]
    assert answers(read_pairs(as_csv(tmp_path, rows)))[-1] == ('["deep"]', "flat")


def test_which_answer_was_shown_first_is_kept_where_a_row_says_it(tmp_path):
    rows = [
        {"prompt": "p", "response_a": "x", "response_b": "y", "label": "b"},
        {"prompt": "q", "response_a": "x", "response_b": "y", "label": "a"},
        {"prompt": "r", "chosen": "x", "rejected": "y"},
    ]
    assert comparisons_of(reading(tmp_path, *rows)).table["chosen_first"].tolist() == [0, 1, -1]
    assert "chosen_first" not in comparisons_of(reading(tmp_path, *rows[2:])).table


@pytest.mark.parametrize(("row", "said"), [
    (LABELLED | {"label": 1}, "two responses and a label (1: response_a is better, 0: the other)"),
    (NUMBERED | {"label": "2"}, "two responses and a label (1: response1 is better, 2: the other)"),
    (LABELLED | {"label": "a"}, "read as two responses and a label"),
])  # fmt: skip
def test_how_a_label_was_read_that_is_a_number_is_said(tmp_path, row, said):
    told, _ = check(written(tmp_path / "pairs.jsonl", [row]))
    assert said in told
    assert ("(1:" in told) == ("(1:" in said)


UNJUDGED = {
    "two responses": {**LABELLED, "label": None},
    "two responses, an empty label": {**NUMBERED, "label": ""},
    "a list": {**ASKED, "responses": ["deep", "flat"]},
    "a list with a repetition and an empty one": {**ASKED, "completions": ["deep", "flat ", "deep", " "]},
}


@pytest.mark.parametrize("form", UNJUDGED)
def test_a_row_without_a_label_is_counted_and_its_responses_wait_behind_those_of_the_pairs(tmp_path, form):
    other = {"prompt": "Hi", "chosen": "Hello", "rejected": "No"}
    rows = [UNJUDGED[form], other]
    found = reading(tmp_path, *rows)
    assert (found.rows, found.read, found.kept, found.dropped[UNLABELLED]) == (2, 2, 1, 1)
    assert list(found.unlabelled.values()) == [("deep", "flat")]
    assert found.unread == ()
    bank, comparisons = bank_and_comparisons(found, lambda texts: (np.zeros((len(texts), 2), np.float16), {"a": 1}))
    assert bank.prompt_id_r.tolist() == [0, 0, 1, 1]
    assert set(bank.responses["response"][2:]) == {"deep", "flat"}
    assert len(comparisons) == 1
    assert unjudged_pairs(bank.prompt_id_r, comparisons.table[["first", "second"]].to_numpy()).tolist() == [[2, 3]]
    said, counts = check(tmp_path / "pairs.jsonl")
    assert "dropped: 1 without a label; read as" in said
    assert "; without a label: 2 responses to 1 prompts, to label next" in said
    assert counts["pairs_of_prompts"] == (1,)


def test_a_file_without_any_label_says_how_to_label_it(tmp_path):
    with pytest.raises(DataError, match=r"2 rows; dropped: 2 without a label; label some .* column winner, preference"):
        reading(tmp_path, *list(UNJUDGED.values())[1:3])
    many = {**ASKED, "responses": [str(n) for n in range(200)]}
    with pytest.raises(DataError, match=r"line 1: has 200 responses; keep so few that they make 10,000 pairs"):
        reading(tmp_path, many, PLAIN)
