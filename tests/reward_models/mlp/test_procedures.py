import numpy as np
import pytest
import torch
import torch.nn.functional as F

from rmkit.errors import ResultError
from rmkit.reward_models.mlp.procedures import BestWeights, LastWeights, Published, finite

BOTH = np.arange(2)


def test_the_best_weights_are_kept_until_patience_runs_out():
    layers = [torch.zeros(2, 1, 1)]
    best = BestWeights(layers, patience_steps=20)
    going = []
    for step, log_losses in {10: (0.7, 0.7), 20: (0.5, 0.6), 30: (0.6, 0.65), 40: (0.55, 0.5), 60: (0.6, 0.6)}.items():
        layers[0][:] = step
        going.append(best.update(step, BOTH, np.array(log_losses), layers).tolist())
    assert best.step_s.tolist() == [20, 40]
    assert best.layers[0].ravel().tolist() == [20, 40]
    assert best.log_loss_s.tolist() == [0.5, 0.5]
    assert going == [[True, True]] * 3 + [[False, True], [False, False]]


def test_the_published_rule_stops_above_each_of_the_last_three_and_keeps_the_last_weights():
    layers = [torch.zeros(2, 1, 1)]
    last = LastWeights(layers)
    losses = [(0.7, 0.5), (0.6, 0.6), (0.5, 0.7), (0.65, 0.65), (0.66, 0.71)]
    going = []
    for step, log_losses in enumerate(losses, start=1):
        layers[0][:] = step
        going.append(last.update(step, BOTH, np.array(log_losses), layers).tolist())
    # the fourth loss of the first fit, 0.65, is below its first; the fifth is above the three before it, of both fits
    assert going == [[True, True]] * 4 + [[False, False]]
    assert last.layers[0].ravel().tolist() == [5, 5]


def test_a_rise_cannot_stop_a_published_fit_before_its_fourth_epoch():
    last = LastWeights([torch.zeros(1, 1, 1)])
    rising = [
        last.update(step, np.zeros(1, int), np.array([step / 10]), [torch.zeros(1, 1, 1)])[0] for step in (1, 2, 3, 4)
    ]
    assert rising == [True, True, True, False]


def test_a_loss_that_is_not_a_number_names_the_fit():
    with pytest.raises(ResultError, match="fit 7: validation log-loss is nan at step 20; lower learning_rate"):
        finite(20, np.array([3, 7]), np.array([0.6, np.nan]))


@pytest.mark.parametrize(
    ("pairs", "epochs_steps"), [(5_000, 1), (10_000, 2), (20_000, 4), (40_000, 7)], ids=lambda each: str(each)
)
def test_the_published_steps_are_those_of_the_paper(pairs, epochs_steps):
    assert Published().steps(round(1.6 * pairs)) == (30 * epochs_steps, epochs_steps)


@pytest.mark.parametrize("label", [0, 1])
def test_the_published_loss_is_cross_entropy_of_probabilities(label):
    """As nn.BCELoss has it: where a probability rounds to the wrong end a row costs 100 and teaches nothing."""
    values = torch.tensor([-3.0, 0.0, 2.0, 40.0 if label == 0 else -120.0])
    mine, theirs = values.clone().requires_grad_(), values.clone().requires_grad_()
    loss = Published().nll(mine, label)
    expected = torch.nn.BCELoss(reduction="none")(torch.sigmoid(theirs), torch.full((4,), float(label)))
    torch.testing.assert_close(loss, expected)
    loss.sum().backward()
    expected.sum().backward()
    torch.testing.assert_close(mine.grad, theirs.grad)
    torch.testing.assert_close(loss[:3], F.softplus(-values[:3] if label else values[:3]))
    assert loss[3] == 100
    assert mine.grad[3] == 0


def test_a_published_loss_that_is_not_a_number_stays_so():
    assert torch.isnan(Published().nll(torch.tensor([np.nan, 1.0]), 1)).tolist() == [True, False]
