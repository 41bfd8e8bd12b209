"""A draft may be given what its study has nowhere: its upstream is then that of a trial of the study."""

from pathlib import Path

import pytest

from rmkit.errors import ParamsError
from rmkit.study.notebook_side.drafts import plan_draft
from rmkit.study.planning.plan import schema_of
from rmkit.study.planning.project import Project
from rmkit.study.planning.study_file import load_study

PROJECT = Project(Path(__file__).resolve().parents[3])
STUDY = load_study(PROJECT.root / "params/smoke.yaml", "params/smoke.yaml")
OF_THE_STUDY = {  # what smoke gives 04, so that a job of 03 fits
    "generator": "sft", "annotations": [40, 150], "kept": "all", "n_folds": 2, "ns": [1, 2, 4], "betas": [0.5, None],
    "world": "grammar", "seed": 0,
}  # fmt: skip


def of_04(**given):
    defaults = {name: item.default for name, item in schema_of(PROJECT, "04_reward_models").items() if name != "study"}
    return defaults | OF_THE_STUDY | given


def test_what_the_study_has_is_taken_from_it():
    study, job = plan_draft(PROJECT, STUDY, "04_reward_models", of_04(seed=1))
    assert study is STUDY
    assert job.inputs["comparisons"].parameters["seed"] == 1


def test_a_seed_and_a_pool_that_the_study_has_nowhere_make_a_trial(capsys):
    study, job = plan_draft(PROJECT, STUDY, "04_reward_models", of_04(seed=7, pool="cross_prompt"))
    assert study.set == ('pool="cross_prompt"', "seed=7")
    made = job.inputs["comparisons"].parameters
    assert (made["seed"], made["pool"], made["n_labels"]) == (7, "cross_prompt", 150), "all else is the study's"
    assert "study smoke has no" in capsys.readouterr().out


def test_values_that_the_study_has_in_different_blocks_alone_make_a_trial(tmp_path):
    """Each of the two has its place in the study, and no job of 03 has both."""
    text = (PROJECT.root / "params/smoke.yaml").read_text(encoding="utf-8")
    blocks = "\n    - {generator: sft, n_labels: 150, seed: 0}\n    - {generator: sft, n_labels: 150, seed: 1, choice: similar}\n"
    text = text.replace("\n    generator: sft\n    n_labels: 150\n", blocks)
    assert text.count("similar") == 1
    (tmp_path / "blocks.yaml").write_text(text, encoding="utf-8")
    study = load_study(tmp_path / "blocks.yaml", "blocks.yaml")
    trial, job = plan_draft(PROJECT, study, "04_reward_models", of_04(seed=0, choice="similar"))
    assert trial is not study
    assert [job.inputs["comparisons"].parameters[name] for name in ("seed", "choice")] == [0, "similar"]


def test_levels_of_noise_reach_the_notebook_that_makes_the_labels():
    _, job = plan_draft(PROJECT, STUDY, "04_reward_models", of_04(betas=[0.2, None]))
    assert job.inputs["comparisons"].parameters["betas"] == [0.2, None]


def test_a_stage_that_the_study_lacks_is_still_an_error():
    """What is missing there is no value but a notebook."""
    lacking = load_study(PROJECT.root / "params/grammar.yaml", "params/grammar.yaml")
    with pytest.raises(ParamsError, match=r"add `03_annotation_noise:` under `stages`"):
        plan_draft(PROJECT, lacking, "04_reward_models", of_04(seed=7, world_seed=0))
