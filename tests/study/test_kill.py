"""`kill -9` at any moment loses at most the jobs then running, and leaves no process behind.

Each case kills the runner and its job processes at one point of a run whose notebooks start a grandchild that writes a
file every 0.1 s, runs again, and holds the store against that of a run that nobody disturbed. The table is printed.
"""

import json
import os
import pty
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest

from tests.kill_series import VICTIMS, Calm, killed_and_run_again
from tests.small_project import GRANDCHILD, REPOSITORY, STARTED, WITHOUT_SIGINT, SmallProject

POINTS = [f"{when} {what}" for what in ("lock", "manifest", "publication") for when in ("before", "after")]
FIFTHS = range(5)  # one random moment in each fifth of an undisturbed run


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The template, the rows that a run in peace stores, and the seconds that it takes."""
    project = SmallProject.make(tmp_path_factory.mktemp("kill") / "template")
    shutil.copy(REPOSITORY / "tests/killed_at.py", project.root / "sitecustomize.py")
    project.edit("notebooks/01_sums.ipynb", "GRANDCHILD = None", json.dumps(GRANDCHILD)[1:-1])
    calm = project.copy(project.root.with_name("calm"))
    started = time.monotonic()
    ended = calm.run(RMKIT_TEST_TICKS=str(calm.root / "ticks"))
    seconds = time.monotonic() - started
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return project, stored_rows(calm), seconds


def stored_rows(project):
    import pandas as pd

    tables = [pd.read_parquet(path) for path in sorted((project.root / "runs/jobs").glob("01_sums-*/rows.parquet"))]
    table = pd.concat(tables)
    return table.sort_values(list(table.columns)).reset_index(drop=True)


def left_behind(project) -> list[psutil.Process]:
    """Living processes that carry the stamp of one of this project's executions."""
    stamps = {execution["execution"] for execution in project.executions()}
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("RMKIT_JOB") in stamps and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def kill_all(runner, project):
    """kill -9 the runner and every job process; their kernels and grandchildren are left to themselves."""
    runner.kill()
    for path in (project.root / "runs/locks").glob("*/owner.json"):
        try:
            os.kill(json.loads(path.read_text(encoding="utf-8"))["pid"], signal.SIGKILL)
        except (OSError, ValueError):
            continue


def disturbed(project, point, ticks):
    """Start a run and kill it at a point or after so many seconds; returns when it is dead."""
    once = project.root / "killed"
    if isinstance(point, str):
        runner = project.start(
            "run", "params/small.yaml", "--no-report",
            RMKIT_TEST_KILL=point, RMKIT_TEST_KILL_ONCE=str(once), RMKIT_TEST_TICKS=str(ticks),
        )  # fmt: skip
        runner.communicate(timeout=60)
        assert once.exists(), f"the run ended without passing the point {point!r}"
    else:
        runner = project.start("run", "params/small.yaml", "--no-report", RMKIT_TEST_TICKS=str(ticks))
        time.sleep(point)
        kill_all(runner, project)
        runner.communicate(timeout=60)
    assert runner.returncode == -signal.SIGKILL


def outcome(project, point, ticks):
    """One row of the table: what the kill cost."""
    disturbed(project, point, ticks)
    finished_before = {path.name for path in (project.root / "runs/jobs").iterdir()} if project.executions() else set()
    ended = project.run(RMKIT_TEST_TICKS=str(ticks))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    size = ticks.stat().st_size if ticks.exists() else 0
    time.sleep(0.5)
    again = Counter(execution["key"] for execution in project.executions())
    return {
        "twice": sum(count - 1 for count in again.values()),
        "finished jobs run again": sum(again[key] - 1 for key in finished_before),
        "most runs of one job": max(again.values()),
        "left": len(left_behind(project)),
        "ticks go on": (ticks.stat().st_size if ticks.exists() else 0) != size,
        "ticked": size > 0,
        "locks": len(list((project.root / "runs/locks").iterdir())),
    }


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["first job", "second stage"])
def test_kill_at_named_points(kind, undisturbed, tmp_path, capsys):
    template, calm, _ = undisturbed
    table = []
    for point in POINTS:
        project = template.copy(tmp_path / point.replace(" ", "-"))
        ticks = project.root / "ticks"
        if kind == "second stage":
            assert project.rmkit("run", "small", "--until", "00_numbers", "--no-report").returncode == 0
        row = outcome(project, point, ticks)
        row["rows equal"] = calm.equals(stored_rows(project))
        table.append({"point": f"{kind}: {point}", **row})
    show(table, capsys)
    judge(table)


