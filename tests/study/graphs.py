"""A project of notebooks that only declare, for the tests of what is planned of a graph of stages."""

from rmkit.stages.graph import STAGES, Stage
from rmkit.study.planning.plan import make_plan
from rmkit.study.planning.project import Project
from rmkit.study.planning.study_file import load_study, overridden
from tests.small_project import write_notebook


class Graph:
    """A project of notebooks that only declare, and stages to go with them."""

    def __init__(self, root, monkeypatch):
        self.project, self._patch = Project(root), monkeypatch
        for name in ("notebooks", "params", "data"):
            (root / name).mkdir()
        for stage in list(STAGES):
            monkeypatch.delitem(STAGES, stage)

    def stage(self, name, *parameters, **spec):
        cell = "\n".join(["from typing import Literal", 'study: str = "mine"  # where', *parameters])
        write_notebook(self.project.notebook(name), [("code", cell, ("parameters",))])
        self._patch.setitem(STAGES, name, Stage(**spec))

    def study(self, text, *assignments):
        path = self.project.root / "params/mine.yaml"
        path.write_text(text, encoding="utf-8")
        return overridden(load_study(path, "params/mine.yaml"), list(assignments))

    def plan(self, text, *assignments, needed_by=None):
        return make_plan(self.project, self.study(text, *assignments), needed_by=needed_by)
