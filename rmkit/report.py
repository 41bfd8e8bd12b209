"""The report of a study: one self-contained HTML page from stored rows and evaluations, for a reader who was not there.

Reads finished jobs, averages seeds and resamples prompts through learning_curves, draws through figures. Every number in
it is computed from the store at the moment of writing; a sentence's verdict follows from its interval.
"""

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from rmkit.evaluations import Evaluations
from rmkit.figures.learning_curves import learning_curve_figure, look_of
from rmkit.learning_curves import learning_curves, paired_differences
from rmkit.study import collate
from rmkit.study.freshness import report_digest
from rmkit.study.params import Study
from rmkit.study.plan import PlannedJob, canonical, schema_of
from rmkit.study.project import Project
from rmkit.study.store import Store, write_text

METRICS = {
    "accuracy": "accuracy",
    "log_loss": "log-loss (nats)",
    "overconfidence": "overconfidence",
    "brier": "Brier score",
}
BASELINE = "shorter"


@dataclass(frozen=True)
class TableCell:
    """What a table shows in one place: a number, and its interval in small."""

    text: str
    small: str = ""


@dataclass(frozen=True)
class Table:
    """A table with its heading and a sentence on how to read it."""

    heading: str
    note: str
    columns: list[str]
    rows: list[list[TableCell]]


@dataclass(frozen=True)
class Section:
    """One finding: sentences, a figure with its caption, tables."""

    heading: str
    answers: list[str]
    figure: str
    caption: str
    tables: list[Table]


def write_report(path: Path, study: Study, jobs: list[PlannedJob], store: Store, project: Project) -> None:
    """Write the study's report; its figures are also left beside it as PNG."""
    import jinja2

    path.parent.mkdir(parents=True, exist_ok=True)
    finished = list(collate.finished(store, jobs))
    sections = list(learning_sections(store, jobs, path))
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(resources.files("rmkit").joinpath("report.html.j2").read_text(encoding="utf-8"))
    page = template.render(
        study=study,
        digest=report_digest(store, study, jobs, project),
        planned=len({job.plan_id for job in jobs}),
        finished=len(finished),
        sections=sections,
        tallies=list(tally_rows(store, finished)),
        parameters=parameter_rows(project, jobs),
        environments=environments(store, finished),
        **cost_rows(store, finished),
    )
    write_text(path, page)


def learning_sections(store: Store, jobs: list[PlannedJob], path: Path) -> Iterator[Section]:
    """A section for every set of parameters of 04_reward_models, its seeds averaged."""
    groups: dict[str, list[tuple[PlannedJob, Evaluations]]] = {}
    for job, evaluations in collate.evaluations(store, jobs, "04_reward_models"):
        same = {name: value for name, value in job.parameters.items() if name != "seed"}
        groups.setdefault(canonical(same), []).append((job, evaluations))
    for number, group in enumerate(groups.values()):
        seeds = [evaluations for _, evaluations in group]
        curves = learning_curves(seeds)
        differences = [paired_differences(seeds, *names) for names in contrasts(curves)]
        figure = learning_curve_figure(curves.query("metric != 'brier'").assign(level=0.95))
        figure.savefig(path.with_name(f"{path.stem}-learning-curves{number or ''}.png"))
        yield Section(
            heading="What was found" if len(groups) == 1 else f"What was found: {varying(group[0][0], groups)}",
            answers=list(answers(curves, differences)),
            figure=as_svg(figure),
            caption=caption(curves),
            tables=[level_table(curves, ece(store, group)), *(difference_table(table) for table in differences)],
        )


def contrasts(curves: pd.DataFrame) -> list[tuple[str, str]]:
    """Which reward models are held against which: each head against the baseline, and the others against the first."""
    names = list(dict.fromkeys(curves["reward_model"]))
    heads = list(dict.fromkeys(curves[curves["annotations"].notna()]["reward_model"]))
    against_baseline = [(head, BASELINE) for head in heads] if BASELINE in names else []
    return against_baseline + [(other, heads[0]) for other in heads[1:]]