@pytest.mark.slow
def test_kill_at_random_moments(undisturbed, tmp_path, capsys):
    template, calm, seconds = undisturbed
    draw = random.Random(20)
    table = []
    for fifth in FIFTHS:
        moment = round(seconds * (0.03 + 0.8 * (fifth + draw.random()) / 5), 2)  # a warm run is faster
        project = template.copy(tmp_path / str(moment))
        row = outcome(project, moment, project.root / "ticks")
        row["rows equal"] = calm.equals(stored_rows(project))
        table.append({"point": f"after {moment} s", **row})
    show(table, capsys)
    judge(table)


@pytest.fixture(scope="module")
def calm():
    """A project and what a run of it stores in peace, at a short path, as the sockets of a run need one."""
    with tempfile.TemporaryDirectory(prefix="kills-") as folder:
        yield Calm.made(Path(folder))


@pytest.mark.slow
@pytest.mark.parametrize("number", range(2))
@pytest.mark.parametrize("victim", VICTIMS)
def test_kill_of_any_process_at_any_moment_costs_nothing_that_was_finished(victim, number, calm):
    """A dozen of what `benchmarks/kills.py` does."""
    with tempfile.TemporaryDirectory(prefix="kills-") as folder:
        case = killed_and_run_again(calm, Path(folder), random.Random(f"20 {number}"), victim)
    assert case.killed, case
    assert case.faults == [], case
    assert case.lost <= 2, case


@pytest.mark.slow
def test_kill_of_a_job_process_alone_fails_the_job_and_spares_the_rest(undisturbed, tmp_path):
    template, _, _ = undisturbed
    project = template.copy(tmp_path / "project")
    project.edit("params/small.yaml", '"01_sums": null', '"01_sums": {"sleep": 2}')
    runner = project.start("run", "params/small.yaml", "--no-report", RMKIT_TEST_TICKS=str(project.root / "ticks"))
    wait_for(lambda: (project.root / "ticks").exists(), "a grandchild that ticks")
    victim = next(execution for execution in project.executions() if execution["key"].startswith("01"))
    os.kill(victim["pid"], signal.SIGKILL)
    out, err = runner.communicate(timeout=60)
    assert runner.returncode == 1
    assert "its process was killed by SIGKILL; run again" in err.splitlines()[-1]
    assert "2 executed, 1 failed" in out
    assert left_behind(project) == []
    assert project.executed(lambda project: project.run(RMKIT_TEST_TICKS=str(project.root / "ticks"))) == ["01_sums"]


@pytest.mark.parametrize("times", [1, 3])
def test_interrupting_the_runner_ends_its_jobs(times, undisturbed, tmp_path):
    """An impatient second Ctrl-C does not break off the cleaning up."""
    template, _, _ = undisturbed
    project = template.copy(tmp_path / "project")
    project.edit("params/small.yaml", '"01_sums": null', '"01_sums": {"sleep": 60}')
    runner = project.start("run", "params/small.yaml", "--no-report", RMKIT_TEST_TICKS=str(project.root / "ticks"))
    wait_for(lambda: (project.root / "ticks").exists(), "a grandchild that ticks")
    for _ in range(times):
        runner.send_signal(signal.SIGINT)
        time.sleep(0.015)
    out, err = runner.communicate(timeout=30)
    assert runner.returncode == 130
    assert err.strip() == "interrupted; finished jobs are kept: run the same command again to go on"
    assert "SIGINT" not in out
    assert left_behind(project) == []
    assert list((project.root / "runs/locks").iterdir()) == []


