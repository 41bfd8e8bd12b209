"""What reruns when something changes: exactly what depends on it. Each case edits one file of a finished project."""

import json
from importlib.util import find_spec

import pytest

from rmkit.errors import DataError
from rmkit.stages.graph import STAGES
from rmkit.study.planning.keys import file_digest
from rmkit.study.planning.project import Project

BOTH_SUMS = ["01_sums", "01_sums"]
ALL = ["00_numbers", *BOTH_SUMS]
SECOND = "notebooks/01_sums.ipynb"

RERUNS = {
    "a parameter of one stage": (("params/small.yaml", '"01_sums": null', '"01_sums": {"powers": [1, 3]}'), BOTH_SUMS),
    "a new point of an axis": (("params/small.yaml", "[0, 1]", "[0, 1, 2]"), ["01_sums"]),
    "a default that counts": (
        (SECOND, "powers: list[float] = [1.0, 2.0]", "powers: list[float] = [1.0, 3.0]"),
        BOTH_SUMS,
    ),
    "how random numbers are spawned": (("rmkit/seeding.py", '"/".join', '"-".join'), ALL),
    "one operator two imports deep": (("rmkit/powers.py", "value**exponent", "value*exponent"), BOTH_SUMS),
    "one operator in a result cell": ((SECOND, "number + shift", "number - shift"), BOTH_SUMS),
    "the format of an artifact": (
        ("rmkit/numbers.py", "json.dumps(self.values)", "json.dumps(list(self.values))"),
        ALL,
    ),
    "a data file": (("data/numbers.json", "3", "4"), ALL),
    "upstream code that makes the same bytes": (
        ("notebooks/00_numbers.ipynb", "Numbers(values)", "Numbers(list(values))"),
        ["00_numbers"],
    ),
    "a data file that makes the same bytes": (("data/numbers.json", "1, 2", "1,  2"), ["00_numbers"]),
}

RERUNS_NOTHING = {
    "prose": (SECOND, "# 01 · Sums", "# 01 · Some sums"),
    "a comment in a cell": (SECOND, "import time", "import time  # the clock"),
    "a parameter's comment": (SECOND, "# exponents", "# the exponents of the sums"),
    "a comment in a module": ("rmkit/powers.py", "return value", "# raised\n    return value"),
    "a docstring two imports deep": ("rmkit/powers.py", "value to the exponent", "value, raised to the exponent"),
    "a figure function": ("rmkit/figures/bars.py", '"#"', '"*"'),
    "a look cell": (SECOND, "print(bars(sums))", "print(bars(sums), len(sums))"),
    "a module that is not reached": ("rmkit/unreached.py", "NOTHING = 1", "NOTHING = 2"),
    "an error's words": ("rmkit/errors.py", "did you mean", "perhaps you mean"),
    "a default written out": ("params/small.yaml", '"axes"', '"parameters": {"sleep": 0}, "axes"'),
    "a default that the study overrides": (SECOND, "seed: int = 0", "seed: int = 5"),
    "a new parameter type that admits more": (SECOND, "sleep: float = 0.0", "sleep: float | None = 0.0"),
}


@pytest.mark.parametrize("case", RERUNS)
def test_a_change_reruns_exactly_what_depends_on_it(case, finished):
    edit, expected = RERUNS[case]
    finished.edit(*edit)
    assert finished.executed() == sorted(expected)
    assert finished.executed() == []


@pytest.mark.parametrize("case", RERUNS_NOTHING)
def test_a_change_that_cannot_alter_a_result_reruns_nothing(case, finished):
    finished.edit(*RERUNS_NOTHING[case])
    assert finished.executed() == []


def test_going_back_to_an_earlier_state_finds_its_results(finished):
    finished.edit("rmkit/powers.py", "value**exponent", "value*exponent")
    assert finished.executed() == BOTH_SUMS
    finished.edit("rmkit/powers.py", "value*exponent", "value**exponent")
    assert finished.executed() == []


@pytest.mark.slow
def test_a_dictionary_of_names_counts_only_for_the_names_that_a_job_mentions(small):
    small.edit(
        "rmkit/adding.py",
        '"""Adds."""',
        '"""Adds."""\nHEADS = {"p": "rmkit.powers:power", "q": "rmkit.unreached:NOTHING"}',
    )
    small.edit("notebooks/01_sums.ipynb", "GRANDCHILD = None", "GRANDCHILD = 'p'")
    assert small.executed() == ALL
    small.edit("rmkit/unreached.py", "NOTHING = 1", "NOTHING = 2")
    small.edit("rmkit/adding.py", '"q": "rmkit', '"r": "rmkit.figures.bars:bars", "q": "rmkit')
    assert small.executed() == []
    small.edit("rmkit/adding.py", '"p": "rmkit.powers:power"', '"p": "rmkit.unreached:NOTHING"')
    assert small.executed() == BOTH_SUMS


def test_the_manifest_tells_how_a_result_was_made(finished):
    (path,) = (finished.root / "runs/jobs").glob("00_numbers-*/manifest.json")
    manifest = json.loads(path.read_text(encoding="utf-8"))
    assert manifest["parameters"] == {"numbers_file": "data/numbers.json"}
    assert manifest["environment"]["threads"] == 1
    packages = manifest["environment"]["packages"]
    assert packages["numpy"]
    libraries = ("transformers", "tokenizers", "trl", "peft", "accelerate", "datasets")  # of language models
    assert {name for name in libraries if find_spec(name)} == {name for name in libraries if name in packages}
    assert set(manifest["files"]) >= {"notebook.ipynb", "costs.json", "tallies.json", "artifacts/numbers/numbers.json"}


def test_inputs_outputs_and_costs_are_those_of_the_parameters(small):
    """`full` takes numbers and saves them scaled; `short` does neither, in the same stage and the same run."""
    small.study(axes={"kind": ["short", "full"]}, stages={"00_numbers": None, "02_parts": None})
    ended = small.run(RMKIT_TEST_COMPUTED=str(small.root / "computed"))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    stored = {}
    for path in (small.root / "runs/jobs").glob("02_parts-*/manifest.json"):
        manifest = json.loads(path.read_text(encoding="utf-8"))
        stored[manifest["parameters"]["kind"]] = (list(manifest["ingredients"]["inputs"]), list(manifest["artifacts"]))
        costs = json.loads((path.parent / "costs.json").read_text(encoding="utf-8"))
        assert costs["work"] == [{"what": "drawing", "draws": 12, "bytes": 96.0}]
        assert costs["seconds"] > 0 < costs["peak_memory_bytes"]
    assert stored == {"short": ([], ["draws"]), "full": (["numbers"], ["draws", "scaled"])}


@pytest.mark.parametrize(
    ("stage", "parameter"), [("07_figures", "findings_folder"), ("00_grammar_world", "grammar_folder")]
)
def test_a_file_that_is_read_whole_is_not_digested_if_it_is_too_large_for_that(stage, parameter, tmp_path):
    (file,) = (file for file in STAGES[stage].data if file.parameter == parameter)
    (tmp_path / "given").mkdir()
    (tmp_path / "given/a.yaml").write_text("a: 1", encoding="utf-8")
    assert file_digest(Project(tmp_path), stage, file, "given")
    with (tmp_path / "given/b.yaml").open("wb") as sparse:
        sparse.truncate(2**40)  # whose reading would take hours
    said = rf"^given/b.yaml: holds more than 64 MB; {stage} takes it as `{parameter}`, looked for at "
    with pytest.raises(DataError, match=said):
        file_digest(Project(tmp_path), stage, file, "given")
