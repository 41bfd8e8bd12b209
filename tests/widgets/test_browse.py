"""Notebook 08 and its tools over a study that has really run: pictures in its outputs, rewards as in the rows."""

import base64
import html
import json
import re
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from rmkit.reward_models.collection import RewardModels
from rmkit.study.planning.project import Project
from rmkit.widgets.explorer.details import Fit
from rmkit.widgets.explorer.explorer import Explorer
from rmkit.widgets.responses.reading import GoldReading, HumanReading, read_job
from rmkit.widgets.responses.responses import STAGES, Responses
from rmkit.widgets.stored import Stored, open_store
from rmkit.worlds.human_preferences.texts import DOWNLOADED
from tests.checkout import execute

STAGE = "04_reward_models"


@pytest.fixture(scope="module")
def stored(smoke):
    return Stored(Project(smoke))


@pytest.fixture
def responses(stored):
    return Responses(stored, "smoke")


def readings(stored, kind):
    for stage in STAGES:
        for key, job in stored.finished("smoke", stage).items():
            reading = read_job(stored.store, job, key, stored.project.root / DOWNLOADED)
            if isinstance(reading, kind):
                yield reading, pd.read_parquet(stored.folder(key) / "rows.parquet")


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
    for reading, rows in readings(stored, GoldReading):
        largest = rows[(rows["metric"] == "best_of_n") & (rows["n"] == 4)].set_index("fit")["value"]
        assert len(reading.fits) == 16  # two levels of noise, two numbers of annotations, four heads
        for position, fit in enumerate(reading.fits["fit"]):
            picks = pd.concat([reading.picks(prompt, position) for prompt in range(len(reading.prompt_p))])
            np.testing.assert_allclose(picks.query("n == 4")["expected_gold"].mean(), largest[fit], rtol=1e-6)


def test_a_pick_is_the_fits_favourite_of_the_first_n_and_ends_at_the_exact_mean(stored):
    reading, _ = next(readings(stored, GoldReading))
    for prompt in (0, 3):
        answers, picks = reading.answers(prompt, 1), reading.picks(prompt, 1)
        for n, pick in zip(picks["n"], picks["pick"], strict=True):
            assert answers["proxy"][pick] == answers["proxy"][:n].max()
        np.testing.assert_allclose(picks["gold"].iloc[-1], picks["expected_gold"].iloc[-1])
        assert answers.sort_values("gold", ascending=False)["gold_rank"].is_monotonic_increasing


def test_the_first_prompts_are_those_where_the_favourite_loses_most_gold(stored):
    reading, _ = next(readings(stored, GoldReading))
    lost = []
    for prompt in reading.worst_first(2):
        answers = reading.answers(prompt, 2)
        lost.append(answers["gold"].max() - answers["gold"][answers["proxy"].idxmax()])
    assert lost == sorted(lost, reverse=True)
    assert sorted(reading.worst_first(2)) == list(range(len(reading.prompt_p)))


def test_margins_where_people_judged_are_the_held_out_ones_of_the_rows(stored):
    for reading, rows in readings(stored, HumanReading):
        accuracy = rows[(rows["metric"] == "accuracy") & rows["annotations"].notna()]
        found = reading.fits.assign(
            ours=(reading.margin_fp > 0).mean(axis=1) + (reading.margin_fp == 0).mean(axis=1) / 2
        )
        both = found.merge(accuracy, on=["reward_model", "annotations"])
        assert len(both) == len(found) == len(accuracy)
        np.testing.assert_allclose(both["ours"], both["value"])
        first = reading.worst_first(0)
        assert (np.diff(reading.margin_fp[0, first]) >= 0).all()


