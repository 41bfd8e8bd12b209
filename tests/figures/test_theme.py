import matplotlib

matplotlib.use("Agg")

import io

import matplotlib.pyplot as plt
import pytest

from rmkit.figures import theme
from rmkit.reward_models.registry import REWARD_MODELS


@theme.themed
def drawn(fail=False):
    figure, ax = plt.subplots()
    ax.plot([0, 1], **theme.LOOK["linear_bt"])
    if fail:
        raise ValueError("no figure")
    return figure


def test_reward_models_are_told_apart_by_each_of_colour_dash_and_marker():
    assert set(theme.LOOK) == {*REWARD_MODELS, "gold", "random", "shorter"}
    for part in ("color", "linestyle", "marker", "label"):
        # gold is the truth and no model: its line is solid, as one model's is
        looks = [look[part] for name, look in theme.LOOK.items() if (name, part) != ("gold", "linestyle")]
        assert len(set(looks)) == len(looks), part


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
