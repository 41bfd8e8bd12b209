import pytest

from tests.lm.policy_training.bandit import make_bandit


@pytest.fixture(scope="session")
def bandit(tmp_path_factory):
    """The starting policy of a bandit; do not change it."""
    return make_bandit(tmp_path_factory.mktemp("models") / "bandit")
