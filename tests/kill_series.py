"""Kills of one process of a run, at a random moment, and what is left when the run was started again.

The run is of a small project in its three stages: numbers, sums of them (with a grandchild that leads a session of its
own), and work in parts. A kill is lost on nothing: rows and files are those of a run that nobody disturbed, nothing
that was finished is executed again, and no process, lock or temporary folder stays. `benchmarks/kills.py` prints the
table, and tests/study/test_kill.py judges a dozen.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import time
from collections import Counter
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psutil

from tests.small_project import GRANDCHILD, SmallProject

MARK = "RMKIT_TEST_KILLS"  # in the environment of all that a case starts: which case it is
VICTIMS = {  # who is killed, and by which signals
    "runner": (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT),
    "job process": (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT),
    "kernel": (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM),
    "fork server": (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM),
    "keeper": (signal.SIGKILL,),
    "runner and job": (signal.SIGKILL,),
}
HELD = "held"  # the file in a folder for sockets that its process holds open
TRIES = 4  # to kill a run before it ends
SECONDS = 120  # in which a run of the project ends


@dataclass(frozen=True)
class Seen:
    """What belonged to a run when one of its processes was killed."""

    groups: set[int] = field(default_factory=set)  # of its processes
    rooms: set[Path] = field(default_factory=set)  # its folders for sockets, which lie under /tmp


@dataclass(frozen=True)
class Calm:
    """A project, and what a run of it stores that nobody disturbs."""

    template: SmallProject
    results: dict[str, bytes]
    seconds: float

    @classmethod
    def made(cls, folder: Path) -> "Calm":
        project = SmallProject.make(folder / "template")
        project.edit("notebooks/01_sums.ipynb", "GRANDCHILD = None", json.dumps(GRANDCHILD)[1:-1])
        stages = {"00_numbers": None, "01_sums": {"sleep": 0.3}, "02_parts": {"kind": "full", "seconds": 0.1}}
        project.study(axes={"seed": [0, 1]}, stages=stages)
        calm = project.copy(folder / "calm")
        started = time.monotonic()
        out, err = _ended(_start(calm))
        seconds = time.monotonic() - started
        assert not err, out + err
        return cls(project, results(calm), seconds)


@dataclass(frozen=True)
class Case:
    """One kill and what it cost."""

    victim: str
    signal: str
    moment: float  # seconds after the start
    killed: bool  # the victim was there
    lost: int  # jobs that were executing and had to be executed again
    again: int  # finished jobs that were executed again
    differ: int  # files of results that differ from those of a run in peace
    processes: int
    locks: int
    folders: int  # in runs/tmp, runs/partial and the temporary folder; for sockets, under /tmp
    said: str  # the last line of what went wrong otherwise

    @property
    def faults(self) -> list[str]:
        bad = [name for name in ("again", "differ", "processes", "locks", "folders") if getattr(self, name)]
        return bad + ([self.said] if self.said else [])


def killed_and_run_again(calm: Calm, folder: Path, draw: random.Random, victim: str) -> Case:
    """Start a run, kill one of its processes, start the run again and look at what is left.

    A run that ends before the moment, faster than the one in peace, is done anew with half of it, a few times.
    """
    how, moment = draw.choice(VICTIMS[victim]), draw.uniform(0.1, 0.95) * calm.seconds
    more = draw.uniform(0, 0.3)
    for attempt in range(TRIES):
        project, seen = calm.template.copy(folder / str(attempt) / "project"), Seen()
        moment /= 2 if attempt else 1
        runner = _start(project)
        killed = _kill(project, runner, victim, how, moment, more, seen)
        out, err = _ended(runner)
        if killed:
            break
    wrong = (
        [] if runner.returncode in _codes(victim, how, killed) else [f"first run: {runner.returncode}: {err[-300:]}"]
    )
    if "Traceback" in out + err:
        wrong.append(f"first run: traceback: {err.splitlines()[-1:]}")
    finished = {path.name for path in (project.root / "runs/jobs").glob("*/")}
    first = Counter(execution["key"] for execution in project.executions())
    again = _start(project)
    out, err = _ended(again)
    if again.returncode or err:
        wrong.append(f"second run: {again.returncode}: {err[-300:] or out[-300:]}")
    both = Counter(execution["key"] for execution in project.executions())
    found = results(project)
    return Case(
        victim=victim,
        signal=how.name,
        moment=round(moment, 2),
        killed=killed,
        lost=sum(first[key] for key in first if key not in finished),
        again=sum(both[key] - first[key] for key in finished),
        differ=sum(found.get(name) != calm.results.get(name) for name in found.keys() | calm.results.keys()),
        processes=len(_left(project, seen.groups)),
        locks=len(list((project.root / "runs/locks").iterdir())),
        folders=sum(len(list(room.iterdir())) for room in (*_rooms(project), _temporary(project)))
        + sum(room.exists() for room in seen.rooms),
        said="; ".join(wrong),
    )


def results(project: SmallProject) -> dict[str, bytes]:
    """The bytes of every job's rows and artifacts, by path."""
    jobs = project.root / "runs/jobs"
    files = [*jobs.glob("*/rows.parquet"), *(path for path in jobs.glob("*/artifacts/**/*") if path.is_file())]
    return {str(path.relative_to(jobs)): path.read_bytes() for path in files}


