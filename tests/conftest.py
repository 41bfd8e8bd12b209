import sys

import pytest

from tests.checkout import checkout, execute
from tests.small_project import SmallProject


@pytest.fixture(scope="session")
def finished_template(tmp_path_factory):
    """A small project whose study has run once; copy it, do not change it."""
    project = SmallProject.make(tmp_path_factory.mktemp("template") / "project")
    ended = project.run()
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return project


@pytest.fixture
def finished(finished_template, tmp_path):
    """A copy of the finished small project, to be changed."""
    return finished_template.copy(tmp_path / "project")


@pytest.fixture
def small(tmp_path):
    """A small project of which nothing has run."""
    return SmallProject.make(tmp_path / "project")


@pytest.fixture(scope="session")
def smoke(tmp_path_factory):
    """A checkout in which the smoke study has run; read it, write elsewhere."""
    folder = checkout(tmp_path_factory.mktemp("smoke") / "project")
    execute([sys.executable, "-m", "rmkit.cli", "run", "params/smoke.yaml", "--no-report"], folder, folder)
    return folder


def pytest_itemcollected(item):
    """Tests that share what is slow to make run in one worker (`--dist loadgroup`), so that it is made once."""
    for fixture in ("smoke", "base_folder"):
        if fixture in item.fixturenames:
            item.add_marker(pytest.mark.xdist_group(fixture))
            return


def pytest_collection_modifyitems(items):
    """The longest test comes first, so that the others run beside it."""
    items.sort(key=lambda item: "test_the_figures_of_one_seed" not in item.name)
