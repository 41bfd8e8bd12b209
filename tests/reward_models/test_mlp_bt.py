import numpy as np
import torch

from rmkit.reward_models.bradley_terry import bradley_terry_nll
from rmkit.reward_models.mlp_bt import MLPBradleyTerry
from rmkit.reward_models.mlp_training import pair_log_loss

REWARD_SR = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 10)))
CHOSEN_SM, REJECTED_SM = torch.arange(5).expand(2, 5), torch.arange(5, 10).expand(2, 5)
WEIGHT_SM = torch.tensor([[1.0, 2.0, 0.5, 1.0, 1.0], [1.0, 1.0, 1.0, 0.0, 0.0]], dtype=torch.float64)


def loss(reward_sr):
    logit_csm = MLPBradleyTerry.observed_logits(reward_sr[:, :5], reward_sr[:, 5:])
    return pair_log_loss(logit_csm, WEIGHT_SM)


def test_its_loss_is_the_bradley_terry_likelihood_of_the_choices():
    torch.testing.assert_close(loss(REWARD_SR), bradley_terry_nll(REWARD_SR, CHOSEN_SM, REJECTED_SM, WEIGHT_SM))


def test_a_constant_added_to_every_reward_changes_no_loss():
    torch.testing.assert_close(loss(REWARD_SR + 3.0), loss(REWARD_SR))
