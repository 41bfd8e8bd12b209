import matplotlib

matplotlib.use("Agg")

import pandas as pd

from rmkit.figures.reliability import reliability_figure


def test_reliability_shows_accuracy_against_confidence_and_the_pairs_below():
    bins = pd.DataFrame(
        {
            "reward_model": ["linear_bt"] * 3 + ["mlp_bt"] * 2,
            "confidence": [0.75, 0.55, 0.95, 0.6, 0.9],
            "accuracy": [0.7, 0.5, 0.8, 0.6, 0.7],
            "pairs": [30, 60, 10, 40, 60],
        }
    )
    above, below = reliability_figure(bins).axes
    drawn = {tuple(line.get_xdata()): tuple(line.get_ydata()) for line in above.lines}
    assert drawn[(0.55, 0.75, 0.95)] == (0.5, 0.7, 0.8)
    assert drawn[(0.6, 0.9)] == (0.6, 0.7)
    assert drawn[(0.5, 1)] == (0.5, 1)  # as sure as right
    assert [tuple(line.get_ydata()) for line in below.lines] == [(60, 30, 10), (40, 60)]
    labels = [text.get_text() for text in above.get_legend().get_texts()]
    assert labels == ["linear BT, 100 pairs shown", "BT MLP, 100 pairs shown"]
