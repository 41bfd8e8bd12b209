"""The name of one thing that was measured: a metric, and the place on its axis where it has one.

Knows names and numbers only and imports nothing heavy, so that statements about metrics can be checked at once.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Axis:
    """What a metric is measured along: its name, and the places, N numbers ascending."""

    name: str
    at: tuple[float, ...]


@dataclass(frozen=True)
class Metric:
    """One thing that was measured: a metric without an axis, or one at a place of its axis."""

    name: str
    at: float | None = None

    def __str__(self) -> str:
        """For people, and for the names of files: accuracy, best_of_32, kl_0.5. Nothing reads it back."""
        return self.name if self.at is None else f"{self.name.removesuffix('_n')}_{self.at:g}"
