"""The results that README, docs and notebooks quote: taken from stored rows, kept in the repository, filled into texts.

`python -m rmkit.report.quoted params/tiny.yaml` does all three for one study, and copies the figures of its report that
texts show. `docs/results/<study>.json` holds what the texts quote and no more, so that a test can compare them where no
store is. How a text quotes is said in markers.py. `docs/log` is left alone: its numbers are of their day.
"""

import json
import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from rmkit.errors import DataError, ParamsError, ResultError, RmkitError, one_of
from rmkit.evaluation.parts_of_populations import AMONG
from rmkit.files.regular import json_value, read_json, read_text, why_unreadable
from rmkit.findings.recorded import of_no_part
from rmkit.report.exhibits.settings import Results
from rmkit.report.markers import QUANTITIES, Marker, filled, markers
from rmkit.report.page import environments
from rmkit.study.monitoring.words import counted
from rmkit.study.notebook_side.gathered import Gathered
from rmkit.study.planning.plan import make_plan
from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.planning.project import find_project, study_path
from rmkit.study.planning.study_file import load_study
from rmkit.study.store.disk import write_text
from rmkit.study.store.store import Store

FINDINGS, RESULTS, FIGURES = "07_figures", Path("docs", "results"), Path("docs", "figures")
BEFORE = re.compile(r"(.+?)-(seeds|world)-\d.*")  # a file of what a study found on other seeds, or another world
SHOWN = re.compile(rf"\]\((?:docs/)?{FIGURES.name}/([\w.-]+\.png)\)")
KEPT = (
    *("value", "low", "high", "detectable", "verdict", "survives", "unit", "estimand", "no_interval"),
    *("statement", "question", "matters", "by_world"),
)


def texts(root: Path) -> Iterator[Path]:
    """The files that may quote: README, docs and notebooks."""
    yield root / "README.md"
    yield from sorted((root / "docs").glob("*.md"))
    yield from sorted((root / "notebooks").glob("*.ipynb"))


def passages(path: Path, root: Path) -> list[tuple[str, str]]:
    """(name, text) of each passage that may quote: all of a Markdown file, each Markdown cell of a notebook."""
    name = path.relative_to(root).as_posix()
    try:
        text = read_text(path)
        if path.suffix != ".ipynb":
            return [(name, text)]
        cells = enumerate(json_value(text)["cells"], start=1)
        return [
            (f"{name}:cell {number}", "".join(cell["source"]))
            for number, cell in cells
            if cell["cell_type"] == "markdown"
        ]
    except OSError as fault:
        raise DataError(f"{name}: {why_unreadable(fault)}; take it back from the repository") from None
    except (ValueError, LookupError, TypeError):
        kind = "notebook" if path.suffix == ".ipynb" else "text in UTF-8"
        raise DataError(f"{name}: is no {kind}; take it back from the repository") from None


def replaced(path: Path, new: Sequence[str]) -> str:
    """The file's text with these passages in place of its own; everything else stays to the byte."""
    if path.suffix != ".ipynb":
        return new[0]
    notebook = json.loads(path.read_text(encoding="utf-8"))
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "markdown"]
    for cell, text in zip(cells, new, strict=True):
        cell["source"] = text.splitlines(keepends=True)
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def kept(root: Path) -> dict[str, Any]:
    """By study, the results that texts quote; under "earlier" the findings that it had before, if any.

    Those are of other seeds or of another world, as the file's name says: "earlier_on".
    """
    read = {path.stem: results_in(path, root) for path in (root / RESULTS).glob("*.json")}
    before = {name: found for name in sorted(read) if (found := BEFORE.fullmatch(name))}
    now = [name for name in read if name not in before]
    for name, found in before.items():
        one_of(found[1], now, f"{RESULTS / name}.json: whose {found[2]}", DataError)
    studies = {name: {**results, "earlier": {}} for name, results in read.items() if name in now}
    for name, found in before.items():
        studies[found[1]]["earlier"] |= read[name]["findings"]
        studies[found[1]]["earlier_on"] = found[2]
    return studies


