"""How well a test set of n prompts chooses between F reward models, from a bank of P prompts.

A test set of n prompts is n draws of a prompt with its rows and labels. By the normal law its F measures have mean mu
and covariance Sigma / n, both taken from the bank; with J_f, what the policy of model f earns,

    right choice      mean over pairs of models of Phi(sign(J_i - J_j) (mu_i - mu_j) / s_ij),  s_ij^2 = Var(m_i - m_j)
    selection regret  max J - E J[argmax m]

Kendall's tau of measure and J, over the F models, has the expectation 2 (right choice) - 1. Knows arrays and a design:
no text, no budget. Source: arXiv 2410.05584, section 4, for what is asked; the forms are those of normal differences.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from rmkit.errors import DataError
from rmkit.evaluation.population import Measure
from rmkit.evaluation.test_sets.design import Design, draw_test_set
from rmkit.evaluation.test_sets.judged import JudgedResponses
from rmkit.evaluation.test_sets.measured import measured_on
from rmkit.measures.registry import AgainstGold

N_NORMALS = 1000  # draws of a test set's measures, and as many of the opposite sign


@dataclass(frozen=True, eq=False)
class Moments:
    """One measure of F models on a design's rows, prompt by prompt: means over draws of the rows and labels."""

    drawn_p: np.ndarray  # (P,) share of the draws in which the design took the prompt
    share_p: np.ndarray  # (P,) share of the draws in which it has a value
    sum_pf: np.ndarray  # (P, F) values, 0 where there is none
    square_pg: np.ndarray  # (P, F * F) their products

    def at(self, weight_bp: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(B,) share of drawn prompts with a value, (B, F) means, (B, F, F) covariances, under (B, P) weights."""
        has_b = weight_bp @ self.share_p
        mean_bf = weight_bp @ self.sum_pf / has_b[:, None]
        n_models = mean_bf.shape[1]
        square_bff = (weight_bp @ self.square_pg / has_b[:, None]).reshape(-1, n_models, n_models)
        return has_b / (weight_bp @ self.drawn_p), mean_bf, square_bff - mean_bf[:, :, None] * mean_bf[:, None, :]


def draw_moments(
    design: Design,
    judged: JudgedResponses,
    score_fvpk: np.ndarray,
    measures: Mapping[str, Measure],
    rng: np.random.Generator,
    n_draws: int,
) -> dict[str, Moments]:
    """Every measure on n draws of the design's rows and labels, with the sign by which more is better.

    DataError for a design with several rows a prompt.
    """
    n_models, n_prompts = len(score_fvpk), judged.n_prompts
    drawn_p = np.zeros(n_prompts)
    share, total, square = (
        {name: np.zeros((n_prompts, size)) for name in measures} for size in (1, n_models, n_models**2)
    )
    for _ in range(n_draws):
        test_set = draw_test_set(design, judged, rng)
        prompt_q = test_set.rows.prompt_q
        if len(np.unique(prompt_q)) < len(prompt_q):
            raise DataError("a design with several rows a prompt: prompts are drawn here, so it must draw one row each")
        drawn_p[prompt_q] += 1 / n_draws
        for name, value_fq in measured_on(test_set, score_fvpk, measures=measures).items():
            has_q = np.isfinite(value_fq).all(axis=0)
            value_qf = np.where(has_q, more_is_better(measures[name], value_fq), 0.0).T
            share[name][prompt_q, 0] += has_q / n_draws
            total[name][prompt_q] += value_qf / n_draws
            square[name][prompt_q] += (value_qf[:, :, None] * value_qf[:, None, :]).reshape(len(prompt_q), -1) / n_draws
    return {name: Moments(drawn_p, share[name][:, 0], total[name], square[name]) for name in measures}


def more_is_better(measure: Measure, value: np.ndarray) -> np.ndarray:
    """The values with the sign by which a model is chosen; a measure of one's own is better the more it is."""
    return measure.better_is_more(value) if isinstance(measure, AgainstGold) else value


def choice_quality(
    moments: Moments, earned_bf: np.ndarray, weight_bp: np.ndarray, n_prompts: int, normal_sf: np.ndarray
) -> dict[str, np.ndarray]:
    """(B,) selection_regret and right_choice of test sets of n prompts, where prompts have the weights (B, P).

    earned_bf: (B, F) what policies earn under the same weights. normal_sf: (S, F) standard normal draws.
    """
    share_b, mean_bf, covariance_bff = moments.at(weight_bp)
    error_bff = covariance_bff / (n_prompts * share_b)[:, None, None]
    return {
        "selection_regret": selection_regret(mean_bf, error_bff, earned_bf, normal_sf),
        "right_choice": right_choice(mean_bf, error_bff, earned_bf),
    }


def right_choice(mean_bf: np.ndarray, error_bff: np.ndarray, earned_bf: np.ndarray) -> np.ndarray:
    """(B,) mean chance, over pairs of unequal J, that the model that measures higher has the better policy.

    NaN where all J are equal. Two models that always measure alike are chosen by a coin.
    """
    first_c, second_c = np.triu_indices(mean_bf.shape[1], 1)
    sign_bc = np.sign(earned_bf[:, first_c] - earned_bf[:, second_c])
    gap_bc, spread_bc = mean_bf[:, first_c] - mean_bf[:, second_c], spread_of_differences(error_bff)
    with np.errstate(divide="ignore", invalid="ignore"):
        chance_bc = ndtr(sign_bc * np.where(gap_bc == 0, 0.0, gap_bc / spread_bc))
        return (chance_bc * (sign_bc != 0)).sum(axis=1) / (sign_bc != 0).sum(axis=1)


def spread_of_differences(error_bff: np.ndarray) -> np.ndarray:
    """(B, C) standard errors of the differences of the C = F (F - 1) / 2 pairs, in the order of `triu_indices`."""
    first_c, second_c = np.triu_indices(error_bff.shape[-1], 1)
    own_bf = np.diagonal(error_bff, axis1=1, axis2=2)
    square_bc = own_bf[:, first_c] + own_bf[:, second_c] - 2 * error_bff[:, first_c, second_c]
    return np.sqrt(np.maximum(square_bc, 0.0))


def selection_regret(
    mean_bf: np.ndarray, error_bff: np.ndarray, earned_bf: np.ndarray, normal_sf: np.ndarray
) -> np.ndarray:
    """(B,) what the model that measures highest is expected to earn less than the best one, over S normal draws."""
    size_bf, axis_bff = np.linalg.eigh(error_bff)
    root_bff = (axis_bff * np.sqrt(np.maximum(size_bf, 0.0))[:, None, :]) @ axis_bff.swapaxes(1, 2)  # symmetric
    regret_b = np.empty(len(mean_bf))
    for b, (mean_f, root_ff, earned_f) in enumerate(zip(mean_bf, root_bff, earned_bf, strict=True)):
        picked_s = (mean_f + normal_sf @ root_ff).argmax(axis=1)
        regret_b[b] = earned_f.max() - earned_f[picked_s].mean()
    return regret_b


def normal_draws(n_models: int, rng: np.random.Generator) -> np.ndarray:
    """(S, F) standard normal draws, each with its opposite, so that their means are exactly 0."""
    half_sf = rng.normal(size=(N_NORMALS, n_models))
    return np.concatenate([half_sf, -half_sf])


def prompt_weights(n_prompts: int, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """(B + 1, P) weights of prompts: the bank's own, then those of prompts drawn with replacement."""
    even_p = np.full(n_prompts, 1 / n_prompts)
    return np.concatenate([even_p[None], rng.multinomial(n_prompts, even_p, size=resamples) / n_prompts])
