"""What a batch is like beside what other rules would have chosen: numbers that tell why a strategy wins or loses.

Knows candidates as the strategy's own model saw them, and which were chosen. The controls are greedy D-optimality, as
the paper proposes it, and entropy, which keeps its weights p (1 - p) and drops its directions.
"""

from dataclasses import dataclass

import numpy as np

from rmkit.active.candidates import Candidates
from rmkit.active.strategies.d_optimal import DOptimal
from rmkit.active.strategies.entropy import Entropy
from rmkit.measures.information import log_det, p_variance

METRICS = (
    "mean_p_variance",  # mean of p (1 - p), at most 1/4
    "log_det_gain",  # nats: how much log det of the information grows, whatever the labels
    "d_efficiency",  # D-th root of det of information over that of a greedy batch; near 1 for few pairs beside D
    "overlap_d_optimal",  # the share of the batch that greedy D-optimality would have chosen as well
    "overlap_entropy",  # and entropy
    "distinct_prompts",
    "distinct_responses",
    "label_error",  # the share of answers against gold's order; NaN where no gold is known
)


@dataclass(frozen=True, eq=False)
class Controls:
    """What the controls would have chosen of some candidates."""

    candidates: Candidates
    information: float  # log det of what is known of the candidates, in nats
    d_optimal_m: np.ndarray  # (n_pairs,) int64 positions in M
    entropy_m: np.ndarray  # (n_pairs,) int64

    @classmethod
    def of(cls, candidates: Candidates, n_pairs: int, rng: np.random.Generator) -> "Controls":
        """rng breaks their ties."""
        d_optimal_m, entropy_m = (rule.select(candidates, n_pairs, rng) for rule in (DOptimal(), Entropy()))
        return cls(candidates, log_det(candidates.known_dd.astype(np.float64)), d_optimal_m, entropy_m)

    def hold_for(self, candidates: Candidates, n_pairs: int) -> bool:
        """Whether these are the same candidates and as many pairs: those of all strategies are, in the first round."""
        return len(self.d_optimal_m) == n_pairs and all(
            np.array_equal(getattr(self.candidates, name), getattr(candidates, name))
            for name in ("margin_sm", "known_dd", "feature_md")
        )


def of_choice(candidates: Candidates, chosen_m: np.ndarray, controls: Controls) -> dict[str, float]:
    """The first five of METRICS for the candidates at positions chosen_m, by name; controls are of these candidates.

    A batch may be better than the greedy one by a little: greedy is not the best, and a d_efficiency above 1 says so.
    """
    information_of = {"chosen": chosen_m, "d_optimal": controls.d_optimal_m}
    alike = {"overlap_d_optimal": controls.d_optimal_m, "overlap_entropy": controls.entropy_m}
    scaled_md, known_dd = candidates.scaled_md, candidates.known_dd.astype(np.float64)
    log_dets = {name: log_det(known_dd + scaled_md[at_m].T @ scaled_md[at_m]) for name, at_m in information_of.items()}
    return {
        "mean_p_variance": float(p_variance(candidates.margin_sm.mean(axis=0)[chosen_m]).mean()),
        "log_det_gain": log_dets["chosen"] - controls.information,
        "d_efficiency": float(np.exp((log_dets["chosen"] - log_dets["d_optimal"]) / len(known_dd))),
        **{name: float(np.isin(chosen_m, at_m).mean()) for name, at_m in alike.items()},
    }
