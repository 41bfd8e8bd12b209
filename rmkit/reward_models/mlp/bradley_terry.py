"""Bradley-Terry with a neural network as the reward: learns from the difference of two rewards.

Knows two rewards of a pair; the network and its training are network.py's. Source: arXiv 2411.04991, eq. (3)
("BT-MLP").
"""

from typing import ClassVar

import torch

from rmkit.reward_models.mlp.network import MLP, Nll


class MLPBradleyTerry(MLP):
    """A pair is one observation, the chosen response won, with log-odds f(chosen) - f(rejected). Its mirror image, the
    rejected one lost, has the same loss (but where the released code's probabilities round to 0 or 1).
    """

    name: ClassVar = "mlp_bt"
    joint: ClassVar = True

    @staticmethod
    def row_losses(chosen_reward_sm: torch.Tensor, rejected_reward_sm: torch.Tensor, nll: Nll) -> torch.Tensor:
        """(S, M, 2): the pair's loss, once as labelled and once turned round."""
        margin_sm = chosen_reward_sm - rejected_reward_sm
        return torch.stack([nll(margin_sm, 1), nll(-margin_sm, 0)], dim=-1)
