"""What every interval of rmkit.intervals covers, by the simulators of benchmarks/interval_coverage.py."""

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from rmkit.intervals import means

PATH = Path(__file__).resolve().parents[2] / "benchmarks" / "interval_coverage.py"


def load() -> ModuleType:
    sys.path.insert(0, str(PATH.parent))  # as `python benchmarks/interval_coverage.py` has it
    spec = importlib.util.spec_from_file_location("interval_coverage", PATH)
    module = sys.modules["interval_coverage"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


benchmark = load()


DEAR = {name for name in benchmark.SIMULATORS if "correlation" in name} | {"statistic_over_models", "value_interval"}
SHOWN = (
    "^correlation_(over_models|difference), .*M = 48: 12 kinds, medium|is noisier|kendall, M = 48: 12 kinds, medium|"
    "correlation_ceiling, M = 20|kendall, corrected, M = 30, S = 2, noise 0.7, agree 0.5|dyad_correlation, kendall pooled, F = 20: skewed|difference, spearman pooled, F = 10: dir|pearson, 20 draws|value_interval, kendall, M = 30"
)


def cheap_and_dear():
    """Every case 2,000 times; of the correlations, which are dear, one a statistic at 48 models, or one design."""
    for function, cases in benchmark.cases_by_function().items():
        dear = function in DEAR
        for case in cases:
            if not case.outside and (not dear or re.search(SHOWN, f"{function}, {case.name}")):
                yield pytest.param(case, 1000 if dear else 2000, id=f"{function}, {case.name}")


def test_every_function_that_gives_an_interval_is_found_and_has_a_simulator():
    assert benchmark.functions_with_intervals() == {
        "bootstrap_over_prompts",
        "correlation_ceiling",
        "correlation_difference",
        "correlation_difference_over_populations",
        "correlation_interval",
        "correlation_of_seed_means",
        "correlation_over_models",
        "correlation_over_populations",
        "dyad_correlation",
        "dyad_correlation_difference",
        "labels_saved",
        "labels_saved_over_worlds",
        "lead_over_another_seed",
        "over_new_worlds",
        "over_seeds_and_prompts",
        "over_these_worlds",
        "over_worlds",
        "paired_difference",
        "reliability",
        "residual_spread",
        "spread_ratio",
        "spread_ratio_over_worlds",
        "statistic_over_models",
        "t_over_seeds",
        "value_interval",
    }
    assert all(cases for cases in benchmark.cases_by_function().values())


def test_a_function_without_a_simulator_is_an_error(monkeypatch):
    def invented() -> list[means.Interval]:
        return []

    monkeypatch.setattr(means, "invented", invented, raising=False)
    with pytest.raises(SystemExit, match="invented has no simulator"):
        benchmark.cases_by_function()


def test_a_simulator_without_a_function_is_an_error(monkeypatch):
    monkeypatch.delattr(means, "t_over_seeds")
    with pytest.raises(SystemExit, match="t_over_seeds has no function"):
        benchmark.cases_by_function()


def test_an_interval_that_is_missing_or_misses_covers_nothing():
    def draw(rng, simulations):
        for low in (0.0, np.nan, 2.0, 0.5):
            yield means.Interval(low, low, low + 1, 0.95, "", "", 1), 1.0

    assert benchmark.coverage(benchmark.Case("four", draw), 4) == 0.5


@pytest.mark.parametrize(
    "function",
    [
        pytest.param(name, marks=pytest.mark.slow) if "over_populations" in name or "dyad" in name else name
        for name in sorted(benchmark.SIMULATORS)
    ],
)
def test_every_case_draws_intervals_with_a_truth(function):
    for case in benchmark.cases_by_function()[function]:
        if not re.search("M = .*:", case.name) or "pearson, M = 30" in case.name:  # the others cost much alike
            interval, truth = next(iter(case.draw(np.random.default_rng(0), 50)))
            assert interval.reason is None
            assert abs(interval.estimate - truth) < 10 * (interval.high - interval.low)


@pytest.mark.slow
def test_models_that_share_draws_are_held_too_rarely_where_the_interval_is_not_told():
    """Twenty draws of three models that hardly differ: sixty models say no more than some twenty would."""
    told, alone = (
        benchmark.coverage(
            benchmark.Case("", benchmark.over_models.in_clusters(20, 3, "pearson", share=0.9, told=told)), 200
        )
        for told in (True, False)
    )
    assert told > 0.9
    assert alone < 0.85


@pytest.mark.slow
@pytest.mark.parametrize(("case", "simulations"), list(cheap_and_dear()))
def test_a_nominal_95_percent_covers_93_to_97(case, simulations):
    assert benchmark.LOWEST <= benchmark.coverage(case, simulations) <= benchmark.HIGHEST
