"""What --set makes of a study, and how the study is then named."""

from pathlib import Path

import pytest

from rmkit.errors import ParamsError
from rmkit.study.planning.study_file import load_study, overridden


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
