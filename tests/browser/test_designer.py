"""15 in the browser: the page answers each control in turn without freezing, in JupyterLab and as a web page."""

import re

import pytest

from tests.browser.lab import NEEDS_BROWSER, SCREENSHOTS, VIEWPORT, Lab
from tests.browser.test_voila import NEEDS_VOILA, TROUBLE, served
from tests.checkout import checkout

pytestmark = [pytest.mark.slow, NEEDS_BROWSER]

NOTEBOOK = "own/notebooks/15_test_set_designer.ipynb"
AT_REST = """([tool, text]) => !tool.querySelector('.rmkit-busy').innerText
    && !tool.querySelector('.rmkit-stale') && tool.innerText.includes(text)"""


@pytest.fixture
def own_page(browser):
    page = browser.new_page(viewport=VIEWPORT)
    yield page
    page.close()


def answered(page, tool, text):
    """Wait until the page is at rest and says a text; all that it says."""
    page.wait_for_function(AT_REST, arg=[tool.element_handle(), text], timeout=90_000)
    return tool.inner_text()


def field(tool, name):
    """The control under its name."""
    return tool.locator(".widget-vbox", has=tool.page.get_by_text(name, exact=True)).last


def try_controls(page, tool):
    """Change the unit, several budgets at once, and the outcome to one that few samples carry; and back."""
    assert "600" in tool.locator("table").inner_text()
    tool.get_by_role("button", name="responses", exact=True).click()
    budget = tool.locator("input[type=number]").nth(1)
    for amount in ("500", "900", "1200"):
        budget.fill(amount)
        budget.press("Enter")
    said = answered(page, tool, "1,200")
    assert re.search(r"±0\.02 takes [\d,]+ prompts, [\d,]+ responses", said)
    tool.locator("select").nth(1).select_option("KL optimum")
    nats = field(tool, "nats from the base, mean").locator("input")
    nats.fill("3")
    nats.press("Enter")
    answered(page, tool, "a mean KL of 3 nats: of 32 responses to a prompt")
    assert not tool.locator("img").count()
    tool.locator("select").nth(1).select_option("Best-of-n")
    answered(page, tool, "Best-of-16")
    assert tool.locator("img").evaluate("img => img.complete && img.naturalWidth > 500")


def test_the_page_answers_in_jupyterlab(own_page, tmp_path):
    own = checkout(tmp_path / "root/own")
    (tmp_path / "home").mkdir()
    with Lab.on(tmp_path / "root", tmp_path / "home", own) as lab:
        notebook = lab.open(own_page, NOTEBOOK)
        notebook.run_all(240)
        assert not notebook.unexecuted()
        tool = notebook.node(notebook.cell_that_says("page = Designer(")).locator(".rmkit-designer")
        answered(own_page, tool, "Best-of-16")
        if SCREENSHOTS:
            tool.screenshot(path=f"{SCREENSHOTS}/15_test_set_designer-page.png")
            notebook.screenshot(f"{SCREENSHOTS}/15_test_set_designer.png")
        try_controls(own_page, tool)
        if SCREENSHOTS:
            own_page.set_viewport_size({"width": 800, "height": 1000})
            own_page.wait_for_timeout(500)
            tool.screenshot(path=f"{SCREENSHOTS}/15_test_set_designer-800.png")
        notebook.close()


@NEEDS_VOILA
def test_the_page_answers_as_a_web_page_too(own_page, tmp_path):
    own = checkout(tmp_path / "own")
    path = own / "notebooks/15_test_set_designer.ipynb"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("n_worlds: int = 8", "n_worlds: int = 2"), encoding="utf-8")
    (tmp_path / "home").mkdir()
    with served(own, tmp_path / "home", "notebooks/15_test_set_designer.ipynb") as address:
        own_page.goto(address, timeout=240_000)
        tool = own_page.locator(".rmkit-designer")
        tool.locator("img").wait_for(timeout=240_000)
        try_controls(own_page, tool)
        assert own_page.evaluate(TROUBLE) == []
        if SCREENSHOTS:
            tool.screenshot(path=f"{SCREENSHOTS}/15_voila.png")
