import numpy as np
import pytest
import torch

from rmkit.reward_models.mlp import training
from rmkit.reward_models.mlp.bradley_terry import MLPBradleyTerry
from rmkit.reward_models.mlp.training import rows_of
from rmkit.training_sets.pair_sets import PairSets
from tests.reward_models.mlp.small_heads import (
    DEVICE,
    FLOAT_DRIFT,
    PROCEDURES,
    SMALL,
    TRAIN,
    VALIDATION,
    WORLD,
    every_loss,
    fitted,
    learned,
    streams,
)


def divided_rows(pairs, seed=0):
    """(train, validation): 80 in 100 of the rows of these pairs, and the others, drawn at random."""
    trains_smr = np.random.default_rng(seed).random((*pairs.weight_sm.shape, 2)) < 0.8
    return tuple(
        PairSets.of_rows(pairs.chosen_sm, pairs.rejected_sm, pairs.rows_sm2 * side.astype(np.float32))
        for side in (trains_smr, ~trains_smr)
    )


def misled(pairs):
    """The same pairs, every label of the first two sets turned round."""
    turned_s1 = (np.arange(pairs.n_sets) < 2)[:, None]
    sides = (pairs.chosen_sm, pairs.rejected_sm)
    return PairSets(np.where(turned_s1, *sides[::-1]), np.where(turned_s1, *sides), pairs.weight_sm)


def test_an_optimiser_of_some_rows_goes_on_as_if_it_had_never_had_others():
    gradient_tsio = torch.from_numpy(np.random.default_rng(0).normal(size=(6, 4, 3, 2)))

    def stepped(optimiser, rows, steps):
        for t in steps:
            for layer in optimiser.param_groups[0]["params"]:
                layer.grad = gradient_tsio[t, rows]
            optimiser.step()

    def adamw(n_rows):
        ones = torch.ones(n_rows, 3, 2, dtype=torch.float64, requires_grad=True)
        return torch.optim.AdamW([ones], lr=0.1, fused=True)

    left, always = adamw(4), adamw(2)
    stepped(left, [0, 1, 2, 3], range(3))
    (layer,) = rows_of(left, torch.tensor([1, 3]))
    stepped(left, [1, 3], range(3, 6))
    stepped(always, [1, 3], range(6))
    torch.testing.assert_close(layer, always.param_groups[0]["params"][0])
    assert layer.requires_grad


@every_loss
def test_progress_is_told_of_every_group_and_ends_at_its_total(head, monkeypatch):
    monkeypatch.setitem(training.NUMBERS_AT_ONCE, DEVICE, 1)
    seen = []
    head(**SMALL).fit(WORLD.embedding_rd, TRAIN, VALIDATION, rng_s=streams(2), progress=lambda *at: seen.append(at))
    assert seen == sorted(seen)
    assert seen[-1] == (800, 800)


MANY = (60, 150, 90, 400, 120)
MANY_TRAIN, MANY_VALIDATION = WORLD.sets(MANY)


@pytest.mark.parametrize("procedure", PROCEDURES)
@every_loss
def test_a_fit_beside_others_that_stop_earlier_or_later_is_the_fit_alone(head, procedure, monkeypatch):
    options = PROCEDURES[procedure]
    monkeypatch.setitem(training.NUMBERS_AT_ONCE, DEVICE, 2**30)  # all of them in one batch
    sets = (
        (divided_rows(MANY_TRAIN)[0], misled(MANY_VALIDATION))
        if procedure == "published"
        else (MANY_TRAIN, MANY_VALIDATION)
    )
    together = head(**options).fit(WORLD.embedding_rd, *sets, rng_s=streams(len(MANY)))
    assert len(set(together.steps_s_)) > 1
    monkeypatch.setitem(training.NUMBERS_AT_ONCE, DEVICE, 1)  # each by itself
    alone = head(**options).fit(WORLD.embedding_rd, *sets, rng_s=streams(len(MANY)))
    np.testing.assert_array_equal(alone.steps_s_, together.steps_s_)
    np.testing.assert_allclose(alone.validation_log_loss_s_, together.validation_log_loss_s_, rtol=1e-3)
    drift_sr = np.abs(learned(alone) - learned(together))
    assert (drift_sr.max(axis=1) < FLOAT_DRIFT * learned(alone).std(axis=1)).all()


def test_in_law_a_batch_of_many_fits_is_as_good_as_one_fit_at_a_time(monkeypatch):
    """Forty seeds each, other ones: mean held-out order of a batch's fits and of lone ones, within three errors."""
    train, validation = WORLD.sets([150] * 40, seed=5)
    first_m, second_m = np.random.default_rng(3).permutation(600).reshape(2, 300)
    right_m = WORLD.reward_r[first_m] > WORLD.reward_r[second_m]

    def accuracy_s(seed, at_once):
        monkeypatch.setitem(training.NUMBERS_AT_ONCE, DEVICE, at_once)
        model = fitted(MLPBradleyTerry, train, validation, seed=seed)
        reward_sr = model.score(WORLD.embedding_rd)
        return ((reward_sr[:, first_m] > reward_sr[:, second_m]) == right_m).mean(axis=1)

    together_s, alone_s = accuracy_s(1, 2**30), accuracy_s(2, 1)
    error = np.sqrt((together_s.var(ddof=1) + alone_s.var(ddof=1)) / 40)
    assert abs(together_s.mean() - alone_s.mean()) < 3 * error
    assert together_s.mean() > 0.8
