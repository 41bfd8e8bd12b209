"""Upstream jobs of a live notebook, built by a run of its own, and shown while they are.

The run goes on when the tab is closed; it is shown as `rmkit status --watch` shows it, by the same words.
"""

import time

from rmkit.errors import JobError
from rmkit.study.monitoring.launch import start_run
from rmkit.study.monitoring.run_record import Run
from rmkit.study.monitoring.snapshot import ALL_DONE, Snapshot, snapshot
from rmkit.study.monitoring.terminal import SHARE_OF_TIME, picture
from rmkit.study.monitoring.words import counted, how_far
from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.planning.project import Project
from rmkit.study.planning.study_file import Study
from rmkit.study.store.progress import Place
from rmkit.study.store.store import Store

SECONDS_BETWEEN_LOOKS = 0.5


def build_upstream(project: Project, store: Store, study: Study, job: PlannedJob) -> None:
    """Build the jobs that `job` needs and that are not in the store, and show it; JobError if one of them fails."""
    needed = list(job.upstream())
    known: dict[str, str | None] = {}
    if all(store.done(each, known) and not store.damage(str(known[each.plan_id])) for each in needed):
        return
    wanted = [word for upstream in needed for word in ("--job", upstream.plan_id)]
    wanted += [word for setting in study.set for word in ("--set", setting)]
    place, what = Place(), f"building what {job.stage} needs"
    place.show(f"{what}: {counted(len(needed), 'job')}, looking which are there")
    run = start_run(str(study.path), *wanted, "--no-report", project=project)
    if isinstance(run, str):  # it wrote no record, as on a full disk, and ended well
        place.show(f"{what}: {run}", last=True)
        return
    shot = _watched(store, run, place, what)
    if shot.state != ALL_DONE:
        raise JobError(shot.sentence or f"{what}: {shot.state}")


def _watched(store: Store, run: Run, place: Place, what: str) -> Snapshot:
    """How a run ends, shown meanwhile: the part of the time that this takes is small."""
    while run.alive():
        started = time.monotonic()
        place.show(building_words(what, snapshot(store, run)))
        time.sleep(max(SECONDS_BETWEEN_LOOKS, (time.monotonic() - started) / SHARE_OF_TIME))
    shot = snapshot(store, run)
    place.show(building_words(what, shot), last=True)
    return shot


def building_words(what: str, shot: Snapshot) -> str:
    """How far it is, in front the jobs that run now, each with how far it is; the bar of each stage; how to end it."""
    lines = picture(shot)[1:]
    running = [line for line in lines if line.startswith("  running  ")]
    others = [line for line in lines if line not in running]
    ends = [f"  goes on when this notebook is closed; `kill {shot.run.pid}` ends it"] if running and shot.run else []
    return "\n".join([f"{what}: {how_far(shot)}", *running, *others, *ends])
