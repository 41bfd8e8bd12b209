"""Which fits of finished jobs can be read, found without loading one; those nearest to a fit that cannot, and why not.

Knows the stored table of a job's fits and what a job was told; no text, no control.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.store.store import Store
from rmkit.widgets.explorer.columns import shown
from rmkit.widgets.explorer.details import Fit

REWARD_MODELS, FITS = "reward_models", "fits.parquet"  # the artifact, and its table of fits
PLAIN = {"flip": 0.0, "length_bias": 0.0, "kept_dimensions": 1.0}  # axes of a population, and what is not said of each
CHOICES = ("reward_model", "annotations", "beta", "draw", *PLAIN)  # what a fit is chosen by, in this order
WITH_WEIGHTS = ("04_reward_models", "06_accuracy_vs_policy", "09_human_preferences")  # the stages that save weights
KEPT_ALL = "kept: all in the study file keeps every one"


@dataclass(frozen=True)
class Saved:
    """A fit of which weights are stored, as it is chosen: its job, and what tells it from the job's other fits."""

    key: str
    job: PlannedJob
    varied: Mapping[str, Any]  # of CHOICES, those that the job has

    def label(self, own_job: str) -> str:
        """The fit in words; its job too, unless that is own_job."""
        fit = fit_label(self.varied)
        return fit if self.key == own_job else f"{fit} · {self.job}"


def fit_label(varied: Mapping[str, Any]) -> str:
    """linear_bt · 1,800 annotations · beta 0.5; no noise, where there is none; axes where they say more."""
    said = {"reward_model": "{}", "annotations": "{} annotations", "beta": "beta {}", "draw": "draw {}"}
    said |= {name: f"{name.replace('_', ' ')} {{}}" for name in PLAIN}
    told = {name: varied[name] for name in said if name in varied and varied[name] != PLAIN.get(name)}
    parts = [said[name].format(shown(name, value)) for name, value in told.items()]
    return " · ".join(parts).replace("beta no noise", "no noise") or "this fit"


def saved_fits(store: Store, jobs: Mapping[str, PlannedJob]) -> list[Saved]:
    """The fits with weights of finished jobs, given by key; each job's in stored order."""
    found = []
    for key, job in jobs.items():
        fits = _fits_at(store.artifact(key, REWARD_MODELS) / FITS)
        found += [Saved(key, job, varied) for varied in fits]
    return found


def nearest(saved: Sequence[Saved], fit: Fit, job: PlannedJob | None) -> list[Saved]:
    """Saved fits, first those most like one that was not saved.

    First its own job's, then its stage's; there the same head, then the nearest number of annotations, then the nearest
    noise, then the job with the fewest other parameters. job: the fit's own, None where it is gone.
    """
    return sorted(saved, key=lambda one: _unlike(one, fit, job))


def why_not(fit: Fit, saved: Sequence[Saved], job: PlannedJob | None, cells: Sequence[str]) -> str:
    """Why a fit that is not among the saved ones has no texts: a sentence without its full stop.

    cells: the reward models of its job that a notebook's cell defined, which have no weights.
    """
    own = [one for one in saved if one.key == fit.key]
    head, label = fit.varied.get("reward_model"), fit_label(fit.varied)
    if fit.stage not in WITH_WEIGHTS:
        return f"{fit.stage} saves no weights, so no texts can be shown as its fits see them"
    if job is None:
        return f"{fit.key} is no longer among the finished jobs of {fit.study}, so its fits cannot be read"
    if head in cells:
        return without_weights([str(head)])
    if head is not None and head not in job.parameters.get("reward_models", [head]):
        return f"{head} is a baseline, not a fitted reward model: it has no weights that could score texts"
    kept = sorted({one.varied["annotations"] for one in own if "annotations" in one.varied})
    if kept and "annotations" in fit.varied and fit.varied["annotations"] not in kept:
        numbers = " and ".join(shown("annotations", number) for number in kept)
        return f"The weights of {label} were not saved: its job kept those with {numbers} annotations ({KEPT_ALL})"
    return f"The weights of {label} were not saved ({KEPT_ALL})"


def without_weights(names: Sequence[str]) -> str:
    """Why a job has no weights of these reward models, in a sentence."""
    were, their = ("were", "their") if len(names) > 1 else ("was", "its")
    kept = "rows and evaluations are there"
    return f"{', '.join(names)} {were} defined in a notebook's cell, so {their} weights were not saved; {their} {kept}"


def same(varied: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether a saved fit is the wanted one, as far as both say what tells fits apart."""
    return all(varied[name] == wanted[name] for name in CHOICES if name in varied and name in wanted)


@lru_cache(maxsize=512)  # a finished job's table never changes
def _fits_at(path: Path) -> tuple[Mapping[str, Any], ...]:
    try:
        fits = pd.read_parquet(path)
    except (OSError, ValueError):  # not there, or no table any more
        return ()
    columns = [name for name in CHOICES if name in fits]
    return tuple(
        {str(name): value for name, value in row.items()} for row in fits[columns].drop_duplicates().to_dict("records")
    )


def _unlike(one: Saved, fit: Fit, job: PlannedJob | None) -> tuple[Any, ...]:
    wanted = fit.varied
    others = sum(one.job.parameters.get(name) != value for name, value in (job.parameters if job else {}).items())
    far = [
        _apart(one.varied[name], wanted[name], scale) if name in one.varied and name in wanted else 0.0
        for name, scale in SCALES
    ]
    return (
        one.key != fit.key,
        one.job.stage != fit.stage,
        one.varied.get("reward_model") != wanted.get("reward_model"),
        *far,
        others,
    )


def _noise(beta: float) -> float:
    return 1 / beta if beta else math.inf  # 0 where there is no noise: beta is infinite


SCALES = (("annotations", lambda count: math.log(max(count, 1))), ("beta", _noise))


def _apart(first: Any, second: Any, scale: Any) -> float:
    """How far two values are apart on a scale; 0 where they are equal, also where both are infinite."""
    return 0.0 if first == second else abs(scale(float(first)) - scale(float(second)))
