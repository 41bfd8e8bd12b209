"""The banks that the designer's page offers: a made-up one, the reader's own file, and the finished jobs of a study.

A bank is loaded when it is first chosen. Paths that are not absolute start at the project. Knows the store and files;
no control.
"""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from rmkit.artifacts.bank import ResponseBank
from rmkit.errors import DataError, RmkitError, listed
from rmkit.evaluation.score_bank import ScoreBank, read_score_bank
from rmkit.reward_models.collection import RewardModels
from rmkit.seeding import generator
from rmkit.stages.graph import STAGES
from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.store.store import Store
from rmkit.widgets.stored import Stored, input_folder, open_store
from rmkit.worlds.goodhart.error_shapes import SHAPES, proxies

MADE_UP = "made up: eight kinds of error"
STRENGTHS = (0.6, 1.0, 1.5)  # of each shape's error
N_PROMPTS, N_RESPONSES = 300, 32
REWARD_MODELS, TEST_BANK, GOLD = "reward_models", "test_bank", "gold"

Banks = Mapping[str, Callable[[], ScoreBank]]


def open_banks(study: str, scores_file: str | None = None) -> Banks:
    """Banks by what they are called: the reader's file first, if one is named, the made-up one, the study's jobs."""
    stored, name = open_store(study)
    banks: dict[str, Callable[[], ScoreBank]] = {}
    if scores_file is not None:
        banks[scores_file] = partial(read_score_bank, stored.project.root / scores_file)
    return {**banks, MADE_UP: made_up_bank, **job_banks(stored, name)}


def made_up_bank(seed: int = 0) -> ScoreBank:
    """Gold of alike prompts and a proxy of each error shape at each of three strengths: 24 reward models.

    They come in random order, and prompts differ in how far their responses are apart.
    """
    rng = generator(seed, "designer", "made-up bank")
    gold_pk = rng.normal(size=(N_PROMPTS, N_RESPONSES)) * rng.uniform(0.5, 1.5, size=(N_PROMPTS, 1))
    fits, score_fpk = proxies(gold_pk, dict.fromkeys(SHAPES, STRENGTHS), rng)
    order_f = rng.permutation(len(fits))
    names = [f"{row.reward_model} {row.strength:g}" for row in fits.iloc[order_f].itertuples()]
    return ScoreBank(tuple(names), score_fpk[order_f], gold_pk)


def job_banks(stored: Stored, study: str) -> Banks:
    """The finished jobs of a study whose reward models are stored and whose responses have gold, by their names."""
    stages = [name for name, stage in STAGES.items() if REWARD_MODELS in stage.outputs and TEST_BANK in stage.inputs]
    jobs = {key: job for stage in stages for key, job in stored.finished(study, stage).items()}
    return {
        f"{study}: {job}": partial(bank_of_job, stored.store, key, job)
        for key, job in jobs.items()
        if TEST_BANK in job.inputs and REWARD_MODELS in STAGES[job.stage].saved(job.parameters)
    }


def bank_of_job(store: Store, key: str, job: PlannedJob) -> ScoreBank:
    """The scores that a job's stored reward models give to its test responses, beside gold.

    RmkitError where what it was made from is gone, no model has weights, or responses have no gold.
    """
    models = RewardModels.load(store.artifact(key, REWARD_MODELS))
    if not len(models.fits):
        raise DataError(f"{job}: none of its reward models has weights ({listed(models.not_saved)})")
    bank = ResponseBank.load(input_folder(store, job, TEST_BANK))
    if GOLD not in bank.scores:
        raise DataError(f"{job}: its test responses have no gold reward; they have {listed(list(bank.scores))}")
    gold_pk = bank.grid().scores_pk[GOLD].astype(np.float64)
    try:
        score_fr = models.score(bank.embedding_rd)
    except (ValueError, RuntimeError) as fault:  # a head made for other features than these
        raise RmkitError(f"{job}: its reward models cannot score its test responses ({fault})") from None
    names = tuple(map(str, models.fits["fit"]))
    return ScoreBank(names, score_fr.reshape(len(names), *gold_pk.shape), gold_pk, models.not_saved)
