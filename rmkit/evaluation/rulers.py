"""Rules that order pairs without a head: what every reward model has to beat on people's pairs.

| name | which response it takes for the better one |
|---|---|
| random | one drawn |
| shorter, longer | by characters |
| more_formatted | the one with more marks of Markdown |
| nearest_to_chosen | the one nearer to the mean embedding of what was chosen outside the pair's fold |

The last one learns from labels, if only a mean: it is the simplest learner, and says nothing of what can be had without
labels.

Knows a bank and a cross-fitting; no head.
"""

from collections.abc import Sequence

import numpy as np

from rmkit.artifacts.bank import ResponseBank
from rmkit.errors import DataError, one_of
from rmkit.evaluation.compared_scores import n_marks
from rmkit.training_sets.cross_fitting import CrossFitting

LEARNS = ("nearest_to_chosen",)
RULERS = ("random", "shorter", "longer", "more_formatted", "nearest_to_chosen")


def ruler_margins(
    names: Sequence[str], bank: ResponseBank, sets: CrossFitting, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """By ruler, (M,) margins of the scored pairs, chosen minus rejected, of which only the sign means anything.

    rng: what random draws from. DataError for a ruler of texts where the bank has none.
    """
    scored = sets.scored_m
    margins = {}
    for name in names:
        if one_of(name, RULERS, "baselines", DataError) == "nearest_to_chosen":
            margins[name] = _nearness(bank.embedding_rd, sets)
            continue
        reward_r = _rewards(name, bank, rng)
        margins[name] = (reward_r[sets.chosen_m] - reward_r[sets.rejected_m])[scored]
    return margins


def _rewards(name: str, bank: ResponseBank, rng: np.random.Generator) -> np.ndarray:
    """(R,) of a ruler that looks at one response."""
    if name == "random":
        return rng.normal(size=bank.n_responses)
    if name == "more_formatted":
        if "response" not in bank.responses:
            raise DataError("baselines: more_formatted counts marks in texts, and the bank has none; leave it out")
        return np.array([n_marks(text) for text in bank.responses["response"]])
    return bank.characters_r if name == "longer" else -bank.characters_r


def _nearness(embedding_rd: np.ndarray, sets: CrossFitting) -> np.ndarray:
    """(M,) by how much the chosen response is nearer, in squared distance, to the mean of those chosen elsewhere."""
    fold_m, chosen_m, rejected_m = (
        each[sets.scored_m] for each in (sets.fold_m, sets.chosen_m, sets.rejected_m)
    )  # fmt: skip
    margin_m = np.empty(len(fold_m))
    for fold in np.unique(fold_m):
        inside_m = fold_m == fold
        mean_d = embedding_rd[chosen_m[~inside_m]].astype(np.float64).mean(axis=0)
        chosen_md, rejected_md = (
            embedding_rd[each_m[inside_m]].astype(np.float64) - mean_d for each_m in (chosen_m, rejected_m)
        )
        margin_m[inside_m] = (rejected_md**2).sum(axis=1) - (chosen_md**2).sum(axis=1)
    return margin_m
