"""A study of two seeds whose last stage gathers the results of the others."""

import pytest

from rmkit.stages.graph import Source
from tests.study.gathering import Stored
from tests.study.graphs import Graph


@pytest.fixture
def graph(tmp_path, monkeypatch):
    """A world, two stages that record rows on it, one with evaluations, and the findings from both."""
    graph = Graph(tmp_path, monkeypatch)
    graph.stage("00_world", "size: int = 3", outputs={"bank": {}}, rows=False)
    bank = {"bank": (Source("00_world"),)}
    graph.stage("01_sums", "seed: int = 0", "power: int = 1", inputs=bank, outputs={"evaluations": {}})
    graph.stage("02_gaps", "seed: int = 0", inputs=bank)
    graph.stage("03_findings", "level: float = 0.95", gathers=("02_gaps", "01_sums"))
    return graph


@pytest.fixture
def stored(graph):
    """All jobs of two seeds are finished but the findings."""
    stored = Stored(graph)
    for number, job in enumerate(stored.plan()[:-1]):
        stored.finish(job, value=number, evaluated=number)
    return stored
