"""Whether the validation split decides between Bradley-Terry and the classifier, from 10_validation_split.

From stored evaluations alone; averages seeds and makes intervals through ablations/paired_differences.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from rmkit.ablations.paired_differences import LEVELS, split_curves, split_differences
from rmkit.ablations.validation_split import HEADS
from rmkit.artifacts.evaluations import Evaluations
from rmkit.artifacts.metric import Metric
from rmkit.figures.looks import LOOKS, called, metric_label
from rmkit.figures.split_ablation import split_ablation_figure
from rmkit.report.exhibits.settings import Drawn, Results, band, headed, largest_best_of_n, named, settings
from rmkit.report.parts import Table, TableCell, number_cell
from rmkit.report.wording import sentence
from rmkit.study.monitoring.words import counted

WORLDS = {"grammar": "the grammar world", "files": "embeddings from files", "hh_rlhf": "human preferences"}


def split_ablation(results: Results) -> Iterator[Drawn]:
    """Bradley-Terry against the classifier, as released under two validation splits and soundly; paired tables."""
    for world in WORLDS:
        for setting in settings(results, "10_validation_split", world=world):
            for metric in ablation_metrics(setting.seeds[0]):
                curves = split_curves(setting.seeds, metric)
                label = metric_label(metric.name, metric.at)
                yield Drawn(
                    named(f"split-ablation-{world}-{metric}", setting.told_apart),
                    headed(f"Does the validation split decide? {sentence(label)}, {WORLDS[world]}", setting.told_apart),
                    f"{sentence(label)} of two objectives on one network, on the same pairs. Dotted: as the paper's "
                    "code was released, where the mirror images of most validation rows are trained on. Dashed: "
                    "the same code, with whole pairs kept for validation. Solid: this study's own procedure. What the "
                    "heads' distance loses from dotted to dashed lines came from the split; what it loses from dashed "
                    f"to solid ones, from the rest of the procedure. The table's many intervals are not corrected for "
                    f"that. {band(curves)}",
                    split_ablation_figure(curves, label),
                    (split_table(split_differences(setting.seeds, metric), label),),
                )


def ablation_metrics(evaluations: Evaluations) -> list[Metric]:
    """What the ablation is drawn by: the largest Best-of-n and Spearman, or accuracy and log-loss without gold."""
    if "best_of_n" in evaluations.values:
        return [largest_best_of_n(evaluations), Metric("spearman")]
    return [Metric("accuracy"), Metric("log_loss")]


def split_table(differences: pd.DataFrame, label: str) -> Table:
    """A row for each level of noise and number of annotations, a column for each difference of two arms."""
    levels = [level for level in LEVELS if level in differences]
    names = list(differences["difference"].unique())
    rows = []
    for values, here in differences.groupby(levels):
        by_name = {row["difference"]: row for row in here.to_dict("records")}
        cells = [number_cell(by_name.get(name), sign=True) for name in names]
        rows.append([*(TableCell(level_words(*each)) for each in zip(levels, values, strict=True)), *cells])
    first = differences.iloc[0]
    note = (
        f"Paired, seed by seed and prompt by prompt: means of {counted(int(first['seeds']), 'seed')}; in parentheses "
        f"{first['level']:.0%} intervals for {first['estimand']}, where there are any."
    )
    return Table(f"Differences in {label}", note, [*levels, *map(difference_words, names)], rows)


def level_words(level: str, value: float) -> str:
    """A level of noise or a number of annotations, as a table says it."""
    if level == "annotations":
        return f"{value:,.0f}"
    return "no noise" if np.isinf(value) else f"{value:g}"


def difference_words(name: str) -> str:
    """The name of a difference between arms, as a table says it."""
    words = {head: called(head) for head in HEADS}
    words |= {procedure: f"{look.label}," for procedure, look in LOOKS["procedure"].items()}
    words |= {split: look.label for split, look in LOOKS["validation"].items()}
    for word, said in words.items():
        name = name.replace(word, said)
    return name.replace(",:", ":").replace(" minus ", " − ")
