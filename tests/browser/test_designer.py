"""15 in the browser: the page answers each control in turn without freezing, in JupyterLab and as a web page."""

import re

import pytest

from tests.browser.lab import NEEDS_BROWSER, SCREENSHOTS, VIEWPORT, Lab
from tests.checkout import checkout

pytestmark = [pytest.mark.slow, NEEDS_BROWSER]

NOTEBOOK = "own/notebooks/15_test_set_designer.ipynb"
AT_REST = "cell => !cell.querySelector('.rmkit-busy').innerText && !cell.querySelector('.rmkit-stale')"


@pytest.fixture
def own_page(browser):
    page = browser.new_page(viewport=VIEWPORT)
    yield page
    page.close()


def answered(page, tool):
    """Wait until the page is at rest; what it says."""
    page.wait_for_function(AT_REST, arg=tool.element_handle(), timeout=90_000)
    return tool.inner_text()


def field(tool, name):
    """The control under its name."""
    return tool.locator(".widget-vbox", has=tool.page.get_by_text(name, exact=True)).last


def try_controls(page, tool):
    """Change the unit, several budgets at once, and the outcome to one that few samples carry; and back."""
    assert "600 prompts" in tool.locator("table").inner_text() or "600" in tool.locator("table").inner_text()
    tool.get_by_role("button", name="responses", exact=True).click()
    budget = tool.locator("input[type=number]").nth(1)
    for amount in ("500", "900", "1200"):
        budget.fill(amount)
        budget.press("Enter")
    said = answered(page, tool)
    assert re.search(r"±0\.02 takes [\d,]+ prompts, [\d,]+ responses", said)
    assert "1,200" in tool.locator("table").inner_text()
    tool.locator("select").nth(1).select_option("KL optimum")
    nats = field(tool, "nats from the base, mean").locator("input")
    nats.fill("3")
    nats.press("Enter")
    assert "count, and a mean takes 10" in answered(page, tool)
    assert not tool.locator("img").count()
    tool.locator("select").nth(1).select_option("Best-of-n")
    assert "Best-of-16" in answered(page, tool)
    assert tool.locator("img").evaluate("img => img.complete && img.naturalWidth > 500")


def test_the_page_answers_in_jupyterlab(own_page, tmp_path):
    own = checkout(tmp_path / "root/own")
    (tmp_path / "home").mkdir()
    with Lab.on(tmp_path / "root", tmp_path / "home", own) as lab:
        notebook = lab.open(own_page, NOTEBOOK)
        notebook.run_all(240)
        assert not notebook.unexecuted()
        tool = notebook.node(notebook.cell_that_says("page = Designer(")).locator(".rmkit-designer")
        answered(own_page, tool)
        if SCREENSHOTS:
            tool.screenshot(path=f"{SCREENSHOTS}/15_test_set_designer-page.png")
            notebook.screenshot(f"{SCREENSHOTS}/15_test_set_designer.png")
        try_controls(own_page, tool)
        if SCREENSHOTS:
            own_page.set_viewport_size({"width": 800, "height": 1000})
            own_page.wait_for_timeout(500)
            tool.screenshot(path=f"{SCREENSHOTS}/15_test_set_designer-800.png")
        notebook.close()
