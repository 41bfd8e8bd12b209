"""gc removes what no study refers to, and nothing that a study would have found; it keeps out of a run's way."""

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import time

import pytest

from rmkit.study.housekeeping import garbage
from rmkit.study.housekeeping.garbage import References, collectable, listing, sizes_of
from rmkit.study.store.store import Store
from tests.small_project import STARTED

NOBODY = References()

STUDIES = {
    "small": {"axes": {"seed": [0, 1]}},
    "other": {"axes": {"seed": [1, 2]}},
    "powers": {"parameters": {"powers": [3.0], "seed": 0}},
}


def add_study(project, name):
    project.study(name, **STUDIES[name], stages={"00_numbers": None, "01_sums": None})


@pytest.fixture(scope="module")
def several_template(finished_template, tmp_path_factory):
    """A project in which three studies that share jobs have run, and a trial by --set."""
    project = finished_template.copy(tmp_path_factory.mktemp("several") / "project")
    for name in STUDIES:
        add_study(project, name)
        assert project.rmkit("run", name, "--no-report").returncode == 0
    assert project.rmkit("run", "small", "--set", "powers=[5]", "--select", "seed=1", "--no-report").returncode == 0
    return project


@pytest.fixture
def several(several_template, tmp_path):
    return several_template.copy(tmp_path / "project")


def stored(project) -> set[str]:
    return {path.name for path in (project.root / "runs/jobs").iterdir()}


def everything(project) -> dict[str, bytes]:
    """Every file of the store that says something, by name."""
    files = (path for path in (project.root / "runs").rglob("*") if path.is_file())
    return {str(path.relative_to(project.root)): path.read_bytes() for path in files}


def script(project, text, *arguments) -> subprocess.CompletedProcess:
    """Run Python in a project, by its own rmkit."""
    command = [sys.executable, "-c", text, *arguments]
    return subprocess.run(
        command, cwd=project.root, env=project.environment(), capture_output=True, text=True, check=False
    )


TRIAL = "rmkit run params/small.yaml --set 'powers=[5]'"


def test_a_trial_that_was_asked_for_is_named_and_stays(several):
    before = everything(several)
    for arguments in ([], ["--dry-run"], ["--yes"]):
        first, command, last = several.rmkit("gc", *arguments).stdout.splitlines()
        assert first.startswith("trials that you asked for: 1 finished job, ")
        assert first.endswith("; they stay; --trials removes them too")
        assert command.startswith(f"  {TRIAL}: 1 job, ")
        assert last.startswith("nothing to remove")
    assert everything(several) == before


def test_a_trial_is_named_before_it_is_asked_about(several):
    ended = several.rmkit("gc", "--trials", "--dry-run")
    first, command, *others = ended.stdout.splitlines()
    assert first.endswith("; they are removed too")
    assert command.startswith(f"  {TRIAL}: 1 job, ")
    assert any(line.startswith("finished jobs that no study refers to: 1,") for line in others)


def test_a_trial_of_a_study_elsewhere_is_one_too(several):
    (several.root / "elsewhere.yaml").write_text(
        json.dumps({"parameters": {"powers": [7.0]}, "stages": {"00_numbers": None, "01_sums": None}}), encoding="utf-8"
    )
    assert several.rmkit("run", "elsewhere.yaml", "--no-report").returncode == 0
    said = several.rmkit("gc", "--yes").stdout
    assert "  rmkit run elsewhere.yaml: 1 job, " in said
    assert several.executed(lambda project: project.rmkit("run", "elsewhere.yaml", "--no-report")) == []


def test_what_a_trial_and_a_study_share_is_the_study_s(several):
    assert several.rmkit("run", "small", "--set", "powers=[3.0]", "--select", "seed=0", "--no-report").returncode == 0
    assert "powers=[3.0]" not in several.rmkit("gc", "--dry-run").stdout  # params/powers.yaml has this job


