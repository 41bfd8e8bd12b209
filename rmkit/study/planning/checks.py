"""What `rmkit check` can see beyond the plan: what the data files hold, and whether the stages can work with that.

Calls the checkers and preconditions that the graph names; runs no job.
"""

from pkgutil import resolve_name
from typing import Any

from rmkit.stages.graph import EVALUATIONS, STAGES
from rmkit.study.planning.keys import data_files
from rmkit.study.planning.named_code import check_cells, check_named
from rmkit.study.planning.notebook import read_notebook, tree_of
from rmkit.study.planning.plan import schema_of
from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.planning.project import Project
from rmkit.study.planning.reached_code import texts_in
from rmkit.study.planning.study_file import Study


def check_data(project: Project, study: Study, jobs: list[PlannedJob]) -> list[str]:
    """What the declared data files hold, a line each; DataError or ParamsError if a stage cannot work with that."""
    check_named(jobs, project.package, study.where)
    check_cells(jobs, project)
    found = {}
    for file in dict.fromkeys(file for job in jobs for file in data_files(job)):
        found[file] = resolve_name(file.checker)(project.root / file.given, file.given, **dict(file.options))
    for job in jobs:
        counts: dict[str, int] = {}
        for file in (file for each in (*job.upstream(), job) for file in data_files(each)):
            counts |= found[file][1]
        if precondition := STAGES[job.stage].precondition:
            resolve_name(precondition)(job.known_parameters(), counts, f"{study.where}: {job.stage}")
        if asks := STAGES[job.stage].asks:
            for asked in data_files(job):
                resolve_name(asks)(project.root / asked.given, asked.given, *said_in_notebooks(project))
    return [line for line, _ in found.values()]


def said_in_notebooks(project: Project) -> tuple[dict[str, dict[str, tuple[Any, ...]]], dict[str, frozenset[str]]]:
    """By stage that statements may be about: parameters with the values that each may have, none if any; its texts."""
    asked = {name for other in STAGES.values() if other.asks for name in other.gathers}
    choices, texts = {}, {}
    for stage, about in STAGES.items():
        if EVALUATIONS in about.outputs or stage in asked:
            kinds = {name: parameter.kind for name, parameter in schema_of(project, stage).items()}
            choices[stage] = {name: (kind.of or kind).choices for name, kind in kinds.items()}
            notebook = read_notebook(project.notebook(stage))
            texts[stage] = frozenset(text for cell in notebook.cells for text in texts_in(tree_of(notebook, cell)))
    return choices, texts
