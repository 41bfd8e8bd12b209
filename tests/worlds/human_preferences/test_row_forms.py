"""One set of pairs in every form of row and every container: the same pairs are read, or one line says what is wrong."""

import csv
import gzip
import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rmkit.errors import DataError
from rmkit.worlds.human_preferences.pairs import EMPTY, ENDS_WITH_HUMAN, bank_and_comparisons, check, read_pairs
from rmkit.worlds.human_preferences.row_forms import DIFFERENT_PROMPTS, sides_of
from tests.worlds.human_preferences.dialogues import made_up

USER, ASSISTANT = "user", "assistant"


def asked(number):
    """The turns before the answer: one question, or one that follows an answer."""
    first = f'How do I prune an apple tree of {number} years?\nIt is, well, "old".'
    return [first] if number % 3 else [first, "In winter, with a sharp saw.", "And how high?"]


def answers(number):
    """The first answer quotes a dialogue, which no prompt field may be misled by."""
    quoting = "\n\nHuman: he said\n\nAssistant: no" if number == 1 else ""
    return f"Cut {number} branches{quoting}.", f"Leave it,\nas it is; {number} times."


NUMBERS = range(12)


def messages(texts):
    return [{"role": ASSISTANT if place % 2 else USER, "content": text} for place, text in enumerate(texts)]


def plain(texts):
    return "".join(f"\n\n{'Assistant' if place % 2 else 'Human'}: {text}" for place, text in enumerate(texts))


def dialogue(number, answer):
    return f"{plain(asked(number))}\n\nAssistant: {answer}"


def both(of):
    return lambda number: dict(
        zip(("chosen", "rejected"), (of(number, answer) for answer in answers(number)), strict=True)
    )


def with_prompt(prompt, of):
    return lambda number: {"prompt": prompt(number), **both(of)(number)}


def one_text(number):
    turns = asked(number)
    return turns[0] if len(turns) == 1 else f"{plain(turns)}\n\nAssistant:"


FORMS = {
    "whole dialogues": both(dialogue),
    "prompt and answers": with_prompt(one_text, lambda number, answer: answer),
    "prompt and whole dialogues": with_prompt(lambda number: plain(asked(number)), dialogue),
    "messages and texts": with_prompt(lambda number: messages(asked(number)), lambda number, answer: answer),
    "messages": with_prompt(
        lambda number: messages(asked(number)), lambda number, answer: [{"role": ASSISTANT, "content": answer}]
    ),
    "prompt messages and whole messages": with_prompt(
        lambda number: messages(asked(number)), lambda number, answer: messages([*asked(number), answer])
    ),
    "whole messages": both(lambda number, answer: messages([*asked(number), answer])),
    "a text and whole messages": with_prompt(
        lambda number: asked(number)[0], lambda number, answer: messages([*asked(number), answer])
    ),
}


def beside(prompt, of):
    """A row whose answers are not called chosen and rejected; now and then the worse one stands first."""
    return lambda number: {"prompt": prompt(number), **of(number, *answers(number), number % 2)}


def in_order(better, worse, turned):
    return [worse, better] if turned else [better, worse]


def labelled(number, better, worse, turned):
    first, second = in_order(better, worse, turned)
    return {"response_a": first, "response_b": second, "label": 1 - turned}


def ranked(number, better, worse, turned):
    return {"responses": in_order(better, worse, turned), "ranks": in_order(1, 2, turned)}


def scored(number, better, worse, turned):
    given = in_order({"response": better, "overall_score": 7.5}, {"response": worse, "overall_score": 7.25}, turned)
    return {"completions": given}


def voted(number, better, worse, turned):
    first, second = in_order(better, worse, turned)
    return {"response1": first, "response2": second, "annotator1": 1 + turned}


