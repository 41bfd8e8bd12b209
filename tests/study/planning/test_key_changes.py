"""What of a gathering job's key changed: jobs that came, went and moved."""

import pytest

from rmkit.study.planning.key_changes import differences
from tests.study.gathering import TWO_SEEDS


@pytest.mark.xdist_group("gathering")
def test_why_names_gathered_jobs_that_came_went_and_moved(stored):
    def why(before, now):
        parts = [stored.ingredients(stored.findings(TWO_SEEDS.replace("[0, 1]", seeds))) for seeds in (before, now)]
        return list(differences(*parts))

    one = ["results of 01_sums seed=1: new", "results of 02_gaps seed=1: new"]
    assert why("[0]", "[0, 1]") == one
    assert why("[0, 1]", "[0]") == [line.replace("new", "no longer part of the job") for line in one]
    assert why("[0, 1]", "[1, 0]") == ["gathered jobs: in another order"]
    assert why("[0, 1]", "[0, 1]") == []
