"""The command line: run, check, status, results, report, gallery, why, gc, data.

Exit codes: 0 all jobs are done; 1 some failed, and the last line says why; 2 the request itself is wrong; 130
interrupted. Only this floor turns an exception into a line and a code. Imports nothing heavy until a command needs it.
"""

import argparse
import io
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rmkit.errors import JobError, ResultError, RmkitError, one_of
from rmkit.study.monitoring.selection import failed_last_time, selected
from rmkit.study.planning.checks import check_data
from rmkit.study.planning.plan import make_plan
from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.planning.project import Project, find_project, study_path
from rmkit.study.planning.study_file import Study, load_study, overridden
from rmkit.study.store.disk import disk_faults
from rmkit.study.store.store import Store

if TYPE_CHECKING:
    from rmkit.study.engines.local import Local
    from rmkit.study.monitoring.run_record import Run


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that lacks a sign shows a question mark
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a polite end is an interruption: jobs are ended too
    try:
        return options.command(options)
    except RmkitError as error:
        return _say(error, error.exit_code)
    except KeyboardInterrupt:
        return _say("interrupted; finished jobs are kept: run the same command again to go on", 130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def run(options: argparse.Namespace) -> int:
    """Bring every job of the study to an end, then write the report."""
    from rmkit.study.monitoring.terminal import Screen, opening, say

    project, study, jobs = _planned(options)
    store = Store(project.store)
    everything, jobs = jobs, _selected(project, study, jobs, store, options)
    if not jobs:
        say(f"{study.name}: none of the jobs that are asked for failed last time")
        return 0
    for line in check_data(project, study, jobs):
        say(line)
    if options.dry_run:
        return _forecast(study, jobs, store, options)
    from rmkit.study.monitoring.run_record import RunRecord
    from rmkit.study.store.locks import using

    started = time.monotonic()
    engine = _engine(options)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's script does that to what it starts by `command &`
        say(f"{study.name}: SIGINT is ignored, as in the background of a script; `kill {os.getpid()}` ends this run")
    with using(store), RunRecord(store, study, jobs, threads=engine.threads) as record:
        say(opening(store, record.run))
        with Screen(store, record.run) as screen, disk_faults(store.root):

            def watch(event: str, job: PlannedJob, text: str) -> None:
                for line in screen.lines(record(event, job, text)):
                    say(line)

            outcomes = engine.execute(jobs, project=project, store=store, study=study.name, watch=watch)
        states = [outcome.state for outcome in outcomes.values()]
        words = {"done": "executed", "found": "already there", "failed": "failed", "blocked": "not run"}
        words |= {"skipped": "not started"}
        counts = {state: states.count(state) for state in words if state in states}
        summary = ", ".join(f"{count} {words[state]}" for state, count in counts.items())
        say(f"{study.name}: {len(jobs)} jobs: {summary}, in {time.monotonic() - started:.1f} s")
        if not options.no_report and states.count("done") + states.count("found"):
            _write_report(project, study, everything, store, anew=False)
        failed = [outcome.text for outcome in outcomes.values() if outcome.state == "failed"]
        if failed:
            raise JobError(failed[-1])
    return 0


def check(options: argparse.Namespace) -> int:
    """Validate a study without running anything."""
    project, study, jobs = _planned(options)
    for line in check_data(project, study, jobs):
        print(line)
    print(f"{study.where}: sound; {len(jobs)} jobs, {sum(job.fits for job in jobs)} fits")
    return 0


def status(options: argparse.Namespace) -> int:
    """How far the study is, stage by stage, and what failed; the runs that are going on, if there are any."""
    from rmkit.study.monitoring.terminal import picture, watch_run

    if options.watch and (run := _living_run(options)):
        watch_run(Store(find_project().store), run)
        return 0
    project, study, jobs = _planned(options)
    store = Store(project.store)
    from rmkit.study.monitoring.run_record import living
    from rmkit.study.monitoring.snapshot import snapshot, study_snapshot
    from rmkit.study.monitoring.words import run_words

    going_on = [(run, snapshot(store, run)) for run in living(store, study.name)]
    for run, shot in going_on:
        print(f"{study.name}: {run_words(run, shot)}", *picture(shot), sep="\n")
    if not going_on:
        print(*picture(study_snapshot(store, study, jobs)), sep="\n")
    return 0


def results(options: argparse.Namespace) -> int:
    """The tidy result table of a stage, to the screen, CSV or Parquet."""
    project, study, jobs = _planned(options)
    one_of(options.stage, list(study.stages), f"rmkit results with {study.where}")
    from rmkit.study.notebook_side.gathered import Gathered

    stored = Gathered.of_plan("rmkit results", Store(project.store), jobs)
    if options.stage not in stored.gathered:
        how_far = "`rmkit status` says how far it is"
        raise ResultError(f"{options.stage}: no finished job of study {study.name} has rows; {how_far}")
    table = stored.rows(options.stage).assign(study=study.name)
    out: Path | None = options.out
    if out is None:
        print(table.drop(columns=["job", "stage", "study"]).to_string(index=False, max_rows=options.rows))
        return 0
    writers = {".csv": lambda: table.to_csv(out, index=False), ".parquet": lambda: table.to_parquet(out, index=False)}
    writer = writers[one_of(out.suffix, list(writers), f"--out {out}: its ending")]
    with disk_faults(out):
        writer()
    print(f"{out}: {len(table)} rows")
    return 0


def report(options: argparse.Namespace) -> int:
    """Figures and HTML again, from stored rows."""
    project, study, jobs = _planned(options)
    _write_report(project, study, jobs, Store(project.store), anew=True)
    return 0


def gallery(options: argparse.Namespace) -> int:
    """Executed notebooks as pages to read, with an index, which the report links."""
    project, study, jobs = _planned(options)
    store = Store(project.store)
    from rmkit.report.gallery import write_gallery

    with disk_faults(store.root):
        index = write_gallery(study, jobs, store, project, every=options.all)
    print(f"notebooks: {index}")
    _write_report(project, study, jobs, store, anew=False)
    return 0


def why(options: argparse.Namespace) -> int:
    """Which ingredient of a job's key differs from the nearest finished job."""
    project, study, jobs = _planned(options)
    one_of(options.stage, list(study.stages), f"rmkit why with {study.where}")
    from rmkit.study.monitoring.dry_run import explain

    store = Store(project.store)
    unfinished = [job for job in jobs if job.stage == options.stage and not store.done(job)]
    if not unfinished:
        print(f"{options.stage}: every job is finished")
    for job in unfinished:
        print(f"{job}:")
        for line in explain(store, job):
            print(f"  {line}")
    return 0


def gc(options: argparse.Namespace) -> int:
    """List, and remove, what no study under params/ refers to any more."""
    project = find_project()
    from rmkit.study.housekeeping.garbage import clean

    ask = (lambda _: True) if options.yes else _yes if sys.stdin.isatty() else None
    store = Store(project.store)
    for line in clean(project, store, older_than=options.older_than, dry_run=options.dry_run, ask=ask):
        print(line)
    return 0


def data(options: argparse.Namespace) -> int:
    """Download the texts behind stored preferences, or compute what is stored from them again."""
    from rmkit.worlds.human_preferences import texts

    root = find_project().root
    folder, source = root / "data" / options.name, options.source or root / texts.DOWNLOADED
    if options.source is None:
        print(texts.download(source, url=options.url or texts.URL))
    if options.encoder is None:
        return 0
    from rmkit.machine.hardware import limit_threads
    from rmkit.worlds.human_preferences.computed_features import make_stored

    limit_threads(1)  # as the jobs that compute them anew: sums are added in one order
    print(f"{options.encoder}: reads every response after its prompt, a few minutes", flush=True)
    with disk_faults(folder):
        print(make_stored(source, options.encoder, options.out or folder))
    return 0


def _yes(question: str) -> bool:
    """Whether whoever sits at the terminal says yes."""
    try:
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False


def _planned(options: argparse.Namespace) -> tuple[Project, Study, list[PlannedJob]]:
    project = find_project()
    if (project.root / "rmkit").is_dir() and project.root / "rmkit" != project.package:
        print(f"warning: rmkit runs from {project.package}, not from this project's own rmkit/", file=sys.stderr)
    path = study_path(project, _asked(options) or os.environ.get("RMKIT_STUDY") or "tiny")
    study = overridden(load_study(path, project.shown(path)), options.set)
    return project, study, make_plan(project, study)


def _living_run(options: argparse.Namespace) -> "Run | None":
    """The newest run of the study that is going on; of any study if none is named."""
    from rmkit.study.monitoring.run_record import living

    project = find_project()
    named = _asked(options) or os.environ.get("RMKIT_STUDY")
    found = living(Store(project.store), study_path(project, named).stem if named else None)
    return found[0] if found else None


def _forecast(study: Study, jobs: list[PlannedJob], store: Store, options: argparse.Namespace) -> int:
    """What the run would do and cost, instead of doing it."""
    from rmkit.study.monitoring.dry_run import forecast

    for line in forecast(study.name, jobs, store, threads=_engine(options).threads):
        print(line)
    return 0


def _engine(options: argparse.Namespace) -> "Local":
    """The engine that the options describe."""
    from rmkit.study.engines.limits import Limits
    from rmkit.study.engines.local import Local
    from rmkit.study.planning import quantities

    limits = Limits(
        seconds=quantities.seconds(options.time_limit, "--time-limit") if options.time_limit else None,
        memory_bytes=quantities.size(options.memory_limit, "--memory-limit") if options.memory_limit else None,
    )
    threads = {"threads": options.workers} if options.workers else {}
    fork = {"fork": False} if options.fresh_kernels else {}
    return Local(limits=limits, fail_fast=options.fail_fast, **threads, **fork)


def _asked(options: argparse.Namespace) -> str | None:
    return getattr(options, "study_option", None) or options.study


def _selected(
    project: Project, study: Study, jobs: list[PlannedJob], store: Store, options: argparse.Namespace
) -> list[PlannedJob]:
    """The jobs that the options ask for, and those that they need; none if --retry-failed finds nothing that failed."""
    asked = selected(project, jobs, only=options.only, until=options.until, select=options.select, plan_ids=options.job)
    return failed_last_time(store, study, asked) if options.retry_failed else asked


def _write_report(project: Project, study: Study, jobs: list[PlannedJob], store: Store, *, anew: bool) -> None:
    from rmkit.report.freshness import fresh_report, report_path
    from rmkit.study.monitoring.terminal import say

    path = report_path(store, study)
    if anew or not fresh_report(store, study, jobs, project):
        from rmkit.report.page import write_report

        with disk_faults(path):
            write_report(path, study, jobs, store, project)
    say(f"report: {path}")


def _say(error: object, code: int) -> int:
    sys.stdout.flush()
    print(error, file=sys.stderr)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="rmkit", description="A notebook-first research bench for reward models.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, function: object, *, positional: str = "study") -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=(function.__doc__ or "").split("\n")[0], description=function.__doc__)
        if positional == "stage":
            added.add_argument("stage", help="a stage's name, as 04_reward_models")
            added.add_argument("study", nargs="?", help="the study, by file or name (default: RMKIT_STUDY, else tiny)")
            added.add_argument("--study", dest="study_option", help=argparse.SUPPRESS)
        else:
            added.add_argument("study", nargs="?", help="the study, by file or name (default: RMKIT_STUDY, else tiny)")
        added.add_argument(
            "--set", action="append", default=[], metavar="KEY=VALUE", help="set a parameter in every stage"
        )
        added.set_defaults(command=function)
        return added

    runs = command("run", run)
    runs.add_argument("--only", metavar="STAGE", help="only this stage's jobs, and what they need")
    runs.add_argument("--until", metavar="STAGE", help="no stage after this one")
    runs.add_argument(
        "--select", action="append", default=[], metavar="KEY=VALUE", help="only jobs with this parameter"
    )
    runs.add_argument("--workers", type=_positive, metavar="N", help="processor threads to share (default: all cores)")
    runs.add_argument("--fail-fast", action="store_true", help="start no more jobs once one has failed")
    runs.add_argument("--time-limit", metavar="30m", help="end a job that runs longer (s, m, h; default: none)")
    runs.add_argument(
        "--memory-limit", metavar="4GB", help="end a job that uses more (MB, GB; default: 80%% of the machine's)"
    )
    runs.add_argument(
        "--fresh-kernels", action="store_true", help="start every kernel anew instead of forking it with its imports"
    )
    runs.add_argument("--dry-run", action="store_true", help="say what would run and what it would cost; run nothing")
    runs.add_argument(
        "--retry-failed", action="store_true", help="only jobs that failed last time, what they need and held up"
    )
    runs.add_argument("--no-report", action="store_true", help="write no report at the end")
    runs.add_argument("--job", action="append", default=[], metavar="PLAN_ID", help="only this job, and what it needs")
    command("check", check)
    state = command("status", status)
    state.add_argument("--watch", action="store_true", help="follow the run that is going on, until it ends")
    table = command("results", results, positional="stage")
    table.add_argument("--out", type=Path, metavar="FILE", help="a .csv or .parquet file instead of the screen")
    table.add_argument("--rows", type=_positive, default=60, help="how many rows to show on the screen")
    command("report", report)
    pages = command("gallery", gallery)
    pages.add_argument("--all", action="store_true", help="all finished jobs (default: one seed of each setting)")
    command("why", why, positional="stage")
    collect = commands.add_parser("gc", help=(gc.__doc__ or ""), description=gc.__doc__)
    collect.add_argument("--dry-run", action="store_true", help="list what would be removed; remove nothing")
    collect.add_argument("--yes", action="store_true", help="remove without asking")
    collect.add_argument(
        "--older-than", type=_days, default=7, metavar="DAYS", help="of drafts and damaged jobs only these (default: 7)"
    )
    collect.set_defaults(command=gc)
    texts = commands.add_parser("data", help=(data.__doc__ or ""), description=data.__doc__)
    texts.add_argument("name", choices=["hh-rlhf"], help="which preferences: a folder of data/")
    texts.add_argument("--url", metavar="URL", help="another place of the same file (default: the hub of Hugging Face)")
    texts.add_argument(
        "--encoder", metavar="FOLDER", help="compute features and lengths with all-MiniLM-L6-v2 from here"
    )
    texts.add_argument("--source", type=Path, metavar="FILE", help="the texts, if they are here already")
    texts.add_argument("--out", type=Path, metavar="FOLDER", help="where what is computed goes (default: data/hh-rlhf)")
    texts.set_defaults(command=data)
    return parser


def _days(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of days")
    return int(text)


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
