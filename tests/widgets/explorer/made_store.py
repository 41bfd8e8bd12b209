"""A store whose tables are given: two stages of a study, of fits with a hostile name among them."""

import itertools
import json

import pandas as pd

from rmkit.errors import ResultError
from rmkit.study.planning.project import Project
from rmkit.widgets.stored import Stored, StoredStudy
from tests.study.manifests import WHOLE

HOSTILE = '<img src=x onerror="alert(1)">'
STAGES = ("04_reward_models", "99_other")


def table(stage, extra=0.0):
    lines = [
        {"param_seed": seed, "beta": beta, "annotations": count, "reward_model": model, "metric": metric}
        for seed, beta, count, model, metric in itertools.product(
            (0, 1), (0.5, float("inf")), (100.0, 400.0), ("linear_bt", HOSTILE), ("accuracy", "spearman")
        )
    ]
    rows = pd.DataFrame(lines).assign(reason=None, units=7, stage=stage, study="mine")
    rows["value"] = range(len(rows))
    rows["value"] += extra
    rows["job"] = f"{stage}-" + rows["param_seed"].astype(str)
    rows["fit"] = rows["reward_model"] + "-" + rows["beta"].astype(str) + "-" + rows["annotations"].astype(str)
    return rows


class Made(Stored):
    """A store whose tables are given."""

    def __init__(self, root, tables):
        super().__init__(Project(root))
        self.tables = tables
        for key in {key for rows in tables.values() for key in rows["job"]}:
            folder = self.folder(key)
            folder.mkdir(parents=True)
            (folder / "manifest.json").write_text(json.dumps(WHOLE), encoding="utf-8")
            (folder / "notebook.ipynb").write_text("{}", encoding="utf-8")

    def names(self):
        return ["empty", "mine", HOSTILE]

    def study(self, name):
        return StoredStudy(name, fault="params/x.yaml: <b>wrong</b>" if name == HOSTILE else "")

    def with_rows(self, name):
        return list(self.tables) if name == "mine" else []

    def rows(self, name, stage):
        if stage not in self.tables:
            raise ResultError(f"{stage}: nothing")
        return self.tables[stage]

    def finished(self, name, stage):
        return {}
