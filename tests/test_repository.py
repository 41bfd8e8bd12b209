"""The repository holds together: floors, environments in step, notebooks clean, and quick where it must be quick."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from rmkit.stages.graph import ARTIFACTS, STAGES
from rmkit.study.planning import reached_code
from rmkit.study.planning.notebook import LOOK, check_look_cells, declared, read_notebook, result_trees

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
ONLY_LOOKS = "08_browse"  # the one notebook that makes no result: no stage of the graph, and no run executes it

FLOORS = [  # from the ground up
    {"errors", "seeding"},
    {"stages", "machine", "measures", "intervals"},
    {"artifacts", "stats"},
    {"annotation", "training_sets"},
    {"reward_models", "policies"},
    {"evaluation", "lm"},
    {"active", "ablations"},
    {"worlds", "preconditions"},
    {"findings"},
    {"study"},
    {"figures"},
    {"widgets", "report"},
    {"cli"},
]
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}


def modules():
    for path in sorted((ROOT / "rmkit").rglob("*.py")):
        parts = path.relative_to(ROOT / "rmkit").with_suffix("").parts
        if parts != ("__init__",):
            yield path, parts[0]


def rooms_imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports within rmkit are absolute"
            names = [node.module] if node.module != "rmkit" else [f"rmkit.{alias.name}" for alias in node.names]
        yield from ((name.split(".")[1], node.lineno) for name in names if name.startswith("rmkit."))


@pytest.mark.parametrize(("path", "room"), list(modules()), ids=lambda value: str(getattr(value, "name", value)))
def test_a_module_imports_only_from_floors_below(path, room):
    for imported, line in rooms_imported(path):
        below = FLOOR[imported] < FLOOR[room] or imported == room
        if room == "study":
            below = imported == room or FLOOR[imported] <= 2
        assert below, (
            f"{path.relative_to(ROOT)}:{line}: {room} (floor {FLOOR[room]}) imports {imported} (floor {FLOOR[imported]})"
        )


def test_rooms_that_do_not_count_for_a_key_cannot_reach_a_result():
    """What a result cell reaches imports nothing of those rooms but the exceptions; cells name none of them."""
    skipped = reached_code.CANNOT_CHANGE_A_RESULT
    for path, room in modules():
        if room not in skipped:
            assert {imported for imported, _ in rooms_imported(path)} & skipped <= {"errors"}, path
    for path in NOTEBOOKS:
        for tree in result_trees(read_notebook(path)):
            named = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
            named |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
            rooms = {name.split(".")[1] for name in named if name.startswith("rmkit.")}
            assert not rooms & skipped, f"{path.name}: a result cell imports {rooms & skipped}; tag it `look`"


def test_packages_on_the_way_are_empty():
    for path in (ROOT / "rmkit").rglob("__init__.py"):
        assert path.parent == ROOT / "rmkit" or not path.read_text().strip(), path


def test_the_exact_versions_satisfy_what_the_project_asks_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    exact = dict(
        line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if line and line[0] != "#"
    )
    exact = {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in exact.items()}
    asked = [*project["dependencies"], *(text for extra in project["optional-dependencies"].values() for text in extra)]
    for requirement in map(Requirement, asked):
        version = exact[re.sub(r"[-_.]+", "-", requirement.name).lower()]
        assert requirement.specifier.contains(version), f"{requirement}, and constraints.txt has {version}"


def test_conda_installs_the_same():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    *conda, pip = environment["dependencies"]
    (python,) = [name for name in conda if name.startswith("python=")]
    assert Requirement(f"python{project['requires-python']}").specifier.contains(python.partition("=")[2])
    assert pip["pip"][0] == "--constraint constraints.txt"
    extras = re.fullmatch(r"--editable \.\[(.*)\]", pip["pip"][1]).group(1)
    assert set(extras.split(",")) == set(project["optional-dependencies"])


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_clean_and_declares_itself(path):
    document = json.loads(path.read_text())
    assert path.stem in {*STAGES, ONLY_LOOKS}
    assert document["metadata"]["kernelspec"]["name"] == "python3"
    assert all(not cell.get("outputs") and not cell.get("execution_count") for cell in document["cells"])
    assert document["cells"][0]["source"][0].startswith(f"# {path.stem[:2]} · ")
    notebook = read_notebook(path)
    check_look_cells(notebook)
    for name, item in declared(notebook).items():
        assert item.comment, f"{path.name}: {name} has no comment"
    assert notebook.tagged(LOOK)
    assert bool(result_trees(notebook)) == (path.stem != ONLY_LOOKS)


def test_a_stage_without_a_notebook_is_not_promised():
    assert {path.stem for path in NOTEBOOKS} == {*STAGES, ONLY_LOOKS}
    for target in ARTIFACTS.values():
        module, _, name = target.partition(":")
        assert hasattr(__import__(module, fromlist=[name]), name)


@pytest.mark.parametrize(
    "command",
    [
        ["-c", "import rmkit"],
        ["-m", "rmkit.cli", "check", "params/tiny.yaml"],
        ["-m", "rmkit.cli", "run", "params/tiny.yaml", "--dry-run"],
    ],
    ids=["import", "check", "dry run"],
)
def test_the_quick_commands_import_nothing_heavy(command):
    """Time is measured in benchmarks; what makes these slow is an import, and that is what is held off here."""
    heavy = {"numpy", "pandas", "torch", "sklearn", "scipy", "matplotlib", "papermill", "nbformat", "pyarrow"}
    out = subprocess.run(
        [sys.executable, "-X", "importtime", *command], cwd=ROOT, capture_output=True, text=True, check=True
    )
    imported = {line.rpartition("|")[2].strip().split(".")[0] for line in out.stderr.splitlines() if "|" in line}
    assert not imported & heavy
