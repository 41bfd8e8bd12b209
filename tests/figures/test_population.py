"""Figures of a population of reward models: what is drawn is what the table says, and in words that read."""

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pandas as pd
import pytest

from rmkit.errors import ResultError
from rmkit.figures.population import correlation_figure, interval_words, mild_and_strong, policy_labels, scatter_figure


def population_rows():
    rows = []
    for f in range(4):
        shared = {"fit": f"m{f}", "reward_model": "mlp_bt" if f < 2 else "linear_bt", "units": 50}
        rows.append(shared | {"metric": "accuracy", "policy": "", "value": 0.5 + 0.1 * f})
        rows.append(shared | {"metric": "ndr", "policy": "mild", "n": 2, "value": 1 - 0.2 * f})
        rows.append(shared | {"metric": "ndr", "policy": "far", "nats": 1, "value": np.nan if f == 3 else 0.5})
    rows.append({"fit": "gold", "reward_model": "gold", "metric": "accuracy", "policy": "", "value": 1.0, "units": 50})
    return pd.DataFrame(rows)


def test_a_dot_is_a_reward_model_and_undefined_ones_are_counted():
    figure = scatter_figure(population_rows(), ["mild", "far"])
    first, second = figure.axes
    dots = np.concatenate([each.get_offsets() for each in first.collections])
    np.testing.assert_allclose(sorted(map(tuple, dots)), [(0.5, 1.0), (0.6, 0.8), (0.7, 0.6), (0.8, 0.4)])
    assert second.get_title(loc="left") == "KL optimum at 1 nat (1 undefined)"
    with pytest.raises(ResultError, match="no measure 'ndcg'"):
        scatter_figure(population_rows(), ["mild"], measure="ndcg")


def correlation_rows(*, first_why="", second_why="too few prompts", second_units=30):
    """Of two measures with one policy; a row without a reason has an interval."""
    kinds = {"policy": "mild", "n": 2, "nats": np.nan, "statistic": "kendall", "level": 0.95}
    kinds["estimand"] = "new reward models, new prompts"
    rows = [
        {"measure": "accuracy", "value": 0.7, "no_interval": first_why, "units": 30},
        {"measure": "one_pair", "value": 0.3, "no_interval": second_why, "units": second_units},
    ]
    table = pd.DataFrame([row | kinds for row in rows])
    half = np.where(table["no_interval"] == "", 0.1, np.nan)
    return table.assign(low=table["value"] - half, high=table["value"] + half)


def test_correlations_are_dots_with_their_intervals():
    table = correlation_rows()
    (ax,) = correlation_figure(table).axes
    dots = [
        each.get_offsets()[0][0] for each in ax.collections if len(each.get_offsets()) and each.get_label()[0] != "_"
    ]
    assert sorted(dots) == [0.3, 0.7]
    assert "30 reward models" in ax.get_title(loc="left")
    with pytest.raises(ResultError, match="2 kinds"):
        correlation_figure(pd.concat([table, table.assign(statistic="pearson")]))


def test_an_interval_is_claimed_only_where_there_is_one():
    kind = "95% interval for new reward models, new prompts"
    assert interval_words(correlation_rows(second_why="")) == kind
    assert interval_words(correlation_rows()) == f"{kind}; dots without a line have none: too few prompts"
    bare = correlation_rows(first_why="too few prompts")
    assert interval_words(bare) == "no interval: too few prompts"
    assert (
        interval_words(correlation_rows(first_why="too few models")) == "no interval: too few models; too few prompts"
    )
    assert interval_words(bare.assign(value=np.nan)) == "no interval: too few prompts"
    (ax,) = correlation_figure(bare).axes
    assert ax.get_title(loc="left") == "30 reward models; no interval: too few prompts"


def test_a_correlation_without_a_value_has_no_say_about_intervals_and_its_policy_is_marked():
    flat = correlation_rows().assign(policy="none", n=1, value=np.nan, low=np.nan, no_interval="nothing to correlate")
    table = pd.concat([flat, correlation_rows(second_why="")])
    assert "nothing to correlate" not in interval_words(table)
    (ax,) = correlation_figure(table).axes
    assert [label.get_text() for label in ax.get_yticklabels()] == ["Best-of-1\n(undefined)", "Best-of-2"]


def test_the_title_says_how_many_models_even_if_a_policy_leaves_some_out():
    (ax,) = correlation_figure(correlation_rows(second_units=28)).axes
    assert ax.get_title(loc="left").startswith("28 to 30 reward models; 95% interval for")


@pytest.mark.parametrize(
    ("ns", "kls", "shown"),
    [
        ([1, 4, 2], [0.5, 2, 1], ["best of 2", "best of 4", "2 nats"]),
        ([8, 32, 8], [], ["best of 8", "best of 32"]),
        ([2], [1], ["best of 2", "1 nats"]),
        ([1], [], ["best of 1"]),
        ([], [0.5, 0.25], ["0.5 nats"]),
    ],
)
def test_a_scatter_compares_policies_that_choose(ns, kls, shown):
    rows = [{"policy": "", "n": None, "nats": None}]
    rows += [{"policy": f"best of {n}", "n": n} for n in ns] + [
        {"policy": f"{nats} nats", "nats": nats} for nats in kls
    ]
    assert mild_and_strong(pd.DataFrame(rows).astype({"n": float, "nats": float})) == shown


def test_trained_policies_are_compared_at_their_furthest_distance_and_their_last_step():
    rows = pd.DataFrame(
        {"policy": ["ppo_10", "ppo_30", "ppo_at_kl_1", "ppo_at_kl_2"], "n": np.nan, "nats": [np.nan, np.nan, 1.0, 2.0],
         "steps": [10.0, 30.0, np.nan, np.nan]}
    )  # fmt: skip
    assert mild_and_strong(rows) == ["ppo_at_kl_2", "ppo_30"]
    assert policy_labels(rows) == {
        "ppo_10": "PPO, 10 steps", "ppo_30": "PPO, 30 steps", "ppo_at_kl_1": "PPO at 1 nat",
        "ppo_at_kl_2": "PPO at 2 nats",
    }  # fmt: skip
