"""RewardBench's two files of a model: accuracies by subset, and scores, as its own leaderboard's tables have them."""

import json

import pandas as pd
import pytest

from rmkit.cli import main
from rmkit.errors import DataError
from rmkit.export.rewardbench import write_rewardbench
from tests.commands.test_fit import file_of

TABLE = pd.DataFrame(
    {
        "row": [1, 2, 3, 4, 5],
        "id": [30, 31, 32, 33, 34],
        "subset": ["hep-cpp", "hep-cpp", "donotanswer", "donotanswer", "donotanswer"],
        "chosen_score": [1.0, 0.5, 2.0, 2.0, float("nan")],
        "rejected_score": [0.0, 0.75, 2.0, -1.0, 0.0],
    }
)


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def test_accuracies_are_shares_of_the_subset_and_an_equal_score_is_no_success(tmp_path):
    accuracies, scores = write_rewardbench(TABLE, tmp_path, model="mine", chat_template="tokenizer")
    about = {"model": "mine", "model_type": "Seq. Classifier", "chat_template": "tokenizer"}
    assert read(accuracies) == {**about, "hep-cpp": 0.5, "donotanswer": pytest.approx(1 / 3)}
    assert read(scores) == {
        **about,
        "results": [1, 0, 0, 1, 0],
        "subset": TABLE["subset"].tolist(),
        "id": [30, 31, 32, 33, 34],
        "scores_chosen": [1.0, 0.5, 2.0, 2.0, None],
        "scores_rejected": [0.0, 0.75, 2.0, -1.0, 0.0],
    }
    assert (accuracies, scores) == (tmp_path / "eval-set/mine.json", tmp_path / "eval-set-scores/mine.json")


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (TABLE.rename(columns={"chosen_score": "score"}), "has responses, not pairs"),
        (TABLE.drop(columns="subset"), "lacks a `subset` in some row"),
        (TABLE.assign(subset=["a", None, "a", "a", "a"]), "lacks a `subset` in some row"),
        (TABLE.assign(subset="model"), "a subset is called model, as the file's own entry; rename it"),
    ],
)
def test_what_has_no_subsets_is_one_line(table, said, tmp_path):
    with pytest.raises(DataError, match=f"rewardbench: .*{said}"):
        write_rewardbench(table, tmp_path / "out", model="mine", chat_template="rmkit")
    assert not (tmp_path / "out").exists()


def test_the_command_writes_them_and_compare_reads_them(model, tmp_path, monkeypatch, capsys):
    model.save(tmp_path / "mine")
    answers = ["Mix water and flour", "It depends on the weather", "You need patience, and glue", "No."]
    rows = [
        {"id": at, "subset": ["llmbar-natural", "hep-go"][at % 2], "prompt": f"Why {at}?", "chosen": answers[at], "rejected": answers[at - 1]}
        for at in range(4)
    ]  # fmt: skip
    pairs = file_of(tmp_path / "pairs.jsonl", rows)
    assert main(["score", str(tmp_path / "mine"), str(pairs), "--rewardbench", str(tmp_path / "results")]) == 0
    assert "results/eval-set/mine.json" in capsys.readouterr().out
    accuracies, scores = (read(tmp_path / f"results/{place}/mine.json") for place in ("eval-set", "eval-set-scores"))
    for subset in ("llmbar-natural", "hep-go"):
        right = [of for of, place in zip(scores["results"], scores["subset"], strict=True) if place == subset]
        assert accuracies[subset] == sum(right) / 2
    assert main(["compare", str(tmp_path / "results/eval-set-scores/mine.json")]) == 0
    said = capsys.readouterr().out
    assert "1 judge, 4 pairs of 4 prompts" in said
    assert main(["score", str(tmp_path / "mine"), str(pairs), "--rewardbench", str(pairs)]) == 2
    assert "--rewardbench" in capsys.readouterr().err


PAIR = {"prompt": "Why?", "chosen": "Mix water and flour", "rejected": "No."}


def strict(path):
    """The JSON value of a file; NaN, which JSON does not have, is an error."""
    return json.loads(path.read_text(encoding="utf-8"), parse_constant=lambda name: pytest.fail(f"{name} in {path}"))


def test_files_are_strict_json_whatever_ids_there_are(model, tmp_path):
    model.save(tmp_path / "mine")
    rows = [PAIR | {"subset": "hep-go"} | more for more in ({"id": 1}, {}, {"id": 2})]
    pairs = file_of(tmp_path / "pairs.jsonl", rows)
    assert main(["score", str(tmp_path / "mine"), str(pairs), "--rewardbench", str(tmp_path / "out")]) == 0
    assert strict(tmp_path / "out/eval-set-scores/mine.json")["id"] == [1, None, 2]
    assert strict(tmp_path / "out/eval-set/mine.json")["hep-go"] in (0, 1)
    table = TABLE.assign(chosen_score=float("inf"))
    _, scores = write_rewardbench(table, tmp_path / "more", model="mine", chat_template="rmkit")
    assert strict(scores)["scores_chosen"] == [None] * 5


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (PAIR, "line 2: has no 'subset'"),
        (PAIR | {"subset": None}, "line 2: has no 'subset'"),
        (PAIR | {"subset": float("nan")}, "line 2: has no 'subset'"),
        (PAIR | {"subset": "model"}, "line 2: its 'subset' is called model"),
    ],
)
def test_what_has_no_place_in_the_files_is_refused_before_scoring(row, said, model, tmp_path, monkeypatch, capsys):
    model.save(tmp_path / "mine")
    monkeypatch.setattr(type(model), "score", lambda *args, **options: pytest.fail("it was scored"))
    pairs = file_of(tmp_path / "pairs.jsonl", [PAIR | {"subset": "hep-go"}, row])
    assert main(["score", str(tmp_path / "mine"), str(pairs), "--rewardbench", str(tmp_path / "out")]) == 2
    assert said in capsys.readouterr().err
    responses = file_of(tmp_path / "responses.jsonl", [{"prompt": "Why?", "response": "No."}])
    assert main(["score", str(tmp_path / "mine"), str(responses), "--rewardbench", str(tmp_path / "out")]) == 2
    assert "line 1: has no 'chosen'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("option", ["--rewardbench", "--out"])
def test_an_empty_path_is_no_folder(option, capsys):
    with pytest.raises(SystemExit):
        main(["score", "mine", "pairs.jsonl", option, ""])
    assert "is empty; name a file or a folder" in capsys.readouterr().err
