"""Several files are read as one set, in their order, from copies that a dry run does not keep."""

import json

import pytest

from rmkit.cli import main
from rmkit.commands.several_files import PLACE, as_one_set
from rmkit.errors import DataError, ParamsError
from rmkit.worlds.human_preferences.pairs import REPLACED, read_pairs


def row(n, chosen="good", rejected="bad", **more):
    return {"prompt": f"question {n}", "chosen": chosen, "rejected": rejected} | more


def file_of(path, rows):
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(each) + "\n" for each in rows), encoding="utf-8")
    return path


@pytest.fixture
def files(tmp_path):
    """Two files of one name and one of a table; the second says one label of the first otherwise."""
    first = file_of(tmp_path / "a/train.jsonl", [row(0), row(1)])
    second = file_of(tmp_path / "b/train.jsonl", [row(1, "bad", "good", again=True), row(2)])
    table = tmp_path / "test.csv"
    table.write_text("prompt,chosen,rejected\nquestion 3,good,bad\n", encoding="utf-8")
    return [first, second, table]


def test_one_path_is_itself(files, tmp_path):
    for path in (files[0], files[0].parent):
        with as_one_set([path], tmp_path / "store", keep=True) as found:
            assert found == path
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("keep", [True, False])
def test_several_are_one_set_in_their_order(files, tmp_path, keep):
    with as_one_set(files, tmp_path / "store", keep=keep) as folder:
        found = read_pairs(folder)
        assert [(pair.prompt.split()[2], pair.chosen) for pair in found.pairs] == [
            ("0", "good"), ("1", "bad"), ("2", "good"), ("3", "good"),
        ]  # fmt: skip
        assert [pair.line for pair in found.pairs] == [1, 3, 4, 5]
        assert found.dropped[REPLACED] == 1
    assert folder.exists() is keep
    assert (tmp_path / "store").exists() is keep


def test_equal_files_give_the_same_folder_and_others_another(files, tmp_path):
    def folder_of(paths):
        with as_one_set(paths, tmp_path / "store", keep=True) as folder:
            return folder

    first = folder_of(files)
    assert first.parent == tmp_path / "store" / PLACE
    assert folder_of(files) == first
    assert folder_of(files[::-1]) != first
    file_of(files[0], [row(7)])
    assert folder_of(files) != first
    assert len(list(first.parent.iterdir())) == 3


def test_what_is_no_file_of_rows_is_one_sentence_and_nothing_is_written(files, tmp_path, capsys):
    other = tmp_path / "notes.txt"
    other.write_text("x", encoding="utf-8")
    for path, fault, said in (
        (tmp_path / "a", ParamsError, "a: is a folder; name files, or one folder alone"),
        (other, DataError, "notes.txt: its ending '.txt' is not one of .jsonl"),
        (tmp_path / "none.jsonl", DataError, "none.jsonl: cannot be read .No such file or directory.; name a file"),
    ):
        with pytest.raises(fault, match=said), as_one_set([files[0], path], tmp_path / "store", keep=True):
            pass
    assert not (tmp_path / "store").exists()
    assert main(["fit", str(files[0]), str(other), "--dry-run"]) == 2
    assert "notes.txt: its ending" in capsys.readouterr().err


def test_fit_reads_all_of_its_files(files, tmp_path, monkeypatch, capsys):
    seen = []

    def planned(asked):
        (said,) = (each for each in asked.set if each.startswith("pairs_file="))
        seen.append(len(read_pairs(said.partition("=")[2].strip('"')).pairs))
        raise ParamsError("enough")

    monkeypatch.setattr("rmkit.commands.fit.planned", planned)
    out = tmp_path / "made"
    assert main(["fit", *map(str, files), "--out", str(out), "--dry-run"]) == 2
    assert seen == [4]
    assert capsys.readouterr().out.startswith("train.jsonl, train.jsonl, test.csv: one set, rows numbered through, as ")
