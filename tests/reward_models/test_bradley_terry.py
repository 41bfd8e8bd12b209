import math

import numpy as np
import pytest
import torch
from scipy.special import expit

from rmkit.reward_models.bradley_terry import bradley_terry_nll, margin_nll

RNG = np.random.default_rng(0)
REWARD_SR = torch.from_numpy(RNG.normal(size=(2, 9)))
CHOSEN_SM, REJECTED_SM = (torch.from_numpy(RNG.integers(9, size=(2, 5))) for _ in range(2))
WEIGHT_SM = torch.tensor([[1.0, 1.0, 1.0, 0.0, 0.0], [0.5, 2.0, 1.0, 1.0, 0.0]], dtype=torch.float64)


def test_it_is_minus_the_mean_log_probability_of_the_choices():
    for s in range(2):
        total = 0.0
        for m in range(5):
            chosen, rejected = (REWARD_SR[s, side_sm[s, m]].exp().item() for side_sm in (CHOSEN_SM, REJECTED_SM))
            total -= WEIGHT_SM[s, m].item() * math.log(chosen / (chosen + rejected))
        nll_s = bradley_terry_nll(REWARD_SR, CHOSEN_SM, REJECTED_SM, WEIGHT_SM)
        np.testing.assert_allclose(nll_s[s].item(), total / WEIGHT_SM[s].sum().item())


def test_its_gradient_is_that_of_finite_differences():
    def nll(reward_sr):
        return bradley_terry_nll(reward_sr, CHOSEN_SM, REJECTED_SM, WEIGHT_SM)

    assert torch.autograd.gradcheck(nll, REWARD_SR.clone().requires_grad_())


def test_a_pair_of_weight_0_is_not_there():
    moved_sm = CHOSEN_SM.clone()
    moved_sm[WEIGHT_SM == 0] = (moved_sm[WEIGHT_SM == 0] + 1) % 9
    with_padding = bradley_terry_nll(REWARD_SR, moved_sm, REJECTED_SM, WEIGHT_SM)[0]
    torch.testing.assert_close(with_padding, bradley_terry_nll(REWARD_SR, CHOSEN_SM, REJECTED_SM, WEIGHT_SM)[0])
    cut = slice(0, 1), slice(0, 3)
    torch.testing.assert_close(
        with_padding, bradley_terry_nll(REWARD_SR[:1], CHOSEN_SM[cut], REJECTED_SM[cut], WEIGHT_SM[cut])[0]
    )


def test_large_margins_stay_finite_with_a_gradient():
    margin_sm = torch.tensor([[-1000.0], [1000.0]], requires_grad=True)
    nll_s = margin_nll(margin_sm, torch.ones(2, 1))
    nll_s.sum().backward()
    assert nll_s.tolist() == [1000.0, 0.0]
    np.testing.assert_allclose(margin_sm.grad[:, 0], [-expit(1000.0), 0.0])


def test_shapes_that_differ_are_an_error():
    with pytest.raises(ValueError, match="differ in shape"):
        bradley_terry_nll(REWARD_SR, CHOSEN_SM[:, :4], REJECTED_SM, WEIGHT_SM)
