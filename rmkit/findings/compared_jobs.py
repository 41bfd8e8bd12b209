"""Which of a study's jobs a statement is about, and which of them count together: worlds, settings, seeds.

Jobs that differ in their seed alone are one setting. Settings that `where` lists, as in `task: [helpful, harmless]`,
are averaged within their world, each counting alike. Where a statement's groups name parameters, as in `first:
{n_batch: 50}`, the jobs that differ in these are put side by side, seed by seed, as if they were one; a seed or a world
that does not have them all is left out. Knows rules, parameters and evaluations; computes no effect.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from rmkit.artifacts.evaluations import Evaluations
from rmkit.errors import ResultError
from rmkit.findings.evaluated import LISTED_BY
from rmkit.findings.rules import OVER_WORLDS, Rule

Job = tuple[Mapping[str, Any], Evaluations]  # a job's parameters, and what it evaluated
Setting = list[Evaluations]  # one a seed
WORLD, SEED = "world_seed", "seed"


def by_world(rule: Rule, jobs: Sequence[Job]) -> dict[int, dict[str, Setting]]:
    """The settings of the jobs that a rule is about, by their world; ResultError that says why there are none.

    Jobs may differ in their seed, in what `where` lists and in parameters that the rule's groups name. Those that a
    statistic over seeds is about may differ in their world as well. A setting's name says what `where` lists:
    "helpful".
    """
    if not jobs:
        raise ResultError(f"this study has no finished job of {rule.stage}")
    if not (found := about(rule, jobs)):
        raise ResultError(f"this study has no job of {rule.stage} with {dict(rule.where)}")
    side_by_side = named_by_groups(rule, found)
    if side_by_side:
        naming = [group for group in rule.groups().values() if any(name in group for name in side_by_side)]
        found = [job for job in found if any(fulfils(job[0], group, side_by_side) for group in naming)]
        if not found:
            raise ResultError(f"this study has no job of {rule.stage} with {', '.join(side_by_side)} as compared")
    listed = [name for name, wanted in rule.where.items() if is_list(wanted, found[0][0].get(name)) and name != WORLD]
    free = {SEED, *side_by_side, *listed, *of_columns(found)}
    if (rule.statistic, rule.estimand) in OVER_WORLDS:
        free.add(WORLD)
    parameters = [{k: v for k, v in one.items() if k not in free} for one, _ in found]
    if any(other != parameters[0] for other in parameters[1:]):
        differ = sorted(k for k in parameters[0] if len({json.dumps(one[k]) for one in parameters}) > 1)
        raise ResultError(f"jobs of {rule.stage} differ in {', '.join(differ)}; the rule must say `where`")
    worlds: dict[int, dict[str, dict[Any, list[Job]]]] = {}
    for position, job in enumerate(found):
        world = job[0].get(WORLD, 0) if WORLD in free else 0
        setting = worlds.setdefault(world, {}).setdefault(" ".join(str(job[0][name]) for name in listed), {})
        # jobs that are paired share a seed; where nothing is, each job is a seed of its own, in the order of the jobs
        setting.setdefault(job[0].get(SEED) if side_by_side or listed else position, []).append(job)
    worlds = complete(worlds)
    wanted = [" ".join(map(str, values)) for values in product(*(rule.where[name] for name in listed))]
    for world, settings in worlds.items():
        if lacking := [name for name in wanted if name not in settings]:
            where = f"world {world} of this study has" if len(worlds) > 1 else "this study has"
            raise ResultError(f"{where} no job of {rule.stage} with {', '.join(listed)} = {lacking[0]}")
        if any(set(seeds) != set(settings[wanted[0]]) for seeds in settings.values()):
            raise ResultError(f"jobs of {rule.stage} that are averaged over {', '.join(listed)} have other seeds")
    return {
        world: {
            name: [beside_each_other(seeds[seed], side_by_side) for seed in (settings[wanted[0]] if listed else seeds)]
            for name, seeds in settings.items()
        }
        for world, settings in worlds.items()
    }


def about(rule: Rule, jobs: Sequence[Job]) -> list[Job]:
    """The jobs of a rule's stage that have the parameters which it names, or one of those that it lists."""
    return [job for job in jobs if fulfils(job[0], rule.where, rule.where)]


