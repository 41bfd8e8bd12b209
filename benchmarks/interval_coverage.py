"""Does every interval of rmkit.intervals cover what it names? Data with a known truth, drawn again and again.

The functions are found by going over the room: each that returns an Interval, a list of them or an OverWorlds needs a
simulator here, by its name. A simulator gives cases; a case draws data sets and gives each interval with the truth
that it is of.
Target: between 93% and 97% at a nominal 95%; a case that is known to miss it says why.

Run: python benchmarks/interval_coverage.py  (about 25 minutes on one core; --simulations 200 for a look)
     python benchmarks/interval_coverage.py --only "dyad|M = 15"  (the cases whose function and name match)
"""

import argparse
import importlib
import inspect
import re
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pkgutil import iter_modules
from typing import get_type_hints

import coverage_over_models as over_models
import numpy as np
from coverage_case import Case, Draw
from coverage_over_models import LONG, N_RESAMPLES, RANKED

from rmkit import intervals
from rmkit.intervals import (
    correlations,
    joint_replicates,
    label_savings,
    means,
    populations,
    spreads,
    statistics_over_models,
    worlds,
)
from rmkit.intervals.correlations import Statistic
from rmkit.intervals.means import Interval
from rmkit.intervals.worlds import OverWorlds

LOWEST, HIGHEST = 0.93, 0.97


def functions_with_intervals() -> set[str]:
    """The names of the room's public functions that return an Interval or a list of them."""
    modules = [
        importlib.import_module(f"{intervals.__name__}.{found.name}") for found in iter_modules(intervals.__path__)
    ]
    others = [module.__name__ for module in modules]  # what one module imports from another is found there
    found = [
        (name, function)
        for module in modules
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ or function.__module__ not in others
    ]
    returned = {name: get_type_hints(function).get("return") for name, function in found if not name.startswith("_")}
    return {name for name, hint in returned.items() if hint in (Interval, list[Interval], OverWorlds)}


def cases_by_function() -> dict[str, list[Case]]:
    """Every function's cases; SystemExit names a function without a simulator, and a simulator without a function."""
    found = functions_with_intervals()
    if odd := found ^ SIMULATORS.keys():
        listed = ", ".join(f"{name} has no {'simulator' if name in found else 'function'}" for name in sorted(odd))
        raise SystemExit(f"benchmarks/interval_coverage.py: {listed}")
    return {name: SIMULATORS[name]() for name in sorted(found)}


def coverage(case: Case, simulations: int, seed: int = 0) -> float:
    """The share of intervals that hold their truth; one that is missing holds nothing."""
    drawn = case.draw(np.random.default_rng(seed), int(simulations * case.times))
    return float(np.mean([interval.low <= truth <= interval.high for interval, truth in drawn]))


