"""The explorer without a browser: controls change what is drawn, a click shows its fit, an empty store says what to run."""

import base64

import numpy as np
import pandas as pd
import pytest

from rmkit.widgets.explorer.explorer import Explorer
from rmkit.widgets.explorer.figure import dots_of
from tests.widgets.explorer.made_store import HOSTILE, STAGES, Made, table


@pytest.fixture
def explorer(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Explorer(Made(tmp_path, {stage: table(stage) for stage in STAGES}), "mine")


def drawn(explorer):
    return explorer.table.loc[explorer.picture.points["row"]]


def click(explorer, row):
    """Click where the dot of a row lies on the canvas."""
    explorer.figure.draw_without_rendering()
    (dot,) = dots_of(explorer.picture).query("row == @row").to_dict("records")
    ax = explorer.figure.axes[explorer.picture.panels.index(dot["panel"])]
    explorer.click(*ax.transData.transform((dot["at"], dot["value"])) + 2)


def chips(explorer, name):
    (box,) = [box for box in explorer.filters.children if f">{name.replace('_', ' ')}<" in box.children[0].value]
    return box.children[1].children


def test_the_first_picture_is_the_stages_own(explorer):
    assert explorer.stage.value == "04_reward_models"
    assert (explorer.x.value, explorer.lines.value, explorer.facets.value) == ("annotations", "reward_model", "beta")
    assert set(drawn(explorer)["metric"]) == {"accuracy"}
    assert len(drawn(explorer)) == 16


def test_a_control_changes_the_points(explorer):
    explorer.metric.value = "spearman"
    assert set(drawn(explorer)["metric"]) == {"spearman"}
    explorer.x.value = "beta"
    assert explorer.facets.value == ""  # a column is spread out once
    assert explorer.picture.axis.name == "beta"
    assert set(drawn(explorer)["annotations"]) == {400.0}  # what is not spread out is held
    explorer.lines.value = ""
    assert explorer.picture.lines == ("",)
    explorer.facets.value = "seed"
    assert explorer.picture.panels == ("0", "1")
    explorer.stage.value = "99_other"
    assert set(drawn(explorer)["stage"]) == {"99_other"}


def test_a_button_switches_a_value_off_and_none_left_is_all(explorer):
    first, second = chips(explorer, "seed")
    first.value = False
    assert set(drawn(explorer)["seed"]) == {1}
    second.value = False
    assert set(drawn(explorer)["seed"]) == {0, 1}
    assert [chip.value for chip in chips(explorer, "seed")] == [True, True]


def test_many_values_are_a_list(explorer):
    rows = explorer.stored.tables["99_other"]
    explorer.stored.tables["99_other"] = pd.concat(
        [rows.assign(param_seed=seed, job=f"99_other-{seed % 2}") for seed in range(20)], ignore_index=True
    )
    explorer.stage.value = "99_other"
    (box,) = [box for box in explorer.filters.children if ">seed<" in box.children[0].value]
    many = box.children[1]
    assert len(many.options) == 20
    many.value = (3, 17)
    assert set(drawn(explorer)["seed"]) == {3, 17}


def test_a_click_on_a_dot_shows_its_fit_with_all_its_metrics_job_and_notebook(explorer, tmp_path):
    heard = []
    explorer.on_fit(heard.append)
    row = explorer.table.query(
        "seed == 1 and annotations == 400 and reward_model == 'linear_bt' and beta == 0.5"
    ).index[0]
    click(explorer, row)
    (fit,) = heard
    assert fit == explorer.fit
    assert (fit.key, fit.fit) == ("04_reward_models-1", "linear_bt-0.5-400.0")
    assert fit.varied == {"beta": 0.5, "annotations": 400.0, "reward_model": "linear_bt"}
    shown = explorer.details.value
    assert "accuracy" in shown
    assert "spearman" in shown
    assert "runs/jobs/04_reward_models-1/notebook.ipynb" in shown
    (output,) = explorer.link.outputs
    assert 'href="runs/opened/04_reward_models-1.ipynb"' in output["data"]["text/html"]
    assert (tmp_path / "runs/opened/04_reward_models-1.ipynb").read_text(encoding="utf-8") == "{}"


def test_a_click_far_from_every_dot_changes_nothing(explorer):
    explorer.click(1, 1)
    assert explorer.fit is None


def test_a_job_that_was_removed_is_a_sentence(explorer):
    row = explorer.picture.points["row"].iloc[0]
    (explorer.stored.folder(explorer.table.loc[row, "job"]) / "manifest.json").unlink()
    click(explorer, row)
    assert explorer.fit is None
    assert "no readable manifest" in explorer.hint.value


def test_another_picture_forgets_the_fit(explorer):
    click(explorer, explorer.picture.points["row"].iloc[0])
    explorer.metric.value = "spearman"
    assert explorer.fit is None
    assert explorer.details.value == ""
    assert explorer.link.outputs == ()


def test_names_from_outside_are_letters(explorer):
    click(explorer, explorer.table.query("reward_model == @HOSTILE").index[0])
    html = "".join([explorer.title.value, explorer.details.value, explorer.note.value])
    assert "<img" not in html
    assert "&lt;img" in html
    explorer.study.value = HOSTILE
    assert "<b>wrong" not in explorer.note.value
    assert "&lt;b&gt;wrong" in explorer.note.value


def test_rows_without_a_value_are_said_under_the_picture(explorer):
    rows = explorer.stored.tables["99_other"]
    rows.loc[rows["metric"] == "accuracy", ["value", "reason"]] = [None, HOSTILE]
    explorer.stage.value = "99_other"
    assert "8 of 8 rows have no value: &lt;img" in explorer.note.value
    explorer.metric.value = "spearman"
    assert explorer.note.value == ""


def test_an_empty_study_says_what_to_run_and_comes_back(explorer):
    explorer.study.value = "empty"
    assert "rmkit run params/" in explorer.note.value
    assert explorer.picture is None
    explorer.click(100, 100)
    assert "rmkit run" in explorer.still()["text/html"]
    explorer.refresh()
    explorer.study.value = "mine"
    assert len(drawn(explorer)) == 16
    assert explorer.canvas.layout.display is None


@pytest.fixture
def gappy(explorer):
    """The explorer on a stage in which no row has seed 1 and beta 0.5 together."""
    rows = explorer.stored.tables["99_other"]
    explorer.stored.tables["99_other"] = rows[(rows["param_seed"] == 0) | (rows["beta"] != 0.5)]
    explorer.stage.value = "99_other"
    return explorer


def states(explorer, name):
    return [(chip.value, chip.disabled) for chip in chips(explorer, name)]


def test_a_button_that_draws_nothing_is_off_and_comes_back(gappy):
    chips(gappy, "seed")[0].value = False
    half, no_noise = states(gappy, "beta")
    assert half == (False, True)  # no row of seed 1 has this beta
    assert not no_noise[1]
    chips(gappy, "seed")[0].value = True
    assert [disabled for _, disabled in states(gappy, "beta")] == [False, False]


def test_a_value_that_waits_is_kept_when_it_can_be_drawn_again(gappy):
    gappy.lines.value = "beta"  # nothing is held of it: both values are on
    assert states(gappy, "beta") == [(True, False), (True, False)]
    chips(gappy, "seed")[0].value = False
    assert states(gappy, "beta") == [(False, True), (True, False)]
    chips(gappy, "annotations")[0].value = False
    chips(gappy, "seed")[0].value = True
    assert states(gappy, "beta") == [(True, False), (True, False)]
    assert set(drawn(gappy)["beta"]) == {0.5, float("inf")}


def test_no_click_leads_to_an_empty_picture(gappy):
    """A random walk over all buttons that can be clicked."""
    rng = np.random.default_rng(0)
    for _ in range(40):
        names = list(gappy.coded.axes(gappy.selection.metric))
        free = [chip for chip in chips(gappy, names[rng.integers(len(names))]) if not chip.disabled]
        free[rng.integers(len(free))].value ^= True
        assert gappy.picture is not None
        assert len(gappy.picture.points) + len(gappy.picture.levels)


def test_a_stage_with_few_columns_is_usable(explorer):
    explorer.stored.tables["99_other"] = table("99_other").query("param_seed == 0 and metric == 'accuracy'")[
        ["metric", "value", "fit", "reason", "units", "job", "stage", "study"]
    ]
    explorer.stage.value = "99_other"
    assert explorer.x.value == "fit"
    assert len(explorer.picture.points) == 8
    explorer.refresh()
    assert explorer.stage.value == "99_other"


def test_beside_the_widget_stands_a_picture(explorer):
    bundle = explorer._repr_mimebundle_()
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == explorer.model_id


def test_the_process_keeps_its_own_backend():
    import matplotlib

    assert "ipympl" not in matplotlib.get_backend()
