"""A made-up population whose policies two optimisers trained, for tests: true worth, own ways, and noise of seeds."""

import numpy as np

from rmkit.artifacts.metric import Metric
from rmkit.evaluation.design_outcomes import Earned, Trained
from rmkit.evaluation.population import policy_columns

N_MODELS, ANSWERED, TRACKED = 30, np.arange(100, 140), np.arange(110, 135)


def true_worth(seed=0):
    return np.random.default_rng((1, seed)).normal(size=N_MODELS)


def exact_outcome(name, at, seed=0):
    rng = np.random.default_rng((2, seed))
    value_fq = true_worth()[:, None] + 0.5 * rng.normal(size=(N_MODELS, 1)) + rng.normal(size=(N_MODELS, len(ANSWERED)))
    return Earned({**policy_columns(Metric(name, at)), "reward_scale": "", "policy_category": ""}, value_fq, ANSWERED)


def trained_outcome(name, at, *, n_models=20, n_seeds=3, noise=0.5, own=0.3, seed=(0,), of=0):
    """Policies of the first n_models alone. own: the spread of what the optimiser makes of a model in every seed."""
    rng = np.random.default_rng((3, *seed))
    worth_f = true_worth(of) + own * rng.normal(size=N_MODELS)
    value_sfq = worth_f[:, None] + noise * rng.normal(size=(n_seeds, N_MODELS, 1))
    value_sfq = value_sfq + 0.2 * rng.normal(size=(n_seeds, N_MODELS, len(TRACKED)))
    value_sfq[:, n_models:] = np.nan
    columns = {**policy_columns(Metric(name, at)), "reward_scale": "whitened", "policy_category": ""}
    return Trained(columns, value_sfq, TRACKED, "no policy was trained for it")


def population():
    """Exact outcomes, trained ones (PPO for 20 models and RLOO for 12), and one measure."""
    exact = [exact_outcome(name, at, i) for i, (name, at) in enumerate([("best_of_n", 8.0), ("kl", 0.5)])]
    trained = [
        trained_outcome(name, at, n_models=n_models, seed=(i,))
        for i, (name, at, n_models) in enumerate(
            [("ppo", 24.0, 20), ("ppo_at_kl", 2.0, 20), ("rloo", 24.0, 12), ("rloo_at_kl", 2.0, 12)]
        )
    ]
    return exact, trained, {"accuracy": true_worth() + 0.3 * np.random.default_rng(4).normal(size=N_MODELS)}
