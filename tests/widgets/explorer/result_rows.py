"""Result rows of several jobs, for the tests of what is drawn of rows."""

import itertools

import numpy as np
import pandas as pd


def rows(*, seeds=range(5), models=("linear_bt", "mlp_bt"), betas=(0.5, np.inf), annotations=(100, 1600), **more):
    """A job a seed, a row a fit, and a baseline that learns nothing."""
    lines = [
        {
            "fit": f"{model}-{beta}-{count}",
            "param_seed": seed,
            "reward_model": model,
            "beta": beta,
            "annotations": count,
        }
        for seed, model, beta, count in itertools.product(seeds, models, betas, annotations)
    ]
    lines += [{"fit": "gold", "param_seed": seed, "reward_model": "gold"} for seed in seeds]
    table = pd.DataFrame(lines).assign(metric="accuracy", reason=None, units=9, stage="04_reward_models", param_k="[1]")
    table["value"] = np.random.default_rng(0).normal(size=len(table))
    return table.assign(job="04_reward_models-" + table["param_seed"].astype(str), **more)
