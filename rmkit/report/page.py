"""The report of a study: one self-contained HTML page from what is stored, for a reader who was not there.

Gathers findings, tallies, parameters, costs and environments of the finished jobs. Every number in it is computed from
the store at the moment of writing.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rmkit.report.answers import answers_and_rest
from rmkit.report.bank_notices import bank_notices
from rmkit.report.claims import claim_sections
from rmkit.report.decision import decision_sections
from rmkit.report.exhibits.chain import FIGURES
from rmkit.report.findings import finding_sections, stored_findings
from rmkit.report.freshness import gallery_digest, gallery_folder, gallery_on_disk, report_digest
from rmkit.report.glossary import Glossary, anchor, anchors
from rmkit.report.grammar_world import one_world, world_notices, world_sections
from rmkit.report.human_preferences import learning_sections
from rmkit.report.parts import VERDICTS, Section, Verdict, as_svg
from rmkit.report.templates import rendered
from rmkit.stages.graph import STAGES
from rmkit.study.monitoring.words import counted
from rmkit.study.notebook_side.gathered import Gathered, costs, tallies
from rmkit.study.planning.keys import canonical
from rmkit.study.planning.notebook import SEEDS
from rmkit.study.planning.plan import schema_of
from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.planning.project import Project
from rmkit.study.planning.study_file import Study
from rmkit.study.store.disk import write_text
from rmkit.study.store.store import Store

LONGEST = 12  # texts of a parameter that are listed
OWN_PLACES = ("In short", "Contents", "Terms", "What went in", "Parameters", "Time and memory", "Environment")


def write_report(path: Path, study: Study, jobs: list[PlannedJob], store: Store, project: Project) -> None:
    """Write the study's report; its figures are also left beside it as PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    finished, results = store.finished_jobs(jobs), Gathered.of_plan("report", store, jobs)
    findings = stored_findings(results)
    chain, learning = chain_sections(results, path), learning_sections(results, path)
    shown = [*decision_sections(results, path), *chain, *learning, *world_sections(results, path)]
    answers, shown = answers_and_rest(findings[findings["in_study"]] if len(findings) else findings, shown)
    sections = [*finding_sections(findings), *claim_sections(findings), *shown]
    ids = anchors([*OWN_PLACES, *(answer.heading for answer in answers), *(section.heading for section in sections)])
    page = rendered(
        "page.html.j2",
        study=study,
        digest=report_digest(store, study, jobs, project),
        planned=len({job.plan_id for job in jobs}),
        finished=len(finished),
        gallery=gallery_folder(store, study).name if gallery_on_disk(store, study) else "",
        gallery_is_old=gallery_on_disk(store, study) != gallery_digest(store, finished),
        notices=[*bank_notices(store, finished), *world_notices(results), *(one_world(results) if answers else ())],
        answers=answers,
        waiting=findings.empty and any(job.stage == "07_figures" for job in jobs),
        told={one.verdict.name for answer in answers for one in answer.sentences},
        verdicts=[(Verdict(name), meaning) for name, (_, meaning) in VERDICTS.items()],
        sections=list(zip(ids[-len(sections) :], sections, strict=True)) if sections else [],
        glossary=Glossary(),
        anchor=anchor,
        tallies=list(tally_rows(store, finished)),
        parameters=parameter_rows(project, jobs),
        environments=environments(store, finished),
        jobs=jobs_folder(store, project),
        **cost_rows(store, finished),
    )
    write_text(path, page)


def jobs_folder(store: Store, project: Project) -> str:
    """Where finished jobs lie, as one types it in the project's root; whole where the store is elsewhere."""
    folder = store.folder("key").parent.absolute()
    root = project.root.absolute()
    return (folder.relative_to(root) if folder.is_relative_to(root) else folder).as_posix()


def chain_sections(results: Gathered, path: Path) -> Iterator[Section]:
    """A section for each figure of the chain from labels to policies; the figure also beside `path` as PNG."""
    for name, draw in FIGURES.items():
        for drawn in draw(results):
            drawn.figure.savefig(path.with_name(f"{path.stem}-{drawn.name}.png"))
            yield Section(
                drawn.heading,
                figure=as_svg(drawn.figure),
                caption=drawn.caption,
                tables=drawn.tables,
                exhibit=name,
            )


