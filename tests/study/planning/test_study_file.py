"""What --set makes of a study, and how the study is then named."""

from pathlib import Path

import pytest

from rmkit.errors import ParamsError
from rmkit.study.planning.study_file import check_names, load_study, overridden, replaced_in_blocks


@pytest.fixture
def study(tmp_path):
    path = tmp_path / "params/mine.yaml"
    path.parent.mkdir()
    path.write_text(
        "axes: {seed: [0, 1]}\nstages: {00_world: {n: 3}, 04_reward_models: {share: 0.2}}", encoding="utf-8"
    )
    return load_study(path, "params/mine.yaml")


def test_set_wins_over_axes_and_stages_and_a_list_replaces_an_axis(study):
    changed = overridden(study, ["seed=7", "n=4"])
    assert (dict(changed.axes), dict(changed.parameters)) == ({}, {"seed": 7, "n": 4})
    assert changed.stages == {"00_world": ({},), "04_reward_models": ({"share": 0.2},)}
    assert overridden(study, ["seed=[4, 5]"]).axes == overridden(study, ["seed=4..5"]).axes == {"seed": [4, 5]}
    assert overridden(study, []) is study


def test_a_trial_has_a_report_of_its_own_and_a_command_that_can_be_typed(study):
    trial = overridden(study, ["share=0.5", "counts=[1, 2]"])
    assert study.report_name == "mine"
    assert trial.report_name == "mine+share=0.5+counts=_1,_2_"
    assert trial.arguments == "params/mine.yaml --set share=0.5 --set 'counts=[1, 2]'"
    assert Path(trial.report_name).name == trial.report_name


@pytest.mark.parametrize("assignment", ["share", "=3", "share="])
def test_half_an_assignment_is_refused(study, assignment):
    with pytest.raises(ParamsError, match="write KEY=VALUE"):
        overridden(study, [assignment])


@pytest.fixture
def blocks(tmp_path):
    """A study with a stage of two blocks, which `world` tells apart."""
    path = tmp_path / "blocks.yaml"
    path.write_text(
        "stages: {00_world: {n: 3}, 04_reward_models: [{world: a, seed: 0..4}, {world: b, seed: 0..2}]}",
        encoding="utf-8",
    )
    return load_study(path, "params/blocks.yaml")


def test_what_set_makes_alike_in_blocks_that_it_told_apart_is_said(blocks):
    assert list(replaced_in_blocks(blocks, ["world=[a]", "seed=3", "n=4"])) == [
        "--set world replaces 'a', 'b' in the 2 blocks of 04_reward_models; to run some of them alone, "
        "use --select world=…"
    ]
    assert list(replaced_in_blocks(blocks, [])) == []


def test_a_mistake_in_a_block_names_the_block(tmp_path, blocks):
    schemas = {"00_world": {"n": None}, "04_reward_models": {"world": None}}
    with pytest.raises(ParamsError, match=r"^params/blocks.yaml: stages.04_reward_models\[0\].seed: notebooks/04"):
        check_names(blocks, schemas)
    for given, said in (("[{n: 1}, 7]", r"stages.00_world\[1\]: 7 is not a mapping"), ("7", "stages.00_world: 7 is")):
        (tmp_path / "wrong.yaml").write_text(f"stages: {{00_world: {given}}}", encoding="utf-8")
        with pytest.raises(ParamsError, match=said):
            load_study(tmp_path / "wrong.yaml")
