"""Gradient-boosted trees (LightGBM) as the reward: S sums of trees, each trained alone, under the loss of a head.

Knows embeddings, rows and rounds; no loss of its own but squared error on scores. A head is a subclass that says what
its rows are and what they cost. Options are LightGBM's defaults. Two procedures:

  sound       at most n_rounds, of which those up to the smallest validation loss are kept
  published   exactly n_rounds, all kept, whatever validation says: notebooks once released with arXiv 2411.04991 hand
              validation rows to `lightgbm.train` but nothing that would stop it. The paper says default
              hyper-parameters, which are 100 rounds; these notebooks say 1,000.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, get_args

import lightgbm
import numpy as np

from rmkit.errors import DataError, ParamsError, one_of, quoted
from rmkit.files.regular import read_text, why_unreadable
from rmkit.progress import Progress
from rmkit.reward_models.array_forms import Form
from rmkit.reward_models.inputs import check_embeddings, check_fit, check_scores, row_blocks
from rmkit.reward_models.storage import StoredHead
from rmkit.reward_models.trees.binned_rows import BinnedRows, Rows, equal_rows_together, score_rows
from rmkit.training_sets.pair_sets import PairSets, ScoreSets

# One thread adds every sum in one order, and leaves no thread pool behind that a forked process would wait for.
SAME_EVERYWHERE = {"num_threads": 1, "deterministic": True, "force_row_wise": True, "verbosity": -1}
MOST_TEXT = 2**31  # bytes of trees
LAST_WORDS = "end of parameters"  # of a model's text that was not cut short

# Stands in for an objective of one's own where no row can be told from another: there LightGBM takes only its own.
CONSTANT = {"objective": "regression", "metric": "None"}

Procedure = Literal["sound", "published"]
Metric = Callable[[np.ndarray, lightgbm.Dataset], tuple[str, float, bool]]  # what lightgbm.train calls feval


@dataclass(frozen=True, eq=False)
class Lesson:
    """What one fit learns from, in LightGBM's terms."""

    train: Rows
    validation: Rows
    objective: Mapping[str, Any]  # LightGBM's parameters objective and metric
    metric: Metric | None = None  # the validation loss, where it is none of LightGBM's own


