"""A state is kept whole or not at all, and only the last one."""

import pytest

from rmkit.errors import DataError
from rmkit.lm.policy_training.checkpoints import Checkpoints


def write(text):
    def into(folder):
        folder.mkdir()
        (folder / "state").write_text(text, encoding="utf-8")

    return into


def test_the_last_state_takes_the_place_of_earlier_ones(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    assert checkpoints.last() == (0, None)
    for step in (9, 10):
        checkpoints.keep(step, write(str(step)))
    assert checkpoints.last() == (10, tmp_path / "step-10")
    assert [path.name for path in tmp_path.iterdir()] == ["step-10"]


def test_one_that_was_not_finished_counts_for_nothing(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    checkpoints.keep(2, write("2"))

    def torn(folder):
        write("half")(folder)
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        checkpoints.keep(4, torn)
    assert checkpoints.last() == (2, tmp_path / "step-2")
    checkpoints.keep(4, write("4"))
    assert (tmp_path / "step-4/state").read_text(encoding="utf-8") == "4"
    assert [path.name for path in tmp_path.iterdir()] == ["step-4"]


def test_one_between_its_name_and_the_end_of_earlier_ones_is_the_last(tmp_path):
    for step in (2, 10):
        write("")(tmp_path / f"step-{step}")
    assert Checkpoints(tmp_path).last() == (10, tmp_path / "step-10")


def test_steps_between_states_are_at_least_one(tmp_path):
    with pytest.raises(DataError, match=r"^checkpoints: every is 0; it must be 1 or more steps$"):
        Checkpoints(tmp_path, every=0)
