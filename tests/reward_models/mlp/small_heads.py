"""Networks that are quick to fit on a small planted world, under each of the two losses."""

import numpy as np
import pytest
import torch

from rmkit.reward_models.mlp.bradley_terry import MLPBradleyTerry
from rmkit.reward_models.mlp.classifier import MLPClassifier
from tests.reward_models.worlds import PlantedWorld, centred

WORLD = PlantedWorld.make(0)
TRAIN, VALIDATION = WORLD.sets((40, 150))
SMALL = {"hidden": (32, 16), "learning_rate": 3e-3, "batch_pairs": 64, "max_steps": 400, "patience": 20}
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"  # where networks are fitted, unless they are told
FLOAT_DRIFT = 0.02  # of a reward's s.d.: a product of another shape sums in another order, training carries it on
every_loss = pytest.mark.parametrize("head", [MLPBradleyTerry, MLPClassifier])


def streams(n_fits, seed=0):
    return np.random.default_rng(seed).spawn(n_fits)


def fitted(head, train=TRAIN, validation=VALIDATION, *, seed=0, **options):
    sound = options.get("procedure", "sound") == "sound"
    options = (SMALL if sound else {"hidden": SMALL["hidden"]}) | options
    return head(**options).fit(WORLD.embedding_rd, train, validation, rng_s=streams(train.n_sets, seed))


def learned(model, embedding_rd=WORLD.embedding_rd):
    """Its rewards; of Bradley-Terry but for the constant, which nothing teaches."""
    reward_sr = model.score(embedding_rd)
    return centred(reward_sr) if model.joint else reward_sr


PROCEDURES = {
    "sound": SMALL | {"precision": "float32"},
    "published": {"hidden": (256, 128), "procedure": "published", "precision": "float32"},
}
FULL_BATCH = {"procedure": "full_batch", "hidden": (32, 24, 16), "max_steps": 120, "precision": "float32"}
