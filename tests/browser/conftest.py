import shutil

import pytest
import yaml

from tests.browser.hostile import poison
from tests.browser.lab import SCREENSHOTS, VIEWPORT, Lab, browser_path
from tests.checkout import checkout


@pytest.fixture(scope="package")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path(), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def page(browser):
    """A page, shared: JupyterLab takes seconds to load."""
    return browser.new_page(viewport=VIEWPORT)


def without_fine_tuning(study):
    """The study on fewer dialogues and with answers of the base model; 13, which trains a fine-tuned one, is left out."""
    plan = yaml.safe_load(study)
    plan["stages"]["00_grammar_world"]["n_dialogues"] = 64
    del plan["stages"]["13_policy_training"]
    for settings in plan["stages"].values():
        if settings and settings.get("generator") == "sft":
            settings["generator"] = "base"
    return yaml.safe_dump(plan, sort_keys=False)


@pytest.fixture(scope="package")
def lab(smoke, tmp_path_factory):
    """JupyterLab on three checkouts: `full`, with a finished smoke study; `hostile`, the same with hostile texts; `empty`."""
    root = tmp_path_factory.mktemp("lab")
    for name in ("full", "hostile"):
        shutil.copytree(smoke, root / name, ignore=shutil.ignore_patterns("drafts", "__pycache__"))
    poison(root / "hostile/runs")
    study = checkout(root / "empty") / "params/smoke.yaml"
    study.write_text(without_fine_tuning(study.read_text(encoding="utf-8")), encoding="utf-8")
    with Lab.on(root, tmp_path_factory.mktemp("home"), root / "full", RMKIT_STUDY="smoke") as lab:
        yield lab


@pytest.fixture
def opened(lab, page):
    """Opens notebooks by their name from the root; closes them at the end."""
    notebooks = []

    def open_one(path):
        notebooks.append(lab.open(page, path))
        return notebooks[-1]

    yield open_one
    for notebook in notebooks:
        notebook.close()


@pytest.fixture
def keep_picture(request):
    """Keeps a picture of a notebook as it is now where RMKIT_SCREENSHOTS says."""

    def keep(notebook, name):
        if SCREENSHOTS:
            notebook.screenshot(f"{SCREENSHOTS}/{name}.png")

    return keep
