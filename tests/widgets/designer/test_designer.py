"""The designer's page without a browser: it answers at once, again with every control, and never stops at a fault."""

import asyncio
import json
import threading
import time

import numpy as np
import pytest

from rmkit.errors import DataError
from rmkit.evaluation.design_question import Resampling
from rmkit.evaluation.score_bank import ScoreBank
from rmkit.widgets.designer import answers, designer
from rmkit.widgets.designer.answers import Asked
from rmkit.widgets.designer.designer import Designer
from tests.widgets.designer.test_answers import BANK

ASKED = Asked(budget=200, n=4, n_models=4, measures=("accuracy",))


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(answers, "RESAMPLING", Resampling(n_draws=2, resamples=30))


def broken():
    raise DataError("scores.csv, row 3: <img src=x> is missing")


@pytest.fixture
def page():
    return Designer({"mine": lambda: BANK, "broken": broken}, ASKED)


def test_it_is_answered_when_it_is_made_and_says_so_without_a_widget_too(page):
    assert "rmkit-said" in page.said.value
    assert page.answer.sentences[0].split(",")[0] in page.said.value
    assert 'src="data:image/png;base64,' in page.picture.value
    assert page.table.value.count("<tr>") == len(page.answer.table) + 1 + page.answer.table["reason"].notna().sum()
    assert page.busy.value == designer.AT_REST
    html = page._repr_mimebundle_()["text/html"]
    assert "rmkit-said" in html
    assert "data:image/png" in html


def test_every_control_changes_what_is_asked(page):
    controls = page.controls
    controls.budget.value = 90
    controls.unit.value = "response"
    controls.outcome.value = "kl"
    controls.nats.value = 0.5
    controls.samples.value = False
    controls.temperature.value = 0.5
    controls.n_models.value = 3
    controls.measures["spearman"].value = True
    controls.criterion.value = "right_choice"
    controls.half_width.value = 0.05
    assert controls.asked() == Asked(
        budget=90, unit="response", n=None, nats=0.5, samples=False, temperature=0.5, n_models=3,
        measures=("accuracy", "spearman"), criterion="right_choice", half_width=0.05,
    )  # fmt: skip
    assert set(page.answer.table["measure"]) == {"accuracy", "spearman"}
    assert set(page.answer.table["unit"]) == {"response"}
    assert "3 of them" in page.said.value
    assert "the KL optimum at 0.5 nats" in page.said.value


def test_controls_that_do_not_count_are_hidden(page):
    hidden = {name: box.layout.display == "none" for name, box in page.controls._named.items()}
    assert hidden == {"n": False, "nats": True, "flip": False}
    page.controls.outcome.value = "kl"
    page.controls.unit.value = "response"
    hidden = {name: box.layout.display == "none" for name, box in page.controls._named.items()}
    assert hidden == {"n": True, "nats": False, "flip": True}


def test_a_fault_is_one_sentence_that_does_nothing_and_the_next_change_is_answered(page):
    page.controls.bank.value = "broken"
    assert "row 3: &lt;img src=x&gt; is missing" in page.said.value
    assert page.answer is None
    assert page.picture.value == page.table.value == ""
    page.controls.bank.value = "mine"
    assert page.answer is not None
    page.controls.outcome.value = "kl"
    assert "count, and a mean takes 10" in page.said.value
    page.controls.samples.value = False
    assert page.answer is not None


def test_a_fault_of_ours_is_told_and_the_page_goes_on(page, monkeypatch):
    monkeypatch.setattr(designer, "answer", lambda bank, asked: 1 / 0)
    page.controls.budget.value = 150
    assert "ZeroDivisionError: division by zero" in page.said.value
    monkeypatch.undo()
    page.controls.budget.value = 151
    assert page.answer is not None


def test_a_bank_is_loaded_once_and_only_when_it_is_chosen():
    loaded = []

    def load(name):
        loaded.append(name)
        return BANK

    page = Designer({"one": lambda: load("one"), "other": lambda: load("other")}, ASKED)
    assert loaded == ["one"]
    page.controls.bank.value = "other"
    page.controls.bank.value = "one"
    assert loaded == ["one", "other"]


def test_in_a_kernel_changes_are_answered_beside_and_only_the_last_one_is_shown(monkeypatch):
    """A kernel runs cells and hears controls in one loop: it stays free, and pictures are drawn in its thread."""
    asked, drawn, go_on = [], [], threading.Event()
    real_answer, real_picture = designer.answer, designer.parts.picture

    def slow(bank, question):
        asked.append(question.budget)
        assert go_on.wait(20)
        return real_answer(bank, question)

    def picture(found):
        drawn.append(threading.current_thread() is threading.main_thread())
        return real_picture(found)

    async def cell():
        page = Designer({"mine": lambda: BANK}, ASKED)
        monkeypatch.setattr(designer, "answer", slow)
        monkeypatch.setattr(designer.parts, "picture", picture)
        began = time.monotonic()
        for budget in (100, 110, 120, 130):
            page.controls.budget.value = budget
        assert time.monotonic() - began < 5  # nothing waited for an answer
        assert page.busy.value == designer.BUSY
        go_on.set()
        end = time.monotonic() + 60
        while page.busy.value == designer.BUSY and time.monotonic() < end:
            await asyncio.sleep(0.02)
        return page

    page = asyncio.run(cell())
    assert page.answer.table["cost"].max() <= 130
    assert page.busy.value == designer.AT_REST
    assert asked[0] == 100
    assert asked[-1] == 130
    assert len(asked) < 4
    assert drawn == [True]


def test_names_that_people_give_do_nothing():
    hostile = "<script>alert(1)</script>"
    bank = ScoreBank((hostile, "b", "c", "d"), BANK.score_fpk, BANK.gold_pk, (hostile,))
    page = Designer({hostile: lambda: bank}, ASKED)
    assert "<script>alert" not in json.dumps(page._repr_mimebundle_())
    assert np.isfinite(page.answer.table["selection_regret"]).all()
