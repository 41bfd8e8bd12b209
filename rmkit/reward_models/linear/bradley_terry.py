"""Linear Bradley-Terry: r(x) = w . x, fitted exactly, with one penalty strength a fit chosen by validation log-loss.

Knows embeddings and pairs; no text, no torch. There is no intercept: it cancels in every margin. The model is a
logistic regression on differences of embeddings (Bradley & Terry 1952; arXiv 2411.04991, sec. 3): each fit minimises

    f(w) = sum_m weight_m * -log sigmoid(w . x_m) + l2/2 * |w|^2,    x_m = (chosen - rejected) / scale        (1)

with scale the root mean square length of the fit's training differences: one number, so that directions keep their
relative size, unless a few dimensions would drown the others; then each is divided by its own spread too
(`measures/embedding_health.spread_units`). And l2 = 1 says that before any data margins have a standard deviation of
about 1. Newton's method with step halving solves (1), convex for l2 > 0, until its gradient vanishes; each fit alone,
so neighbours cannot enter.

On scores the same function is fitted by ridge regression, with an intercept b that is not penalised, in closed form:

    f(w, b) = sum_n weight_n * (score_n - b - w . x_n)^2 + l2 * |w|^2,    x_n = (embedding - mean) / scale           (2)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Self

import numpy as np

from rmkit.errors import DataError, ParamsError
from rmkit.measures.information import p_variance
from rmkit.progress import Progress
from rmkit.reward_models.array_forms import Form
from rmkit.reward_models.inputs import check_embeddings, check_fit, check_scores, row_blocks
from rmkit.reward_models.linear.laplace import LastLayerLaplace, covariance_root
from rmkit.reward_models.linear.newton import newton_weights
from rmkit.reward_models.linear.ridge import Ridge, in_units, scored_rows
from rmkit.reward_models.storage import StoredHead
from rmkit.training_sets.pair_sets import PairSets, ScoreSets

L2_GRID = tuple(10.0 ** (half / 2) for half in range(6, -5, -1))  # 1000 down to 0.01, a factor of 3.2 a step
LOSSES = ("validation_log_loss_s_", "validation_squared_error_s_")  # one of them, by what it was fitted on


@dataclass(kw_only=True)
class LinearBradleyTerry(StoredHead):
    """S linear rewards. For each, every l2 of the grid is fitted on the training pairs, the one with the smallest
    validation log-loss is taken (the stronger on a tie), and w is refitted with it on training and validation pairs.
    Likewise on scores, by squared error.
    """

    name: ClassVar = "linear_bt"
    draws: ClassVar = False
    by_fit: ClassVar = ("weight_sd_", "intercept_s_", "scale_s_", "spread_sd_", "l2_s_", *LOSSES)

    l2_grid: tuple[float, ...] = L2_GRID
    scale: float | None = None  # of (1), where fits must share one number; else each has its own

    laplace: bool = True  # keep what `uncertainty` needs: D x D float32 numbers a fit

    weight_sd_: np.ndarray = field(init=False, repr=False, compare=False)  # (S, D) float64, for embeddings as they come
    intercept_s_: np.ndarray = field(init=False, repr=False, compare=False)  # (S,) float64, 0 after `fit`
    scale_s_: np.ndarray = field(init=False, repr=False, compare=False)  # (S,) float64, of (1) or (2)
    spread_sd_: np.ndarray = field(init=False, repr=False, compare=False)  # (S, D) that scale_s_ is in units of, if any
    l2_s_: np.ndarray = field(init=False, repr=False, compare=False)  # (S,) the strength taken
    validation_log_loss_s_: np.ndarray = field(init=False, repr=False, compare=False)  # (S,) nats, before the refit
    validation_squared_error_s_: np.ndarray = field(init=False, repr=False, compare=False)  # (S,), before the refit
    laplace_: LastLayerLaplace | None = field(init=False, repr=False, compare=False, default=None)

    def __post_init__(self) -> None:
        self.l2_grid = tuple(sorted((float(l2) for l2 in self.l2_grid), reverse=True))  # strongest first: a warm start
        if not self.l2_grid or not 0 < self.l2_grid[-1] <= self.l2_grid[0] < np.inf:
            raise ParamsError(f"linear_bt: l2_grid is {list(self.l2_grid)}; it must hold finite numbers above 0")
        if self.scale is not None and not 0 < self.scale < np.inf:
            raise ParamsError(f"linear_bt: scale is {self.scale}; it must be a finite number above 0")

    @property
    def n_dimensions(self) -> int:
        return self.weight_sd_.shape[1]

    def fit(
        self,
        embedding_rd: np.ndarray,
        train: PairSets,
        validation: PairSets,
        *,
        rng_s: Sequence[np.random.Generator],
        progress: Progress | None = None,
    ) -> Self:
        """As `RewardModel.fit`; the solution is unique, so nothing is drawn from rng_s."""
        check_fit(embedding_rd, train, validation, rng_s)
        self._start(train.n_sets, embedding_rd.shape[1])
        self.validation_log_loss_s_, known, spreads = np.empty(train.n_sets), [], []
        for s in range(train.n_sets):
            train_md, train_m = differences(embedding_rd, train, s)
            validation_md, validation_m = differences(embedding_rd, validation, s)
            length = np.sqrt(np.average((train_md**2).sum(axis=1), weights=train_m))
            if length == 0:
                raise DataError(f"train set {s}: chosen and rejected have equal embeddings in every pair")
            spread_d, length = in_units(train_md, train_m, length, one_number=self.scale is not None)
            scale = self.scale or length
            unit_d = spread_d * scale
            train_md, validation_md = train_md / unit_d, validation_md / unit_d
            where = f"linear_bt, fit {s}"
            l2, log_loss, start_d = self._choose_l2(train_md, train_m, validation_md, validation_m, where=where)
            both_md, both_m = np.concatenate([train_md, validation_md]), np.concatenate([train_m, validation_m])
            weight_d = newton_weights(both_md, both_m, l2, start_d=start_d, where=where)
            self.weight_sd_[s], self.scale_s_[s] = weight_d / unit_d, scale
            spreads.append(spread_d)
            self.l2_s_[s], self.validation_log_loss_s_[s] = l2, log_loss
            if self.laplace:
                root_dd = covariance_root(both_md, both_m * p_variance(both_md @ weight_d), l2) / unit_d[:, None]
                known.append((mean_embedding(embedding_rd, train, s), root_dd))
            if progress:
                progress(s + 1, train.n_sets)
        self._learn_spreads(spreads)
        self.laplace_ = LastLayerLaplace.of_fits(known) if known else None
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
        """As `RewardModel.fit_scores`, by (2); the variance of `uncertainty` is the squared error on validation."""
        check_scores(embedding_rd, train, validation, rng_s)
        self._start(train.n_sets, embedding_rd.shape[1])
        self.validation_squared_error_s_, known, spreads = np.empty(train.n_sets), [], []
        for s in range(train.n_sets):
            train_set, validation_set = (scored_rows(embedding_rd, scores, s) for scores in (train, validation))
            ridge = Ridge.of(*train_set, scale=self.scale)
            if ridge.scale == 0:
                raise DataError(f"train set {s}: all scored responses have equal embeddings")
            errors = [ridge.squared_error(*validation_set, l2=l2) for l2 in self.l2_grid]
            self.l2_s_[s] = l2 = self.l2_grid[int(np.argmin(errors))]  # the first, so the strongest, on a tie
            self.validation_squared_error_s_[s] = error = min(errors)
            both = (np.concatenate(pair) for pair in zip(train_set, validation_set, strict=True))
            refit = Ridge.of(*both, scale=ridge.scale, spread_d=ridge.spread_d)
            self.weight_sd_[s], self.intercept_s_[s] = refit.weights(l2)
            self.scale_s_[s] = ridge.scale
            spreads.append(ridge.spread_d)
            if self.laplace:
                known.append((ridge.mean_d, np.sqrt(error) * refit.covariance_root(l2)))
            if progress:
                progress(s + 1, train.n_sets)
        self._learn_spreads(spreads)
        self.laplace_ = LastLayerLaplace.of_fits(known) if known else None
        return self

    def _start(self, n_fits: int, n_dimensions: int) -> None:
        for earlier in (*LOSSES, "spread_sd_"):
            vars(self).pop(earlier, None)
        self.weight_sd_, self.intercept_s_ = np.empty((n_fits, n_dimensions)), np.zeros(n_fits)
        self.scale_s_, self.l2_s_ = np.empty((2, n_fits))

    def _learn_spreads(self, spreads: Sequence[np.ndarray]) -> None:
        """Keep what dimensions were divided by where that was not the same number for all."""
        if not all((spread_d == 1).all() for spread_d in spreads):
            self.spread_sd_ = np.stack(spreads)

    def _choose_l2(
        self,
        train_md: np.ndarray,
        train_m: np.ndarray,
        validation_md: np.ndarray,
        validation_m: np.ndarray,
        *,
        where: str,
    ) -> tuple[float, float, np.ndarray]:
        """(l2, validation log-loss, weights) of the best strength, each solution starting from its stronger one's."""
        best: tuple[float, float, np.ndarray] | None = None
        weight_d = np.zeros(train_md.shape[1])
        for l2 in self.l2_grid:
            weight_d = newton_weights(train_md, train_m, l2, start_d=weight_d, where=where)
            log_loss = float(np.average(np.logaddexp(0, -validation_md @ weight_d), weights=validation_m))
            if best is None or log_loss < best[1]:
                best = (l2, log_loss, weight_d)
        assert best is not None  # the grid is not empty
        return best

    def score(self, embedding_rd: np.ndarray) -> np.ndarray:
        """(S, R) float32 rewards, as `RewardModel.score`."""
        check_embeddings(embedding_rd, n_dimensions=self.n_dimensions)
        reward_sr = np.empty((len(self.weight_sd_), len(embedding_rd)), np.float32)
        for rows in row_blocks(*embedding_rd.shape):
            reward_sr[:, rows] = self.weight_sd_ @ embedding_rd[rows].astype(np.float64).T + self.intercept_s_[:, None]
        return reward_sr

    def uncertainty(self, embedding_rd: np.ndarray) -> np.ndarray:
        """As `HasUncertainty.uncertainty`; DataError unless it was fitted with laplace=True."""
        check_embeddings(embedding_rd, n_dimensions=self.n_dimensions)
        if self.laplace_ is None:
            raise DataError("linear_bt: was fitted with laplace=False; fit it with laplace=True to ask for uncertainty")
        sd_sr = np.empty((len(self.weight_sd_), len(embedding_rd)), np.float32)
        for rows in row_blocks(len(embedding_rd), self.weight_sd_.size):
            sd_sr[:, rows] = self.laplace_.sd(embedding_rd[rows].astype(np.float32)[None])
        return sd_sr

    def reward_root(self, embedding_rd: np.ndarray) -> np.ndarray | None:
        """As `HasRewardCovariance.reward_root`, C = D; None after a fit with laplace=False."""
        check_embeddings(embedding_rd, n_dimensions=self.n_dimensions)
        if self.laplace_ is None:
            return None
        return self.laplace_.reward_root(embedding_rd.astype(np.float32)[None])

    def last_layer(self, embedding_rd: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """As `HasLastLayer.last_layer`: embeddings over the scale of (1), so that l2_s_ penalises these weights."""
        check_embeddings(embedding_rd, n_dimensions=self.n_dimensions)
        unit_sd = self.scale_s_[:, None] * vars(self).get("spread_sd_", 1.0)
        feature_srd = embedding_rd.astype(np.float32) / unit_sd.astype(np.float32)[:, None, :]
        return feature_srd, (self.weight_sd_ * unit_sd).astype(np.float32)

    def learned(self) -> dict[str, np.ndarray]:
        """As `StoredHead.learned`, and what the Laplace approximation keeps."""
        return super().learned() | (self.laplace_.arrays() if self.laplace_ else {})

    def forms(self) -> Mapping[str, Form]:
        """As `StoredHead.forms`."""
        return {
            "weight_sd_": Form("float64", ("S", "D")),
            **dict.fromkeys(("intercept_s_", "scale_s_", "l2_s_"), Form("float64", ("S",))),
            "spread_sd_": Form("float64", ("S", "D"), required=False),
            **dict.fromkeys(LOSSES, Form("float64", ("S",), required=False, measured=True)),
            "laplace_mean_sh": Form("float32", ("S", "D"), required=self.laplace),
            "laplace_root_shh": Form("float32", ("S", "D", "D"), required=self.laplace),
        }

    def take(self, learned: Mapping[str, np.ndarray]) -> None:
        """As `StoredHead.take`."""
        super().take(learned)
        self.laplace_ = LastLayerLaplace.of_arrays(learned) if self.laplace else None


def differences(embedding_rd: np.ndarray, pairs: PairSets, s: int) -> tuple[np.ndarray, np.ndarray]:
    """Set s without its padding: (M_s, D) float64 chosen minus rejected embeddings, and (M_s,) weights."""
    real_m = pairs.weight_sm[s] > 0
    chosen_md = embedding_rd[pairs.chosen_sm[s, real_m]].astype(np.float64)
    rejected_md = embedding_rd[pairs.rejected_sm[s, real_m]].astype(np.float64)
    return chosen_md - rejected_md, pairs.weight_sm[s, real_m].astype(np.float64)


def mean_embedding(embedding_rd: np.ndarray, pairs: PairSets, s: int) -> np.ndarray:
    """(D,) float64 mean over the chosen and the rejected responses of set s, by the weights of its pairs."""
    real_m = pairs.weight_sm[s] > 0
    weight_m = pairs.weight_sm[s, real_m].astype(np.float64)
    sides = (pairs.chosen_sm[s, real_m], pairs.rejected_sm[s, real_m])
    return np.mean([weight_m @ embedding_rd[side_m] / weight_m.sum() for side_m in sides], axis=0)