def results_in(path: Path, root: Path) -> dict[str, Any]:
    """What a file of results holds; DataError for one that no study has written."""
    try:
        read = read_json(path)
    except (OSError, ValueError):
        read = None
    parts = ("findings",) if BEFORE.fullmatch(path.stem) else ("findings", "rows")
    if not isinstance(read, dict) or not all(isinstance(read.get(part), dict) for part in parts):
        raise DataError(f"{path.relative_to(root)}: holds no results; delete it, and quote its study again")
    return read


def all_markers(root: Path) -> list[Marker]:
    """The markers of all texts, or the DataError that `markers` raises."""
    return [marker for path in texts(root) for where, text in passages(path, root) for marker in markers(text, where)]


def measured(found: Sequence[Marker], results: Results) -> dict[str, Any]:
    """What markers quote, from rows: "findings" has the row of every statement, "rows" each selection's quantities.

    DataError, with the marker's place, for a selection that no rows answer.
    """
    judged = results.rows(FINDINGS)
    judged = judged[judged["metric"] == "effect"].set_index("fit")
    rows: dict[str, dict[str, float]] = {}
    for marker in found:
        if marker.kind == "rows":
            rows.setdefault(marker.subject, {}).update(quantities(marker, results))
    findings = {name: {key: plain(row[key]) for key in KEPT} for name, row in judged.to_dict("index").items()}
    return {"findings": findings, "rows": dict(sorted(rows.items()))}


def plain(value: Any) -> Any:
    """A number or text as JSON has it: none for a missing number."""
    return None if isinstance(value, float) and pd.isna(value) else value


def quantities(marker: Marker, results: Results) -> dict[str, float]:
    """What a marker asks of its rows: a number for each of the quantities behind its form."""
    rows = selected(marker, results)
    if marker.form[0] == "mean":
        require_seeds(rows, marker)
    reduced = {
        "mean": rows["value"].mean,
        "least": rows["value"].min,
        "most": rows["value"].max,
        "rows": lambda: len(rows),
        "jobs": rows["job"].nunique,
    }
    return {name: reduced[name]() for name in QUANTITIES[marker.form[0]]}


def require_seeds(rows: pd.DataFrame, marker: Marker) -> None:
    """DataError unless there is one row a job, and jobs differ in their seed alone: a mean is over seeds."""
    parameters = [name for name in rows if name.startswith("param_") and name != "param_seed"]
    varied = [name.removeprefix("param_") for name in parameters if rows[name].astype(str).nunique() > 1]
    if varied or rows["job"].duplicated().any():
        several = f"jobs that differ in {', '.join(varied)}" if varied else "more than one row a job"
        raise DataError(f"{marker.where}: a mean is over seeds, and this selects {several}")


def selected(marker: Marker, results: Results) -> pd.DataFrame:
    """The rows that a marker's subject selects, all with a value; DataError if there are none, or one has no value.

    Rows of a part of the reward models are selected by `among=heads`, say, and not without.
    """
    stage, metric, *terms = marker.subject.split()
    one_of(stage, results.gathered, marker.where, DataError)
    rows = every = results.rows(stage)
    rows = rows[rows["metric"] == one_of(metric, sorted(rows["metric"].unique()), marker.where, DataError)]
    if not any(term.startswith(f"{AMONG}=") for term in terms):
        rows = rows[of_no_part(rows)]
    for term in terms:
        column, equals, wanted = term.partition("=")
        if equals and column in set(every["metric"]):  # fits are told by another metric of theirs
            told = every[(every["metric"] == column) & among(every["value"], wanted, marker)]
            rows = rows[
                pd.MultiIndex.from_frame(rows[["job", "fit"]]).isin(list(zip(told["job"], told["fit"], strict=True)))
            ]
        else:
            name = column if column in rows else f"param_{column}"
            one_of(name, [*rows], f"{marker.where}: {term}", DataError)
            rows = rows[among(rows[name], wanted, marker)]
    if rows.empty:
        raise DataError(f"{marker.where}: no rows are like that")
    if len(missing := rows[rows["value"].isna()]):
        raise DataError(
            f"{marker.where}: {len(missing)} of {len(rows)} rows have no value: {missing['reason'].iloc[0]}"
        )
    return rows


