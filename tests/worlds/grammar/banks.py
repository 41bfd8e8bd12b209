"""Small banks of the grammar world with given answers and gold rewards, for the tests of what is said of banks."""

import numpy as np
import pandas as pd

from rmkit.artifacts.bank import ResponseBank

P, K, D = 30, 8, 6
PROMPT_ID_R = np.repeat(np.arange(P) * 3, K)


def bank(rng, answers, gold_r, *, model_r=None, embedding_rd=None):
    prompts = pd.DataFrame(
        {"prompt_id": np.arange(P) * 3, "prompt": "\n\nHuman: Hi\n\nAssistant:", "category": "garden"}
    )
    responses = pd.DataFrame(
        {"prompt_id": PROMPT_ID_R, "response": answers, "answer": answers, "n_tokens": 5, "finish_reason": "stop"}
    )
    for term in ("relevance", "steps", "politeness", "harm", "repetition", "length"):
        responses[term] = 0.0
    source = {"model": "m", "revision": None, "template": None}
    scores = {"rule": gold_r, "model": gold_r if model_r is None else model_r}
    return ResponseBank(
        prompts, responses,
        (rng.normal(size=(P * K, D)) if embedding_rd is None else embedding_rd).astype(np.float16), {},
        {name: score.astype(np.float32) for name, score in scores.items()}, dict.fromkeys(scores, source),
    )  # fmt: skip