def fulfils(parameters: Mapping[str, Any], wanted: Mapping[str, Any], names: Sequence[str] | Mapping[str, Any]) -> bool:
    """Whether a job's parameters of these names are as wanted, where that says anything of them."""
    for name in names:
        if name in wanted:
            value, want = parameters.get(name), wanted[name]
            if not (value in want if is_list(want, value) else value == want):
                return False
    return True


def is_list(wanted: Any, value: Any) -> bool:
    """Whether a rule lists several values of a parameter, which is not itself a list."""
    return isinstance(wanted, list) and not isinstance(value, list)


def named_by_groups(rule: Rule, jobs: Sequence[Job]) -> list[str]:
    """The parameters that the rule's groups name: what is no column of fits, or is one in which jobs differ."""
    parameters, evaluated = jobs[0]
    names = dict.fromkeys(name for group in rule.groups().values() for name in group if name in parameters)
    return [
        name
        for name in names
        if name not in evaluated.fits or any(other[name] != parameters[name] for other, _ in jobs)
    ]


def of_columns(jobs: Sequence[Job]) -> set[str]:
    """Parameters that list which fits there are, as `strategies`: a job with others has other fits beside the same."""
    parameters = jobs[0][0]
    return {by for names in LISTED_BY.values() for by in names if isinstance(parameters.get(by), list)}


def complete(worlds: Mapping[int, Mapping[str, Mapping[Any, list[Job]]]]) -> dict[int, dict[str, dict[Any, list[Job]]]]:
    """The seeds, settings and worlds that have as many jobs side by side as any has: the others compare nothing."""
    most = max(
        len(same_seed) for settings in worlds.values() for seeds in settings.values() for same_seed in seeds.values()
    )
    kept = {
        world: {
            name: {seed: same_seed for seed, same_seed in seeds.items() if len(same_seed) == most}
            for name, seeds in settings.items()
        }
        for world, settings in worlds.items()
    }
    found = {world: {name: seeds for name, seeds in settings.items() if seeds} for world, settings in kept.items()}
    return {world: settings for world, settings in found.items() if settings}


def beside_each_other(jobs: Sequence[Job], side_by_side: Sequence[str]) -> Evaluations:
    """The fits of jobs that differ in some parameters alone, as one Evaluations; these parameters are columns then.

    ResultError for jobs that evaluated other prompts or metrics, or a parameter that is a list.
    """
    if not side_by_side:
        return jobs[0][1]
    first = jobs[0][1]
    tables, values = [], []
    for parameters, evaluated in jobs:
        if evaluated.axes != first.axes or [*evaluated.values] != [*first.values]:
            raise ResultError(
                f"jobs that differ in {', '.join(side_by_side)} have other metrics; they must be the same"
            )
        if not np.array_equal(evaluated.prompt_id_p, first.prompt_id_p):
            raise ResultError(
                f"jobs that differ in {', '.join(side_by_side)} have other prompts; they must be the same"
            )
        columns = {name: parameters[name] for name in side_by_side}
        if lists := [name for name, value in columns.items() if isinstance(value, list)]:
            raise ResultError(f"{lists[0]} is a list in each job; fits are told apart by a number or a name")
        said = " ".join(map(str, columns.values()))
        tables.append(evaluated.fits.assign(fit=evaluated.fits["fit"] + f" {said}", **columns))
        values.append(evaluated.values)
    together = {metric: np.concatenate([one[metric] for one in values]) for metric in first.values}
    return replace(first, fits=pd.concat(tables, ignore_index=True), values=together)
