"""Every measure of a reward model against gold, by its name: how many responses it needs, and which way is better.

A measure takes score_pk (..., P, K), axes before the prompts are reward models, and gold_pk (P, K), and gives (..., P):
a number for each prompt, whose mean over prompts is the model's; NaN where the prompt says nothing. Definitions, ties
and sources are in the modules that the functions come from. DataError for fewer responses than a measure needs. What
needs more than scores and gold is not on the list: `lowest.worst_domain` of a measure's values wants the prompts'
domains, `chosen_and_rejected.ties_score` a second wording of each prompt.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from rmkit.errors import DataError
from rmkit.measures import ranking, reward_spread, top_responses, within_prompt_pairs
from rmkit.measures.best_of_n import best_of_n
from rmkit.measures.chatterjee import FEWEST, chatterjee_xi
from rmkit.measures.chosen_and_rejected import best_and_worst, matrix_accuracy, strict_accuracy
from rmkit.measures.lowest import lowest_share

# What K scores of each prompt say of K gold rewards: (..., P, K) and (P, K) to (..., P); axes before are reward models.
Measure = Callable[[np.ndarray, np.ndarray], np.ndarray]
MOST_IN_GROUP = 3  # chosen, and rejected: Kim et al.'s three against three


@dataclass(frozen=True)
class AgainstGold:
    """A measure by its name, with how many responses to a prompt it needs, and which way is better."""

    name: str
    measure: Measure
    fewest: int = 2
    more_is_better: bool = True

    def __call__(self, score_pk: np.ndarray, gold_pk: np.ndarray) -> np.ndarray:
        score_shape, gold_shape = np.shape(score_pk), np.shape(gold_pk)
        if len(score_shape) < 2 or gold_shape not in (score_shape, score_shape[-2:]):
            raise DataError(f"scores {score_shape} and gold rewards {gold_shape}: both must be (prompts, K)")
        if (n_responses := score_shape[-1]) < self.fewest:
            raise DataError(f"{self.name} takes {self.fewest} responses to a prompt or more; there are {n_responses}")
        return self.measure(score_pk, gold_pk)

    def better_is_more(self, value: np.ndarray) -> np.ndarray:
        """The values with the sign by which more is better, as correlations and choices of a model want them."""
        return value if self.more_is_better else -value


def one_pair(score_pk: np.ndarray, gold_pk: np.ndarray) -> np.ndarray:
    """Whether the first two responses are in order: responses are samples, so these two are a pair at random."""
    return ranking.order_accuracy(score_pk[..., :2], gold_pk[..., :2])


def best_of_all(score_pk: np.ndarray, gold_pk: np.ndarray) -> np.ndarray:
    """Gold of the response with the highest score."""
    return best_of_n(score_pk, gold_pk, [score_pk.shape[-1]])[..., 0]


def best_of_four(score_pk: np.ndarray, gold_pk: np.ndarray) -> np.ndarray:
    """RewardBench 2's score: of the first four responses, is the highest score that of the best?"""
    return top_responses.top_accuracy(score_pk[..., :4], gold_pk[..., :4])


def three_and_three(accuracy: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]) -> Measure:
    """An accuracy of the three best responses against the three worst; of fewer than six, of either half."""

    def measure(score_pk: np.ndarray, gold_pk: np.ndarray) -> np.ndarray:
        n = min(MOST_IN_GROUP, np.shape(gold_pk)[-1] // 2)
        return accuracy(score_pk, *best_and_worst(gold_pk, n, n))

    return measure


def lowest_quarter(score_pk: np.ndarray, gold_pk: np.ndarray) -> np.ndarray:
    """Accuracy on the quarter of prompts on which it is lowest, each prompt's part of it."""
    return lowest_share(ranking.order_accuracy(score_pk, gold_pk), share=0.25)


def of_whitened(measure: Measure) -> Measure:
    """The measure of scores that have each model's own mean and s.d. taken out."""
    return lambda score_pk, gold_pk: measure(reward_spread.whitened(score_pk), gold_pk)


def variance(score_pk: np.ndarray, gold_pk: np.ndarray) -> np.ndarray:
    """Reward variance, which knows no gold."""
    return reward_spread.reward_variance(score_pk)


def ndcg_min_max(score_pk: np.ndarray, gold_pk: np.ndarray) -> np.ndarray:
    """NDCG with gold itself as gains, from the prompt's worst to its best."""
    return top_responses.ndcg(score_pk, gold_pk, gains="min_max")


def top_quarter(score_pk: np.ndarray, gold_pk: np.ndarray) -> np.ndarray:
    """The share of gold's gain that the best quarter of responses by score has."""
    return top_responses.top_share(score_pk, gold_pk, share=0.25)


def ece_at_temperature(score_pk: np.ndarray, gold_pk: np.ndarray) -> np.ndarray:
    """Calibration error after the one temperature that suits the model best: of the forecasts' form, not the scale."""
    return within_prompt_pairs.calibration_error(score_pk, gold_pk, at_temperature=True)


ALL = (
    AgainstGold("one_pair", one_pair),
    AgainstGold("accuracy", ranking.order_accuracy),
    AgainstGold("kendall", ranking.kendall),
    AgainstGold("spearman", ranking.spearman),
    AgainstGold("pearson", ranking.pearson),
    AgainstGold("best_of_all", best_of_all),
    AgainstGold("chatterjee_xi", chatterjee_xi, fewest=FEWEST),
    AgainstGold("mrr", top_responses.reciprocal_rank),
    AgainstGold("ndcg", top_responses.ndcg),
    AgainstGold("ndcg_min_max", ndcg_min_max),
    AgainstGold("normalised_best_of_all", top_responses.normalised_best_of_n),
    AgainstGold("top_win_rate", top_responses.top_win_rate),
    AgainstGold("top_quarter", top_quarter),
    AgainstGold("best_of_four", best_of_four, fewest=4),
    AgainstGold("strict_accuracy", three_and_three(strict_accuracy), fewest=4),
    AgainstGold("matrix_accuracy", three_and_three(matrix_accuracy), fewest=4),
    AgainstGold("covariance", reward_spread.covariance),
    AgainstGold("covariance_whitened", of_whitened(reward_spread.covariance)),
    AgainstGold("reward_variance", variance),
    AgainstGold("reward_variance_whitened", of_whitened(variance)),
    AgainstGold("log_loss", within_prompt_pairs.mean_log_loss, more_is_better=False),
    AgainstGold("brier", within_prompt_pairs.mean_brier, more_is_better=False),
    AgainstGold("ece", within_prompt_pairs.calibration_error, more_is_better=False),
    AgainstGold("ece_at_temperature", ece_at_temperature, more_is_better=False),
    AgainstGold("lowest_quarter_accuracy", lowest_quarter),
)
AGAINST_GOLD: Mapping[str, AgainstGold] = {one.name: one for one in ALL}
