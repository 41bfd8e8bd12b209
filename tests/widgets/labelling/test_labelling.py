"""The labelling page without a browser: buttons label, faults are told and the pair stays, texts do nothing."""

import json
import sys

import pytest

from rmkit.active.label_pool import Pool
from rmkit.active.labelling_session import Options
from rmkit.errors import StoreError
from rmkit.widgets.labelling import labelling, parts
from rmkit.widgets.labelling.labelling import KEYS, Labelling
from rmkit.widgets.labelling.opening import open_queue
from rmkit.worlds.human_preferences.label_queue import pool_of, read_to_label
from rmkit.worlds.human_preferences.pairs import read_pairs
from tests.active.label_pools import linear_pool, person
from tests.browser.hostile import HOSTILE
from tests.checkout import checkout, execute
from tests.worlds.human_preferences.test_label_queue import embed, written

ROWS = [{"prompt": f"question {n}", "responses": [f"answer {n} {k}" for k in "abc"]} for n in range(6)]
QUICK = Options(background=False, overlap=0, batch=10)


@pytest.fixture(autouse=True)
def _nobody_waits(monkeypatch):
    monkeypatch.setattr(labelling, "TOO_SOON", 0.0)


@pytest.fixture
def page(tmp_path):
    pool = pool_of(read_to_label(written(tmp_path, ROWS)), embed)
    return Labelling(pool, tmp_path / "labels.jsonl", "ann", QUICK)


def said(page):
    return page.session.queue.standing().labels


def shown(page):
    left, right = page.session.sides(page.session.claim)
    text = page.session.pool.bank.responses["response"]
    return text[left], text[right]


def test_a_button_keeps_an_answer_and_shows_the_next_pair(page):
    left, right = shown(page)
    assert page.pair.value.index(left) < page.pair.value.index(right)
    page.left.click()
    (label,) = said(page).values()
    assert page.session.pool.position[label.winner] == page.session.pool.bank.responses["response"].tolist().index(left)
    assert shown(page) != (left, right)
    assert "1 of 18 pairs" in page.status.value
    page.tie.click()
    page.skip.click()
    assert [label.answer for label in said(page).values()][1:] == ["tie", "skip"]
    page.back.click()
    assert len(said(page)) == 2


def test_an_answer_before_anybody_can_have_read_the_pair_does_not_count(page, monkeypatch):
    monkeypatch.setattr(labelling, "TOO_SOON", 60.0)
    before, number = shown(page), page._shown
    page.left.click()
    assert not said(page)
    assert shown(page) == before
    assert page._shown == number + 1  # so that a key counts again
    page.back.click()
    assert "nothing to undo" in page.fault.value


def test_a_disk_that_refuses_is_told_and_the_pair_stays(page, monkeypatch):
    before = shown(page)

    def full(rows):
        raise StoreError("labels.jsonl: No space left on device; free some space and answer again")

    monkeypatch.setattr(page.session.log, "append", full)
    page.left.click()
    assert "No space left" in page.fault.value
    assert shown(page) == before
    monkeypatch.undo()
    monkeypatch.setattr(labelling, "TOO_SOON", 0.0)
    page.left.click()
    assert page.fault.value == ""
    assert len(said(page)) == 1


def test_a_file_that_is_deleted_is_told_at_the_first_answer_and_the_pair_stays(page, tmp_path):
    before, path = shown(page), tmp_path / "labels.jsonl"
    path.rename(tmp_path / "kept.jsonl")
    page.left.click()
    assert "was moved, deleted or replaced while it was open" in page.fault.value
    assert shown(page) == before
    (tmp_path / "kept.jsonl").rename(path)
    page.left.click()
    assert page.fault.value == ""
    assert len(said(page)) == 1
    path.unlink()
    again = Labelling(page.session.pool, path, "ann", QUICK)
    assert page.left.disabled
    assert said(again) == {}


def test_the_end_of_the_queue_is_said_and_undo_still_works(page):
    for _ in range(18):
        page.right.click()
    assert "every one is labelled or skipped" in page.pair.value
    assert page.left.disabled
    assert not page.back.disabled
    page.back.click()
    assert not page.left.disabled
    assert len(said(page)) == 17


def test_somebody_else_sits_down_and_a_name_that_is_none_is_refused(page):
    page.left.click()
    page.who.value = "bob"
    page.right.click()
    assert [label.annotator for label in said(page).values()] == ["ann", "bob"]
    assert "ann" in page.status.value
    page.who.value = "a,b"
    assert "is no name" in page.fault.value
    assert page.who.value == "bob"


def test_labels_are_written_as_rows_that_fit_reads(page, tmp_path):
    page.export.click()
    assert "no label to write yet" in page.fault.value
    for _ in range(5):
        page.left.click()
    page.export.click()
    assert "5 labels in" in page.exported.value
    assert len(read_pairs(tmp_path / "labels-for-fit.jsonl").pairs) == 5


def test_a_cell_that_runs_again_goes_on_and_the_old_page_is_closed(page, tmp_path):
    page.left.click()
    waiting = page.session.claim.pick.pair
    again = Labelling(page.session.pool, tmp_path / "labels.jsonl", "ann", QUICK)
    assert len(said(again)) == 1
    assert "its cell was run again" in page.fault.value
    assert page.left.disabled
    assert again.session.queue.claimed_elsewhere() == 0  # what the old page showed is free
    assert waiting in again.session.pool.pair_of


