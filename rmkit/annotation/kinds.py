"""What kind of annotator a study has, all but the sharpness: habits, crowd, scale, levels given as agreements.

03_annotation_noise hands this on, so that every stage that asks an annotator asks the same one. Sharpness and seed are
each stage's own. Knows conventions, not gold: a scale or a level becomes a number on the gold rewards of given pairs.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from rmkit.annotation.annotators import Annotator
from rmkit.annotation.calibration import beta_for_agreement
from rmkit.annotation.habits import ALIKE, PLAIN, Habits, Member
from rmkit.annotation.scales import scale_of
from rmkit.errors import DataError

FILE = "annotator.json"


@dataclass(frozen=True)
class AnnotatorKind:
    """Whoever labels, at a sharpness that each stage chooses."""

    habits: Habits = PLAIN
    crowd: tuple[Member, ...] = ALIKE
    scale: str = "gold_sd"  # one of SCALES
    fixed_scale: float | None = None  # the divisor, where scale is fixed
    agreements: tuple[float, ...] = ()  # further levels of noise, as how often two annotators agree

    @property
    def plain(self) -> bool:
        """Whether a sharpness and a scale say all of it."""
        return self.habits == PLAIN and self.crowd == ALIKE

    def at(
        self, beta: float, gold_r: np.ndarray, gold_m2: np.ndarray, *, length_unit: float | None = None
    ) -> Annotator:
        """The annotator of this sharpness for responses of (R,) gold, asked about pairs of (M, 2) gold.

        length_unit: as Annotator has it. DataError as scale_of.
        """
        unit = scale_of(self.scale, gold_r, self.fixed_scale, gold_m2=gold_m2)
        return Annotator(beta, unit, self.habits, self.crowd, length_unit)

    def levels(
        self,
        betas: Sequence[float | None],
        gold_r: np.ndarray,
        gold_m2: np.ndarray,
        length_m2: np.ndarray | None = None,
    ) -> list[Annotator]:
        """An annotator of each sharpness, None who never errs, then one of each agreement on these (M, 2) pairs."""
        sharp = [self.at(np.inf if beta is None else beta, gold_r, gold_m2) for beta in betas]
        someone = self.at(1.0, gold_r, gold_m2)
        found = [beta_for_agreement(share, gold_m2, someone, length_m2) for share in self.agreements]
        return [*sharp, *(self.at(beta, gold_r, gold_m2) for beta in found)]

    def save(self, folder: str | Path) -> None:
        """Write it into a folder, made if need be; equal kinds give equal bytes."""
        Path(folder).mkdir(parents=True, exist_ok=True)
        (Path(folder) / FILE).write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: str | Path) -> "AnnotatorKind":
        """The kind of a folder that `save` wrote, or DataError."""
        path = Path(folder) / FILE
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
            return cls(
                habits=Habits(**told["habits"]),
                crowd=tuple(Member(**member) for member in told["crowd"]),
                scale=told["scale"],
                fixed_scale=told["fixed_scale"],
                agreements=tuple(told["agreements"]),
            )
        except (OSError, ValueError, KeyError, TypeError) as fault:
            raise DataError(f"{path}: cannot be read as an annotator ({fault}); make it again") from None
