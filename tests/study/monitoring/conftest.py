"""A store that is empty, and jobs without fits."""

import pytest

from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.store.store import Store


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "runs")
    store.prepare()
    return store


@pytest.fixture
def no_fits(monkeypatch):
    monkeypatch.setattr(PlannedJob, "fits", property(lambda job: 0))  # these jobs have few parameters
