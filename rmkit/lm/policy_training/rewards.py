"""What a policy is optimised for, or watched by: any function of prompts and answers, and what it must return.

Knows texts and numbers; no model. An answer is a response up to the next turn, as everywhere (lm/sampling/draws.py).
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from rmkit.errors import DataError, quoted

RewardFunction = Callable[[Sequence[str], Sequence[str]], ArrayLike]  # B prompts, B answers: (B,) rewards


def rewards(function: RewardFunction, prompts: Sequence[str], answers: Sequence[str], name: str) -> np.ndarray:
    """(B,) float64 rewards of B answers, or DataError that names the first that is no finite number."""
    reward_b = np.asarray(function(prompts, answers), dtype=np.float64)
    if reward_b.shape != (len(answers),):
        raise DataError(f"{name}: has shape {reward_b.shape}; it must be one number for each of {len(answers)} answers")
    if not (finite_b := np.isfinite(reward_b)).all():
        at = int(np.argmin(finite_b))
        raise DataError(f"{name}: is {reward_b[at]} for the answer {quoted(answers[at])}; it must be a finite number")
    return reward_b


def blank_as(value: float, function: RewardFunction) -> RewardFunction:
    """The same reward, but `value` for an answer without text, which encoders and reward models refuse to read."""

    def reward(prompts: Sequence[str], answers: Sequence[str]) -> np.ndarray:
        said = [at for at, answer in enumerate(answers) if answer]
        reward_b = np.full(len(answers), value, dtype=np.float64)
        if said:
            reward_b[said] = np.asarray(function([prompts[at] for at in said], [answers[at] for at in said]))
        return reward_b

    return reward