FORMS |= {
    "a list of one chosen and one rejected": beside(
        one_text, lambda number, better, worse, _: {"chosen": [better], "rejected": [worse]}
    ),
    "a text chosen and a list rejected": beside(
        one_text, lambda number, better, worse, _: {"chosen": better, "rejected": [worse]}
    ),
    "ranks": beside(one_text, ranked),
    "ranks of answers to messages": beside(lambda number: messages(asked(number)), ranked),
    "scores in objects": beside(one_text, scored),
    "a label": beside(one_text, labelled),
    "votes": beside(one_text, voted),
    "conversations and a winner": lambda number: {
        "conversation_a": messages([*asked(number), answers(number)[0], "Thanks", "Not at all"]),
        "conversation_b": messages([*asked(number), answers(number)[1]]),
        "turn": (len(asked(number)) + 1) // 2,
        "winner": "model_a",
    },
}
QUOTES = "whole dialogues"  # the one form in which an answer cannot quote a dialogue


def rows(form):
    return [FORMS[form](number) for number in NUMBERS if form != QUOTES or number != 1]


def csv_bytes(rows, delimiter=","):
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(
        {name: value if isinstance(value, str | None) else json.dumps(value) for name, value in row.items()}
        for row in rows
    )
    return text.getvalue().encode()


def as_json_lines(folder, rows):
    path = folder / "pairs.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def as_json(folder, rows):
    path = folder / "pairs.json"
    path.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    return path


def as_columns(folder, rows):
    path = folder / "columns.json"
    path.write_text(json.dumps({name: [row[name] for row in rows] for name in rows[0]}), encoding="utf-8")
    return path


def as_csv(folder, rows):
    path = folder / "pairs.csv"
    path.write_bytes(csv_bytes(rows))
    return path


def as_tsv(folder, rows):
    path = folder / "pairs.tsv"
    path.write_bytes(csv_bytes(rows, "\t"))
    return path


def as_parquet(folder, rows):
    path = folder / "pairs.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=5)
    return path


def as_folder(folder, rows):
    from datasets import Dataset, disable_progress_bars

    disable_progress_bars()
    path = folder / "pairs"
    Dataset.from_list(rows).save_to_disk(path, num_shards=2)
    return path


def as_folder_of_one_split(folder, rows):
    from datasets import Dataset, DatasetDict

    path = folder / "splits"
    DatasetDict({"train": Dataset.from_list(rows)}).save_to_disk(path)
    return path


CONTAINERS = {
    written.__name__: written
    for written in (as_json_lines, as_json, as_columns, as_csv, as_tsv, as_parquet, as_folder, as_folder_of_one_split)
}


def read(path):
    return [(pair.prompt, pair.chosen, pair.rejected) for pair in read_pairs(path).pairs]


def expected(form):
    turns = {number: f"{plain(asked(number))}\n\nAssistant:" for number in NUMBERS}
    return [(turns[number], *answers(number)) for number in NUMBERS if form != QUOTES or number != 1]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("container", CONTAINERS)
def test_every_form_in_every_container_gives_the_same_pairs(tmp_path, form, container):
    assert read(CONTAINERS[container](tmp_path, rows(form))) == expected(form)


def test_the_same_pairs_are_the_same_bank(tmp_path):
    def embed(texts):
        return np.array([[len(text)] for text in texts], np.float16), {"method": "count"}

    of_messages, of_texts = (
        bank_and_comparisons(read_pairs(CONTAINERS[container](tmp_path, rows(form))), embed, with_prompts=True)
        for form, container in (("whole messages", "as_parquet"), ("prompt and answers", "as_json_lines"))
    )
    assert of_messages[0].responses.equals(of_texts[0].responses)
    np.testing.assert_array_equal(of_messages[0].embedding_rd, of_texts[0].embedding_rd)
    assert of_messages[1].table.equals(of_texts[1].table)


@pytest.mark.parametrize("variant", ["packed", "capitals", "byte-order mark", "line ends"])
@pytest.mark.parametrize("container", ["as_json_lines", "as_json", "as_csv"])
@pytest.mark.parametrize("form", ["whole dialogues", "messages"])
def test_variants_of_a_file_are_read_alike(tmp_path, container, variant, form):
    made = CONTAINERS[container](tmp_path, rows(form))
    content, name = made.read_bytes(), made.name
    if variant == "packed":
        content, name = gzip.compress(content), f"{name}.gz"
    elif variant == "capitals":
        content, name = gzip.compress(content), f"{name.upper()}.GZ"
    elif variant == "byte-order mark":
        content = b"\xef\xbb\xbf" + content
    else:  # of the file, and inside its texts
        inside = content.replace(b"\\n", b"\\r\\n")
        content = inside.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    (tmp_path / "variant").mkdir()
    path = tmp_path / "variant" / name
    path.write_bytes(content)
    assert read(path) == expected(form)


