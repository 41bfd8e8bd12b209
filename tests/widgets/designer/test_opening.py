"""The banks that the page offers: made-up ones differ in their error alone, a file is read, a job's models score anew."""

import numpy as np
import pytest

from rmkit.errors import RmkitError
from rmkit.stages.graph import STAGES
from rmkit.study.planning.project import Project
from rmkit.widgets.designer.opening import MADE_UP, job_banks, made_up_bank, open_banks
from rmkit.widgets.stored import Stored
from rmkit.worlds.goodhart.error_shapes import SHAPES


def test_the_made_up_bank_has_every_shape_and_its_seed_alone_says_which():
    bank = made_up_bank()
    assert {name.rsplit(" ", 1)[0] for name in bank.names} == set(SHAPES)
    assert bank.names == made_up_bank().names != made_up_bank(1).names
    np.testing.assert_array_equal(bank.score_fpk, made_up_bank().score_fpk)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project without a study that has run, with a table of scores."""
    from tests.checkout import checkout

    own = checkout(tmp_path / "own")
    rows = [
        f"p{p},{k},{0.1 * p + 0.3 * k},{0.2 * k - 0.1 * p},{(-1) ** k}" for p in range(30) for k in range(3)
    ]  # fmt: skip
    (own / "mine.csv").write_text("prompt_id,response_id,gold,one,other\n" + "\n".join(rows) + "\n", encoding="utf-8")
    monkeypatch.chdir(own / "notebooks")
    for name in ("RMKIT_STUDY", "RMKIT_STORE"):
        monkeypatch.delenv(name, raising=False)
    return own


def test_the_readers_file_comes_first_and_without_a_study_the_made_up_bank_is_there(project):
    assert list(open_banks("tiny")) == [MADE_UP]
    banks = open_banks("tiny", "mine.csv")
    assert list(banks) == ["mine.csv", MADE_UP]
    assert banks["mine.csv"]().names == ("one", "other")
    with pytest.raises(RmkitError, match="there is no such file"):
        open_banks("tiny", "yours.csv")["yours.csv"]()


def test_a_finished_jobs_models_give_the_scores_that_their_rows_were_made_of(smoke):
    stored = Stored(Project(smoke))
    banks = job_banks(stored, "smoke")
    assert banks
    assert all("reward_models" in STAGES[name.split(": ")[1].split()[0]].outputs for name in banks)
    bank = next(one for name, one in banks.items() if "04_reward_models" in name)()
    assert bank.score_fpk.shape == (len(bank.names), *bank.gold_pk.shape)
    rows = stored.rows("smoke", "04_reward_models")
    found = rows[(rows["metric"] == "best_of_n") & (rows["n"] == 1)]
    assert found["value"].iloc[0] == pytest.approx(bank.gold_pk.mean(), rel=1e-4)
    assert set(bank.names) <= set(rows["fit"])
