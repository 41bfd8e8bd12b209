import matplotlib

matplotlib.use("Agg")

import io

import matplotlib.pyplot as plt
import pytest

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


def test_a_themed_figure_is_not_pyplots_any_more_and_can_still_be_saved():
    figures = [drawn() for _ in range(25)]  # pyplot warns at more than 20 open ones
    assert plt.get_fignums() == []
    stream = io.BytesIO()
    figures[0].savefig(stream, format="png")
    assert stream.getvalue().startswith(b"\x89PNG")
