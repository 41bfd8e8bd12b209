"""Dialogues in HH-RLHF's form, made up for these tests: 200 pairs, of which three rows say nothing about a preference."""

import gzip
import json

import numpy as np

ASKED = ["How do I", "Could you tell me how to", "My neighbour wants to", "What is the best way to"]
DONE = ["bake rye bread", "mend a bicycle tyre", "prune an apple tree", "learn the violin", "paint a wooden fence"]
SAID = ["Start slowly and read the manual", "I would rather not say", "Ask somebody who has done it before"]
SAID += ["Mix water and flour until the dough is smooth", "It depends on the weather", "You need patience, and glue"]
N_PAIRS = 200


def row(chosen, rejected, ask="Hello?", rejected_ask=None):
    def dialogue(ask, answer):
        return f"\n\nHuman: {ask}\n\nAssistant:{answer}"

    return {"chosen": dialogue(ask, chosen), "rejected": dialogue(rejected_ask or ask, rejected)}


def made_up(n_pairs=N_PAIRS, seed=0):
    """Rows of pairs whose prompts repeat now and then; every text is put together from the lists above."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(n_pairs):
        ask = f"{rng.choice(ASKED)} {rng.choice(DONE)} in {rng.integers(2, 40)} days?"
        first, second = (". ".join(rng.permutation(SAID)[: rng.integers(1, 5)]) for _ in range(2))
        rows.append(row(f" {first}, {rng.integers(100)}.", f" {second}, {rng.integers(100, 200)}.", ask=ask))
    return [*rows, row(" Yes.", " No.", rejected_ask="Really?"), row(" ", " No."), row(" Same.", "Same. ")]


def written(path, rows, end="\n"):
    content = "".join((json.dumps(row) if isinstance(row, dict) else row) + end for row in rows).encode()
    path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)
    return path
