"""Classification with a neural network: each response of a pair is a row of its own, won or lost.

Knows two rewards of a pair; the network and its training are network.py's. Source: arXiv 2411.04991, the classification
reward ("CLF-MLP"): log-odds of having won as the reward, though nobody asked whether a response is good by itself.
"""

from typing import ClassVar

import torch

from rmkit.reward_models.mlp.network import MLP, Nll


class MLPClassifier(MLP):
    """A pair is two observations: the chosen response won, with log-odds f(chosen), and the rejected lost."""

    name: ClassVar = "mlp_clf"
    joint: ClassVar = False

    @staticmethod
    def row_losses(chosen_reward_sm: torch.Tensor, rejected_reward_sm: torch.Tensor, nll: Nll) -> torch.Tensor:
        """(S, M, 2): the loss of each response's own label."""
        return torch.stack([nll(chosen_reward_sm, 1), nll(rejected_reward_sm, 0)], dim=-1)
