"""The report's section on learning curves: what 09_human_preferences found, in sentences, a figure and tables.

Averages seeds and resamples prompts through learning_curves; a sentence's verdict follows from its interval.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from rmkit.evaluation.contrasts import paired_differences
from rmkit.evaluation.curves import learning_curves
from rmkit.figures.learning_curves import learning_curve_figure
from rmkit.figures.looks import called, metric_label
from rmkit.report.exhibits.margin_uncertainty import held_out_uncertainty
from rmkit.report.exhibits.settings import Results, headed, named, row_settings, settings
from rmkit.report.parts import Section, Table, TableCell, as_svg, number_cell
from rmkit.report.wording import NONE, between, join, nats, number, percent, points, sentence, standing
from rmkit.study.monitoring.words import counted

METRICS = {name: metric_label(name) for name in ("accuracy", "log_loss", "overconfidence", "brier")}
BASELINE = "shorter"
LOG_2 = float(np.log(2))


def learning_sections(results: Results, path: Path) -> Iterator[Section]:
    """A section for each set of parameters of 09_human_preferences, its seeds averaged."""
    found = settings(results, "09_human_preferences")
    rows = row_settings(results.rows("09_human_preferences")) if found else ()
    for setting, (_, own_rows) in zip(found, rows, strict=True):
        curves = learning_curves(setting.seeds)
        differences = [paired_differences(setting.seeds, *names) for names in contrasts(curves)]
        figure = learning_curve_figure(curves.query("metric != 'brier'"))
        figure.savefig(path.with_name(f"{path.stem}-{named('learning-curves', setting.told_apart)}.png"))
        yield Section(
            heading=headed("Human preferences", setting.told_apart),
            scope=scope(curves),
            answers=(*levels(curves), *cautions(curves)),
            more=tuple(comparisons(differences)),
            figure=as_svg(figure),
            caption=caption(curves),
            tables=(
                level_table(curves, ece(own_rows)),
                *(difference_table(table) for table in differences),
                *held_out_uncertainty(own_rows),
            ),
            exhibit="09_learning_curves",
        )


def contrasts(curves: pd.DataFrame) -> list[tuple[str, str]]:
    """Which are held against which: the other heads against the first, then every head against the baseline."""
    names = list(dict.fromkeys(curves["reward_model"]))
    heads = list(dict.fromkeys(curves[curves["annotations"].notna()]["reward_model"]))
    against_baseline = [(head, BASELINE) for head in heads] if BASELINE in names else []
    return [(other, heads[0]) for other in heads[1:]] + against_baseline


def levels(curves: pd.DataFrame) -> Iterator[str]:
    """How many held-out pairs each reward model orders rightly, with the fewest and the most annotations."""
    for name, fits in curves[curves["metric"] == "accuracy"].groupby("reward_model", sort=False):
        few, many = fits.sort_values("annotations").iloc[[0, -1]].to_dict("records")
        if np.isnan(many["annotations"]):
            if name == "random":
                drawn = f"{percent(many['mean'])}{between(many, percent)}"
                yield f"Guessing orders exactly 50% of held-out pairs on average; the random reward drawn, {drawn}."
                continue
            yield sentence(f"{called(name)} orders {percent(many['mean'])}{between(many, percent)} of held-out pairs.")
        else:
            start = f"{percent(few['mean'])}{between(few, percent)} of held-out pairs with {few['annotations']:,.0f}"
            end = f"{percent(many['mean'])}{between(many, percent)} with {many['annotations']:,.0f}"
            yield sentence(f"{called(name)} orders {start} annotations, and {end}.")


def comparisons(differences: Sequence[pd.DataFrame]) -> Iterator[str]:
    """Where each reward model is ahead of another, behind it, or not told apart, at every number of annotations."""
    for table in differences:
        first, second = called(table["first"].iloc[0]), called(table["second"].iloc[0])
        accuracy = table[table["metric"] == "accuracy"].sort_values("annotations").to_dict("records")
        text = f"In accuracy (points) {first} is, against {second}, "
        yield f"{text}{standing(accuracy, shown=points, higher_is_better=True)}."
        if loss := table[table["metric"] == "log_loss"].sort_values("annotations").to_dict("records"):
            yield f"In log-loss (nats) it is {standing(loss, shown=nats, higher_is_better=False)}."


def cautions(curves: pd.DataFrame) -> Iterator[str]:
    """Where a reward model is no better than knowing nothing, and whether it is too sure or not sure enough."""
    for name, fits in curves[curves["metric"] == "log_loss"].groupby("reward_model", sort=False):
        worse = fits[fits["low"] > LOG_2]["annotations"]
        open_still = fits[~(fits["low"] > LOG_2) & ~(fits["high"] < LOG_2)]["annotations"]
        for said, counts in (("is worse than", worse), ("is not shown to beat", open_still)):
            if len(counts):
                listed = join([f"{count:,.0f}" for count in counts])
                yield sentence(f"{called(name)} {said} knowing nothing, in log-loss, with {listed} annotations.")
    last = curves[(curves["metric"] == "overconfidence") & (curves["annotations"] == curves["annotations"].max())]
    for row in last.to_dict("records"):
        claim = (
            "overconfident"
            if row["low"] > 0
            else "underconfident"
            if row["high"] < 0
            else "not shown to be over- or underconfident"
        )
        who = f"{called(row['reward_model'])} with {row['annotations']:,.0f} annotations"
        gap = f"confidence minus accuracy is {points(row['mean'])}{between(row, points)}"
        why = f" (no interval: {row['reason']})" if row["reason"] else ""
        yield sentence(f"{who} is {claim} on average: {gap}{why}.")


def level_table(curves: pd.DataFrame, ece_by_fit: pd.Series) -> Table:
    """Every reward model at every annotation count."""
    rows = []
    for fit, of_fit in curves.groupby("fit", sort=False):
        by_metric = {row["metric"]: row for row in of_fit.to_dict("records")}
        count = of_fit["annotations"].iloc[0]
        name = sentence(called(of_fit["reward_model"].iloc[0]))
        name += " (drawn; 0.5 on average)" if of_fit["reward_model"].iloc[0] == "random" else ""
        cells = [TableCell(name), TableCell(NONE if np.isnan(count) else f"{count:,.0f}")]
        cells += [number_cell(by_metric.get(metric), sign=metric == "overconfidence") for metric in METRICS]
        rows.append([*cells, TableCell(number(ece_by_fit.get(fit, np.nan), 3))])
    note = (
        f"Means over {counted(curves['seeds'].iloc[0], 'seed')}, 95% intervals in parentheses. The expected "
        "calibration error (ECE, 10 bins) has no interval here: it is no mean over pairs. Baselines take no "
        "annotations (but nearest to what was chosen, which takes those of other folds) and give an order, not a "
        "probability: a dash. Where both answers are equally long, the "
        "shorter answer counts half."
    )
    return Table("Levels", note, ["reward model", "annotations", *METRICS.values(), "ECE"], rows)


def difference_table(table: pd.DataFrame) -> Table:
    """One contrast at every annotation count, paired by prompt."""
    metrics = [metric for metric in METRICS if metric in set(table["metric"])]
    rows = []
    for count, of_count in table.groupby("annotations"):
        by_metric = {row["metric"]: row for row in of_count.to_dict("records")}
        rows.append([TableCell(f"{count:,.0f}"), *(number_cell(by_metric[metric], sign=True) for metric in metrics)])
    heading = sentence(f"{called(table['first'].iloc[0])} minus {called(table['second'].iloc[0])}")
    note = "Paired: both are scored on the same prompts, and the prompts are resampled together."
    return Table(heading, note, ["annotations", *(METRICS[metric] for metric in metrics)], rows)


def ece(rows: pd.DataFrame) -> pd.Series:
    """The mean over seeds of the expected calibration error, by fit."""
    return rows[rows["metric"] == "ece"].groupby("fit")["value"].mean()


def caption(curves: pd.DataFrame) -> str:
    """What the figure shows, read from its table."""
    first = curves.iloc[0]
    bands = f"bands are 95% intervals ({first['method']})"
    if curves["low"].isna().all():
        bands = f"they have no interval, because {join(list(dict.fromkeys(curves['reason'])))}"
    return (
        "Held-out accuracy, log-loss, and confidence minus accuracy, against the number of annotated pairs. Lines "
        f"are means over {counted(first['seeds'], 'seed')}, each with its own grouping of {first['prompts']:,} prompts "
        f"into folds; {bands}. Dash-dotted and dotted lines are baselines, which "
        "use no annotations."
    )


def scope(curves: pd.DataFrame) -> str:
    """What the intervals are about, in words."""
    return (
        f"Intervals are about {curves['estimand'].iloc[0]}: they say how much the numbers would move if other prompts "
        "were scored by the same fitted models. They are not about other annotations to learn from, which matter most "
        "where annotations are few. Tables of differences hold many intervals, without a correction for that."
    )
