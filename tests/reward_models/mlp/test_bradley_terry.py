"""What a pair costs under Bradley-Terry."""

import torch
import torch.nn.functional as F

from rmkit.reward_models.mlp.bradley_terry import MLPBradleyTerry

CHOSEN_SM, REJECTED_SM = torch.randn(2, 2, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def nll(logit, label):
    return F.softplus(-logit if label else logit)


def losses(chosen_sm, rejected_sm):
    return MLPBradleyTerry.row_losses(chosen_sm, rejected_sm, nll)


def test_a_pair_costs_minus_the_log_of_the_bradley_terry_probability_of_the_choice():
    chance_sm = CHOSEN_SM.exp() / (CHOSEN_SM.exp() + REJECTED_SM.exp())
    torch.testing.assert_close(losses(CHOSEN_SM, REJECTED_SM)[..., 0], -chance_sm.log())


def test_a_pair_and_its_mirror_image_have_one_loss():
    """The row (rejected, chosen) with label 0: cross-entropy of the probability that the rejected one wins."""
    mirror_sm = F.binary_cross_entropy_with_logits(
        REJECTED_SM - CHOSEN_SM, torch.zeros_like(CHOSEN_SM), reduction="none"
    )
    torch.testing.assert_close(losses(CHOSEN_SM, REJECTED_SM)[..., 1], mirror_sm)


def test_a_constant_added_to_every_reward_changes_no_loss():
    torch.testing.assert_close(losses(CHOSEN_SM + 3.0, REJECTED_SM + 3.0), losses(CHOSEN_SM, REJECTED_SM))
