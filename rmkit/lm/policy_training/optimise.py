"""A language model optimised for a reward: by PPO, RLOO or GRPO, tracked on the way, taken up again after a kill.

Knows a starting policy, prompts and a reward function; not where the reward comes from. What comes out is a model
folder, and a row for each response that was looked at.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from rmkit.errors import DataError
from rmkit.lm.libraries import quiet_libraries
from rmkit.lm.loading import Origin, load_causal
from rmkit.lm.policy_training.checkpoints import Checkpoints
from rmkit.lm.policy_training.optimisers import GRPO, PPO, RLOO
from rmkit.lm.policy_training.rewards import RewardFunction
from rmkit.lm.policy_training.tracking import Tracked, Tracker, by_step
from rmkit.lm.sampling.draws import Decoding
from rmkit.lm.sampling.transformers import check_context
from rmkit.progress import Progress
from rmkit.seeding import generator


@dataclass(frozen=True, eq=False)
class OptimisedPolicy:
    """What came of an optimisation, beside its folder."""

    responses: pd.DataFrame  # step, prompt_id, sample, answer, n_tokens, stopped, kl, kl_by_token, *_reward

    @property
    def steps(self) -> pd.DataFrame:
        """A row for each tracked step, means over its responses (`by_step`); the last is of the policy as saved."""
        return by_step(self.responses)


def optimise_policy(
    start: Origin,
    prompts: pd.DataFrame,
    reward: RewardFunction,
    folder: str | Path,
    optimiser: PPO | RLOO | GRPO,
    *,
    tracked: Tracked,
    seed: int,
    pad_token: str | None = None,
    checkpoints: Checkpoints | None = None,
    progress: Progress | None = None,
) -> OptimisedPolicy:
    """Optimise a causal language model for a reward, and save it with its tokenizer into a folder.

    prompts: prompt_id and prompt, drawn in random order, all before any comes again. The same arguments give the same
    bytes on one machine, also if a run that was killed is called again with its checkpoints: for that, the same reward
    must be given again. DataError for a reward that is no number, ConstantReward for one that says nothing, and
    Diverged if the policy goes too far from its start. Everything random comes from the seed.
    """
    decoding = Decoding(optimiser.generate_max_len, temperature=1.0, top_p=1.0)
    policy, tokenizer = load_causal(start, pad_token=pad_token)
    reference, _ = load_causal(start, pad_token=pad_token)
    reference.requires_grad_(False)
    if prompts.empty:
        raise DataError("prompts: there are none; give at least one")
    for asked in (prompts, tracked.prompts):
        check_context(policy, tokenizer, asked, decoding)
    if checkpoints:
        checkpoints.begin(
            {
                "starting policy": f"{start.name}@{start.revision}", "optimiser": repr(optimiser), "seed": str(seed),
                "prompts": _digest(prompts), "tracking": f"{tracked.n, tracked.every, _digest(tracked.prompts)}",
            }
        )  # fmt: skip
    tracker = Tracker(
        policy, reference, tokenizer, reward, tracked, optimiser.steps, optimiser.generate_max_len, seed,
        checkpoints.tracked if checkpoints else None,
    )  # fmt: skip
    order = prompt_order(len(prompts), optimiser.steps * optimiser.rollout_batch_size, seed)
    asked = prompts["prompt"].to_numpy()[order].repeat(optimiser.n_samples_per_prompt).tolist()
    if isinstance(optimiser, PPO):
        from rmkit.lm.policy_training.ppo import optimise_by_ppo

        optimise_by_ppo(tracker, asked, optimiser, seed=seed, checkpoints=checkpoints, progress=progress)
    else:
        from rmkit.lm.policy_training.by_trl import optimise_by_trl

        optimise_by_trl(tracker, asked, optimiser, seed=seed, checkpoints=checkpoints, progress=progress)
    with quiet_libraries():
        policy.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    return OptimisedPolicy(tracker.responses)


def prompt_order(n_prompts: int, n_asked: int, seed: int) -> np.ndarray:
    """(n_asked,) int64 positions of prompts: permutations, one after another, the last of them cut."""
    rng = generator(seed, "policy training", "prompts")
    rounds = -(-n_asked // n_prompts)
    return np.concatenate([rng.permutation(n_prompts) for _ in range(rounds)])[:n_asked]


def _digest(prompts: pd.DataFrame) -> str:
    told = prompts[["prompt_id", "prompt"]].to_csv(index=False)
    return hashlib.sha256(told.encode()).hexdigest()[:16]
