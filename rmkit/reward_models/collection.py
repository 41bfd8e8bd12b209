"""The fitted reward models of one job: which fit is which, and the models themselves, saved together.

Knows names and positions; not what a head does inside. A fit is one row of `fits`: row `position` of the rewards that
model `reward_model` gives. A head that is not in the registry, as one that a notebook's cell defines, has no name by
which it could be loaded: its fits are scored like all others, and their weights are not saved.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd

from rmkit.errors import DataError, ResultError, cut, quoted
from rmkit.files.regular import open_regular, read_json
from rmkit.reward_models.kept_dimensions import KeptDimensions
from rmkit.reward_models.protocol import RewardModel, Storable
from rmkit.reward_models.registry import class_at, target_of
from rmkit.reward_models.storage import WRONG

FORMAT = 2
COLUMNS = ("fit", "reward_model", "position")
PROBE_RESPONSES = 16


@dataclass(frozen=True, eq=False)
class RewardModels:
    """F fits in named models. Checked when made, or ResultError."""

    fits: pd.DataFrame  # F rows: fit (its id, once), reward_model, position in that model's S fits, whatever varied
    models: dict[str, RewardModel]  # by the name that fits have, fitted
    not_saved: tuple[str, ...] = ()  # in a loaded collection: names of models that could not be saved

    def __post_init__(self) -> None:
        if missing := [column for column in COLUMNS if column not in self.fits]:
            raise ResultError(f"reward models: fits lack {', '.join(missing)}; they have {', '.join(self.fits)}")
        if (twice := self.fits["fit"].duplicated()).any():
            raise ResultError(f"reward models: fit {self.fits['fit'][twice].iloc[0]!r} is listed twice")
        if set(self.fits["reward_model"]) != set(self.models):
            listed, held = sorted(set(self.fits["reward_model"])), sorted(self.models)
            raise ResultError(f"reward models: fits are of {', '.join(listed)}, but the models are {', '.join(held)}")

    @classmethod
    def of(
        cls, models: dict[str, RewardModel], varied: pd.DataFrame, unsaid: Mapping[str, object] | None = None
    ) -> Self:
        """Models that were each fitted on the same S sets of pairs; varied: S rows, what told the sets apart.

        A fit's id is made of its row. unsaid: columns of which the id says nothing at this value, so that an axis that
        a study does not vary leaves the ids as they are; another value is said with the column's name.
        """
        unsaid = unsaid or {}
        names = [
            "-".join(
                f"{column}={value}" if column in unsaid else str(value)
                for column, value in zip(varied.columns, row, strict=True)
                if not (column in unsaid and value == unsaid[column])
            )
            for row in varied.itertuples(index=False)
        ]
        tables = [
            varied.assign(fit=[f"{model}-{name}" for name in names], reward_model=model, position=range(len(varied)))
            for model in models
        ]
        return cls(pd.concat(tables, ignore_index=True), models)

    def score(self, embedding_rd: np.ndarray) -> np.ndarray:
        """(F, R) float32 rewards of R responses, a row for each fit in the order of `fits`."""
        reward = {name: self._scored(name, embedding_rd) for name in self.models}
        places = self.fits[["reward_model", "position"]].itertuples(index=False)
        reward_fr = [reward[name][position] for name, position in places]
        return np.stack(reward_fr) if reward_fr else np.empty((0, len(embedding_rd)), np.float32)

    def _scored(self, name: str, embedding_rd: np.ndarray) -> np.ndarray:
        """(S, R) float32 rewards of a model, or a ResultError that says what it gave instead."""
        reward_sr = np.asarray(self.models[name].score(embedding_rd))
        shape = (int((self.fits["reward_model"] == name).sum()), len(embedding_rd))
        if reward_sr.shape != shape or reward_sr.dtype.kind not in "fiu":
            found = f"{reward_sr.dtype} of shape {reward_sr.shape}"
            raise ResultError(f"{name}: its score returned {found}; it must be float32 of shape {shape}")
        return reward_sr.astype(np.float32)  # whatever one head returns, the others' rewards stay as they are

    def keep(self, kept_f: np.ndarray) -> Self:
        """These fits alone, in their order, positions counting anew; ResultError unless kept_f is (F,) bool, some true.

        A model of which no fit is kept is left out.
        """
        kept_f = np.asarray(kept_f)
        if kept_f.dtype != bool or kept_f.shape != (len(self.fits),) or not kept_f.any():
            found = f"{kept_f.dtype} of shape {kept_f.shape}, {np.count_nonzero(kept_f)} of them true"
            raise ResultError(f"kept_f: is {found}; it must be bool of shape {(len(self.fits),)}, one of them true")
        fits = self.fits[kept_f].reset_index(drop=True)
        position = {name: group["position"].to_numpy() for name, group in fits.groupby("reward_model", sort=False)}
        models = {name: model.only(position[name]) for name, model in self.models.items() if name in position}
        return type(self)(fits.assign(position=fits.groupby("reward_model").cumcount()), models, self.not_saved)

    def save(self, folder: str | Path) -> None:
        """Write fits and models, a subfolder each; ResultError unless each, read back, gives the same rewards.

        Models that no name would load again are left out, with their fits; their names are written down.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        targets = {name: target for name, model in self.models.items() if (target := saved_as(model))}
        self.fits[self.fits["reward_model"].isin(list(targets))].to_parquet(folder / "fits.parquet", index=False)
        not_saved = [*self.not_saved, *(name for name in self.models if name not in targets)]
        about = {"format": FORMAT, "reward_models": targets, "not_saved": not_saved}
        (folder / "reward_models.json").write_text(json.dumps(about, sort_keys=True) + "\n", encoding="utf-8")
        for name, target in targets.items():
            self._save_model(name, target, folder / name)

    def _save_model(self, name: str, target: str, folder: Path) -> None:
        model = self.models[name]
        assert isinstance(model, Storable)  # saved_as has looked
        model.save(folder)
        probe_rd = np.random.default_rng(0).normal(size=(PROBE_RESPONSES, model.n_dimensions)).astype(np.float32)
        before_sr, after_sr = self.models[name].score(probe_rd), class_at(target).load(folder).score(probe_rd)
        held = len(before_sr)
        wanted = sorted(self.fits.loc[self.fits["reward_model"] == name, "position"])
        if wanted != list(range(held)):
            raise ResultError(f"{name}: holds {held} fits, but their positions in the table are {wanted}")
        if not np.array_equal(before_sr, after_sr):
            off = np.abs(after_sr - before_sr).max()
            raise ResultError(f"{folder}: gives other rewards when read back, off by up to {off:.3g}")

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """The reward models of a folder that `save` wrote, or DataError; `not_saved` names those without weights."""
        folder = Path(folder)
        about_path, fits_path = folder / "reward_models.json", folder / "fits.parquet"
        if not about_path.exists():
            raise DataError(f"{folder}: holds no reward_models.json; it must be a folder that RewardModels.save wrote")
        targets, not_saved = _told(about_path)
        models = dict[str, RewardModel]()
        for name, target in targets.items():
            try:
                head = class_at(target)
            except DataError as fault:
                raise DataError(f"{about_path}: {fault}") from None
            models[name] = head.load(folder / name)
        try:
            with open_regular(fits_path) as file:
                made = cls(pd.read_parquet(file), models, not_saved)
            places = {name: sorted(group["position"]) for name, group in made.fits.groupby("reward_model")}
        except OSError as fault:  # Arrow's own too
            raise DataError(
                f"{fits_path}: cannot be read ({cut(str(fault.strerror or fault))}); fit it again"
            ) from None
        except (ResultError, *WRONG) as fault:
            raise DataError(f"{fits_path}: is no table of these fits ({cut(str(fault))}); fit it again") from None
        for name, model in models.items():
            held = model.n_fits  # type: ignore[attr-defined]  # all that have a name are a StoredHead
            if places[name] != list(range(held)):
                listed_as = f"lists positions {quoted([*map(str, places[name])])} of {cut(name)}"
                raise DataError(f"{fits_path}: {listed_as}, whose folder {name}/ holds {held} fits; fit it again")
        return made


