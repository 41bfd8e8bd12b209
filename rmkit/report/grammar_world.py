"""The report's section on the grammar world: what its policies say, from the rows of 02_sampling.

Averages seeds and computes their intervals; a sentence's verdict follows from its interval or bound.
"""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from rmkit.figures.gold_by_category import gold_figure
from rmkit.figures.looks import called
from rmkit.intervals.means import Interval, t_over_seeds
from rmkit.report.exhibits.settings import Results
from rmkit.report.parts import Section, Table, TableCell, as_svg
from rmkit.report.wording import counted, join, number, percent, sentence, signed
from rmkit.worlds.grammar.acceptance import BOUNDS

WORDS = {
    "Gold reward": "a weighted sum of six terms that anyone can recompute from prompt and answer: relevance, steps, "
    "politeness, harm, repetition and length.",
    "Surface": "the largest mean rank correlation of gold, within prompts, with one surface feature of an answer (its "
    "length, a word, repetition, overlap with the prompt).",
    "Probe": "how many pairs of answers to one prompt a linear probe on the embeddings orders as gold does; guessing "
    "gives 0.5.",
    "Spread": "gold's standard deviation within prompts over its total one.",
    "Duplicates": "the largest share, over prompts, of a prompt's answers that stood before.",
    "Fidelity": "the mean rank correlation, within prompts, of the gold model with the rule that it was fitted to.",
}


def world_sections(results: Results, path: Path) -> Iterator[Section]:
    """One section if any job of 02_sampling is finished; its figure beside `path` as PNG."""
    if "02_sampling" not in results.gathered:
        return
    rows = results.rows("02_sampling")
    rows = rows.rename(columns={f"param_{name}": name for name in ("task", "generator", "world_seed")})
    figure = gold_figure(rows)
    figure.savefig(path.with_name(f"{path.stem}-gold.png"))
    n_seeds = rows["world_seed"].nunique()
    yield Section(
        heading="The grammar world",
        scope=scope(n_seeds),
        answers=[*gain_sentences(rows), *bound_sentences(rows)],
        figure=as_svg(figure),
        caption="Gold rewards of the responses to test prompts, by category: the middle half thick, 90% thin, the "
        f"median a dot; quantiles averaged over {counted(n_seeds, 'seed')} of the world.",
        tables=[level_table(rows), acceptance_table(rows)],
        words=WORDS,
    )


def scope(n_seeds: int) -> str:
    """What the intervals are about, in words."""
    if n_seeds == 1:
        return "One seed of the world: what follows has no interval. params/grammar.yaml runs three."
    return (
        f"Intervals are t-intervals over {n_seeds} seeds, each with prompts, models and responses of its own: they are "
        "about new seeds and new prompts."
    )


def mean_gold(rows: pd.DataFrame) -> pd.DataFrame:
    """task, generator, world_seed and the mean gold reward (rule) over the test prompts."""
    wanted = rows.query("metric == 'gold_mean' and scorer == 'rule' and part == 'test' and category == 'all'")
    return wanted[["task", "generator", "world_seed", "value"]]


def gains(rows: pd.DataFrame) -> dict[str, Interval]:
    """By task, how much fine-tuning raises the mean gold reward, over seeds that have both policies."""
    found = {}
    for task, of_task in mean_gold(rows).groupby("task", sort=False):
        by_policy = of_task.pivot_table(index="world_seed", columns="generator", values="value")
        if {"base", "sft"} <= set(by_policy) and len(both := by_policy.dropna()):
            found[str(task)] = t_over_seeds((both["sft"] - both["base"]).to_numpy())
    return found


def gain_sentences(rows: pd.DataFrame) -> Iterator[str]:
    """Does fine-tuning help? In words, with the interval."""
    for task, gain in gains(rows).items():
        start = f"On {task} prompts fine-tuning changes the mean gold reward by {signed(gain.estimate, 2)}"
        if gain.reason:
            yield f"{start} ({gain.reason})."
        else:
            shown = "raises it" if gain.low > 0 else "lowers it" if gain.high < 0 else "is not shown to change it"
            yield f"{start} ({signed(gain.low, 2)} to {signed(gain.high, 2)}): it {shown}."


def bound_sentences(rows: pd.DataFrame) -> Iterator[str]:
    """Which of the acceptance bounds hold, the worst task, policy and seed deciding."""
    broken = []
    for name, bound in BOUNDS.items():
        values = rows.loc[rows["metric"] == name, "value"]
        worst = values.min() if bound.at_least else values.max()
        if not bound.kept_by(worst):
            broken.append(f"{name} ({number(worst, 3)}, bound {bound.value})")
    if broken:
        yield f"The world is not rich enough by {join(broken)}, at worst."
        if len(broken) == 1 and broken[0].startswith("fidelity") and (rows["param_gold"] == "rule").all():
            yield "Fidelity is the gold model's alone; the gold reward of this study is the rule itself."
    else:
        yield "Every figure of the world's richness keeps its bound, for each task, policy and seed."


def level_table(rows: pd.DataFrame) -> Table:
    """Mean gold, how answers end and the acceptance figures do not depend on a reader's patience: one row a policy."""
    lines = []
    for (task, generator), group in mean_gold(rows).groupby(["task", "generator"], sort=False):
        interval = t_over_seeds(group["value"].to_numpy())
        here = rows[(rows["task"] == task) & (rows["generator"] == generator) & (rows["part"] == "test")]
        means = here[here["category"] == "all"].groupby("metric")["value"].mean()
        small = "" if interval.reason else f"({signed(interval.low, 2)} to {signed(interval.high, 2)})"
        lines.append(
            [
                TableCell(sentence(f"{task}, {called(generator, 'generator')}")),
                TableCell(signed(interval.estimate, 2), small),
                TableCell(percent(means["stopped"])),
                TableCell(number(means["tokens_mean"], 1)),
            ]
        )
    return Table(
        "What the policies say",
        "Responses to test prompts, scored by the rule.",
        ["policy", "mean gold reward", "stopped by itself", "tokens a response"],
        lines,
    )


def acceptance_table(rows: pd.DataFrame) -> Table:
    """Every acceptance figure for every task, policy and seed."""
    wanted = rows[rows["metric"].isin(BOUNDS)]
    lines = []
    for (task, generator, seed), group in wanted.groupby(["task", "generator", "world_seed"], sort=False):
        values = group.set_index("metric")["value"]
        name = sentence(f"{task}, {called(generator, 'generator')}, seed {seed}")
        cells = [
            TableCell(number(values[figure], 3), "" if bound.kept_by(values[figure]) else "not kept")
            for figure, bound in BOUNDS.items()
        ]
        lines.append([TableCell(name), *cells])
    bounds = [f"{name} {'≥' if b.at_least else '≤'} {b.value}" for name, b in BOUNDS.items()]
    note = "Whether there is something to learn, and no way around learning it. The bounds stand in the heads."
    return Table("Is the world rich enough?", note, ["policy", *bounds], lines)