def test_what_a_kill_left_is_told(page, tmp_path):
    page.left.click()
    page.close_session()
    with (tmp_path / "labels.jsonl").open("ab") as file:
        file.write(b'{"kind": "label", "pi')
    again = Labelling(page.session.pool, tmp_path / "labels.jsonl", "ann", QUICK)
    assert "was cut short after 21 bytes" in again.fault.value
    assert len(said(again)) == 1


def test_hostile_texts_and_names_are_letters(tmp_path):
    rows = [{"prompt": text, "responses": [f"{text} one", f"{text} two"]} for text in HOSTILE]
    pool = pool_of(read_to_label(written(tmp_path, rows)), embed)
    page = Labelling(pool, tmp_path / "labels.jsonl", "ann", QUICK)
    for _ in HOSTILE:
        html = page.still()["text/html"]
        for sign in ("<script", "<img", "<svg", "<iframe", "<a ", "\u202e", "\x1b"):
            assert sign not in html
        page.skip.click()


def test_the_model_and_other_people_are_spoken_of(tmp_path):
    pool, reward_r = linear_pool()
    for name in ("ann", "bob"):
        window = Labelling(pool, tmp_path / "labels.jsonl", name, Options(background=False, overlap=0.5, batch=10))
        person(reward_r).work(window.session, 40)
    window.left.click()
    text = window.status.value
    assert "put right" in text
    assert "nats of at most 6.9" in text
    assert "Promised at" in text
    assert "each before it was given" in text
    assert "two people agree on" in text
    window.session.options = Options(background=False, overlap=0.5, batch=10, enough=0.5)
    window.left.click()
    assert "You may stop here" in window.stop.value


def test_a_list_is_judged_without_its_labels_and_what_changes_is_counted(tmp_path):
    pool, reward_r = linear_pool()
    wrong = reward_r[pool.pair_m2[:, 0]] < reward_r[pool.pair_m2[:, 1]]
    judged = pool.comparisons([]).table.reindex(range(10))
    judged["first"], judged["second"], judged["label"] = *pool.pair_m2[:10].T, wrong[:10]
    kind = type(pool.comparisons([]))
    again = Pool(
        pool.bank, pool.response_ids, pool.pair_m2[:10],
        kind(judged.astype({"first": "int64", "second": "int64", "label": "int8"})), is_list=True,
    )  # fmt: skip
    page = Labelling(again, tmp_path / "labels.jsonl", "ann", QUICK)
    assert "a label to look at again" in page.pair.value
    assert "is not shown" in page.status.value
    person(reward_r, beta=1000.0).work(page.session, 4)
    page._draw()
    assert "4 of 4" in page.status.value


@pytest.mark.parametrize(
    ("prompt", "plain"),
    [
        ("\n\nHuman: Why? \n\nAssistant:", "Why?"),
        ("\n\nHuman: a\n\nAssistant: b\n\nHuman: c\n\nAssistant:", "Human: a\n\nAssistant: b\n\nHuman: c"),
        ("System rules\n\nHuman: a\n\nAssistant:", "System rules\n\nHuman: a"),
    ],
)
def test_one_question_is_shown_without_the_signs_of_a_dialogue(prompt, plain):
    assert parts.plain_prompt(prompt) == plain


def test_every_key_has_a_button(page):
    classes = {name for button in page._answers for name in button._dom_classes}
    assert set(KEYS.values()) == classes


def test_the_example_and_files_of_ones_own_are_opened(tmp_path, monkeypatch):
    own = checkout(tmp_path / "own")
    monkeypatch.chdir(own)
    example = open_queue(None)
    assert example.pairs == own / "runs/labels/example.jsonl"
    assert example.labels.name == "example.labels.jsonl"
    assert len(example.gold_rewards()) == example.pool.bank.n_responses == 240
    assert open_queue(None).pool.response_ids == example.pool.response_ids
    (own / "mine.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    mine = open_queue("mine.jsonl")
    assert mine.labels == own / "mine.labels.jsonl"
    assert "18 pairs to ask about" in mine.told
    with pytest.raises(Exception, match="the gold reward is known of the example's responses alone"):
        mine.gold_rewards()
    with pytest.raises(Exception, match="is the file of pairs"):
        open_queue("mine.jsonl", "mine.jsonl")
    with pytest.raises(Exception, match="'words' is not one of ngrams, encoder"):
        open_queue(None, features="words")


@pytest.mark.slow
def test_the_notebook_runs_from_end_to_end_on_its_defaults(tmp_path):
    """Parameters: pairs_file, labels_file, look_at, annotator, features, encoder, batch, overlap, enough, simulated."""
    own = checkout(tmp_path / "own")
    out = tmp_path / "out.ipynb"
    command = [
        sys.executable,
        "-m",
        "papermill",
        "--no-progress-bar",
        str(own / "notebooks/11_labelling.ipynb"),
        str(out),
    ]
    execute(command, tmp_path / "elsewhere", own)
    cells = json.loads(out.read_text(encoding="utf-8"))["cells"]
    text = "".join("".join(output.get("text", "")) for cell in cells for output in cell.get("outputs", ()))
    assert "120 labels; rmkit fit" in text
    pictures = [
        output["data"] for cell in cells for output in cell.get("outputs", ()) if "image/png" in output.get("data", {})
    ]
    assert len(pictures) == 1
