"""What a notebook may ask of its job, and what it is told when it asks for something else."""

import json
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from rmkit.errors import JobError, ResultError, StoreError
from rmkit.report.page import tally_rows
from rmkit.seeding import generator
from rmkit.stages.graph import ARTIFACTS, STAGES, Source, Stage
from rmkit.study.engines.worker import check_outputs
from rmkit.study.notebook_side.gathered import tallies
from rmkit.study.notebook_side.open_job import OpenJob
from rmkit.study.planning.project import Project


class Words:
    """A format."""

    def save(self, folder):
        (folder / "words.txt").write_text("words", encoding="utf-8")


@pytest.fixture
def opened(tmp_path, monkeypatch):
    """Opens a job of a stage that takes `policy` and saves `scaled` only when its kind is full."""
    monkeypatch.setitem(ARTIFACTS, "words", f"{__name__}:Words")
    monkeypatch.setitem(ARTIFACTS, "scaled", f"{__name__}:Words")
    full = {"kind": ("full",)}
    stage = Stage(inputs={"policy": (Source("01_sft", full),)}, outputs={"words": {}, "scaled": full}, rows=False)
    monkeypatch.setitem(STAGES, "09_words", stage)
    (tmp_path / "made").mkdir()
    job = {"key": "k", "draft": True, "folder": tmp_path / "made", "partial": tmp_path / "partial", "inputs": {}}
    return lambda **parameters: OpenJob(project=Project(tmp_path), stage="09_words", parameters=parameters, job=job)


def test_an_output_is_saved_only_under_the_parameters_for_which_it_holds(opened):
    with pytest.raises(
        ResultError, match=r"^09_words: no output 'scaled' with kind = 'short'; .* when kind is 'full'$"
    ):
        opened(kind="short").save("scaled", Words())
    with pytest.raises(ResultError, match=r"09_words: no output 'word'; .* gives it words, scaled"):
        opened(kind="full").save("word", Words())
    job = opened(kind="full")
    job.save("scaled", Words())
    assert (job.folder / "artifacts/scaled/words.txt").exists()


def test_a_job_must_save_the_outputs_that_hold_and_no_others(opened):
    job = opened(kind="short")
    job.save("words", Words())
    order = {"stage": "09_words", "title": "09_words", "parameters": job.parameters}
    check_outputs(order, job.folder)
    with pytest.raises(JobError, match=r"ended without `job.save\('scaled', ...\)`"):
        check_outputs({**order, "parameters": {"kind": "full"}}, job.folder)


def test_an_absent_input_is_not_loaded(opened):
    with pytest.raises(ResultError, match=r"09_words: no input 'policy'; rmkit/stages/graph.py gives it none"):
        opened(kind="short").load("policy")


@pytest.mark.parametrize("name", ["seed", "world_seed"])
def test_the_generator_is_of_the_seed_that_the_stage_declares(name, opened):
    drawn = opened(**{name: 7, "n": 3}).rng("shift").normal(size=4)
    np.testing.assert_array_equal(drawn, generator(7, "09_words", "shift").normal(size=4))


def test_a_stage_with_both_seeds_draws_anew_for_each_of_either(opened):
    draws = {
        (seed, world): tuple(opened(seed=seed, world_seed=world).rng("shift").normal(size=4))
        for seed in (0, 1)
        for world in (0, 1)
    }
    assert len(set(draws.values())) == 4
    assert draws[1, 0] == tuple(opened(seed=1, world_seed=0).rng("shift").normal(size=4))


def test_what_all_seeds_of_a_world_share_is_of_its_seed_alone(opened):
    drawn = [opened(seed=seed, world_seed=7).rng("shift", of="world_seed").normal(size=4) for seed in (0, 1)]
    np.testing.assert_array_equal(drawn, [generator(7, "09_words", "shift").normal(size=4)] * 2)


def test_without_a_seed_nothing_is_random(opened):
    with pytest.raises(ResultError, match="09_words: declares no seed or world_seed, so nothing in it may be random"):
        opened(n=3).rng("shift")


