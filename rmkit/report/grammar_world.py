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
from rmkit.report.wording import join, number, percent, sentence, signed
from rmkit.study.monitoring.words import counted
from rmkit.worlds.grammar.acceptance import BOUNDS

# What follows for a reader where a figure of the world falls short of its bound.
FOLLOWS = {
    "surface": "a reward model can go far here by length or a single word, so reward models look better, and more "
    "alike, than where they have to read",
    "probe": "the embeddings hardly tell better answers from worse, so reward models can differ little here, whatever "
    "they learn from",
    "spread": "most of the gold reward is decided by the prompt, so choosing among its answers gains little here",
    "duplicates": "a prompt has answers that repeat each other, so Best-of-n has fewer than n to choose from",
    "fidelity": "the gold model is a rough copy of the rule, so what is scored by it says little of the rule",
}
BY_RULE = "that is its learned gold model; this study scores by the rule itself, so nothing follows for the answers"


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
        answers=(*gain_sentences(rows), *bound_sentences(rows)),
        figure=as_svg(figure),
        caption="Gold rewards of the responses to test prompts, by category: the middle half thick, 90% thin, the "
        f"median a mark; quantiles averaged over {counted(n_seeds, 'seed')} of the world.",
        tables=(level_table(rows), acceptance_table(rows)),
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
            yield f"{start} (no interval: {gain.reason})."
        else:
            shown = "raises it" if gain.low > 0 else "lowers it" if gain.high < 0 else "is not shown to change it"
            yield f"{start} ({signed(gain.low, 2)} to {signed(gain.high, 2)}): it {shown}."


def bound_sentences(rows: pd.DataFrame) -> Iterator[str]:
    """Which of the acceptance bounds hold, the worst task, policy and seed deciding."""
    if broken := broken_bounds(rows):
        listed = join([bound_words(name, worst) for name, worst in broken.items()])
        yield f"The world falls short in {listed}, at worst."
    else:
        yield "Every figure of the world's richness keeps its bound, for each task, policy and seed."


def broken_bounds(rows: pd.DataFrame) -> dict[str, float]:
    """The acceptance figures that do not keep their bound, each at its worst over tasks, policies and seeds."""
    found = {}
    for name, bound in BOUNDS.items():
        values = rows.loc[rows["metric"] == name, "value"]
        worst = values.min() if bound.at_least else values.max()
        if not bound.kept_by(worst):
            found[name] = float(worst)
    return found


def bound_words(name: str, worst: float) -> str:
    """A figure that does not keep its bound, with the bound."""
    return f"{name} ({number(worst, 3)}, bound {BOUNDS[name].value})"


def world_notices(results: Results) -> Iterator[tuple[str, bool]]:
    """For the top of the page: what follows from each bound that the world breaks, and whether it bears on answers."""
    if "02_sampling" not in results.gathered:
        return
    rows = results.rows("02_sampling").rename(columns={"param_gold": "gold"})
    for name, worst in broken_bounds(rows).items():
        by_rule = name == "fidelity" and (rows["gold"] == "rule").all()
        follows = BY_RULE if by_rule else FOLLOWS[name]
        yield f"The grammar world falls short in {bound_words(name, worst)}: {follows}.", not by_rule


def one_world(results: Results) -> Iterator[tuple[str, bool]]:
    """For the top of a page with answers: that they are about one world, where the study has no other."""
    if "02_sampling" in results.gathered and results.rows("02_sampling")["param_world_seed"].nunique() == 1:
        yield (
            "Answers on the grammar world are about one world: intervals are for new seeds, reward models or prompts "
            "in it. Another world_seed makes another world, and so does another processor from the same parameters; "
            "verdicts can differ there.",
            False,
        )


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
