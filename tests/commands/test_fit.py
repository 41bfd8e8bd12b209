"""`rmkit fit` and `rmkit score`: from a file of pairs to rewards of new texts, and what is refused in one line."""

import json
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from rmkit.artifacts.table import Table
from rmkit.cli import main
from rmkit.commands.fit import _check_free
from rmkit.errors import ParamsError
from rmkit.export.composite import write_composite
from rmkit.export.text_reward_model import TextRewardModel
from rmkit.study.store.store import Store
from tests.checkout import checkout, environment
from tests.export.conftest import causal_with_start, model, preferences  # noqa: F401

KIND, RUDE = ["gladly", "certainly", "gently", "please", "kindly"], ["never", "whatever", "boring", "stupid", "no"]
PLAIN = ["bread", "garden", "train", "river", "window", "letter", "paper", "winter", "yellow", "simple", "music"]
ACCURACY = {"reward_model": "linear_bt", "is_ruler": False, "mean": 0.5, "low": None, "high": None}


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
    assert "pairs kept" in lines[0]
    assert "read as prompts and answers" in lines[0]
    assert "own-pairs: 2 jobs, 81 fits" in lines[1]
    assert [line.split()[1] for line in lines if line.startswith("head ")] == [
        "linear_bt", "mlp_bt", "mlp_clf", "lightgbm_clf",
    ]  # fmt: skip
    assert [line.split()[1] for line in lines if line.startswith("baseline ")] == [
        "random", "shorter", "longer", "more_formatted", "nearest_to_chosen",
    ]  # fmt: skip
    assert any(line.startswith("Is it learnable? Yes. linear_bt orders ") for line in lines)
    looked = pd.read_csv(tmp_path / "made/look_at_first.csv")
    rows = made_up_pairs(120)
    assert 1 <= len(looked) <= 50
    assert [rows[line - 1]["chosen"] for line in looked["line"]] == list(looked["chosen"])
    assert [rows[line - 1]["rejected"] for line in looked["line"]] == list(looked["rejected"])
    (page,) = (project / "runs/reports").glob("own-pairs*.html")
    text = page.read_text(encoding="utf-8")
    assert text.index("Is it learnable?</h2>") < text.index("<li>Yes.") < text.index("Which head?</h2>")
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


@pytest.mark.slow  # two notebooks, of them one that fine-tunes six times
def test_a_language_model_is_one_more_head_and_is_kept_when_asked_for(project, causal_with_start, tmp_path):  # noqa: F811
    pairs = file_of(tmp_path / "pairs.jsonl", made_up_pairs(60))
    options = ["keep_head=language_model", "lm_lora_rank=4", "lm_learning_rate=0.01", "lm_epochs=1", "n_dimensions=16"]
    words = [word for option in [*options, "reward_models=[linear_bt]"] for word in ("--set", option)]
    code, out, err = rmkit(
        project, "fit", pairs, "--language-model", causal_with_start, "--out", tmp_path / "made", *words
    )
    assert (code, err) == (0, ""), out + err
    heads = [line.split()[1] for line in out.splitlines() if line.startswith("head ")]
    assert heads == ["linear_bt", "language_model"]
    assert "Which head? language_model, as was asked; the most accurate is " in out
    (page,) = [
        path for path in (project / "runs/reports").glob("own-pairs*.html") if "as was asked" in path.read_text("utf-8")
    ]
    assert page
    code, out, err = rmkit(project, "score", tmp_path / "made", pairs)
    assert (code, err) == (0, ""), out + err
    assert "60 rows of " in out
    assert "scored by language_model" in out
    assert TextRewardModel.load(tmp_path / "made").about["annotations"] == 48
    code, out, err = rmkit(
        project,
        "fit",
        pairs,
        "--set",
        "n_dimensions=16",
        "--set",
        "reward_models=[linear_bt]",
        "--out",
        tmp_path / "made",
    )
    assert (code, err) == (0, ""), out + err  # an older one is replaced whole
    assert not (tmp_path / "made/model.safetensors").exists()


