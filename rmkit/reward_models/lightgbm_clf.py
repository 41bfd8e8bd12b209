"""Classification with gradient-boosted trees (LightGBM): each response of a pair is a row of its own, won or lost.

Knows embeddings and pairs; no text, no torch. Source: arXiv 2411.04991, the third head ("CLF-LGB"): log-odds of having
won, as the reward. The paper says LightGBM's default hyper-parameters and does not say whether validation data stop the
rounds. Here they do: at most 100 rounds, LightGBM's default, of which those up to the smallest validation log-loss are
kept. Rows of one pair are never divided between training and validation, and no set holds one class alone: sets hold
pairs, and a pair has one response of each class.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import lightgbm
import numpy as np

from rmkit.comparisons import PairSets
from rmkit.errors import DataError, ParamsError
from rmkit.reward_models.protocol import Progress, check_embeddings, check_fit, row_blocks
from rmkit.reward_models.storage import load_state, save_state

NAME = "lightgbm_clf"
# One thread adds every sum in one order, and leaves no thread pool behind that a forked process would wait for.
SAME_EVERYWHERE = {"num_threads": 1, "deterministic": True, "force_row_wise": True, "verbosity": -1}
LAST_WORDS = "end of parameters"  # of a model's text that was not cut short


@dataclass(kw_only=True)
class LightGBMClassifier:
    """S sums of trees, each trained alone. With too few rows to fill two leaves all rewards are equal, which is a model
    too: its log-loss is log 2.
    """

    n_rounds: int = 100  # trees at most
    patience: int = 10  # rounds without improvement on the validation pairs before a fit stops
    n_leaves: int = 31  # of a tree, at most
    learning_rate: float = 0.1
    min_rows_a_leaf: int = 20
    n_bins: int = 255  # values told apart in a dimension; the time of a fit is proportional to it

    boosters_: list[lightgbm.Booster] = field(init=False, repr=False, compare=False)  # S
    rounds_s_: np.ndarray = field(init=False, repr=False, compare=False)  # (S,) int64, the rounds that were kept
    validation_log_loss_s_: np.ndarray = field(init=False, repr=False, compare=False)  # (S,) nats a row, of these

    def __post_init__(self) -> None:
        counts = (self.n_rounds, self.patience, self.min_rows_a_leaf, self.n_leaves - 1, self.n_bins - 1)
        if min(counts) < 1 or not 0 < self.learning_rate < np.inf:
            raise ParamsError(f"{self}: leaves and bins must be 2 or more, other counts 1, learning_rate above 0")

    @property
    def n_dimensions(self) -> int:
        return self.boosters_[0].num_feature()

    def fit(
        self,
        embedding_rd: np.ndarray,
        train: PairSets,
        validation: PairSets,
        *,
        rng_s: Sequence[np.random.Generator],
        progress: Progress | None = None,
    ) -> Self:
        """As `RewardModel.fit`; LightGBM's seed is drawn from rng_s[s], though below 200,000 rows it draws nothing."""
        check_fit(embedding_rd, train, validation, rng_s)
        self.boosters_ = []
        self.rounds_s_, self.validation_log_loss_s_ = np.empty(train.n_sets, np.int64), np.empty(train.n_sets)
        for s, rng in enumerate(rng_s):
            params = self._params(rng)
            train_rows = labelled_rows(embedding_rd, train, s, params=params)
            booster = lightgbm.train(
                params,
                train_rows,
                num_boost_round=self.n_rounds,
                valid_sets=[labelled_rows(embedding_rd, validation, s, params=params, reference=train_rows)],
                valid_names=["validation"],
                callbacks=[lightgbm.early_stopping(self.patience, verbose=False)],
            )
            self.rounds_s_[s] = booster.best_iteration
            self.validation_log_loss_s_[s] = booster.best_score["validation"]["binary_logloss"]
            # through its text, so that a fitted model is what a loaded one will be
            self.boosters_.append(_read(booster.model_to_string(num_iteration=booster.best_iteration)))
            if progress:
                progress(s + 1, train.n_sets)
        return self

    def _params(self, rng: np.random.Generator) -> dict[str, Any]:
        trees = {"num_leaves": self.n_leaves, "min_data_in_leaf": self.min_rows_a_leaf, "max_bin": self.n_bins}
        what = {"objective": "binary", "metric": "binary_logloss", "learning_rate": self.learning_rate}
        return {**what, **trees, **SAME_EVERYWHERE, "seed": int(rng.integers(2**31))}

    def score(self, embedding_rd: np.ndarray) -> np.ndarray:
        """(S, R) float32 rewards, as `RewardModel.score`: log-odds of having won."""
        check_embeddings(embedding_rd, n_dimensions=self.n_dimensions)
        reward_sr = np.empty((len(self.boosters_), len(embedding_rd)), np.float32)
        for rows in row_blocks(*embedding_rd.shape):
            block_rd = embedding_rd[rows].astype(np.float32)
            for s, booster in enumerate(self.boosters_):
                reward_sr[s, rows] = booster.predict(block_rd, raw_score=True, num_threads=1)
        return reward_sr

    def save(self, folder: Path) -> None:
        """As `RewardModel.save`, and the trees of fit s in LightGBM's own text format, trees_<s>.txt."""
        arrays = {"rounds_s": self.rounds_s_, "validation_log_loss_s": self.validation_log_loss_s_}
        options = {option.name: getattr(self, option.name) for option in dataclasses.fields(self) if option.init}
        save_state(folder, reward_model=NAME, options=options, arrays=arrays)
        for s, booster in enumerate(self.boosters_):
            (Path(folder) / f"trees_{s}.txt").write_text(booster.model_to_string(), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        options, arrays = load_state(folder, NAME)
        model = cls(**options)
        model.rounds_s_, model.validation_log_loss_s_ = arrays["rounds_s"], arrays["validation_log_loss_s"]
        try:
            texts = [(Path(folder) / f"trees_{s}.txt").read_text("utf-8") for s in range(len(model.rounds_s_))]
            model.boosters_ = [_read(text) for text in texts]
        except (OSError, ValueError, lightgbm.basic.LightGBMError) as error:
            raise DataError(f"{folder}: cannot be read as a saved reward model: {error}") from error
        return model


def labelled_rows(
    embedding_rd: np.ndarray,
    pairs: PairSets,
    s: int,
    *,
    params: dict[str, Any],
    reference: lightgbm.Dataset | None = None,
) -> lightgbm.Dataset:
    """Set s without its padding as 2 M_s rows: the chosen, labelled 1, then the rejected, labelled 0, as float32.

    reference: the rows whose bins are used; validation takes those of training.
    """
    real_m = pairs.weight_sm[s] > 0
    position_n = np.concatenate([pairs.chosen_sm[s, real_m], pairs.rejected_sm[s, real_m]])
    label_n = np.repeat([1.0, 0.0], np.count_nonzero(real_m))
    weight_n = np.tile(pairs.weight_sm[s, real_m], 2)
    row_nd = embedding_rd[position_n].astype(np.float32)
    return lightgbm.Dataset(row_nd, label_n, weight=weight_n, params=params, reference=reference)


def _read(text: str) -> lightgbm.Booster:
    if LAST_WORDS not in text:
        raise ValueError(f"a model's text ends before {LAST_WORDS!r}")  # LightGBM would take what there is
    return lightgbm.Booster(model_str=text)
