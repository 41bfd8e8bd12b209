"""Notebook 08 and its tools over a study that has really run: pictures in its outputs, rewards as in the rows."""

import base64
import json
import re
import sys

import numpy as np
import pandas as pd
import pytest

from rmkit.widgets.explorer.explorer import Explorer
from rmkit.widgets.responses.reading import GoldReading, HumanReading, read_job
from rmkit.widgets.responses.responses import Responses
from rmkit.widgets.responses.saved import WITH_WEIGHTS
from rmkit.widgets.responses.wanted import WORST, in_order
from rmkit.widgets.stored import open_store
from rmkit.worlds.human_preferences.texts import DOWNLOADED
from tests.checkout import execute

STAGE = "04_reward_models"


def readings(stored, kind):
    for stage in WITH_WEIGHTS:
        for key, job in stored.finished("smoke", stage).items():
            reading = read_job(stored.store, job, key, stored.project.root / DOWNLOADED)
            if isinstance(reading, kind):
                yield reading, pd.read_parquet(stored.folder(key) / "rows.parquet")


@pytest.mark.slow
def test_the_notebook_shows_pictures_where_no_widget_can_be(smoke, tmp_path):
    command = [sys.executable, "-m", "papermill", "--no-progress-bar", str(smoke / "notebooks/08_browse.ipynb")]
    out = tmp_path / "out.ipynb"
    execute([*command, str(out), "--cwd", str(smoke / "notebooks"), "-p", "study", "smoke"], tmp_path, smoke)
    cells = json.loads(out.read_text(encoding="utf-8"))["cells"]
    bundles = [output["data"] for cell in cells for output in cell.get("outputs", []) if "data" in output]
    widgets = [bundle for bundle in bundles if "application/vnd.jupyter.widget-view+json" in bundle]
    pictures = [base64.b64decode(bundle["image/png"]) for bundle in widgets if "image/png" in bundle]
    assert [picture[:4] for picture in pictures] == [b"\x89PNG"]
    texts = ["".join(bundle["text/html"]) for bundle in widgets if "text/html" in bundle]
    assert any("data:image/png;base64," in html and "rmkit-text" in html for html in texts)
    tables = ["".join(bundle.get("text/html", "")) for bundle in bundles if bundle not in widgets]
    assert any(STAGE in table and "jobs done" in table for table in tables)


def test_the_table_says_what_is_done(stored, smoke):
    table = stored.table()
    rows = sum(map(len, map(pd.read_parquet, smoke.glob(f"runs/jobs/{STAGE}-*/rows.parquet"))))
    assert table.loc[("smoke", STAGE)].to_dict() == {"jobs done": 2, "planned": 2, "rows": rows}
    assert (table.loc["tiny"]["jobs done"] < table.loc["tiny"]["planned"]).any()


def test_a_study_file_that_does_not_plan_is_a_sentence(stored):
    path = stored.project.root / "params/broken.yaml"
    path.write_text("stages: {04_reward_modls: }", encoding="utf-8")
    try:
        assert "did you mean '04_reward_models'" in stored.study("broken").fault
        assert "04_reward_modls" in stored.table().loc[("broken", "")]["fault"]
    finally:
        path.unlink()


def test_the_environment_names_the_study_where_the_default_stands(smoke, monkeypatch, capsys):
    monkeypatch.chdir(smoke / "notebooks")
    monkeypatch.setenv("RMKIT_STUDY", "smoke")
    assert open_store("tiny")[1] == "smoke"
    assert open_store("grammar")[1] == "grammar"
    monkeypatch.delenv("RMKIT_STUDY")
    assert open_store("tiny")[1] == "tiny"


def test_every_stage_with_rows_has_a_first_picture(stored):
    explorer = Explorer(stored, "smoke")
    stages = stored.with_rows("smoke")
    assert {"02_sampling", STAGE, "05_active_labeling", "07_figures"} <= set(stages)
    for stage in stages:
        explorer.stage.value = stage
        for metric in [value for _, value in explorer.metric.options]:
            explorer.metric.value = metric
            assert explorer.picture is not None, (stage, metric, explorer.note.value)
            assert len(explorer.picture.points) + len(explorer.picture.levels) or explorer.picture.notes, (
                stage,
                metric,
            )