def test_exports_go_only_if_asked_and_saved_views_never(store):
    for room in ("exports", "views"):
        (store.root / room).mkdir()
        (store.root / room / "mine.json").write_text("{}", encoding="utf-8")
        os.utime(store.root / room / "mine.json", (0, 0))
    assert collectable(store, NOBODY, older_than=0) == []
    asked = collectable(store, NOBODY, older_than=0, also=("exports", "trials"))
    assert asked == [store.root / "exports/mine.json"]
    assert next(listing(store, sizes_of(asked), NOBODY)) == "files that 08 exported: 1, 0 kB"


def test_a_store_of_another_format_says_so(store):
    job = store.root / "jobs/01_sums-0000000000000000"
    job.mkdir()
    (job / "manifest.json").write_text('{"format": 0, "stage": "01_sums"}', encoding="utf-8")
    _, line, *_ = listing(store, sizes_of([job]), NOBODY)
    assert line.endswith("  stored by another version of rmkit, in format 0; this one reads 1")


def test_a_trial_goes_and_what_studies_refer_to_stays(several):
    before = stored(several)
    ended = several.rmkit("gc", "--yes", "--trials")
    assert ended.returncode == 0, ended.stderr
    assert len(before - stored(several)) == 1
    assert "finished jobs that no study refers to: 1," in ended.stdout
    assert "parameter powers: [5.0] → [1.0,2.0]" in ended.stdout
    assert "removed 2, freed" in ended.stdout  # the job, and the key that its plan id was noted with
    for name in STUDIES:
        assert several.executed(lambda project, name=name: project.rmkit("run", name, "--no-report")) == []
    assert several.rmkit("gc", "--yes", "--trials").stdout.startswith("nothing to remove")
    again = several.executed(
        lambda project: project.rmkit("run", "small", "--set", "powers=[5]", "--select", "seed=1", "--no-report")
    )
    assert again == ["01_sums"]


SUBSETS = """
import itertools, json, shutil, sys
from pathlib import Path
from rmkit.study.housekeeping.garbage import collect, collectable, references
from rmkit.study.planning.study_file import load_study
from rmkit.study.planning.plan import make_plan
from rmkit.study.planning.project import Project
from rmkit.study.store.store import Store

here = Project(Path.cwd())
names = sorted(path.stem for path in Path("params").glob("*.yaml"))
for kept in (subset for size in range(len(names) + 1) for subset in itertools.combinations(names, size)):
    project = Project(Path(sys.argv[1]) / "-".join(kept or ["none"]))
    for folder in ("notebooks", "data", "runs"):
        shutil.copytree(here.root / folder, project.root / folder)
    (project.root / "params").mkdir()
    for name in kept:
        shutil.copy(here.root / f"params/{name}.yaml", project.root / "params")
    store = Store(project.store)
    also = ("trials",)
    found = collectable(store, references(project, store), older_than=0, also=also)
    collect(project, store, found, older_than=0, also=also)
    planned = [make_plan(project, load_study(path)) for path in (project.root / "params").iterdir()]
    jobs = {job.plan_id: job for plan in planned for job in plan}
    keys = {store.key_of(job) for job in jobs.values()}
    there = {path.name for path in (store.root / "jobs").iterdir()}
    print(json.dumps({
        "kept": kept, "missing": sorted(keys - there), "left": sorted(there - keys),
        "damaged": [key for key in sorted(there) if store.damage(key)], "tmp": [path.name for path in (store.root / "tmp").iterdir()],
        "notes": sorted(path.name for path in (store.root / "plans").iterdir() if path.read_text() not in keys),
    }))
"""


def test_for_every_subset_of_studies_exactly_their_jobs_stay(several, tmp_path):
    ended = script(several, SUBSETS, str(tmp_path / "subsets"))
    assert ended.returncode == 0, ended.stderr
    found = [json.loads(line) for line in ended.stdout.splitlines()]
    assert len(found) == 2 ** len(STUDIES)
    for state in found:
        assert not any(state[what] for what in ("missing", "left", "damaged", "tmp", "notes")), state


def test_what_a_job_may_still_come_to_stays_until_its_inputs_are_made_again(several):
    (world,) = (path for path in (several.root / "runs/jobs").glob("00_numbers-*"))
    shutil.rmtree(world)
    shutil.rmtree(several.root / "runs/plans")
    before = stored(several)
    assert several.rmkit("gc", "--yes", "--trials").returncode == 0
    assert len(before - stored(several)) == 1  # the trial
    assert several.executed() == ["00_numbers"]


