"""A fitted encoder's last state tells what it was taught to tell, also of what it has not read."""

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file
from transformers import AutoModelForSequenceClassification

from rmkit.errors import DataError
from rmkit.lm.loading import Origin, load_encoder, load_reward_model
from rmkit.lm.reading.embed import embed
from rmkit.lm.training.encoder import fit_encoder

LABELS = ("kind", "wet")


def labelled(n, seed):
    """n responses that are kind or not and wet or not, by their words, independently."""
    rng = np.random.default_rng(seed)
    kind_r, wet_r = rng.integers(0, 2, size=(2, n))
    said = [
        f"{rng.choice(['Take', 'See', 'Use'])} the {('soil', 'water')[wet]}, {('you fool', 'thank you')[kind]}."
        for kind, wet in zip(kind_r, wet_r, strict=True)
    ]
    return pd.DataFrame(
        {"prompt": "\n\nHuman: What now?\n\nAssistant:", "response": said, "kind": kind_r, "wet": wet_r}
    )


def fitted(base, folder, table, **changed):
    options = {"labels": LABELS, "learning_rate": 1e-2, "batch_size": 4, "seed": 0, "template": "plain", **changed}
    return fit_encoder(base, table, folder, **options)


def test_held_out_responses_are_told_apart_and_the_trunk_is_an_encoder(base, tmp_path):
    """Of 100 held-out responses each label is told rightly more often than chance by five standard errors."""
    steps = []
    table = labelled(400, seed=0)
    log = fitted(base, tmp_path, table, progress=lambda *step: steps.append(step))
    assert log["step"].tolist() == [1, *range(10, 101, 10)]
    assert steps == [(step, 100) for step in range(1, 101)]
    model = AutoModelForSequenceClassification.from_pretrained(tmp_path)
    encoder, tokenizer = load_encoder(Origin("encoder", str(tmp_path)))
    held_out = labelled(100, seed=1)
    embedding_rd, _ = embed(encoder, tokenizer, held_out["prompt"].tolist(), held_out["response"].tolist())
    logit_rl = (
        embedding_rd.astype(np.float32) @ model.score.weight.detach().numpy().T
    )  # what the head makes of the states
    right_l = ((logit_rl > 0) == held_out[list(LABELS)].to_numpy()).mean(axis=0)
    assert (right_l - 5 * np.sqrt(right_l * (1 - right_l) / 100) > 0.5).all()


CHANGES = {
    "learning_rate": {"learning_rate": 1e-3},
    "batch_size": {"batch_size": 2},
    "seed": {"seed": 1},
    "template": {"template": "next_turn"},
    "labels": {"labels": ("wet", "kind")},
}


@pytest.fixture(scope="module")
def usual(base, tmp_path_factory):
    folder = tmp_path_factory.mktemp("usual")
    fitted(base, folder, labelled(8, seed=0))
    return folder


@pytest.mark.parametrize("change", CHANGES)
def test_every_option_changes_what_is_fitted(base, usual, tmp_path, change):
    fitted(base, tmp_path, labelled(8, seed=0), **CHANGES[change])
    head, usual_head = (load_file(folder / "model.safetensors")["score.weight"] for folder in (tmp_path, usual))
    assert head.shape == usual_head.shape == (2, 32)
    assert not np.array_equal(head, usual_head)


def test_the_same_seed_leaves_the_same_bytes(base, usual, tmp_path):
    fitted(base, tmp_path, labelled(8, seed=0))
    assert (tmp_path / "model.safetensors").read_bytes() == (usual / "model.safetensors").read_bytes()


def test_an_encoder_is_no_reward_model(usual):
    with pytest.raises(DataError, match=r"^encoder: has 2 labels; a reward model has one$"):
        load_reward_model(Origin("encoder", str(usual)))
