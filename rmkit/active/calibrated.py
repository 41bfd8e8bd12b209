"""How much too sure S fits are, by pairs that they did not learn from: before a design weights pairs by p (1 - p).

Knows a fitted reward model and pairs; what a temperature is, and its prior, is measures/temperature.py's. Over-trained
networks understate p (1 - p), so that a D-optimal choice turns into the choice of the most uncertain pairs. The
released trainer of arXiv 2502.04354 (`procedure="full_batch"`) does so several times over.
"""

import numpy as np

from rmkit.errors import DataError
from rmkit.measures.temperature import temperatures
from rmkit.reward_models.protocol import RewardModel
from rmkit.training_sets.pair_sets import PairSets


def held_out_temperatures(
    model: RewardModel, embedding_rd: np.ndarray, held_out: PairSets, *, strength: float = 1.0
) -> np.ndarray:
    """(S,) float64: what to divide the margins of each of S fits by, from its own held-out pairs.

    Sound training's own validation pairs will do: they chose when to stop, and one more number is chosen here. Give
    pairs that were learned from, and the temperature is far too low. embedding_rd: (R, D), which the S sets point into.
    strength: of the prior. DataError from the model and from `temperatures`.
    """
    real_sm = held_out.weight_sm > 0
    used_u = np.unique(np.concatenate([held_out.chosen_sm[real_sm], held_out.rejected_sm[real_sm]]))
    reward_su = model.score(embedding_rd[used_u])
    if len(reward_su) != held_out.n_sets:
        raise DataError(f"{len(reward_su)} fits but {held_out.n_sets} sets of held-out pairs; each fit needs its own")
    chosen_sm, rejected_sm = (
        np.take_along_axis(reward_su, np.where(real_sm, np.searchsorted(used_u, side_sm), 0), axis=1)
        for side_sm in (held_out.chosen_sm, held_out.rejected_sm)
    )
    return temperatures(chosen_sm.astype(np.float64) - rejected_sm, held_out.weight_sm, strength=strength)
