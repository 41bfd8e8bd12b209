"""Which dot a place on the canvas means: where every dot lies in pixels, computed once for a picture.

Knows the figure and the picture drawn in it; no widget.
"""

import numpy as np
from matplotlib.figure import Figure

from rmkit.widgets.explorer.figure import dots_of
from rmkit.widgets.explorer.picture import Picture


class Hits:
    """The dots of a picture in the figure's pixels from the lower left, as the figure is now."""

    def __init__(self, figure: Figure, picture: Picture) -> None:
        self.size = tuple(figure.bbox.size)
        dots = dots_of(picture)
        self.row_m = dots["row"].to_numpy()
        self.pixel_m2 = np.empty((len(dots), 2))
        for panel, position_m in dots.groupby("panel", sort=False, observed=True).indices.items():
            ax = figure.axes[picture.panels.index(str(panel))]
            places = dots[["at", "value"]].to_numpy(dtype=float)[position_m]
            self.pixel_m2[position_m] = ax.transData.transform(places)

    def near(self, x: float, y: float, *, within: float) -> tuple[int, float, float] | None:
        """The row of the nearest dot and its place, or None if none is so near."""
        if not len(self.row_m):
            return None
        away_m = np.hypot(self.pixel_m2[:, 0] - x, self.pixel_m2[:, 1] - y)
        nearest = int(away_m.argmin())
        if away_m[nearest] > within:
            return None
        return int(self.row_m[nearest]), float(self.pixel_m2[nearest, 0]), float(self.pixel_m2[nearest, 1])


def dot_near(figure: Figure, picture: Picture, x: float, y: float, *, within: float) -> int | None:
    """The row of the nearest dot to a place on the canvas, in its pixels from the lower left; None if none is near."""
    found = Hits(figure, picture).near(x, y, within=within)
    return None if found is None else found[0]
