"""A head or strategy that a study names and that cannot be there is told before anything runs, in one line."""

import shutil

import pytest

from rmkit.active.registry import STRATEGIES
from rmkit.errors import ParamsError
from rmkit.reward_models.registry import REWARD_MODELS
from rmkit.stages.graph import NAMED, STAGES
from rmkit.study.planning.named_code import check_named
from rmkit.study.planning.planned_job import PlannedJob
from tests.small_project import REPOSITORY

MINE = '''
from dataclasses import dataclass

import numpy as np

from rmkit.active.candidates import Candidates, largest


@dataclass(frozen=True, kw_only=True)
class Mine:
    """The pairs that the current reward model is surest of."""

    def select(self, candidates: Candidates, n_pairs: int, rng: np.random.Generator) -> np.ndarray:
        return largest(np.abs(candidates.margin_sm.mean(axis=0)), candidates.request(n_pairs), rng)
'''
ENTRY = "rmkit/active/registry.py: 'mine' is 'rmkit.active.strategies.mine:Mine', "


def job(**parameters):
    return PlannedJob("05_active_labeling", parameters, {}, {}, "")


@pytest.fixture
def package(tmp_path):
    """A copy of rmkit with a strategy of one's own."""
    folder = tmp_path / "rmkit"
    for name in ("active", "reward_models", "training_sets", "measures"):
        shutil.copytree(REPOSITORY / "rmkit" / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in REPOSITORY.glob("rmkit/*.py"):
        shutil.copy(path, folder)
    (folder / "active/strategies/mine.py").write_text(MINE, encoding="utf-8")
    register(folder, "rmkit.active.strategies.mine:Mine")
    return folder


def register(package, target):
    text = (REPOSITORY / "rmkit/active/registry.py").read_text(encoding="utf-8")
    entry = f'STRATEGIES = {{\n    "mine": "{target}",'
    (package / "active/registry.py").write_text(text.replace("STRATEGIES = {", entry), encoding="utf-8")


def told(package, **parameters):
    with pytest.raises(ParamsError) as told:
        check_named([job(**parameters)], package, "params/mine.yaml")
    return str(told.value)


def test_what_rmkit_brings_is_sound_and_so_is_one_of_ones_own(package):
    for folder in (REPOSITORY / "rmkit", package):
        check_named([job(reward_models=list(REWARD_MODELS), strategies=list(STRATEGIES))], folder, "")
        check_named([job(reward_model=name) for name in REWARD_MODELS], folder, "")
    check_named([job(strategies=["mine"])], package, "")


def test_every_name_that_a_notebook_offers_is_checked():
    """A parameter that chooses a head or a strategy is listed, whatever it is called."""
    from rmkit.study.planning.plan import schema_of
    from rmkit.study.planning.project import Project

    choosing = {
        name
        for stage in STAGES
        for name, parameter in schema_of(Project(REPOSITORY), stage).items()
        if {"linear_bt", "d_optimal"} & set((parameter.kind.of or parameter.kind).choices)
    }
    assert choosing == set(NAMED)


def test_a_misspelt_name_is_told_with_the_registry(package):
    said = told(package, strategies=["random", "entropi"])
    listed = ", ".join(["mine", *STRATEGIES])
    start = f"params/mine.yaml: 05_active_labeling: strategies: 'entropi' is not one of {listed}"
    assert said == f"{start}; did you mean 'entropy'?, as rmkit/active/registry.py says"


@pytest.mark.parametrize(
    ("target", "fault"),
    [
        (
            "rmkit.active.strategies.min:Mine",
            "and there is no module rmkit.active.strategies.min; did you mean 'mine'?",
        ),
        ("rmkit.activ.strategies.mine:Mine", "and there is no module rmkit.activ.strategies.mine"),
        ("rmkit.active.strategies.mine:Mime", "and rmkit.active.strategies.mine has no Mime; did you mean 'Mine'?"),
        ("rmkit.active.strategies.mine", 'which is not "rmkit.folder.module:Class"; code outside rmkit would not'),
        ("elsewhere.strategies:Mine", 'which is not "rmkit.folder.module:Class"; code outside rmkit would not'),
    ],
)
def test_an_entry_that_leads_nowhere_is_told(package, target, fault):
    register(package, target)
    assert told(package, strategies=["mine"]).startswith(f"rmkit/active/registry.py: 'mine' is {target!r}, {fault}")


def test_a_registry_of_anything_but_texts_is_told(package):
    registry = package / "active/registry.py"
    text = registry.read_text(encoding="utf-8")
    said = 'STRATEGIES is not a dictionary of texts, as {"name": "rmkit.folder.module:Class"}'
    registry.write_text(text.replace('"rmkit.active.strategies.mine:Mine"', "Mine"), encoding="utf-8")
    assert told(package, strategies=["mine"]) == f"rmkit/active/registry.py: {said}"


def test_what_a_star_brings_is_no_fault(package):
    starred = MINE.replace("import Candidates, largest", "import *")
    (package / "active/strategies/mine.py").write_text(starred, encoding="utf-8")
    check_named([job(strategies=["mine"])], package, "")


@pytest.mark.parametrize(
    ("code", "instead", "fault"),
    [
        ("from dataclasses import dataclass\n", "", "uses 'dataclass', which it neither imports nor defines"),
        ("import numpy as np\n", "", "uses 'np', which it neither imports nor defines"),
        ("import numpy", "import numpi", "imports numpi, which is not installed"),
        ("active.candidates", "active.candidate", "imports rmkit.active.candidate, and there is no such module"),
        ("Candidates, largest", "Candidates, larges", "uses 'largest', which it neither imports nor defines"),
        (
            "import Candidates, largest",
            "import Candidate, largest\n\nCandidates = Candidate",
            "imports Candidate from rmkit.active.candidates, which has no such name; did you mean 'Candidates'?",
        ),
        ("def select", "def choose", "Mine lacks select, which rmkit.active.candidates.Acquisition asks for"),
    ],
)
def test_a_module_that_could_not_be_imported_or_lacks_a_method_is_told_without_importing_it(
    package, code, instead, fault
):
    assert code in MINE
    (package / "active/strategies/mine.py").write_text(MINE.replace(code, instead), encoding="utf-8")
    said = told(package, strategies=["random", "mine"])
    assert said in (f"{ENTRY}and {fault}", f"{ENTRY}and rmkit.active.strategies.mine {fault}")


def test_a_module_that_is_not_python_is_told_with_its_line(package):
    (package / "active/strategies/mine.py").write_text("import numpy\n\ndef select(:\n", encoding="utf-8")
    assert told(package, strategies=["mine"]).startswith("rmkit/active/strategies/mine.py, line 3: not Python (")


def test_a_head_is_called_what_its_registry_calls_it_and_learns_scores_too(package):
    path, registry = package / "reward_models/linear/mine.py", package / "reward_models/registry.py"
    head = "from rmkit.reward_models.storage import StoredHead\n\n\nclass Mine(StoredHead):\n    name = 'other'\n"
    methods = (
        "    n_dimensions = 3\n\n    def fit(self):\n        return self\n\n    def score(self):\n        return 0\n"
    )
    path.write_text(head + methods, encoding="utf-8")
    text = registry.read_text(encoding="utf-8")
    entry = 'REWARD_MODELS = {\n    "mine": "rmkit.reward_models.linear.mine:Mine",'
    registry.write_text(text.replace("REWARD_MODELS = {", entry), encoding="utf-8")
    start = "rmkit/reward_models/registry.py: 'mine' is 'rmkit.reward_models.linear.mine:Mine', and "
    lacks = "Mine lacks fit_scores, which rmkit.reward_models.protocol.ListedHead asks for"
    assert told(package, reward_models=["mine"]) == start + lacks
    path.write_text(head + methods + "\n    fit_scores = fit\n", encoding="utf-8")
    called = "the `name` of Mine is 'other'; call both the same"
    assert told(package, reward_models=["linear_bt", "mine"]) == start + called
