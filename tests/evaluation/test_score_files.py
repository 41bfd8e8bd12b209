"""Score files: every form of a row in every container gives the same credits, and every mistake is one line."""

import csv
import gzip
import json
import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rmkit.errors import DataError, ParamsError
from rmkit.evaluation.score_files import judged_pairs, named_files, read_scores

CHOSEN, REJECTED = [2.5, -1.0, 0.25, 3.0], [1.5, 0.5, 0.25, -3.0]
CREDIT = [1.0, 0.0, 0.5, 1.0]
MARGIN = [1.0, -1.5, 0.0, 6.0]
FORMS = {
    "ours": {"chosen_score": CHOSEN, "rejected_score": REJECTED},
    "rewardbench": {"scores_chosen": CHOSEN, "scores_rejected": REJECTED, "results": [1, 0, 0, 1]},
    "trl": {"rewards/chosen": CHOSEN, "rewards/rejected": REJECTED},
    "trl's table": {"logits": [list(pair) for pair in zip(CHOSEN, REJECTED, strict=True)]},
    "lists of one": {"scores_chosen": [[x] for x in CHOSEN], "scores_rejected": [[x] for x in REJECTED]},
    "margin": {"margin": MARGIN},
    "verdict": {"results": CREDIT},
    "scores beside a margin": {"chosen_score": CHOSEN, "rejected_score": REJECTED, "margin": [0.1] * 4},
}
ENDINGS = (".parquet", ".csv", ".csv.gz", ".json", ".json.gz", ".jsonl", ".jsonl.gz", "columns.json", "pandas.json")


