"""Pairs that a strategy may ask about, as lines for `print`: their texts, and what the reward model thinks of them.

Knows texts and numbers; reads and chooses nothing.
"""

from collections.abc import Sequence

import numpy as np

from rmkit.measures.information import p_variance
from rmkit.widgets.inert_texts import label_text, printed

SHOWN = 200  # characters of a response


def printed_candidates(
    prompt_r: Sequence[str],
    response_r: Sequence[str],
    pair_m2: np.ndarray,
    margin_m: np.ndarray,
    *,
    gold_r: np.ndarray | None = None,
    prefers_first_m: np.ndarray | None = None,
) -> str:
    """M pairs below each other: both responses with their prompts, then margin, p(1-p) and what is known of the label.

    prompt_r, response_r: R texts, the prompt of each response. pair_m2: (M, 2) positions into R. margin_m: (M,) reward
    of the first minus that of the second, in logits. gold_r: (R,) gold rewards, and prefers_first_m: (M,) the
    annotator's probabilities; both None where people judged, whose labels are hidden.
    """
    lines = []
    for m, pair in enumerate(pair_m2):
        for r in pair:
            gold = "" if gold_r is None else f"{gold_r[r]:+.2f}  "
            lines += [gold + label_text(prompt_r[r]), printed(response_r[r][:SHOWN], 9 * " ")]
        said = "people: hidden until asked" if prefers_first_m is None else f"the annotator: {prefers_first_m[m]:.0%}"
        lines.append(f"       margin {margin_m[m]:+.2g}, p(1-p) {p_variance(margin_m[m]):.3f}; {said}\n")
    return "\n".join(lines)
