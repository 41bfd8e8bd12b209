"""One study, looked at again and again: its living run, or how it stands at rest and how its last run ended.

Made for a look a second from a kernel that has other work: a study is planned again only when its file, a notebook,
rmkit's source or its data changed, and its jobs' states are read again only when something in the store did. Runs
nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rmkit.study.monitoring.run_record import Run, runs
from rmkit.study.monitoring.snapshot import Snapshot, snapshot, study_snapshot
from rmkit.study.planning.keys import data_files
from rmkit.study.planning.plan import make_plan
from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.planning.project import find_project, study_path
from rmkit.study.planning.study_file import Study, load_study
from rmkit.study.store.store import Store

ROOMS = ("jobs", "plans", "failed", "locks", "runs")  # of the store: an entry comes or goes whenever a state changes


@dataclass(frozen=True)
class Sight:
    """What is seen at one look."""

    now: Snapshot
    run: Run | None = None  # the one that is going on
    last: Snapshot | None = None  # of the run that ended last, where none is going on


class FollowedStudy:
    """A study by file or name, in the project around the working directory at the first look."""

    def __init__(self, study: str) -> None:
        self.study = study
        self._planned: tuple[object, Study, list[PlannedJob]] | None = None
        self._data: set[Path] = set()  # the data that its jobs read
        self._at_rest: tuple[object, Sight] | None = None
        self.project = find_project()
        self.path = study_path(self.project, study)
        self.store = Store(self.project.store)

    def look(self) -> Sight:
        """How the study stands now; one of our errors where it cannot be planned."""
        found = runs(self.store, self.path.stem)
        for run in found:
            if run.alive():
                return Sight(snapshot(self.store, run), run)
        last = found[0] if found else None
        study, jobs = self._plan()
        stamp = (
            self._planned[0] if self._planned else None,
            last,
            [_touched(self.store.root / room) for room in ROOMS],
        )
        if self._at_rest is None or self._at_rest[0] != stamp:
            sight = Sight(study_snapshot(self.store, study, jobs), last=snapshot(self.store, last) if last else None)
            self._at_rest = stamp, sight
        return self._at_rest[1]

    def _plan(self) -> tuple[Study, list[PlannedJob]]:
        """The study and its jobs, as of the files that they were planned from."""
        files = [self.path, *self.project.root.glob("notebooks/*.ipynb"), *self.project.package.rglob("*.py")]
        stamp = _stamp(files)
        if self._planned is None or self._planned[0] != (stamp, _stamp(_within(self._data))):
            study = load_study(self.path, self.project.shown(self.path))
            jobs = make_plan(self.project, study)
            self._data = {self.project.root / given for job in jobs for given, _ in data_files(job)}
            self._planned = (stamp, _stamp(_within(self._data))), study, jobs
        return self._planned[1:]


def _stamp(paths: Iterable[Path]) -> frozenset[tuple[Path, int | None]]:
    return frozenset((path, _touched(path)) for path in paths)


def _within(paths: Iterable[Path]) -> list[Path]:
    """Files and folders, with all that the folders hold."""
    return [path for given in paths for path in (given, *given.rglob("*"))]


def _touched(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None
