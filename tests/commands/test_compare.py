"""`rmkit compare`: what the screen shows of score files, what a file holds, and what is refused."""

import json
import os

import numpy as np
import pandas as pd
import pytest

from rmkit.characters import HIDDEN
from rmkit.cli import main

N_PAIRS = 200


@pytest.fixture
def rmkit(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")

    def run(*words):
        code = main(["compare", *words])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture
def files(tmp_path):
    """Three judges: two good ones that are much alike, and one that guesses."""
    rng = np.random.default_rng(0)
    good = (rng.random(N_PAIRS) < 0.85).astype(int)
    alike = np.where(rng.random(N_PAIRS) < 0.05, 1 - good, good)
    ids, subset = list(range(N_PAIRS)), ["llmbar-natural"] * 120 + ["mine"] * 80
    texts = {"chosen": ["ab", "c"] * 100, "rejected": ["a", "de"] * 100}
    pd.DataFrame({"id": ids, "subset": subset, "results": good, **texts}).to_parquet(tmp_path / "good.parquet")
    pd.DataFrame({"id": ids[::-1], "margin": alike[::-1] - 0.5}).to_csv(tmp_path / "alike.csv", index=False)
    guessed = (rng.random(N_PAIRS) < 0.5).astype(float)
    pd.DataFrame({"id": ids, "chosen_score": guessed, "rejected_score": 1 - guessed}).to_json(
        tmp_path / "guess.jsonl", orient="records", lines=True
    )
    return ["good.parquet", "alike.csv", "chance=guess.jsonl"]


def test_the_screen_has_tiers_rulers_and_differences_in_words(rmkit, files):
    code, out, err = rmkit(*files)
    lines = out.splitlines()
    assert (code, err) == (0, "")
    assert lines[0] == "3 judges, 200 pairs of 200 prompts"
    assert [line.split()[:2] for line in lines[2:10]] == [
        ["tier", "judge"], ["pairs", "200"], ["1", "good"], ["1", "alike"], ["2", "chance"],
        ["ruler", "longer"], ["ruler", "shorter"], ["ruler", "more"],
    ]  # fmt: skip
    assert "Chat Hard (section)" in out
    assert "120 of 456" in out
    assert "Chat Hard: RewardBench's average of its subsets, weighted as there, without llmbar-adver-GPTInst," in out
    distinguished = [line.split()[-2] for line in lines if line.startswith(("good ", "alike "))]
    assert distinguished == ["no", "yes", "yes"]
    assert "p: exact McNemar test; Holm's correction over 3 pairs of judges" in lines
    assert lines[-1].startswith("not distinguished is not equal: these tests find 4 of 5 true differences of 0.0")


@pytest.mark.parametrize("columns", [60, 80, 100, 200])
def test_tables_fit_the_window(columns, rmkit, files, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    _, out, _ = rmkit(*files)
    of_tables = ("tier ", "   ", "ruler ", "better ", "good ", "alike ")
    tables = [line for line in out.splitlines() if line.startswith(of_tables) and " on all has " not in line]
    assert all(len(line) <= columns for line in tables), max(tables, key=len)
    assert out.count("ruler  longer") == {60: 4, 80: 2, 100: 2, 200: 1}[columns]


@pytest.mark.parametrize("ending", ["csv", "parquet", "json"])
def test_a_file_holds_all_numbers(ending, rmkit, files, tmp_path):
    code, out, _ = rmkit(*files, "--out", f"all.{ending}")
    rows = {"csv": pd.read_csv, "parquet": pd.read_parquet, "json": pd.read_json}[ending](tmp_path / f"all.{ending}")
    assert code == 0
    assert out.splitlines()[-1] == f"all.{ending}: {len(rows)} rows"
    assert rows["quantity"].value_counts().to_dict() == {"accuracy": 6 * 4, "difference": 3}
    differences = rows[rows["quantity"] == "difference"]
    assert differences["distinguished"].astype(bool).tolist() == [False, True, True]
    assert differences[["p", "p_holm", "value", "low", "high", "smallest_seen"]].notna().all(axis=None)
    best = rows[(rows["name"] == "good") & (rows["part"] == "all")]
    assert (best["tier"].item(), best["pairs"].item()) == (1, N_PAIRS)
    good = pd.read_parquet(tmp_path / "good.parquet")
    assert best["value"].item() == pytest.approx(good["results"].mean())


def test_one_file_is_measured_alone(rmkit, files):
    code, out, _ = rmkit(files[0])
    assert code == 0
    assert out.startswith("1 judge, 200 pairs of 200 prompts\n")
    assert "distinguished" not in out


def test_few_rows_are_shown_and_the_rest_is_named(rmkit, files):
    _, out, _ = rmkit(*files, "--rows", "1")
    assert "2 more judges: --rows 6 shows all, --out FILE writes all" in out
    assert "2 more of 3 pairs: --rows 3 shows all, --out FILE writes all" in out


def test_a_judge_and_a_category_may_be_called_as_the_table_calls_its_own(rmkit, tmp_path):
    """Judges called as a ruler, categories as a column."""
    rows = {"id": range(60), "subset": ["tier", "all", "judge"] * 20, "chosen": ["ab"] * 60, "rejected": ["a"] * 60}
    for name, results in (("longer", [1] * 59 + [0]), ("tier", [0, 1] * 30)):
        pd.DataFrame(rows | {"results": results}).to_csv(tmp_path / f"{name}.csv", index=False)
    code, out, _ = rmkit("longer.csv", "tier.csv", "--out", "all.json")
    assert code == 0
    lines = [line.split() for line in out.splitlines()]
    assert [line[:3] for line in lines if "longer" in line[:2]][:2] == [
        ["1", "longer", "0.983"], ["ruler", "longer", "1.000"],
    ]  # fmt: skip
    assert all(f"{name} (category)" in out for name in ("tier", "all", "judge"))
    table = pd.DataFrame(json.loads((tmp_path / "all.json").read_text(encoding="utf-8")))
    assert table[table["name"] == "longer"].groupby("kind")["value"].count().to_dict() == {"model": 4, "ruler": 4}


def test_a_tie_and_a_missing_interval_are_said(rmkit, tmp_path):
    (tmp_path / "a.csv").write_text("results\n0.5\n1\n", encoding="utf-8")
    _, out, _ = rmkit("a.csv")
    assert "a tie counts 1/2: a 1" in out
    assert "a on all has no interval: 2 prompts are too few for a bootstrap over prompts, which needs 20" in out


def test_names_from_files_reach_no_terminal_as_control_characters(rmkit, tmp_path):
    row = {"id": "a", "results": 1, "subset": "\x1b[31m\u202e"}
    (tmp_path / "x.json").write_text(json.dumps([row]), encoding="utf-8")
    code, out, err = rmkit("\x1b]0;y=x.json")
    assert (code, err) == (0, "")
    assert not HIDDEN.search(out)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["none.csv"], "none.csv: there is no such file; put it there, or correct the path"),
        (["good.parquet", "--out", "good.parquet"], "--out good.parquet: is one of the score files; name another"),
        (["good.parquet", "--out", "a.xlsx"], "--out a.xlsx: its ending: '.xlsx' is not one of .csv, .parquet, .json"),
        (["pipe.csv"], "pipe.csv: is not a regular file but a pipe; it must be a readable file"),
    ],
)
def test_what_is_wrong_is_one_line(words, said, rmkit, files, tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    code, _, err = rmkit(*words)
    assert (code, err) == (2, f"{said}\n")
