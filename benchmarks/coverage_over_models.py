"""Simulated reward models for interval_coverage.py: their pairs, their policy seeds, the draws that they share.

Every population has a known truth, in closed form or from many independent draws of it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from coverage_case import Case, Draw
from scipy.stats import kendalltau, pearsonr, spearmanr

from rmkit.intervals import attenuation, correlations, dyads, residual_spreads
from rmkit.intervals.means import Interval

RANKED: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "kendall": lambda x, y: kendalltau(x, y)[0],
    "spearman": lambda x, y: spearmanr(x, y)[0],
    "pearson": lambda x, y: pearsonr(x, y)[0],
}
N_RESAMPLES = 200
LONG = "a jackknife of few ranks errs on the long side"
TWICE = "a jackknife over models counts the noise of each pair twice"
FAR_OFF = "a few models far from the rest make Pearson's correlation, and few of them are seen in 30"
BOUNDED = "a corrected correlation is 1 at most, so that limits near 1 err on the long side"


def of_normal(pearson: float, statistic: str) -> float:
    """A rank correlation under a bivariate normal law of this Pearson correlation."""
    found: float = {
        "pearson": pearson,
        "kendall": 2 / np.pi * np.arcsin(pearson),
        "spearman": 6 / np.pi * np.arcsin(pearson / 2),
    }[statistic]
    return found


def correlated(rng: np.random.Generator, shape: Sequence[int], first: float, second: float) -> np.ndarray:
    """(3, *shape) normal numbers: the first correlates with the others as asked, and these with each other by 0.5."""
    root = np.linalg.cholesky([[1, first, second], [first, 1, 0.5], [second, 0.5, 1]])
    return np.tensordot(root, rng.normal(size=(3, *shape)), axes=1)


@dataclass(frozen=True)
class Dyads:
    """Ordered pairs of models: what golden and proxy bring, and each pair's own noise."""

    own: float = 0.3  # s.d. of a pair's own noise, where golden and proxy bring 1 each
    skewed: bool = False  # whether what models bring is skewed, as where a few are far worse
    directions: bool = False  # whether models are directions in space, and a pair has their cosine

    def drawn(self, rng: np.random.Generator, n_models: int) -> np.ndarray:
        """(3, F, F) measure and two outcomes of F models."""
        if self.directions:
            model_fd = self.vectors(rng, n_models)
            return self.measured(rng, model_fd[:, None], model_fd)
        golden_cg, proxy_cp = (self.effects(rng, n_models) for _ in range(2))
        return self.measured(rng, golden_cg[:, :, None], proxy_cp[:, None])

    def measured(self, rng: np.random.Generator, golden: np.ndarray, proxy: np.ndarray) -> np.ndarray:
        """(3, ...) of goldens and proxies that broadcast: vectors (..., 8), or effects (3, ...)."""
        if not self.directions:
            sum_ce = golden + proxy
            return sum_ce + self.own * rng.normal(size=sum_ce.shape)
        cosines = []
        for side_d in SIDES:
            long, wide = golden * side_d, proxy * side_d
            cosines.append((long * wide).sum(axis=-1) / np.linalg.norm(long, axis=-1) / np.linalg.norm(wide, axis=-1))
        return np.stack(cosines) + 0.05 * rng.normal(size=(3, *cosines[0].shape))

    def effects(self, rng: np.random.Generator, n: int) -> np.ndarray:
        effect_cn = correlated(rng, (n,), 0.8, 0.4)
        return np.exp(0.7 * effect_cn) if self.skewed else effect_cn

    def vectors(self, rng: np.random.Generator, n: int) -> np.ndarray:
        noise_n = np.exp(rng.normal(np.log(0.7), 0.5, size=(n, 1)))
        return np.ones(8) + noise_n * rng.normal(size=(n, 8))

    @cache  # noqa: B019  (frozen, and few of them)
    def truth(self, statistic: str, within_golden: bool) -> tuple[float, float]:
        """The correlation of the measure with each outcome, from many goldens, each with proxies of its own."""
        rng = np.random.default_rng(11)
        draw = self.vectors if self.directions else self.effects
        if within_golden:
            n_goldens = 200 if self.directions else 20  # what a golden adds to all of its proxies changes no order
            goldens = draw(rng, n_goldens) if self.directions else draw(rng, n_goldens).T[..., None]
            tables = [
                self.measured(rng, golden, draw(rng, 5000 if not self.directions else 1000)) for golden in goldens
            ]
        else:
            tables = [self.measured(rng, draw(rng, 200_000), draw(rng, 200_000))]
        found = [[RANKED[statistic](measure_p, outcome_p) for outcome_p in outcomes] for measure_p, *outcomes in tables]
        first, second = np.mean(found, axis=0)
        return float(first), float(second)


