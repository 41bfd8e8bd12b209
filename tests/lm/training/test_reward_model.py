"""A fitted gold model orders what it has not seen, and every option changes it."""

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from rmkit.lm.loading import Origin, load_reward_model
from rmkit.lm.reading.score import score
from rmkit.lm.training.reward_model import fit_gold_model

GOOD, BAD = ("thank you", "glad to help", "good question"), ("you fool", "go away", "stupid question")


def separable(n, seed):
    """n pairs whose chosen side is kind and whose rejected side is not, after the same words."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(n):
        words = " ".join(rng.choice(["plant", "water", "door", "cat", "soup", "morning"], size=4))
        prompt = f"\n\nHuman: What about the {rng.choice(['plant', 'door', 'soup'])}?\n\nAssistant:"
        good, bad = (f"Take the {words}, {rng.choice(options)}." for options in (GOOD, BAD))
        rows.append({"prompt": prompt, "chosen": good, "rejected": bad, "margin": 1.0})
    return pd.DataFrame(rows)


def fitted(base, folder, pairs, **changed):
    options = {"learning_rate": 1e-2, "batch_size": 2, "seed": 0, **changed}
    return fit_gold_model(base, pairs, folder, **options)


def test_held_out_pairs_are_ordered_above_chance(base, tmp_path):
    """Of 100 held-out pairs so many come right that chance lies more than five standard errors below."""
    log = fitted(base, tmp_path, separable(32, seed=0))
    assert log["step"].tolist() == [1, 10]
    model, tokenizer = load_reward_model(Origin("gold", str(tmp_path)))
    held_out = separable(100, seed=1)
    chosen_m, rejected_m = (
        score(model, tokenizer, held_out["prompt"].tolist(), held_out[side].tolist())[0]
        for side in ("chosen", "rejected")
    )
    right = (chosen_m > rejected_m).mean()
    assert right - 5 * np.sqrt(right * (1 - right) / 100) > 0.5


def test_progress_counts_the_steps(base, tmp_path):
    steps = []
    fitted(base, tmp_path, separable(8, seed=0), progress=lambda *step: steps.append(step))
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]


CHANGES = {
    "learning_rate": {"learning_rate": 1e-3},
    "batch_size": {"batch_size": 4},
    "seed": {"seed": 1},
    "template": {"template": "next_turn"},
    "margin": {},
}


@pytest.fixture(scope="module")
def usual(base, tmp_path_factory):
    folder = tmp_path_factory.mktemp("usual")
    fitted(base, folder, separable(8, seed=0))
    return folder


@pytest.mark.parametrize("change", CHANGES)
def test_every_option_and_the_margin_change_what_is_fitted(base, usual, tmp_path, change):
    pairs = separable(8, seed=0)
    if change == "margin":
        pairs["margin"] = 3.0
    fitted(base, tmp_path, pairs, **CHANGES[change])
    head, usual_head = (load_file(folder / "model.safetensors")["score.weight"] for folder in (tmp_path, usual))
    assert not np.array_equal(head, usual_head)


def test_the_same_pairs_and_seed_leave_the_same_bytes(base, usual, tmp_path):
    fitted(base, tmp_path, separable(8, seed=0))
    files = sorted(path.name for path in usual.iterdir())
    assert files == sorted(path.name for path in tmp_path.iterdir())
    assert {name for name in files if (tmp_path / name).read_bytes() != (usual / name).read_bytes()} == set()
