"""A run that was started from a notebook's cell needs neither the tab nor the server; a new tab's panel finds it."""

import pytest

from rmkit.study.monitoring.run_record import living, runs
from rmkit.study.store.store import Store
from tests.browser.lab import NEEDS_BROWSER, VIEWPORT, Lab
from tests.small_project import SmallProject, write_notebook

pytestmark = [pytest.mark.slow, NEEDS_BROWSER]

PANEL = 'from rmkit.widgets.progress.panel import progress_panel\n\nprogress_panel("small", start=True)'


def test_a_run_outlives_its_tab_and_its_server_and_a_new_tab_finds_it(browser, tmp_path):
    project = SmallProject.make(tmp_path / "project")
    go_on = tmp_path / "go on"
    waits = f"while not __import__('os').path.exists('{go_on}'): time.sleep(0.05)"
    project.edit("notebooks/01_sums.ipynb", "time.sleep(sleep)", waits)
    write_notebook(project.root / "notebooks/panel.ipynb", [("code", PANEL, ())])
    store = Store(project.root / "runs")

    with Lab.on(project.root, tmp_path / "home", project.root) as lab:
        page = browser.new_page(viewport=VIEWPORT)
        notebook = lab.open(page, "notebooks/panel.ipynb")
        notebook.run_all()
        notebook.wait_until_it_says("1 of 3 jobs done")  # the others wait
        page.close()
    (run,) = living(store)

    with Lab.on(project.root, tmp_path / "home", project.root) as lab:
        notebook = lab.open(browser.new_page(viewport=VIEWPORT), "notebooks/panel.ipynb")
        notebook.run_all()
        notebook.wait_until_it_says("1 of 3 jobs done")
        notebook.wait_until_it_says("running")
        assert living(store) == [run]
        go_on.touch()
        notebook.wait_until_it_says("all done")
        notebook.page.close()
    assert runs(store) == [run]
    assert len(project.executions()) == 3
