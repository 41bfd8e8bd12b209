"""`rmkit fit` and `rmkit score`: from a file of pairs to rewards of new texts, and what is refused in one line."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from rmkit.cli import main
from tests.checkout import checkout, environment
from tests.export.conftest import model, preferences  # noqa: F401

KIND, RUDE = ["gladly", "certainly", "gently", "please", "kindly"], ["never", "whatever", "boring", "stupid", "no"]
PLAIN = ["bread", "garden", "train", "river", "window", "letter", "paper", "winter", "yellow", "simple", "music"]


def answer(rng, words):
    return " ".join(rng.choice(words if rng.random() < 0.3 else PLAIN) for _ in range(rng.integers(8, 30)))


def made_up_pairs(n_pairs, seed=0, flipped=0.1):
    """Pairs of which the chosen answer has kind words, and in some of them the other one."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(n_pairs):
        sides = [answer(rng, KIND), answer(rng, RUDE)]
        chosen, rejected = sides[::-1] if rng.random() < flipped else sides
        rows.append({"prompt": f"Question {number}?", "chosen": chosen, "rejected": rejected})
    return rows


def file_of(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return checkout(tmp_path_factory.mktemp("fit") / "a checkout")


def rmkit(project, *words, cwd=None):
    command = [sys.executable, "-m", "rmkit.cli", *map(str, words)]
    ended = subprocess.run(
        command,
        cwd=cwd or project,
        env=environment(project, COLUMNS="100"),
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.returncode, ended.stdout, ended.stderr


@pytest.mark.slow  # two notebooks, twice
def test_pairs_become_a_reward_model_that_orders_new_pairs(project, tmp_path):
    pairs = file_of(tmp_path / "my pairs.jsonl", made_up_pairs(120))
    code, out, err = rmkit(project, "fit", pairs, "--out", tmp_path / "made", "--set", "n_dimensions=32")
    assert (code, err) == (0, ""), out + err
    lines = out.splitlines()
    assert "own-pairs: 2 jobs, 81 fits" in lines[0]
    assert [line.split()[1] for line in lines if line.startswith("head ")] == [
        "linear_bt", "mlp_bt", "mlp_clf", "lightgbm_clf",
    ]  # fmt: skip
    assert [line.split()[1] for line in lines if line.startswith("baseline ")] == [
        "random", "shorter", "longer", "more_formatted", "nearest_to_chosen",
    ]  # fmt: skip
    assert any(line.startswith("Is it learnable? Yes. linear_bt orders ") for line in lines)
    assert len(pd.read_csv(tmp_path / "made/look_at_first.csv")) == 50
    (page,) = (project / "runs/reports").glob("own-pairs*.html")
    assert "Is it learnable? Yes." in page.read_text(encoding="utf-8")
    assert lines[-1] == f"score new texts: rmkit score {tmp_path / 'made'} FILE --out scores.csv"
    new = file_of(tmp_path / "new.jsonl", made_up_pairs(200, seed=1, flipped=0.0))
    code, out, err = rmkit(project, "score", tmp_path / "made", new, "--out", tmp_path / "scores.csv")
    assert (code, err) == (0, ""), out + err
    scores = pd.read_csv(tmp_path / "scores.csv")
    assert len(scores) == 200
    assert (scores["chosen_score"] > scores["rejected_score"]).mean() > 0.85
    code, again, _ = rmkit(project, "fit", pairs, "--out", tmp_path / "made", "--set", "n_dimensions=32")
    assert code == 0
    assert "2 already there" in again
    assert again.splitlines()[-30:] == lines[-30:]
    code, out, _ = rmkit(project, "compare", tmp_path / "scores.csv")
    assert code == 0
    assert "1 judge, 200 pairs of 200 prompts" in out


def test_what_cannot_be_fitted_is_one_line_and_nothing_is_written(project, tmp_path):
    pairs = file_of(tmp_path / "pairs.jsonl", made_up_pairs(12))
    (tmp_path / "other").mkdir()
    (tmp_path / "other/file.txt").write_text("mine", encoding="utf-8")
    wrong = {
        "is there already, and is no reward model; name another folder": (pairs, "--out", tmp_path / "other"),
        "there is no folder": (pairs, "--out", tmp_path / "none/made"),
        "is no folder here, and no name on the hub": (pairs, "--encoder", "mine", "--out", tmp_path / "made"),
        "No such file": (tmp_path / "none.jsonl", "--out", tmp_path / "made"),
        "has no 'chosen'": (file_of(tmp_path / "rows.jsonl", [{"text": "a"}]), "--out", tmp_path / "made"),
        "too few to train and to validate on": (
            file_of(tmp_path / "few.jsonl", made_up_pairs(5)), "--out", tmp_path / "made",
        ),
    }  # fmt: skip
    jobs = sorted((project / "runs").glob("jobs/*"))
    for said, words in wrong.items():
        code, out, err = rmkit(project, "fit", *words)
        assert code == 2, out + err
        assert said in err
        assert err.count("\n") == 1
    assert not (tmp_path / "made").exists()
    assert (tmp_path / "other/file.txt").read_text(encoding="utf-8") == "mine"
    assert sorted((project / "runs").glob("jobs/*")) == jobs


def test_scores_on_the_screen(model, tmp_path, capsys):  # noqa: F811
    model.save(tmp_path / "made")
    rows = [{"prompt": "Why?", "response": text} for text in ("You need glue", "  ", "It depends on the weather")]
    assert main(["score", str(tmp_path / "made"), str(file_of(tmp_path / "new.jsonl", rows)), "--rows", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["row", "1", "2"]
    assert lines[3:] == [
        f"3 rows of {tmp_path / 'new.jsonl'}, scored by linear_bt",
        "1 row with an empty response: no score",
        "1 more row: --out FILE.csv or FILE.parquet has all",
    ]
    pairs = [{"prompt": "Why?", "chosen": "You need glue", "rejected": "You need glue"}]
    assert main(["score", str(tmp_path / "made"), str(file_of(tmp_path / "new.jsonl", pairs))]) == 0
    assert "the chosen response is scored higher in 50.0% of them" in capsys.readouterr().out


def test_a_model_or_a_file_that_is_none_is_one_line(model, tmp_path, capsys):  # noqa: F811
    model.save(tmp_path / "made")
    file = file_of(tmp_path / "new.jsonl", [{"prompt": "Why?"}])
    for words, said in (
        ([tmp_path, file], "holds no reward_model.json; it must be a folder that `rmkit fit` wrote"),
        ([tmp_path / "made", file], "line 1: has no response after a prompt (found prompt)"),
        ([tmp_path / "made", tmp_path / "none.csv"], "there is no such file"),
    ):
        assert main(["score", *map(str, words)]) == 2
        said_so = capsys.readouterr().err
        assert said in said_so
        assert said_so.count("\n") == 1
