"""Deep ensembles: several fits of one head on the same data; their mean is the reward, their spread how sure it is.

Knows a head by its name and asks it for B members of each of S fits in one call, so that a head which trains many fits
together trains all members together. Members differ by what they draw from their generators, spawned from the fit's
own, and with `bootstrap` by their training data as well. Sources: Lakshminarayanan et al. 2017 (arXiv 1612.01474);
bootstrap: Efron 1979. Validation data are the same for all members.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from rmkit.errors import DataError, ParamsError
from rmkit.progress import Progress
from rmkit.reward_models.array_forms import Form
from rmkit.reward_models.inputs import check_embeddings, check_fit, check_scores, row_blocks
from rmkit.reward_models.registry import build, reward_model_class
from rmkit.reward_models.storage import StoredHead
from rmkit.training_sets.pair_sets import PairSets, ScoreSets


@dataclass(kw_only=True)
class Ensemble(StoredHead):
    """S ensembles of B members each. Members of fit s are rows s B to s B + B - 1 of `members_`."""

    name: ClassVar = "ensemble"
    by_fit: ClassVar = ("center_sb_",)

    head: str = "mlp_bt"  # a name of the registry
    n_members: int = 5
    bootstrap: bool = False  # each member learns from its own sample of the training data, with replacement
    options: dict[str, Any] = field(default_factory=dict)  # of the head

    members_: Any = field(init=False, repr=False, compare=False)  # the head, S x B fits
    center_sb_: np.ndarray = field(init=False, repr=False, compare=False)  # (S, B) mean rewards of training responses

    def __post_init__(self) -> None:
        self.options = json.loads(json.dumps(self.options))  # as they come back from a saved model
        head = build(self.head, **self.options)
        if isinstance(head, Ensemble):
            raise ParamsError(f"{self.name}: head is {self.head}; the members of an ensemble are no ensembles")
        if self.n_members < 2:
            raise ParamsError(f"{self.name}: n_members is {self.n_members}; a spread needs 2 or more")
        if not head.draws and not self.bootstrap:
            raise ParamsError(
                f"{self.name}: {self.head} draws nothing, all members would be equal; use bootstrap: true"
            )

    @property
    def n_dimensions(self) -> int:
        return int(self.members_.n_dimensions)

    @property
    def validation_log_loss_s_(self) -> np.ndarray:
        """(S,) nats, the mean of the members'."""
        return self._mean_of_members(self.members_.validation_log_loss_s_)

    @property
    def validation_squared_error_s_(self) -> np.ndarray:
        """(S,) the mean of the members'."""
        return self._mean_of_members(self.members_.validation_squared_error_s_)

    def _mean_of_members(self, value_f: np.ndarray) -> np.ndarray:
        mean_s: np.ndarray = value_f.reshape(-1, self.n_members).mean(axis=1)
        return mean_s

    def fit(
        self,
        embedding_rd: np.ndarray,
        train: PairSets,
        validation: PairSets,
        *,
        rng_s: Sequence[np.random.Generator],
        progress: Progress | None = None,
    ) -> Self:
        """As `RewardModel.fit`; the generators of fit s's members are spawned from rng_s[s]."""
        check_fit(embedding_rd, train, validation, rng_s)
        set_f, rng_f, times_fm = self._members_data(train.weight_sm, rng_s)
        train_f, validation_f = repeated(train, set_f, times_fm), repeated(validation, set_f)
        self.members_ = build(self.head, **self.options).fit(
            embedding_rd, train_f, validation_f, rng_s=rng_f, progress=progress
        )
        position_sn = np.concatenate([train.chosen_sm, train.rejected_sm], axis=1)
        weight_sn = np.concatenate([train.rows_sm2[:, :, 0], train.rows_sm2[:, :, 1]], axis=1)
        self.center_sb_ = self._centers(embedding_rd, position_sn, weight_sn)
        return self

    def fit_scores(
        self,
        embedding_rd: np.ndarray,
        train: ScoreSets,
        validation: ScoreSets,
        *,
        rng_s: Sequence[np.random.Generator],
        progress: Progress | None = None,
    ) -> Self:
        """As `RewardModel.fit_scores`, by the head's own."""
        check_scores(embedding_rd, train, validation, rng_s)
        set_f, rng_f, times_fn = self._members_data(train.weight_sn, rng_s)
        train_f = ScoreSets(train.position_sn[set_f], train.score_sn[set_f], train.weight_sn[set_f] * times_fn)
        validation_f = ScoreSets(*(getattr(validation, name)[set_f] for name in validation.__dataclass_fields__))
        self.members_ = build(self.head, **self.options).fit_scores(
            embedding_rd, train_f, validation_f, rng_s=rng_f, progress=progress
        )
        self.center_sb_ = self._centers(embedding_rd, train.position_sn, train.weight_sn)
        return self

    def _members_data(
        self, weight_sn: np.ndarray, rng_s: Sequence[np.random.Generator]
    ) -> tuple[np.ndarray, list[np.random.Generator], np.ndarray]:
        """For each of F = S B members: its set, its generator, and (F, N) float32 how often it sees each datum."""
        set_f = np.repeat(np.arange(len(weight_sn)), self.n_members)
        rng_f = [member for rng in rng_s for member in rng.spawn(self.n_members)]
        times_fn = (weight_sn[set_f] > 0).astype(np.float32)
        if self.bootstrap:
            for times_n, rng in zip(times_fn, rng_f, strict=True):
                real_n = np.flatnonzero(times_n)
                times_n[real_n] = rng.multinomial(len(real_n), np.full(len(real_n), 1 / len(real_n)))
        return set_f, rng_f, times_fn

    def _centers(self, embedding_rd: np.ndarray, position_sn: np.ndarray, weight_sn: np.ndarray) -> np.ndarray:
        """(S, B) each member's mean reward of its fit's training responses, by their weights."""
        used_u = np.unique(position_sn[weight_sn > 0])
        total_sb = np.zeros((len(position_sn), self.n_members))
        place_sn = np.searchsorted(used_u, np.where(weight_sn > 0, position_sn, used_u[0]))
        weight_su = np.stack(
            [np.bincount(place_n, n, len(used_u)) for place_n, n in zip(place_sn, weight_sn, strict=True)]
        )
        for rows in row_blocks(len(used_u), embedding_rd.shape[1]):
            total_sb += np.einsum("sbu,su->sb", self._member_rewards(embedding_rd[used_u[rows]]), weight_su[:, rows])
        return total_sb / weight_su.sum(axis=1, keepdims=True)

    def _member_rewards(self, embedding_rd: np.ndarray) -> np.ndarray:
        """(S, B, R) float32."""
        reward_fr = self.members_.score(embedding_rd)
        return reward_fr.reshape(-1, self.n_members, reward_fr.shape[-1])

    def score(self, embedding_rd: np.ndarray) -> np.ndarray:
        """(S, R) float32 rewards, as `RewardModel.score`: the mean of the members'."""
        check_embeddings(embedding_rd, n_dimensions=self.n_dimensions)
        blocks = row_blocks(len(embedding_rd), max(embedding_rd.shape[1], self.center_sb_.size))
        mean = [self._member_rewards(embedding_rd[rows]).mean(axis=1, dtype=np.float64) for rows in blocks]
        return np.concatenate(mean, axis=1).astype(np.float32)

    def uncertainty(self, embedding_rd: np.ndarray) -> np.ndarray:
        """As `HasUncertainty.uncertainty`: the members' standard deviation, each less its training responses' mean."""
        check_embeddings(embedding_rd, n_dimensions=self.n_dimensions)
        blocks = row_blocks(len(embedding_rd), max(embedding_rd.shape[1], self.center_sb_.size))
        spread = [
            (self._member_rewards(embedding_rd[rows]) - self.center_sb_[:, :, None]).std(axis=1, ddof=1)
            for rows in blocks
        ]
        return np.concatenate(spread, axis=1).astype(np.float32)

    def reward_root(self, embedding_rd: np.ndarray) -> np.ndarray:
        """As `HasRewardCovariance.reward_root`, C = B: a member's deviations over the root of B - 1."""
        check_embeddings(embedding_rd, n_dimensions=self.n_dimensions)
        blocks = row_blocks(len(embedding_rd), max(embedding_rd.shape[1], self.center_sb_.size))
        away_sbr = np.concatenate([self._member_rewards(embedding_rd[rows]) for rows in blocks], axis=2)
        away_sbr = away_sbr - self.center_sb_[:, :, None]
        away_sbr -= away_sbr.mean(axis=1, keepdims=True)
        return (away_sbr / np.sqrt(self.n_members - 1)).transpose(0, 2, 1).astype(np.float32)

    def only(self, position_g: np.ndarray) -> Self:
        """As `RewardModel.only`: all members of these fits."""
        some = super().only(position_g)
        member_f = (np.asarray(position_g)[:, None] * self.n_members + np.arange(self.n_members)).ravel()
        some.members_ = self.members_.only(member_f)
        return some

    def save(self, folder: Path) -> None:
        """As `Storable.save`, the members in a folder of their own, members/."""
        super().save(folder)
        self.members_.save(Path(folder) / "members")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """As `Storable.load`."""
        model = super().load(folder)
        place = Path(folder) / "members"
        members: Any = reward_model_class(model.head).load(place)
        if members.n_fits != (wanted := model.n_fits * model.n_members):
            held = f"{model.n_fits} x {model.n_members} = {wanted}"
            raise DataError(f"{place}: holds {members.n_fits} fits; the ensemble's members are {held}")
        model.members_ = members
        return model

    def forms(self) -> Mapping[str, Form]:
        """As `StoredHead.forms`."""
        return {"center_sb_": Form("float64", ("S", self.n_members))}


def repeated(pairs: PairSets, set_f: np.ndarray, times_fm: np.ndarray | float = 1.0) -> PairSets:
    """The sets at these positions, every pair as often as times_fm says: its weight is multiplied."""
    chosen_fm, rejected_fm = pairs.chosen_sm[set_f], pairs.rejected_sm[set_f]
    weight_fm = (pairs.weight_sm[set_f] * times_fm).astype(np.float32)
    if pairs.row_weight_sm2 is None:
        return PairSets(chosen_fm, rejected_fm, weight_fm)
    times_fm = np.broadcast_to(times_fm, weight_fm.shape)
    return PairSets.of_rows(chosen_fm, rejected_fm, (pairs.row_weight_sm2[set_f] * times_fm[:, :, None]).astype("f4"))
