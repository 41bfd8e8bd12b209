"""The picture that answers a click: what is drawn is where it says, and a place on the canvas finds its dot."""

import matplotlib

matplotlib.use("Agg")

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from rmkit.widgets.canvas import png_of
from rmkit.widgets.explorer.axis import Axis
from rmkit.widgets.explorer.figure import dots_of, explore_figure, mark, marks_of, plain
from rmkit.widgets.explorer.hits import Hits
from rmkit.widgets.explorer.picture import Picture


def picture(*, panels=("0.5", "no noise"), lines=("linear_bt", "mine"), places=(0.0, 1.0, 2.0), scale="log", **more):
    index = pd.MultiIndex.from_product([panels, lines, places], names=["panel", "line", "place"])
    points = index.to_frame(index=False).assign(value=lambda table: np.linspace(0, 1, len(table)) ** 2)
    means = points.rename(columns={"value": "mean"}).assign(low=lambda t: t["mean"] - 1, high=lambda t: t["mean"] + 1)
    ticks = tuple((place, f"v{place:g}") for place in places)
    return Picture(
        metric="accuracy",
        axis=Axis("annotations", {place: place for place in places}, ticks, scale),
        facets="beta",
        columns="reward_model",
        panels=tuple(panels),
        lines=(*lines, "gold"),
        points=points.assign(row=range(100, 100 + len(points))),
        means=means.assign(fits=1, row=range(100, 100 + len(points)), interval="no interval: one value"),
        levels=pd.DataFrame({"panel": panels, "line": "gold", "mean": 0.7, "fits": 5, "row": 99, "interval": "none"}),
        title="one fit a point",
        **more,
    )


def places_of(figure, shown):
    """Every dot's row and where it lies on the canvas."""
    figure.draw_without_rendering()
    for dot in dots_of(shown).to_dict("records"):
        ax = figure.axes[shown.panels.index(dot["panel"])]
        yield dot["row"], ax.transData.transform((dot["at"], dot["value"]))


def test_a_click_on_a_dot_finds_it_and_a_click_beside_all_finds_none():
    shown = picture()
    figure = explore_figure(shown)
    for row, (x, y) in places_of(figure, shown):
        assert row_near(figure, shown, x + 1, y - 1) == row
    assert Hits(figure, shown).near(1, 1, within=8) is None


def row_near(figure, shown, x, y):
    hit = Hits(figure, shown).near(x, y, within=8)
    assert (hit.mean, hit.level) == (None, None)
    return hit.row


@pytest.mark.parametrize("scale", ["log", "names"])
def test_a_place_on_a_mean_finds_the_mean_and_not_the_dot_of_another_line(scale):
    shown = picture(scale=scale)
    shown.means["mean"] = shown.means["line"].map({"linear_bt": 0.3, "mine": 0.7})
    shown.means["fits"] = 2
    shown.points["value"] = shown.points["line"].map({"linear_bt": 0.7, "mine": 0.3})  # all dots lie at others' means
    figure = explore_figure(shown)
    figure.draw_without_rendering()
    hits = Hits(figure, shown)
    for mean in marks_of(shown).itertuples():
        ax = figure.axes[shown.panels.index(mean.panel)]
        x, y = ax.transData.transform((mean.at, mean.mean))
        hit = hits.near(x + 0.5, y + 0.5, within=8)
        assert (hit.mean, hit.row) == (mean.Index, mean.row)
        assert (hit.x, hit.y) == pytest.approx((x, y))


def test_a_place_on_a_level_finds_it_where_no_dot_is_near():
    shown = picture()
    figure = explore_figure(shown)
    figure.draw_without_rendering()
    hits = Hits(figure, shown)
    for level in shown.levels.itertuples():
        x, y = figure.axes[shown.panels.index(level.panel)].transData.transform((0.3, level.mean))
        hit = hits.near(x, y + 3, within=8)
        assert (hit.level, hit.mean, hit.row) == (level.Index, None, 99)
        assert hits.near(x, y + 30, within=8) is None
    assert hits.near(1, y, within=8) is None  # beside the panels