def table(cases: list[Case]) -> str:
    """By victim and signal: kills, what was lost, and what is left."""
    columns = ("lost", "again", "differ", "processes", "locks", "folders")
    heads = ("jobs lost", "finished again", "files differ", "processes", "locks", "folders", "faults")
    lines = [f"{'victim':<16}{'signal':<9}{'kills':>6}" + "".join(f"{head:>15}" for head in heads)]
    for victim, how in [*dict.fromkeys((case.victim, case.signal) for case in cases), ("all", "")]:
        some = [case for case in cases if how in (case.signal, "") and victim in (case.victim, "all")]
        counted = [sum(asdict(case)[column] for case in some) for column in columns]
        counted.append(sum(bool(case.faults) for case in some))
        kills = sum(case.killed for case in some)
        lines.append(f"{victim:<16}{how:<9}{kills:>6}" + "".join(f"{count:>15}" for count in counted))
    return "\n".join(lines)


def _codes(victim: str, how: signal.Signals, killed: bool) -> tuple[int, ...]:
    """How the first run may end: it is killed or interrupted itself, or a job of it fails, or none."""
    if not killed:
        return (0,)
    if victim.startswith("runner"):
        return (-how,) if how == signal.SIGKILL else (130, 0)
    return (0, 1)


def _temporary(project: SmallProject) -> Path:
    return project.root.parent / "t"


def _rooms(project: SmallProject) -> list[Path]:
    return [project.root / "runs/tmp", project.root / "runs/partial"]


def _start(project: SmallProject) -> subprocess.Popen:
    _temporary(project).mkdir(exist_ok=True)
    environment = {name: str(project.root / name) for name in ("RMKIT_TEST_TICKS", "RMKIT_TEST_COMPUTED")}
    environment |= {MARK: str(project.root), "TMPDIR": str(_temporary(project))}
    return project.start("run", "params/small.yaml", "--no-report", **environment)


def _ended(process: subprocess.Popen) -> tuple[str, str]:
    """What a run said; AssertionError if it does not end."""
    try:
        return process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        raise AssertionError(f"a run does not end in {SECONDS} s: {process.args}") from None


def _kill(
    project: SmallProject, runner: subprocess.Popen, victim: str, how: int, moment: float, more: float, seen: Seen
) -> bool:
    """Send the signal to the victim at the moment, or soon after it appears; False if it never does.

    seen: is given what belonged to the run just before.
    """
    time.sleep(moment)
    while runner.poll() is None:
        if found := _victims(project, runner, victim):
            if more and victim not in ("runner", "fork server"):
                time.sleep(more)
                more = 0.0
                continue
            _look(project, seen)
            for pid in found:
                with suppress(ProcessLookupError):
                    os.kill(pid, how)
            return True
        time.sleep(0.02)
    return False


def _victims(project: SmallProject, runner: subprocess.Popen, victim: str) -> list[int]:
    """Who is killed: one process, or the runner with all that execute jobs."""
    if victim == "runner":
        return [runner.pid]
    owners = _owners(project)
    if victim == "job process":
        return owners[:1]
    if victim == "runner and job":
        return [runner.pid, *owners] if owners else []
    servers = [process.pid for process in _children(runner.pid) if _is_server(process)]
    keepers = [process for pid in servers for process in _children(pid)]
    if victim == "fork server":
        return servers[:1]
    kept = {process.pid: keeper.pid for keeper in keepers for process in _children(keeper.pid)}
    if victim == "keeper":
        return list(kept.values())[:1]
    stamps = {_environment(pid).get("RMKIT_JOB") for pid in owners}
    return [pid for pid in kept if pid not in owners and _environment(pid).get("RMKIT_JOB") in stamps][:1]


def _owners(project: SmallProject) -> list[int]:
    """The job processes: those that hold locks."""
    found = []
    for path in sorted((project.root / "runs/locks").glob("*/owner.json")):
        with suppress(OSError, ValueError, KeyError):
            found.append(json.loads(path.read_text(encoding="utf-8"))["pid"])
    return [pid for pid in found if _environment(pid).get(MARK) == str(project.root)]


def _children(pid: int) -> list[psutil.Process]:
    with suppress(psutil.Error):
        return psutil.Process(pid).children()
    return []


def _is_server(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return any("fork_server" in word for word in process.cmdline())
    return False


def _environment(pid: int) -> dict[str, str]:
    with suppress(psutil.Error, OSError):
        process = psutil.Process(pid)
        return process.environ() if process.status() != psutil.STATUS_ZOMBIE else {}
    return {}


def _look(project: SmallProject, seen: Seen) -> None:
    """Note the process groups and the folders for sockets of all that the run has started and that lives."""
    for pid in psutil.pids():
        if _environment(pid).get(MARK) == str(project.root):
            with suppress(OSError):
                seen.groups.add(os.getpgid(pid))
                opened = [Path(entry).readlink() for entry in Path(f"/proc/{pid}/fd").iterdir()]
                seen.rooms.update(path.parent for path in opened if path.name == HELD)
    seen.groups.discard(os.getpgrp())  # in which the runner is


def _left(project: SmallProject, groups: set[int], patience: float = 3.0) -> list[int]:
    """Living processes of this case: by its mark, by the stamp of one of its executions, or by their group."""
    stamps = {execution["execution"] for execution in project.executions()}
    end = time.monotonic() + patience
    while True:
        found = []
        for pid in psutil.pids():
            environment = _environment(pid)
            with suppress(ProcessLookupError):
                theirs = environment.get(MARK) == str(project.root) or environment.get("RMKIT_JOB") in stamps
                if environment and (theirs or os.getpgid(pid) in groups):
                    found.append(pid)
        if not found or time.monotonic() > end:
            return found
        time.sleep(0.1)


def clear(folder: Path) -> None:
    """Remove a case's folder."""
    shutil.rmtree(folder, ignore_errors=True)
