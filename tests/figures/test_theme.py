import matplotlib

matplotlib.use("Agg")

import io

import matplotlib.pyplot as plt
import pytest
from matplotlib.colors import rgb_to_hsv, to_rgb

from rmkit.figures import theme
from rmkit.figures.looks import look_of


@theme.themed
def drawn(fail=False):
    figure, ax = plt.subplots()
    ax.plot([0, 1], **look_of("linear_bt").line)
    if fail:
        raise ValueError("no figure")
    return figure


def test_a_themed_figure_has_the_theme_and_leaves_the_defaults_alone():
    before = dict(plt.rcParams)
    ax = drawn().axes[0]
    assert not ax.spines["top"].get_visible()
    assert not ax.spines["right"].get_visible()
    assert ax.figure.get_layout_engine() is not None
    with pytest.raises(ValueError, match="no figure"):
        drawn(fail=True)
    plt.close("all")
    assert dict(plt.rcParams) == before


@pytest.mark.parametrize(
    ("color", "ratio"), [("#FFFFFF", 1), ("#000000", 21), ("#FF0000", 3.998), ("#777777", 4.478), ("#0000FF", 8.592)]
)
def test_contrast_is_that_of_the_guidelines(color, ratio):
    """Ratios that WebAIM's checker and others give for these colours on white."""
    assert theme.contrast(color) == pytest.approx(ratio, abs=2e-3)


@pytest.mark.parametrize("color", ["#56B4E9", "#F0E442", "#FFFFFF", "#D55E00", "red"])
def test_a_colour_for_words_is_dark_enough_and_no_darker_and_keeps_its_hue(color):
    text = theme.text_color(color)
    assert theme.READABLE <= theme.contrast(text) < theme.READABLE + 0.35
    before, after = (rgb_to_hsv(to_rgb(each)) for each in (color, text))
    assert after[0] == pytest.approx(before[0], abs=0.03)
    assert theme.text_color("#222222") == "#222222"


def test_a_figure_that_fails_leaves_nothing_open():
    @theme.themed
    def failing():
        plt.subplots()
        raise ValueError("no rows")

    with pytest.raises(ValueError, match="no rows"):
        failing()
    assert plt.get_fignums() == []


def test_a_themed_figure_is_not_pyplots_any_more_and_can_still_be_saved():
    figures = [drawn() for _ in range(25)]  # pyplot warns at more than 20 open ones
    assert plt.get_fignums() == []
    stream = io.BytesIO()
    figures[0].savefig(stream, format="png")
    assert stream.getvalue().startswith(b"\x89PNG")
