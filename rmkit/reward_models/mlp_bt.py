"""Bradley-Terry with a small neural network as the reward: learns from the difference of two rewards.

Knows two rewards of a pair; the network and its training are `mlp`. Source: arXiv 2411.04991, eq. (3).
"""

from typing import ClassVar

import torch

from rmkit.reward_models.mlp import MLP


class MLPBradleyTerry(MLP):
    """A pair is one observation: the chosen response won, with log-odds f(chosen) - f(rejected).

    Width and learning rate had the smallest validation log-loss of those tried on planted worlds, linear and half
    quadratic, at 100 to 1,800 pairs; no human pair was looked at.
    """

    name: ClassVar = "mlp_bt"

    @staticmethod
    def observed_logits(chosen_reward_sm: torch.Tensor, rejected_reward_sm: torch.Tensor) -> torch.Tensor:
        """(1, S, M): the log-odds of what was observed."""
        return (chosen_reward_sm - rejected_reward_sm).unsqueeze(0)
