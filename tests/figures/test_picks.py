import matplotlib

matplotlib.use("Agg")

import numpy as np
import pandas as pd

from rmkit.figures.picks import picks_figure


def test_the_picks_of_a_prompt_are_drawn_with_n_marked():
    n = np.arange(1, 6)
    table = pd.DataFrame({"n": n, "gold": n / 2, "proxy": -n, "expected_gold": n / 3, "expected_proxy": -n / 2})
    figure = picks_figure(table, 3)
    for ax, name in zip(figure.axes, ("gold", "proxy"), strict=True):
        drawn = [tuple(map(tuple, line.get_xydata())) for line in ax.lines]
        assert tuple(zip(n, table[f"expected_{name}"], strict=True)) in drawn
        assert ((3, table[name][2]),) in drawn
