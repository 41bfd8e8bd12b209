"""One study, looked at again and again: its living run, or how it stands at rest and how its last run ended.

Made for a look a second from a kernel that has other work: a study is planned, and its jobs' states are read, again
only when its file, a notebook, rmkit's source, its data or something in the store changed. Runs nothing.
"""

from pathlib import Path

from rmkit.study.monitoring.run_record import runs
from rmkit.study.monitoring.snapshot import Snapshot, snapshot, study_snapshot
from rmkit.study.planning.keys import data_files
from rmkit.study.planning.plan import make_plan
from rmkit.study.planning.project import find_project, study_path
from rmkit.study.planning.study_file import load_study
from rmkit.study.store.store import Store

ROOMS = ("jobs", "plans", "failed", "locks", "runs")  # of the store: an entry comes or goes whenever a state changes


class FollowedStudy:
    """A study by file or name, in the project around the working directory at the first look."""

    def __init__(self, study: str) -> None:
        self.project = find_project()
        self.path = study_path(self.project, study)
        self.store = Store(self.project.store)
        self._data: set[Path] = set()  # files and folders that its jobs read
        self._seen: tuple[object, Snapshot, Snapshot | None] | None = None

    def look(self) -> tuple[Snapshot, Snapshot | None]:
        """Its living run; or how the study stands, and its last run if there was one.

        One of our errors where it cannot be planned.
        """
        found = runs(self.store, self.path.stem)
        if run := next((run for run in found if run.alive()), None):
            return snapshot(self.store, run), None
        if self._seen is None or self._seen[0] != self._stamp():
            study = load_study(self.path, self.project.shown(self.path))
            jobs = make_plan(self.project, study)
            self._data = {self.project.root / given for job in jobs for given, _ in data_files(job)}
            stamp = self._stamp()
            last = snapshot(self.store, found[0]) if found else None
            self._seen = stamp, study_snapshot(self.store, study, jobs), last
        return self._seen[1:]

    def _stamp(self) -> dict[Path, int | None]:
        """When each file that a plan or a state hangs on was written."""
        files = [self.path, *self.project.root.glob("notebooks/*.ipynb"), *self.project.package.rglob("*.py")]
        files += [self.store.root / room for room in ROOMS]
        files += [path for given in self._data for path in (given, *given.rglob("*"))]
        return {path: path.stat().st_mtime_ns if path.exists() else None for path in files}