@pytest.mark.parametrize(
    "ignored", [pytest.param(False, id="closed"), pytest.param(True, id="nohup", marks=pytest.mark.slow)]
)
def test_a_closed_terminal_ends_a_run_and_its_jobs_unless_nohup_is_before_it(ignored, undisturbed, tmp_path):
    """The kernel sends SIGHUP to whom the terminal was, and takes nothing more that is printed."""
    template, _, _ = undisturbed
    project = template.copy(tmp_path / "project")
    project.edit("params/small.yaml", '"01_sums": null', f'"01_sums": {{"sleep": {3 if ignored else 60}}}')
    ticks = project.root / "ticks"
    terminal, its_end = pty.openpty()
    on_it = ("sh", "-c", f'exec "$@" <{os.ttyname(its_end)} >{os.ttyname(its_end)} 2>&1', "sh")
    command = [*(["nohup"] if ignored else []), sys.executable, "-m", "rmkit.cli", "run", "small", "--no-report"]
    environment = project.environment(RMKIT_TEST_TICKS=str(ticks))
    runner = subprocess.Popen(
        [*on_it, *command],
        cwd=project.root,
        env=environment,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # the tests may run under nohup themselves
    )
    STARTED.append(runner)
    wait_for(ticks.exists, "a grandchild that ticks")
    os.close(its_end)
    os.close(terminal)
    assert runner.wait(timeout=60) == (0 if ignored else 130)
    assert left_behind(project) == []
    assert list((project.root / "runs/locks").iterdir()) == []
    assert len([job for job in (project.root / "runs/jobs").iterdir() if job.name.startswith("01")]) == 2 * ignored


@pytest.mark.parametrize(
    "options",
    [pytest.param([], id="forked"), pytest.param(["--fresh-kernels"], id="fresh", marks=pytest.mark.slow)],
)
def test_where_sigint_is_ignored_a_run_says_so_and_sigterm_ends_its_jobs(options, undisturbed, tmp_path):
    """As `rmkit run small &` in a script has it."""
    template, _, _ = undisturbed
    project = template.copy(tmp_path / "project")
    project.edit("params/small.yaml", '"01_sums": null', '"01_sums": {"sleep": 60}')
    ticks = project.root / "ticks"
    runner = project.start("run", "small", "--no-report", *options, before=WITHOUT_SIGINT, RMKIT_TEST_TICKS=str(ticks))
    wait_for(ticks.exists, "a grandchild that ticks")
    runner.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        runner.wait(timeout=1)
    runner.send_signal(signal.SIGTERM)
    out, err = runner.communicate(timeout=30)
    assert runner.returncode == 130
    assert (
        f"SIGINT is ignored, as in the background of a script; `kill {runner.pid}` ends this run" in out.splitlines()[0]
    )
    assert err.strip() == "interrupted; finished jobs are kept: run the same command again to go on"
    assert left_behind(project) == []
    assert list((project.root / "runs/locks").iterdir()) == []
    project.edit("params/small.yaml", '"sleep": 60', '"sleep": 0.0')
    assert project.executed(lambda project: project.run(RMKIT_TEST_TICKS=str(ticks))) == ["01_sums", "01_sums"]


@pytest.mark.parametrize("command", [["status"], ["check"], ["run", "--dry-run"]], ids="_".join)
def test_only_what_takes_time_says_that_sigint_is_ignored(command, finished):
    name, *options = command
    runner = finished.start(name, "small", *options, before=WITHOUT_SIGINT)
    out, err = runner.communicate(timeout=60)
    assert runner.returncode == 0, err
    assert "SIGINT" not in out + err


def test_two_runners_share_the_work_and_no_job_runs_twice(undisturbed, tmp_path):
    template, _, _ = undisturbed
    project = template.copy(tmp_path / "project")
    project.edit("params/small.yaml", '"01_sums": null', '"01_sums": {"sleep": 1}')
    runners = [
        project.start("run", "params/small.yaml", "--no-report", RMKIT_TEST_TICKS=str(project.root / "ticks"))
        for _ in range(2)
    ]
    ends = [runner.communicate(timeout=120) for runner in runners]
    assert [runner.returncode for runner in runners] == [0, 0], ends
    assert max(Counter(execution["key"] for execution in project.executions()).values()) == 1
    assert "waiting: process" in ends[0][0] + ends[1][0]