def test_a_check_says_what_was_read_what_was_not_and_which_pairs_were_judged_both_ways(tmp_path):
    first, second, *others = ({**row, "margin": 2, "id": number} for number, row in enumerate(rows("messages")))
    opposite = {**second, "chosen": second["rejected"], "rejected": second["chosen"]}
    path = as_json_lines(tmp_path, [first, second, *others, opposite])
    said, counts = check(path)
    assert (counts["pairs"], counts["prompts"]) == (len(NUMBERS) + 1, len(NUMBERS))
    margin = "margin: kept beside the pairs; no reward model uses it"
    assert said.endswith(f"; read as messages; judged both ways: 1 of the pairs; {margin}; not used: id")
    assert check(as_parquet(tmp_path, [first, second]))[0].endswith(f"read as messages; {margin}; not used: id")


def test_a_system_prompt_stands_before_the_dialogue_and_parts_of_a_message_are_one_text(tmp_path):
    system = {"role": "system", "content": "Be brief."}
    parts = {"from": "human", "value": [{"type": "text", "text": "Hi, "}, {"type": "text", "text": "you"}]}
    row = {
        name: [system, parts, {"from": "gpt", "value": answer}] for name, answer in (("chosen", "a"), ("rejected", "b"))
    }
    prompt = "\n\nSystem: Be brief.\n\nHuman: Hi, you\n\nAssistant:"
    assert read(as_json_lines(tmp_path, [row])) == [(prompt, "a", "b")]
    assert read(as_json_lines(tmp_path, [{**row, "prompt": "Hi, you"}])) == [(prompt, "a", "b")]


def test_rows_without_a_preference_are_dropped_in_every_form(tmp_path):
    turns = messages(["Hi", "Hello"])
    whole = [
        {"chosen": turns, "rejected": messages(["Ho", "Hello"])},
        {
            "chosen": [*turns, {"role": USER, "content": "Thanks"}],
            "rejected": [*turns, {"role": USER, "content": "No"}],
        },
        {"chosen": turns, "rejected": messages(["Hi", " "])},
        {"prompt": "Hi", "chosen": "Hello", "rejected": "\n"},
        {"prompt": "Hi", "chosen": "Hello", "rejected": "Good day"},
    ]
    reading = read_pairs(as_json_lines(tmp_path, whole))
    assert {reason: count for reason, count in reading.dropped.items() if count} == {
        DIFFERENT_PROMPTS: 1,
        ENDS_WITH_HUMAN: 1,
        EMPTY: 2,
    }
    assert [pair.line for pair in reading.pairs] == [5]


