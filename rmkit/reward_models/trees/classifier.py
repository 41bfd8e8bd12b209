"""Classification with gradient-boosted trees (LightGBM): each response of a pair is a row of its own, won or lost.

Knows the rows of pairs; growing trees is boosted.py's. Source: arXiv 2411.04991, the third head ("CLF-LGB"):
log-odds of having won, as the reward. A split by pair leaves both rows of a pair on one side; where pair sets divide
them (`rows_sm2`), a row of weight 0 is not there.
"""

from dataclasses import dataclass
from typing import ClassVar

from rmkit.reward_models.trees.binned_rows import class_rows
from rmkit.reward_models.trees.boosted import Lesson, Trees
from rmkit.training_sets.pair_sets import PairSets


@dataclass(kw_only=True)
class LightGBMClassifier(Trees):
    """S classifiers of responses into chosen and rejected. Two equal rewards for all have a log-loss of log 2."""

    name: ClassVar = "lightgbm_clf"
    classifier: ClassVar = True

    @staticmethod
    def lesson(train: PairSets, validation: PairSets, s: int) -> Lesson:
        """Set s as rows of two classes, under LightGBM's own logistic loss."""
        logistic = {"objective": "binary", "metric": "binary_logloss"}
        return Lesson(class_rows(train, s), class_rows(validation, s), objective=logistic)
