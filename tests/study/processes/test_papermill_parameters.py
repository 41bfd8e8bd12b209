"""Plain papermill knows every parameter that a notebook declares, and still tells of one that it does not."""

import json
import subprocess
import sys
import tomllib

import pytest

from rmkit.study.planning.notebook import declared, read_notebook
from tests.checkout import environment
from tests.small_project import REPOSITORY

GROUP = "papermill.engine"


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder that says what pyproject.toml declares, as an installer writes it: how papermill finds rmkit."""
    folder = tmp_path_factory.mktemp("installed")
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    info = folder / f"rmkit-{project['version']}.dist-info"
    info.mkdir()
    declared_here = "".join(f"{name} = {target}\n" for name, target in project["entry-points"][GROUP].items())
    (info / "entry_points.txt").write_text(f"[{GROUP}]\n{declared_here}", encoding="utf-8")
    (info / "METADATA").write_text(f"Name: rmkit\nVersion: {project['version']}\n", encoding="utf-8")
    return f"{folder}:{REPOSITORY}"


def said_by(installed, folder, *command):
    """What a command of Python says on both streams, where rmkit is installed."""
    ended = subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=folder,
        env=environment(REPOSITORY, PYTHONPATH=installed),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout + ended.stderr


EVERY_NOTEBOOK = """
import json, logging, sys
import papermill
logging.basicConfig(format="%(message)s", level="WARNING")
for path, parameters in json.loads(sys.argv[1]).items():
    print(path, file=sys.stderr, flush=True)
    papermill.execute_notebook(path, "out.ipynb", parameters, prepare_only=True, progress_bar=False)
"""


def test_papermill_warns_of_a_misspelt_parameter_and_of_no_declared_one(installed, tmp_path):
    paths = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))
    given = {
        str(path): {name: parameter.default for name, parameter in declared(read_notebook(path)).items()} | {"sede": 3}
        for path in paths
    }
    said = said_by(installed, tmp_path, "-c", EVERY_NOTEBOOK, json.dumps(given)).splitlines()
    assert said == [line for path in paths for line in (str(path), "Passed unknown parameter: sede")]


def test_the_command_of_the_readme_is_not_told_what_is_false(installed, tmp_path):
    notebook = REPOSITORY / "notebooks/04_reward_models.ipynb"
    given = ["-p", "seed", "7", "-p", "world", "grammar", "-y", "{annotations: [100, 600]}"]
    said = said_by(installed, tmp_path, "-m", "papermill", "--prepare-only", notebook, "out.ipynb", *given)
    assert "unknown" not in said, said


def test_papermill_lists_types_defaults_and_comments(installed, tmp_path):
    said = said_by(
        installed, tmp_path, "-m", "papermill", "--help-notebook", REPOSITORY / "notebooks/02_sampling.ipynb"
    )
    lines = " ".join(said.split())
    assert "gold: Literal['rule', 'model'] (default 'rule') which of the two gold rewards" in lines
    assert "pad_token: str | None (default None) for a tokenizer that has none" in lines


def inspected(source):
    from rmkit.study.processes.papermill_parameters import GrammarTranslator

    return [tuple(parameter) for parameter in GrammarTranslator.inspect({"source": source})]


def test_other_notebooks_are_read_as_well_as_before():
    from papermill.translators import PythonTranslator

    plain = 'a = 1  # one\nb: float = 2.0\n\n# a remark\nc = [\n    1,\n    2,\n]  # a list\nd: "str" = "x"\nimport os'
    papermills = [parameter.name for parameter in PythonTranslator.inspect({"source": plain})]
    assert [name for name, *_ in inspected(plain)] == papermills == ["a", "b", "c", "d"]
    assert inspected(plain)[0] == ("a", "None", "1", "one")
    magic = "%matplotlib inline\nalpha: int = 3  # kept"
    assert inspected(magic) == [tuple(parameter) for parameter in PythonTranslator.inspect({"source": magic})]
    assert inspected("x = y = 1  # both\nprint(x)") == [("x", "None", "1", "both"), ("y", "None", "1", "both")]
