"""The figures of the chain from labels to policies, from stored rows and evaluations alone.

Averages seeds and makes intervals through gold_curves and population; draws through the figures room. Notebook 07 shows
them one by one, the report sets them into its page.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from rmkit.ablations.paired_differences import HEADS, LEVELS, split_curves, split_differences
from rmkit.active.rows import minus_strategy
from rmkit.artifacts.evaluations import Evaluations
from rmkit.evaluation.curves import gold_curves
from rmkit.figures.active import choice_figure, label_value_figure
from rmkit.figures.annotation import noise_figure
from rmkit.figures.best_of_n import best_of_n_figure, noise_panels
from rmkit.figures.population import correlation_figure, interval_words, mild_and_strong, scatter_figure
from rmkit.figures.split_ablation import split_ablation_figure
from rmkit.report.human_preferences import Table, TableCell, number_cell
from rmkit.report.wording import called, counted, join, sentence
from rmkit.study.notebook_side.gathered import EVALUATIONS
from rmkit.study.planning.plan import canonical


class Results(Protocol):
    """The stored results of a study's jobs: of an open job that gathers, or of the report."""

    @property
    def gathered(self) -> tuple[str, ...]:
        """The stages that there are results of."""

    def rows(self, stage: str) -> pd.DataFrame:
        """All result rows of a stage."""

    def evaluations(self, stage: str, name: str = EVALUATIONS) -> list[tuple[dict[str, Any], Evaluations]]:
        """Parameters and per-prompt evaluations of each job of a stage that saved some of this name."""


@dataclass(frozen=True)
class Drawn:
    """A figure with what it shows, in words that hold for every study."""

    name: str
    heading: str
    caption: str
    figure: Figure
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True)
class Setting:
    """The jobs of a stage that differ in their seed alone."""

    told_apart: str  # "task = helpful", or nothing where there is one setting
    seeds: list[Evaluations]


def settings(results: Results, stage: str, artifact: str = EVALUATIONS, **where: Any) -> list[Setting]:
    """The settings of a stage, those of jobs with the parameters `where`; none if the study has no such job."""
    if stage not in results.gathered:
        return []
    groups: dict[str, list[tuple[dict[str, Any], Evaluations]]] = {}
    for parameters, evaluations in results.evaluations(stage, artifact):
        if all(parameters.get(name) == value for name, value in where.items()):
            same = {name: value for name, value in parameters.items() if name != "seed"}
            groups.setdefault(canonical(same), []).append((parameters, evaluations))
    everyone = [group[0][0] for group in groups.values()]
    differing = (
        [name for name in everyone[0] if name != "seed" and len({canonical(p[name]) for p in everyone}) > 1]
        if everyone
        else []
    )
    return [
        Setting(
            ", ".join(f"{name} = {group[0][0][name]}" for name in differing), [evaluations for _, evaluations in group]
        )
        for group in groups.values()
    ]


def where_gold_is_known(results: Results) -> list[Setting]:
    """The settings of 04_reward_models in the worlds that have a gold reward."""
    return [setting for world in ("grammar", "files") for setting in settings(results, "04_reward_models", world=world)]


