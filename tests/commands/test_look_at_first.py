"""The labels to look at first, with their texts: bounded, on one line each, and no formula for a spreadsheet."""

import csv

from rmkit.commands.look_at_first import write_look_at_first
from rmkit.files.one_line import LONGEST, one_line
from rmkit.worlds.human_preferences.pairs import Pair

PAIRS = [
    Pair("\n\nHuman: Why?\n\nAssistant:", 'She said "so",\nand left', "=1+1", 4),
    Pair("x" * 400 + "end", "y" * 400, "fine", 9, annotator="ann"),
]
SUSPECTS = [{"line": 9, "pair": 1, "probability": 0.9}, {"line": 4, "pair": 0, "probability": 0.8}]


def read(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_rows_have_line_annotator_and_bounded_texts_in_order(tmp_path):
    write_look_at_first(tmp_path / "look.csv", SUSPECTS, PAIRS)
    first, second = read(tmp_path / "look.csv")
    assert (first["line"], first["probability_of_the_other_label"], first["annotator"]) == ("9", "0.9", "ann")
    assert first["prompt"].startswith("…x")
    assert first["prompt"].endswith("end")
    assert first["chosen"].endswith("y…")
    assert {len(first["prompt"]), len(first["chosen"])} == {LONGEST}
    assert second["prompt"] == "Human: Why? Assistant:"
    assert second["chosen"] == 'She said "so", and left'
    assert second["rejected"] == "'=1+1"
    assert len((tmp_path / "look.csv").read_text(encoding="utf-8").splitlines()) == 3


def test_without_names_there_is_no_annotator_and_without_suspects_a_head_alone(tmp_path):
    write_look_at_first(tmp_path / "look.csv", [{**SUSPECTS[1]}], PAIRS[:1])
    assert "annotator" not in read(tmp_path / "look.csv")[0]
    write_look_at_first(tmp_path / "look.csv", [], [])
    assert read(tmp_path / "look.csv") == []


def test_what_a_spreadsheet_would_compute_gets_an_apostrophe():
    assert [one_line(text) for text in ("=A1", "@x", "+1", " -1", "1-1")] == ["'=A1", "'@x", "'+1", "'-1", "1-1"]