@pytest.mark.slow
def test_what_cannot_be_fitted_is_one_line_and_nothing_is_written(project, tmp_path):
    pairs = file_of(tmp_path / "pairs.jsonl", made_up_pairs(12))
    (tmp_path / "other").mkdir()
    (tmp_path / "other/file.txt").write_text("mine", encoding="utf-8")
    wrong = {
        "is there already, and is no reward model; name another folder": (pairs, "--out", tmp_path / "other"),
        "there is no folder": (pairs, "--out", tmp_path / "none/made"),
        "is no folder here, and no name on the hub": (pairs, "--encoder", "mine", "--out", tmp_path / "made"),
        "No such file": (tmp_path / "none.jsonl", "--out", tmp_path / "made"),
        "--set refit: `rmkit fit` says that itself": (pairs, "--set", "refit=false"),
        "--set: these are 2 fits, and one reward model is kept": (pairs, "--set", "seed=[0, 1]"),
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


def test_pairs_that_changed_while_they_were_fitted_are_one_line(monkeypatch, tmp_path, capsys):
    pairs = file_of(tmp_path / "pairs.jsonl", made_up_pairs(12))
    monkeypatch.setattr("rmkit.commands.fit.run", lambda asked: 0)
    found = SimpleNamespace(store=tmp_path), None, []  # nothing is finished under the keys of what is there now
    monkeypatch.setattr("rmkit.commands.fit.planned", lambda asked: found)
    assert main(["fit", str(pairs), "--out", str(tmp_path / "made")]) == 2
    said = capsys.readouterr().err
    assert said.endswith("changed in the meantime; fit it again\n")
    assert said.count("\n") == 1
    assert not (tmp_path / "made").exists()


def test_nothing_is_run_for_a_folder_that_cannot_be_written_or_holds_more(model, monkeypatch, tmp_path, capsys):  # noqa: F811
    pairs = file_of(tmp_path / "pairs.jsonl", made_up_pairs(12))
    monkeypatch.setattr("rmkit.commands.fit.run", lambda asked: pytest.fail("was run"))
    model.save(tmp_path / "mine")
    (tmp_path / "mine/scores.csv").write_text("kept", encoding="utf-8")
    (tmp_path / "link").symlink_to("mine")
    (tmp_path / "leads nowhere").symlink_to("none/made")
    for words, said in (
        (("--out", tmp_path / "mine"), "holds scores.csv beside a reward model; move it, or name another folder"),
        (("--out", tmp_path / "link"), "holds scores.csv beside a reward model; move it, or name another folder"),
        (("--out", tmp_path / "leads nowhere"), f"there is no folder {tmp_path / 'none'}; make it"),
        (("--out", tmp_path / ("n" * 300)), "File name too long"),
        (("--encoder", ""), "--encoder '': is no folder here"),
        (("--encoder", "/no/such"), "--encoder /no/such: is no folder here"),
        (("--encoder", "./none"), "--encoder ./none: is no folder here"),
        (("--language-model", "mine"), "--language-model mine: is no folder here, and no name on the hub"),
    ):
        assert main(["fit", str(pairs), *map(str, words)]) in (1, 2)
        err = capsys.readouterr().err
        assert said in err
        assert err.count("\n") == 1
    assert (tmp_path / "mine/scores.csv").read_text(encoding="utf-8") == "kept"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("head/notes.txt", "holds head/notes.txt beside a reward model"),
        ("head/linear_bt/members/mine/model.json", "holds head/linear_bt/members/mine/model.json beside"),
        ("encoder/more.bin", "holds encoder/more.bin beside"),
        ("README.md", "README.md there is not as rmkit wrote it; move it, or name another folder"),
        ("config.json/mine.csv", "holds config.json/mine.csv beside"),
    ],
)
def test_what_somebody_put_into_a_model_or_edited_there_is_not_lost(model, monkeypatch, tmp_path, capsys, path, said):  # noqa: F811
    monkeypatch.setattr("rmkit.commands.fit.run", lambda asked: pytest.fail("was run"))
    pairs = file_of(tmp_path / "pairs.jsonl", made_up_pairs(12))
    model.save(tmp_path / "mine")
    place = tmp_path / "mine" / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("kept", encoding="utf-8")
    assert main(["fit", str(pairs), "--out", str(tmp_path / "mine")]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
    assert place.read_text(encoding="utf-8") == "kept"


@pytest.mark.parametrize("edit", ["", "mine"])
def test_the_card_that_rmkit_wrote_may_be_replaced_and_an_edited_one_not(model, tmp_path, edit):  # noqa: F811
    write_composite(replace(model, about={**model.about, "held_out_accuracy": [ACCURACY]}), tmp_path / "mine")
    card = tmp_path / "mine/README.md"
    card.write_text(card.read_text(encoding="utf-8") + edit, encoding="utf-8")
    if not edit:
        return _check_free(tmp_path / "mine", "--out mine")
    with pytest.raises(ParamsError, match=r"README\.md there is not as rmkit wrote it"):
        _check_free(tmp_path / "mine", "--out mine")


@pytest.mark.parametrize("command", ["fit", "export"])
def test_a_place_that_cannot_be_written_is_told_before_anything_is_run(model, monkeypatch, tmp_path, capsys, command):  # noqa: F811
    monkeypatch.setattr("rmkit.commands.fit.run", lambda asked: pytest.fail("was run"))
    model.save(tmp_path / "mine")
    what = tmp_path / "mine" if command == "export" else file_of(tmp_path / "pairs.jsonl", made_up_pairs(12))
    assert main([command, str(what), "--out", "/proc/zz"]) == 2
    err = capsys.readouterr().err
    assert "--out /proc/zz: cannot be written in /proc (" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("mine", "--out", "nowhere"), "--out nowhere: is there already, a link that leads nowhere; name another"),
        (("mine", "--out", "mine/in"), "--out mine/in: is inside the reward model that is exported"),
        (("mine", "--out", "link/in"), "--out link/in: is inside the reward model that is exported"),
        (("mine", "--out", "new", "--set", "x=1"), "--set x=1: is for studies, and mine is a reward model"),
        (("pairs.jsonl", "--out", "new"), "pairs.jsonl: is a file; a reward model is a folder that `rmkit fit` wrote"),
    ],
)
def test_an_export_that_cannot_be_right_is_one_sentence(model, monkeypatch, tmp_path, capsys, words, said):  # noqa: F811
    monkeypatch.chdir(tmp_path)
    model.save(tmp_path / "mine")
    file_of(tmp_path / "pairs.jsonl", made_up_pairs(12))
    (tmp_path / "nowhere").symlink_to("none")
    (tmp_path / "link").symlink_to("mine")
    there = sorted(map(str, tmp_path.rglob("*")))
    assert main(["export", *words]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
    assert sorted(map(str, tmp_path.rglob("*"))) == there


@pytest.mark.parametrize("out", ["made", "link", "new", "."])
def test_the_model_replaces_an_older_one_also_behind_a_link(model, monkeypatch, tmp_path, capsys, out):  # noqa: F811
    pairs = file_of(tmp_path / "pairs.jsonl", made_up_pairs(12))
    store, job = Store(tmp_path / "store"), SimpleNamespace(stage="09_human_preferences")
    replace(model, about={**model.about, "held_out_accuracy": [ACCURACY], "suspects": [], "answers": {}}).save(
        tmp_path / "stored"
    )
    monkeypatch.setattr("rmkit.commands.fit.run", lambda asked: 0)
    monkeypatch.setattr("rmkit.commands.fit.planned", lambda asked: (SimpleNamespace(store=store.root), None, []))
    monkeypatch.setattr("rmkit.commands.fit._pairs", lambda project, jobs: [])
    monkeypatch.setattr(Store, "finished_jobs", lambda self, jobs: {"key": job})
    Table(pd.DataFrame({"prompt": ["Why?"]})).save(tmp_path / "to label")
    places = {"reward_model": tmp_path / "stored", "to_label": tmp_path / "to label"}
    monkeypatch.setattr(Store, "artifact", lambda self, key, name: places[name])
    model.save(tmp_path / "made")
    (tmp_path / "made/reward_model.json").write_text("{}", encoding="utf-8")
    (tmp_path / "link").symlink_to("made")
    monkeypatch.chdir(tmp_path / "made" if out == "." else tmp_path)
    assert main(["fit", str(pairs), "--out", out]) == 0
    made = tmp_path / ("new" if out == "new" else "made")
    assert TextRewardModel.load(made).name == "linear_bt"
    assert (tmp_path / "link").is_symlink()
    assert not list(tmp_path.glob(".*"))


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
    assert "the preferred response is scored higher in 50.0% of 1 pair" in capsys.readouterr().out


def test_pairs_with_an_empty_side_are_not_counted(model, tmp_path, capsys):  # noqa: F811
    model.save(tmp_path / "made")
    pairs = [{"prompt": "Why?", "chosen": "You need glue", "rejected": text} for text in (" ", "You need glue")]
    assert main(["score", str(tmp_path / "made"), str(file_of(tmp_path / "new.jsonl", pairs))]) == 0
    out = capsys.readouterr().out
    assert "scored higher in 50.0% of 1 pair\n" in out
    assert out.splitlines()[1].split()[2] == "none"
    assert main(["score", str(tmp_path / "made"), str(file_of(tmp_path / "new.jsonl", pairs[:1]))]) == 0
    assert "nan" not in capsys.readouterr().out


def test_scores_never_replace_the_texts_that_they_are_of(model, tmp_path, capsys):  # noqa: F811
    model.save(tmp_path / "made")
    (tmp_path / "new.csv").write_text("prompt,response\nWhy?,You need glue\n", encoding="utf-8")
    (tmp_path / "link.csv").symlink_to("new.csv")
    for out in ("new.csv", "link.csv"):
        assert main(["score", str(tmp_path / "made"), str(tmp_path / "new.csv"), "--out", str(tmp_path / out)]) == 2
        assert "is the file that is scored; name another" in capsys.readouterr().err
    assert (tmp_path / "new.csv").read_text(encoding="utf-8").endswith("You need glue\n")


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


def test_a_folder_with_labels_that_somebody_filled_in_is_not_written_over(project, tmp_path):
    made = tmp_path / "made"
    made.mkdir()
    (made / "reward_model.json").write_text("{}", encoding="utf-8")
    form = made / "label_next.jsonl"
    form.write_text('{"prompt": "p", "response_a": "x", "response_b": "y", "label": "a"}\n', encoding="utf-8")
    pairs = file_of(tmp_path / "pairs.jsonl", made_up_pairs(12))
    code, _, err = rmkit(project, "fit", pairs, "--out", made)
    assert code == 2
    assert err.strip().endswith("label_next.jsonl there holds what somebody filled in; move it, or name another folder")
    assert '"label": "a"' in form.read_text(encoding="utf-8")


def test_a_dry_run_says_how_rows_are_read_and_what_it_would_cost(project, tmp_path):
    pairs = file_of(tmp_path / "pairs.jsonl", made_up_pairs(60))
    code, out, err = rmkit(project, "fit", pairs, "--out", tmp_path / "made", "--dry-run")
    assert (code, err) == (0, ""), out + err
    lines = out.splitlines()
    assert lines[0].endswith("60 of 60 pairs kept, 60 prompts; read as prompts and answers")
    assert lines[1].startswith("own-pairs: 2 jobs, 2 to run; a dry run")
    assert not (tmp_path / "made").exists()
