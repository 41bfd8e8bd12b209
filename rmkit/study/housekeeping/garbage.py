"""What no study under params/ refers to any more, and its removal.

What is named as a job stays while a study refers to that job, or may still come to it: a job whose inputs are not
finished has no key yet, and any stored job of its stage and parameters may turn out to be it. So after a removal no
study executes more than before. Trials, which is what a command line sets and studies that lie elsewhere, are no files
under params/: their jobs are known from the records of runs, are listed by the command that made them, and stay unless
one asks for their removal too. A report stays while its study is there; drafts, opened copies, jobs that were set aside
as damaged and copies of files of pairs, which a fit makes anew, stay for some days; what 08 exported stays unless one
asks, and its saved views always. All else goes, when no run is alive.

Each folder is renamed into `runs/tmp/` and removed from there, so that it is in its place whole or not at all; what a
killed process leaves in `runs/tmp/` the next run removes. No run starts until all is renamed.
"""

import re
import secrets
import shutil
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rmkit.errors import ParamsError, StoreError
from rmkit.machine.quantities import size_text
from rmkit.study.housekeeping.sizes import last_written, sizes_of
from rmkit.study.housekeeping.trials import trials_in_words, tried_jobs
from rmkit.study.monitoring.run_record import living
from rmkit.study.planning.key_changes import differences
from rmkit.study.planning.keys import FORMAT, canonical
from rmkit.study.planning.plan import make_plan
from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.planning.project import Project, was_run_in
from rmkit.study.planning.study_file import load_study
from rmkit.study.store.disk import disk_faults, read_json
from rmkit.study.store.locks import clear_away_the_dead, holder, using
from rmkit.study.store.store import Store

ROOMS = {
    "jobs": "finished jobs that no study refers to",
    "partial": "parts of unfinished jobs that no study plans",
    "failed": "notebooks of failed jobs that no study plans",
    "plans": "keys noted of jobs that no study plans",
    "verified": "checksums noted of jobs that are gone",
    "reports": "files of reports of studies that are gone",
    "drafts": "old drafts",
    "opened": "old copies of executed notebooks, made to be opened",
    "corrupt": "jobs set aside long ago as damaged",
    "pairs": "old copies of several files of pairs that `rmkit fit` read as one",
    "exports": "files that 08 exported",
}
TRIALS, EXPORTS = "trials", "exports"  # what goes only if one asks for it
AGING = ("drafts", "opened", "corrupt", "pairs")
OF_A_JOB = re.compile(r".+-[0-9a-f]{16}(\.json)?")  # a key or a plan id
DIFFERENCES_SHOWN = 3
DAY = 86_400.0


@dataclass(frozen=True)
class References:
    """The planned jobs of all studies, with the keys that they came to or would come to now."""

    studies: tuple[str, ...] = ()
    jobs: Mapping[str, PlannedJob] = field(default_factory=dict)  # by plan id
    keys: frozenset[str] = frozenset()
    open: frozenset[tuple[str, str]] = frozenset()  # stage and parameters of jobs whose inputs are not finished
    tried: Mapping[str, str] = field(default_factory=dict)  # jobs of trials by plan id: the command that asked for them
    trials: Mapping[str, str] = field(default_factory=dict)  # the same by key, of those that no study refers to

    def may_need(self, key: str, manifest: Mapping[str, Any]) -> bool:
        """Whether a finished job is one of theirs, or may turn out to be."""
        return key in self.keys or (manifest.get("stage"), canonical(manifest.get("parameters"))) in self.open

    def may_go_on_from(self, key: str) -> bool:
        """Whether parts of an unfinished job are one of theirs, or may turn out to be."""
        return key in self.keys or key.rpartition("-")[0] in {stage for stage, _ in self.open}


