"""Policies trained for reward models, as the evaluations of a population: what they earn on the way and at equal KL.

A run is the table of the responses that were tracked while a policy was optimised: step, prompt_id, sample, answer,
gold_reward, proxy_reward, kl, kl_by_token, n_tokens, stopped, and reason ("" unless it did not come to its end). All
runs answer the same prompts with the same random numbers, so step 0 is one base policy. A run without an end has no
value anywhere: what it earned before it diverged was no result of its reward. Knows tables; no language model. Sources:
arXiv 2410.05584, sections 2 and 3; Gao et al. 2023 (arXiv 2210.10760) for gold along the square root of KL.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from rmkit.artifacts.evaluations import Evaluations
from rmkit.artifacts.metric import Axis, Metric
from rmkit.errors import DataError
from rmkit.evaluation.population import BASE, GOLD, STORED, TRAINED, measures_of
from rmkit.policies.pressure import Curve

Runs = Mapping[str, pd.DataFrame]  # by fit; GOLD is the run that optimises gold itself
TOO_NEAR = "its run never got this far from the base"


def even_steps(value_f: np.ndarray, n: int) -> np.ndarray:
    """(n,) positions among F values, ascending by value: those nearest to n even steps from the least to the most.

    Each position once, the sum of distances as small as it can be. DataError for n not in 1..F, or a missing value.
    """
    from scipy.optimize import linear_sum_assignment

    value_f = np.asarray(value_f, dtype=np.float64)
    if not 1 <= n <= len(value_f) or not np.isfinite(value_f).all():
        raise DataError(f"choosing {n} of {len(value_f)} reward models: choose 1 to all of them, each with a value")
    goal_n = np.linspace(value_f.min(), value_f.max(), n)
    chosen = linear_sum_assignment(np.abs(goal_n[:, None] - value_f))[1]
    return chosen[np.argsort(value_f[chosen], kind="stable")]


def ended(run: pd.DataFrame) -> bool:
    """Whether a run came to its end."""
    return not run["reason"].iloc[0]


def means_pt(run: pd.DataFrame, column: str) -> np.ndarray:
    """(P, T) the mean of a column over a prompt's responses at each tracked step, prompts and steps ascending."""
    return run.pivot_table(index="prompt_id", columns="step", values=column, aggfunc="mean").to_numpy(np.float64)


def tracked_curve(run: pd.DataFrame, column: str = "gold_reward") -> Curve:
    """What a column gains over step 0, prompt by prompt, at each tracked step and its KL: the mean of kl_by_token."""
    value_pt = means_pt(run, column)
    steps_t, kl_t = np.unique(run["step"]), means_pt(run, "kl_by_token").mean(axis=0)
    return Curve(steps_t.astype(np.float64), np.maximum(kl_t, 0.0), value_pt - value_pt[:, :1])


def at_kl(run: pd.DataFrame, nats: float, column: str = "gold_reward") -> np.ndarray:
    """(P,) a column where a run first is this far from the base: linear in sqrt(KL) between two tracked steps; NaN if
    it never got so far."""
    value_pt, root_t = means_pt(run, column), np.sqrt(tracked_curve(run).kl_n)
    beyond = np.flatnonzero(root_t >= np.sqrt(nats))
    if not beyond.size or not nats > 0:
        return np.full(len(value_pt), np.nan)
    after = int(beyond[0])
    share = (np.sqrt(nats) - root_t[after - 1]) / (root_t[after] - root_t[after - 1])
    return value_pt[:, after - 1] + share * (value_pt[:, after] - value_pt[:, after - 1])


