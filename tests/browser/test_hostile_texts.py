"""What a model wrote is shown as it stands and does nothing, in every notebook that shows stored texts."""

import pytest

from tests.browser.hostile import HOSTILE
from tests.browser.lab import NEEDS_BROWSER

pytestmark = [pytest.mark.slow, NEEDS_BROWSER]

# The last cell that shows stored texts, by something that its source says.
SHOWING = {
    "01_sft": "demonstrations.head(3)",
    "03_annotation_noise": "for p in (0, 1, 2):",
    "04_reward_models": "textwrap.fill(text[:200]",
    "05_active_labeling": "for r in pair:",
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
    assert page.evaluate(NOTHING_RAN) == [None, 0]
