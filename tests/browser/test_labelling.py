"""11 in the browser: labels by keyboard, the server killed, everything there after the restart; two windows."""

import json
import signal
import time
from contextlib import suppress

import psutil
import pytest

from tests.browser.lab import NEEDS_BROWSER, SCREENSHOTS, Lab
from tests.checkout import checkout

pytestmark = [pytest.mark.slow, NEEDS_BROWSER]

NOTEBOOK = "own/notebooks/11_labelling.ipynb"
SHOWN = "cell => +cell.querySelector('[data-shown]').dataset.shown"
HOSTILE = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'


@pytest.fixture
def project(tmp_path):
    """A checkout with pairs of its own, one text of which is hostile, and a notebook that names them."""
    root = tmp_path / "root"
    own = checkout(root / "own")
    rows = [
        {"prompt": f"Question {n}?" + HOSTILE * (n == 0),
         "responses": [f"Answer {n} {k} " + "which says a little more " * (k + n % 3) + HOSTILE for k in range(3)]}
        for n in range(30)
    ]  # fmt: skip
    (own / "mine.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    path = own / "notebooks/11_labelling.ipynb"
    notebook = path.read_text(encoding="utf-8").replace(
        "pairs_file: str | None = None", "pairs_file: str = 'mine.jsonl'"
    )
    path.write_text(notebook, encoding="utf-8")
    return root


@pytest.fixture
def own_page(browser):
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    yield page
    page.close()


def open_page(lab, page):
    """The notebook after Run All, and the cell of the labelling page with the keyboard."""
    notebook = lab.open(page, NOTEBOOK)
    notebook.run_all()
    cell = notebook.node(notebook.cell_that_says("page = Labelling("))
    cell.locator(".rmkit-labelling[tabindex]").wait_for()
    cell.locator(".rmkit-pair").click(position={"x": 5, "y": 5})
    return notebook, cell


def press(page, cell, key):
    """Press a key, and wait for the next pair; its number."""
    time.sleep(0.3)  # as long as it takes to look at a pair at all
    before = cell.evaluate(SHOWN)
    page.keyboard.press(key)
    page.wait_for_function(f"([cell, before]) => ({SHOWN})(cell) > before", arg=[cell.element_handle(), before])
    return cell.evaluate(SHOWN)


def rows(project):
    lines = (project / "own/mine.labels.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def labels(project):
    return [row for row in rows(project) if row["kind"] == "label"]


def text_of(cell, side):
    return cell.locator(f".rmkit-side-card >> nth={side}").inner_text()


def kill(lab):
    """End the server and its kernels at once, as a machine does that loses power."""
    every = [psutil.Process(lab.process.pid), *psutil.Process(lab.process.pid).children(recursive=True)]
    for process in every:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGKILL)
    psutil.wait_procs(every, timeout=20)
    lab.process.wait()


def test_labels_by_keyboard_outlive_the_server(project, own_page, tmp_path):
    homes = [tmp_path / name for name in ("home", "again")]
    for home in homes:
        home.mkdir()
    page = own_page
    lab = Lab.start(project, homes[0], project / "own")
    try:
        notebook, cell = open_page(lab, page)
        assert not notebook.unexecuted()
        keys = ["ArrowLeft", "ArrowRight", "1", "2", "3", "4", "t", "s", "ArrowLeft", "ArrowRight"] * 3
        for key in keys:
            press(page, cell, key)
        said = labels(project)
        assert len(said) == 30
        wanted = {"3": "tie", "t": "tie", "4": "skip", "s": "skip"}
        for key, row in zip(keys, said, strict=True):
            left_won = row["answer"] == ("first" if row["shown_left"] == row["pick"]["first"] else "second")
            assert row["answer"] == wanted[key] if key in wanted else left_won == (key in ("ArrowLeft", "1"))
        press(page, cell, "u")
        undone = rows(project)[-2]
        assert undone["kind"] == "undo"
        press(page, cell, "ArrowRight")
        assert page.evaluate("window.hacked") is None
        if SCREENSHOTS:
            for width in (1400, 900):
                page.set_viewport_size({"width": width, "height": 1000})
                page.wait_for_timeout(400)
                cell.screenshot(path=f"{SCREENSHOTS}/11_labelling-{width}.png")
            page.set_viewport_size({"width": 1400, "height": 1000})
            notebook.screenshot(f"{SCREENSHOTS}/11_labelling.png")
        before = rows(project)
    finally:
        kill(lab)
    assert rows(project) == before
    with Lab.on(project, homes[1], project / "own") as lab:
        notebook, cell = open_page(lab, page)
        assert rows(project)[: len(before)] == before
        n = sum(row["answer"] != "skip" for row in labels(project)) - 1  # one was undone
        assert f"{n} of 90 pairs" in cell.inner_text().lower()
        shown = {row["pick"]["pair"] for row in labels(project)}
        press(page, cell, "1")
        assert labels(project)[-1]["pick"]["pair"] not in shown
        assert page.evaluate("window.hacked") is None
        notebook.close()


def test_two_windows_show_different_pairs_and_the_mouse_labels_too(project, browser, own_page, tmp_path):
    (tmp_path / "home").mkdir()
    copy = project / "own/notebooks/another_11.ipynb"
    copy.write_bytes((project / NOTEBOOK).read_bytes())
    other_page = browser.new_page(viewport={"width": 900, "height": 1000})
    with Lab.on(project, tmp_path / "home", project / "own") as lab:
        _, one = open_page(lab, own_page)
        other = lab.open(other_page, "own/notebooks/another_11.ipynb")
        other.run_all()
        second = other.node(other.cell_that_says("page = Labelling("))
        for _ in range(4):
            pairs = [
                {text_of(cell, 0).split("\n", 1)[-1], text_of(cell, 1).split("\n", 1)[-1]} for cell in (one, second)
            ]
            assert pairs[0] != pairs[1]
            press(own_page, one, "ArrowLeft")
            before = second.evaluate(SHOWN)
            time.sleep(0.3)
            second.locator("button.rmkit-tie").click()
            other_page.wait_for_function(f"([c, b]) => ({SHOWN})(c) > b", arg=[second.element_handle(), before])
        asked = [row["pick"]["pair"] for row in labels(project)]
        assert len(asked) == len(set(asked)) == 8
        second.locator("button", has_text="write the labels as a file").click()
        second.get_by_text("8 labels in").wait_for()
        assert len((project / "own/mine.labels-for-fit.jsonl").read_text(encoding="utf-8").splitlines()) == 8
        second.locator("input[type=text]").fill("somebody else")
        second.locator("input[type=text]").press("Enter")
        second.get_by_text("0 by you").wait_for()
    other_page.close()
