"""How good a score's forecasts are on all pairs of a prompt's responses: log-loss, Brier score and calibration.

The margin of a pair is the score of its better response by gold minus that of the worse, read as Bradley-Terry
log-odds; pairs of equal gold count for nothing, and where all of a prompt's gold is equal there is NaN, as in
ranking.py. Every prompt counts alike. All depend on the reward's scale, for which `pair_temperature` finds the fairest.
Knows scores and gold rewards of K responses to each of P prompts; no text, no model. Functions take score_pk (..., P,
K) and gold_pk (P, K), or gold of the scores' shape, and give (..., P), less is better; DataError as in ranking.py. They
hold all pairs of one model at a time. Sources: margins.py (what a margin is worth), temperature.py (the fit); arXiv
2410.05584, section 3 (ECE as a measure of reward models).
"""

from collections.abc import Callable, Iterator

import numpy as np
from scipy.special import expit

from rmkit.errors import DataError
from rmkit.measures.margins import pair_brier, pair_log_loss, pair_overconfidence
from rmkit.measures.ranking import checked, over
from rmkit.measures.temperature import temperatures

MOST_BINS = 1000
GROUPS_A_UNIT = (
    1000  # margins as alike as this are fitted as so many at their mean: T to a few millionths, and much faster
)


def mean_log_loss(score_pk: np.ndarray, gold_pk: np.ndarray) -> np.ndarray:
    """Mean -log sigmoid(margin) over a prompt's pairs, in nats; log 2 for a constant score."""
    return _means(score_pk, gold_pk, pair_log_loss)


def mean_brier(score_pk: np.ndarray, gold_pk: np.ndarray) -> np.ndarray:
    """Mean (1 - sigmoid(margin))^2 over a prompt's pairs; 1/4 for a constant score."""
    return _means(score_pk, gold_pk, pair_brier)


def calibration_error(
    score_pk: np.ndarray, gold_pk: np.ndarray, *, n_bins: int = 10, at_temperature: bool = False
) -> np.ndarray:
    """Each prompt's part of the expected calibration error: its mean over the prompts that have one is that error.

    The error belongs to all prompts' pairs together, in bins of equal width of the stated confidence on [1/2, 1]. A
    prompt's part is the mean, over its pairs, of confidence minus accuracy, with the sign that it has in the pair's
    bin; so it may be below 0. at_temperature: margins are divided by `pair_temperature` of the same pairs first, so
    that the reward's scale does not matter. Constant scores state 1/2 and are right in 1/2: 0.
    """
    if not 1 <= n_bins <= MOST_BINS:
        raise DataError(f"n_bins is {n_bins}; it must be from 1 to {MOST_BINS}")
    score_pk, gold_pk = checked(score_pk, gold_pk)
    temperature = pair_temperature(score_pk, gold_pk).reshape(-1) if at_temperature else None
    found = []
    for model, (margin_m, prompt_m, weight_m) in enumerate(_pairs_of_models(score_pk, gold_pk)):
        if not len(margin_m):
            found.append(np.full(score_pk.shape[-2], np.nan))
            continue
        margin_m = margin_m if temperature is None else margin_m / temperature[model]
        too_sure_m = pair_overconfidence(margin_m)
        bin_m = np.minimum(((expit(np.abs(margin_m)) - 0.5) * 2 * n_bins).astype(int), n_bins - 1)
        sign_b = np.sign(np.bincount(bin_m, weights=weight_m * too_sure_m, minlength=n_bins))
        found.append(_by_prompt(sign_b[bin_m] * too_sure_m, prompt_m, score_pk.shape[-2]))
    return np.reshape(found, score_pk.shape[:-1])


def pair_temperature(score_pk: np.ndarray, gold_pk: np.ndarray) -> np.ndarray:
    """(...,) float64, one a model: what its margins are to be divided by to be Bradley-Terry log-odds of gold's order.

    In the unit of the score. Fitted on these pairs, after their root mean square is taken out, so that the prior of
    temperature.py, worth a few pairs, is about margins of one size and twice the score has twice the temperature. 1 for
    a constant score or without pairs.
    """
    score_pk, gold_pk = checked(score_pk, gold_pk)
    found = []
    for margin_m, _, weight_m in _pairs_of_models(score_pk, gold_pk):
        largest = float(np.abs(margin_m).max(initial=0.0))
        if largest == 0:
            found.append(1.0)
            continue
        unit = largest * float(np.sqrt(np.average((margin_m / largest) ** 2, weights=weight_m)))
        _, group_m = np.unique(np.round(margin_m / unit * GROUPS_A_UNIT), return_inverse=True)
        weight_g = np.bincount(group_m, weights=weight_m)
        mean_g = np.bincount(group_m, weights=weight_m * (margin_m / unit)) / weight_g
        found.append(unit * float(temperatures(mean_g[None], weight_g[None])[0]))
    return np.reshape(found, score_pk.shape[:-2])


def _pairs_of_models(score_pk: np.ndarray, gold_pk: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Of each model in turn, (M,) each over its pairs of unequal gold: margin, prompt, weight.

    Weights make every prompt that has a pair count alike, and sum to M.
    """
    one_k, other_k = np.triu_indices(score_pk.shape[-1], k=1)
    models = (of.reshape(-1, *of.shape[-2:]) for of in (score_pk, gold_pk))
    for model_pk, its_gold_pk in zip(*models, strict=True):
        sign_pm = np.sign(its_gold_pk[:, one_k] - its_gold_pk[:, other_k])
        prompt_m, pair_m = np.nonzero(sign_pm)
        margin_m = model_pk[prompt_m, one_k[pair_m]] - model_pk[prompt_m, other_k[pair_m]]
        number_p = np.bincount(prompt_m, minlength=len(model_pk))
        mean_number = len(prompt_m) / max(1, int((number_p > 0).sum()))
        yield margin_m * sign_pm[prompt_m, pair_m], prompt_m, mean_number / number_p[prompt_m]


def _means(score_pk: np.ndarray, gold_pk: np.ndarray, of: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """(..., P) the mean of what `of` says of each margin, over each prompt's pairs."""
    score_pk, gold_pk = checked(score_pk, gold_pk)
    found = [
        _by_prompt(of(margin_m) if len(margin_m) else margin_m, prompt_m, score_pk.shape[-2])
        for margin_m, prompt_m, _ in _pairs_of_models(score_pk, gold_pk)
    ]
    return np.reshape(found, score_pk.shape[:-1])


def _by_prompt(value_m: np.ndarray, prompt_m: np.ndarray, n_prompts: int) -> np.ndarray:
    """(P,) the mean of the values of each prompt's pairs, NaN without one."""
    sum_p, number_p = (np.bincount(prompt_m, weights=of, minlength=n_prompts) for of in (value_m, None))
    return over(sum_p, number_p)
