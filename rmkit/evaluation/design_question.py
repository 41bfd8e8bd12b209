"""What the designer is asked: a budget, what reward models are chosen for, and how its answer is resampled.

Knows numbers, scores and gold as arrays; no design of a test set. Sources: arXiv 2410.05584 for the outcomes;
policies/pressure.py for what K samples can say of a policy.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rmkit.errors import DataError, one_of
from rmkit.evaluation.population import policy_values
from rmkit.intervals.means import FEWEST_PROMPTS, check_request
from rmkit.policies.pressure import best_of_n_pressure, kl_pressure

CRITERIA: Mapping[str, str] = {"selection_regret": "lowest", "right_choice": "highest"}


@dataclass(frozen=True)
class Outcome:
    """What reward models are chosen for: their policy at n of Best-of-n, or at a mean KL from the base in nats.

    samples: whether the K responses to a prompt are samples of the policy. Then Best-of-n is the mean over all subsets
    of n, and a KL optimum that rests on fewer than 10 effective samples is refused. Else they are all that it can say.
    """

    n: int | None = None
    kl: float | None = None
    samples: bool = False

    def __post_init__(self) -> None:
        if (self.n is None) == (self.kl is None):
            raise DataError("the outcome: give n of Best-of-n or a mean KL in nats, one of the two")

    def __str__(self) -> str:
        return f"Best-of-{self.n}" if self.kl is None else f"the KL optimum at {self.kl:g} nats"

    def earned(self, score_fpk: np.ndarray, gold_pk: np.ndarray) -> np.ndarray:
        """(F, P) the gold that each model's policy expects, or DataError for what K responses cannot say."""
        if self.n is not None and not 1 <= self.n <= gold_pk.shape[1]:
            raise DataError(f"best of {self.n}: a prompt has {gold_pk.shape[1]} responses; n is from 1 to that many")
        if self.samples:
            return np.stack([self._of_samples(f, score_pk, gold_pk) for f, score_pk in enumerate(score_fpk)])
        ns, kls = ([] if self.n is None else [self.n]), ([] if self.kl is None else [self.kl])
        (earned_fpn,) = policy_values(score_fpk, gold_pk, ns=ns, kls=kls).values()
        if len(bad := np.flatnonzero(~np.isfinite(earned_fpn).all(axis=(1, 2)))):
            raise DataError(f"reward model {bad[0]}: its scores are too alike for {self}; leave it out")
        return earned_fpn[..., 0]

    def _of_samples(self, model: int, score_pk: np.ndarray, gold_pk: np.ndarray) -> np.ndarray:
        try:
            if self.n is not None:
                pressure = best_of_n_pressure(score_pk, [self.n])
            else:
                pressure = kl_pressure(score_pk, [self.kl])  # type: ignore[list-item]  # one of the two is given
        except DataError as fault:
            raise DataError(f"reward model {model}: {fault}") from None
        return pressure.gains(gold_pk)[:, 0] + gold_pk.mean(axis=1)


@dataclass(frozen=True, eq=False)
class Question:
    """What is to be known of the designs. DataError for a criterion that is none."""

    budget: int  # in each design's unit of annotation
    outcome: Outcome
    criterion: str = "selection_regret"  # of CRITERIA, by which designs are compared
    models: tuple[int, int] | None = None  # the two between which the choice is; None: all pairs, and the best of all
    policy_p: np.ndarray | None = None  # (P,) bool, the prompts that policies answer; None: all

    def __post_init__(self) -> None:
        one_of(self.criterion, CRITERIA, "criterion", DataError)

    def policy_prompts(self, n_prompts: int) -> np.ndarray:
        """(P,) bool: the prompts that policies answer, or DataError where they are too few to see how prompts vary."""
        policy_p = np.ones(n_prompts, bool) if self.policy_p is None else np.asarray(self.policy_p, dtype=bool)
        if policy_p.shape != (n_prompts,) or policy_p.sum() < FEWEST_PROMPTS:
            raise DataError(f"policy_p: it must mark {FEWEST_PROMPTS} or more of the {n_prompts} prompts")
        return policy_p


@dataclass(frozen=True)
class Resampling:
    """How often a design's rows and labels are drawn, how often the bank's prompts, and the level of intervals."""

    n_draws: int = 8
    resamples: int = 200
    level: float = 0.95

    def __post_init__(self) -> None:
        check_request(self.level, min(self.n_draws, self.resamples))
