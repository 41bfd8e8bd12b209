"""Which fits are offered in place of one that has no weights, and what is said of it."""

import math

import pandas as pd
import pytest

from rmkit.study.planning.planned_job import PlannedJob
from rmkit.widgets.explorer.details import Fit
from rmkit.widgets.responses.saved import Saved, fit_label, nearest, same, saved_fits, why_not

STAGE = "04_reward_models"
JOBS = {
    key: PlannedJob(stage, {"seed": seed, "world": "grammar", "reward_models": ["mlp_bt", "linear_bt"]}, {}, {}, key)
    for key, stage, seed in (("a", STAGE, 0), ("b", STAGE, 1), ("c", "09_human_preferences", 0))
}


def saved(key, head, annotations, beta=None):
    return Saved(key, JOBS[key], {"reward_model": head, "annotations": annotations} | ({"beta": beta} if beta else {}))


SAVED = [
    saved("a", "linear_bt", 1800, 0.5),
    saved("a", "mlp_bt", 1800, 0.5),
    saved("a", "mlp_bt", 1800, 3.0),
    saved("a", "mlp_bt", 1800, math.inf),
    saved("b", "mlp_bt", 200, 0.5),
    saved("c", "mlp_bt", 100),
]


def clicked(key="a", stage=STAGE, **varied):
    return Fit("tiny", stage, key, "a fit", varied)


def test_its_own_job_comes_first_then_its_stage_and_there_what_is_most_alike():
    fit = clicked(reward_model="mlp_bt", annotations=100, beta=2.0)
    assert nearest(SAVED, fit, JOBS["a"]) == [SAVED[at] for at in (2, 3, 1, 0, 4, 5)]
    assert nearest(SAVED, clicked("b", reward_model="mlp_bt", annotations=100, beta=0.5), JOBS["b"])[0] == SAVED[4]
    assert nearest([], fit, JOBS["a"]) == []


def test_no_noise_is_as_far_from_much_as_it_gets_and_nowhere_from_itself():
    fit = clicked(reward_model="mlp_bt", annotations=100, beta=math.inf)
    assert nearest(SAVED, fit, JOBS["a"])[:3] == [SAVED[at] for at in (3, 2, 1)]


@pytest.mark.parametrize(
    ("fit", "job", "cells", "said"),
    [
        (
            clicked(reward_model="mlp_bt", annotations=100),
            JOBS["a"],
            (),
            "its job kept those with 1,800 annotations (kept: all",
        ),
        (clicked(reward_model="random"), JOBS["a"], (), "random is a baseline, not a fitted reward model"),
        (clicked(reward_model="mine"), JOBS["a"], ("mine",), "mine was defined in a notebook's cell"),
        (clicked("z", reward_model="mlp_bt"), None, (), "z is no longer among the finished jobs of tiny"),
        (clicked(stage="05_active_labeling"), JOBS["a"], (), "05_active_labeling saves no weights"),
        (
            clicked("b", reward_model="linear_bt", annotations=200),
            JOBS["b"],
            (),
            "linear_bt · 200 annotations were not",
        ),
    ],
)
def test_why_a_fit_has_no_texts(fit, job, cells, said):
    sentence = why_not(fit, SAVED, job, cells)
    assert said in sentence
    assert not sentence.endswith(".")


class Folders:
    """A store as far as it is asked: where artifacts lie."""

    def __init__(self, root):
        self.root = root

    def artifact(self, key, name):
        return self.root / key / name


def test_a_job_without_a_table_of_fits_or_with_a_damaged_one_has_none(tmp_path):
    for key, content in {"a": None, "b": b"no table"}.items():
        folder = tmp_path / key / "reward_models"
        folder.mkdir(parents=True)
        fits = folder / "fits.parquet"
        if content is None:
            table = {"reward_model": ["mlp_bt"] * 2, "annotations": [200, 200], "fold": [0, 1]}
            pd.DataFrame(table).to_parquet(fits)
        else:
            fits.write_bytes(content)
    assert saved_fits(Folders(tmp_path), JOBS) == [saved("a", "mlp_bt", 200)]  # folds are one fit; c has no folder


def test_a_fit_is_told_by_what_its_job_varies():
    assert same(SAVED[0].varied, {"reward_model": "linear_bt", "beta": 0.5})
    assert not same(SAVED[0].varied, {"reward_model": "linear_bt", "beta": 3.0})
    assert fit_label(SAVED[3].varied) == "mlp_bt · 1,800 annotations · no noise"
    assert SAVED[0].label("a") == "linear_bt · 1,800 annotations · beta 0.5"
    assert SAVED[0].label("b").endswith("· 04_reward_models")
