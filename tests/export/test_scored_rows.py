"""Rows of a file with their rewards: responses and pairs, in every form, each row in its place."""

import json

import numpy as np
import pandas as pd
import pytest

from rmkit.errors import DataError
from rmkit.evaluation.score_files import judged_pairs
from rmkit.export.scored_rows import scored, share_right

ASK, GOOD, BAD = "How do I bake rye bread?", "Mix water and flour until the dough is smooth", "I would rather not say"
USER = {"role": "user", "content": ASK}


def told(answer):
    return {"role": "assistant", "content": answer}


def of_rows(tmp_path, rows):
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


FORMS = {
    "texts": lambda answer: {"prompt": ASK, "response": answer},
    "a completion": lambda answer: {"prompt": ASK, "completion": answer},
    "messages": lambda answer: {"messages": [USER, told(answer)]},
    "messages beside messages": lambda answer: {"prompt": [USER], "completion": [told(answer)]},
    "a dialogue": lambda answer: {"prompt": f"\n\nHuman: {ASK}\n\nAssistant:", "response": answer},
}


@pytest.mark.parametrize("form", FORMS)
def test_a_response_has_one_reward_in_every_form(form, model, tmp_path):
    table = scored(model, of_rows(tmp_path, [FORMS[form](answer) for answer in (GOOD, BAD)]))
    prompt = f"\n\nHuman: {ASK}\n\nAssistant:"
    np.testing.assert_array_equal(table["score"], model.score([prompt] * 2, [GOOD, BAD]))
    assert table["row"].tolist() == [1, 2]
    assert table["prompt_id"].tolist() == [0, 0]


def test_a_pair_has_two_rewards_as_compare_takes_them(model, tmp_path):
    rows = [{"prompt": ASK, "chosen": GOOD, "rejected": BAD, "id": 7, "subset": "mine"}]
    rows.append({"prompt": "Why?", "chosen": BAD, "rejected": GOOD, "id": 8, "subset": "mine"})
    table = scored(model, of_rows(tmp_path, rows))
    assert list(table) == ["row", "id", "subset", "prompt_id", "chosen_score", "rejected_score"]
    good, bad = model.score(["", ""], [GOOD, BAD])
    np.testing.assert_array_equal(table[["chosen_score", "rejected_score"]], np.float32([[good, bad], [bad, good]]))
    assert table["prompt_id"].tolist() == [0, 1]
    pd.DataFrame(rows).to_parquet(tmp_path / "rows.parquet")
    pd.testing.assert_frame_equal(scored(model, tmp_path / "rows.parquet"), table)


def test_ids_of_several_kinds_are_texts_and_half_a_character_is_one_line(model, tmp_path):
    rows = [{"prompt": ASK, "response": GOOD, "id": name} for name in ("a", 3, {"part": [1]}, None)]
    table = scored(model, of_rows(tmp_path, rows))
    table.to_parquet(tmp_path / "scores.parquet")
    assert table["id"].tolist()[:3] == ["a", "3", '{"part": [1]}']
    assert table["id"].isna().tolist() == [False, False, False, True]
    with pytest.raises(DataError, match=r"rows.jsonl, line 1: 'id' holds .*no character; write it in full"):
        scored(model, of_rows(tmp_path, [{"prompt": ASK, "response": GOOD, "id": "\ud800"}]))


@pytest.mark.parametrize(
    ("names", "kept"),
    [
        ([int("9" * 400), 1], ["9" * 400, "1"]),
        ([2**63, -(2**63)], [str(2**63), str(-(2**63))]),
        ([5, None], [5, None]),
        ([True, 7], ["True", "7"]),
        ([float("nan"), 7], [None, 7]),
    ],
)
def test_an_id_of_any_size_or_none_goes_along_and_can_be_stored(names, kept, model, tmp_path):
    table = scored(model, of_rows(tmp_path, [{"prompt": ASK, "response": GOOD, "id": name} for name in names]))
    table.to_parquet(tmp_path / "scores.parquet")
    stored = pd.read_parquet(tmp_path / "scores.parquet")["id"]
    assert [None if pd.isna(name) else name for name in stored] == kept


