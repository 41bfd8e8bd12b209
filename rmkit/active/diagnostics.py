"""What a batch is like beside what other rules would have chosen: numbers that tell why a strategy wins or loses.

Knows candidates as the strategy's own model saw them, and which were chosen. The controls are greedy D-optimality, as
the paper proposes it, and entropy, which keeps its weights p (1 - p) and drops its directions.
"""

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


def of_choice(candidates: Candidates, chosen_m: np.ndarray, rng: np.random.Generator) -> dict[str, float]:
    """The first five of METRICS for the candidates at positions chosen_m, by name; rng breaks the controls' ties.

    A batch may be better than the greedy one by a little: greedy is not the best, and a d_efficiency above 1 says so.
    """
    information_of = {"chosen": chosen_m, "d_optimal": DOptimal().select(candidates, len(chosen_m), rng)}
    alike = {
        "overlap_d_optimal": information_of["d_optimal"],
        "overlap_entropy": Entropy().select(candidates, len(chosen_m), rng),
    }
    scaled_md, known_dd = candidates.scaled_md, candidates.known_dd.astype(np.float64)
    log_dets = {name: log_det(known_dd + scaled_md[at_m].T @ scaled_md[at_m]) for name, at_m in information_of.items()}
    return {
        "mean_p_variance": float(p_variance(candidates.margin_sm.mean(axis=0)[chosen_m]).mean()),
        "log_det_gain": log_dets["chosen"] - log_det(known_dd),
        "d_efficiency": float(np.exp((log_dets["chosen"] - log_dets["d_optimal"]) / len(known_dd))),
        **{name: float(np.isin(chosen_m, at_m).mean()) for name, at_m in alike.items()},
    }
