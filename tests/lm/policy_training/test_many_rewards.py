"""Several rewards, one after another: what a run leaves, what a kill leaves, and a run that cannot end well."""

import pandas as pd
import pytest

from rmkit.artifacts.shards import Shards
from rmkit.errors import DataError
from rmkit.lm.policy_training.many_rewards import Places, optimise_each
from rmkit.lm.policy_training.tracking import Tracked
from tests.lm.policy_training.bandit import PROMPTS, SMALL, reward
from tests.lm.policy_training.test_optimise import KilledError


def longest(prompts, answers):
    return [len(answer) for answer in answers]


def run(bandit, folder, rewards, **changed):
    places = Places(Shards(folder / "finished"), folder / "states", folder / "policies", every=2)
    tracked = changed.pop("tracked", None) or Tracked(PROMPTS, reward, n=8, every=2)
    return optimise_each(bandit, PROMPTS, rewards, SMALL["ppo"], places, tracked=tracked, seed=5, **changed)


def test_every_run_starts_alike_and_a_kill_loses_neither_finished_runs_nor_the_last_state(bandit, tmp_path):
    at_once = run(bandit, tmp_path / "calm", {"good": reward, "long": longest})
    asked = []

    def counted(prompts, answers):
        asked.append(len(answers))
        return reward(prompts, answers)

    def killing(name):
        def progress(done, total):
            if (name, done) == ("long", 5):
                raise KilledError

        return progress

    with pytest.raises(KilledError):
        run(bandit, tmp_path / "killed", {"good": counted, "long": longest}, progress_of=killing)
    (state,) = (tmp_path / "killed/states/run-001").glob("step-*")
    assert state.name == "step-4"
    assert not (tmp_path / "killed/states/run-000").exists()
    seen = len(asked)
    again = run(bandit, tmp_path / "killed", {"good": counted, "long": longest})
    assert len(asked) == seen
    assert list((tmp_path / "killed/states").glob("*")) == []
    for name, table in at_once.items():
        pd.testing.assert_frame_equal(again[name], table, check_exact=True)
        assert set(table["reason"]) == {""}
    first, second = (table[table["step"] == 0]["answer"].tolist() for table in at_once.values())
    assert first == second
    last = {name: table[table["step"] == 6]["answer"].tolist() for name, table in at_once.items()}
    assert last["good"] != last["long"]


def test_a_reward_that_says_nothing_or_a_policy_that_diverges_has_its_reason_and_the_next_goes_on(bandit, tmp_path):
    found = run(bandit, tmp_path / "flat", {"flat": lambda prompts, answers: [2.0] * len(answers), "good": reward})
    assert set(found["flat"]["reason"]) == {
        "reward: is 2 for each of 16 answers of the starting policy; nothing can be learned from a constant"
    }
    assert found["flat"]["step"].unique().tolist() == [0]
    assert found["good"]["step"].unique().tolist() == [0, 2, 4, 6]
    far = run(bandit, tmp_path / "far", {"good": reward}, tracked=Tracked(PROMPTS, reward, n=8, every=2, max_kl=0.001))
    assert far["good"]["reason"].iloc[0].startswith("diverged at step 2: the KL from the starting policy is")
    again = run(bandit, tmp_path / "far", {"good": None}, tracked=Tracked(PROMPTS, reward, n=8, every=2, max_kl=0.001))
    pd.testing.assert_frame_equal(again["good"], far["good"])


def test_any_other_fault_stops_them_all(bandit, tmp_path):
    with pytest.raises(DataError, match=r"^reward: is nan for the answer"):
        run(bandit, tmp_path, {"bad": lambda prompts, answers: [float("nan")] * len(answers), "good": reward})