def clean(
    project: Project,
    store: Store,
    *,
    older_than: float,
    dry_run: bool,
    ask: Callable[[str], bool] | None,
    also: Collection[str] = (),
) -> Iterator[str]:
    """List what can go and, if `ask` says yes, remove it; what to tell, line by line. ask: None if nobody is there.
    also: TRIALS, EXPORTS.

    ParamsError or DataError for a study that cannot be planned: what it refers to is not known, so nothing is removed.
    """
    if (project.root / "rmkit").is_dir() and project.root / "rmkit" != project.package:
        text = "by its code this project's studies refer to none of their jobs"
        raise ParamsError(f"rmkit runs from {project.package}, and {text}; run this project's own rmkit/")
    if not was_run_in(store.root):  # what has the names of its rooms may be of other things
        yield f"nothing to remove: no run was ever started in {project.shown(store.root)}"
        return
    referred = references(project, store)
    found = collectable(store, referred, older_than=older_than, also=also)
    sizes = sizes_of(found)
    yield from trials_in_words(store, referred.trials, goes=TRIALS in also)
    yield from listing(store, sizes, referred)
    if not found or dry_run:
        return
    if ask is None:
        yield "nothing was removed: nobody is here to ask; give --yes to remove all of it"
        return
    with alone(store):  # nobody should be asked for nothing
        pass
    if ask("remove all of it?"):
        gone = collect(project, store, found, older_than=older_than, also=also)
        yield f"removed {len(gone)}, freed {size_text(sum(sizes[path] for path in gone))}"
    else:
        yield "nothing was removed"


def references(project: Project, store: Store) -> References:
    """What every study under params/ refers to; ParamsError or DataError for one that cannot be planned."""
    paths = sorted(path for path in (project.root / "params").iterdir() if path.suffix in (".yaml", ".yml"))
    studies = [load_study(path, project.shown(path)) for path in paths]
    jobs = {job.plan_id: job for study in studies for job in make_plan(project, study)}
    known: dict[str, str | None] = {}
    keys = {key for job in jobs.values() for key in (store.key_of(job, known), store.noted(job.plan_id)) if key}
    unfinished = [job for job in jobs.values() if None in store.content(job, known).values()]
    names = tuple(study.name for study in studies)
    may_be = frozenset((job.stage, canonical(dict(job.parameters))) for job in unfinished)
    referred = References(names, jobs, frozenset(keys), may_be)
    tried = tried_jobs(store)
    made = {key: command for plan_id, command in tried.items() if (key := store.noted(plan_id)) and store.finished(key)}
    trials = {key: command for key, command in made.items() if not referred.may_need(key, _manifest(store, key))}
    return replace(referred, tried=tried, trials=trials)


def collectable(store: Store, referred: References, *, older_than: float, also: Collection[str] = ()) -> list[Path]:
    """All that can go, by room. older_than: days that drafts and damaged jobs stay. also: TRIALS, EXPORTS."""
    if TRIALS in also:
        referred = replace(referred, tried={}, trials={})
    old = time.time() - older_than * DAY
    jobs = {path.name for path in _listed(store, "jobs") if referred.may_need(path.name, _manifest(store, path.name))}
    jobs |= referred.trials.keys()
    planned = referred.jobs.keys() | referred.tried.keys()
    stays: dict[str, Callable[[str], bool]] = {
        "jobs": jobs.__contains__,
        "partial": referred.may_go_on_from,
        "failed": planned.__contains__,
        "plans": planned.__contains__,
        "verified": lambda name: name.removesuffix(".json") in jobs,
        "reports": lambda name: name.startswith(referred.studies),  # name.html, name+key=value.html, name-figure.png
    }
    found = [path for room, keeps in stays.items() for path in _listed(store, room) if not keeps(path.name)]
    found += [path for room in AGING for path in _listed(store, room) if last_written(path) <= old]
    return found + (_listed(store, EXPORTS) if EXPORTS in also else [])


