"""What a model wrote is shown as it stands and does nothing, in every notebook that shows stored texts."""

import pytest

from tests.browser.hostile import HOSTILE
from tests.browser.lab import NEEDS_BROWSER

pytestmark = [pytest.mark.slow, NEEDS_BROWSER]

# The last cell that shows stored texts, by something that its source says.
SHOWING = {
    "01_sft": "demonstrations.head(3)",
    "03_annotation_noise": "for p in (0, 1, 2):",
    "04_reward_models": "printed(text[:200]",
    "05_active_labeling": "printed_candidates(texts",
    "06_accuracy_vs_policy": "np.argsort(gold_pk[p])",
}
NOTHING_RAN = "[window.hacked, document.querySelectorAll('.jp-OutputArea script, .jp-OutputArea [onerror]').length]"


@pytest.mark.parametrize(("name", "shows"), SHOWING.items())
def test_a_stored_text_is_shown_as_it_stands_and_does_nothing(opened, page, name, shows):
    notebook = opened(f"hostile/notebooks/{name}.ipynb")
    cell = notebook.cell_that_says(shows)
    notebook.run_above(cell)
    shown = notebook.text(cell)
    assert any(text in shown for text in HOSTILE[:4])
    assert not set(shown) & {"\u202e", "\x00", "\x1b", "\x07"}
    assert page.evaluate(NOTHING_RAN) == [None, 0]


def test_the_browser_of_texts_shows_hostile_ones_as_letters_and_signs(opened, page):
    """All prompts of a job, so that each hostile text has been on the page."""
    notebook = opened("hostile/notebooks/08_browse.ipynb")
    notebook.run_all()
    cell = notebook.node(notebook.cell_that_says("Responses("))
    said = cell.inner_text()
    for _ in range(7):
        cell.locator("button[title=next]").click()
        page.wait_for_function("([cell, said]) => cell.innerText !== said", arg=[cell.element_handle(), said])
        said += cell.inner_text()
    assert not [text for text in HOSTILE[:-1] if text not in said]
    assert "⟨RLO⟩drawkcab ␀␛[31m␇" in said
    assert not set(said) & {"\u202e", "\x00", "\x1b", "\x07"}
    assert page.evaluate(NOTHING_RAN) == [None, 0]
