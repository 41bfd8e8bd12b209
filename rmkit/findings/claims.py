"""The ledgers: claims of the papers that can be checked, and where each is answered.

Plain data. A statement belongs to a claim by the start of its name (a1-, c2-, ...), or is listed here. What no result
row can answer says where its answer is. The contest of gap rules (arXiv 2603.09692) with information rules stands
beside the claims of "Active Reward Modeling", since the two contradict each other.
"""

from collections.abc import Mapping
from dataclasses import dataclass

CONTEST = "contest"
# The two families of the contest, as its statements have them.
GAPS = ("delta_ucb", "thompson", "reverse_thompson", "info_max", "max_min_lcb", "delta_quantile")
INFORMATION = ("d_optimal", "v_optimal", "bald", "entropy")


@dataclass(frozen=True)
class Claim:
    """What is claimed, and where it is answered beside statements, or instead."""

    text: str
    elsewhere: str = ""


@dataclass(frozen=True, eq=False)
class Ledger:
    """The claims of one paper, by their short names."""

    source: str
    title: str
    claims: Mapping[str, Claim]


LABELLING: Mapping[str, Claim] = {
    "A1": Claim("D-optimal choice needs fewer labels than other rules for the same rank correlation with gold"),
    "A2": Claim("D-optimal choice gives a better Best-of-n than other rules"),
    "A3": Claim("D-optimal choice is steadier: its results vary less over seeds"),
    "A4": Claim(
        "This holds across language models and data sets",
        "worlds of one's own: docs/from-embeddings.md",
    ),
    "A5": Claim("Choosing costs little time and memory", "benchmarks/active.py; seconds of jobs under Time and memory"),
    "A6": Claim("Pairs across prompts make labelling more efficient"),
    "A7": Claim("Counting past labels is at least as good as not counting them"),
    "A8": Claim("The size of a batch matters"),
    "A9": Claim("Fitting anew on 10,000 labels takes minutes", "benchmarks/reward_models.py; Time and memory"),
    "A10": Claim("To the first order, D-optimal gain is BALD", "tests/measures/designs/test_bald.py"),
    "A11": Claim(
        "Good pairs are diverse and of moderate differences",
        "the figure of what each strategy's pairs are like",
    ),
    "A12": Claim(
        "The theory is exact for linear rewards alone; for a network it is an approximation",
        "tests/measures/designs/test_d_optimal.py, for linear rewards",
    ),
    CONTEST: Claim("Pairs with large predicted gaps make better reward models and policies than informative pairs"),
}
EVALUATION: Mapping[str, Claim] = {
    "C1": Claim("Accuracy and what the policy gains go together, but loosely"),
    "C2": Claim("Accuracy predicts Best-of-n better than it predicts PPO"),
    "C3": Claim("Reward models of similar accuracy lead to policies of quite different value"),
    "C4": Claim("Test responses need not be the policy's own"),
    "C5": Claim("Which ranks the two responses of a test pair have matters more than who wrote them"),
    "C6": Claim("Test prompts of the policy's own category predict it better"),
    "C7": Claim("Test prompts in other words predict PPO less well, and Best-of-n as well as before"),
    "C8": Claim("More responses to each test prompt predict Best-of-n better, and PPO hardly"),
    "C9": Claim("Which measure is taken matters"),
    "C10": Claim("More test pairs predict better"),
    "C11": Claim(
        "Over-optimisation departs from what accuracy implies where errors are normal and independent of gold",
        "benchmarks/goodhart.py, for worlds whose answer is known",
    ),
    "C12": Claim("At equal accuracy, gold turns back at different distances from the starting policy"),
}
LEDGERS = (
    Ledger("arXiv 2502.04354", "Active Reward Modeling", LABELLING),
    Ledger("arXiv 2410.05584", "Rethinking Reward Model Evaluation", EVALUATION),
)
CLAIMS: Mapping[str, Claim] = {name: claim for ledger in LEDGERS for name, claim in ledger.claims.items()}
# Statements of docs/findings whose names do not begin with their claim.
LISTED: Mapping[str, str] = {
    "d-optimal-beats-random": "A1",
    "d-optimal-beats-entropy": "A1",
    "d-optimal-gives-better-best-of-32": "A2",
    "cross-prompt-helps-d-optimal": "A6",
    "cross-prompt-helps-random": "A6",
    "accuracy-predicts-best-of-32": "C1",
    "accuracy-predicts-kl-optimum": "C1",
    "more-responses-a-prompt-predict-better": "C8",
    "best-of-five-predicts-better-than-accuracy": "C9",
}


def claim_of(statement: str) -> str:
    """The claim that a statement of this name is about, as A1, or nothing."""
    if statement in LISTED:
        return LISTED[statement]
    begins = statement.partition("-")[0]
    return next((claim for claim in (begins, begins.upper()) if claim in CLAIMS), "")
