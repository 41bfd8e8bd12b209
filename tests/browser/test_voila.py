"""08 as a web page, as `make browse` serves it: pictures, clicks, texts and the progress panel, without JupyterLab."""

import re
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import closing, contextmanager
from importlib.util import find_spec

import pytest

from tests.browser.lab import NEEDS_BROWSER, SCREENSHOTS, VIEWPORT, Lab
from tests.browser.test_browse import DOTS, FIT_OF_THE_TEXTS
from tests.small_project import REPOSITORY

NEEDS_VOILA = pytest.mark.skipif(find_spec("voila") is None, reason="no page without Voilà (pip install voila)")
pytestmark = [pytest.mark.slow, NEEDS_BROWSER, NEEDS_VOILA]
BROWSE = "notebooks/08_browse.ipynb"

# An output that no reader should see: a traceback, a warning, what a widget without its code leaves behind.
TROUBLE = """() => [...document.querySelectorAll(
    "[data-mime-type='application/vnd.jupyter.stderr'], [data-mime-type='application/vnd.jupyter.error']"
)].map(output => output.innerText)"""


def recipe(notebook=BROWSE):
    """The command of `make browse`, with this Python's Voilà, of this notebook."""
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    said = re.search(r"^browse:.*\n\t\$\(BIN\)/voila (.*) \$\(BROWSE_OPTIONS\)$", makefile, re.MULTILINE).group(1)
    assert BROWSE in said
    return [sys.executable, "-m", "voila", *shlex.split(said.replace(BROWSE, notebook))]


@contextmanager
def served(project, home, notebook=BROWSE):
    """A page of a checkout as the recipe serves it: its address, while it answers."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = Lab.environment(project, home, RMKIT_STUDY="smoke")
    with (home / "server.log").open("a") as log:
        command = [*recipe(notebook), "--no-browser", f"--port={port}"]
        server = subprocess.Popen(command, cwd=project, env=environment, stdout=log, stderr=log)
    address, end = f"http://127.0.0.1:{port}/", time.monotonic() + 60
    try:
        while not answers(f"{address}voila/static/") and server.poll() is None and time.monotonic() < end:
            time.sleep(0.1)
        yield address
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(20)


def answers(address):
    try:
        with urllib.request.urlopen(address, timeout=5):
            return True
    except urllib.error.HTTPError:
        return True  # it says no, so it is there
    except OSError:
        return False


@pytest.fixture
def web_page(smoke, browser, tmp_path):
    """08 on a finished smoke study, with every widget drawn."""
    with served(smoke, tmp_path) as address:
        page = browser.new_page(viewport=VIEWPORT)
        page.goto(address, timeout=120_000)
        page.locator(".jupyter-matplotlib-canvas-div canvas").first.wait_for(timeout=60_000)
        page.get_by_text("all done").first.wait_for(timeout=60_000)
        yield page
        if SCREENSHOTS:
            page.screenshot(path=f"{SCREENSHOTS}/08_voila.png")
        page.close()


def test_the_page_shows_the_study_and_a_click_on_a_dot_shows_its_fit_and_its_texts(web_page):
    explorer = web_page.locator(".rmkit:has(canvas)").first
    texts = web_page.locator(".rmkit", has=web_page.get_by_placeholder("words in prompts or responses")).last
    title = click_a_dot(explorer)  # as mlp_clf-1.0-150
    web_page.wait_for_function(FIT_OF_THE_TEXTS, arg=[texts.element_handle(), title.split("-")])
    total = int(re.search("of ([0-9]+) prompts", texts.inner_text()).group(1))
    texts.get_by_placeholder("words in prompts or responses").fill("the")
    texts.get_by_text(re.compile(f"1 of [0-9]+ that pass, of {total} prompts")).wait_for(timeout=10_000)
    assert texts.locator("mark").count()
    texts.get_by_role("button", name="show all prompts").click()
    texts.get_by_text(f"1 of {total} prompts").wait_for(timeout=10_000)
    assert web_page.evaluate(TROUBLE) == []
    assert not re.search("Warning|Traceback", web_page.locator("body").inner_text())
    dead = [
        link
        for link in web_page.locator("a[href]").evaluate_all("links => links.map(link => link.href)")
        if ".ipynb" in link
    ]
    assert dead == []  # Voilà opens no other notebook
    assert "executed notebook: runs/jobs/04_reward_models-" in explorer.inner_text()
    head = explorer.locator(".rmkit-chosen-fit > div").first
    assert head.evaluate("head => head.scrollWidth <= head.clientWidth + 1")  # no link, and no room for one


def click_a_dot(explorer):
    """Click on what looks like a dot until a fit is shown; its name."""
    from playwright.sync_api import TimeoutError as TooLong

    explorer.page.wait_for_function(f"cell => ({DOTS})(cell).length", arg=explorer.element_handle(), timeout=60_000)
    for attempt in range(15):
        dots = explorer.evaluate(DOTS)
        x, y = dots[attempt % len(dots)]
        explorer.locator(".jupyter-matplotlib-canvas-div").click(position={"x": x, "y": y})
        try:
            explorer.locator(".rmkit-title").wait_for(timeout=4000)
            return explorer.locator(".rmkit-title").inner_text()
        except TooLong:
            continue
    raise AssertionError("no click on a dot showed its fit")