@pytest.fixture(scope="module")
def in_parts(tmp_path_factory):
    """A project whose study is one job in four parts, and a copy in which it ran in peace."""
    project = SmallProject.make(tmp_path_factory.mktemp("parts") / "template")
    shutil.copy(REPOSITORY / "tests/killed_at.py", project.root / "sitecustomize.py")
    project.study(stages={"02_parts": None})
    calm = project.copy(project.root.with_name("calm"))
    assert calm.run(RMKIT_TEST_COMPUTED=str(calm.root / "computed")).returncode == 0
    return project, calm


def results(project) -> dict[str, bytes]:
    """The bytes of what the study's one job handed over, by path."""
    (job,) = (project.root / "runs/jobs").glob("02_parts-*")
    files = [job / "rows.parquet", *(path for path in job.rglob("artifacts/**/*") if path.is_file())]
    return {str(path.relative_to(project.root)): path.read_bytes() for path in files}


FAULTS = {  # what ends the first run, its exit code, and the parts that are finished then
    "killed while a part is written": ({"RMKIT_TEST_KILL": "before part"}, 1, [0]),
    "killed when a part is written": ({"RMKIT_TEST_KILL": "after part"}, 1, [0, 1]),
    "killed when the job is published": ({"RMKIT_TEST_KILL": "after publication"}, -signal.SIGKILL, [0, 1, 2, 3]),
    "failed": ({"RMKIT_TEST_FAIL": "part-2"}, 1, [0, 1]),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_job_goes_on_from_the_parts_that_were_finished(fault, in_parts, tmp_path):
    environment, code, finished = FAULTS[fault]
    template, calm = in_parts
    project = template.copy(tmp_path / "project")
    computed, partial = project.root / "computed", project.root / "runs/partial"
    ended = project.run(
        RMKIT_TEST_COMPUTED=str(computed), RMKIT_TEST_KILL_ONCE=str(project.root / "killed"), **environment
    )
    assert ended.returncode == code, ended.stdout + ended.stderr
    assert sorted(path.stem for path in partial.glob("02_parts-*/draws/part-*")) == [f"part-{n}" for n in finished]
    computed.unlink()
    assert project.run(RMKIT_TEST_COMPUTED=str(computed)).returncode == 0
    again = computed.read_text(encoding="utf-8").split() if computed.exists() else []
    assert again == [f"part-{number}" for number in range(4) if number not in finished]
    assert results(project) == results(calm)
    assert list(partial.iterdir()) == list((calm.root / "runs/partial").iterdir()) == []


def test_parts_of_a_job_whose_code_changed_meanwhile_are_not_kept(in_parts, tmp_path):
    """They may have been computed by the new code, and going back to the old would find them."""
    template, _ = in_parts
    project = template.copy(tmp_path / "project")
    project.study(stages={"02_parts": {"seconds": 0.5}})
    runner = project.start("run", "small", "--no-report", RMKIT_TEST_COMPUTED=str(project.root / "computed"))
    wait_for(lambda: list((project.root / "runs/partial").glob("*/draws/part-0.parquet")), "a finished part")
    project.edit("rmkit/numbers.py", "json.dumps(self.values)", "json.dumps(list(self.values))")
    _, err = runner.communicate(timeout=60)
    assert runner.returncode == 1
    assert "changed since the run was planned: module rmkit.numbers: changed" in err
    assert "its finished parts were deleted, for code or data changed while it ran" in err
    assert list((project.root / "runs/partial").iterdir()) == []


def wait_for(condition, what, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.05)


def show(table, capsys):
    import pandas as pd

    with capsys.disabled():
        print("\n" + pd.DataFrame(table).to_string(index=False))


def judge(table):
    for row in table:
        assert row["finished jobs run again"] == 0, row
        assert row["most runs of one job"] <= 2, row
        assert row["left"] == 0, row
        assert row["locks"] == 0, row
        assert not row["ticks go on"], row
        assert row["ticked"], row
        assert row["rows equal"], row