def prompts(n_prompts: int, *, paired: bool) -> Draw:
    """Pairs of prompts of unequal size, right or wrong around the prompt's own chance of being right."""

    def draw(rng: np.random.Generator, simulations: int) -> Iterator[tuple[Interval, float]]:
        for _ in range(simulations // 50):  # fifty data sets share their prompts' sizes and their resampled prompts
            pairs_p = np.clip(rng.geometric(0.3, size=n_prompts), 1, 12)
            hard_np = rng.normal(size=(50, n_prompts)) * 0.2
            first_np, second_np = (
                rng.binomial(pairs_p, np.clip(0.63 + shift + hard_np, 0, 1)) / pairs_p for shift in (0.0, -0.05)
            )
            if paired:
                intervals = means.paired_difference(first_np, second_np, pairs_p, rng=rng, n_resamples=1000)
            else:
                intervals = means.bootstrap_over_prompts(first_np, pairs_p, rng=rng, n_resamples=1000)
            truth = mean_chance(0.63) - (mean_chance(0.58) if paired else 0.0)
            yield from ((interval, truth) for interval in intervals)

    return draw


@cache
def mean_chance(middle: float) -> float:
    """The mean of a normal chance with s.d. 0.2, cut at 0 and 1."""
    grid = np.linspace(-6, 6, 100_001)
    weight = np.exp(-(grid**2) / 2)
    return float(np.clip(middle + 0.2 * grid, 0, 1) @ weight / weight.sum())


def seeds(n_seeds: int, effect: Callable[[np.random.Generator, int], np.ndarray]) -> Draw:
    """Independent runs whose results vary as `effect` does, around 0."""

    def draw(rng: np.random.Generator, simulations: int) -> Iterator[tuple[Interval, float]]:
        yield from ((means.t_over_seeds(effect(rng, n_seeds)), 0.0) for _ in range(simulations))

    return draw


def crossed(
    n_seeds: int, n_prompts: int, *, seed: float, prompt: float, rest: float = 1.0, skewed: bool = False
) -> Draw:
    """Seeds crossed with prompts; the numbers are the effects' standard deviations, prompts' exponential if skewed."""

    def draw(rng: np.random.Generator, simulations: int) -> Iterator[tuple[Interval, float]]:
        for _ in range(simulations):
            prompt_p = rng.exponential(size=n_prompts) - 1 if skewed else rng.normal(size=n_prompts)
            rest_sp = rest * rng.normal(size=(n_seeds, n_prompts))
            value_sp = seed * rng.normal(size=(n_seeds, 1)) + prompt * prompt_p + rest_sp
            yield means.over_seeds_and_prompts(value_sp), 0.0

    return draw


def skewed_seeds(n_seeds: int, law: str) -> Draw:
    """Seeds whose effects come from a skewed law, crossed with 100 prompts that differ by as much as their noise."""

    def draw(rng: np.random.Generator, simulations: int) -> Iterator[tuple[Interval, float]]:
        effects, mean = LAWS[law]
        for _ in range(simulations):
            noise_sp = 0.3 * rng.normal(size=100) + 0.3 * rng.normal(size=(n_seeds, 100))
            yield means.over_seeds_and_prompts(effects(rng, n_seeds)[:, None] + noise_sp), mean

    return draw


LAWS = {  # how a seed's effect is drawn, and the mean of that
    "one in five seeds at 0.24": (lambda rng, n: np.where(rng.random(n) < 0.2, 0.24, 0.0), 0.048),
    "log-normal seeds": (lambda rng, n: 0.1 * np.exp(rng.normal(size=n)), 0.1 * np.exp(0.5)),
    "one in ten seeds fails by 0.5": (lambda rng, n: np.where(rng.random(n) < 0.1, -0.5, 0.0), -0.05),
}


def new_worlds(n_worlds: int, *, skewed: bool) -> Draw:
    """Worlds of 5 seeds and 50 prompts each, whose effects are normal or log-normal of s.d. 0.3 around their mean."""

    def draw(rng: np.random.Generator, simulations: int) -> Iterator[tuple[Interval, float]]:
        for _ in range(simulations):
            normal_w = rng.normal(size=n_worlds)
            effect_w = 0.3 * (np.exp(0.5 * normal_w) - np.exp(0.125)) / SD_OF_LOG_NORMAL if skewed else 0.3 * normal_w
            seed_ws, prompt_wp = 0.2 * rng.normal(size=(n_worlds, 5)), rng.normal(size=(n_worlds, 50))
            noise_wsp = rng.normal(size=(n_worlds, 5, 50))
            value_wsp = effect_w[:, None, None] + seed_ws[:, :, None] + prompt_wp[:, None] + noise_wsp
            yield worlds.over_worlds(list(value_wsp)).interval, 0.0

    return draw


def these_worlds(n_worlds: int, n_seeds: int, n_prompts: int, *, seed: float, prompt: float, new: bool = False) -> Draw:
    """Worlds whose effects stay as they are (or are drawn anew), with new seeds and prompts in each."""

    def draw(rng: np.random.Generator, simulations: int) -> Iterator[tuple[Interval, float]]:
        fixed_w = np.random.default_rng(7).normal(size=n_worlds)
        for _ in range(simulations):
            effect_w = 0.3 * rng.normal(size=n_worlds) if new else fixed_w
            shape = (n_worlds, n_seeds, n_prompts)
            value_wsp = effect_w[:, None, None] + rng.normal(size=shape) + seed * rng.normal(size=(*shape[:2], 1))
            value_wsp += prompt * rng.normal(size=(n_worlds, 1, n_prompts))
            effects = [worlds.of_table(value_sp) for value_sp in value_wsp]
            if new:
                yield worlds.over_new_worlds(effects).interval, 0.0
            else:
                yield worlds.over_these_worlds(effects).interval, float(fixed_w.mean())

    return draw


def ratios(
    n_worlds: int, n_seeds: int, ratio: float, *, correlation: float = 0.5, law: str = "normal", several: bool = False
) -> Draw:
    """Two ways whose numbers over seeds go together, the first's `ratio` times as widely spread."""

    def draw(rng: np.random.Generator, simulations: int) -> Iterator[tuple[Interval, float]]:
        for _ in range(simulations):
            one, other = TAILS[law](rng, (2, n_worlds, n_seeds))
            first_ws, second_ws = ratio * one, correlation * one + np.sqrt(1 - correlation**2) * other
            if several:
                yield spreads.spread_ratio_over_worlds(first_ws, second_ws).interval, ratio
            else:
                yield spreads.spread_ratio(first_ws[0], second_ws[0]), ratio

    return draw


TAILS = {  # of unit variance
    "normal": lambda rng, shape: rng.normal(size=shape),
    "uniform": lambda rng, shape: rng.uniform(-np.sqrt(3), np.sqrt(3), size=shape),
    "t with 5 degrees of freedom": lambda rng, shape: rng.standard_t(5, size=shape) * np.sqrt(3 / 5),
    "skewed (gamma, skewness 1)": lambda rng, shape: (rng.gamma(4, size=shape) - 4) / 2,
}


@dataclass(frozen=True)
class Curves:
    """Scores of two ways after 50 to 300 labels, which grow with the logarithm of labels."""

    ahead: float = 0.0  # how many labels the first way is ahead by, as a factor's logarithm
    seed: float = 0.1  # s.d. of what a seed adds to a way's whole curve
    point: float = 0.1  # s.d. of what a seed adds to a point of it
    prompt: float = 0.5  # s.d. between prompts of the lead of the first way
    rest: float = 0.5

    def drawn(self, rng: np.random.Generator, n_seeds: int, n_prompts: int) -> list[np.ndarray]:
        """Two tables (seeds, numbers of labels, prompts)."""
        shape, hard_p = (n_seeds, len(COUNTS), n_prompts), rng.normal(size=n_prompts)
        found = []
        for lead_p in (self.ahead + self.prompt * rng.normal(size=n_prompts), np.zeros(n_prompts)):
            of_seed_sc = self.seed * rng.normal(size=(n_seeds, 1)) + self.point * rng.normal(size=shape[:2])
            rest_scp = self.rest * rng.normal(size=shape)
            found.append(np.log(COUNTS)[:, None] + hard_p + lead_p + of_seed_sc[..., None] + rest_scp)
        return found


COUNTS = np.arange(50.0, 301.0, 50.0)


@cache
def true_saving(curves: Curves, n_prompts: int) -> float:
    """The mean saving of a new seed as so many new prompts measure it, over 20,000 of them."""
    rng = np.random.default_rng(11)
    found = []
    for _ in range(2000):
        first_scp, second_scp = curves.drawn(rng, 10, n_prompts)
        found.append(label_savings.saved_share(first_scp.mean(axis=2), second_scp.mean(axis=2), COUNTS).mean())
    return float(np.mean(found))


def savings(curves: Curves, n_seeds: int, *, n_worlds: int = 0, n_prompts: int = 50) -> Draw:
    """Two ways of choosing labels, on the same prompts with the same seeds; in several worlds if there are any."""

    def draw(rng: np.random.Generator, simulations: int) -> Iterator[tuple[Interval, float]]:
        truth = true_saving(curves, n_prompts)
        for _ in range(simulations):
            made = [(*curves.drawn(rng, n_seeds, n_prompts), COUNTS) for _ in range(n_worlds or 1)]
            if n_worlds:
                yield label_savings.labels_saved_over_worlds(made, rng=rng).interval, truth
            else:
                yield label_savings.labels_saved(*made[0], rng=rng), truth

    return draw


SD_OF_LOG_NORMAL = np.sqrt((np.exp(0.25) - 1) * np.exp(0.25))  # of exp(z / 2), whose skewness is 1.75


@dataclass(frozen=True)
class Population:
    """Reward models: what metric and two outcomes measure, and the noise of measuring it on 50 prompts."""

    first: float  # correlation of the metric's quality with the first outcome's, in the population
    second: float
    between: float = 0.5  # and of one outcome's with the other's
    kinds: int = 0  # clusters (kind x noise x size) that models come in; 0 for a normal population
    noise: float = 0.4  # s.d. of each model's own noise in a mean, beside quality of s.d. 1
    shared: float = 0.0  # s.d. of a mean's movement with prompts that favour a trait, times the model's trait

    def quality(self, rng: np.random.Generator, n_models: int) -> np.ndarray:
        """(models, 3): metric, first outcome, second outcome."""
        covariance = np.array(
            [[1, self.first, self.second], [self.first, 1, self.between], [self.second, self.between, 1]]
        )
        normal = rng.normal(size=(n_models, 3))
        if self.kinds:  # a fifth of the standard deviation is within clusters
            normal = self.centres()[rng.integers(self.kinds, size=n_models)] * np.sqrt(0.96) + 0.2 * normal
        return normal @ np.linalg.cholesky(covariance).T

    def centres(self) -> np.ndarray:
        """(kinds, 3) fixed places of the clusters, of mean 0 and exactly unit covariance."""
        place = np.random.default_rng(7).normal(size=(self.kinds, 3))
        place -= place.mean(axis=0)
        return np.linalg.solve(np.linalg.cholesky(np.cov(place.T, bias=True)), place.T).T

    def measured(self, rng: np.random.Generator, n_models: int, n_prompts: int) -> list[np.ndarray]:
        """Three tables (models, prompts); the outcomes' two share their prompts, the metric has its own."""
        quality_mt, trait_m = self.quality(rng, n_models), rng.normal(size=n_models)
        metric_p, outcome_p = rng.normal(size=(2, n_prompts))
        tables = []
        for quality_m, favour_p in zip(quality_mt.T, (metric_p, outcome_p, outcome_p), strict=True):
            own_mp = self.noise * rng.normal(size=(n_models, n_prompts)) + self.shared * np.outer(trait_m, favour_p)
            tables.append(quality_m[:, None] + 2 * favour_p + np.sqrt(n_prompts) * own_mp)
        return tables


@cache
def true_correlations(population: Population, statistic: str) -> tuple[float, float]:
    """Of the metric with each outcome, over 2,000 models at a time, on the average over 200 sets of prompts."""
    rng, found = np.random.default_rng(11), []
    for _ in range(200):
        metric_m, *outcomes = (table[:, 0] for table in population.measured(rng, 2000, 1))  # one prompt worth fifty
        found.append([RANKED[statistic](metric_m, outcome_m) for outcome_m in outcomes])
    first, second = np.mean(found, axis=0)
    return float(first), float(second)


def models(population: Population, statistic: str, *, n_models: int, kind: str) -> Draw:
    """Reward models drawn from a population and measured on 50 prompts for the metric and 50 for the outcomes."""

    def difference(means: list[np.ndarray]) -> np.ndarray:
        first, second = (correlations.CORRELATIONS[statistic](means[0], outcome) for outcome in means[1:])
        return first - second

    def draw(rng: np.random.Generator, simulations: int) -> Iterator[tuple[Interval, float]]:
        first, second = true_correlations(population, statistic)
        options = {"statistic": statistic, "rng": rng, "n_resamples": N_RESAMPLES}
        for _ in range(simulations):
            tables = population.measured(rng, n_models, 50)
            if kind == "difference":
                yield correlations.correlation_difference(*tables, **options), first - second
            elif kind in ("jointly", "difference jointly"):
                both = jointly(tables, statistic, rng)
                if kind == "jointly":
                    yield joint_replicates.correlation_interval(both[0], statistic, n_prompts=50), first
                else:
                    apart = joint_replicates.combined(lambda found_kr: found_kr[0] - found_kr[1], both)
                    yield joint_replicates.value_interval(apart, n_prompts=50), first - second
            elif kind == "statistic":
                found = statistics_over_models.statistic_over_models(
                    difference, tables, prompts=[0, 1, 1], rng=rng, n_resamples=N_RESAMPLES
                )
                yield found, first - second
            else:
                yield correlations.correlation_over_models(*tables[:2], **options), first

    return draw


def jointly(
    tables: list[np.ndarray], statistic: Statistic, rng: np.random.Generator
) -> list[joint_replicates.Replicated]:
    """The correlations of a measure with two outcomes, replicated together."""
    measure_mp, *outcomes = tables
    of_measure, of_outcomes = (
        joint_replicates.forms(
            statistic,
            joint_replicates.means(
                np.stack(some), joint_replicates.PromptDraws.of(len(measure_mp), 50, N_RESAMPLES, rng)
            ),
        )
        for some in ([measure_mp], outcomes)
    )
    full_o = correlations.CORRELATIONS[statistic](measure_mp.mean(axis=1), np.stack(outcomes).mean(axis=2))
    parts = joint_replicates.correlated(of_measure, of_outcomes)
    return [joint_replicates.Replicated(full, *(part_otr[o, 0] for part_otr in parts)) for o, full in enumerate(full_o)]


@dataclass(frozen=True)
class Design:
    """Reward models of 36 kinds, the same in every population; seeds, prompts and each model's own noise differ."""

    first: float  # correlation over kinds of the metric's quality with the first outcome's
    second: float  # and with the second outcome's; of one outcome's with the other's it is 0.5
    shared: float = 0.0  # s.d. of a mean's movement with prompts that favour a trait of kinds
    seed: float = 0.0  # s.d. of what a seed adds to the quality of kinds with that trait
    odd: bool = False  # whether the noise of one population in five is three times as large

    def drawn(self, rng: np.random.Generator, n_seeds: int, n_prompts: int) -> list[list[np.ndarray]]:
        """Metric, first and second outcome: a table (models, prompts) for each population."""
        fixed, favours = np.random.default_rng(7), rng.normal(size=(2, n_prompts))
        place_mt, trait_m = Population(self.first, self.second).quality(fixed, 36), fixed.normal(size=36)
        found: list[list[np.ndarray]] = [[], [], []]
        for _ in range(n_seeds):
            quality_mt = place_mt + 0.3 * rng.normal(size=(36, 3)) + self.seed * rng.normal(size=3) * trait_m[:, None]
            noise = 0.3 * (3 if self.odd and rng.random() < 0.2 else 1)
            for tables, quality_m, favour_p in zip(found, quality_mt.T, favours[[0, 1, 1]], strict=True):
                own_mp = noise * rng.normal(size=(36, n_prompts)) + self.shared * np.outer(trait_m, favour_p)
                tables.append(quality_m[:, None] + 2 * favour_p + np.sqrt(n_prompts) * own_mp)
        return found


@cache
def true_of_design(design: Design) -> tuple[float, float]:
    """The correlation with the first outcome, mean on Fisher's z, and the mean difference: over 500 sets of prompts."""
    rng, z, differences = np.random.default_rng(11), [], []
    for _ in range(500):
        for metric_mp, *outcomes in zip(*design.drawn(rng, 5, 1), strict=True):  # one prompt worth fifty
            first, second = (RANKED["kendall"](metric_mp[:, 0], outcome_mq[:, 0]) for outcome_mq in outcomes)
            z.append(np.arctanh(first))
            differences.append(first - second)
    return float(np.tanh(np.mean(z))), float(np.mean(differences))


def several_populations(design: Design, *, difference: bool) -> Draw:
    """Five populations of one design, measured on 50 prompts for the metric and 50 for the outcomes."""

    def draw(rng: np.random.Generator, simulations: int) -> Iterator[tuple[Interval, float]]:
        correlation, gap = true_of_design(design)
        options = {"statistic": "kendall", "rng": rng, "n_resamples": N_RESAMPLES}
        for _ in range(simulations):
            tables = design.drawn(rng, 5, 50)
            if difference:
                yield populations.correlation_difference_over_populations(*tables, **options), gap
            else:
                yield populations.correlation_over_populations(*tables[:2], **options), correlation

    return draw


DESIGNS = {
    "seeds alike": Design(0.8, 0.4),
    "prompts favour a trait": Design(0.6, 0.3, shared=0.3),
    "seeds favour a trait": Design(0.6, 0.3, seed=0.5),
    "one population in five is noisier": Design(0.6, 0.3, odd=True),
}


UNEVEN = "what prompts do to a difference depends on which they are, more than one set of prompts can show"


def population_cases(*, difference: bool) -> list[Case]:
    return [
        Case(
            f"kendall, 5 populations of 36: {name}",
            several_populations(design, difference=difference),
            UNEVEN if design.shared else "",
            times=0.5,
        )
        for name, design in DESIGNS.items()
    ]


POPULATIONS = {
    "normal, strong against weak": Population(0.9, 0.5, noise=0.2),
    "12 kinds, medium against weak": Population(0.6, 0.3, kinds=12),
    "12 kinds, prompts favour a trait": Population(0.6, 0.6, kinds=12, shared=0.3),
    "normal, outcomes nearly the same": Population(0.6, 0.5, between=0.98, noise=0.1),
}


WIDE = "a little too wide: of 1,000, 97.2% hold the truth"


def few_models(statistic: str, n_models: int, *, one: bool) -> str:
    """Why an interval over so few models is known to leave the target, if it is."""
    if n_models >= 30 or (one and statistic == "pearson"):
        return ""
    return "the error of Pearson's difference is not seen in 20 models" if statistic == "pearson" else LONG


def correlation_cases(kind: str) -> list[Case]:
    normal, kinds, favoured, alike = POPULATIONS
    one, fewest = kind in ("one", "jointly"), correlations.FEWEST_OF_DIFFERENCE
    rows = [(48, kinds), (30, favoured)]
    if kind in ("one", "difference"):
        rows += [(48, normal), (48, favoured), (72, normal)]
    if kind == "difference":
        rows += [(48, alike)]
    few = [(m, name) for m in ((15, 20) if one else (20,)) for name in (normal, kinds, favoured)]
    return [
        Case(
            f"{statistic}, M = {m}: {name}",
            models(POPULATIONS[name], statistic, n_models=m, kind=kind),
            outside=WIDE
            if (kind, statistic, m, name) == ("difference jointly", "kendall", 48, kinds)
            else few_models(statistic, m, one=one),
            times=0.25 if m < 30 or kind not in ("one", "difference") else 1,
        )
        for statistic in RANKED
        for m, name in rows + few
        if kind != "difference" or m >= fewest[statistic]
    ]


def prompt_cases(*, paired: bool) -> list[Case]:
    return [Case(f"P = {n_prompts}", prompts(n_prompts, paired=paired)) for n_prompts in (100, 2300)]


def seed_cases() -> list[Case]:
    return [
        Case("S = 5, normal", seeds(5, lambda rng, n: rng.normal(size=n)), times=5),
        Case("S = 5, mildly skewed (gamma, skewness 1)", seeds(5, lambda rng, n: rng.gamma(4, size=n) - 4), times=5),
    ]


def crossed_cases() -> list[Case]:
    worlds = {
        "seeds alone": {"seed": 1, "prompt": 0},
        "prompts alone": {"seed": 0, "prompt": 1},
        "both": {"seed": 0.2, "prompt": 1},
        "tiny seeds": {"seed": 0.03, "prompt": 1},
        "skewed prompts": {"seed": 0.1, "prompt": 1, "skewed": True},
        "weak seeds and prompts": {"seed": 0.05, "prompt": 0.3},
    }
    sizes = ((5, 100), (5, 50), (7, 100), (10, 100), (20, 100))
    cases = [
        Case(f"S = {n_seeds}, P = {n_prompts}: {name}", crossed(n_seeds, n_prompts, **world), times=5)
        for n_seeds, n_prompts in sizes
        for name, world in worlds.items()
    ]
    alone = "seed effects that are nothing cannot be told from small ones by five seeds"
    unseen = "what few seeds do rarely and by much is not among the few seeds that were run"
    return [
        *cases,
        Case("S = 5, P = 100: neither", crossed(5, 100, seed=0, prompt=0), alone, times=5),
        *(
            Case(f"S = {n_seeds}, P = 100: {law}", skewed_seeds(n_seeds, law), unseen)
            for law in LAWS
            for n_seeds in (5, 7, 10, 20)
        ),
    ]


def world_cases() -> list[Case]:
    return [
        Case(f"W = {n}, {'log-normal' if skewed else 'normal'}", new_worlds(n, skewed=skewed))
        for skewed in (False, True)
        for n in (5, 10)
    ]


def these_worlds_cases() -> list[Case]:
    worlds = {"both": (0.2, 1.0), "seeds alone": (1.0, 0.0), "weak seeds and prompts": (0.05, 0.3)}
    return [
        Case(f"W = {w}, S = {s}, P = {p}: {name}", these_worlds(w, s, p, seed=seed, prompt=prompt))
        for w, s, p in ((3, 10, 50), (3, 5, 100), (2, 10, 100))
        for name, (seed, prompt) in worlds.items()
    ]


def ratio_cases(*, several: bool) -> list[Case]:
    tails = "an interval of spreads leans on the normal law's tails"
    w = 3 if several else 1
    normal = [(s, ratio, rho) for s in (5, 10, 20) for ratio, rho in ((1.0, 0.0), (1.0, 0.8), (2.0, 0.5))]
    return [
        *(
            Case(
                f"S = {s}, ratio {ratio:g}, correlation {rho:g}", ratios(w, s, ratio, correlation=rho, several=several)
            )
            for s, ratio, rho in normal
        ),
        *(Case(f"S = 10: {law}", ratios(w, 10, 1.0, law=law, several=several), tails) for law in [*TAILS][1:]),
    ]


def saving_cases(n_worlds: int = 0) -> list[Case]:
    kinds = {
        "nothing saved": Curves(),
        "a third saved": Curves(ahead=0.4),
        "a third saved, seeds alone": Curves(ahead=0.4, prompt=0.0),
        "points that jump": Curves(ahead=0.2, point=0.4),
    }
    return [
        Case(f"S = {s}: {name}", savings(curves, s, n_worlds=n_worlds), times=0.25)
        for s in (5, 10, 20)
        for name, curves in kinds.items()
    ]


SIMULATORS: dict[str, Callable[[], list[Case]]] = {
    "bootstrap_over_prompts": lambda: prompt_cases(paired=False),
    "paired_difference": lambda: prompt_cases(paired=True),
    "t_over_seeds": seed_cases,
    "over_seeds_and_prompts": crossed_cases,
    "over_worlds": world_cases,
    "over_new_worlds": lambda: [
        Case(f"W = {w}", these_worlds(w, 5, 50, seed=0.2, prompt=1.0, new=True)) for w in (5, 10)
    ],
    "over_these_worlds": these_worlds_cases,
    "spread_ratio": lambda: ratio_cases(several=False),
    "spread_ratio_over_worlds": lambda: ratio_cases(several=True),
    "labels_saved": saving_cases,
    "labels_saved_over_worlds": lambda: saving_cases(n_worlds=3),
    "correlation_over_models": lambda: correlation_cases("one") + over_models.cluster_cases(difference=False),
    "correlation_difference": lambda: correlation_cases("difference") + over_models.cluster_cases(difference=True),
    "statistic_over_models": lambda: correlation_cases("statistic"),
    "correlation_interval": lambda: correlation_cases("jointly"),
    "value_interval": lambda: correlation_cases("difference jointly"),
    "dyad_correlation": lambda: over_models.dyad_cases(difference=False),
    "dyad_correlation_difference": lambda: over_models.dyad_cases(difference=True),
    "reliability": over_models.reliability_cases,
    "correlation_ceiling": over_models.ceiling_cases,
    "correlation_of_seed_means": over_models.seed_mean_cases,
    "lead_over_another_seed": over_models.lead_cases,
    "residual_spread": over_models.residual_cases,
    "correlation_over_populations": lambda: population_cases(difference=False),
    "correlation_difference_over_populations": lambda: population_cases(difference=True),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulations", type=int, default=2000, help="data sets a case, a multiple of 50")
    parser.add_argument("--only", default="", help="a regular expression of 'function, case'")
    arguments = parser.parse_args()
    simulations, missed = arguments.simulations, []
    print("| function | case | simulations | coverage of 95% | its s.e. | seconds |")
    print("|---|---|---|---|---|---|")
    for function, cases in cases_by_function().items():
        for case in cases:
            if not re.search(arguments.only, f"{function}, {case.name}"):
                continue
            began = time.perf_counter()
            share = coverage(case, simulations)
            drawn, seconds = int(simulations * case.times), time.perf_counter() - began
            error = np.sqrt(share * (1 - share) / drawn)
            print(f"| {function} | {case.name} | {drawn} | {share:.3f} | {error:.3f} | {seconds:.1f} |", flush=True)
            if not (LOWEST <= share <= HIGHEST or case.outside):
                missed.append(f"{function}, {case.name}: {share:.3f}")
    if missed:
        sys.exit(f"not within {LOWEST} to {HIGHEST}: " + "; ".join(missed))


if __name__ == "__main__":
    main()
