"""Where the grammar world falls short of its bounds, the top of the page says what follows for the reader."""

import pandas as pd
import pytest

from rmkit.report.grammar_world import FOLLOWS, world_notices
from rmkit.worlds.grammar.acceptance import BOUNDS
from tests.report.test_degenerate import Stored

KEPT = {"surface": 0.3, "probe": 0.8, "spread": 0.9, "duplicates": 0.0, "fidelity": 0.9}
BROKEN = {"surface": 0.6, "probe": 0.6, "spread": 0.4, "duplicates": 0.2, "fidelity": 0.738}


def notices(gold="rule", **figures):
    rows = [{"metric": name, "value": value, "param_gold": gold} for name, value in (KEPT | figures).items()]
    return list(world_notices(Stored({"02_sampling": pd.DataFrame(rows)})))


def test_a_world_that_keeps_its_bounds_has_none():
    assert notices() == []
    assert list(world_notices(Stored())) == []


@pytest.mark.parametrize("name", BOUNDS)
def test_each_bound_that_is_broken_says_what_follows(name):
    ((said, bears),) = notices(gold="model", **{name: BROKEN[name]})
    assert bears
    assert said == (
        f"The grammar world falls short in {name} ({BROKEN[name]:.3f}, bound {BOUNDS[name].value}): {FOLLOWS[name]}."
    )


def test_the_gold_model_does_not_bear_on_a_study_that_scores_by_the_rule():
    ((said, bears),) = notices(fidelity=0.738)
    assert not bears
    assert "this study scores by the rule itself" in said
