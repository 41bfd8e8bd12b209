"""The torch form of D-optimal choice against numpy's, on every device that is here."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rmkit.active.candidates import Candidates
from rmkit.active.strategies.d_optimal import DOptimal
from rmkit.errors import DataError, ParamsError
from rmkit.measures.designs import d_optimal, on_device

every_device = pytest.mark.parametrize("device", ["cpu", *(["cuda"] if torch.cuda.is_available() else [])])


def pool(seed, n_pairs, n_dimensions):
    rng = np.random.default_rng(seed)
    scaled_md = rng.normal(size=(n_pairs, n_dimensions)) * np.geomspace(1, 1e-3, n_dimensions)
    return scaled_md, 0.01 * np.eye(n_dimensions)


@every_device
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), n_dimensions=st.integers(1, 12))
def test_picks_and_scores_are_those_of_numpy(device, seed, n_dimensions):
    scaled_md, known_dd = pool(seed, 150, n_dimensions)
    np.testing.assert_array_equal(
        on_device.greedy(scaled_md, known_dd, 140, device), d_optimal.greedy(scaled_md, known_dd, 140)
    )
    np.testing.assert_allclose(
        on_device.one_shot(scaled_md, known_dd, device), d_optimal.one_shot(scaled_md, known_dd), rtol=1e-10
    )


@every_device
def test_of_equal_pairs_the_first_is_taken_and_none_twice(device):
    scaled_md = np.repeat(np.eye(2), 3, axis=0)
    picked = on_device.greedy(scaled_md, np.eye(2), 6, device)
    assert picked.tolist() == d_optimal.greedy(scaled_md, np.eye(2), 6).tolist()
    assert sorted(picked.tolist()) == list(range(6))


def test_the_strategy_chooses_the_same_pairs_there():
    rng = np.random.default_rng(0)
    seen = Candidates(rng.normal(size=(1, 80)), rng.normal(size=(80, 6)).astype(np.float32), np.eye(6))
    here, there = (DOptimal(device=device).select(seen, 20, np.random.default_rng(1)) for device in ("cpu", "auto"))
    np.testing.assert_array_equal(here, there)


def test_what_cannot_be_is_one_line():
    scaled_md, known_dd = pool(0, 5, 2)
    with pytest.raises(DataError, match=r"^6 pairs"):
        on_device.greedy(scaled_md, known_dd, 6, "cpu")
    if not torch.cuda.is_available():
        with pytest.raises(ParamsError, match=r"^device: is cuda, and torch sees none here; use auto or cpu$"):
            on_device.device_of("cuda")
