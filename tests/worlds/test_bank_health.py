"""Banks of the project's own data are healthy and stay as they are; what is amiss with one is kept for the report."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from rmkit.artifacts.bank import ResponseBank
from rmkit.report.bank_notices import bank_notices
from rmkit.reward_models.mlp.embedding_table import center_and_scale
from rmkit.study.store.store import Store
from rmkit.worlds.bank_health import examined, with_warnings
from rmkit.worlds.human_preferences.stored_features import STORED
from tests.notebook_cells import KeepingJob, run_cells


@pytest.mark.parametrize("features", STORED)
def test_peoples_preferences_are_healthy_and_their_bank_is_the_stored_one(features, tmp_path):
    job = KeepingJob(tmp_path)
    names = run_cells("00_human_preferences", job, "health", features=features)
    assert [finding.name for finding in names["health"]] == ["scale", "dominating", "near_constant", "repeated"]
    assert [str(finding) for finding in names["health"] if finding.warns] == []
    assert names["bank"] is names["found"].bank
    assert center_and_scale(names["bank"].embedding_rd)[2] is None, "networks divide by one number, as before"


def test_the_grammar_world_is_healthy(smoke):
    for folder in sorted((smoke / "runs/jobs").glob("02_sampling-*/artifacts")):
        bank, test_bank = (ResponseBank.load(folder / name) for name in ("bank", "test_bank"))
        findings = examined(bank, test_bank)
        assert [str(finding) for finding in findings if finding.warns] == []
        assert len(findings) == 7
        assert with_warnings(bank, findings) is bank
        assert center_and_scale(bank.embedding_rd)[2] is None


def made(embedding_rd):
    ids = np.arange(len(embedding_rd))
    return ResponseBank(
        prompts=pd.DataFrame({"prompt_id": ids}),
        responses=pd.DataFrame({"prompt_id": ids}),
        embedding_rd=embedding_rd,
        embedding_source={"method": "drawn"},
    )


def test_warnings_are_kept_with_the_bank_and_said_once_at_the_top_of_the_report(tmp_path):
    embedding_rd = np.random.default_rng(0).normal(size=(300, 10)) * [1, 1, 1, 1, 300, 1, 1, 1, 1, 1]
    bank = made(embedding_rd.astype(np.float16))
    told = with_warnings(bank, examined(bank))
    assert told.embedding_source["method"] == "drawn"
    (warning,) = told.embedding_source["warnings"]
    assert warning.startswith("1 dimension (4) of 10 holds 100.0% of the variance")
    store, jobs = Store(tmp_path), {}
    for key, stage, one in (
        ("00_embedding_files-a", "00_embedding_files", told),
        ("00_embedding_files-b", "00_embedding_files", told),
        ("00_human_preferences-c", "00_human_preferences", bank),
        ("02_sampling-d", "02_sampling", told),
    ):
        one.save(store.artifact(key, "bank"))
        jobs[key] = SimpleNamespace(stage=stage, parameters={})
    assert list(bank_notices(store, jobs)) == [(f"The embedding files: {warning}", True)]
    source = dataclasses.replace(bank, embedding_source={"method": "drawn", "warnings": "none"})
    source.save(store.artifact("00_embedding_files-a", "bank"))
    (store.artifact("00_embedding_files-b", "bank") / "bank.json").write_text("{", encoding="utf-8")
    assert list(bank_notices(store, jobs)) == [], "what cannot be read warns of nothing"