GOOD = {"prompt": "Hi", "chosen": "Hello", "rejected": "No"}
TURN = [{"role": USER, "content": "Hi"}, {"role": ASSISTANT, "content": "Hello"}]
WRONG_ROWS = {
    "null": ({**GOOD, "rejected": None}, "'rejected' is NoneType, not text; it must be"),
    "a prompt that is a number": ({**GOOD, "prompt": 3}, "'prompt' is int, not text"),
    "text and messages": ({**GOOD, "rejected": TURN}, "one of 'chosen' and 'rejected' is text, the other a list; write"),
    "no messages": ({"chosen": [], "rejected": TURN}, "'chosen' holds no messages; give a text or"),
    "no message": ({"chosen": ["Hi"], "rejected": TURN}, "message 1 of 'chosen' is str, not {'role'"),
    "a tool": ({"chosen": [{"role": "tool", "content": "x"}], "rejected": TURN}, "message 1 of 'chosen' has the role 'tool'; known are"),
    "no role": ({"chosen": [{"content": "x"}], "rejected": TURN}, "message 1 of 'chosen' has the role None; known are"),
    "no content": ({"chosen": [{"role": USER}], "rejected": TURN}, "'message 1 of chosen' is NoneType, not text"),
    "a picture": ({"chosen": [{"role": USER, "content": [{"type": "image"}]}], "rejected": TURN}, "'message 1 of chosen' is list, not text"),
    "an empty prompt of messages": ({**GOOD, "prompt": []}, "'prompt' holds no messages"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", WRONG_ROWS)
def test_a_wrong_row_is_named_by_row_and_field(mistake):
    row, said = WRONG_ROWS[mistake]
    with pytest.raises(DataError) as told:
        sides_of(row, "pairs.json, row 7")
    assert str(told.value).startswith(f"pairs.json, row 7: {said}")
    assert "\n" not in str(told.value)


def damaged(folder):
    made = as_folder(folder, [GOOD, GOOD])
    next(made.glob("*.arrow")).write_bytes(b"ARROW1")
    return made


def two_splits(folder):
    (folder / "two").mkdir()
    (folder / "two/dataset_dict.json").write_text('{"splits": ["train", "test"]}', encoding="utf-8")
    return folder / "two"


def file_of(name, content):
    def make(folder):
        (folder / name).write_bytes(content)
        return folder / name

    return make


WRONG_FILES = {
    "an object": (file_of("a.json", b'{"chosen": 1}'), "a.json: is a JSON dict; it must be a list of objects, or lists by column"),
    "a number": (file_of("a.json", b"3"), "a.json: is a JSON int; it must be a list of objects, or lists by column"),
    "columns of two lengths": (file_of("a.json", b'{"chosen": ["a"], "rejected": []}'), "a.json: column rejected has 0 rows, and chosen has 1"),
    "a list of texts": (file_of("a.json", b'["a"]'), "a.json, row 1: is a JSON str; it must be an object"),
    "no JSON": (file_of("a.json", b"[{]"), r"a.json: is not JSON \(.*\); it must be a list of objects"),
    "half a gzip": (file_of("a.json.gz", gzip.compress(b"[]" * 99, mtime=0)[:-9]), "a.json.gz: the gzip is cut short .* or name it .json if"),
    "no such column": (file_of("a.csv", b"chosen,reject\na,b\n"), r"a.csv, row 1: has no 'rejected' \(found chosen, reject\)"),
    "too many cells": (file_of("a.csv", b"prompt,chosen,rejected\nq,a,b\nq,a,b,c\n"), "a.csv, row 2: has 4 cells, and the header 3; quote cells"),
    "an open quote": (file_of("a.csv", b'chosen,rejected\n"a,b\n'), r"a.csv, row 1: is not CSV \("),
    "not UTF-8": (file_of("a.csv", b"chosen,rejected\n\xe9,b\n"), "a.csv, row 1 or soon after: is not UTF-8"),
    "no rows": (file_of("a.csv", b"chosen,rejected\n"), "a.csv: no rows; a preference file needs"),
    "no Parquet": (file_of("a.parquet", b"PAR1PAR1"), "a.parquet: is not a sound Parquet file"),
    "packed Parquet": (file_of("a.parquet.gz", b""), "a.parquet.gz: its ending '.gz' is not one of"),
    "an empty folder": (lambda folder: folder, "is a folder without state.json and without files of rows; name a folder of files or one that `datasets` saved"),
    "two splits": (two_splits, "two: has the splits train, test; name the folder of one, as .*two/train"),
    "a damaged folder": (damaged, "pairs: is not what `datasets` wrote"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", WRONG_FILES)
def test_a_wrong_file_is_one_line(tmp_path, mistake):
    make, said = WRONG_FILES[mistake]
    with pytest.raises(DataError, match=said) as told:
        check(make(tmp_path))
    assert "\n" not in str(told.value)


def test_the_made_up_dialogues_are_read_alike_from_a_table(tmp_path):
    assert read(as_csv(tmp_path, made_up())) == read(as_json_lines(tmp_path, made_up()))
