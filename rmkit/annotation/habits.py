"""What annotators do besides judging by gold: slips, ties, biases, drift; and crowds of unlike annotators.

Says what may be asked for, and refuses the rest; choice_probabilities.py says what becomes of it. Knows numbers alone,
no array, so that a study can be checked before anything heavy is imported.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from rmkit.errors import DataError, one_of

TIES: Mapping[str, str] = {
    "coin": "a pair that is called equal is labelled by a fair coin",
    "drop": "a pair that is called equal gets no label",
}


def check_chance(chance: float, where: str) -> None:
    """DataError, beginning with `where`, unless a chance lies between 0 and 1."""
    if not 0 <= chance <= 1:
        raise DataError(f"{where}: {chance}; a chance lies between 0 and 1")


@dataclass(frozen=True)
class Habits:
    """What an annotator does besides judging by gold: by default nothing. DataError with the first value amiss."""

    flip: float = 0.0  # chance that a label is turned round
    lapse: float = 0.0  # chance that attention fails and a fair coin answers
    tie_width: float = 0.0  # felt differences within it are called equal; in units of the scale
    ties: str = "coin"  # what becomes of them, one of TIES
    length_bias: float = 0.0  # felt for each standard deviation that the first is longer, in units of the scale
    position_bias: float = 0.0  # felt for whichever is shown first, in units of the scale
    drift: float = 1.0  # sharpness at the end of the pile over that at its start; log-linear between

    def __post_init__(self) -> None:
        for name in ("flip", "lapse"):
            check_chance(getattr(self, name), name)
        if not 0 <= self.tie_width < math.inf:
            raise DataError(f"tie_width: {self.tie_width}; it must be 0 or more, and finite")
        if not 0 < self.drift < math.inf:
            raise DataError(f"drift: {self.drift}; it must be above 0, and finite")
        for name in ("length_bias", "position_bias"):
            if not math.isfinite(getattr(self, name)):
                raise DataError(f"{name}: {getattr(self, name)}; it must be a finite number")
        one_of(self.ties, TIES, "ties", DataError)

    def further(self, *, flip: float = 0.0, length_bias: float = 0.0) -> "Habits":
        """These habits, and on top of them a share `flip` of labels turned round, and so much more bias for length.

        A label that is turned round twice is as it was: shares f and e together turn f + e - 2 f e. With 0 and 0 they
        are the same habits, to the last bit. An annotator who never errs turns nested sets of labels: whoever asks at
        two rates with one uniform number a pair finds all labels of the smaller rate among those of the larger.
        DataError for a share outside 0 to 1, or a bias that is not finite.
        """
        check_chance(flip, "flip")
        turned = self.flip + flip - 2 * self.flip * flip
        return replace(self, flip=turned, length_bias=self.length_bias + length_bias)


PLAIN = Habits()


@dataclass(frozen=True)
class Member:
    """One kind of annotator in a crowd, and how many of the labels come from it."""

    name: str
    share: float = 1.0
    beta: float | None = None  # its own sharpness, where it is not the crowd's
    dissents: bool = False  # prefers by minus gold


ALIKE = (Member("careful"),)


def check_sharpness(beta: float, where: str) -> None:
    """DataError, beginning with `where`, unless a sharpness is above 0; infinite, nobody errs."""
    if not beta > 0:
        raise DataError(f"{where}: {beta}; a sharpness is above 0")


def crowd(*, careless: float = 0.0, careless_beta: float = 0.3, dissenting: float = 0.0) -> tuple[Member, ...]:
    """Careful annotators, a share of careless ones of a sharpness of their own, a share who prefer by minus gold."""
    for name, found in {"careless": careless, "dissenting": dissenting}.items():
        if not 0 <= found <= 1:
            raise DataError(f"{name}: {found}; a share lies between 0 and 1")
    if careless + dissenting > 1 + 1e-9:
        raise DataError(f"careless: {careless}, and dissenting: {dissenting}; shares together are at most 1")
    check_sharpness(careless_beta, "careless_beta")
    members = (
        Member("careful", max(0.0, 1.0 - careless - dissenting)),
        Member("careless", careless, beta=careless_beta),
        Member("dissenting", dissenting, dissents=True),
    )
    return tuple(member for member in members if member.share > 1e-12)


def check_crowd(members: tuple[Member, ...]) -> None:
    """DataError unless shares are above 0 and add up to 1, betas are above 0, and every name comes once."""
    total = sum(member.share for member in members)
    if abs(total - 1) > 1e-9 or any(member.share <= 0 for member in members):
        raise DataError(f"crowd: shares {[member.share for member in members]}; above 0 each, they must add up to 1")
    for member in members:
        if member.beta is not None:
            check_sharpness(member.beta, f"crowd: beta of {member.name}")
    if len({member.name for member in members}) < len(members):
        raise DataError(f"crowd: names {[member.name for member in members]}; each must come once")
