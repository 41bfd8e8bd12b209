import numpy as np
import torch
import torch.nn.functional as F

from rmkit.reward_models.mlp_clf import MLPClassifier
from rmkit.reward_models.mlp_training import pair_log_loss
from tests.reward_models.worlds import PlantedWorld

RNG = np.random.default_rng(0)
CHOSEN_SM, REJECTED_SM = (torch.from_numpy(3 * RNG.normal(size=(2, 5))).requires_grad_() for _ in range(2))
WEIGHT_SM = torch.tensor([[1.0, 2.0, 0.5, 1.0, 1.0], [1.0, 1.0, 1.0, 0.0, 0.0]], dtype=torch.float64)
LABEL_N = torch.tensor([1.0] * 5 + [0.0] * 5, dtype=torch.float64)


def test_its_loss_and_gradient_are_binary_cross_entropy_on_two_rows_a_pair():
    loss_s = pair_log_loss(MLPClassifier.observed_logits(CHOSEN_SM, REJECTED_SM), WEIGHT_SM)
    for s in range(2):
        logit_n, weight_n = torch.cat([CHOSEN_SM[s], REJECTED_SM[s]]), WEIGHT_SM[s].repeat(2)
        total = F.binary_cross_entropy_with_logits(logit_n, LABEL_N, weight=weight_n, reduction="sum")
        torch.testing.assert_close(loss_s[s], total / weight_n.sum())
        sides = [CHOSEN_SM, REJECTED_SM]
        for mine, theirs in zip(
            torch.autograd.grad(loss_s[s], sides, retain_graph=True),
            torch.autograd.grad(total / weight_n.sum(), sides),
            strict=True,
        ):
            torch.testing.assert_close(mine, theirs)


def test_a_constant_added_to_every_reward_does_change_the_loss():
    """The reward is the log-odds of having won, with a zero of its own: unlike Bradley-Terry's, it can be too high."""
    balanced = MLPClassifier.observed_logits(torch.zeros(1, 4), torch.zeros(1, 4))
    raised = MLPClassifier.observed_logits(torch.full((1, 4), 3.0), torch.full((1, 4), 3.0))
    assert pair_log_loss(raised, torch.ones(1, 4)) > pair_log_loss(balanced, torch.ones(1, 4)) + 0.5


def test_the_validation_loss_it_reports_is_that_of_its_rewards_as_log_odds():
    world = PlantedWorld.make(0)
    train, validation = world.sets((40, 150))
    model = MLPClassifier().fit(world.embedding_rd, train, validation, rng_s=np.random.default_rng(0).spawn(2))
    reward_sr = torch.from_numpy(model.score(world.embedding_rd))
    for s, size in enumerate(validation.sizes_s):
        won_m, lost_m = (reward_sr[s, side_sm[s, :size]] for side_sm in (validation.chosen_sm, validation.rejected_sm))
        label_n = torch.cat([torch.ones(size), torch.zeros(size)])
        log_loss = F.binary_cross_entropy_with_logits(torch.cat([won_m, lost_m]), label_n)
        np.testing.assert_allclose(model.validation_log_loss_s_[s], log_loss, rtol=1e-4)
