"""The report on a screen, on a phone and on paper: nothing cut, nothing shrunk to nothing, nothing too pale to read."""

import shutil
import sys

import pytest

from rmkit.figures.theme import READABLE, contrast
from tests.browser.lab import NEEDS_BROWSER
from tests.checkout import execute

pytestmark = [pytest.mark.slow, NEEDS_BROWSER]

PAPER = {"width": 688, "height": 1000}  # A4 without its margins, in CSS pixels
TOO_WIDE = """() => [...document.querySelectorAll("table, figure svg, p, li, h1, h2, h3")]
    .filter(each => each.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
    .filter(each => !each.closest(".scroll, [role=img]") || getComputedStyle(each.closest(".scroll, [role=img]")).overflowX === "visible")
    .map(each => each.outerHTML.slice(0, 80))"""
COLOURS = """() => [...new Set([...document.querySelectorAll("body *")]
    .filter(each => [...each.childNodes].some(node => node.nodeType === 3 && node.data.trim()) && !each.closest("svg"))
    .map(each => getComputedStyle(each).color))]"""
# Of each thing that may scroll: whether it is wider than its place, and how high its hint is.
HINTS = """() => [...document.querySelectorAll(".scroll, figure [role=img]")].filter(each => each.checkVisibility())
    .map(each => [each.scrollWidth > each.clientWidth + 1, parseFloat(getComputedStyle(each, "::before").height) || 0])"""
SCALES = """() => [...document.querySelectorAll("figure svg")]
    .map(each => each.getBoundingClientRect().width / each.viewBox.baseVal.width / (96 / 72))"""


@pytest.fixture(scope="module")
def shown(browser, smoke, tmp_path_factory):
    """Opens the smoke study's report in a window of a size."""
    project = shutil.copytree(smoke, tmp_path_factory.mktemp("shown") / "project")
    execute([sys.executable, "-m", "rmkit.cli", "report", "smoke"], project, project)
    pages = []

    def open_one(width, height=900, media="screen"):
        pages.append(browser.new_page(viewport={"width": width, "height": height}))
        pages[-1].emulate_media(media=media)
        pages[-1].goto((project / "runs/reports/smoke.html").as_uri())
        pages[-1].wait_for_timeout(200)
        return pages[-1]

    yield open_one
    for page in pages:
        page.close()


@pytest.mark.parametrize("width", [1400, 390])
def test_nothing_is_wider_than_the_screen_but_what_scrolls_in_its_place(shown, width):
    page = shown(width)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate(TOO_WIDE) == []


@pytest.mark.parametrize("width", [1400, 390])
def test_what_scrolls_says_so_and_nothing_else_does(shown, width):
    hints = shown(width).evaluate(HINTS)
    assert hints
    assert [wide for wide, _ in hints] == [height > 10 for _, height in hints]
    assert width == 1400 or sum(wide for wide, _ in hints) > 5


def test_a_phone_shows_figures_as_large_as_a_screen_does(shown):
    """Letters of 10 points become no smaller than 7; a figure of several panels scrolls instead."""
    scales = shown(390).evaluate(SCALES)
    assert len(scales) > 5
    assert min(scales) > 0.7  # three rows of panels, as high as a phone


def test_paper_cuts_nothing_and_opens_what_is_folded(shown):
    page = shown(**PAPER, media="print")
    assert page.evaluate("document.documentElement.scrollWidth") <= PAPER["width"]
    assert page.evaluate(TOO_WIDE) == []
    assert page.locator("details").count()
    assert page.evaluate(
        "[...document.querySelectorAll('details td')].every(each => each.getBoundingClientRect().height > 0)"
    )
    assert page.evaluate(HINTS) == [[False, 0]] * len(page.evaluate(HINTS))
    for heading in ("h2", "caption"):
        assert page.evaluate(f"getComputedStyle(document.querySelector('{heading}')).breakAfter") == "avoid"
    assert page.evaluate("getComputedStyle(document.querySelector('figure')).breakInside") == "avoid"


def test_every_word_of_the_page_stands_out(shown):
    colours = shown(1400).evaluate(COLOURS)
    assert len(colours) > 1
    for colour in colours:
        parts = [int(part) / 255 for part in colour.removeprefix("rgb(").removesuffix(")").split(",")]
        assert contrast(tuple(parts)) >= READABLE, colour
