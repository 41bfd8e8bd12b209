import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rmkit.reward_models.mlp.batches import (
    Batches,
    Events,
    added_along,
    added_in_order,
    shared,
    taken_along,
    taken_in_order,
)
from rmkit.training_sets.pair_sets import PairSets
from tests.reward_models.mlp.small_heads import streams


def events(*sizes):
    return Events.of_pairs(PairSets.padded([(np.arange(n), np.arange(n) + 100) for n in sizes]), "cpu")


def test_an_epoch_visits_every_pair_once_but_for_a_remainder():
    batches = Batches(events(10, 3), streams(2), n_pairs=4)
    drawn = [batches.draw() for _ in range(6)]  # two batches of 4 of the 10 an epoch
    for batch in drawn:
        first_gb, second_gb = batch.position_gu.chunk(2, dim=1)
        assert (second_gb - first_gb == 100).all()
        assert batch.weight_gb2.sum(dim=2).tolist() == [[2, 2, 2, 2], [2, 2, 2, 0]]
        assert sorted(first_gb[1, :3].tolist()) == [0, 1, 2]
    epochs = [torch.cat([drawn[i].position_gu[0, :4], drawn[i + 1].position_gu[0, :4]]).tolist() for i in (0, 2, 4)]
    assert all(len(set(epoch)) == 8 for epoch in epochs)
    assert len(set(map(tuple, epochs))) == 3


@given(st.lists(st.booleans(), min_size=1, max_size=6))
def test_a_fit_draws_the_same_batches_whoever_leaves_beside_it(leaves):
    alone = Batches(events(10), streams(3)[:1], n_pairs=4)
    among_others = Batches(events(10, 10, 7), streams(3), n_pairs=4)
    for leave in leaves:
        if leave and len(among_others.order_g) > 1:
            among_others.without(np.arange(len(among_others.order_g) - 1))
        first, other = alone.draw(), among_others.draw()
        assert first.position_gu[0].tolist() == other.position_gu[0].tolist()


def test_fits_whose_streams_are_alike_share_their_draws_and_no_others():
    alike = [np.random.default_rng(0), np.random.default_rng(0), np.random.default_rng(1), np.random.default_rng(0)]
    assert shared(alike, np.array([5, 5, 5, 6])) == [0, 0, 2, 3]


def test_a_batch_of_rows_holds_each_pair_once_with_the_weight_of_its_rows():
    """As released, 20 of the 40 rows of 20 pairs; a pair and its mirror image have one loss, which is computed once."""
    batches = Batches(events(20), streams(1), n_rows=20)
    seen = np.zeros((20, 2))
    for _ in range(400):
        batch = batches.draw()
        first_b = batch.position_gu.chunk(2, dim=1)[0][0].numpy()
        assert len(set(first_b)) == len(first_b)
        assert batch.weight_gb2.sum() == 20
        assert (batch.weight_gb2.sum(dim=2) > 0).all()
        seen[first_b] += batch.weight_gb2[0].numpy()
    assert abs(seen / 400 - 0.5).max() < 0.15  # every row as often as any other: 0.5, s.d. 0.025


def test_a_classifiers_rows_are_one_response_each():
    rows = events(20).by_row()
    batch = Batches(rows, streams(1), n_rows=10).draw()
    assert batch.position_gu.shape == (1, 10)
    won_b, lost_b = (batch.weight_gb2[0, :, side] > 0 for side in (0, 1))
    assert (won_b ^ lost_b).all()
    assert (batch.position_gu[0, won_b] < 100).all()
    assert (batch.position_gu[0, lost_b] >= 100).all()


def test_a_batch_of_everything_looks_at_each_response_once():
    repeated = Events.of_pairs(PairSets.padded([(np.array([3, 3, 3, 5]), np.array([4, 5, 6, 4]))]), "cpu")
    batch = repeated.everything()
    assert batch.position_gu.tolist() == [[3, 4, 5, 6]]
    first_gb, second_gb = batch.sides(batch.position_gu.double())
    assert first_gb.tolist() == [[3, 3, 3, 5]]
    assert second_gb.tolist() == [[4, 5, 6, 4]]


def test_a_batch_in_parts_is_the_whole_batch():
    batch = Batches(events(30), streams(1), n_pairs=12).draw()
    sides = [part.sides(part.position_gu) for part in batch.parts(5)]
    for side, whole in enumerate(batch.sides(batch.position_gu)):
        assert torch.cat([part[side] for part in sides], dim=1).equal(whole)


@pytest.mark.parametrize(
    ("taken", "added"),
    [
        (taken_along, added_along),
        (taken_in_order, added_in_order),  # what CUDA uses, where it gives equal bytes as well
    ],
)
def test_values_are_taken_and_added_where_positions_say_each_row_by_itself(taken, added):
    rng = np.random.default_rng(0)
    value_gu, weight_gn, position_gn = rng.normal(size=(3, 5)), rng.normal(size=(3, 40)), rng.integers(0, 5, (3, 40))
    value = torch.tensor(value_gu, requires_grad=True)
    found = taken(value, torch.from_numpy(position_gn))
    np.testing.assert_array_equal(found.detach(), np.take_along_axis(value_gu, position_gn, axis=1))
    (found * torch.from_numpy(weight_gn)).sum().backward()
    expected_gu = np.stack([np.bincount(at, weight, 5) for at, weight in zip(position_gn, weight_gn, strict=True)])
    np.testing.assert_allclose(value.grad, expected_gu)
    sums = added(torch.zeros(3, 5, dtype=torch.float64), torch.from_numpy(position_gn), torch.from_numpy(weight_gn))
    np.testing.assert_allclose(sums, expected_gu)
