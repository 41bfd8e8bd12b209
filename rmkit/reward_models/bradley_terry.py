"""Bradley-Terry likelihood of preference pairs under a scalar reward, with a weight for each pair.

Knows rewards and pair positions only: no text, no model. Source: Bradley & Terry 1952; arXiv 2411.04991, eq. (3).
"""

import torch
import torch.nn.functional as F


def bradley_terry_nll(
    reward_sr: torch.Tensor, chosen_sm: torch.Tensor, rejected_sm: torch.Tensor, weight_sm: torch.Tensor
) -> torch.Tensor:
    """Weighted mean negative log-likelihood of the observed choices, in nats: (S,), one for each of S independent fits.

    reward_sr: (S, R) float, one a response. chosen_sm, rejected_sm: (S, M) int64 into R. weight_sm: (S, M) float, 0 for
    padding, above 0 somewhere in each row. ValueError unless the last three are of one shape.
    """
    shapes = {tuple(tensor.shape) for tensor in (chosen_sm, rejected_sm, weight_sm)}
    if len(shapes) != 1:
        raise ValueError(f"chosen {tuple(chosen_sm.shape)}, rejected and weight differ in shape: {sorted(shapes)}")
    return margin_nll(reward_sr.gather(-1, chosen_sm) - reward_sr.gather(-1, rejected_sm), weight_sm)


def margin_nll(margin_sm: torch.Tensor, weight_sm: torch.Tensor) -> torch.Tensor:
    """The same from margins r(chosen) - r(rejected): (S,) = sum_m w_m * -log sigmoid(margin_m) / sum_m w_m."""
    loss_sm = F.softplus(-margin_sm)  # -log sigmoid(margin), stable for large margins
    return (loss_sm * weight_sm).sum(-1) / weight_sm.sum(-1)
