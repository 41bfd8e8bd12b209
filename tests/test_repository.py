"""The repository holds together: floors, environments in step, notebooks clean, and quick where it must be quick."""

import ast
import graphlib
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from rmkit.layering import FLOORS, ROOMS
from rmkit.stages.graph import ARTIFACTS, STAGES
from rmkit.study.planning import reached_code
from rmkit.study.planning.notebook import LOOK, check_look_cells, declared, read_notebook, result_trees

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
ONLY_LOOKS = (
    "08_browse",
    "11_labelling",
    "15_test_set_designer",
)  # they make no result: no stage of the graph, and no run executes them

FLOOR = {room.name: number for number, floor in enumerate(FLOORS) for room in floor}
HEAVY = {"numpy", "pandas", "torch", "sklearn", "scipy", "matplotlib", "seaborn", "papermill", "nbformat", "pyarrow"}


def modules():
    """(path, names below rmkit) of every module but rmkit itself."""
    for path in sorted((ROOT / "rmkit").rglob("*.py")):
        parts = path.relative_to(ROOT / "rmkit").with_suffix("").parts
        if parts != ("__init__",):
            yield path, parts


def rmkit_imports(path, tree=None):
    """(names below rmkit, line) of everything that a module, or a cell, imports from rmkit, inside functions too."""
    for node in ast.walk(tree or ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports within rmkit are absolute"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        yield from ((tuple(name.split(".")[1:]), node.lineno) for name in names if name.startswith("rmkit."))


def inner_floor(room, entry):
    """The floor of a folder or module within its room."""
    (floor,) = [number for number, floor in enumerate(room.inside) if entry in floor]
    return floor


def test_every_room_is_on_the_list_and_every_room_of_the_list_is_there():
    names = {parts[0] for _, parts in modules()}
    assert names == set(ROOMS)
    for room in ROOMS.values():
        if room.inside:
            there = {parts[1] for _, parts in modules() if parts[0] == room.name and parts[1] != "__init__"}
            assert there == {entry for floor in room.inside for entry in floor}, room.name


@pytest.mark.parametrize(("path", "parts"), [pytest.param(*one, id="/".join(one[1])) for one in modules()])
def test_a_module_imports_only_from_floors_below(path, parts):
    room = ROOMS[parts[0]]
    for imported, line in rmkit_imports(path):
        where = f"{path.relative_to(ROOT)}:{line}: {'.'.join(parts)} imports {'.'.join(imported)}"
        if imported[0] != room.name:
            assert FLOOR[imported[0]] < FLOOR[room.name], where
            assert room.only is None or imported[0] in room.only, where
        elif room.inside and imported[1:2] != parts[1:2]:
            assert imported[1:2] not in ((), ("*",)), f"{where}: say which of its modules"
            assert inner_floor(room, imported[1]) < inner_floor(room, parts[1]), where


def test_no_modules_import_each_other_in_a_circle():
    file_of = {parts: path for path, parts in modules()}
    imports = {
        parts: {name[:length] for name, _ in rmkit_imports(path) for length in (len(name), len(name) - 1)}
        & set(file_of)
        for path, parts in modules()
    }
    graphlib.TopologicalSorter({module: found - {module} for module, found in imports.items()}).prepare()


def test_only_what_is_named_as_text_is_imported_by_its_name():
    """Keys and layers are told from import statements; these files follow texts that keys follow too, run jobs, or read what jobs made."""
    followers = {
        "active/registry.py", "export/text_reward_model.py", "reward_models/registry.py", "study/notebook_side/open_job.py",
        "study/planning/checks.py", "study/planning/planned_job.py", "study/processes/fork_server.py",
        "study/processes/job_processes.py", "study/processes/named_imports.py",
        "worlds/human_preferences/computed_features.py",
    }  # fmt: skip
    found = set()
    for path, parts in modules():
        names = {
            node.id for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Name)
        }
        names |= {
            node.attr
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Attribute)
        }
        if names & {"import_module", "__import__"} or "pkgutil" in path.read_text(encoding="utf-8"):
            found.add("/".join(parts) + ".py")
    assert found == followers


def test_rmkit_itself_leads_to_open_job_alone():
    assert {name[:-1] for name, _ in rmkit_imports(ROOT / "rmkit/__init__.py")} == {
        ("study", "notebook_side", "open_job")
    }


def test_the_architecture_has_the_list_of_rooms():
    """Word for word, so that the table cannot drift from the list."""
    table = [
        f"| {number} | `{room.name}{'/' if (ROOT / 'rmkit' / room.name).is_dir() else '.py'}` | {room.holds} |"
        for number, floor in enumerate(FLOORS)
        for room in floor
    ]
    assert "\n".join(table) in (ROOT / "docs/architecture.md").read_text(encoding="utf-8"), "\n".join(table)