def row_settings(rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """The rows of the jobs that differ in their seed alone, with what tells these from the others."""
    names = [name for name in rows if name.startswith("param_") and name != "param_seed" and rows[name].nunique() > 1]
    for values, here in rows.groupby(names, sort=False, dropna=False) if names else [((), rows)]:
        yield ", ".join(f"{name[6:]} = {value}" for name, value in zip(names, values, strict=True)), here


def annotation_noise(results: Results) -> Iterator[Drawn]:
    """How often annotators are wrong, by sharpness and by which pairs they are asked about."""
    if "03_annotation_noise" not in results.gathered:
        return
    for told, rows in row_settings(results.rows("03_annotation_noise")):
        n_seeds = rows["param_seed"].nunique()
        yield Drawn(
            named("annotation-noise", told),
            headed("How noisy are the labels?", told),
            "Left, the chance that an annotator prefers the first of two responses, by annotation sharpness β. "
            "Right, the expected share of wrong labels for each way of choosing pairs, a mean over "
            f"{counted(n_seeds, 'seed')}; it is computed from known probabilities and has no interval.",
            noise_figure(rows, seeds=n_seeds),
        )


def best_of_n(results: Results) -> Iterator[Drawn]:
    """Best-of-n against n, with the most annotations at the level of noise nearest to β = 1."""
    for setting in where_gold_is_known(results):
        names = [name for name in setting.seeds[0].values if name.startswith("best_of_")]
        curves = gold_curves(setting.seeds, names)
        beta = middle_beta(curves)
        most = curves["annotations"].max()
        shown = curves["reward_model"].isin(["gold", "random"])
        shown |= (curves["beta"] == beta) & (curves["annotations"] == most)
        yield Drawn(
            named("best-of-n", setting.told_apart),
            headed("How good is the best of n?", setting.told_apart),
            f"Gold reward of the response that a reward model picks out of n, fitted on {most:,.0f} annotated pairs "
            f"at β = {beta:g}; above all, gold itself as the judge, and below, a random reward. {band(curves)}",
            best_of_n_figure(curves[shown]),
        )


def noise_and_numbers(results: Results) -> Iterator[Drawn]:
    """The largest Best-of-n against the number of annotations, a panel a level of noise."""
    for setting in where_gold_is_known(results):
        largest = max((name for name in setting.seeds[0].values if name.startswith("best_of_")), key=size_of)
        curves = gold_curves(setting.seeds, [largest])
        yield Drawn(
            named("noise-and-numbers", setting.told_apart),
            headed("What do noise and numbers of annotations do?", setting.told_apart),
            f"Gold reward of the best of {size_of(largest)} by each reward model, against the number of annotated "
            "pairs, from the noisiest labels on the left to those without noise. Levels without markers learn nothing. "
            f"{band(curves)}",
            noise_panels(curves, f"gold reward of the best of {size_of(largest)}"),
        )


def split_ablation(results: Results) -> Iterator[Drawn]:
    """Bradley-Terry against the classifier, as released under two validation splits and soundly; paired tables."""
    for world in ("grammar", "files", "hh_rlhf"):
        for setting in settings(results, "04_reward_models", "ablation", world=world):
            for metric in ablation_metrics(setting.seeds[0]):
                curves = split_curves(setting.seeds, metric)
                label = metric_label(metric)
                yield Drawn(
                    named(f"split-ablation-{world}-{metric}", setting.told_apart),
                    headed(f"Does the validation split decide? {sentence(label)}, {world}", setting.told_apart),
                    f"{sentence(label)} of two objectives on one network, on the same pairs. Dotted: as the paper's "
                    "code was released, where the mirror images of most validation rows are trained on. Dashed: "
                    "the same code, with whole pairs kept for validation. Solid: this study's own procedure. If the "
                    "heads change places between dotted and dashed lines, the split decides, not the objective. "
                    f"{band(curves)}",
                    split_ablation_figure(curves, label),
                    (split_table(split_differences(setting.seeds, metric), label),),
                )


def ablation_metrics(evaluations: Evaluations) -> list[str]:
    """What the ablation is drawn by: the largest Best-of-n and Spearman, or accuracy and log-loss without gold."""
    if ofs := [name for name in evaluations.values if name.startswith("best_of_")]:
        return [max(ofs, key=size_of), "spearman"]
    return ["accuracy", "log_loss"]


def metric_label(metric: str) -> str:
    """A metric as an axis says it."""
    if metric.startswith("best_of_"):
        return f"gold reward of the best of {size_of(metric)}"
    labels = {"spearman": "rank correlation with gold within prompts", "log_loss": "log-loss (nats)"}
    return labels.get(metric, "accuracy (share of pairs)")


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
    words = {head: called(head) for head in HEADS} | {
        "published": "as released,",
        "sound": "sound,",
        "mirrored_row": "mirrored row",
    }
    for word, said in words.items():
        name = name.replace(word, said)
    return name.replace(",:", ":").replace(" minus ", " − ")


def active_curves(results: Results) -> Iterator[Drawn]:
    """What labels buy when a strategy chooses them."""
    for setting in settings(results, "05_active_labeling"):
        largest = max((name for name in setting.seeds[0].values if name.startswith("best_of_")), key=size_of)
        curves = gold_curves(setting.seeds, ["spearman", largest])
        yield Drawn(
            named("active-labelling", setting.told_apart),
            headed("Which pairs should be labelled next?", setting.told_apart),
            f"Rank correlation with gold within prompts, and gold reward of the best of {size_of(largest)}, against "
            "the labels used, by who chose the pairs and from which pool. All lines of a panel start from the same "
            "labels. "
            f"{band(curves)}",
            label_value_figure(curves),
        )


def active_differences(results: Results) -> Iterator[Drawn]:
    """What a strategy gains over random choice, on the same prompts with the same number of labels."""
    for setting in settings(results, "05_active_labeling"):
        if "random" not in set(setting.seeds[0].fits["strategy"]) or setting.seeds[0].fits["strategy"].nunique() < 2:
            continue
        largest = max((name for name in setting.seeds[0].values if name.startswith("best_of_")), key=size_of)
        ahead = [minus_strategy(evaluations, "random") for evaluations in setting.seeds]
        curves = gold_curves(ahead, ["spearman", largest])
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
    for told, of_setting in row_settings(results.rows("05_active_labeling")):
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


def accuracy_and_drop(results: Results) -> Iterator[Drawn]:
    """Each reward model's normalised drop ratio against its accuracy."""
    if "06_accuracy_vs_policy" not in results.gathered:
        return
    for key, rows in results.rows("06_accuracy_vs_policy").groupby("job", sort=False):
        yield Drawn(
            "accuracy-and-policy" if rows["job"].nunique() == 1 else f"accuracy-and-policy-{key}",
            "Does accuracy say how good the policy will be?",
            "Each dot is a reward model: its accuracy on some prompts, and what its policy loses on others against "
            "optimising gold in the same way (normalised drop ratio: 0 is as good as gold, 1 no better than the base). "
            "Dots have no interval.",
            scatter_figure(rows, mild_and_strong(rows["policy"])),
        )


def which_measure(results: Results) -> Iterator[Drawn]:
    """Correlations of every measure with every policy, over the population of reward models."""
    if "06_accuracy_vs_policy" not in results.gathered:
        return
    rows = results.rows("06_accuracy_vs_policy")
    for key, table in rows[rows["metric"] == "correlation"].groupby("job", sort=False):
        shown = table[table["measure"] != "kendall"]  # it is accuracy again, but for ties
        yield Drawn(
            "measures-and-policies" if rows["job"].nunique() == 1 else f"measures-and-policies-{key}",
            "Which measure predicts which policy?",
            "Kendall's correlation, over reward models, between what is measured on some prompts and what a policy "
            f"earns on others. {sentence(interval_words(shown))}.",
            correlation_figure(shown),
        )


FIGURES: Mapping[str, Callable[[Results], Iterator[Drawn]]] = {
    "03_annotation_noise": annotation_noise,
    "04_best_of_n": best_of_n,
    "04_noise_and_numbers": noise_and_numbers,
    "04_split_ablation": split_ablation,
    "05_active_curves": active_curves,
    "05_active_differences": active_differences,
    "05_active_choices": active_choices,
    "06_accuracy_and_drop": accuracy_and_drop,
    "06_which_measure": which_measure,
}


def middle_beta(curves: pd.DataFrame) -> float:
    """The level of noise nearest to β = 1, on a log scale."""
    return min(set(curves["beta"].dropna()), key=lambda beta: abs(np.log(beta)))


def size_of(name: str) -> int:
    """32 for best_of_32."""
    return int(name.removeprefix("best_of_"))


def band(curves: pd.DataFrame) -> str:
    """What the bands are, in a sentence."""
    with_band = curves[curves["low"].notna()]
    seeds = counted(int(curves["seeds"].max()), "seed")
    if with_band.empty:
        return f"Means of {seeds}, without an interval ({join(sorted(set(curves['reason'].dropna())))})."
    first = with_band.iloc[0]
    return f"Means of {seeds}; bands are {first['level']:.0%} intervals for {first['estimand']}."


def named(name: str, told_apart: str) -> str:
    """A file's name for a figure of one setting."""
    extra = "".join(letter if letter.isalnum() else "-" for letter in told_apart)
    return f"{name}-{extra}" if extra else name


def headed(heading: str, told_apart: str) -> str:
    """A heading that says which setting, where there are several."""
    return f"{heading} ({told_apart})" if told_apart else heading