def test_an_empty_response_keeps_its_row(model, tmp_path):
    table = scored(model, of_rows(tmp_path, [{"prompt": ASK, "response": text} for text in ("  ", GOOD)]))
    assert np.isnan(table["score"][0])
    assert np.isfinite(table["score"][1])


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"prompt": ASK}], "line 1: has no response after a prompt (found prompt)"),
        ([{"response": GOOD}], "line 1: has no response after a prompt (found response)"),
        ([{"prompt": ASK, "response": 3}], "line 1: 'response' is int, not text"),
        ([{"prompt": ASK, "chosen": GOOD}], "line 1: has no 'rejected'"),
        (
            [{"messages": [{"role": "system", "content": "Be kind."}]}],
            "line 1: the last of 'messages' is the system's; it must be the response",
        ),
        ([{"messages": []}], "line 1: 'messages' holds no messages"),
        ([{"messages": [USER]}], "line 1: the last of 'messages' is the human's; it must be the response"),
        (
            [{"prompt": ASK, "response": GOOD}, {"prompt": ASK, "chosen": GOOD, "rejected": BAD}],
            "line 2: is a pair (chosen and rejected), and each row before it a response; score them apart",
        ),
        ([], "no rows; give a file of prompts and responses, or of pairs"),
    ],
)
def test_a_row_that_cannot_be_scored_is_one_line(rows, said, model, tmp_path):
    with pytest.raises(DataError) as refused:
        scored(model, of_rows(tmp_path, rows))
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


TWO = {"prompt": ASK, "response_a": GOOD, "response_b": BAD}


@pytest.mark.parametrize(("said", "preferred"), [
    ({}, None), ({"label": None}, None), ({"label": 1}, "response_a"), ({"winner": "b"}, "response_b"), ({"label": "tie"}, "tie"),
    ({"annotator1": 0, "annotator2": "a", "annotator3": "b"}, "response_b"), ({"annotator1": "a", "annotator2": "b"}, "tie"),
])  # fmt: skip
def test_two_responses_have_two_rewards_judged_or_not(said, preferred, model, tmp_path):
    table = scored(model, of_rows(tmp_path, [TWO | said]))
    assert list(table) == ["row", "preferred", "prompt_id", "response_a_score", "response_b_score"]
    np.testing.assert_array_equal(table.iloc[0, -2:].astype(np.float32), model.score(["", ""], [GOOD, BAD]))
    assert table["preferred"].tolist() == [preferred]
    right, judged = share_right(table)
    assert judged == (preferred in ("response_a", "response_b"))
    if judged:
        good, bad = model.score(["", ""], [GOOD, BAD])
        assert right == ((good > bad) if preferred == "response_a" else (bad > good))


def test_responses_under_other_names_keep_them_and_another_kind_is_refused(model, tmp_path):
    other = {"instruction": ASK, "output_1": GOOD, "output_2": BAD}
    assert list(scored(model, of_rows(tmp_path, [other])))[-2:] == ["output_1_score", "output_2_score"]
    with pytest.raises(DataError, match=r"line 2: is a pair \(output_1 and output_2\), and each row before it a pair"):
        scored(model, of_rows(tmp_path, [TWO, other]))
    with pytest.raises(DataError, match="line 1: 'label' is 'x'; it must be one of response_a"):
        scored(model, of_rows(tmp_path, [TWO | {"label": "x"}]))


def test_scores_with_their_texts_give_compare_its_rulers(model, tmp_path):
    rows = [{"prompt": ASK, "chosen": GOOD, "rejected": BAD}, {"prompt": "Why?", "chosen": BAD, "rejected": GOOD}]
    table = scored(model, of_rows(tmp_path, rows), with_texts=True)
    assert table["chosen"].tolist() == [GOOD, BAD]
    table.to_csv(tmp_path / "scores.csv", index=False)
    assert judged_pairs({"mine": tmp_path / "scores.csv"}).rulers["longer"].tolist() == [
        len(GOOD) > len(BAD),
        len(BAD) > len(GOOD),
    ]
