"""The list of labels to look at first, beside a reward model that `fit` keeps: lines and texts of their pairs.

It goes into the user's own folder, and its texts into nothing else: no model card and no export has them.
"""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rmkit.files.one_line import one_line

if TYPE_CHECKING:
    from rmkit.worlds.human_preferences.pairs import Pair

COLUMNS = ("line", "probability_of_the_other_label", "annotator", "prompt", "chosen", "rejected")


def write_look_at_first(path: Path, suspects: Sequence[Mapping[str, Any]], pairs: "Sequence[Pair]") -> None:
    """Write a row each: line, probability that another label would be the other one, who judged, and the texts.

    suspects: line, probability and pair, its position in `pairs`. `annotator` is a column where somebody is named.
    """
    named = any(pair.annotator is not None for pair in pairs)
    columns = [name for name in COLUMNS if named or name != "annotator"]
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
        rows.writeheader()
        for suspect in suspects:
            pair = pairs[suspect["pair"]]
            rows.writerow(
                {
                    "line": suspect["line"],
                    "probability_of_the_other_label": suspect["probability"],
                    "annotator": one_line(pair.annotator or ""),
                    "prompt": one_line(pair.prompt, end=True),
                    "chosen": one_line(pair.chosen),
                    "rejected": one_line(pair.rejected),
                }
            )
