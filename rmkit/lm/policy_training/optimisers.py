"""How a policy is optimised: the options of PPO, RLOO and GRPO, checked when they are made.

Knows numbers only, so that a study can be refused before any of its jobs has run. Names are those of OpenRLHF (Hu et
al. 2024, arXiv 2405.11143). Sources: PPO, Schulman et al. 2017, arXiv 1707.06347; RLOO, Ahmadian et al. 2024, arXiv
2402.14740; GRPO, Shao et al. 2024, arXiv 2402.03300, and without the division by the standard deviation Liu et al.
2025, arXiv 2503.20783.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from rmkit.errors import DataError, one_of, quoted

MOST = 1_000_000
COUNTS = ("steps", "rollout_batch_size", "n_samples_per_prompt", "train_batch_size", "max_epochs", "generate_max_len")
RANGES: Mapping[str, tuple[float, float]] = {
    "actor_learning_rate": (0, 1),
    "init_kl_coef": (0, MOST),
    "eps_clip": (0, 1),
    "max_norm": (0, MOST),
    "critic_learning_rate": (0, 1),
    "value_clip": (0, MOST),
    "gamma": (0, 1),
    "lambd": (0, 1),
}
SCALES = ("group", "none")


@dataclass(frozen=True, kw_only=True)
class Optimiser:
    """What PPO, RLOO and GRPO have in common. Checked when made, or DataError.

    A step is one rollout, that is n_samples_per_prompt responses to each of rollout_batch_size prompts, and the updates
    from it: max_epochs passes over its responses, train_batch_size of them an update. The learning rate falls linearly
    to 0.
    """

    steps: int = 100
    rollout_batch_size: int = 16  # prompts a step
    n_samples_per_prompt: int = 4  # responses to each
    train_batch_size: int = 64  # responses an update
    max_epochs: int = 1  # passes over each rollout
    generate_max_len: int = 32  # tokens of a response
    actor_learning_rate: float = 1e-4
    init_kl_coef: float = 0.01  # of the KL to the starting policy, in reward per nat; 0: none
    eps_clip: float = 0.2  # how far a probability ratio counts from 1
    max_norm: float = 1.0  # of the gradient of an update

    def __post_init__(self) -> None:
        given = vars(self)
        for name in COUNTS:
            if not isinstance(given[name], int) or not 1 <= given[name] <= MOST:
                raise DataError(f"{name}: is {quoted(given[name])}; it must be a whole number from 1 to {MOST:,}")
        for name, (least, most) in RANGES.items():
            if name in given and not least <= given[name] <= most:
                raise DataError(f"{name}: is {quoted(given[name])}; it must be {least} to {most:,}")
        if self.responses % self.train_batch_size:
            raise DataError(
                f"train_batch_size: is {self.train_batch_size}, which does not divide the {self.responses} responses "
                f"of a step ({self.rollout_batch_size} prompts, {self.n_samples_per_prompt} responses to each)"
            )

    @property
    def responses(self) -> int:
        """Responses a step."""
        return self.rollout_batch_size * self.n_samples_per_prompt

    @property
    def updates(self) -> int:
        """Updates a step."""
        return self.max_epochs * self.responses // self.train_batch_size

    def _require_a_group(self) -> None:
        if self.n_samples_per_prompt < 2:
            raise DataError(
                f"n_samples_per_prompt: is {self.n_samples_per_prompt}; {type(self).__name__} compares responses to "
                "one prompt and needs 2 or more"
            )


@dataclass(frozen=True, kw_only=True)
class PPO(Optimiser):
    """Proximal policy optimisation, our own (ppo.py): a clipped ratio a token, GAE, the KL in the reward."""

    n_samples_per_prompt: int = 1
    rollout_batch_size: int = 64
    critic_learning_rate: float = 1e-3
    value_clip: float = 0.5  # how far a value may move from the rollout's, in s.d. of the first rollout's rewards
    gamma: float = 1.0
    lambd: float = 0.95
    no_advantage_std_norm: bool = False  # whether advantages are only centred, and not divided by their s.d.


@dataclass(frozen=True, kw_only=True)
class RLOO(Optimiser):
    """REINFORCE with the mean of the other responses to the prompt as baseline, by TRL: the KL is in the reward."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require_a_group()


@dataclass(frozen=True, kw_only=True)
class GRPO(Optimiser):
    """Group-relative policy optimisation, by TRL: the KL is in the loss, token by token.

    scale_rewards: `group` divides a prompt's advantages by the s.d. of its rewards, as published, which gives each
    prompt a KL coefficient of its own; `none` does not, and then init_kl_coef means the same as in PPO and RLOO.
    """

    scale_rewards: Literal["group", "none"] = "group"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require_a_group()
        one_of(self.scale_rewards, SCALES, "scale_rewards", DataError)


OPTIMISERS: Mapping[str, type[PPO | RLOO | GRPO]] = {"ppo": PPO, "rloo": RLOO, "grpo": GRPO}


def build_optimiser(name: str, options: Mapping[str, Any]) -> PPO | RLOO | GRPO:
    """The optimiser of this name, with those of the options that it has; others are left, an absent one is as usual.

    DataError for an unknown name or a value that it refuses.
    """
    made_by = OPTIMISERS[one_of(name, OPTIMISERS, "optimiser", DataError)]
    return made_by(**{field.name: options[field.name] for field in fields(made_by) if field.name in options})
