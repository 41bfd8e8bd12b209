"""Intervals: an estimate never travels without its uncertainty, and the uncertainty says what it is of.

`means` has those of means over prompts and seeds, `correlations` those of correlations over reward models. What each
function here covers is measured by benchmarks/interval_coverage.py; docs/log/interval-coverage.md has the table.
"""

from rmkit.intervals.correlations import (
    FEWEST_MODELS,
    NEW_MODELS_NEW_PROMPTS,
    Statistic,
    correlation_difference,
    correlation_over_models,
)
from rmkit.intervals.means import (
    FEWEST_PROMPTS,
    FEWEST_SEEDS,
    NEW_PROMPTS_THESE_FITS,
    NEW_SEEDS_NEW_PROMPTS,
    Interval,
    bootstrap_over_prompts,
    over_seeds_and_prompts,
    paired_difference,
    resampled_means,
    smallest_detectable,
    t_over_seeds,
)

__all__ = [
    "FEWEST_MODELS",
    "FEWEST_PROMPTS",
    "FEWEST_SEEDS",
    "NEW_MODELS_NEW_PROMPTS",
    "NEW_PROMPTS_THESE_FITS",
    "NEW_SEEDS_NEW_PROMPTS",
    "Interval",
    "Statistic",
    "bootstrap_over_prompts",
    "correlation_difference",
    "correlation_over_models",
    "over_seeds_and_prompts",
    "paired_difference",
    "resampled_means",
    "smallest_detectable",
    "t_over_seeds",
]
