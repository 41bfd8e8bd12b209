"""What a job's key is made of.

A job's *key* is the hash of all that can change its result, upstream artifacts by content; it exists once they do. Its
*plan id* is the same hash with upstream plan ids in their place; it exists at once. Reads notebooks, rmkit's source and
data files; runs nothing.
"""

import ast
import errno
import json
import os
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from rmkit.errors import DataError, cut
from rmkit.files.digests import data_digest, files_below
from rmkit.files.regular import MOST_BYTES, require_no_address, require_regular
from rmkit.stages.graph import ARTIFACTS, EVALUATIONS, STAGES, DataFile, holds
from rmkit.study.planning import reached_code
from rmkit.study.planning.notebook import Notebook, read_notebook, result_trees
from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.planning.project import Project
from rmkit.study.planning.tree_digest import text_digest, tree_digest

FORMAT = 1  # of keys and manifests
Codes = dict[tuple[str, frozenset[str], tuple[str, ...]], dict[str, Any]]  # by stage, texts and formats
ALWAYS_REACHED = ["rmkit.seeding:generator"]  # reached through job.rng, which no import shows


def canonical(value: Any) -> str:
    """The one JSON text of a value: keys sorted, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def ingredients(job: PlannedJob, content: Mapping[str, str]) -> dict[str, Any]:
    """All that goes into a job's key.

    content: the digest (or plan id) of each input, by artifact, and of each gathered job's results, by its plan id.
    """
    gathered = [
        {"stage": other.stage, "parameters": dict(other.parameters), "results": content[other.plan_id]}
        for other in job.gathered
    ]
    return {
        "format": FORMAT,
        "stage": job.stage,
        "parameters": dict(job.parameters),
        "inputs": {name: content[name] for name in job.inputs},
        **({"gathered": gathered} if gathered else {}),
        **job.code,
    }


def name_of(parts: Mapping[str, Any]) -> str:
    """The key (or plan id) that these ingredients make: the stage's name and 16 hexadecimal digits."""
    return f"{parts['stage']}-{text_digest(canonical(parts))[:16]}"


def named_above(job: PlannedJob) -> list[str]:
    """The texts among the parameters of the jobs that a job needs: a head may be named there and loaded here."""
    return sorted({text for upstream in job.upstream() for text in _texts(upstream.parameters)})


def code_of(
    project: Project,
    stage: str,
    parameters: Mapping[str, Any],
    named_above: list[str],
    codes: Codes | None = None,
) -> dict[str, Any]:
    """The code and data part of a job's key. named_above: texts among the parameters of the jobs that it needs.

    codes: cells and modules by what chooses them, for jobs that are planned at once: seeds and sizes choose none.
    """
    spec = STAGES[stage]
    read = {EVALUATIONS for gathered in spec.all_gathered if EVALUATIONS in STAGES[gathered].outputs}
    taken = [spec.artifact(name, parameters) for name in spec.sources(parameters)]
    formats = list(dict.fromkeys(ARTIFACTS[name] for name in (*spec.saved(parameters), *taken, *read)))
    files = {
        parameters[file.parameter]: file_digest(project, stage, file, parameters[file.parameter])
        for file in spec.data
        if holds(file.when, parameters) and not _names_nothing(project, file, parameters[file.parameter])
    }
    chosen_by = (stage, frozenset([*_texts(parameters), *named_above]), tuple(formats))
    codes = {} if codes is None else codes
    if chosen_by not in codes:
        notebook = read_notebook(project.notebook(stage), project.shown(project.notebook(stage)))
        trees, digests = _code_of_cells(notebook)
        modules = reached_code.reached(trees, chosen_by[1], formats + ALWAYS_REACHED, project.package)
        codes[chosen_by] = {"notebook": list(digests), "modules": modules}
    return {**codes[chosen_by], "data": files, "streams": list(spec.streams)}


@lru_cache(maxsize=64)
def _code_of_cells(notebook: Notebook) -> tuple[tuple[ast.Module, ...], tuple[str, ...]]:
    """The trees of a notebook's result cells and their digests: the same for all jobs of a stage."""
    trees = tuple(result_trees(notebook))
    return trees, tuple(map(tree_digest, trees))


class GivenFile(NamedTuple):
    """A data file or folder as parameters name it, and what is called to check it, with which options."""

    given: str
    checker: str
    options: tuple[tuple[str, Any], ...] = ()


def data_files(job: PlannedJob) -> Iterator[GivenFile]:
    """Each data file or folder that a job's key counts."""
    for file in STAGES[job.stage].data:
        if holds(file.when, job.parameters) and job.parameters[file.parameter] in job.code["data"]:
            options = tuple((name, job.parameters[name]) for name in file.options if name in job.parameters)
            yield GivenFile(job.parameters[file.parameter], file.checker, options)


def file_digest(project: Project, stage: str, file: DataFile, given: str) -> str:
    """SHA-256 of a declared data file or folder, or a DataError that says which parameter named it."""
    if not given:  # it would name the project itself
        raise DataError(f"{stage}: `{file.parameter}` is empty; name a file or a folder")
    require_no_address(given)
    path = project.root / given
    try:
        if file.read_whole:
            _require_readable_whole(path)
        return data_digest(path)
    except OSError as error:
        place = Path(str(error.filename))
        inside = f"/{place.relative_to(path)}" if place.is_relative_to(path) and place != path else ""
        asked = f"{stage} takes it as `{file.parameter}`, looked for at {cut(str(path))}"
        raise DataError(f"{cut(given)}{cut(inside)}: {error.strerror}; {asked}") from None


def _require_readable_whole(path: Path) -> None:
    """OSError for a file, or a folder with one, that is larger than what is ever read whole, before it is digested."""
    for each in map(path.joinpath, files_below(path)) if path.is_dir() else [path]:
        if require_regular(each).st_size > MOST_BYTES:
            raise OSError(errno.EFBIG, f"holds more than {MOST_BYTES / 2**20:g} MB", str(each))


def _names_nothing(project: Project, file: DataFile, given: str | None) -> bool:
    """Whether a value is none, or may also name something else, as a hub's model, and names nothing of the project."""
    return given is None or (file.if_present and not (given and os.path.lexists(project.root / given)))


def _texts(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [text for item in value.values() for text in _texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return [value] if isinstance(value, str) else []