def test_rooms_that_do_not_count_for_a_key_cannot_reach_a_result():
    """What a result cell reaches imports nothing of those rooms but the exceptions; cells name none of them."""
    skipped = reached_code.CANNOT_CHANGE_A_RESULT
    for path, (room, *_) in modules():
        if room not in skipped:
            assert {imported[0] for imported, _ in rmkit_imports(path)} & skipped <= {"errors"}, path
    for path in NOTEBOOKS:
        for tree in result_trees(read_notebook(path)):
            rooms = {name[0] for name, _ in rmkit_imports(path, tree)}
            assert not rooms & skipped, f"{path.name}: a result cell imports {rooms & skipped}; tag it `look`"


def test_every_text_file_is_read_and_written_with_its_encoding():
    """What ruff's PLW1514 cannot see: the methods of a path that it does not know as one."""
    for path in [path for room in ("rmkit", "benchmarks", "tests") for path in (ROOT / room).rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            method = node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else ""
            if method in ("read_text", "write_text"):
                said = [word.arg for word in node.keywords] + [getattr(given, "value", None) for given in node.args]
                assert {"encoding", "utf-8"} & set(said), f"{path}:{node.lineno}"


def test_packages_on_the_way_are_empty():
    for path in (ROOT / "rmkit").rglob("__init__.py"):
        assert path.parent == ROOT / "rmkit" or not path.read_text(encoding="utf-8").strip(), path


def test_the_exact_versions_satisfy_what_the_project_asks_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    exact = dict(
        line.split("==")
        for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
        if line and line[0] != "#"
    )
    exact = {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in exact.items()}
    asked = [*project["dependencies"], *(text for extra in project["optional-dependencies"].values() for text in extra)]
    for requirement in map(Requirement, asked):
        version = exact[re.sub(r"[-_.]+", "-", requirement.name).lower()]
        assert requirement.specifier.contains(version), f"{requirement}, and constraints.txt has {version}"


def test_conda_installs_the_same():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    *conda, pip = environment["dependencies"]
    (python,) = [name for name in conda if name.startswith("python=")]
    assert Requirement(f"python{project['requires-python']}").specifier.contains(python.partition("=")[2])
    assert pip["pip"][0] == "--constraint constraints.txt"
    extras = re.fullmatch(r"--editable \.\[(.*)\]", pip["pip"][1]).group(1)
    assert set(extras.split(",")) == set(project["optional-dependencies"])


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_clean_and_declares_itself(path):
    document = json.loads(path.read_text(encoding="utf-8"))
    assert path.stem in {*STAGES, *ONLY_LOOKS}
    assert document["metadata"]["kernelspec"]["name"] == "python3"
    assert all(not cell.get("outputs") and not cell.get("execution_count") for cell in document["cells"])
    assert document["cells"][0]["source"][0].startswith(f"# {path.stem[:2]} · ")
    notebook = read_notebook(path)
    check_look_cells(notebook)
    for name, item in declared(notebook).items():
        assert item.comment, f"{path.name}: {name} has no comment"
    assert notebook.tagged(LOOK)
    assert bool(result_trees(notebook)) == (path.stem not in ONLY_LOOKS)


def test_a_test_names_every_parameter_of_every_notebook():
    """So that none is accepted and never read; what a parameter does is shown where it is named."""
    words = {
        word for test in (ROOT / "tests").rglob("*.py") for word in re.findall(r"\w+", test.read_text(encoding="utf-8"))
    }
    unnamed = {path.stem: set(declared(read_notebook(path))) - words for path in NOTEBOOKS}
    assert not {name: parameters for name, parameters in unnamed.items() if parameters}


def test_a_stage_without_a_notebook_is_not_promised():
    assert {path.stem for path in NOTEBOOKS} == {*STAGES, *ONLY_LOOKS}
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
    out = subprocess.run(
        [sys.executable, "-X", "importtime", *command], cwd=ROOT, capture_output=True, text=True, check=True
    )
    imported = {line.rpartition("|")[2].strip().split(".")[0] for line in out.stderr.splitlines() if "|" in line}
    assert not imported & HEAVY


def test_the_checkers_that_the_graph_names_are_there_and_quick_to_import():
    """A checker lies beside what it checks; of arrays on disk only numpy can read the headers."""
    targets = {file.checker for stage in STAGES.values() for file in stage.data}
    targets |= {stage.precondition for stage in STAGES.values() if stage.precondition}
    may = {"rmkit.worlds.embedding_files": {"numpy"}}
    for module, function in sorted(target.split(":") for target in targets):
        script = f"import sys, {module}; assert callable({module}.{function}); print(*sys.modules)"
        out = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
        assert not set(out.stdout.split()) & HEAVY - may.get(module, set()), module
