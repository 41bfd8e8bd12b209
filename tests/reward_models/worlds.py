"""Small worlds for the tests of reward models: embeddings, a planted reward, and sets of labelled pairs."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from rmkit.training_sets.pair_sets import PairSets, ScoreSets

# Options with which a head is quick to fit on a small world; a head that is not here is quick as it is.
SMALL = {"hidden": [32], "learning_rate": 1e-3, "max_steps": 300, "precision": "float32"}
QUICK = {"mlp_bt": SMALL, "mlp_clf": SMALL, "mlp_bt_ensemble": {"n_members": 3, "options": SMALL}}


@dataclass(frozen=True)
class PlantedWorld:
    embedding_rd: np.ndarray  # (R, D) float16
    reward_r: np.ndarray  # (R,) linear in the embeddings

    @classmethod
    def make(cls, seed, *, n_responses=600, n_dimensions=8, reward_sd=2.0):
        rng = np.random.default_rng(seed)
        embedding_rd = (0.3 * rng.normal(size=(n_responses, n_dimensions)) + 0.2).astype(np.float16)
        reward_r = embedding_rd.astype(float) @ rng.normal(size=n_dimensions)
        return cls(embedding_rd, reward_sd * reward_r / reward_r.std())

    def pairs(self, n_pairs, seed):
        """(chosen_m, rejected_m) of pairs labelled by Bradley-Terry from the planted reward."""
        rng = np.random.default_rng(seed)
        first_m, second_m = np.array([rng.choice(len(self.reward_r), 2, replace=False) for _ in range(n_pairs)]).T
        first_won_m = rng.random(n_pairs) < expit(self.reward_r[first_m] - self.reward_r[second_m])
        return np.where(first_won_m, first_m, second_m), np.where(first_won_m, second_m, first_m)

    def sets(self, sizes, seed=0):
        """(train, validation): a set of each size, and a quarter as many pairs to validate on."""
        train = [self.pairs(size, (seed, s, 0)) for s, size in enumerate(sizes)]
        validation = [self.pairs(max(2, size // 4), (seed, s, 1)) for s, size in enumerate(sizes)]
        return PairSets.padded(train), PairSets.padded(validation)

    def score_sets(self, sizes, seed=0, *, noise_sd=0.0):
        """(train, validation): as many responses as each size says, with their planted reward; a quarter validate."""
        rng = np.random.default_rng((seed, 7))
        width = max(sizes)
        train, validation = (
            (np.zeros((len(sizes), n), np.int64), np.zeros((len(sizes), n), np.float32)) for n in (width, width // 4)
        )
        for s, size in enumerate(sizes):
            drawn = rng.choice(len(self.reward_r), size + size // 4, replace=False)
            for (position_sn, weight_sn), some in ((train, drawn[:size]), (validation, drawn[size:])):
                position_sn[s, : len(some)], weight_sn[s, : len(some)] = some, 1
        return tuple(
            ScoreSets(position_sn, self.reward_r[position_sn] + noise_sd * rng.normal(size=weight_sn.shape), weight_sn)
            for position_sn, weight_sn in (train, validation)
        )


def subset(pairs, s):
    """The sets at positions s alone, padding and all."""
    return PairSets(chosen_sm=pairs.chosen_sm[s], rejected_sm=pairs.rejected_sm[s], weight_sm=pairs.weight_sm[s])


def swapped(pairs):
    """The same pairs, every label turned round."""
    return PairSets(chosen_sm=pairs.rejected_sm, rejected_sm=pairs.chosen_sm, weight_sm=pairs.weight_sm)


def centred(reward_sr):
    """Rewards about their mean, for Bradley-Terry heads. No pair says anything of a constant, so its gradient is rounding
    alone, and AdamW makes whole steps of it: how far it moves depends on the machine.
    """
    return reward_sr - reward_sr.mean(axis=-1, keepdims=True)


def with_more_padding(pairs, width):
    """The same sets, wider; the new places point at positions that no response has."""
    shape = ((0, 0), (0, width))
    return PairSets(
        chosen_sm=np.pad(pairs.chosen_sm, shape, constant_values=10**9),
        rejected_sm=np.pad(pairs.rejected_sm, shape, constant_values=-7),
        weight_sm=np.pad(pairs.weight_sm, shape),
    )
