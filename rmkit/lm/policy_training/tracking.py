"""What is looked at while a policy is optimised, and never optimised: gold, the way from the start, lengths, stops.

At some steps the policy answers the same prompts with the same random numbers. Knows the policy and where it started.
The KL divergence from the start, KL(policy || start) of whole responses in nats, is estimated twice from the same
responses: by the sum of log-probability differences of the drawn tokens, which can come out negative, and by the sum of
the divergences of the next-token distributions at each place, which has the same mean, is never negative and varies
less (a Rao-Blackwell step).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from rmkit.artifacts.shards import Shards
from rmkit.errors import DataError
from rmkit.lm.policy_training.rewards import RewardFunction, rewards
from rmkit.lm.policy_training.rollouts import log_probs, of_drawn, roll_out
from rmkit.lm.sampling.draws import noise

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

AT_A_TIME = 128  # responses
MEANS = ("proxy_reward", "gold_reward", "kl", "kl_by_token", "n_tokens", "stopped")


@dataclass(frozen=True, eq=False)
class Tracked:
    """What to look at, and how often."""

    prompts: pd.DataFrame  # prompt_id, prompt
    gold: RewardFunction | None = None
    n: int = 1  # responses to each prompt
    every: int = 10  # steps; the start and the end are looked at in any case
    max_kl: float = 200.0  # nats from the starting policy, by drawn tokens; above it the policy has diverged

    def __post_init__(self) -> None:
        if self.prompts.empty or self.n < 1 or self.every < 1 or not self.max_kl > 0:
            raise DataError(
                f"tracked: {len(self.prompts)} prompts, n={self.n}, every={self.every}, max_kl={self.max_kl}; "
                "each must be above 0"
            )


class Diverged(DataError):
    """A policy went further from its start than it may, or to where there are no numbers."""

    def __init__(self, step: int, what: str, responses: pd.DataFrame) -> None:
        super().__init__(f"diverged at step {step}: {what}; lower the learning rate, or raise init_kl_coef")
        self.step = step
        self.responses = responses  # tracked before, as OptimisedPolicy.responses


class ConstantReward(DataError):
    """A reward that is the same for all responses of the starting policy: nothing can be learned from it."""

    def __init__(self, reward: float, responses: pd.DataFrame) -> None:
        told = f"is {reward:g} for each of {len(responses)} answers of the starting policy"
        super().__init__(f"reward: {told}; nothing can be learned from a constant")
        self.responses = responses  # the starting policy's


@dataclass(eq=False)
class Tracker:
    """Looks at one policy while it is optimised."""

    policy: "PreTrainedModel"
    start: "PreTrainedModel"
    tokenizer: "PreTrainedTokenizerBase"
    proxy: RewardFunction
    tracked: Tracked
    steps: int
    generate_max_len: int
    seed: int
    shards: Shards | None = None
    tables: list[pd.DataFrame] = field(default_factory=list)

    @property
    def responses(self) -> pd.DataFrame:
        """What was seen so far, a row for each response at each step."""
        return pd.concat(self.tables, ignore_index=True) if self.tables else pd.DataFrame()

    def look(self, step: int) -> None:
        """Ask the policy after so many steps, if its turn has come; Diverged if it is too far from its start.

        ConstantReward if the proxy is the same for all responses of the starting policy.
        """
        if not self._is_turn(step):
            return
        name = f"{step:07d}"
        table = self.shards.get(name) if self.shards else None
        if table is None:
            table = self._asked(step)
            self._check(step, table)
            if self.shards:
                self.shards.put(name, table)
                table = self.shards.get(name)
        assert table is not None
        self.tables.append(table)

    def recall(self, steps: int) -> None:
        """Take up what was seen at the start and after each of so many steps, or DataError if some of it is gone."""
        for step in range(steps + 1):
            if not self._is_turn(step):
                continue
            table = self.shards.get(f"{step:07d}") if self.shards else None
            if table is None:
                raise DataError(f"checkpoints: what was tracked at step {step} is gone; remove the folder, start again")
            self.tables.append(table)

    def check_numbers(self, step: int) -> None:
        """Diverged if the policy's probabilities are no numbers any more."""
        import torch

        ids = self.tokenizer([self.tracked.prompts["prompt"].iloc[0]], return_tensors="pt").to(self.policy.device)
        with torch.no_grad():
            logits = self.policy(**ids, use_cache=False).logits
        if not bool(logits.isfinite().all()):
            raise Diverged(step, "its probabilities are no numbers", self.responses)

    def _is_turn(self, step: int) -> bool:
        return step == 0 or step in tracked_steps(self.steps, self.tracked.every)

    def _asked(self, step: int) -> pd.DataFrame:
        rows = [
            {"step": step, "prompt_id": int(prompt_id), "sample": k, "prompt": prompt}
            for prompt_id, prompt in zip(self.tracked.prompts["prompt_id"], self.tracked.prompts["prompt"], strict=True)
            for k in range(self.tracked.n)
        ]
        training = self.policy.training
        self.policy.eval()
        parts = [self._measured(rows[at : at + AT_A_TIME]) for at in range(0, len(rows), AT_A_TIME)]
        self.policy.train(training)
        table = pd.DataFrame(rows).join(pd.concat(parts, ignore_index=True))
        prompts, answers = table.pop("prompt").tolist(), table["answer"].tolist()
        table["proxy_reward"] = rewards(self.proxy, prompts, answers, "reward")
        if self.tracked.gold is not None:
            table["gold_reward"] = rewards(self.tracked.gold, prompts, answers, "gold reward")
        return table

    def _measured(self, rows: Sequence[dict[str, object]]) -> pd.DataFrame:
        import torch

        uniform_bt = np.stack([noise(row, self.generate_max_len, self.seed, 1) for row in rows])
        rollout = roll_out(self.policy, self.tokenizer, [str(row["prompt"]) for row in rows], uniform_bt)
        with torch.no_grad():
            here_btv, start_btv = log_probs(self.policy, rollout)[0], log_probs(self.start, rollout)[0]
            log_ratio_bt = of_drawn(here_btv, rollout) - of_drawn(start_btv, rollout)
            divergence_bt = (here_btv.exp() * (here_btv - start_btv)).sum(dim=-1) * rollout.drawn_bt
        return pd.DataFrame(
            {
                "answer": rollout.answers,
                "n_tokens": rollout.n_tokens_b,
                "stopped": rollout.stopped_b,
                "kl": log_ratio_bt.double().sum(dim=1).cpu().numpy(),
                "kl_by_token": divergence_bt.double().sum(dim=1).cpu().numpy(),
            }
        )

    def _check(self, step: int, table: pd.DataFrame) -> None:
        proxy_b, kl = table["proxy_reward"], float(table["kl"].mean())
        if step == 0 and len(table) > 1 and (proxy_b == proxy_b.iloc[0]).all():
            raise ConstantReward(float(proxy_b.iloc[0]), table)
        if not np.isfinite(kl):
            raise Diverged(step, "its probabilities are no numbers", self.responses)
        if kl > self.tracked.max_kl:
            told = f"the KL from the starting policy is {kl:.1f} nats, above max_kl={self.tracked.max_kl:g}"
            raise Diverged(step, told, self.responses)


def tracked_steps(steps: int, every: int) -> list[int]:
    """The steps after the start at which a policy is looked at: every so many, and the last."""
    return [step for step in range(1, steps + 1) if step % every == 0 or step == steps]


def by_step(responses: pd.DataFrame) -> pd.DataFrame:
    """A row for each tracked step: the means of proxy_reward, gold_reward (if tracked), kl, kl_by_token, n_tokens and
    stopped (a share) over its responses, and how many they are."""
    means = responses.groupby("step")[[name for name in MEANS if name in responses]].mean()
    return means.assign(n_responses=responses.groupby("step").size()).reset_index()