def tally_rows(store: Store, finished: Mapping[str, PlannedJob]) -> Iterator[dict[str, Any]]:
    """What each stage counted; jobs of one stage that counted alike are one row."""
    seen = set()
    for key, job in finished.items():
        for tally in tallies(store.folder(key)):
            if (row := (job.stage, json.dumps(tally))) not in seen:
                seen.add(row)
                dropped = ", ".join(f"{count:,} {reason}" for reason, count in tally["dropped"].items()) or "none"
                said = "; ".join([dropped, *map(str, tally.get("told", ()))])
                counts = {"came_in": tally["in"], "went_out": tally["out"], "dropped": said}
                yield {"stage": job.stage, "what": tally["what"], **counts}


def parameter_rows(project: Project, jobs: list[PlannedJob]) -> dict[str, list[tuple[str, str, str]]]:
    """What each stage was given, in each world that it has jobs of: name, value or values, and what the notebook says.

    Parameters that do not count in a world, and so keep their default there, are left out.
    """
    found = {}
    groups: dict[tuple[str, str | None], list[PlannedJob]] = {}
    for job in jobs:
        groups.setdefault((job.stage, job.parameters.get("world")), []).append(job)
    several = {stage for stage, _ in groups if sum(other == stage for other, _ in groups) > 1}
    for (stage, world), here in groups.items():
        schema, counts = schema_of(project, stage), STAGES[stage].counts
        used = [name for name in here[0].parameters if any(counts(name, job.parameters) for job in here)]
        values = {name: values_of(name, here, used) for name in used}
        heading = f"{stage}, world = {world}" if stage in several else stage
        comments = {name: re.sub(r"\bNone\b", "null", schema[name].comment) for name in used}  # as values are written
        found[heading] = [(name, value, comments[name]) for name, value in values.items()]
    return found


def values_of(name: str, jobs: Sequence[PlannedJob], used: Sequence[str]) -> str:
    """The values of a parameter in jobs, each once; of a seed by what else varies, where that has other seeds.

    A long list of texts is counted: the study's file has it.
    """
    value = jobs[0].parameters[name]
    if isinstance(value, list) and len(value) > LONGEST and all(isinstance(item, str) for item in value):
        return f"{len(value)} texts, in the study's file"
    by_others: dict[tuple[str, ...], list[str]] = {}
    varied = [other for other in used if len({canonical(job.parameters[other]) for job in jobs}) > 1]
    others = [other for other in varied if other not in SEEDS] if name in SEEDS else []
    for job in jobs:
        by_others.setdefault(tuple(canonical(job.parameters[other]) for other in others), []).append(
            canonical(job.parameters[name])
        )
    listed = {", ".join(dict.fromkeys(found)): key for key, found in by_others.items()}
    if len(listed) < 2:
        return ", ".join(listed)
    return "; ".join(f"{values} with {', '.join(by)}" for values, by in listed.items())


def cost_rows(store: Store, finished: Mapping[str, PlannedJob]) -> dict[str, Any]:
    """Seconds and memory by job and by stage, and how long any job ran."""
    rows, spans = [], []
    by_stage: dict[str, list[float]] = {}
    for key, job in finished.items():
        cost = costs(store.folder(key))
        by_stage.setdefault(job.stage, []).append(cost["seconds"])
        size = cost["peak_memory_bytes"] / 2**20
        manifest = store.manifest(key)
        spans.append((manifest["started"], manifest["started"] + manifest["seconds"]))
        rows.append({"title": str(job), "seconds": cost["seconds"], "mebibytes": size, "key": key})
    stages = [
        {"stage": stage, "jobs": len(seconds), "seconds": sum(seconds), "longest": max(seconds)}
        for stage, seconds in by_stage.items()
    ]
    return {"costs": rows, "stage_costs": stages, "job_seconds": sum(map(sum, by_stage.values())), "busy": busy(spans)}


def busy(spans: Sequence[tuple[float, float]]) -> float:
    """Seconds during which at least one job ran. spans: start and end of each."""
    total, until = 0.0, float("-inf")
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, until))
        until = max(until, end)
    return total


def environments(store: Store, finished: Mapping[str, PlannedJob]) -> list[str]:
    """The machines and versions that made the results, each once."""
    texts = []
    for key in finished:
        found = store.manifest(key)["environment"]
        packages = ", ".join(f"{name} {version}" for name, version in found.get("packages", {}).items())
        said = {name: found.get(name, "?") for name in ("processor", "cores", "system", "python")}
        machine = "{processor}, {cores} cores, {system}; Python {python}".format(**said)
        threads = found.get("threads")
        texts.append(f"{machine}; {packages}; {counted(threads if isinstance(threads, int) else 0, 'thread')} a job.")
    return list(dict.fromkeys(texts))