def test_the_inputs_of_one_job_are_on_one_line_that_breaks_between_words(opened, tmp_path):
    tally = {"what": "prompts of every task and part that the world has", "in": 40, "out": 40, "dropped": {}}
    folders = {name: tmp_path / "00_world-0" / "artifacts" / name for name in ("prompts", "encoder")}
    folders["policy"] = tmp_path / "01_sft-0" / "artifacts" / "policy"
    (tmp_path / "00_world-0").mkdir()
    (tmp_path / "00_world-0/tallies.json").write_text(json.dumps([tally, tally]), encoding="utf-8")
    job = opened()
    job.inputs = folders
    *lines, kept = repr(job).split("\n")
    assert kept == f"  kept in {job.project.shown(job.folder)}"  # a draft says where it lies
    counted = "prompts of every task and part that the world has 40 in, 40 out"
    assert " ".join(line.strip() for line in lines[1:-1]) == f"prompts, encoder from 00_world-0: {counted}; {counted}"
    assert lines[-1] == "  policy from 01_sft-0"
    assert max(map(len, lines)) < 100
    assert all(line.startswith("      ") for line in lines[2:-1])


def test_costs_are_noted_one_after_the_other(opened):
    job = opened()
    job.cost("sampling", seconds=12.5, tokens=np.int64(40_000))
    job.cost("scoring", seconds=np.float32(0.5))
    assert json.loads((job.folder / "costs.json").read_text(encoding="utf-8")) == {
        "work": [{"what": "sampling", "seconds": 12.5, "tokens": 40_000}, {"what": "scoring", "seconds": 0.5}]
    }


@pytest.mark.parametrize("value", ["12 s", None, float("nan")])
def test_a_cost_is_a_number(value, opened):
    with pytest.raises(ResultError, match=r"09_words: cost of sampling: seconds is .*; give a finite number"):
        opened().cost("sampling", seconds=value)


def test_a_fault_of_the_disk_under_a_part_is_one_sentence(opened, tmp_path):
    (tmp_path / "partial").write_text("in the way", encoding="utf-8")
    shards = opened().shards("draws")
    with pytest.raises(StoreError, match=f"{tmp_path}/partial.*; move the file in the way and run again"):
        shards.put("a", pd.DataFrame({"x": [1]}))


def test_parts_are_kept_by_what_they_are_of(opened):
    job = opened()
    job.shards("draws").put("a", pd.DataFrame({"x": [1]}))
    assert job.shards("scores").get("a") is None
    assert opened().shards("draws").get("a")["x"].tolist() == [1]
    with pytest.raises(ResultError, match="'a/b' cannot name a part of the work"):
        job.shards("a/b")


def test_states_that_work_keeps_itself_last_as_its_parts_do(opened):
    folder = opened().kept("states")
    assert not folder.exists()
    folder.mkdir(parents=True)
    (folder / "step-3").write_text("3", encoding="utf-8")
    assert (opened().kept("states") / "step-3").read_text(encoding="utf-8") == "3"
    assert opened().kept("states") != opened().kept("others")
    with pytest.raises(ResultError, match="'a/b' cannot name a part of the work"):
        opened().kept("a/b")


def test_a_draft_keeps_parts_and_costs_in_its_own_folder(small):
    small.study("parts", stages={"02_parts": None})
    code = """
import pandas as pd, rmkit
job = rmkit.open_job("02_parts", {"study": "parts", "world_seed": 0, "kind": "short", "n_parts": 1, "seconds": 0.0})
job.shards("draws").put("a", pd.DataFrame({"x": [1]}))
job.cost("drawing", seconds=1)
"""
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=small.root, env=small.environment(), capture_output=True, text=True, check=False
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    (draft,) = (small.root / "runs/drafts").iterdir()
    assert (draft / "partial/draws/a.parquet").exists()
    assert json.loads((draft / "costs.json").read_text(encoding="utf-8")) == {
        "work": [{"what": "drawing", "seconds": 1}]
    }
    assert list((small.root / "runs/partial").iterdir()) == []


def test_what_else_is_to_be_said_of_rows_is_kept_with_their_counts(opened, capsys, tmp_path):
    job = opened()
    job.tally("pairs", came_in=5, went_out=4, dropped={"a tie": 1}, told=["read as rankings", "annotators: 2"])
    job.tally("words", came_in=3, went_out=3)
    said = " ".join(capsys.readouterr().out.split())
    assert "pairs: 5 in, 4 out (1 a tie); read as rankings; annotators: 2" in said
    pairs, words = tallies(job.folder)
    assert pairs["told"] == ["read as rankings", "annotators: 2"]
    assert "told" not in words
    store = SimpleNamespace(folder=lambda key: job.folder)
    rows = list(tally_rows(store, {"key": SimpleNamespace(stage="00_words")}))
    assert [row["dropped"] for row in rows] == ["1 a tie; read as rankings; annotators: 2", "none"]
