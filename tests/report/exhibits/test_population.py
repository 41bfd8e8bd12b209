"""What the report draws of 06: one figure for all seeds of a setting, and one for each setting."""

import numpy as np
import pandas as pd
import pytest

from rmkit.evaluation.population import evaluate_population, population_rows
from rmkit.report.exhibits.population import accuracy_and_drop, which_measure
from tests.report.test_degenerate import Stored

N_MODELS, N_PROMPTS, K = 30, 40, 6
FITS = pd.DataFrame({"fit": [f"m{f}" for f in range(N_MODELS)], "reward_model": ["linear_bt", "mlp_bt"] * 15})


def results(seeds, tasks=("helpful",)):
    rows, jobs = [], []
    gold_pk = np.random.default_rng(9).normal(size=(N_PROMPTS, K))
    for task in tasks:
        for seed in seeds:
            noise_fpk = np.random.default_rng(seed).normal(size=(N_MODELS, N_PROMPTS, K))
            score_fpk = gold_pk + np.linspace(0.2, 3, N_MODELS)[:, None, None] * noise_fpk
            evaluated = evaluate_population(
                FITS, score_fpk, gold_pk, np.arange(N_PROMPTS), np.arange(N_PROMPTS) % 2 == 0,
                n_responses=4, ns=[2, 6], kls=[0.25],
            )  # fmt: skip
            jobs.append(({"seed": seed, "task": task}, evaluated))
            rows.append(population_rows(evaluated).assign(job=f"{task} {seed}", param_seed=seed, param_task=task))
    stage = "06_accuracy_vs_policy"
    return Stored({stage: pd.concat(rows, ignore_index=True)}, {stage: jobs})


@pytest.mark.parametrize("seeds", [(0,), (0, 1, 2, 3, 4)])
def test_all_seeds_of_a_setting_are_one_figure(seeds):
    (drops,), (measures,) = accuracy_and_drop(results(seeds)), which_measure(results(seeds))
    assert f"{len(seeds) * N_MODELS} reward models" in drops.figure.get_suptitle()
    assert ("averaged on Fisher's z" in measures.caption) == (len(seeds) > 1)
    assert ("new seeds, new prompts" in measures.caption) == (len(seeds) > 1)
    assert (drops.name, measures.name) == ("accuracy-and-policy", "measures-and-policies")


def test_each_setting_has_a_figure_and_a_name_of_its_own():
    found = [*accuracy_and_drop(results((0,), ("helpful", "harmless")))]
    assert len({drawn.name for drawn in found}) == len(found) == 2
    assert "task = harmless" in found[1].heading


def test_models_without_a_policy_are_told():
    stored = results((0, 1, 2, 3, 4))
    for _, evaluated in stored.evaluations("06_accuracy_vs_policy"):
        evaluated.values["kl"][0] = np.nan
    (drawn,) = which_measure(stored)
    assert "A model whose scores tie too much for a policy is left out there." in drawn.caption
