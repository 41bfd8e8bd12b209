"""Per-prompt evaluations of a split ablation with planted effects, for the tests of what is made of them."""

import numpy as np
import pandas as pd

from rmkit.artifacts.evaluations import Evaluations
from rmkit.artifacts.metric import Axis

ARMS = [
    f"{head} {procedure} {split}"
    for procedure, split in (("published", "mirrored_row"), ("published", "pair"), ("sound", "pair"))
    for head in ("mlp_bt", "mlp_clf")
]


def ablation_seeds(
    effects, *, betas, annotations, metrics=("spearman", "best_of_n"), n_seeds=5, n_prompts=60, hard=1.0, noise=0.1
):
    """One Evaluations a seed: the effect of an arm, plus what is hard about a prompt, plus noise; no beta for None."""
    rows = []
    for arm in effects:
        head, procedure, split = arm.split()
        for beta in betas:
            for count in annotations:
                row = {"fit": f"{arm}-{beta}-{count}", "reward_model": head, "procedure": procedure}
                row |= {"validation": split, "arm": arm, "annotations": float(count)}
                rows.append(row if beta is None else row | {"beta": float(beta)})
    fits = pd.DataFrame(rows)
    hard_p = hard * np.random.default_rng(99).normal(size=n_prompts)
    seeds = []
    for seed in range(n_seeds):
        noise_fp = noise * np.random.default_rng(seed).normal(size=(len(fits), n_prompts))
        value_fp = (fits["arm"].map(effects).to_numpy()[:, None] + hard_p + noise_fp).astype(np.float32)
        values = dict.fromkeys(metrics, value_fp)
        axes = {}
        if "best_of_n" in values:
            values["best_of_n"], axes["best_of_n"] = np.stack([value_fp, value_fp], axis=-1), Axis("n", (2, 4))
        seeds.append(Evaluations(fits, np.arange(n_prompts), np.ones(n_prompts, np.float32), values, axes))
    return seeds
