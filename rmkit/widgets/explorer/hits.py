"""What a place on the canvas means: where every dot and every mean lies in pixels, computed once for a picture.

Knows the figure and the picture drawn in it; no widget.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from rmkit.widgets.explorer.figure import dots_of, marks_of
from rmkit.widgets.explorer.picture import Picture


@dataclass(frozen=True)
class Hit:
    """A dot, or a mean of several; x and y are its place in the figure's pixels from the lower left."""

    row: int  # of the table; of a mean, the row whose value is nearest to it
    x: float
    y: float
    mean: int | None = None  # which of the picture's means it is
    level: int | None = None  # which of the picture's levels it is


class Hits:
    """The dots and means of a picture in the figure's pixels, as the figure is now."""

    def __init__(self, figure: Figure, picture: Picture) -> None:
        self.size = tuple(figure.bbox.size)
        self.picture, self.figure = picture, figure
        dots, means = dots_of(picture), marks_of(picture)
        means = means[means["fits"].to_numpy(dtype=float) > 1]  # a mean of one is that one
        self.row_m, self.pixel_m2 = dots["row"].to_numpy(), self._pixels(dots, "value")
        self.mean_g, self.pixel_g2 = means.index.to_numpy(), self._pixels(means, "mean")

    def near(self, x: float, y: float, *, within: float) -> Hit | None:
        """The nearest dot or mean, a mean if they lie together; far from all, the level there, or None."""
        (dot, from_dot), (mean, from_mean) = (_nearest(pixels, x, y) for pixels in (self.pixel_m2, self.pixel_g2))
        if min(from_dot, from_mean) > within:
            return self._level(x, y, within)
        if from_dot < from_mean:
            x, y = map(float, self.pixel_m2[dot])
            return Hit(int(self.row_m[dot]), x, y)
        which, (x, y) = int(self.mean_g[mean]), map(float, self.pixel_g2[mean])
        return Hit(int(self.picture.means.loc[which, "row"]), x, y, mean=which)

    def _level(self, x: float, y: float, within: float) -> Hit | None:
        """The level of the panel under a place that is nearest to it, if one is so near."""
        for panel, own in self.picture.levels.groupby("panel", sort=False, observed=True):
            ax = self.figure.axes[self.picture.panels.index(str(panel))]
            if not ax.bbox.contains(x, y):
                continue
            height_l = ax.transData.transform(np.column_stack([np.zeros(len(own)), own["mean"].astype(float)]))[:, 1]
            nearest = int(np.abs(height_l - y).argmin())
            if abs(height_l[nearest] - y) <= within:
                row = int(own["row"].iloc[nearest])
                return Hit(row, x, float(height_l[nearest]), level=int(own.index[nearest]))
        return None

    def _pixels(self, marks: pd.DataFrame, height: str) -> np.ndarray:
        """(M, 2): where marks lie. height: the column of their heights."""
        pixel_m2 = np.empty((len(marks), 2))
        for panel, position_m in marks.groupby("panel", sort=False, observed=True).indices.items():
            ax = self.figure.axes[self.picture.panels.index(str(panel))]
            places = marks[["at", height]].to_numpy(dtype=float)[position_m]
            pixel_m2[position_m] = ax.transData.transform(places)
        return pixel_m2


def _nearest(pixel_m2: np.ndarray, x: float, y: float) -> tuple[int, float]:
    """The position of the nearest mark and how far it is; far away if there is none."""
    if not len(pixel_m2):
        return 0, np.inf
    away_m = np.hypot(pixel_m2[:, 0] - x, pixel_m2[:, 1] - y)
    nearest = int(away_m.argmin())
    return nearest, float(away_m[nearest])
