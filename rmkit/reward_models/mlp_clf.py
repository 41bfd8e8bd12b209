"""Classification with a small neural network: each response of a pair is a row of its own, won or lost.

Knows two rewards of a pair; the network and its training are `mlp`. Source: arXiv 2411.04991, the classification reward
("CLF"): log-odds of having won as the reward, though nobody asked whether a response is good by itself.

Both rows of a pair are on the same side of training and validation: pair sets hold pairs, and a pair is never taken
apart. The paper's released code draws validation rows at random after pairs were written out as several rows (for
Bradley-Terry each pair and its mirror image), so that about 80% of its validation rows have their mirror in training,
and training stops by a loss that it has half seen. Nor can a set hold one class alone: every pair has one of each.
"""

from typing import ClassVar

import torch

from rmkit.reward_models.mlp import MLP


class MLPClassifier(MLP):
    """A pair is two observations: the chosen response won, with log-odds f(chosen), and the rejected lost.

    The options are those of `mlp_bt`, chosen there and not again here, so that the heads differ in their loss alone.
    """

    name: ClassVar = "mlp_clf"

    @staticmethod
    def observed_logits(chosen_reward_sm: torch.Tensor, rejected_reward_sm: torch.Tensor) -> torch.Tensor:
        """(2, S, M): the log-odds of each row's label, 1 for the chosen and 0 for the rejected response."""
        return torch.stack([chosen_reward_sm, -rejected_reward_sm])