def listing(store: Store, sizes: Mapping[Path, int], referred: References) -> Iterator[str]:
    """What can go, in words: a line a room with counts and sizes, and a line a finished job. sizes: in bytes."""
    for room, words in ROOMS.items():
        if found := [path for path in sizes if path.parent.name == room]:
            yield f"{words}: {len(found)}, {size_text(sum(sizes[path] for path in found))}"
        for path in found if room == "jobs" else []:
            made = time.strftime("%Y-%m-%d %H:%M", time.localtime(last_written(path)))
            yield f"  {path.name}  {size_text(sizes[path]):>7}  of {made}  {_apart(store, path.name, referred)}"
    names = ", ".join(referred.studies) or "none"
    if not sizes:
        yield f"nothing to remove; studies under params/: {names}"
    else:
        yield f"in all {len(sizes)}, {size_text(sum(sizes.values()))}; studies under params/: {names}"
        yield "Of trials by --set, and of studies that lie elsewhere, only those of the last runs are known as such."


def collect(
    project: Project, store: Store, shown: Sequence[Path], *, older_than: float, also: Collection[str] = ()
) -> list[Path]:
    """Remove what was shown and can still go; returns that. StoreError, with nothing removed, beside a living run.

    What can go is looked up anew once no run can start: a study may have come, and a job have been found, since.
    """
    away: list[Path] = []  # no folder is made for them, a full disk may not give one
    name = f"collected-{secrets.token_hex(4)}"
    with alone(store), disk_faults(store.root):
        store.prepare()
        clear_away_the_dead(store)
        still = set(collectable(store, references(project, store), older_than=older_than, also=also))
        going = [path for path in shown if path in still]
        for path in going:
            if path.is_dir() and not path.is_symlink():
                away.append(path.rename(store.root / "tmp" / f"{name}-{len(away)}"))
            else:
                path.unlink()
    for folder in away:
        shutil.rmtree(folder, ignore_errors=True)  # a run that has started since may be removing it too
    return going


@contextmanager
def alone(store: Store) -> Iterator[None]:
    """While this is open, no run starts; StoreError if one is alive, or a job whose runner was killed."""
    with using(store, alone=True) as is_ours:
        runs = [f"process {run.pid} runs {run.arguments}" for run in living(store)]
        owners = [holder(store, path.name) for path in (store.root / "locks").glob("*")]
        users = runs or [f"process {owner.pid} executes {owner.plan_id}" for owner in owners if owner]
        if users or not is_ours:
            named = " and ".join(users) or "another rmkit uses it"
            raise StoreError(f"{store.root}: {named}; nothing was removed, try again after it")
        yield


def _manifest(store: Store, key: str) -> dict[str, Any]:
    with suppress(StoreError):
        return store.manifest(key)
    return {}


def _apart(store: Store, key: str, referred: References) -> str:
    """What sets a finished job apart from the nearest one that a study refers to."""
    if not (made := _manifest(store, key)):
        noted = read_json(store.folder(key) / "manifest.json")
        if isinstance(noted, dict) and noted.get("format", FORMAT) != FORMAT:
            return f"stored by another version of rmkit, in format {noted['format']}; this one reads {FORMAT}"
        return "its manifest cannot be read"
    jobs = [job for job in referred.jobs.values() if job.stage == made["stage"]]
    changes = [list(differences(made["ingredients"], store.ingredients(job))) for job in jobs]
    first = min(changes, key=len, default=["no study has its stage"])
    more = [f"{len(first) - DIFFERENCES_SHOWN} more changes"] if len(first) > DIFFERENCES_SHOWN else []
    return "; ".join([*first[:DIFFERENCES_SHOWN], *more])


def _listed(store: Store, room: str) -> list[Path]:
    """What lies in a room of the store; where things are named as jobs, only what is."""
    with suppress(FileNotFoundError):
        paths = sorted((store.root / room).iterdir())
        return [path for path in paths if room in (*AGING, EXPORTS, "reports") or OF_A_JOB.fullmatch(path.name)]
    return []