def test_tables_are_read_once_until_a_job_is_added(stored, monkeypatch):
    first = stored.rows("smoke", STAGE)
    assert stored.rows("smoke", STAGE) is first
    fewer = dict(list(stored.finished("smoke", STAGE).items())[:1])
    monkeypatch.setattr(stored, "finished", lambda name, stage: fewer)
    assert stored.rows("smoke", STAGE) is not first


def test_the_picks_of_all_responses_are_the_best_of_n_of_the_rows(stored):
    checked = 0
    for reading, rows in readings(stored, GoldReading):
        largest = rows[(rows["metric"] == "best_of_n") & (rows["n"] == 4)].set_index("fit")["value"]
        if largest.empty:  # 06 has Best-of-n as policies, with replacement and on half of the prompts
            continue
        checked += 1
        assert len(reading.fits) == 16  # two levels of noise, two numbers of annotations, four heads
        for position, fit in enumerate(reading.fits["fit"]):
            picks = pd.concat([reading.picks(prompt, position) for prompt in range(len(reading.prompt_p))])
            np.testing.assert_allclose(picks.query("n == 4")["expected_gold"].mean(), largest[fit], rtol=1e-6)
    assert checked


def test_a_pick_is_the_fits_favourite_of_the_first_n_and_ends_at_the_exact_mean(stored):
    reading, _ = next(readings(stored, GoldReading))
    for prompt in (0, 3):
        answers, picks = reading.answers(prompt, 1), reading.picks(prompt, 1)
        for n, pick in zip(picks["n"], picks["pick"], strict=True):
            assert answers["proxy"][pick] == answers["proxy"][:n].max()
        np.testing.assert_allclose(picks["gold"].iloc[-1], picks["expected_gold"].iloc[-1])
        assert answers.sort_values("gold", ascending=False)["gold_rank"].is_monotonic_increasing


def test_margins_where_people_judged_are_the_held_out_ones_of_the_rows(stored):
    for reading, rows in readings(stored, HumanReading):
        accuracy = rows[(rows["metric"] == "accuracy") & rows["annotations"].notna()]
        margin_fp = np.array([reading.margins(fit) for fit in range(len(reading.fits))])
        found = reading.fits.assign(ours=(margin_fp > 0).mean(axis=1) + (margin_fp == 0).mean(axis=1) / 2)
        both = found.merge(accuracy, on=["reward_model", "annotations"])
        assert len(both) == len(found) == len(accuracy)
        np.testing.assert_allclose(both["ours"], both["value"])
        assert (np.diff(margin_fp[0, in_order(reading.by_prompt(0), WORST)]) >= 0).all()


def test_the_pick_moves_with_n(responses):
    shown = set()
    for n in range(1, responses.view.n.max + 1):
        responses.view.n.value = n
        assert responses.view.answers.value.count("rmkit-pick") == 1
        assert responses.view.answers.value.count("rmkit-off") == responses.view.n.max - n
        shown.add(responses.view.curve.value)
    assert len(shown) == responses.view.n.max


def test_a_clicked_fit_is_the_one_whose_texts_are_shown(stored, responses):
    explorer = Explorer(stored, "smoke")
    explorer.on_fit(responses.show)
    fitted = explorer.table.loc[explorer.picture.points["row"]].query("reward_model == 'mlp_bt'")
    for row in fitted.sample(3, random_state=0).index:
        explorer.choose(row)
        own = explorer.table.loc[row]
        assert responses.choosing.job.value == own["job"]
        chosen = responses.reading.fits.iloc[responses.fit]
        assert (chosen["reward_model"], chosen["annotations"], chosen["beta"]) == (
            "mlp_bt",
            own["annotations"],
            own["beta"],
        )


def test_where_people_judged_there_is_no_gold(stored, responses):
    human, *_ = stored.finished("smoke", "09_human_preferences")
    responses.choosing.job.value = human
    assert isinstance(responses.reading, HumanReading)
    assert "there is no gold reward" in responses.view.answers.value
    assert "chosen" in responses.view.answers.value
    assert re.search(r"\(response of \d+ words, \d+ characters\)", responses.view.answers.value)
    assert "`rmkit data hh-rlhf` downloads them" in responses.view.answers.value
    assert responses.view.side.layout.display == "none"
    assert "text/html" in responses.still()


def test_a_study_without_results_says_what_to_run(stored):
    responses = Responses(stored, "tiny")
    assert "rmkit run params/" in responses.view.text.value
    responses.filters.search.value = "anything"
    responses.move(1)
    responses.choosing.study.value = "smoke"
    assert "1 of" in responses.where.value
