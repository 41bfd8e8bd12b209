import numpy as np
import pytest
import torch
import torch.nn.functional as F

from rmkit.reward_models.mlp.layers import hidden_activations, initial_layers, rewards
from rmkit.reward_models.mlp.procedures import Published
from tests.reward_models.mlp.small_heads import every_loss, streams


def test_the_rewards_are_those_of_a_sequential_torch_module():
    layers = initial_layers(streams(3), (8, 6, 5, 1))
    input_snd = torch.from_numpy(np.random.default_rng(1).normal(size=(3, 10, 8)).astype(np.float32))
    for s in range(3):
        sizes = [torch.nn.Linear(8, 6), torch.nn.ReLU(), torch.nn.Linear(6, 5), torch.nn.ReLU(), torch.nn.Linear(5, 1)]
        module = torch.nn.Sequential(*sizes)
        with torch.no_grad():
            for parameter, layer in zip(module.parameters(), layers, strict=True):
                parameter.copy_(layer[s].T if parameter.ndim == 2 else layer[s, 0])
        torch.testing.assert_close(rewards(layers, input_snd)[s], module(input_snd[s]).squeeze(-1))


def test_the_published_start_is_that_of_torchs_linear_layers():
    torch.manual_seed(0)
    theirs = [torch.nn.Linear(300, 200), torch.nn.Linear(200, 1)]
    mine = initial_layers(streams(1), (300, 200, 1), last=Published().last)
    for layer, weight, bias in zip(theirs, mine[::2], mine[1::2], strict=True):
        bound = layer.weight.shape[1] ** -0.5
        for values in (weight, bias):
            assert values.abs().max() <= bound
        spreads = [values.detach().std().item() for values in (weight, layer.weight)]
        assert spreads[0] == pytest.approx(spreads[1], rel=0.1)


def test_rewards_start_near_zero_and_each_fit_elsewhere():
    layers = initial_layers(streams(2), (128, 64, 1))
    input_rd = torch.from_numpy(np.random.default_rng(0).normal(size=(1, 50, 128))).float()
    start_sr = rewards(layers, input_rd.expand(2, -1, -1))
    assert start_sr.abs().max() < 0.15
    assert not torch.allclose(start_sr[0], start_sr[1])


@every_loss
def test_the_loss_has_the_gradient_of_finite_differences(head):
    input_snd = torch.from_numpy(np.random.default_rng(2).normal(size=(2, 6, 4)))

    def loss(*layers):
        chosen_sm, rejected_sm = rewards(list(layers), input_snd).chunk(2, dim=1)
        return head.row_losses(
            chosen_sm, rejected_sm, lambda logit, label: F.softplus(-logit if label else logit)
        ).mean(dim=(1, 2))

    layers = [layer.detach().double().requires_grad_() for layer in initial_layers(streams(2), (4, 3, 1))]
    assert torch.autograd.gradcheck(loss, layers)


def test_bfloat16_products_give_the_rewards_of_float32_but_for_rounding():
    layers = initial_layers(streams(1), (64, 128, 32, 1), last=1.0)
    input_snd = torch.from_numpy(np.random.default_rng(2).normal(size=(1, 200, 64))).float()
    exact, rounded = rewards(layers, input_snd), rewards(layers, input_snd.bfloat16())
    assert rounded.dtype == torch.float32
    assert not torch.equal(exact, rounded)
    assert (exact - rounded).abs().max() < 0.03 * exact.std()
    assert len(set(rounded.flatten().tolist())) == 200  # the last layer is float32: no ties from rounding
    assert hidden_activations(layers, input_snd.bfloat16()).dtype == torch.bfloat16
