import numpy as np
import torch
import torch.nn.functional as F

from rmkit.reward_models.mlp.classifier import MLPClassifier
from tests.reward_models.worlds import PlantedWorld

CHOSEN_SM, REJECTED_SM = torch.randn(2, 2, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def losses(chosen_sm, rejected_sm):
    return MLPClassifier.row_losses(chosen_sm, rejected_sm, lambda logit, label: F.softplus(-logit if label else logit))


def test_its_losses_are_binary_cross_entropy_on_two_rows_a_pair():
    for side, (reward_sm, label) in enumerate([(CHOSEN_SM, 1.0), (REJECTED_SM, 0.0)]):
        expected_sm = F.binary_cross_entropy_with_logits(reward_sm, torch.full_like(reward_sm, label), reduction="none")
        torch.testing.assert_close(losses(CHOSEN_SM, REJECTED_SM)[..., side], expected_sm)


def test_a_constant_added_to_every_reward_does_change_the_loss():
    """The reward is the log-odds of having won, with a zero of its own: unlike Bradley-Terry's, it can be too high."""
    balanced, raised = (losses(torch.full((1, 4), level), torch.full((1, 4), level)).mean() for level in (0.0, 3.0))
    assert raised > balanced + 0.5


def test_the_validation_loss_it_reports_is_that_of_its_rewards_as_log_odds():
    world = PlantedWorld.make(0)
    train, validation = world.sets((40, 150))
    model = MLPClassifier(hidden=(32,), precision="float32").fit(
        world.embedding_rd, train, validation, rng_s=np.random.default_rng(0).spawn(2)
    )
    reward_sr = torch.from_numpy(model.score(world.embedding_rd))
    for s, size in enumerate(validation.sizes_s):
        won_m, lost_m = (reward_sr[s, side_sm[s, :size]] for side_sm in (validation.chosen_sm, validation.rejected_sm))
        label_n = torch.cat([torch.ones(size), torch.zeros(size)])
        log_loss = F.binary_cross_entropy_with_logits(torch.cat([won_m, lost_m]), label_n)
        np.testing.assert_allclose(model.validation_log_loss_s_[s], log_loss, rtol=1e-4)
