"""A store into which jobs are put by hand, and stages that gather their results."""

import numpy as np
import pandas as pd

from rmkit.artifacts.evaluations import Evaluations
from rmkit.stages.graph import EVALUATIONS, STAGES
from rmkit.study.notebook_side.open_job import OpenJob
from rmkit.study.planning.keys import ingredients
from rmkit.study.store.store import Store

TWO_SEEDS = "axes: {seed: [0, 1]}\nstages: {00_world: , 01_sums: , 02_gaps: , 03_findings: }"


def some_evaluations(value):
    """Of one fit, or of none where the value is "no fits"."""
    fits = pd.DataFrame({"fit": [] if value == "no fits" else ["a"]})
    accuracy_fp = np.zeros((0, 2), np.float32) if fits.empty else np.array([[value, 0.5]], np.float32)
    return Evaluations(fits, np.array([3, 5], np.int64), np.ones(2, np.float32), {"accuracy": accuracy_fp})


class Stored:
    """A store into which jobs are put as if they had run, by hand."""

    def __init__(self, graph):
        self.graph, self.store = graph, Store(graph.project.root / "runs")
        self.store.prepare()

    def plan(self, text=TWO_SEEDS):
        return self.graph.plan(text)

    def findings(self, text=TWO_SEEDS):
        return self.plan(text)[-1]

    def finish(self, job, *, value=1.0, evaluated=1.0, cost="1", again=False):
        """Put a job's results into the store, unless it is there."""
        key = self.store.key_of(job)
        if self.store.finished(key):
            if not again:
                return
            self.store.folder(key).rename(self.store.root / f"tmp/{key}-{value}-{evaluated}-{cost}")
        made = self.store.root / "tmp/made"
        made.mkdir()
        (made / "costs.json").write_text(cost, encoding="utf-8")
        if STAGES[job.stage].rows:
            rows = {
                "fit": "a",
                "metric": "m",
                "value": value,
                "reason": None,
                "units": 2,
                "job": key,
                "stage": job.stage,
            }
            parameters = {f"param_{name}": given for name, given in job.parameters.items()}
            pd.DataFrame([rows | parameters]).to_parquet(made / "rows.parquet", index=False)
        for name in STAGES[job.stage].outputs:
            (made / "artifacts" / name).mkdir(parents=True)
            if name == EVALUATIONS:
                some_evaluations(evaluated).save(made / "artifacts" / name)
        described = {
            **{"stage": job.stage, "parameters": dict(job.parameters), "ingredients": self.ingredients(job)},
            **{"environment": {"packages": {}}, "execution": f"{key}.0", "started": 0.0, "seconds": 1.0},
        }
        self.store.publish(made, key, described)

    def ingredients(self, job):
        return ingredients(job, self.store.content(job))

    def opened(self, job):
        order = {"key": "k", "draft": True, "folder": ".", "partial": "p", **self.store.handed(job)}
        return OpenJob(project=self.graph.project, stage=job.stage, parameters=job.parameters, job=order)