def test_other_data_upstream_removes_what_can_come_from_it_no_more(finished):
    (finished.root / "data/numbers.json").write_text("[4, 5]", encoding="utf-8")
    assert finished.rmkit("gc", "--yes").returncode == 0
    assert {name.partition("-")[0] for name in stored(finished)} == {"01_sums"}  # 00_numbers may yet make what it made
    assert finished.executed() == ["00_numbers", "01_sums", "01_sums"]
    assert len(stored(finished)) == 5
    ended = finished.rmkit("gc", "--yes")
    assert "input numbers: changed" in ended.stdout
    assert len(stored(finished)) == 3
    assert finished.executed() == []


def test_only_listed_where_nobody_can_be_asked(several):
    before = everything(several)
    for arguments in ([], ["--dry-run"], ["--dry-run", "--yes"]):
        ended = several.rmkit("gc", "--trials", *arguments)
        assert ended.returncode == 0
        assert "finished jobs that no study refers to: 1," in ended.stdout
        assert "Of trials by --set, and of studies that lie elsewhere, only those of the last runs" in ended.stdout
        assert ("give --yes" in ended.stdout) == (not arguments)
    assert everything(several) == before


@pytest.mark.parametrize(("answer", "gone"), [("y", 1), ("n", 0), ("", 0)])
def test_on_a_terminal_it_asks(several, answer, gone):
    before = stored(several)
    ours, theirs = pty.openpty()
    os.write(ours, f"{answer}\n".encode())
    ended = subprocess.run(
        [sys.executable, "-m", "rmkit.cli", "gc", "--trials"], stdin=theirs, cwd=several.root, env=several.environment(),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    os.close(ours)
    os.close(theirs)
    assert ended.returncode == 0, ended.stderr
    assert "remove all of it? [y/N]" in ended.stdout
    assert ("freed" if gone else "nothing was removed") in ended.stdout
    assert len(before - stored(several)) == gone


def test_a_study_that_cannot_be_planned_stops_it(several):
    before = everything(several)
    several.study("broken", stages={"00_numbers": {"numbers_fil": "x"}})
    ended = several.rmkit("gc", "--yes")
    assert ended.returncode == 2
    assert ended.stderr.startswith("params/broken.yaml: stages.00_numbers.numbers_fil")
    assert everything(several) == before


def test_reports_failures_and_parts_go_with_their_study(several):
    runs = several.root / "runs"
    assert several.rmkit("report", "other").returncode == 0
    for name in ("other-gold.png", "small.html", "small+powers=_5_.html", "small-gold.png"):
        (runs / "reports" / name).write_text("x", encoding="utf-8")
    own, others = "01_sums-0123456789abcdef", next(iter(stored(several)))
    for room in ("failed", "partial"):
        (runs / room / own).mkdir()
        (runs / room / own / "error.json").write_text("{}", encoding="utf-8")
    (runs / "partial" / others).mkdir()
    (several.root / "params/other.yaml").unlink()
    (several.root / "params/powers.yaml").unlink()
    ended = several.rmkit("gc", "--yes")
    assert ended.returncode == 0, ended.stderr
    assert {path.name for path in (runs / "reports").iterdir()} == {
        "small.html",
        "small+powers=_5_.html",
        "small-gold.png",
    }
    assert not (runs / "failed" / own).exists()
    assert {path.name for path in (runs / "partial").iterdir()} <= {others}
    assert "files of reports of studies that are gone: 2," in ended.stdout


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "runs")
    store.prepare()
    return store


