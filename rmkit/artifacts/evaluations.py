"""Per-prompt evaluations of fits: what paired and nested intervals are computed from later, without refitting.

A metric may be measured along an axis, as Best-of-n is for several n (metric.py names them). Knows arrays and their
index only: not what a metric means, nor how an interval is made. NaN has one meaning here: this fit did not evaluate
this prompt (it trained on it, say).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from rmkit.artifacts.metric import Axis, Metric
from rmkit.errors import DataError, ResultError, did_you_mean

FORMAT = 2


@dataclass(frozen=True, eq=False)
class Evaluations:
    """F fits evaluated on P prompts. Checked when made, or DataError with the metric, fit and prompt."""

    fits: pd.DataFrame  # F rows: fit (unique), and whatever varied
    prompt_id_p: np.ndarray  # (P,) int64, unique ascending
    units_p: np.ndarray  # (P,) float32, how many pairs a prompt's value averages, or the sum of their weights
    values: Mapping[str, np.ndarray]  # by metric: (F, P), or (F, P, N) along an axis; float32, NaN where not evaluated
    axes: Mapping[str, Axis] = field(default_factory=dict)  # by metric, of those that have one

    def __post_init__(self) -> None:
        if "fit" not in self.fits:
            raise DataError(f"fits: lack the column fit; they have {', '.join(map(str, self.fits.columns))}")
        if (again := self.fits["fit"].duplicated().to_numpy()).any():
            row = int(np.argmax(again))
            raise DataError(f"fits, row {row}: fit {self.fits['fit'].iloc[row]!r} is there twice; name each fit once")
        if self.prompt_id_p.dtype != np.int64 or self.prompt_id_p.ndim != 1:
            found = f"{self.prompt_id_p.dtype} of shape {self.prompt_id_p.shape}"
            raise DataError(f"prompt_id_p: is {found}; it must be int64 of shape (P,)")
        if (falls := np.diff(self.prompt_id_p) <= 0).any():
            row = int(np.argmax(falls)) + 1
            found = f"prompt {self.prompt_id_p[row]} after {self.prompt_id_p[row - 1]}"
            raise DataError(f"prompt_id_p, row {row}: {found}; prompts must be unique and ascending")
        if self.units_p.dtype != np.float32 or self.units_p.shape != self.prompt_id_p.shape:
            found = f"{self.units_p.dtype} of shape {self.units_p.shape}"
            raise DataError(f"units_p: is {found}; it must be float32 of shape {self.prompt_id_p.shape}")
        if not (np.isfinite(self.units_p) & (self.units_p > 0)).all():
            raise DataError("units_p: holds NaN, infinity, or no more than 0; it counts the pairs behind a value")
        for metric, axis in self.axes.items():
            self.check_axis(metric, axis)
        for metric, value in self.values.items():
            self.check_values(metric, value)

    def check_axis(self, metric: str, axis: Axis) -> None:
        """DataError unless an axis is of a metric that is there, and has places, finite, unique and ascending."""
        if metric not in self.values:
            raise DataError(f"axes[{metric!r}]: there is no such metric among {', '.join(self.values)}")
        at_n = np.asarray(axis.at, dtype=np.float64)
        if not len(at_n) or not np.isfinite(at_n).all() or (np.diff(at_n) <= 0).any():
            found = f"has {axis.name} = {', '.join(f'{at:g}' for at in at_n) or 'nothing'}"
            raise DataError(f"axes[{metric!r}]: {found}; places must be there, finite, unique and ascending")

    def check_values(self, metric: str, value: np.ndarray) -> None:
        """DataError unless a metric's values are float32, of a row for each fit, and finite or NaN."""
        shape: tuple[int, ...] = (len(self.fits), len(self.prompt_id_p))
        if metric in self.axes:
            shape = (*shape, len(self.axes[metric].at))
        if value.dtype != np.float32 or value.shape != shape:
            found = f"{value.dtype} of shape {value.shape}"
            along = f"; its axis is {self.axes[metric].name}" if metric in self.axes else ""
            raise DataError(f"values[{metric!r}]: is {found}; it must be float32 of shape {shape}{along}")
        if (infinite := np.isinf(value)).any():
            fit, prompt = np.argwhere(infinite)[0][:2]
            where = f"fit {self.fits['fit'].iloc[fit]!r}, prompt {self.prompt_id_p[prompt]}"
            raise DataError(f"values[{metric!r}], {where}: is infinite; values are finite, or NaN where not evaluated")

    def metrics(self, *names: str) -> list[Metric]:
        """Every metric, those with an axis once for each place; only those of these names, if any are given."""
        return [
            Metric(name, at)
            for name in names or self.values
            for at in (self.axes[name].at if name in self.axes else (None,))
        ]

    def value_fp(self, metric: Metric | str) -> np.ndarray:
        """(F, P) float32 of one metric, or ResultError that says what there is."""
        name, at = (metric, None) if isinstance(metric, str) else (metric.name, metric.at)
        if name not in self.values:
            known = ", ".join(self.values)
            raise ResultError(f"evaluations: have no {name!r}, but {known}{did_you_mean(name, self.values)}")
        if name not in self.axes:
            if at is not None:
                raise ResultError(f"evaluations: {name} has no axis, so none of its values is at {at:g}")
            return self.values[name]
        axis = self.axes[name]
        if at not in axis.at:
            there = f"{axis.name} = {', '.join(f'{place:g}' for place in axis.at)}"
            if at is None:
                raise ResultError(f"evaluations: {name} was measured at {there}; say which")
            raise ResultError(f"evaluations: {name} was not measured at {axis.name} = {at:g}, but at {there}")
        return np.ascontiguousarray(self.values[name][..., axis.at.index(at)])

    def keep(self, kept_f: np.ndarray) -> "Evaluations":
        """These fits alone, in their order; kept_f: (F,) bool."""
        values = {metric: value[kept_f] for metric, value in self.values.items()}
        return replace(self, fits=self.fits[kept_f].reset_index(drop=True), values=values)

    @classmethod
    def from_pairs(
        cls,
        fits: pd.DataFrame,
        prompt_id_m: np.ndarray,
        values: Mapping[str, np.ndarray],
        *,
        weight_m: np.ndarray | None = None,
    ) -> "Evaluations":
        """Average M pairs to their prompts: values are (F, M) by metric, NaN where a fit did not evaluate a pair.

        A fit evaluates all of a prompt's pairs or none, or DataError: `units_p` is one number a prompt. weight_m: (M,)
        float64 above 0, how much each pair counts; None: all alike.
        """
        if len(prompt_id_m) == 0:
            raise DataError("prompt_id_m: there are no pairs; evaluations need at least one")
        prompt_id_p, prompt_m = np.unique(np.asarray(prompt_id_m, dtype=np.int64), return_inverse=True)
        order_m = np.argsort(prompt_m, kind="stable")
        starts_p = np.searchsorted(prompt_m[order_m], np.arange(len(prompt_id_p)))
        units_p = np.bincount(prompt_m, minlength=len(prompt_id_p))
        weight_p = units_p if weight_m is None else np.bincount(prompt_m, weights=weight_m)
        averaged = {}
        for metric, value_fm in values.items():
            if value_fm.shape != (shape := (len(fits), len(prompt_id_m))):
                raise DataError(f"values[{metric!r}]: has shape {value_fm.shape}; it must be {shape}, fits by pairs")
            sorted_fm = value_fm[:, order_m].astype(np.float64)
            absent_fp = np.add.reduceat(np.isnan(sorted_fm).astype(np.int64), starts_p, axis=1)
            if len(partly := np.argwhere((absent_fp > 0) & (absent_fp < units_p))):
                fit, prompt = partly[0]
                found = f"{units_p[prompt] - absent_fp[fit, prompt]} of {units_p[prompt]} pairs were evaluated"
                where = f"fit {fits['fit'].iloc[fit]!r}, prompt {prompt_id_p[prompt]}"
                raise DataError(f"values[{metric!r}], {where}: {found}; evaluate all pairs of a prompt or none")
            weighted_fm = sorted_fm if weight_m is None else sorted_fm * weight_m[order_m]
            averaged[metric] = (np.add.reduceat(weighted_fm, starts_p, axis=1) / weight_p).astype(np.float32)
        return cls(fits=fits, prompt_id_p=prompt_id_p, units_p=weight_p.astype(np.float32), values=averaged)

    def save(self, folder: str | Path) -> None:
        """Write the evaluations into a folder, made if need be; equal evaluations give equal bytes."""
        from safetensors.numpy import save_file

        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.fits.to_parquet(folder / "fits.parquet", index=False)
        prompts = pd.DataFrame({"prompt_id": self.prompt_id_p, "units": self.units_p})
        prompts.to_parquet(folder / "prompts.parquet", index=False)
        contiguous = {metric: np.ascontiguousarray(value) for metric, value in self.values.items()}
        save_file(contiguous, folder / "values.safetensors")
        axes = {metric: {"name": axis.name, "at": list(map(float, axis.at))} for metric, axis in self.axes.items()}
        about = {"format": FORMAT, "axes": dict(sorted(axes.items()))}
        (folder / "evaluations.json").write_text(json.dumps(about) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: str | Path) -> "Evaluations":
        """The evaluations of a folder that `save` wrote, or DataError."""
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        folder = Path(folder)
        if not (folder / "evaluations.json").exists():
            raise DataError(f"{folder}: holds no evaluations.json; it must be a folder that Evaluations.save wrote")
        try:
            about = json.loads((folder / "evaluations.json").read_text(encoding="utf-8"))
            if (form := about["format"]) != FORMAT:
                raise DataError(f"{folder}/evaluations.json: is of format {form}; this rmkit reads format {FORMAT}")
            prompts = pd.read_parquet(folder / "prompts.parquet")
            return cls(
                fits=pd.read_parquet(folder / "fits.parquet"),
                prompt_id_p=prompts["prompt_id"].to_numpy(),
                units_p=prompts["units"].to_numpy(),
                values=load_file(folder / "values.safetensors"),
                axes={metric: Axis(axis["name"], tuple(axis["at"])) for metric, axis in about["axes"].items()},
            )
        except DataError:
            raise
        except (OSError, ValueError, TypeError, KeyError, AttributeError, SafetensorError) as fault:
            raise DataError(f"{folder}: cannot be read as evaluations ({fault}); make them again") from fault
