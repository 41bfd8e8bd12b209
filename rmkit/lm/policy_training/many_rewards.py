"""One starting policy optimised for several rewards, one after another, each with the same random numbers.

Knows rewards by name. What a run leaves is the table of its tracked responses; a run that is done is kept as a finished
part, and one that was killed goes on from its last state. A run that cannot end well has the reason in its table, and
the next one goes on.
"""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from rmkit.artifacts.shards import Shards
from rmkit.lm.loading import Origin
from rmkit.lm.policy_training.checkpoints import Checkpoints
from rmkit.lm.policy_training.optimise import optimise_policy
from rmkit.lm.policy_training.optimisers import GRPO, PPO, RLOO
from rmkit.lm.policy_training.rewards import RewardFunction
from rmkit.lm.policy_training.tracking import ConstantReward, Diverged, Tracked
from rmkit.progress import Progress


@dataclass(frozen=True)
class Places:
    """Where runs leave things: finished ones, states of the one that is on the way, and trained policies."""

    finished: Shards
    states: Path
    policies: Path
    every: int = 10  # steps from one state to the next


def optimise_each(
    start: Origin,
    prompts: pd.DataFrame,
    rewards: Mapping[str, RewardFunction],
    optimiser: PPO | RLOO | GRPO,
    places: Places,
    *,
    tracked: Tracked,
    seed: int,
    pad_token: str | None = None,
    progress_of: Callable[[str], Progress] | None = None,
) -> dict[str, pd.DataFrame]:
    """The tracked responses of each reward's run: columns as OptimisedPolicy.responses, and `reason`.

    reason: "" for a run that came to its end, else why it did not; its table then has what was tracked before. The same
    arguments give the same tables, also after a kill. DataError as `optimise_policy`, but for a policy that diverged
    and a reward that is constant.
    """
    found = {}
    for position, (name, reward) in enumerate(rewards.items()):
        part = f"run-{position:03d}"
        if places.finished.get(part) is None:
            try:
                run = optimise_policy(
                    start, prompts, reward, places.policies / part, optimiser, tracked=tracked, seed=seed,
                    pad_token=pad_token, checkpoints=Checkpoints(places.states / part, places.every),
                    progress=progress_of(name) if progress_of else None,
                )  # fmt: skip
                table = run.responses.assign(reason="")
            except (Diverged, ConstantReward) as fault:
                table = fault.responses.assign(reason=str(fault))
            places.finished.put(part, table)
        shutil.rmtree(places.states / part, ignore_errors=True)
        table = places.finished.get(part)
        assert table is not None
        found[name] = table
    return found
