"""What stands under the picture, in the explorer: rows choose fits, two are compared, views come back, files are written."""

import html
import io
import json
import re

import pandas as pd
import pytest

from rmkit.widgets.explorer import export
from rmkit.widgets.explorer.below import NEXT
from rmkit.widgets.explorer.explorer import Explorer
from rmkit.widgets.explorer.figure import KEPT, RING
from rmkit.widgets.explorer.hits import Hit
from tests.widgets.explorer.made_store import HOSTILE, STAGES, Made, table


@pytest.fixture
def stored(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Made(tmp_path, {stage: table(stage, extra=position) for position, stage in enumerate(STAGES)})


@pytest.fixture
def explorer(stored):
    return Explorer(stored, "mine")


def rings(explorer, name=RING):
    found = [ring for ax in explorer.figure.axes for ring in ax.collections if ring.get_gid() == name]
    return [float(ring.get_offsets()[0][1]) for ring in found]


def said(explorer):
    return html.unescape(re.sub("<[^>]+>", "", explorer.below.toolbar.said.value))


def seen(explorer):
    """All that a view holds."""
    chosen = explorer.below.row
    kept = explorer.below.kept
    return explorer.selection, explorer.below.fits.sort, chosen, kept and kept.fit, explorer.title.value


def test_the_rows_of_the_picture_are_listed_and_a_click_on_one_is_a_click_on_its_dot(explorer):
    heard = []
    explorer.on_fit(heard.append)
    fits = explorer.below.fits
    assert sorted(fits.rows.index) == sorted(explorer.picture.points["row"])
    fits.order_by(("value", True))
    fits.over.children[0].click()
    assert rings(explorer) == [explorer.picture.points["value"].max()]
    assert heard == [explorer.fit]
    assert "rmkit-chosen" in fits.lines.value
    assert explorer.card.layout.display is None


def test_a_fit_that_no_mean_counts_marks_no_mean(explorer):
    fits = explorer.below.fits
    other = explorer.table[explorer.table["metric"] != explorer.selection.metric].index[0]
    fits.means.value = True
    explorer.choose(int(explorer.picture.points["row"].iloc[0]))
    assert fits.lines.value.count("rmkit-chosen") == 1
    explorer.choose(int(other))
    assert fits.lines.value.count("rmkit-chosen") == 0


def test_a_click_on_a_dot_marks_its_row(explorer):
    row = explorer.picture.points["row"].iloc[-1]
    explorer.choose(int(row))
    assert explorer.below.fits.lines.value.count("rmkit-chosen") == 1
    explorer.metric.value = "spearman"
    assert "rmkit-chosen" not in explorer.below.fits.lines.value
    assert set(explorer.table.loc[explorer.below.fits.rows.index, "metric"]) == {"spearman"}


def test_without_a_picture_there_is_no_table(explorer):
    explorer.study.value = "empty"
    assert explorer.below.fits.layout.display == "none"
    assert explorer.below.toolbar.layout.display == "none"
    explorer.study.value = "mine"
    assert explorer.below.fits.layout.display is None
    assert explorer.below.toolbar.layout.display is None


def test_two_fits_are_compared_until_the_comparison_ends(explorer):
    first, second = (int(row) for row in explorer.picture.points["row"].iloc[[0, -1]])
    explorer.choose(first)
    alone = explorer.details.value
    explorer.below.keep.click()
    assert explorer.details.value == alone
    assert explorer.below.bar.layout.display is None
    assert NEXT in explorer.below.name.value
    explorer.choose(second)
    difference = explorer.table.loc[second, "value"] - explorer.table.loc[first, "value"]
    assert f"{difference:+.2f}" in html.unescape(explorer.details.value)
    assert NEXT not in explorer.below.name.value
    assert [rings(explorer, name) for name in (KEPT, RING)] == [
        [explorer.table.loc[row, "value"]] for row in (first, second)
    ]
    explorer.live._draw()
    assert [len(rings(explorer, name)) for name in (KEPT, RING)] == [1, 1]
    assert "reward_model" in explorer.details.value.partition("<details>")[0]
    explorer.stage.value = "99_other"
    explorer.choose(int(explorer.picture.points["row"].iloc[0]))
    assert ">stage<" in explorer.details.value.replace("<bdi>", "").replace("</bdi>", "")
    assert "<img" not in explorer.details.value + explorer.title.value + explorer.below.name.value
    explorer.below.end.click()
    assert explorer.below.bar.layout.display == "none"
    assert rings(explorer, KEPT) == []
    assert "executed notebook" in explorer.details.value


def chosen_view(explorer):
    """Another picture than the first, ordered, with a fit chosen and another kept."""
    explorer.stage.value = "99_other"
    explorer.metric.value = "spearman"
    explorer.x.value = "beta"
    explorer.lines.value = "reward_model"
    explorer.facets.value = "annotations"
    explorer.below.fits.order_by(("value", True))
    rows = explorer.below.fits.rows.index
    explorer.choose(int(rows[3]))
    explorer.below.keep.click()
    explorer.choose(int(rows[5]))
    return explorer.view


def test_a_view_comes_back_whole_from_its_text_in_another_explorer(explorer, stored):
    first = seen(explorer)
    view = chosen_view(explorer)
    again = Explorer(stored, "mine", view=view)
    assert seen(again) == seen(explorer) != first
    assert again.view == view
    assert said(again) == ""
    assert [control.value for control in (again.stage, again.metric, again.x)] == ["99_other", "spearman", "beta"]


def test_values_that_were_switched_off_stay_off(explorer, stored):
    name, values = "seed", (1,)
    explorer._filtered(name, values)
    again = Explorer(stored, "mine", view=explorer.view)
    assert again.selection.filters[name] == values
    assert set(again.below.fits.rows["seed"]) == {1}


def test_a_view_of_what_is_gone_shows_what_is_left_and_says_the_rest(explorer, stored):
    view = chosen_view(explorer)
    rows = stored.tables["99_other"]
    stored.tables["99_other"] = rows[(rows["metric"] == "accuracy") & (rows["param_seed"] == 0)].drop(
        columns="annotations"
    )
    again = Explorer(stored, "mine", view=view)
    assert (again.selection.stage, again.selection.metric, again.selection.x) == ("99_other", "accuracy", "beta")
    assert said(again) == "This view also asks for metric spearman and panels annotations, which are not there."
    assert (again.fit.key, again.fit.fit) == (explorer.fit.key, explorer.fit.fit)
    gone = {"study:gone": "study gone", "stage:88": "stage 88", "sort:-fog": "order by fog", "fit:k,a,0": "fit a"}
    for text, missing in gone.items():
        other = Explorer(stored, "mine", view=text)
        assert other.picture is not None
        assert said(other) == f"This view also asks for {missing}, which is not there."


@pytest.mark.parametrize(
    "text", ["", ":", "nobody", HOSTILE, "../../x", f"study:{HOSTILE}", "x:__class__", "fit:a,b,-9"]
)
def test_any_view_leaves_a_usable_explorer(stored, text):
    explorer = Explorer(stored, "mine", view=text)
    assert explorer.picture is not None
    assert "<img" not in explorer.below.toolbar.said.value
    assert bool(said(explorer)) == bool(text)


def test_a_view_is_saved_listed_and_restored(explorer, stored):
    bar = explorer.below.toolbar
    view, whole = chosen_view(explorer), seen(explorer)
    bar.save.click()
    assert "Write a name" in said(explorer)
    bar.name.value = "worst at 400"
    bar.save.click()
    assert json.loads((stored.store.root / "views/worst at 400.json").read_text(encoding="utf-8"))["view"] == view
    explorer.stage.value = STAGES[0]
    assert bar.saved.value == ""
    heard = []
    bar.saved.observe(lambda change: heard.append(change["new"]), "value")
    bar.saved.value = "worst at 400"
    assert seen(explorer) == whole
    assert heard == ["worst at 400"]  # the page never hears of another choice
    linked = Explorer(stored, "empty", view="worst at 400")
    assert (seen(linked), linked.below.toolbar.saved.value) == (whole, "worst at 400")
    told = []
    linked.on_fit(told.append)
    assert told == [linked.fit]  # the texts are those of the view's fit
    bar.remove.click()
    assert bar.saved.options == (("no saved view", ""),)


def test_the_line_of_python_shows_the_same(explorer, stored):
    view = chosen_view(explorer)
    explorer.below.toolbar.share.click()
    line = said(explorer).partition("in a cell ")[2].partition("under Voilà")[0]
    assert eval(line, {"Explorer": Explorer, "stored": stored}).view == view
    assert f"?view={view}".replace("%", "%25") in said(explorer)


def test_under_voila_a_view_is_a_whole_link(explorer, monkeypatch):
    server = {"SERVER_SOFTWARE": "voila/0.5", "SERVER_NAME": "bench", "SERVER_PORT": "8866", "SCRIPT_NAME": "/voila/"}
    for name, value in server.items():
        monkeypatch.setenv(name, value)
    view = chosen_view(explorer)
    explorer.below.toolbar.share.click()
    link = f"?view={view}".replace("%", "%25")
    assert f"http://bench:8866/voila/{link}" in said(explorer)
    assert f'href="{html.escape(link)}"' in explorer.below.toolbar.said.value


def test_means_are_listed_as_drawn_ordered_exported_and_restored(explorer, stored):
    fits, picture = explorer.below.fits, explorer.picture
    fits.means.value = True
    assert fits.columns == ["reward_model", "beta", "annotations", "mean", "fits"]
    drawn = pd.concat([picture.means, picture.levels])
    lines = [str(name) for name in fits.rows["reward_model"]]
    assert list(dict.fromkeys(lines)) == list(picture.lines)  # as in the legend
    assert lines == sorted(lines, key=picture.lines.index)
    assert sorted(fits.rows["mean"]) == sorted(drawn["mean"])
    for mean in drawn.itertuples():  # each is the mean of the rows that share its columns, and stands at one of them
        own = explorer.table.loc[mean.row, ["reward_model", "beta", "annotations", "metric"]]
        rows = explorer.table[(explorer.table[list(own.index)] == own).all(axis=1)]
        assert fits.rows.loc[mean.row, "mean"] == pytest.approx(rows["value"].mean())
        assert (fits.rows.loc[mean.row, "fits"], mean.row in rows.index) == (len(rows), True)
    fits.order_by(("mean", True))
    explorer.choose(int(next(row for row in picture.points["row"] if row not in fits.rows.index)))
    assert fits.lines.value.count("rmkit-chosen") == 1  # a fit is marked by the mean that it is counted in
    explorer.below.toolbar.files["csv"].click()
    (path,) = (stored.store.root / "exports").iterdir()
    read = pd.read_csv(path)
    assert read["mean"].tolist() == sorted(drawn["mean"], reverse=True)
    assert {"metric", "interval", "fits"} < set(read)
    view = explorer.view
    again = Explorer(stored, "mine", view=view)
    assert (again.view, again.below.fits.means.value) == (view, True)
    fits.means.value = False
    assert sorted(fits.rows.index) == sorted(picture.points["row"])
    assert "table:" not in explorer.view


def test_a_view_that_asks_for_another_table_says_so(explorer):
    explorer.restore("study:mine;table:medians")
    assert "table of medians, which is not there" in said(explorer)
    assert not explorer.below.fits.means.value


def test_what_is_under_the_mouse_is_named_with_its_interval(explorer):
    (hit, mean), *_ = [
        (Hit(mean.row, 0, 0, mean=mean.Index), mean) for mean in explorer.picture.means.itertuples() if mean.fits > 1
    ]
    words = html.unescape(re.sub("<[^>]+>", " ", explorer._words_of(hit)))
    assert f"{mean.mean:#.4g}".rstrip(".") in words
    assert f"mean of {mean.fits} fits, {mean.interval}" in words
    assert explorer.table.loc[mean.row, "reward_model"] in words


def test_the_row_that_was_clicked_is_marked_among_all_of_its_fit(explorer):
    first, second = (int(row) for row in explorer.picture.points["row"].iloc[[0, -1]])
    for row in (first, second):
        explorer.choose(row)
        (marked,) = re.findall(r'<tr class="rmkit-pick">.*?</tr>', explorer.details.value)
        assert explorer.table.loc[row, "metric"] in marked
        explorer.below.keep.click()
        explorer.choose(first + second - row)
        assert explorer.details.value.count('<tr class="rmkit-pick">') == 1
        explorer.below.end.click()


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_exported_rows_are_those_of_the_picture_with_all_columns(explorer, stored, kind):
    explorer.below.fits.order_by(("value", True))
    explorer.below.toolbar.files[kind].click()
    (path,) = (stored.store.root / "exports").iterdir()
    assert re.fullmatch(rf"mine-04_reward_models-accuracy-by-annotations-[0-9a-f]{{8}}\.{kind}", path.name)
    read = {"csv": pd.read_csv, "parquet": pd.read_parquet}[kind](path)
    wanted = explorer.below.fits.rows.sort_values("value", ascending=False).reset_index(drop=True)
    plain = (rows.astype(object).where(rows.notna(), None) for rows in (read, wanted))
    pd.testing.assert_frame_equal(*plain)
    assert set(explorer.table) == set(read)
    assert path.name in said(explorer)
    assert 'download="' in explorer.below.toolbar.said.value


@pytest.mark.parametrize(("kind", "starts"), [("png", b"\x89PNG"), ("svg", b"<?xml")])
def test_an_exported_picture_holds_its_view(explorer, stored, kind, starts):
    explorer.below.toolbar.files[kind].click()
    (path,) = (stored.store.root / "exports").iterdir()
    content = path.read_bytes()
    assert content.startswith(starts)
    assert explorer.view.encode() in content
    (output,) = explorer.below.toolbar.link.outputs
    assert "runs/exports/" in output["data"]["text/html"]


def test_a_large_file_is_only_written(explorer, monkeypatch):
    monkeypatch.setattr(export, "EMBEDDED", 10)
    explorer.below.toolbar.files["csv"].click()
    assert "download" not in explorer.below.toolbar.said.value


def test_a_store_that_cannot_be_written_to_is_a_sentence_and_small_files_are_still_offered(explorer, stored):
    for folder in ("exports", "views"):
        (stored.store.root / folder).write_text("a file in the way", encoding="utf-8")
    bar = explorer.below.toolbar
    bar.files["csv"].click()
    assert re.search(r"not saved: .*; move the file in the way and try again", said(explorer))
    content = re.search(r'href="(data:[^"]+)"', bar.said.value).group(1)
    from urllib.request import urlopen

    with urlopen(content) as file:
        assert len(pd.read_csv(io.BytesIO(file.read()))) == len(explorer.below.fits.rows)
    bar.name.value = "mine"
    bar.save.click()
    assert "not saved:" in said(explorer)