def test_drafts_and_damaged_jobs_stay_for_some_days(store):
    for name, days in (("04-20260101T000000-abcdef", 9), ("04-20260101T000000-abcdee", 2)):
        draft = store.root / "drafts" / name
        (draft / "artifacts").mkdir(parents=True)
        (draft / "artifacts/rows").write_text("12345", encoding="utf-8")
        for path in (draft / "artifacts/rows", draft / "artifacts", draft):
            os.utime(path, (0, time.time() - days * 86_400))
    for days in (9, 2):
        job = store.folder(f"01_sums-{days:016x}")
        job.mkdir()
        os.utime(job, (0, 0))
        os.utime(store.set_aside(job.name), (0, time.time() - days * 86_400))
    old = store.folder(f"01_sums-{1:016x}")
    old.mkdir()
    os.utime(old, (0, 0))
    store.set_aside(old.name)  # just now
    counts = {days: len(collectable(store, NOBODY, older_than=days)) for days in (0, 1, 7, 10)}
    assert counts == {0: 5, 1: 4, 7: 2, 10: 0}
    assert sum(sizes_of(collectable(store, NOBODY, older_than=7)).values()) == 5


def test_files_of_pairs_that_were_copied_to_be_read_as_one_go_when_they_are_old(store):
    for name, written in (("0123456789abcdef", 0), ("fedcba9876543210", time.time())):
        file = store.root / "pairs" / name / "01-mine.jsonl"
        file.parent.mkdir(parents=True)
        file.write_text("{}\n", encoding="utf-8")
        os.utime(file, (written, written))
        os.utime(file.parent, (written, written))
    assert [path.name for path in collectable(store, NOBODY, older_than=7)] == ["0123456789abcdef"]


def test_a_draft_that_is_still_written_is_not_old(store):
    draft = store.root / "drafts/04-20260101T000000-abcdef"
    draft.mkdir(parents=True)
    (draft / "rows").write_text("now", encoding="utf-8")
    os.utime(draft, (0, 0))
    assert collectable(store, NOBODY, older_than=7) == []


def test_a_file_of_two_names_is_counted_once_and_a_link_not_followed(store, tmp_path):
    (tmp_path / "large").write_bytes(bytes(10_000))
    for number in range(2):
        job = store.root / f"jobs/01_sums-{number:016x}"
        job.mkdir()
        (job / "weights").hardlink_to(tmp_path / "large") if number else shutil.copy(
            tmp_path / "large", job / "weights"
        )
    os.link(store.root / "jobs/01_sums-0000000000000000/weights", store.root / "jobs/01_sums-0000000000000001/again")
    (store.root / "jobs/01_sums-0000000000000001/pointer").symlink_to(tmp_path / "large")
    sizes = sizes_of(collectable(store, NOBODY, older_than=7))
    assert sum(sizes.values()) == 20_000 + len(str(tmp_path / "large"))
    first, *jobs, _, _ = listing(store, sizes, NOBODY)
    assert first.startswith("finished jobs that no study refers to: 2, 20 kB")
    assert [line.partition("  its ")[2] for line in jobs] == ["manifest cannot be read"] * 2


def test_what_is_not_named_as_a_job_is_left_alone(store):
    (store.root / "jobs/mine").mkdir()
    (store.root / "jobs/README").write_text("mine", encoding="utf-8")
    assert collectable(store, NOBODY, older_than=0) == []


def test_while_no_run_can_start_nothing_is_looked_up_but_what_can_still_go(store, monkeypatch):
    """Sizes and words of a large store take their time, and were told already."""
    for number in range(3):
        (store.root / f"jobs/01_sums-{number:016x}").mkdir()
    shown = collectable(store, NOBODY, older_than=7)
    kept = shown[1].name  # a study that refers to it has come since
    monkeypatch.setattr(garbage, "references", lambda *_: References(keys=frozenset({kept})))
    for name in ("sizes_of", "_apart"):
        monkeypatch.setattr(garbage, name, lambda *_: pytest.fail("computed again"))
    assert garbage.collect(None, store, shown[:2], older_than=7) == shown[:1]
    assert sorted(path.name for path in (store.root / "jobs").iterdir()) == [kept, shown[2].name]


