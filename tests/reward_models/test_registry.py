import ast
import subprocess
import sys
from pathlib import Path

import pytest

import rmkit
from rmkit.errors import ParamsError
from rmkit.reward_models.registry import REWARD_MODELS, build, reward_model_class
from rmkit.study.planning.reached_code import reached


@pytest.mark.parametrize("name", REWARD_MODELS)
def test_every_name_builds_its_class(name):
    assert type(build(name)) is reward_model_class(name)


def test_options_reach_the_head():
    assert build("mlp_bt", hidden=[8, 4]).hidden == (8, 4)


def test_an_unknown_name_gets_the_list_and_a_suggestion():
    with pytest.raises(ParamsError, match=r"'linear_tb' is not one of linear_bt, .*; did you mean 'linear_bt'"):
        build("linear_tb")


def test_an_unknown_option_gets_the_list_and_a_suggestion():
    with pytest.raises(ParamsError, match=r"option of reward_model mlp_bt: 'patiense' .* did you mean 'patience'"):
        build("mlp_bt", patiense=3)


def test_learned_state_is_not_an_option():
    with pytest.raises(ParamsError, match="'l2_s_' is not one of l2_grid"):
        build("linear_bt", l2_s_=1.0)


def test_only_the_head_that_is_asked_for_is_imported():
    script = """
import sys
from rmkit.reward_models.registry import build
assert not {"rmkit.reward_models.linear.bradley_terry", "rmkit.reward_models.mlp.bradley_terry"} & set(sys.modules)
build("linear_bt")
assert "rmkit.reward_models.linear.bradley_terry" in sys.modules
others = {"rmkit.reward_models.mlp.bradley_terry", "rmkit.reward_models.trees.classifier", "torch", "lightgbm"}
assert not others & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def test_an_ensemble_is_of_one_head_which_is_no_option():
    assert build("lightgbm_bt_ensemble").head == "lightgbm_bt"
    with pytest.raises(ParamsError, match="'head' is not one of n_members, bootstrap, options"):
        build("mlp_bt_ensemble", head="linear_bt")


@pytest.mark.parametrize("name", REWARD_MODELS)
def test_a_job_that_names_a_head_reaches_every_module_that_can_change_it(name):
    """What Python imports to build it, the study sees too: an ensemble's head with the ensemble."""
    script = f"""
import sys
from rmkit.reward_models.registry import build
build({name!r})
print(*[module for module in sys.modules if module.startswith("rmkit.reward_models.")])
"""
    imported = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.split()
    start = ast.parse("import rmkit.reward_models.registry")
    seen = reached([start], [name], [], Path(rmkit.__file__).parent)
    assert set(imported) <= set(seen)
