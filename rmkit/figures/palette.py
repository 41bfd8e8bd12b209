"""Further colours where a picture has more lines than colours: each as far from all others as it can be.

Distances are Euclidean in OKLab, and the smallest of three count: as most readers see, and as readers without red or
without green cones do. Knows numbers only. Sources: Ottosson 2020, "A perceptual color space for image processing";
Viénot, Brettel & Mollon 1999 (reduced colours of dichromats).
"""

import functools
from collections.abc import Sequence

import numpy as np
from matplotlib.colors import to_hex, to_rgb

from rmkit.figures.theme import contrast

LEAST_CONTRAST = 1.9  # with white, as the palest colour that the theme has for a line
DICHROMAT_WEIGHT = 1.6  # their distances are smaller; so many times as large, they rank beside the others
MOST_CHROMA = 0.2  # in OKLab; beyond it colours glare beside those of the theme
TO_LMS = np.array([[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566],
                   [0.0883024619, 0.2817188376, 0.6299787005]])  # fmt: skip
TO_LAB = np.array([[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099],
                   [0.0259040371, 0.7827717662, -0.8086757660]])  # fmt: skip
NO_RED = np.array([[0.11238, 0.88762, 0.0], [0.11238, 0.88762, 0.0], [0.00401, -0.00401, 1.0]])
NO_GREEN = np.array([[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]])


def distinct_colors(taken: Sequence[str], wanted: int) -> list[str]:
    """So many colours, as #rrggbb, none of them among the taken ones; the same for the same question."""
    return list(_distinct(tuple(taken), wanted))


def separation(first: str, second: str) -> float:
    """How far two colours are apart for the reader who can tell them apart least; black and white are 1."""
    return float(_apart(_seen([first]), _seen([second]))[0, 0])


@functools.lru_cache(maxsize=256)
def _distinct(taken: tuple[str, ...], wanted: int) -> tuple[str, ...]:
    candidates, seen_c = _candidates()
    nearest_c = np.full(len(candidates), np.inf)
    if taken:
        nearest_c = _apart(seen_c, _seen(taken)).min(axis=1)
    chosen: list[str] = []
    for _ in range(wanted):
        best = int(nearest_c.argmax())
        chosen.append(candidates[best])
        nearest_c = np.minimum(nearest_c, _apart(seen_c, seen_c[:, [best]])[:, 0])
    return tuple(chosen)


@functools.cache
def _candidates() -> tuple[list[str], np.ndarray]:
    """Colours that can be seen on white and are no greys, and how three kinds of readers see them: (3, C, 3)."""
    steps = np.linspace(0, 1, 12)
    grid = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    vivid = [color for color in map(to_hex, grid[np.ptp(grid, axis=1) > 0.3]) if contrast(color) >= LEAST_CONTRAST]
    chroma_c = np.linalg.norm(_seen(vivid)[0, :, 1:], axis=1)
    colors = [color for color, chroma in zip(vivid, chroma_c, strict=True) if chroma < MOST_CHROMA]
    return colors, _seen(colors)


def _seen(colors: Sequence[str]) -> np.ndarray:
    """How three kinds of readers see C colours, in OKLab: (3, C, 3)."""
    signal = np.array([to_rgb(color) for color in colors])
    light = np.where(signal <= 0.04045, signal / 12.92, ((signal + 0.055) / 1.055) ** 2.4)
    readers = [light, *(np.clip(light @ reduced.T, 0, 1) for reduced in (NO_RED, NO_GREEN))]
    return np.stack([np.cbrt(light @ TO_LMS.T) @ TO_LAB.T for light in readers])


def _apart(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The least distance of any two colours: (C, D), of (3, C, 3) and (3, D, 3)."""
    distance = np.linalg.norm(first[:, :, None] - second[:, None], axis=-1)
    return np.minimum(distance[0], DICHROMAT_WEIGHT * distance[1:].min(axis=0))
