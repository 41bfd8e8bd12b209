"""A small world with a planted linear reward, and settings and histories of labelling on it."""

import numpy as np

from rmkit.active.budget import Budget
from rmkit.active.history import History
from rmkit.active.questions import ToAnnotator
from rmkit.active.registry import strategy
from rmkit.active.setting import Setting, typical_difference
from rmkit.annotation.annotators import Annotator
from rmkit.reward_models.registry import build
from rmkit.seeding import generator

THREE = ("random", "entropy", "d_optimal")  # that the embedded study compares
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


def head_of(name, prior, embedding_rd=EMBEDDING):
    """A head by name, as notebook 05 builds it: a linear one has the prior as its penalty."""
    penalty = {"l2_grid": (prior,), "scale": typical_difference(embedding_rd)}
    return build(name, **(penalty if name == "linear_bt" else {}))


def setting(*, strategies=THREE, reward_model="linear_bt", head=None, prior=1.0, **change):
    """strategies: names of the registry, or objects by name. head: the object, where its name does not say it."""
    seed, pool = change.pop("seed", 0), change.pop("pool", "cross_prompt")
    asked = {"gold_pk": GOLD, "annotator": Annotator(2.0), "answer_seed": seed}
    asked |= {name: change.pop(name) for name in (*asked, "length_r", "cross_share") if name in change}
    given = {
        "embedding_rd": EMBEDDING,
        "questions": change.pop("questions", None) or ToAnnotator(pool=pool, **asked),
        "budget": BUDGET,
        "pool": pool,
        "strategies": strategies if isinstance(strategies, dict) else {name: strategy(name) for name in strategies},
        "reward_model": reward_model,
        "head": head or head_of(reward_model, prior, change.get("embedding_rd", EMBEDDING)),
        "prior": prior,
        "streams": lambda purpose: generator(seed, "test", purpose),
    }
    return Setting(**given | change)


def label_actively(shown, test_embedding_rd):
    """The rounds of notebook 05."""
    labelled = {name: shown.start() for name in shown.strategies}
    model = shown.fit([shown.start()], 0).only(np.zeros(len(labelled), dtype=np.int64))
    rewards, batches = [model.score(test_embedding_rd)], []
    for done in range(1, shown.budget.n_rounds + 1):
        offered_m2 = shown.offered(done)
        for s, name in enumerate(shown.strategies):
            batch = shown.choose(name, offered_m2, labelled[name], model, s, done)
            labelled[name] = labelled[name].followed_by(batch.labelled)
            batches.append(batch)
        model = shown.fit(labelled.values(), done)
        rewards.append(model.score(test_embedding_rd))
    return History.of(shown, rewards, batches, labelled)


def history(**change):
    return label_actively(setting(**change), TEST_EMBEDDING)
