"""The fixtures of a small project with a store, shared with the tests of study/."""

from tests.study.conftest import graph, stored

__all__ = ["graph", "stored"]
