"""What exhibits are drawn from: the results of a stage's jobs, those that differ in their seed alone together.

Knows parameters, rows and evaluations; draws nothing.
"""

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from zlib import crc32

import pandas as pd
from matplotlib.figure import Figure

from rmkit.artifacts.evaluations import Evaluations
from rmkit.artifacts.metric import Metric
from rmkit.errors import valued
from rmkit.report.parts import Table
from rmkit.report.wording import join
from rmkit.stages.graph import STAGES
from rmkit.study.monitoring.words import counted
from rmkit.study.planning.keys import canonical

LONGEST_NAME = 120  # characters of what tells a figure's file from another's
FEW = (
    3  # parameters that differ; of more, a heading has no more than it needs, what readers ask for first before others
)
FIRST = ("world", "features", "task", "generator", "reward_model", "procedure", "sizes", "beta", "n_batch")
FEATURES = {
    "ngrams": "character n-grams",
    "all-MiniLM-L6-v2": "a sentence encoder",
    "encoder": "an encoder of one's own",
}


class Results(Protocol):
    """The stored results of a study's jobs: of an open job that gathers, or of the report."""

    @property
    def gathered(self) -> tuple[str, ...]:
        """The stages that there are results of."""

    def rows(self, stage: str) -> pd.DataFrame:
        """All result rows of a stage."""

    def evaluations(self, stage: str) -> list[tuple[dict[str, Any], Evaluations]]:
        """Parameters and per-prompt evaluations of each job of a stage that saved some."""

    def tables(self, stage: str, name: str) -> list[tuple[dict[str, Any], pd.DataFrame]]:
        """Parameters and the rows of a table of each job of a stage that saved it."""


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
    parameters: Mapping[str, Any] = field(default_factory=dict)  # of the first seed's job


def settings(
    results: Results, stage: str, having: Callable[[Evaluations], bool] | None = None, **where: Any
) -> list[Setting]:
    """The settings of a stage, those of jobs with the parameters `where`, `having` it; none if there is no such job."""
    if stage not in results.gathered:
        return []
    groups: dict[str, list[tuple[dict[str, Any], Evaluations]]] = {}
    for parameters, evaluations in results.evaluations(stage):
        wanted = all(parameters.get(name) == value for name, value in where.items())
        if wanted and (having is None or having(evaluations)):
            same = {name: value for name, value in parameters.items() if name != "seed"}
            groups.setdefault(canonical(same), []).append((parameters, evaluations))
    everyone = [group[0][0] for group in groups.values()]
    return [
        Setting(text, [evaluations for _, evaluations in group], group[0][0])
        for text, group in zip(all_told(stage, everyone, ("seed",)), groups.values(), strict=True)
    ]


def all_told(stage: str, everyone: Sequence[Mapping[str, Any]], without: Collection[str]) -> list[str]:
    """What tells jobs' parameters apart, a text each, by those that count in that job; `without` some.

    Of many that differ, as few as tell all apart.
    """
    of_stage = STAGES.get(stage)
    counting = [
        {name: one[name] for name in one if name not in without and (of_stage is None or of_stage.counts(name, one))}
        for one in everyone
    ]
    names = dict.fromkeys(name for one in counting for name in one)
    shown = [name for name in names if len({str(one[name]) for one in counting if name in one}) > 1]
    if len(shown) > FEW:
        shown = telling(shown, counting)
    return [", ".join(told(name, one[name]) for name in shown if name in one) for one in counting]


def telling(differing: Sequence[str], everyone: Sequence[Mapping[str, Any]]) -> list[str]:
    """As few of the parameters that differ as tell all apart, what a reader asks for first before the rest."""

    def kinds(names: Sequence[str]) -> int:
        return len({tuple(str(one.get(name)) for name in names) for one in everyone})

    found: list[str] = []
    for name in sorted(differing, key=lambda name: FIRST.index(name) if name in FIRST else len(FIRST)):
        if kinds([*found, name]) > kinds(found):
            found.append(name)
    return found


def told(name: str, value: Any) -> str:
    """A parameter and its value in words: beta = 1.0, character n-grams; a list may be the JSON text that rows have."""
    if isinstance(value, str) and value.startswith("["):
        value = json.loads(value)
    return FEATURES.get(value, str(value)) if name == "features" else f"{name} = {valued(value)}"


def where_gold_is_known(results: Results) -> list[Setting]:
    """The settings of 04_reward_models in the worlds that have a gold reward."""
    return [setting for world in ("grammar", "files") for setting in settings(results, "04_reward_models", world=world)]


def row_settings(
    rows: pd.DataFrame, having: Callable[[pd.DataFrame], bool] | None = None
) -> Iterator[tuple[str, pd.DataFrame]]:
    """The rows of the jobs that differ in their seed alone, `having` it, with what tells these from the others."""
    if rows.empty:
        yield "", rows
        return
    names = [name for name in rows if name.startswith("param_") and name != "param_seed" and rows[name].nunique() > 1]
    of_settings = [here for _, here in rows.groupby(names, sort=False, dropna=False)] if names else [rows]
    of_settings = [here for here in of_settings if having is None or having(here)]
    everyone = [parameters_of(here) for here in of_settings]
    stage = rows["stage"].iloc[0] if "stage" in rows else ""
    yield from zip(all_told(stage, everyone, ("seed",)), of_settings, strict=True)


def of_first_seed(results: Results, stage: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """The rows of each setting of a stage, those of its first seed, with what tells it apart."""
    if stage not in results.gathered:
        return
    for told_apart, rows in row_settings(results.rows(stage)):
        first = rows["param_seed"] == rows["param_seed"].min() if "param_seed" in rows else slice(None)
        yield told_apart, rows[first]


def parameters_of(rows: pd.DataFrame) -> dict[str, Any]:
    """The parameters that rows have, of the first of them."""
    return {name.removeprefix("param_"): rows[name].iloc[0] for name in rows if name.startswith("param_")}


def largest_best_of_n(evaluations: Evaluations) -> Metric:
    """Best-of-n at the largest n."""
    return evaluations.metrics("best_of_n")[-1]


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
    extra = re.sub(r"[\W_]+", "-", told_apart)
    if len(extra) > LONGEST_NAME:  # a file system allows 255 bytes
        extra = f"{extra[:LONGEST_NAME]}-{crc32(told_apart.encode()):08x}"
    return f"{name}-{extra}" if extra else name


def headed(heading: str, told_apart: str) -> str:
    """A heading that says which setting, where there are several."""
    return f"{heading} ({told_apart})" if told_apart else heading
