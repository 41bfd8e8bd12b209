"""The loop of active labelling: draw candidates, choose, ask, fit again; all strategies side by side.

Knows a setting; what a round is lies there (setting.py). Source: arXiv 2502.04354, Algorithm 1; cold refits, the shared
start, the common answers and one prior for design and fit are ours.
"""

import numpy as np

from rmkit.active.history import History, asked_table, batch_table, fits_table
from rmkit.active.setting import Batch, Setting
from rmkit.progress import Progress


def label_actively(setting: Setting, test_embedding_rd: np.ndarray, *, progress: Progress | None = None) -> History:
    """Spend the budget once with each strategy, and score the test responses after the start and after each round."""
    counts, names = setting.budget.annotations, list(setting.strategies)
    labelled = [setting.start()] * len(names)
    model = setting.fit(labelled, 0)
    rewards, batches = [model.score(test_embedding_rd)], list[Batch]()
    for done in range(1, len(counts)):
        pool_m2 = setting.offered(done)
        chosen = [setting.choose(name, pool_m2, labelled[s], model, s, done) for s, name in enumerate(names)]
        labelled = [known.followed_by(batch.labelled) for known, batch in zip(labelled, chosen, strict=True)]
        batches += chosen
        model = setting.fit(labelled, done)
        rewards.append(model.score(test_embedding_rd))
        if progress:
            progress(done, setting.budget.n_rounds)
    fits = fits_table(setting)
    return History(fits, np.concatenate(rewards), batch_table(fits, batches), asked_table(setting, labelled))
