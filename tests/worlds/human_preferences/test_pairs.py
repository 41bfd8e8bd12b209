import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from rmkit.errors import DataError
from rmkit.worlds.human_preferences import pairs
from rmkit.worlds.human_preferences.pairs import (
    DIFFERENT_PROMPTS,
    EMPTY,
    ENDS_WITH_HUMAN,
    EQUAL,
    FOUND_TWICE,
    REASONS,
    read_pairs,
)
from tests.worlds.human_preferences.dialogues import N_PAIRS, made_up, row, written

GOOD = row(" Yes.", " No.")


def embed(texts):
    return np.array([[len(text), text.count("e")] for text in texts], np.float16), {"method": "counts"}


@pytest.mark.parametrize("name", ["pairs.jsonl", "pairs.jsonl.gz"])
def test_pairs_are_split_at_the_last_assistant_turn(tmp_path, name):
    ask = "Hi\n\nAssistant: Hello!\n\nHuman: And?"
    reading = read_pairs(written(tmp_path / name, [row(" é, a \n", " b", ask=ask), "", GOOD]))
    assert (reading.read, reading.kept, sum(reading.dropped.values())) == (2, 2, 0)
    assert reading.pairs[0].prompt == f"\n\nHuman: {ask}\n\nAssistant:"
    assert (reading.pairs[0].chosen, reading.pairs[0].rejected) == ("é, a", "b")
    assert [pair.line for pair in reading.pairs] == [1, 3]  # a blank line is no row, but it counts as a line


def test_every_dropped_row_has_its_reason_and_an_exact_repetition_is_kept_once(tmp_path):
    rows = [
        GOOD,
        row("x", "y", rejected_ask="Bye?"),
        row("  ", "y"),
        row("x", "\n"),
        row(" same", "same "),
        row("Yes.", "No. "),  # GOOD again, once stripped
        row("No.", "Yes."),  # somebody else's opposite choice: kept
        row("Yes.\n\nHuman: Thanks", "No."),
        GOOD,
    ]
    reading = read_pairs(written(tmp_path / "pairs.jsonl", rows))
    dropped = {DIFFERENT_PROMPTS: 1, ENDS_WITH_HUMAN: 1, EMPTY: 2, EQUAL: 1, FOUND_TWICE: 2}
    assert reading.dropped == dict.fromkeys(REASONS, 0) | dropped
    assert reading.found_twice == 2
    assert (reading.read, reading.kept) == (9, 2)
    assert [pair.line for pair in reading.pairs] == [1, 7]


def test_a_check_says_what_is_kept_and_why_the_rest_is_not(tmp_path):
    path = written(tmp_path / "pairs.jsonl", made_up())
    said, counts = pairs.check(path)
    prompts = len({row["chosen"].rpartition("Assistant:")[0] for row in made_up()[:N_PAIRS]})
    assert prompts < N_PAIRS
    assert (counts["pairs"], counts["prompts"]) == (N_PAIRS, prompts)
    dropped = f"dropped: 1 {DIFFERENT_PROMPTS}, 1 {EMPTY}, 1 {EQUAL}"
    assert (
        said == f"{path}: {N_PAIRS} of {N_PAIRS + 3} pairs kept, {prompts} prompts; {dropped}; read as whole dialogues"
    )


NOT_TEXT = {"chosen": 3, "rejected": GOOD["rejected"]}
MISTAKES = {
    "no rejected": ([GOOD, {"chosen": GOOD["chosen"]}], "line 2: has no 'rejected' .found chosen.; a row needs"),
    "nothing": ([{}], "line 1: has no 'chosen' .found no keys.; a row needs 'chosen' and 'rejected'"),
    "not text": ([GOOD, GOOD, NOT_TEXT], "line 3: 'chosen' is int, not text; it must be a whole dialogue"),
    "null": ([{**GOOD, "rejected": None}], "line 1: 'rejected' is NoneType, not text"),
    "no assistant": ([{**GOOD, "chosen": "\n\nHuman: hm"}], "line 1: 'chosen' has no assistant turn; a dialogue must"),
    "not JSON": ([GOOD, "{'chosen': 1}"], "line 2: is not JSON .*; each line must be one object"),
    "too deep": ([GOOD, "[" * 200_000], "line 2: is not JSON .*; each line must be one object"),
    "a list": ([GOOD, "[1]"], "line 2: is a JSON list; it must be an object"),
    "half a surrogate": ([{**GOOD, "chosen": GOOD["chosen"] + "\ud800"}], r"line 1: 'chosen' holds '\\ud800', which"),
}