def answers(curves: pd.DataFrame, differences: Sequence[pd.DataFrame]) -> Iterator[str]:
    """The findings in words, each with its interval."""
    accuracy = curves[curves["metric"] == "accuracy"].set_index("fit")
    most = accuracy["annotations"].max()
    for row in accuracy.itertuples():
        given = "" if np.isnan(row.annotations) else f" with {row.annotations:,.0f} annotations"
        if np.isnan(row.annotations) or row.annotations == most:
            yield f"{called(row.reward_model)}{given} orders {percent(row.mean)} of held-out pairs{between(row, percent)}."
    for table in differences:
        accuracy = table[table["metric"] == "accuracy"].sort_values("annotations")
        last = accuracy.iloc[-1]
        first, second = called(last["first"]), called(last["second"])
        says = f"{first} against {second}, with {last['annotations']:,.0f} annotations: {points(last['mean'])}"
        yield f"{says}{between(last, points)}: {verdict(last)}."
        if (beats := accuracy[accuracy["low"] > 0]["annotations"]).size and last["second"] == BASELINE:
            yield f"{first} is ahead of {second} from {beats.min():,.0f} annotations on, as far as the counts tried can tell."
    for row in curves[(curves["metric"] == "overconfidence") & (curves["annotations"] == most)].itertuples():
        word = (
            "claims more than it knows"
            if row.low > 0
            else "claims less than it knows"
            if row.high < 0
            else "is calibrated as far as can be told"
        )
        yield f"{called(row.reward_model)} with {most:,.0f} annotations {word}: stated confidence minus accuracy is {points(row.mean)}{between(row, points)}."


def verdict(row: pd.Series) -> str:
    """What an interval of a difference in accuracy says."""
    if row["low"] > 0:
        return "better"
    if row["high"] < 0:
        return "worse"
    visible = (row["high"] - row["low"]) / 2
    return f"cannot tell; a difference of about {100 * visible:.1f} points or more would have been seen"


def level_table(curves: pd.DataFrame, ece_by_fit: pd.Series) -> Table:
    """Every reward model at every annotation count."""
    rows = []
    for _, fit in curves.groupby("fit", sort=False):
        by_metric = {row.metric: row for row in fit.itertuples()}
        count = fit["annotations"].iloc[0]
        cells = [TableCell(called(fit["reward_model"].iloc[0])), TableCell("–" if np.isnan(count) else f"{count:,.0f}")]
        for metric in METRICS:
            row = by_metric.get(metric)
            cells.append(TableCell(f"{row.mean:.3f}", f"{row.low:.3f} to {row.high:.3f}") if row else TableCell("–"))
        error = ece_by_fit.get(fit["fit"].iloc[0], np.nan)
        rows.append([*cells, TableCell("–" if np.isnan(error) else f"{error:.3f}")])
    note = (
        f"Mean of {curves['seeds'].iloc[0]} seeds; in small the 95% interval ({curves['method'].iloc[0]}; of: "
        f"{curves['estimand'].iloc[0]}). The expected calibration error (10 bins) is a mean over seeds, without an interval: "
        "it is no mean over pairs. A dash: gives an order, not a probability."
    )
    return Table("Levels", note, ["reward model", "annotations", *METRICS.values(), "ECE"], rows)


def difference_table(table: pd.DataFrame) -> Table:
    """One contrast at every annotation count, paired by prompt."""
    first, second = called(table["first"].iloc[0]), called(table["second"].iloc[0])
    metrics = [metric for metric in METRICS if metric in set(table["metric"])]
    rows = []
    for count, rows_of_count in table.groupby("annotations"):
        by_metric = {row.metric: row for row in rows_of_count.itertuples()}
        found = [by_metric[metric] for metric in metrics]
        cells = [TableCell(f"{row.mean:+.3f}", f"{row.low:+.3f} to {row.high:+.3f}") for row in found]
        rows.append([TableCell(f"{count:,.0f}"), *cells])
    note = "Paired: both are scored on the same prompts, and the prompts are resampled together."
    heading = f"{first[0].upper()}{first[1:]} minus {second}"
    return Table(heading, note, ["annotations", *(METRICS[metric] for metric in metrics)], rows)


def ece(store: Store, group: Sequence[tuple[PlannedJob, Evaluations]]) -> pd.Series:
    """The mean over seeds of the expected calibration error, by fit."""
    paths = [store.folder(store.key_of(job) or "") / "rows.parquet" for job, _ in group]
    rows = pd.concat([pd.read_parquet(path, columns=["fit", "metric", "value"]) for path in paths])
    return rows[rows["metric"] == "ece"].groupby("fit")["value"].mean()


