"""A report is made again when what it shows may have changed: its code as far as imports reach, and nothing else."""

import shutil
from pathlib import Path

import pytest

import rmkit
from rmkit.report.freshness import report_code, report_digest
from rmkit.study.planning.plan import make_plan
from rmkit.study.planning.project import Project
from rmkit.study.planning.study_file import load_study
from rmkit.study.store.store import Store
from tests.checkout import checkout

CHANGES = {
    "the level of an interval": ("intervals/means.py", "level: float = 0.95", "level: float = 0.9"),
    "a colour": ("figures/theme.py", "#0072B2", "#0072B3"),
    "a word of the page": ("report/page.html.j2", "</", "!</"),
    "a bound of the world": ("worlds/grammar/acceptance.py", "Bound(0.5", "Bound(0.6"),
    "how rows are put together": ("study/notebook_side/gathered.py", "ignore_index=True", "ignore_index=False"),
    "an exhibit": ("report/exhibits/population.py", "measures-and-policies", "measures-and-more"),
}
CHANGES_NOTHING = {
    "a comment": ("figures/theme.py", "GREY, INK =", "# quiet\nGREY, INK ="),
    "a docstring": ("report/wording.py", "Knows formatting only", "Knows only formatting"),
    "what executes jobs": ("study/engines/local.py", "SECONDS_BETWEEN_LOOKS = 0.05", "SECONDS_BETWEEN_LOOKS = 0.06"),
    "what widgets show": ("widgets/canvas.py", "def png_of", "def png_again"),
}


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    source = Path(rmkit.__file__).parent
    return shutil.copytree(source, tmp_path_factory.mktemp("source") / "rmkit")


def changed(package, file, old, new):
    """Whether an edit of a file changes the report's code; the file is as it was afterwards."""
    path, before = package / file, report_code(package)
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{old!r} is not in {file}"
    path.write_text(text.replace(old, new), encoding="utf-8")
    after = report_code(package)
    path.write_text(text, encoding="utf-8")
    return after != before


@pytest.mark.parametrize("case", CHANGES)
def test_a_change_that_the_page_can_show_makes_it_old(case, package):
    assert changed(package, *CHANGES[case])


@pytest.mark.parametrize("case", CHANGES_NOTHING)
def test_a_change_that_it_cannot_show_leaves_it_fresh(case, package):
    assert not changed(package, *CHANGES_NOTHING[case])


def digest(root):
    """What the report of the smoke study in a folder depends on."""
    project = Project(root)
    study = load_study(root / "params/smoke.yaml", "params/smoke.yaml")
    return report_digest(Store(root / "runs"), study, make_plan(project, study), project)


ASKED = {
    "a title": ("params/smoke.yaml", "title: Smoke", "title: Smoke again"),
    "a parameter of jobs that are not finished": ("params/smoke.yaml", "[0, 1]", "[0, 2]"),
    "what a notebook says of a parameter": (
        "notebooks/04_reward_models.ipynb",
        "where upstream is looked for",
        "whose",
    ),
}


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    return checkout(tmp_path_factory.mktemp("asked") / "project")


@pytest.mark.parametrize("case", ASKED)
def test_what_is_asked_and_said_makes_it_old(case, asked):
    file, old, new = ASKED[case]
    before, text = digest(asked), (asked / file).read_text(encoding="utf-8")
    assert old in text, f"{old!r} is not in {file}"
    (asked / file).write_text(text.replace(old, new), encoding="utf-8")
    after = digest(asked)
    (asked / file).write_text(text, encoding="utf-8")
    assert after != before == digest(asked)


@pytest.mark.slow
def test_a_job_that_was_executed_again_makes_it_old(finished):
    """As a damaged one is: its key stays, its costs and its machine are others."""
    assert finished.rmkit("run", "small").returncode == 0
    page, (rows, *_) = (
        finished.root / "runs/reports/small.html",
        (finished.root / "runs/jobs").glob("01_*/rows.parquet"),
    )
    written = page.stat().st_mtime_ns
    assert finished.rmkit("run", "small").returncode == 0
    assert page.stat().st_mtime_ns == written
    rows.write_bytes(b"damaged")
    assert finished.rmkit("run", "small").returncode == 0
    assert page.stat().st_mtime_ns > written
