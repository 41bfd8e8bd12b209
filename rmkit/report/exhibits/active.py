"""What the strategies of 05_active_labeling buy with their labels, and what they choose.

From stored rows and evaluations alone; averages seeds and makes intervals through evaluation/curves.
"""

from collections.abc import Iterator

from rmkit.artifacts.evaluations import Evaluations
from rmkit.artifacts.metric import Metric
from rmkit.evaluation.contrasts import minus_strategy
from rmkit.evaluation.curves import gold_curves
from rmkit.figures.active import choice_figure, label_value_figure
from rmkit.report.exhibits.active_many import MANY, many
from rmkit.report.exhibits.settings import (
    Drawn,
    Results,
    band,
    headed,
    largest_best_of_n,
    named,
    row_settings,
    settings,
)
from rmkit.study.monitoring.words import counted


def active_curves(results: Results) -> Iterator[Drawn]:
    """What labels buy when a strategy chooses them."""
    for setting in settings(results, "05_active_labeling", having=few):
        shown, what = told_outcomes(setting.seeds[0])
        curves = gold_curves(setting.seeds, shown)
        yield Drawn(
            named("active-labelling", setting.told_apart),
            headed("What do chosen labels buy?", setting.told_apart),
            f"{what}, against the labels used, by who chose the pairs and from which pool. All lines of a panel start "
            "from the same labels. "
            f"{band(curves)}",
            label_value_figure(curves),
        )


def few(evaluations: Evaluations) -> bool:
    """Whether lines can be told apart; else active_many.py draws them."""
    return not many(evaluations)


def told_outcomes(evaluations: Evaluations) -> tuple[list[Metric], str]:
    """What is drawn of a setting's fits, and how a caption says it: against gold, or on labels that people gave."""
    if "spearman" not in evaluations.values:
        return [Metric("accuracy")], "Share of held-out pairs that are ordered as they were labelled"
    largest = largest_best_of_n(evaluations)
    return (
        [Metric("spearman"), largest],
        f"Rank correlation with gold within prompts, and gold reward of the best of {largest.at:g}",
    )


def active_differences(results: Results) -> Iterator[Drawn]:
    """What a strategy gains over random choice, on the same prompts with the same number of labels."""
    for setting in settings(results, "05_active_labeling", having=few):
        if "random" not in set(setting.seeds[0].fits["strategy"]) or setting.seeds[0].fits["strategy"].nunique() < 2:
            continue
        ahead = [minus_strategy(evaluations, "random") for evaluations in setting.seeds]
        curves = gold_curves(ahead, told_outcomes(setting.seeds[0])[0])
        yield Drawn(
            named("active-differences", setting.told_apart),
            headed("What does a strategy gain over random choice?", setting.told_apart),
            "Each strategy minus random choice, seed by seed and prompt by prompt, with the same number of labels. "
            f"Above 0 the strategy is ahead. {band(curves)}",
            label_value_figure(curves, against="random"),
        )


def active_choices(results: Results) -> Iterator[Drawn]:
    """What each strategy chose."""
    if "05_active_labeling" not in results.gathered:
        return
    rows = results.rows("05_active_labeling")
    for told, of_setting in row_settings(rows, having=lambda here: here["strategy"].nunique() <= MANY):
        n_seeds = of_setting["param_seed"].nunique()
        yield Drawn(
            named("active-choices", told),
            headed("What did each strategy choose?", told),
            "How open the model found the chosen pairs (p(1 − p), at most 1/4), how many prompts a batch came from, "
            "and by how much it raised the log determinant of the information; each strategy by its own model, a mean "
            "over "
            f"{counted(n_seeds, 'seed')}, no interval.",
            choice_figure(of_setting, seeds=n_seeds),
        )