def wait_for(condition, seconds=60):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_it_refuses_beside_a_living_run_and_beside_a_job_whose_runner_was_killed(several):
    running = several.start("run", "small", "--set", "sleep=5", "--set", "seed=1", "--no-report")
    wait_for(lambda: list((several.root / "runs/locks").glob("01_sums-*/owner.json")))
    before = stored(several)
    assert several.rmkit("gc", "--dry-run").returncode == 0  # looking disturbs nobody
    refused = several.rmkit("gc", "--yes", "--trials")
    assert refused.returncode == 1
    assert f"process {running.pid} runs params/small.yaml --set sleep=5" in refused.stderr
    assert "nothing was removed" in refused.stderr
    running.send_signal(signal.SIGKILL)
    running.communicate()
    refused = several.rmkit("gc", "--yes", "--trials")
    assert refused.returncode == 1, refused.stdout
    assert "executes 01_sums-" in refused.stderr
    assert before == stored(several)
    wait_for(lambda: not list((several.root / "runs/locks").iterdir()))
    assert several.rmkit("gc", "--yes").returncode == 0


ALONE = """
import sys
from pathlib import Path
from rmkit.study.housekeeping.garbage import alone
from rmkit.study.store.store import Store
with alone(Store(Path("runs"))):
    print("alone", flush=True)
    sys.stdin.readline()
"""


def test_a_run_that_starts_meanwhile_waits_until_all_is_out_of_the_way(several):
    add_study(several, "small")
    garbage = subprocess.Popen(
        [sys.executable, "-c", ALONE], cwd=several.root, env=several.environment(), text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    STARTED.append(garbage)
    assert garbage.stdout.readline() == "alone\n"
    running = several.start("run", "small", "--set", "powers=[5]", "--no-report")
    with pytest.raises(subprocess.TimeoutExpired):
        running.wait(timeout=2.5)
    assert "another rmkit uses it" in several.rmkit("gc", "--yes", "--trials").stderr
    assert several.rmkit("run", "small", "--dry-run").returncode == 0
    garbage.communicate("done\n")
    out, _ = running.communicate(timeout=60)
    assert running.returncode == 0, out


KILLED = """
import os, pathlib, sys
from rmkit.cli import main
left = int(sys.argv[1])
def counted(change, counts):
    def changed(path, *target, **options):
        global left
        if counts(path, *target):
            if left == 0:
                os._exit(9)
            left -= 1
        return change(path, *target, **options)
    return changed
pathlib.Path.rename = counted(pathlib.Path.rename, lambda _, target: target.name.startswith("collected-"))
pathlib.Path.unlink = counted(pathlib.Path.unlink, lambda path: path.parent.name == "plans")
sys.exit(main(["gc", "--yes", "--trials"]))
"""


@pytest.mark.parametrize("done", [1, 3])  # of two jobs and their two notes
def test_one_that_is_killed_leaves_a_sound_store(several, done):
    (several.root / "params/other.yaml").unlink()
    assert script(several, KILLED, str(done)).returncode == 9
    assert len(list((several.root / "runs/tmp").iterdir())) == min(done, 2)
    assert several.executed() == []
    assert not list((several.root / "runs/tmp").iterdir())
    assert several.rmkit("gc", "--yes", "--trials").returncode == 0
    assert len(stored(several)) == 4  # the numbers, two seeds, the powers
    assert len(list((several.root / "runs/plans").iterdir())) == 4
    assert several.rmkit("gc", "--yes", "--trials").stdout.startswith("nothing to remove")


def test_a_job_that_went_is_made_again_when_a_study_refers_to_it(several):
    (several.root / "params/other.yaml").unlink()
    assert several.rmkit("gc", "--yes").returncode == 0
    add_study(several, "other")
    assert several.executed(lambda project: project.rmkit("run", "other", "--no-report")) == ["01_sums"]


def test_another_rmkit_than_the_projects_own_removes_nothing(several, tmp_path):
    shutil.copytree(several.root / "rmkit", tmp_path / "elsewhere/rmkit")
    before = everything(several)
    command = [sys.executable, "-P", "-m", "rmkit.cli", "gc", "--yes"]
    ended = subprocess.run(
        command, cwd=several.root, env=several.environment(PYTHONPATH=str(tmp_path / "elsewhere")),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 2
    assert f"rmkit runs from {tmp_path / 'elsewhere/rmkit'}" in ended.stderr
    assert everything(several) == before
