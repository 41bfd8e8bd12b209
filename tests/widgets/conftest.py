import pytest

from rmkit.study.planning.project import Project
from rmkit.widgets.responses.responses import Responses
from rmkit.widgets.stored import Stored


@pytest.fixture(scope="module")
def stored(smoke):
    """The store of the finished smoke study, as 08 reads it."""
    return Stored(Project(smoke))


@pytest.fixture
def responses(stored):
    return Responses(stored, "smoke")