def among(column: pd.Series, wanted: str, marker: Marker) -> pd.Series:
    """Where a column is `a`, is `a` or `b` of `a,b`, or lies in `a..b`."""
    numeric = pd.api.types.is_numeric_dtype(column)
    try:
        if ".." in wanted and not numeric:
            raise DataError(f"{marker.where}: {wanted!r} is a range, and this column has texts; write a or a,b")
        if ".." in wanted:
            low, high = map(float, wanted.split(".."))
            return column.between(low, high)
        return column.isin([float(one) if numeric else one for one in wanted.split(",")])
    except ValueError:
        raise DataError(f"{marker.where}: {wanted!r} is not a number, as this column has") from None


def fill(root: Path, by_study: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Fill all texts in from each study's results; the names of those changed, and a fault for each marker left."""
    changed: list[str] = []
    faults: list[str] = []
    for path in texts(root):
        named = passages(path, root)
        new = [filled(text, where, by_study, faults) for where, text in named]
        if new != [text for _, text in named]:
            write_text(path, replaced(path, new))
            changed.append(path.relative_to(root).as_posix())
    return changed, faults


def main(name: str) -> str:
    """Quote a finished study's results, and say what changed; ResultError for an unfinished one, or for faults."""
    project = find_project()
    path = study_path(project, name)
    study = load_study(path, project.shown(path))
    jobs, store = make_plan(project, study), Store(project.store)
    finished, planned = store.finished_jobs(jobs), len({job.plan_id for job in jobs})
    if len(finished) < planned:
        raise ResultError(
            f"{study.name}: {len(finished)} of {planned} jobs are finished; `rmkit run {name}` comes first"
        )
    statements = folder_of_statements(jobs, study.name)
    made = {"study": project.shown(path), "machine": environments(store, finished), "statements": statements}
    asked = [marker for marker in all_markers(project.root) if marker.study == study.name]
    results = made | measured(asked, Gathered.of_plan("quoted", store, jobs))
    copied = copy_figures(project.root, project.store / "reports", study.name)
    at = project.root / RESULTS / f"{study.name}.json"
    at.parent.mkdir(parents=True, exist_ok=True)
    write_text(at, json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    changed, faults = fill(project.root, kept(project.root))
    if faults:
        raise ResultError("\n".join(faults))
    figures = f"; {counted(len(copied), 'figure')} copied" if copied else ""
    return f"{project.shown(at)} has what the texts quote; {', '.join(changed) or 'no text'} changed{figures}"


def folder_of_statements(jobs: Sequence[PlannedJob], study: str) -> str:
    """Where the statements are that a study judges; ResultError for a study that judges none."""
    for job in jobs:
        if job.stage == FINDINGS:
            return str(job.parameters["findings_folder"])
    raise ResultError(f"{study}: has no stage {FINDINGS}, which judges the statements; add it")


def copy_figures(root: Path, reports: Path, study: str) -> list[str]:
    """Copy the figures of a study's report that texts show; their names. ResultError for one that is not in it."""
    shown = [found for path in texts(root) for found in SHOWN.findall(path.read_text(encoding="utf-8"))]
    names = sorted({name for name in shown if name.startswith(f"{study}-")})
    for name in names:
        if not (reports / name).is_file():
            raise ResultError(f"{reports / name} is not there, and a text shows it; `rmkit report {study}` draws it")
    (root / FIGURES).mkdir(parents=True, exist_ok=True)
    for name in names:
        shutil.copy(reports / name, root / FIGURES / name)
    return names


if __name__ == "__main__":
    try:
        if len(sys.argv) > 2:
            raise ParamsError(f"{len(sys.argv) - 1} names are given; name one study, as in `{sys.argv[1]}`")
        print(main(*sys.argv[1:] or ["tiny"]))
    except RmkitError as error:
        sys.exit(str(error))