SIDES = (np.ones(8), np.linspace(0.6, 1.4, 8), np.linspace(0.2, 1.8, 8))  # what each axis counts: measure, outcomes
POPULATIONS = {
    "normal": Dyads(),
    "noisy pairs": Dyads(own=1.5),
    "skewed": Dyads(skewed=True),
    "directions": Dyads(directions=True),
}


def pairs_of(population: Dyads, statistic: str, n_models: int, *, within_golden: bool, difference: bool) -> Draw:
    """Models that are each the golden one once."""

    def draw(rng: np.random.Generator, simulations: int) -> Iterator[tuple[Interval, float]]:
        first, second = population.truth(statistic, within_golden)
        options = {"statistic": statistic, "within_golden": within_golden, "rng": rng}
        for _ in range(simulations):
            tables = population.drawn(rng, n_models)
            if difference:
                yield dyads.dyad_correlation_difference(*tables, **options), first - second
            else:
                yield dyads.dyad_correlation(*tables[:2], **options), first

    return draw


def dyad_cases(*, difference: bool) -> list[Case]:
    rows = [("kendall", within, f) for within in (False, True) for f in (10, 20, 30)]
    rows += [("spearman", False, 10), ("spearman", True, 20), ("pearson", False, 30), ("pearson", True, 30)]
    return [
        Case(
            f"{statistic} {'within golden' if within else 'pooled'}, F = {f}: {name}",
            pairs_of(population, statistic, f, within_golden=within, difference=difference),
            outside=FAR_OFF if statistic == "pearson" else TWICE if within or population.own > 1 else "",
            times=0.1 if f > 20 and statistic == "kendall" else 0.25,
        )
        for statistic, within, f in rows
        for name, population in POPULATIONS.items()
    ]