def test_prompts_are_gone_through_searched_and_ordered(responses):
    total = len(responses.reading.prompt_p)
    assert f"1 of {total}" in responses.where.value
    responses.move(-1)
    assert f"{total} of {total}" in responses.where.value
    responses.order.value = "worst"
    assert responses.prompt == 0
    assert int(responses._found[0]) == int(responses.reading.worst_first(responses.fit)[0])
    word = responses.reading.prompt_p[2].split()[3]
    responses.search.value = word.upper()
    assert all(word.lower() in responses.reading.prompt_p[at].lower() for at in responses._found)
    responses.search.value = "no prompt holds this"
    assert "No prompt" in responses.text.value
    responses.search.value = ""
    assert f"1 of {total}" in responses.where.value


def test_the_pick_moves_with_n(responses):
    shown = set()
    for n in range(1, responses.n.max + 1):
        responses.n.value = n
        assert responses.answers.value.count("rmkit-pick") == 1
        assert responses.answers.value.count("rmkit-off") == responses.n.max - n
        shown.add(responses.curve.value)
    assert len(shown) == responses.n.max


def test_a_clicked_fit_is_the_one_whose_texts_are_shown(stored, responses):
    explorer = Explorer(stored, "smoke")
    explorer.on_fit(responses.show)
    fitted = explorer.table.loc[explorer.picture.points["row"]].query("reward_model == 'mlp_bt'")
    for row in fitted.sample(3, random_state=0).index:
        explorer.choose(row)
        own = explorer.table.loc[row]
        assert responses.job.value == own["job"]
        chosen = responses.reading.fits.iloc[responses.fit]
        assert (chosen["reward_model"], chosen["annotations"], chosen["beta"]) == (
            "mlp_bt",
            own["annotations"],
            own["beta"],
        )


def test_where_people_judged_there_is_no_gold(stored, responses):
    human, *_ = stored.finished("smoke", "09_human_preferences")
    responses.job.value = human
    assert isinstance(responses.reading, HumanReading)
    assert "there is no gold reward" in responses.answers.value
    assert "chosen" in responses.answers.value
    assert re.search(r"\(response of \d+ words, \d+ characters\)", responses.answers.value)
    assert "`rmkit data hh-rlhf` downloads them" in responses.answers.value
    assert responses.side.layout.display == "none"
    assert "text/html" in responses.still()


def test_a_study_without_results_says_what_to_run(stored):
    responses = Responses(stored, "tiny")
    assert "rmkit run params/" in responses.text.value
    responses.search.value = "anything"
    responses.move(1)
    responses.study.value = "smoke"
    assert "1 of" in responses.where.value


def test_a_head_from_a_cell_is_named_and_said_to_have_no_weights(stored, responses, monkeypatch):
    """Loaded from a copy of a stored folder, as a job leaves it whose notebook had a head of its own."""
    load = RewardModels.load
    monkeypatch.setattr(RewardModels, "load", lambda folder: replace(load(folder), not_saved=("mine",)))
    responses.job.value = responses.job.options[1][1]
    sentence = (
        "mine was defined in a notebook's cell, so its weights were not saved; its rows and evaluations are there"
    )
    assert sentence in html.unescape(responses.missing.value)
    assert "1 of" in responses.where.value
    responses.show(Fit("smoke", STAGE, responses.job.value, "mine-0.5-150", {"reward_model": "mine"}))
    assert sentence in html.unescape(responses.text.value)
    monkeypatch.setattr(RewardModels, "load", lambda folder: RewardModels(load(folder).fits[:0], {}, ("mine", "other")))
    responses.job.value = responses.job.options[2][1]
    assert "mine, other were defined in a notebook's cell" in html.unescape(responses.text.value)


def test_a_clicked_fit_that_was_not_saved_is_said_to_be_missing(stored, responses):
    explorer = Explorer(stored, "smoke")
    explorer.on_fit(responses.show)
    baselines = explorer.table[explorer.table["reward_model"] == "random"]
    explorer.choose(baselines.index[0])
    assert "No reward model with" in responses.text.value
    assert "random" in responses.text.value