def caption(curves: pd.DataFrame) -> str:
    """What the figure shows, read from its table."""
    first = curves.iloc[0]
    return (
        f"Held-out accuracy, log-loss and overconfidence against the number of annotated pairs. Lines are means over "
        f"{first['seeds']} seeds, each with its own grouping of {first['prompts']:,} prompts into folds; bands are 95% "
        f"intervals ({first['method']}; of: {first['estimand']}). Levels without markers learn nothing from annotations."
    )


def tally_rows(store: Store, finished: Sequence[tuple[PlannedJob, str]]) -> Iterator[dict[str, Any]]:
    """What each stage counted; jobs of one stage that counted alike are one row."""
    seen = set()
    for job, key in finished:
        for tally in collate.tallies(store, key):
            if (row := (job.stage, json.dumps(tally))) not in seen:
                seen.add(row)
                dropped = ", ".join(f"{count:,} {reason}" for reason, count in tally["dropped"].items()) or "none"
                counts = {"came_in": tally["in"], "went_out": tally["out"], "dropped": dropped}
                yield {"stage": job.stage, "what": tally["what"], **counts}


def parameter_rows(project: Project, jobs: list[PlannedJob]) -> dict[str, list[tuple[str, str, str]]]:
    """Each stage's parameters: name, value (all values of an axis), and what the notebook says of it."""
    found = {}
    for stage in dict.fromkeys(job.stage for job in jobs):
        schema = schema_of(project, stage)
        of_stage = [job.parameters for job in jobs if job.stage == stage]
        values = {name: list(dict.fromkeys(canonical(one[name]) for one in of_stage)) for name in of_stage[0]}
        found[stage] = [(name, ", ".join(value), schema[name].comment) for name, value in values.items()]
    return found


def cost_rows(store: Store, finished: Sequence[tuple[PlannedJob, str]]) -> dict[str, Any]:
    """Seconds and memory by job, and in one sentence by stage."""
    rows = []
    for job, key in finished:
        cost = collate.costs(store, key)
        size = cost["peak_memory_bytes"] / 2**20
        rows.append({"title": str(job), "stage": job.stage, "seconds": cost["seconds"], "mebibytes": size, "key": key})
    stages = dict.fromkeys(row["stage"] for row in rows)
    by_stage = [(stage, [row["seconds"] for row in rows if row["stage"] == stage]) for stage in stages]
    parts = "; ".join(f"{stage}: {len(seconds)} jobs, {sum(seconds):.0f} s" for stage, seconds in by_stage)
    return {"costs": rows, "cost_summary": f"Seconds of job time, jobs running side by side counted each. {parts}."}


def environments(store: Store, finished: Sequence[tuple[PlannedJob, str]]) -> list[str]:
    """The machines and versions that made the results, each once."""
    texts = []
    for _, key in finished:
        found = store.manifest(key)["environment"]
        packages = ", ".join(f"{name} {version}" for name, version in found["packages"].items())
        machine = f"{found['processor']}, {found['cores']} cores, {found['system']}"
        texts.append(f"{machine}; Python {found['python']}; {packages}; {found['threads']} thread(s) a job.")
    return list(dict.fromkeys(texts))


def as_svg(figure: Figure) -> str:
    """The figure as an SVG element to set into a page."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def varying(job: PlannedJob, groups: dict[str, Any]) -> str:
    """What tells this set of parameters from the others."""
    every = [json.loads(text) for text in groups]
    names = [name for name in every[0] if len({canonical(one[name]) for one in every}) > 1]
    return ", ".join(f"{name} = {job.parameters[name]}" for name in names)


def called(name: str) -> str:
    """A reward model's name in a sentence."""
    return {"random": "A random reward", "shorter": "the shorter answer"}.get(name, look_of(name)["label"])


def percent(value: float) -> str:
    return f"{100 * value:.1f}%"


def points(value: float) -> str:
    return f"{100 * value:+.1f} points"


def between(row: Any, shown: Any) -> str:
    """The interval behind a number, in parentheses, or nothing where there is none."""
    low, high = (row["low"], row["high"]) if isinstance(row, pd.Series) else (row.low, row.high)
    return "" if np.isnan(low) else f" (95% interval {shown(low)} to {shown(high)})"