def test_dots_of_different_lines_at_one_place_can_be_told_apart():
    shown = picture()
    shown.points["value"] = 0.5
    figure = explore_figure(shown)
    for row, (x, y) in places_of(figure, shown):
        assert row_near(figure, shown, x, y) == row


def test_the_mark_is_around_the_dot_and_nowhere_else():
    shown = picture()
    figure = explore_figure(shown, marked=105)
    mark(figure, shown, 103)
    rings = [(ax, ring) for ax in figure.axes for ring in ax.collections if ring.get_gid() == "ring"]
    ((ax, ring),) = rings
    (dot,) = dots_of(shown).query("row == 103").to_dict("records")
    assert ax is figure.axes[shown.panels.index(dot["panel"])]
    np.testing.assert_allclose(ring.get_offsets(), [(dot["at"], dot["value"])])
    mark(figure, shown, None)
    assert not [ring for ax in figure.axes for ring in ax.collections if ring.get_gid() == "ring"]


@pytest.mark.parametrize("n_panels", [1, 2, 3, 4, 7])
def test_every_panel_is_drawn_and_all_share_their_limits(n_panels):
    figure = explore_figure(picture(panels=[str(position) for position in range(n_panels)]))
    assert len(figure.axes) == n_panels
    assert len({(*ax.get_xlim(), *ax.get_ylim()) for ax in figure.axes}) == 1
    low, high = figure.axes[0].get_ylim()
    assert low < -1 < 2 < high  # bands included


def test_a_figure_that_is_given_is_drawn_anew():
    figure = explore_figure(picture(panels=["1", "2", "3", "4"]))
    again = explore_figure(picture(panels=["1"]), figure=figure)
    assert again is figure
    assert len(figure.axes) == 1


TURNED = [f"a value with a long name {position}" for position in range(3)]


@pytest.mark.parametrize("panels", [["1"], ["1", "2", "3", "4"]])
def test_a_figure_that_is_used_again_shows_nothing_of_what_was_in_it(panels):
    first = picture(panels=panels)
    ticks = tuple((float(at), name) for at, name in enumerate(TURNED))
    axis = Axis("annotator", {name: at for at, name in ticks}, ticks, "names", beyond=1.5)
    shown = [first, replace(picture(panels=panels, lines=["one"]), axis=axis, columns=None)]
    shown.append(replace(first, points=first.points.iloc[:5], means=first.means[:0], levels=first.levels[:0]))
    for before in shown:
        for after in shown:
            used = explore_figure(after, marked=101, width=500, figure=explore_figure(before, marked=103, width=700))
            assert png_of(used) == png_of(explore_figure(after, marked=101, width=500))


def test_between_names_no_line_is_drawn_nor_to_what_lies_beyond_every_number():
    def longest(shown):
        return max(
            (len(line.get_xdata()) for line in explore_figure(shown).axes[0].lines if line.get_linestyle() != "None"),
            default=0,
        )

    shown = picture()
    assert longest(shown) == 3
    assert longest(replace(shown, axis=replace(shown.axis, beyond=1.5))) == 2
    assert longest(replace(picture(scale="names"), levels=shown.levels[:0])) == 0


def test_names_are_never_read_as_mathematics():
    hostile = "$\\frac{1}{$ $x$ 100\\$"
    shown = picture(lines=[hostile], panels=[hostile], held={hostile: hostile})
    shown = replace(shown, columns=hostile, facets=hostile, title=hostile, metric=hostile)
    shown = replace(shown, axis=replace(shown.axis, name=hostile, ticks=((0.0, hostile),)))
    explore_figure(shown).draw_without_rendering()  # mathtext would raise


def words(figure):
    """The words of a figure outside its panels, by what they are."""
    return {text.get_gid(): text.get_text() for text in figure.texts}


def test_the_best_of_n_where_one_n_is_kept_of_all_rows_is_named():
    figure = explore_figure(replace(picture(), metric="best_of_n", held={"n": "32"}))
    assert words(figure)["y"] == "gold reward of the best of 32"
    assert figure.get_suptitle().startswith("n 32 · ")
    figure = explore_figure(replace(picture(), metric="best_of_n", held={"n": "32 (gold has none)"}))
    assert words(figure)["y"] == "gold reward of the best of n"


def test_dollars_are_letters():
    assert plain("a$b") == r"a\$b"
