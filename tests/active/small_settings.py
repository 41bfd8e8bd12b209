"""A small world with a planted linear reward, and settings and histories of labelling on it."""

import numpy as np

from rmkit.active.budget import Budget
from rmkit.active.loop import label_actively
from rmkit.active.registry import STRATEGIES
from rmkit.active.setting import Setting
from rmkit.annotation.annotators import Annotator
from rmkit.seeding import generator

BUDGET = Budget(n_start=15, n_rounds=3, n_batch=10, n_prompts=12, n_candidates=100)
N_PROMPTS, N_RESPONSES, N_DIMENSIONS = 40, 6, 8


def world(seed=0, n_prompts=N_PROMPTS, *, n_dimensions=N_DIMENSIONS, length_sd=0.0):
    """Embeddings that vary more in some directions, and a gold reward that is linear in them."""
    rng = np.random.default_rng(seed)
    spread_d = np.geomspace(1.0, 0.1, n_dimensions)
    weight_d = rng.normal(size=n_dimensions) / spread_d
    n_responses = n_prompts * N_RESPONSES
    embedding_rd = rng.normal(size=(n_responses, n_dimensions)) * spread_d
    embedding_rd *= np.exp(length_sd * rng.normal(size=(n_responses, 1)))
    gold_r = embedding_rd @ weight_d
    return embedding_rd.astype(np.float16), gold_r.reshape(n_prompts, N_RESPONSES)


EMBEDDING, GOLD = world()
TEST_EMBEDDING, TEST_GOLD = world(0, 2 * N_PROMPTS)


def setting(**change):
    seed = change.pop("seed", 0)
    given = {
        "embedding_rd": EMBEDDING,
        "gold_pk": GOLD,
        "annotator": Annotator(2.0),
        "answer_seed": seed,
        "budget": BUDGET,
        "pool": "cross_prompt",
        "strategies": list(STRATEGIES),
        "reward_model": "linear_bt",
        "streams": lambda purpose: generator(seed, "test", purpose),
    }
    return Setting(**given | change)


def history(**change):
    return label_actively(setting(**change), TEST_EMBEDDING)
