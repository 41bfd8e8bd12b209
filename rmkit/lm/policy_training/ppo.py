"""Proximal policy optimisation of a language model, small enough to read; its terms are in ppo_terms.py.

Knows a policy, where it started, prompts and a reward. TRL has no PPO any more, and its last one took no function as
reward. The critic is a network of two layers on the policy's last states, which its loss does not change: a second
language model, as OpenRLHF has, would double the cost. The critic's task has unit scale: rewards are centred and scaled
by the first rollout's mean and standard deviation, and the KL coefficient by the latter, so the optimum is the same.
Every draw comes from the seed, the step and a name, so a run that goes on from a checkpoint draws what it would have.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from rmkit.lm.policy_training.checkpoints import Checkpoints
from rmkit.lm.policy_training.optimisers import PPO
from rmkit.lm.policy_training.ppo_terms import centred, clipped_surrogate, clipped_value_loss, gae, token_rewards
from rmkit.lm.policy_training.rewards import rewards
from rmkit.lm.policy_training.rollouts import Rollout, log_probs, of_drawn, roll_out
from rmkit.lm.policy_training.tracking import Tracker
from rmkit.lm.training.arguments import seeded
from rmkit.progress import Progress
from rmkit.seeding import generator

if TYPE_CHECKING:
    import numpy as np
    from transformers import PreTrainedModel

BETAS = (0.9, 0.95)  # of Adam, OpenRLHF's
STATE = "state.pt"


@dataclass(frozen=True)
class Scale:
    """The rewards' scale: the mean and standard deviation of the first rollout's."""

    centre: float
    spread: float

    @classmethod
    def of(cls, reward_b: "np.ndarray") -> "Scale":
        """1 as spread where all rewards are equal."""
        return cls(float(reward_b.mean()), float(reward_b.std()) or 1.0)


@dataclass(frozen=True, eq=False)
class Experience:
    """A rollout and what is learned from it, (B, T) each."""

    rollout: Rollout
    log_prob_bt: torch.Tensor  # of the policy that drew
    value_bt: torch.Tensor
    advantage_bt: torch.Tensor
    return_bt: torch.Tensor


def optimise_by_ppo(
    tracker: Tracker,
    prompts: Sequence[str],
    ppo: PPO,
    *,
    seed: int,
    checkpoints: Checkpoints | None,
    progress: Progress | None,
) -> None:
    """Change the tracker's policy. prompts: of all steps, one after another, each as often as it is answered."""
    policy, critic = tracker.policy, new_critic(tracker.policy, seed)
    groups = [
        {"params": list(policy.parameters()), "rate": ppo.actor_learning_rate},
        {"params": list(critic.parameters()), "rate": ppo.critic_learning_rate},
    ]
    optimiser = torch.optim.AdamW(groups, betas=BETAS, weight_decay=0.0)
    parts = {"policy": policy, "critic": critic, "optimiser": optimiser}
    scale: Scale | None = None
    done, folder = checkpoints.last() if checkpoints else (0, None)
    if folder is None:
        tracker.look(0)
    else:
        tracker.recall(done)
        state = torch.load(folder / STATE, map_location=policy.device, weights_only=True)
        scale = Scale(**state.pop("scale"))
        for name, part in parts.items():
            part.load_state_dict(state[name])
    for step in range(done, ppo.steps):
        uniform_bt = generator(seed, "ppo", "rollout", str(step)).random((ppo.responses, ppo.generate_max_len))
        asked = prompts[step * ppo.responses : (step + 1) * ppo.responses]
        rollout = roll_out(policy, tracker.tokenizer, asked, uniform_bt)
        reward_b = rewards(tracker.proxy, asked, rollout.answers, "reward")
        scale = scale or Scale.of(reward_b)
        experience = experienced(tracker, critic, rollout, reward_b, scale, ppo)
        for group in optimiser.param_groups:
            group["lr"] = group["rate"] * (1 - step / ppo.steps)
        for epoch in range(ppo.max_epochs):
            order = generator(seed, "ppo", "order", str(step), str(epoch)).permutation(ppo.responses)
            for b in torch.from_numpy(order).to(policy.device).split(ppo.train_batch_size):
                update(policy, critic, optimiser, experience, b, ppo)
        tracker.check_numbers(step + 1)
        tracker.look(step + 1)
        if checkpoints and ((step + 1) % checkpoints.every == 0 or step + 1 == ppo.steps):
            state = {"scale": vars(scale), **{name: part.state_dict() for name, part in parts.items()}}
            checkpoints.keep(step + 1, partial(_save, state))
        if progress:
            progress(step + 1, ppo.steps)


def experienced(
    tracker: Tracker,
    critic: torch.nn.Module,
    rollout: Rollout,
    reward_b: "np.ndarray",
    scale: Scale,
    ppo: PPO,
) -> Experience:
    """Advantages and returns of a rollout, under the policy that drew it and the critic as it is."""
    drawn_bt = rollout.drawn_bt
    with torch.no_grad():
        log_prob_btv, state_btd = log_probs(tracker.policy, rollout)
        log_prob_bt, value_bt = of_drawn(log_prob_btv, rollout), critic(state_btd)[..., 0]
        log_ratio_bt = log_prob_bt - of_drawn(log_probs(tracker.start, rollout)[0], rollout)
    scaled_b = torch.from_numpy((reward_b - scale.centre) / scale.spread).to(value_bt)
    token_reward_bt = token_rewards(scaled_b, log_ratio_bt, drawn_bt, ppo.init_kl_coef / scale.spread)
    advantage_bt, return_bt = gae(token_reward_bt, value_bt, drawn_bt, gamma=ppo.gamma, lambd=ppo.lambd)
    advantage_bt = centred(advantage_bt, drawn_bt, scaled=not ppo.no_advantage_std_norm)
    return Experience(rollout, log_prob_bt, value_bt, advantage_bt, return_bt)


def update(
    policy: "PreTrainedModel",
    critic: torch.nn.Module,
    optimiser: torch.optim.Optimizer,
    experience: Experience,
    b: torch.Tensor,
    ppo: PPO,
) -> None:
    """One step of policy and critic on some of the responses, by their positions."""
    part = experience.rollout.part(b)
    log_prob_btv, state_btd = log_probs(policy, part)
    policy_loss = clipped_surrogate(
        of_drawn(log_prob_btv, part), experience.log_prob_bt[b], experience.advantage_bt[b], part.drawn_bt, ppo.eps_clip
    )
    value_bt = critic(state_btd.detach())[..., 0]
    critic_loss = clipped_value_loss(
        value_bt, experience.value_bt[b], experience.return_bt[b], part.drawn_bt, ppo.value_clip
    )
    optimiser.zero_grad()
    (policy_loss + critic_loss).backward()
    for changed in (policy, critic):
        torch.nn.utils.clip_grad_norm_(changed.parameters(), ppo.max_norm)
    optimiser.step()


def new_critic(policy: "PreTrainedModel", seed: int) -> torch.nn.Sequential:
    """States (..., D) to values (..., 1), which are 0 at first."""
    width = policy.config.get_text_config().hidden_size
    with seeded(seed):
        first, last = torch.nn.Linear(width, width), torch.nn.Linear(width, 1)
    torch.nn.init.zeros_(last.weight)
    torch.nn.init.zeros_(last.bias)
    return torch.nn.Sequential(first, torch.nn.Tanh(), last).to(policy.device)


def _save(state: dict[str, Any], folder: Path) -> None:
    folder.mkdir()
    torch.save(state, folder / STATE)