def _told(path: Path) -> tuple[dict[str, str], tuple[str, ...]]:
    """What reward_models.json says: the classes of its models by name, and the names of those not saved."""
    try:
        about = read_json(path)
        if about["format"] != FORMAT:
            raise DataError(f"{path}: is of format {quoted(about['format'])}; this rmkit reads format {FORMAT}")
        targets, not_saved = about["reward_models"], about["not_saved"]
    except KeyError as fault:
        raise DataError(f"{path}: has no key {fault}; fit it again") from None
    except (OSError, *WRONG) as fault:
        raise DataError(f"{path}: is not what rmkit wrote ({quoted(fault)}); fit it again") from None
    if not isinstance(targets, dict) or not all(name and Path(name).name == name for name in targets):
        raise DataError(f"{path}: reward_models: is {quoted(targets)}; it must give each model's folder and class")
    if not isinstance(not_saved, list) or not all(isinstance(name, str) for name in not_saved):
        raise DataError(f"{path}: not_saved: is {quoted(not_saved)}; it must be a list of names")
    return targets, tuple(not_saved)


def saved_as(model: RewardModel) -> str | None:
    """As `target_of`, and None for a head made of heads of which one cannot be saved."""
    parts = model.parts if isinstance(model, KeptDimensions) else ()
    return target_of(model) if all(target_of(part) for part in parts) else None
