"""Pages of executed notebooks in a browser: nothing runs, nothing is asked for, and code can be hidden."""

import pytest
from nbformat import write
from nbformat.v4 import new_notebook

from rmkit.report.notebook_page import notebook_page
from tests.browser.hostile import HOSTILE
from tests.browser.lab import NEEDS_BROWSER
from tests.report.test_notebook_page import FACTS, hostile_cells

pytestmark = [pytest.mark.slow, NEEDS_BROWSER]


@pytest.fixture
def shown(browser, tmp_path):
    """The page of a notebook with every hostile text everywhere, opened; and what it asked for."""
    write(new_notebook(cells=[cell for text in HOSTILE for cell in hostile_cells(text)]), tmp_path / "notebook.ipynb")
    page_file = tmp_path / "page.html"
    page_file.write_text(
        notebook_page(tmp_path / "notebook.ipynb", tmp_path / "notebook.ipynb", FACTS, lambda url: None),
        encoding="utf-8",
    )
    page, asked = browser.new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(page_file.as_uri())
    yield page, asked
    page.close()


def test_nothing_runs_and_nothing_is_asked_for(shown):
    page, asked = shown
    page.wait_for_load_state("networkidle")
    assert page.evaluate("window.hacked") is None
    assert [url[:5] for url in asked if not url.startswith("data:image/")] == ["file:"]
    assert page.locator(".code").count() == len(HOSTILE)


def test_a_script_that_gets_into_a_page_does_not_run(browser, tmp_path, shown):
    """The policy holds even where the escaping would not."""
    page, _ = shown
    path = tmp_path / "broken.html"
    scripts = "<script>window.hacked=1</script><img src=x onerror='window.hacked=1'>"
    path.write_text(page.content().replace("</main>", scripts + "</main>"), encoding="utf-8")
    page.goto(path.as_uri())
    page.wait_for_load_state("networkidle")
    assert page.evaluate("window.hacked") is None
    path.write_text(page.content().replace("default-src", "x-src"), encoding="utf-8")
    page.goto(path.as_uri())
    assert page.evaluate("window.hacked") == 1


def test_code_can_be_hidden_without_a_script(shown):
    page, _ = shown
    assert page.locator(".code").first.is_visible()
    page.get_by_label("Show the code").uncheck()
    assert not page.locator(".code").first.is_visible()