@pytest.mark.parametrize("name", ["pairs.jsonl", "pairs.jsonl.gz"])
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_wrong_row_is_named_by_file_and_line(tmp_path, name, mistake):
    rows, said = MISTAKES[mistake]
    with pytest.raises(DataError, match=f"/{name}, {said}") as caught:
        pairs.check(written(tmp_path / name, rows))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("keep", [0.02, 0.5, 0.999])
def test_a_truncated_gzip_says_so(tmp_path, keep):
    whole = written(tmp_path / "whole.jsonl.gz", made_up()).read_bytes()
    path = tmp_path / "cut.jsonl.gz"
    path.write_bytes(whole[: int(len(whole) * keep)])
    with pytest.raises(DataError, match=r"cut.jsonl.gz, line \d+: the gzip is cut short or damaged .*; fetch the file"):
        read_pairs(path)


def test_a_damaged_gzip_and_a_plain_file_by_that_name_say_so(tmp_path):
    damaged = bytearray(written(tmp_path / "whole.jsonl.gz", made_up()).read_bytes())
    damaged[len(damaged) // 2] ^= 0xFF
    (tmp_path / "damaged.jsonl.gz").write_bytes(damaged)
    (tmp_path / "plain.jsonl.gz").write_text(json.dumps(GOOD), encoding="utf-8")
    for name in ("damaged", "plain"):
        with pytest.raises(DataError, match=rf"{name}.jsonl.gz, line \d+: .*"):
            read_pairs(tmp_path / f"{name}.jsonl.gz")
    with pytest.raises(DataError, match=r"line 1: the gzip .* or name it .jsonl if it is not compressed"):
        read_pairs(tmp_path / "plain.jsonl.gz")


def test_bytes_that_are_not_utf8_are_named_by_line_and_byte(tmp_path):
    path = tmp_path / "latin.jsonl"
    path.write_bytes(json.dumps(GOOD).encode() + b'\n{"chosen": "caf\xe9"}\n')
    with pytest.raises(DataError, match=r"latin.jsonl, line 2: is not UTF-8 \(byte 16\); save the file as UTF-8"):
        read_pairs(path)
    path.write_bytes(written(tmp_path / "pairs.jsonl.gz", [GOOD]).read_bytes())
    with pytest.raises(DataError, match=r"line 1: is not UTF-8 \(byte 2\); a gzip is named .jsonl.gz"):
        read_pairs(path)


def test_a_file_that_is_missing_or_of_another_kind_or_empty_says_so(tmp_path):
    with pytest.raises(DataError, match=r"absent.jsonl: there is no such file; put it there, or correct the path"):
        read_pairs(tmp_path / "absent.jsonl")
    with pytest.raises(
        DataError, match=r"pairs.txt: its ending '.txt' is not one of .jsonl, .json, .csv, .tsv, .parquet, "
    ):
        read_pairs(tmp_path / "pairs.txt")
    with pytest.raises(DataError, match=r"empty.jsonl: no rows; a preference file needs at least one pair"):
        read_pairs(written(tmp_path / "empty.jsonl", []))
    with pytest.raises(DataError, match=r"bad.jsonl: 2 rows; dropped: 2 an empty response; a preference file needs"):
        read_pairs(written(tmp_path / "bad.jsonl", [row("", "x"), row("", "y")]))


def test_checking_a_file_loads_no_heavy_package(tmp_path):
    code = (
        "import sys; from rmkit.worlds.human_preferences.pairs import check; check(sys.argv[1]);"
        "print([name for name in ('numpy', 'pandas', 'sklearn', 'torch') if name in sys.modules])"
    )
    path = written(tmp_path / "pairs.jsonl", [GOOD])
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_bank_holds_each_text_once_and_each_pair_points_at_its_texts(tmp_path):
    rows = [row("b", "a", ask="1"), row("d", "c", ask="0"), row("a", "z", ask="1"), row("a", "b", ask="1")]
    reading = read_pairs(written(tmp_path / "pairs.jsonl", rows))
    bank, comparisons = pairs.bank_and_comparisons(reading, embed)
    assert [prompt.split()[1] for prompt in bank.prompts["prompt"]] == ["1", "0"]  # by first appearance
    assert sorted(zip(bank.prompt_id_r, bank.responses["response"], strict=True)) == [
        (0, "a"),
        (0, "b"),
        (0, "z"),
        (1, "c"),
        (1, "d"),
    ]
    texts = bank.responses["response"].to_numpy()
    assert list(texts[comparisons.chosen_m]) == [pair.chosen for pair in reading.pairs]
    assert list(texts[comparisons.rejected_m]) == [pair.rejected for pair in reading.pairs]
    assert (comparisons.first_m < comparisons.second_m).all()
    assert list(comparisons.table["line"]) == [1, 2, 3, 4]
    np.testing.assert_array_equal(bank.embedding_rd, embed(texts)[0])
    assert bank.embedding_source == {"method": "counts"}
    assert bank.scores == {}


def test_a_bank_says_how_long_its_texts_are(tmp_path):
    reading = read_pairs(
        written(tmp_path / "pairs.jsonl", [row("two words", "é", ask="1"), row("ca va", "b", ask="?")])
    )
    bank, _ = pairs.bank_and_comparisons(reading, embed)
    lengths = bank.responses.set_index("response")[["characters", "words"]].T.to_dict("list")
    assert lengths == {"two words": [9, 2], "é": [1, 1], "ca va": [5, 2], "b": [1, 1]}
    assert bank.prompts["words"].tolist() == [3, 3]  # Human: 1 Assistant:
    assert bank.prompts["characters"].tolist() == [len(pair.prompt) for pair in reading.pairs]


def test_responses_may_be_embedded_after_their_prompts(tmp_path):
    rows = [row("bee", "a", ask="where?"), row("c", "d", ask="eel")]
    reading = read_pairs(written(tmp_path / "pairs.jsonl", rows))
    alone, comparisons = pairs.bank_and_comparisons(reading, embed)
    joint, same = pairs.bank_and_comparisons(reading, embed, with_prompts=True)
    prompt_r = joint.prompts["prompt"].reindex(joint.prompt_id_r)  # prompts are numbered from 0
    texts = [f"{prompt} {text}" for prompt, text in zip(prompt_r, joint.responses["response"], strict=True)]
    np.testing.assert_array_equal(joint.embedding_rd, embed(texts)[0])
    assert (joint.embedding_rd != alone.embedding_rd).all(), "each prompt has letters, and an e"
    assert joint.embedding_source != alone.embedding_source
    pd.testing.assert_frame_equal(same.table, comparisons.table)
    pd.testing.assert_frame_equal(joint.responses, alone.responses)


def test_positions_say_nothing_about_which_response_was_preferred(tmp_path):
    rows = made_up()
    swapped = [{"chosen": row["rejected"], "rejected": row["chosen"]} for row in rows]
    bank, comparisons = pairs.bank_and_comparisons(read_pairs(written(tmp_path / "pairs.jsonl", rows)), embed)
    other_bank, other = pairs.bank_and_comparisons(read_pairs(written(tmp_path / "swapped.jsonl", swapped)), embed)
    assert other_bank.responses.equals(bank.responses)
    assert (other.first_m == comparisons.first_m).all()
    assert (other.label_m == 1 - comparisons.label_m).all()
    assert abs(comparisons.label_m.mean() - 0.5) < 3 * 0.5 / np.sqrt(len(comparisons))