def written(path, columns):
    """The columns as a file, by its ending; `columns.json` are lists by column, with what RewardBench stores beside."""
    n_rows = len(next(iter(columns.values())))
    rows = [{name: values[at] for name, values in columns.items()} for at in range(n_rows)]
    opened = gzip.open if path.name.endswith(".gz") else open
    if path.suffix == ".parquet":
        pd.DataFrame(columns).to_parquet(path, index=False)
    elif path.name.endswith("pandas.json"):
        pd.DataFrame(columns).to_json(path)
    elif ".csv" in path.name:
        with opened(path, "wt", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            writer.writerows([[str(value) for value in row.values()] for row in rows])
    else:
        value = rows
        if path.name.endswith("columns.json"):
            value = {**columns, "model": "org/name", "chat_template": "tulu"}
        text = "\n".join(map(json.dumps, rows)) if ".jsonl" in path.name else json.dumps(value)
        with opened(path, "wt", encoding="utf-8") as file:
            file.write(text)
    return path


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("form", FORMS)
def test_all_forms_in_all_containers_are_one(form, ending, tmp_path):
    columns = {"id": ["a", "b", "c", "d"], "subset": ["x", "x", "y", "y"], **FORMS[form]}
    columns |= {"chosen": ["ä, b", 'c "d"', "e\nf", "g"], "rejected": ["h", "i", "j", "k l"], "else": [1, 2, 3, 4]}
    if "csv" in ending and form == "lists of one":
        pytest.skip("a .csv holds no lists")
    file = read_scores("it", written(tmp_path / f"it{'-' * ending[0].isalpha()}{ending}", columns))
    assert file.credit_m.tolist() == CREDIT
    assert (file.ids, file.categories) == (["a", "b", "c", "d"], ["x", "x", "y", "y"])
    assert file.texts == (columns["chosen"], columns["rejected"])


def test_verdicts_are_numbers_or_true_and_false(tmp_path):
    for column, values in {"correct": [True, False], "is_correct": [1, 0], "results": ["True", "false"]}.items():
        for ending in (".json", ".csv"):
            path = written(tmp_path / f"{column}{ending}", {column: values})
            assert read_scores("it", path).credit_m.tolist() == [1, 0]


def test_rows_are_matched_by_id_in_any_order_and_of_any_type(tmp_path):
    first = written(tmp_path / "first.csv", {"id": ["1", "2", "3"], "results": [1, 0, 1]})
    second = written(tmp_path / "second.json", {"pair_id": [3, 1, 2], "results": [1, 1, 0.5]})
    third = written(tmp_path / "third.parquet", {"id": [2.0, 3.0, 1.0], "margin": [1, 1, -1]})
    pairs = judged_pairs({"a": first, "b": second, "c": third})
    np.testing.assert_array_equal(pairs.credit_km, [[1, 0, 1], [1, 0.5, 1], [0, 1, 1]])
    assert pairs.prompt_m.tolist() == [0, 1, 2]


def test_what_one_file_says_of_pairs_holds_for_all(tmp_path):
    """Prompts, categories, texts and places, in the order of the first file."""
    told = {
        "id": [2, 1, 3], "results": [1, 1, 1], "prompt_id": ["p", "q", "p"], "category": ["x", "y", "x"],
        "chosen": ["longer", "a", "b"], "rejected": ["no", "bb", "c"], "chosen_position": [1, 2, 2],
    }  # fmt: skip
    files = {
        "a": written(tmp_path / "a.jsonl", {"id": [1, 2, 3], "results": [0, 1, 1]}),
        "b": written(tmp_path / "b.jsonl", told),
    }
    pairs = judged_pairs(files)
    assert pairs.prompt_m[1] == pairs.prompt_m[2] != pairs.prompt_m[0]
    assert pairs.category_m.tolist() == ["y", "x", "x"]
    assert {name: credit.tolist() for name, credit in pairs.rulers.items()} == {
        "longer": [0, 1, 0.5], "shorter": [1, 0, 0.5], "more formatted": [0.5] * 3, "first listed": [0, 1, 0],
    }  # fmt: skip


def test_prompts_may_be_messages_and_of_other_templates(tmp_path):
    messages = [[{"role": "user", "content": text}] for text in ("hi", "hi", "bye")]
    first = written(tmp_path / "a.json", {"prompt": messages, "results": [1, 1, 0]})
    second = written(tmp_path / "b.parquet", {"prompt": ["<u>hi", "<u>hi", "<u>bye"], "results": [1, 0, 0]})
    assert judged_pairs({"a": first, "b": second}).prompt_m.tolist() == [0, 0, 1]


def test_the_last_message_is_the_response(tmp_path):
    dialogue = [[{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"}]]
    for ending in (".parquet", ".jsonl"):
        columns = {"results": [1], "chosen": dialogue, "rejected": dialogue}
        assert read_scores("it", written(tmp_path / f"a{ending}", columns)).texts == (["hello"], ["hello"])


@pytest.mark.parametrize(
    ("given", "names"),
    [
        (["x/a.csv", "b.json.gz", "c d.v2.parquet"], ["a", "b", "c d.v2"]),
        (["mine=x/a.csv", "a.csv"], ["mine", "a"]),
    ],
)
def test_a_judge_is_named_by_its_file_or_before_it(given, names):
    assert list(named_files(given)) == names


def test_a_file_that_is_there_may_have_an_equals_sign(tmp_path):
    path = tmp_path / "beta=1.csv"
    path.touch()
    assert named_files([str(path)]) == {"beta=1": path}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["a.csv", "x/a.json"], "x/a.json: a second file of 'a'; tell them apart by NAME=FILE"),
        (["=a.csv"], "=a.csv: give a file, or NAME=FILE with a name of 1 to 200 characters"),
        (["a="], "a=: give a file, or NAME=FILE with a name of 1 to 200 characters"),
        ([f"{'x' * 201}=a.csv"], "give a file, or NAME=FILE with a name of 1 to 200 characters"),
        (["\udcff=a.csv"], "give a file, or NAME=FILE with a name of 1 to 200 characters"),
        ([f"n{at}=a.csv" for at in range(51)], "51 files are too many; compare at most 50 at once"),
    ],
)
def test_a_wrong_name_is_refused(given, said):
    with pytest.raises(ParamsError, match=re.escape(said) + "$"):
        named_files(given)


NEED = "a row needs chosen_score and rejected_score, or a margin, or a verdict (results: 1, 0, 0.5)"
ONE_FILE = [
    ({"a": [1]}, f"has no scores; {NEED}; it has a"),
    ({"id": [1]}, f"has no scores; {NEED}; it has id"),
    ({"chosen_score": [1]}, f"has no scores; {NEED}; it has chosen_score"),
    ({"id": ["a", "b", "a"], "results": [1, 1, 1]}, ", row 3: id 'a' is listed twice, first in row 1"),
    ({"id": ["a", ""], "results": [1, 1]}, ", row 2: id is missing"),
    ({"margin": [1, float("nan")]}, ", row 2: margin is nan, not a finite number"),
    ({"margin": [1, float("inf")]}, ", row 2: margin is inf, not a finite number"),
    ({"margin": [1, None]}, ", row 2: margin is missing"),
    ({"margin": ["1", "one"]}, ", row 2: margin is 'one', not a finite number"),
    ({"margin": ["1", "1_0"]}, ", row 2: margin is '1_0', not a finite number"),
    ({"margin": [[1, 2]]}, ", row 1: margin is [1, 2], not a finite number"),
    ({"margin": [True]}, ", row 1: margin is True, not a finite number"),
    ({"margin": [10**400]}, ", row 1: margin is a whole number of 1,329 bits, not a finite number"),
    ({"logits": [[1, 2], [1]]}, ", row 2: logits must be [chosen, rejected], two numbers"),
    ({"results": [1, 2]}, ", row 2: results is 2; a verdict is 1 (chosen), 0 (rejected) or 0.5 (a tie)"),
    ({"results": [1], "chosen_position": [0]}, ", row 1: chosen_position is 0; it must be 1 or 2"),
    ({"results": [1], "subset": [None]}, ", row 1: subset is missing"),
    ({"results": [1], "subset": ["\ud800"]}, r", row 1: subset is '\ud800'; it must be a text of 1 to 200 characters"),
    ({"results": [1], "subset": [True]}, ", row 1: subset is True, no text"),
    ({"results": [1], "chosen": [1], "rejected": ["a"]}, ", row 1: chosen is 1; it must be a text, or messages with their content"),
    ({"results": [1, 1], "scores_chosen": [1, 1], "scores_rejected": [0, 2]}, ", row 2: results is 1, but the rejected response scores higher"),
]  # fmt: skip


@pytest.mark.parametrize(("columns", "said"), ONE_FILE, ids=[said[-40:] for _, said in ONE_FILE])
def test_what_is_wrong_in_a_file_is_one_line(columns, said, tmp_path):
    path = written(tmp_path / "rows.json", columns)
    between = "" if said.startswith(",") else ": "
    with pytest.raises(DataError, match=f"^{re.escape(f'{path}{between}{said}')}$"):
        read_scores("it", path)


TWO_FILES = [
    ({"id": [1, 2]}, {"id": [1, 2, 3]}, "B, row 3: id '3' is not in A; compare one set of pairs"),
    ({"id": [1, 2, 3]}, {"id": [1]}, "B: lacks id '2' of A, row 2 (2 are missing)"),
    ({"id": [1]}, {"margin": [1]}, "B: has no id, and A has; give every file ids, or none"),
    ({"margin": [1]}, {"id": [1]}, "A: has no id, and B has; give every file ids, or none"),
    ({"margin": [1, 2]}, {"margin": [1]}, "B: has 1 rows, and A has 2; without an id, files must have the same rows in one order"),
    ({"id": [1, 2], "subset": ["x", "y"]}, {"id": [2, 1], "category": ["x", "x"]}, "B, row 1: category is 'x', and 'y' in A, row 2"),
    (
        {"chosen": ["a", "b"], "rejected": ["c", "d"]}, {"chosen": ["a", "x"], "rejected": ["c", "d"]},
        "B, row 2: chosen is another text than in A, row 2; without an id, rows must be in one order",
    ),
    (
        {"id": [1, 2, 3], "prompt": ["p", "p", "q"]}, {"id": [1, 2, 3], "prompt": ["p", "q", "q"]},
        "B, row 2: shares its prompt with other pairs than in A; give every file one prompt_id",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("first", "second", "said"), TWO_FILES, ids=[said[:40] for *_, said in TWO_FILES])
def test_files_of_other_pairs_are_told_in_one_line(first, second, said, tmp_path):
    files = {}
    for name, columns in (("A", first), ("B", second)):
        n_rows = len(next(iter(columns.values())))
        files[name] = written(tmp_path / f"{name}.json", {"results": [1] * n_rows} | columns)
    for name, path in files.items():
        said = re.sub(rf"\b{name}\b", lambda _, path=path: str(path), said)
    with pytest.raises(DataError, match=f"^{re.escape(said)}$"):
        judged_pairs(files)


def test_a_pipe_a_folder_and_nothing_are_no_score_files(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "folder.json").mkdir()
    for name, said in {
        "pipe.csv": "is not a regular file but a pipe; it must be a readable file",
        "folder.json": "is a folder without state.json and without files of rows; name a folder of files or one that `datasets` saved",
        "nothing.parquet": "there is no such file; put it there, or correct the path",
        "a.xlsx": "its ending '.xlsx' is not one of .jsonl, .json, .csv, .tsv, .parquet, .jsonl.gz, .json.gz, .csv.gz, .tsv.gz",
    }.items():
        with pytest.raises(DataError, match=f"{re.escape(f'{name}: {said}')}"):
            read_scores("it", tmp_path / name)
    with pytest.raises(DataError, match="is not a regular file but a device"):
        read_scores("it", _link(tmp_path / "zero.jsonl", "/dev/zero"))


def _link(path: Path, target: str) -> Path:
    path.symlink_to(target)
    return path
