"""Seeds of small studies with planted differences, for the tests of what is made of seeds."""

import numpy as np
import pandas as pd

from rmkit.artifacts.evaluations import Evaluations
from rmkit.artifacts.metric import Axis
from rmkit.evaluation.on_pairs import evaluate_pairs

N_PROMPTS = 40
FITS = pd.DataFrame(
    {
        "fit": ["a-1", "a-2", "a-9", "random"],
        "reward_model": ["a", "a", "a", "random"],
        "annotations": [100.0, 200.0, 900.0, np.nan],
    }
)


def seed(number, effect=1.0):
    rng = np.random.default_rng(number)
    hard_p = np.random.default_rng(99).normal(size=N_PROMPTS)
    value_fp = hard_p + np.array([[0.0], [0.5], [1.0], [-1.0]]) * effect + 0.1 * rng.normal(size=(4, N_PROMPTS))
    values = {"accuracy": value_fp.astype(np.float32), "best_of_n": (2 * value_fp).astype(np.float32)[..., None]}
    return Evaluations(
        FITS, np.arange(N_PROMPTS), np.ones(N_PROMPTS, np.float32), values, {"best_of_n": Axis("n", (4,))}
    )


SEEDS = [seed(number) for number in range(5)]


def evaluation(seed, n=400):
    rng = np.random.default_rng(seed)
    margins = {
        name: pd.DataFrame(rng.normal(shift, 1, (2, n)), index=[10, 100]) for name, shift in (("a", 0.3), ("b", 0.9))
    }
    return evaluate_pairs(margins, {"coin": rng.normal(size=n)}, np.arange(n) // 2)