@dataclass(kw_only=True)
class Trees(StoredHead, ABC):
    """S sums of trees. With too few rows to fill two leaves all rewards of a fit are equal, which is a model too."""

    draws: ClassVar = False
    by_fit: ClassVar = ("rounds_s_", "validation_log_loss_s_", "validation_squared_error_s_")  # one of the last two
    classifier: ClassVar[bool]  # whether it learns from rows of two classes

    n_rounds: int = 100  # trees at most
    procedure: Procedure = "sound"
    patience: int = 10  # rounds without improvement on validation before a fit stops; nothing if published
    n_leaves: int = 31  # of a tree, at most
    learning_rate: float = 0.1
    min_rows_a_leaf: int = 20
    n_bins: int = 255  # values told apart in a dimension; the time of a fit is proportional to it

    boosters_: list[lightgbm.Booster] = field(init=False, repr=False, compare=False)  # S
    rounds_s_: np.ndarray = field(init=False, repr=False, compare=False)  # (S,) int64, the rounds that were kept
    validation_log_loss_s_: np.ndarray = field(init=False, repr=False, compare=False)  # (S,) nats, of these
    validation_squared_error_s_: np.ndarray = field(init=False, repr=False, compare=False)  # (S,) of these

    def __post_init__(self) -> None:
        counts = (self.n_rounds, self.patience, self.min_rows_a_leaf, self.n_leaves - 1, self.n_bins - 1)
        if min(counts) < 1 or not 0 < self.learning_rate < np.inf:
            raise ParamsError(f"{self}: leaves and bins must be 2 or more, other counts 1, learning_rate above 0")
        one_of(self.procedure, get_args(Procedure), f"{self.name}: procedure")

    @staticmethod
    @abstractmethod
    def lesson(train: PairSets, validation: PairSets, s: int) -> Lesson:
        """What set s teaches, and by which loss."""

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
        """As `RewardModel.fit`; LightGBM's seed is drawn from rng_s[s], though with these options it draws nothing."""
        check_fit(embedding_rd, train, validation, rng_s, classifier=self.classifier)
        lesson_s = [self.lesson(train, validation, s) for s in range(train.n_sets)]
        self.validation_log_loss_s_ = self._grow(embedding_rd, lesson_s, rng_s, progress)
        vars(self).pop("validation_squared_error_s_", None)
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
        """As `RewardModel.fit_scores`, by LightGBM's own squared error; rewards keep the mean of the scores."""
        check_scores(embedding_rd, train, validation, rng_s)
        squared = {"objective": "regression", "metric": "l2"}
        lesson_s = [
            Lesson(score_rows(train, s), score_rows(validation, s), objective=squared) for s in range(train.n_sets)
        ]
        self.validation_squared_error_s_ = self._grow(embedding_rd, lesson_s, rng_s, progress)
        vars(self).pop("validation_log_loss_s_", None)
        return self

    def _grow(
        self,
        embedding_rd: np.ndarray,
        lesson_s: Sequence[Lesson],
        rng_s: Sequence[np.random.Generator],
        progress: Progress | None,
    ) -> np.ndarray:
        """(S,) validation losses of the trees kept; leaves boosters_ and rounds_s_."""
        binned = BinnedRows(embedding_rd, self._params())
        texts, loss_s = [""] * len(lesson_s), np.empty(len(lesson_s))
        self.rounds_s_ = np.empty(len(lesson_s), np.int64)
        order = equal_rows_together([each.train for each in lesson_s], [each.validation for each in lesson_s])
        for done, s in enumerate(order, start=1):
            lesson, seed = lesson_s[s], int(rng_s[s].integers(2**31))
            train, validation = binned.datasets(lesson.train, lesson.validation)
            objective = lesson.objective if lesson.metric is None or can_split(train) else CONSTANT
            booster = lightgbm.train(
                {**binned.params, **objective, "learning_rate": self.learning_rate, "seed": seed},
                train,
                num_boost_round=self.n_rounds,
                valid_sets=[validation],
                valid_names=["validation"],
                feval=lesson.metric,
                callbacks=[lightgbm.early_stopping(self.patience, verbose=False)] if self.procedure == "sound" else [],
            )
            self.rounds_s_[s] = booster.best_iteration or self.n_rounds  # 0 where nothing looked for the best
            (loss_s[s],) = booster.best_score["validation"].values()
            texts[s] = booster.model_to_string(num_iteration=booster.best_iteration or -1)
            if progress:
                progress(done, len(lesson_s))
        self.boosters_ = [_read(text) for text in texts]  # through its text, so that it is what a loaded one will be
        return loss_s

    def _params(self) -> dict[str, Any]:
        trees = {"num_leaves": self.n_leaves, "min_data_in_leaf": self.min_rows_a_leaf, "max_bin": self.n_bins}
        return {**trees, **SAME_EVERYWHERE}

    def score(self, embedding_rd: np.ndarray) -> np.ndarray:
        """(S, R) float32 rewards, as `RewardModel.score`: the sums themselves, log-odds after `fit`."""
        check_embeddings(embedding_rd, n_dimensions=self.n_dimensions)
        reward_sr = np.empty((len(self.boosters_), len(embedding_rd)), np.float32)
        for rows in row_blocks(*embedding_rd.shape):
            block_rd = embedding_rd[rows].astype(np.float32)
            for s, booster in enumerate(self.boosters_):
                reward_sr[s, rows] = booster.predict(block_rd, raw_score=True, num_threads=1)
        return reward_sr

    def only(self, position_g: np.ndarray) -> Self:
        """As `RewardModel.only`; the trees are shared, which nothing changes once they have grown."""
        some = super().only(position_g)
        some.boosters_ = [self.boosters_[position] for position in position_g]
        return some

    def save(self, folder: Path) -> None:
        """As `Storable.save`, and the trees of fit s in LightGBM's own text format, trees_<s>.txt."""
        super().save(folder)
        for s, booster in enumerate(self.boosters_):
            (Path(folder) / f"trees_{s}.txt").write_text(booster.model_to_string(), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """As `Storable.load`; DataError for a text that was cut short too."""
        model = super().load(folder)
        model.boosters_ = []
        for s in range(model.n_fits):
            path = Path(folder) / f"trees_{s}.txt"
            try:
                model.boosters_.append(_read(read_text(path, MOST_TEXT)))
            except OSError as fault:
                raise DataError(f"{path}: cannot be read as a saved reward model: {why_unreadable(fault)}") from fault
            except (ValueError, lightgbm.basic.LightGBMError) as fault:
                raise DataError(f"{path}: cannot be read as a saved reward model: {quoted(fault)}") from fault
            if (found := model.boosters_[s].num_feature()) != model.n_dimensions:
                raise DataError(
                    f"{path}: has trees of {found} dimensions, and those of fit 0 have {model.n_dimensions}"
                )
        return model

    def forms(self) -> Mapping[str, Form]:
        """As `StoredHead.forms`."""
        loss = Form("float64", ("S",), required=False, measured=True)
        return {"rounds_s_": Form("int64", ("S",))} | dict.fromkeys(self.by_fit[1:], loss)


def can_split(train: lightgbm.Dataset) -> bool:
    """Whether some dimension has more than one bin that leaves enough rows on either side."""
    return any(train.feature_num_bin(dimension) > 0 for dimension in range(train.num_feature()))


def _read(text: str) -> lightgbm.Booster:
    if LAST_WORDS not in text:
        raise ValueError(f"a model's text ends before {LAST_WORDS!r}")  # LightGBM would take what there is
    return lightgbm.Booster(model_str=text)
