"""The labels of pairs by annotators of several sharpnesses, and how noisy these labels are.

All annotators draw from common random numbers, so that they differ in their noise alone. Knows gold rewards and
positions of responses; no prompt, no text.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from rmkit.annotation.annotators import Annotator, Draws, Said
from rmkit.annotation.label_quality import NO_GAP, NO_LABEL, Answers, gaps, realised_error, share, value_of_pairs

if TYPE_CHECKING:
    import pandas as pd


def labelled(
    pairs_m2: np.ndarray,
    gold_r: np.ndarray,
    annotators: Sequence[Annotator],
    rng: np.random.Generator,
    *,
    length_r: np.ndarray | None = None,
) -> "pd.DataFrame":
    """What every annotator says of (M, 2) pairs of positions into (R,) gold: first, second, label, beta; M rows each.

    All use the same uniform number for a pair: a pair that one gets wrong is wrong for every noisier one. A column
    `annotator` names the member of a crowd, and `called_equal` tells labels of a coin, where there are such; pairs that
    are called equal and dropped have no row.
    """
    import pandas as pd

    gold_m2 = value_of_pairs(gold_r, pairs_m2, "gold_r")
    length_m2 = None if length_r is None else value_of_pairs(length_r, pairs_m2, "length_r")
    draws = Draws.of(len(pairs_m2), annotators, rng)
    tables = []
    for annotator in annotators:
        said = annotator.say(gold_m2, draws, length_m2)
        sides = {"first": pairs_m2[:, 0], "second": pairs_m2[:, 1]}
        table = pd.DataFrame(sides | {"label": said.label_m, "beta": annotator.beta})
        if len(annotator.crowd) > 1:
            table["annotator"] = np.array([member.name for member in annotator.crowd])[said.member_m]
        if annotator.may_tie and annotator.habits.ties == "coin":
            table["called_equal"] = said.called_equal_m
        tables.append(table[said.kept_m])
    return pd.concat(tables, ignore_index=True)


def noise_rows(
    annotators: Sequence[Annotator],
    gold_m2: np.ndarray,
    first: np.random.Generator,
    second: np.random.Generator,
    *,
    length_m2: np.ndarray | None = None,
) -> "pd.DataFrame":
    """Result rows (beta, metric, value, reason, units) on how noisy each annotator is on the pairs of (M, 2) gold.

    first, second: generators of this annotator's labels and of another's of the same sharpness; every annotator gets
    the same numbers from them. A value is undefined, with a reason, where no pair has unequal gold or none a label.
    """
    import pandas as pd

    gap_m = gaps(gold_m2)
    draws, other_draws = (Draws.of(len(gap_m), annotators, rng) for rng in (first, second))
    rows = []
    for annotator in annotators:
        says = [annotator.say(gold_m2, one, length_m2) for one in (draws, other_draws)]
        figures = noise_figures(annotator.answers(gold_m2, length_m2), gold_m2, says, ties=annotator.may_tie)
        rows += [{"beta": annotator.beta, "metric": name, "value": value} for name, value in figures.items()]
    table = pd.DataFrame(rows).assign(units=len(gap_m))
    why = NO_LABEL if (gap_m != 0).any() else NO_GAP
    return table.assign(reason=[why if absent else None for absent in table["value"].isna()])


def noise_figures(answers: Answers, gold_m2: np.ndarray, says: Sequence[Said], *, ties: bool) -> dict[str, float]:
    """What is expected of labels and what became of them: of the first of two annotators, and of both together."""
    said, other = says
    both_m = said.kept_m & other.kept_m
    same_m = said.label_m == other.label_m
    kept_m = said.kept_m
    figures = {
        "expected_error": answers.expected_error(),
        "realised_error": realised_error(said.label_m[kept_m], gold_m2[kept_m]) if kept_m.any() else float("nan"),
        "expected_agreement": answers.expected_agreement(),
        "realised_agreement": share(same_m[both_m].sum(), both_m.sum()),
        "accuracy_ceiling": answers.accuracy_ceiling(),
        "gold_accuracy": answers.gold_accuracy(),
        "gold_gap": float(np.abs(answers.gap_m).mean()),
    }
    if ties:
        figures["expected_tie_share"] = float(answers.equal_m.mean())
        figures["realised_tie_share"] = float(said.called_equal_m.mean())
    return figures
