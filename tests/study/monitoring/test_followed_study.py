"""A study at rest is looked at anew when anything changed that its jobs' ids or states hang on, and only then."""

import os

import pytest

from rmkit.study.monitoring import followed_study
from rmkit.study.monitoring.followed_study import FollowedStudy
from rmkit.study.planning.project import Project


@pytest.fixture
def followed(small, monkeypatch):
    """The small project's study, planned with a package and data of its own."""
    monkeypatch.chdir(small.root)
    monkeypatch.setattr(Project, "package", property(lambda project: project.root / "rmkit"))
    planned = []
    monkeypatch.setattr(followed_study, "load_study", lambda path, shown: "a study")
    monkeypatch.setattr(followed_study, "make_plan", lambda project, study: planned.append(study) or ["a job"])
    monkeypatch.setattr(followed_study, "data_files", lambda job: [("data/numbers.json", ""), ("data/model", "")])
    monkeypatch.setattr(followed_study, "study_snapshot", lambda *_: len(planned))
    (small.root / "data/model").mkdir()
    (small.root / "data/model/config.json").write_text("{}")
    return FollowedStudy("small")


@pytest.mark.parametrize(
    "path", ["params/small.yaml", "notebooks/01_sums.ipynb", "rmkit/powers.py", "data/numbers.json", "data/model/config.json"]
)  # fmt: skip
def test_what_a_plan_hangs_on_is_noticed(followed, path):
    assert [followed.look()[0] for _ in range(3)] == [1, 1, 1]
    os.utime(followed.project.root / path, (1, 1))
    assert [followed.look()[0] for _ in range(3)] == [2, 2, 2]
    (followed.project.root / path).unlink()
    assert [followed.look()[0] for _ in range(3)] == [3, 3, 3]


def test_a_new_module_and_what_the_store_does_are_noticed(followed):
    assert followed.look()[0] == 1
    (followed.project.root / "rmkit/figures/new.py").write_text("")
    assert followed.look()[0] == 2
    (followed.store.root / "jobs").mkdir(parents=True)
    assert [followed.look()[0] for _ in range(3)] == [3, 3, 3]
