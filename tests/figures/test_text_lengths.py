import matplotlib

matplotlib.use("Agg")

import numpy as np
import pandas as pd
import pytest

from rmkit.figures.text_lengths import length_difference_figure, length_figure


def words(figure):
    return "\n".join(text.get_text() for ax in figure.axes for text in [*ax.texts, ax.title])


def lengths(chosen, rejected):
    return pd.DataFrame({"chosen_length": chosen, "rejected_length": rejected})


def test_the_shares_of_longer_shorter_and_equal_are_stated():
    figure = length_difference_figure(lengths([10] * 10, [5] * 3 + [20] * 6 + [10]))
    said = words(figure).split("\n")
    assert said[said.index("chosen is shorter") + 1] == "60.0%"
    assert said[said.index("chosen is longer") + 1] == "30.0%"
    assert "equal length: 10.0%" in words(figure)


def test_every_pair_is_in_a_bar_or_counted_as_outside():
    rng = np.random.default_rng(0)
    table = lengths(rng.integers(1, 500, 1000), rng.integers(1, 500, 1000))
    table.loc[0, "chosen_length"] = 100_000
    figure = length_difference_figure(table)
    outside = int(words(figure).split(" pairs lie outside")[0].split()[-1])
    assert 1 <= outside <= 10
    assert sum(bar.get_height() for bar in figure.axes[0].patches) + outside == 1000


@pytest.mark.parametrize("share", [0.2, 0.8])
def test_the_right_panel_shows_how_often_the_longer_was_chosen(share):
    rng = np.random.default_rng(0)
    gap = rng.integers(1, 300, 2000) * np.where(rng.random(2000) < share, 1, -1)
    panel = length_difference_figure(lengths(500 + gap, np.full(2000, 500)), n_bins=4).axes[1]
    (curve,) = [line for line in panel.lines if len(line.get_xdata()) == 4]
    assert (np.diff(curve.get_xdata()) > 0).all()
    np.testing.assert_allclose(curve.get_ydata(), share, atol=0.06)
    np.testing.assert_allclose(np.mean(curve.get_ydata()), np.mean(gap > 0))


def test_pairs_of_equal_length_alone_still_give_a_figure():
    figure = length_difference_figure(lengths([4, 5], [4, 5]))
    figure.draw_without_rendering()
    assert "equal length: 100.0%" in words(figure)


def test_lengths_are_counted_by_kind_and_empty_texts_are_mentioned():
    table = pd.DataFrame({"text": ["prompt"] * 3 + ["response"] * 4, "length": [50, 60, 70, 0, 10, 20, 3000]})
    (ax,) = length_figure(table).axes
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == [
        "3 prompts: median 60 characters",
        "4 responses: median 15 characters, 1 empty",
    ]
    assert ax.get_xscale() == "log"


def test_a_step_is_as_high_as_its_bin_is_full():
    lengths_of = {"prompt": np.repeat([2, 40, 41, 3000], [1, 5, 6, 2]), "response": np.array([0, 7, 7, 900])}
    table = pd.DataFrame([{"text": kind, "length": length} for kind, here in lengths_of.items() for length in here])
    (ax,) = length_figure(table).axes
    edges = np.geomspace(1, 3000 * 1.0001, 45)
    for drawn, length in zip(ax.collections, lengths_of.values(), strict=True):
        x, y = drawn.get_paths()[0].vertices.T
        counts, _ = np.histogram(length, edges)
        assert y.max() == counts.max()
        assert set(y) == {0, *counts}
        assert x[y == y.max()].min() == pytest.approx(edges[counts.argmax()])
