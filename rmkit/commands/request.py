"""What a command line asks about: the project, the study and its plan, and the run that is going on.

Knows the options' names; runs nothing.
"""

import argparse
import os

from rmkit.characters import in_one_line
from rmkit.study.monitoring.output import say
from rmkit.study.monitoring.run_record import Run, living
from rmkit.study.planning.plan import make_plan
from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.planning.project import Project, find_project, study_path
from rmkit.study.planning.study_file import Study, load_study, overridden, replaced_in_blocks
from rmkit.study.store.store import Store


def planned(options: argparse.Namespace) -> tuple[Project, Study, list[PlannedJob]]:
    project = find_project()
    if (project.root / "rmkit").is_dir() and project.root / "rmkit" != project.package:
        say(f"warning: rmkit runs from {project.package}, not from this project's own rmkit/", error=True)
    named = named_study(options)
    path = study_path(project, (os.environ.get("RMKIT_STUDY") or "tiny") if named is None else named)
    as_written = load_study(path, project.shown(path))
    study = overridden(as_written, options.set)
    jobs = make_plan(project, study)
    for note in replaced_in_blocks(as_written, options.set):  # of a study that can be planned: a fault is one line
        say(f"note: {note}", error=True)
    return project, study, jobs


def living_run(options: argparse.Namespace) -> Run | None:
    """The newest run of the study that is going on; of any study if none is named."""
    project = find_project()
    named = named_study(options)
    named = os.environ.get("RMKIT_STUDY") or None if named is None else named
    found = living(Store(project.store), None if named is None else study_path(project, named).stem)
    return found[0] if found else None


def named_study(options: argparse.Namespace) -> str | None:
    option: str | None = getattr(options, "study_option", None)
    return options.study if option is None else option


def says_yes(question: str) -> bool:
    """Whether whoever sits at the terminal says yes."""
    try:
        return input(f"{in_one_line(question)} [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False