@dataclass(frozen=True)
class Seeds:
    """Models whose two outcomes are seen in a few policy seeds each, with noise of every seed's own."""

    n_models: int
    n_seeds: int
    noise: float = 0.7  # s.d. of a seed's noise, where models spread by 1
    agree: float = 0.8  # correlation of the true outcomes
    even: bool = False  # whether the first outcome is spread evenly, as flip rates are, instead of normally
    uneven_noise: bool = False  # whether one model in four has three times the noise

    def drawn(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The first true outcome (M,), and both outcomes (M, S)."""
        first_m, own_m = rng.normal(size=(2, self.n_models))
        if self.even:
            first_m = rng.uniform(-np.sqrt(3), np.sqrt(3), size=self.n_models)
        second_m = self.agree * first_m + np.sqrt(1 - self.agree**2) * own_m
        noise_m = np.full(self.n_models, self.noise)
        if self.uneven_noise:
            noise_m = noise_m * np.where(rng.random(self.n_models) < 0.25, 3, 1)
        tables = [
            true_m[:, None] + noise_m[:, None] * rng.normal(size=(self.n_models, self.n_seeds))
            for true_m in (first_m, second_m)
        ]
        return first_m, tables[0], tables[1]

    def reliability(self, n_seeds: int) -> float:
        noise = self.noise**2 * (0.75 + 0.25 * 9 if self.uneven_noise else 1)
        return 1 / (1 + noise / n_seeds)

    def __str__(self) -> str:
        odd = ", even models" * self.even + ", uneven noise" * self.uneven_noise
        return f"M = {self.n_models}, S = {self.n_seeds}, noise {self.noise:g}, agree {self.agree:g}{odd}"


def in_seeds(world: Seeds, truth: float, interval_of: Callable[..., Interval]) -> Draw:
    """interval_of: the first true outcome and both tables."""

    def draw(rng: np.random.Generator, simulations: int) -> Iterator[tuple[Interval, float]]:
        yield from ((interval_of(*world.drawn(rng)), truth) for _ in range(simulations))

    return draw


def reliability_cases() -> list[Case]:
    worlds = [Seeds(m, s, noise) for m in (15, 20, 30) for s, noise in ((2, 0.7), (3, 1.0))]
    worlds += [Seeds(20, 2, even=True), Seeds(20, 2, uneven_noise=True)]
    tails = "a variance of noise that a quarter of the models make is not seen in few of them"
    return [
        Case(
            str(world),
            in_seeds(world, world.reliability(world.n_seeds), lambda _, first, __: attenuation.reliability(first)),
            outside=tails if world.uneven_noise else "",
        )
        for world in worlds
    ]


def ceiling_cases() -> list[Case]:
    worlds = [Seeds(m, s, noise) for m in (20, 30) for s, noise in ((2, 0.7), (3, 1.0))]
    return [
        Case(
            str(world),
            in_seeds(
                world,
                world.reliability(world.n_seeds),  # both outcomes are as reliable
                lambda _, first, second: attenuation.correlation_ceiling(first, second),
            ),
        )
        for world in worlds
    ]


def seed_mean_cases() -> list[Case]:
    worlds = [Seeds(m, 2, agree=agree) for m in (15, 20, 30) for agree in (0.5, 0.9)]
    found = []
    for statistic in ("kendall", "pearson"):
        for world in worlds:
            for corrected in (False, True):

                def interval(_, first, second, statistic=statistic, corrected=corrected):
                    return attenuation.correlation_of_seed_means(
                        first, second, statistic=statistic, corrected=corrected
                    )

                below = 1.0 if corrected else world.reliability(world.n_seeds)
                truth = of_normal(world.agree * below, statistic)
                name = f"{statistic}{', corrected' if corrected else ''}, {world}"
                outside = BOUNDED if corrected and world.agree > 0.8 else LONG if world.n_models < 20 else ""
                found.append(Case(name, in_seeds(world, truth, interval), outside, times=0.25))
    return found


def lead_cases() -> list[Case]:
    worlds = [Seeds(m, s, agree=0.5) for m in (20, 30) for s in (2, 3)]
    found = []
    for statistic in RANKED:
        for world in worlds:

            def interval(measure_m, _, outcome_ms, statistic=statistic):
                return attenuation.lead_over_another_seed(measure_m, outcome_ms, statistic=statistic)

            of_others, of_one = (world.reliability(n) for n in (world.n_seeds - 1, 1))
            truth = of_normal(world.agree * np.sqrt(of_others), statistic)
            truth -= of_normal(np.sqrt(of_one * of_others), statistic)
            found.append(Case(f"{statistic}, {world}", in_seeds(world, truth, interval), times=0.25))
    return found


def residuals(n_models: int, fit: str, *, even: bool) -> Draw:
    """Outcomes about a line in accuracy, with a spread of 0.1 beside noise of 0.1."""

    def draw(rng: np.random.Generator, simulations: int) -> Iterator[tuple[Interval, float]]:
        for _ in range(simulations):
            accuracy_m = rng.uniform(-1, 1, size=n_models) if even else rng.normal(size=n_models) / np.sqrt(3)
            outcome_m = accuracy_m + np.sqrt(0.02) * rng.normal(size=n_models)
            yield residual_spreads.residual_spread(accuracy_m, outcome_m, 0.01, fit=fit), 0.1

    return draw


def residual_cases() -> list[Case]:
    return [
        Case(f"{fit}, M = {m}, {'even' if even else 'normal'} accuracies", residuals(m, fit, even=even))
        for m in (15, 20, 60)
        for fit, even in (("line", True), ("line", False), ("parabola", True))
    ]


def in_clusters(
    n_clusters: int, size: int, statistic: str, *, share: float = 0.5, told: bool = True, difference: bool = False
) -> Draw:
    """Models that share a draw of pairs, which brings a share of the variance of their qualities."""

    def draw(rng: np.random.Generator, simulations: int) -> Iterator[tuple[Interval, float]]:
        cluster_m = np.repeat(np.arange(n_clusters), size)
        noise = 0.3
        first, second = (of_normal(r / (1 + noise**2), statistic) for r in (0.8, 0.4))
        options = {"statistic": statistic, "rng": rng, "n_resamples": N_RESAMPLES}
        options["cluster_m"] = cluster_m if told else None
        for _ in range(simulations):
            shared_cg, own_cm = (correlated(rng, (n,), 0.8, 0.4) for n in (n_clusters, len(cluster_m)))
            quality_cm = np.sqrt(share) * shared_cg[:, cluster_m] + np.sqrt(1 - share) * own_cm
            noise_cmp = noise * np.sqrt(30) * rng.normal(size=(3, len(cluster_m), 30))
            tables = quality_cm[..., None] + noise_cmp
            if difference:
                yield correlations.correlation_difference(*tables, **options), first - second
            else:
                yield correlations.correlation_over_models(*tables[:2], **options), first

    return draw


def cluster_cases(*, difference: bool) -> list[Case]:
    return [
        Case(
            f"{statistic}, {g} draws of {size} models",
            in_clusters(g, size, statistic, difference=difference),
            times=0.25,
        )
        for statistic in RANKED
        for g, size in ((10, 4), (20, 3))
    ]
