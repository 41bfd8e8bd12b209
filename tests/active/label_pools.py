"""Small pools of pairs to label, and somebody who labels them by a linear reward."""

from dataclasses import replace

import numpy as np

from rmkit.active.label_pool import Pool
from rmkit.active.labelling_session import Options, Session
from rmkit.active.simulated_person import SimulatedPerson
from rmkit.active.to_judge import unjudged_pairs
from rmkit.annotation.annotators import Annotator
from tests.active.test_to_judge import small

AT_ONCE = Options(background=False, batch=10)


def linear_pool(n_prompts=30, n_responses=4, n_dimensions=6, seed=0):
    """(pool, reward_r): embeddings at random, and a reward that is linear in them."""
    bank, _ = small(n_prompts, n_responses)
    rng = np.random.default_rng(seed)
    embedding_rd = rng.normal(size=(bank.n_responses, n_dimensions)).astype(np.float16)
    bank = replace(bank, embedding_rd=embedding_rd)
    ids = [f"r{r:03}" for r in range(bank.n_responses)]
    pair_m2 = unjudged_pairs(bank.prompt_id_r, np.empty((0, 2), np.int64))
    return Pool(bank, ids, pair_m2), embedding_rd.astype(float) @ rng.normal(size=n_dimensions)


def person(reward_r, beta=2.0, seed=0):
    return SimulatedPerson(reward_r, Annotator(beta=beta), np.random.default_rng(seed))


def session(pool, tmp_path, name="ann", options=AT_ONCE, file="labels.jsonl"):
    return Session(pool, tmp_path / file, name, options)