def evaluate_trained(
    measured: Evaluations, runs: Runs, optimiser: str, *, steps: Sequence[int], kls: Sequence[float]
) -> Evaluations:
    """The fits that have a run, GOLD and BASE: their measures as in `measured`, and what their trained policies earn.

    measured: of the population that the fits are from. Two policies of one optimiser: along steps, mean gold of the
    tracked responses to each prompt; and at each of some KLs in nats (`at_kl`). NaN for a run without an end, and where
    a run never got so far. BASE is step 0 of gold's run. DataError unless the runs that ended were tracked at step 0
    and at these steps, on prompts of which none measures.
    """
    if optimiser not in TRAINED:
        raise DataError(f"optimiser {optimiser!r}: policies are trained by {', '.join(TRAINED)}")
    fits = measured.fits
    if missing := [name for name in (GOLD, *runs) if name not in runs or name not in set(fits["fit"])]:
        raise DataError(f"runs: {missing[0]} is no run, or no fit that was measured")
    rows = [*np.flatnonzero(fits["fit"].isin(list(runs)) & (fits["fit"] != GOLD))]
    rows += [int(np.flatnonzero(fits["fit"] == name)[0]) for name in (GOLD, BASE)]
    values = {name: measured.values[name][rows] for name in measures_of(measured)}
    half_p = _tracked_prompts(measured, runs[GOLD], values)
    steps, kls = sorted(set(steps)), sorted(set(kls))
    if wrong := [name for name, run in runs.items() if ended(run) and [*np.unique(run["step"])] != [0, *steps]]:
        found = ", ".join(map(str, np.unique(runs[wrong[0]]["step"])))
        raise DataError(f"runs: {wrong[0]} was tracked at steps {found}; it must be 0, {', '.join(map(str, steps))}")
    shape = (len(rows), len(half_p))
    along, at = (np.full((*shape, len(places)), np.nan, np.float32) for places in (steps, kls))
    for row, name in enumerate(fits["fit"].iloc[rows]):
        if name == BASE:
            base_q1 = means_pt(runs[GOLD], "gold_reward")[:, :1]
            along[row, half_p], at[row, half_p] = base_q1, base_q1
        elif ended(runs[name]):
            along[row, half_p] = means_pt(runs[name], "gold_reward")[:, 1:]
            at[row, half_p] = np.stack([at_kl(runs[name], nats) for nats in kls], axis=1)
    values |= {optimiser: along, f"{optimiser}_at_kl": at}
    axes = {optimiser: Axis("steps", tuple(steps)), f"{optimiser}_at_kl": Axis("nats", tuple(kls))}
    return Evaluations(fits.iloc[rows].reset_index(drop=True), measured.prompt_id_p, measured.units_p, values, axes)


def beside_exact(trained: Evaluations, measured: Evaluations) -> Evaluations:
    """The trained policies' evaluations with the exact policies of the same fits (STORED), from the population's.

    So one measure can be asked which of the two it predicts better. Exact policies answer all policy prompts.
    """
    place = pd.Series(np.arange(len(measured.fits)), index=measured.fits["fit"])
    rows = place[trained.fits["fit"]].to_numpy()
    exact = {name: measured.values[name][rows] for name in STORED if name in measured.values}
    axes = {name: measured.axes[name] for name in exact}
    return replace(trained, values={**trained.values, **exact}, axes={**trained.axes, **axes})


def why_missing(runs: Runs) -> Callable[[str, Metric], str]:
    """What `population_rows` says of a policy without a value: why its run did not end, or that it stayed too near."""

    def why(fit: str, policy: Metric) -> str:
        return TOO_NEAR if fit not in runs or ended(runs[fit]) else str(runs[fit]["reason"].iloc[0])

    return why


def _tracked_prompts(measured: Evaluations, run: pd.DataFrame, measures: Mapping[str, np.ndarray]) -> np.ndarray:
    """(P,) bool, the prompts that were tracked, or DataError if one is unknown or measures."""
    tracked = np.unique(run["prompt_id"])
    half_p = np.isin(measured.prompt_id_p, tracked)
    if half_p.sum() != len(tracked):
        raise DataError(f"runs: {len(tracked) - half_p.sum()} of {len(tracked)} tracked prompts were not measured")
    for name, value_fp in measures.items():
        if np.isfinite(value_fp[:, half_p]).any():
            raise DataError(f"runs: {name} was measured on a tracked prompt; a policy answers the other half")
    return half_p
