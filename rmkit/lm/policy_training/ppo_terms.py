"""The terms of proximal policy optimisation, a function each: token rewards, GAE, the clipped losses.

Knows arrays only: B responses of at most T tokens, with drawn_bt 1 for a token that the policy drew and 0 for padding.
Sources: Schulman et al. 2017, arXiv 1707.06347, eq. (7), and 2016, arXiv 1506.02438, eq. (16), for GAE; Ouyang et al.
2022, arXiv 2203.02155, eq. (2), for the KL in the reward.
"""

import torch


def token_rewards(
    reward_b: torch.Tensor, log_ratio_bt: torch.Tensor, drawn_bt: torch.Tensor, kl_coef: float
) -> torch.Tensor:
    """(B, T) reward of each token: minus kl_coef times its log-ratio to the starting policy, in nats, and on the last
    drawn token the response's reward, reward_b (B,)."""
    last_b = drawn_bt.sum(dim=1).long() - 1
    token_reward_bt = -kl_coef * log_ratio_bt * drawn_bt
    token_reward_bt[torch.arange(len(reward_b)), last_b] += reward_b
    return token_reward_bt


def gae(
    token_reward_bt: torch.Tensor, value_bt: torch.Tensor, drawn_bt: torch.Tensor, *, gamma: float, lambd: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """(B, T) generalised advantage estimates, and (B, T) returns that the values should have had; 0 after the end.

    A_t = sum over l of (gamma lambd)^l delta_{t+l}, delta_t = r_t + gamma V_{t+1} - V_t; after a response V is 0, also
    where it was cut off at the most tokens.
    """
    advantage_bt = torch.zeros_like(value_bt)
    advantage_b = value_b = torch.zeros_like(value_bt[:, 0])  # of the token after
    for t in reversed(range(value_bt.shape[1])):
        delta_b = token_reward_bt[:, t] + gamma * value_b - value_bt[:, t]
        advantage_b = (delta_b + gamma * lambd * advantage_b) * drawn_bt[:, t]
        value_b = value_bt[:, t] * drawn_bt[:, t]
        advantage_bt[:, t] = advantage_b
    return advantage_bt, (advantage_bt + value_bt) * drawn_bt


def centred(advantage_bt: torch.Tensor, drawn_bt: torch.Tensor, *, scaled: bool) -> torch.Tensor:
    """(B, T) advantages minus their mean over drawn tokens and, if scaled, divided by their s.d.; 0 after the end."""
    centred_bt = (advantage_bt - mean_of_drawn(advantage_bt, drawn_bt)) * drawn_bt
    return centred_bt / (mean_of_drawn(centred_bt**2, drawn_bt).sqrt() + 1e-8) if scaled else centred_bt


def clipped_surrogate(
    log_prob_bt: torch.Tensor,
    old_log_prob_bt: torch.Tensor,
    advantage_bt: torch.Tensor,
    drawn_bt: torch.Tensor,
    eps_clip: float,
) -> torch.Tensor:
    """The policy's loss, (): minus the mean over drawn tokens of min(ratio A, clip(ratio, 1 - eps, 1 + eps) A)."""
    ratio_bt = (log_prob_bt - old_log_prob_bt).exp()
    clipped_bt = ratio_bt.clamp(1 - eps_clip, 1 + eps_clip)
    return -mean_of_drawn(torch.minimum(ratio_bt * advantage_bt, clipped_bt * advantage_bt), drawn_bt)


def clipped_value_loss(
    value_bt: torch.Tensor,
    old_value_bt: torch.Tensor,
    return_bt: torch.Tensor,
    drawn_bt: torch.Tensor,
    value_clip: float,
) -> torch.Tensor:
    """The critic's loss, (): half the mean over drawn tokens of the larger squared error, of the value and of the value
    when it is held within value_clip of the old one."""
    held_bt = old_value_bt + (value_bt - old_value_bt).clamp(-value_clip, value_clip)
    return mean_of_drawn(torch.maximum((value_bt - return_bt) ** 2, (held_bt - return_bt) ** 2), drawn_bt) / 2


def mean_of_drawn(number_bt: torch.Tensor, drawn_bt: torch.Tensor) -> torch.Tensor:
    """(), the mean over drawn tokens."""
    return (number_bt * drawn_bt).sum() / drawn_bt.sum()
