"""What exhibits are drawn from: the results of a stage's jobs, those that differ in their seed alone together.

Knows parameters, rows and evaluations; draws nothing.
"""

import json
import re
from collections.abc import Iterator, Mapping
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


def settings(results: Results, stage: str, **where: Any) -> list[Setting]:
    """The settings of a stage, those of jobs with the parameters `where`; none if the study has no such job."""
    if stage not in results.gathered:
        return []
    groups: dict[str, list[tuple[dict[str, Any], Evaluations]]] = {}
    for parameters, evaluations in results.evaluations(stage):
        if all(parameters.get(name) == value for name, value in where.items()):
            same = {name: value for name, value in parameters.items() if name != "seed"}
            groups.setdefault(canonical(same), []).append((parameters, evaluations))
    everyone = [group[0][0] for group in groups.values()]
    differing = (
        [
            name
            for name in everyone[0]
            if name != "seed"
            and len({canonical(p[name]) for p in everyone}) > 1
            and all(STAGES[stage].counts(name, p) for p in everyone)
        ]
        if everyone
        else []
    )
    return [
        Setting(
            ", ".join(told(name, group[0][0][name]) for name in differing),
            [evaluations for _, evaluations in group],
            group[0][0],
        )
        for group in groups.values()
    ]


def told(name: str, value: Any) -> str:
    """A parameter and its value in words: beta = 1.0, character n-grams; a list may be the JSON text that rows have."""
    if isinstance(value, str) and value.startswith("["):
        value = json.loads(value)
    return FEATURES.get(value, str(value)) if name == "features" else f"{name} = {valued(value)}"


def where_gold_is_known(results: Results) -> list[Setting]:
    """The settings of 04_reward_models in the worlds that have a gold reward."""
    return [setting for world in ("grammar", "files") for setting in settings(results, "04_reward_models", world=world)]


def row_settings(rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """The rows of the jobs that differ in their seed alone, with what tells these from the others."""
    only = STAGES[rows["stage"].iloc[0]].only if "stage" in rows and len(rows) else {}  # parameter -> when it counts
    names = [
        name
        for name in rows
        if name.startswith("param_")
        and name != "param_seed"
        and rows[name].nunique() > 1
        and all(rows[f"param_{at}"].isin(values).all() for at, values in only.get(name[6:], {}).items())
    ]
    for values, here in rows.groupby(names, sort=False, dropna=False) if names else [((), rows)]:
        yield ", ".join(told(name[6:], value) for name, value in zip(names, values, strict=True)), here


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
