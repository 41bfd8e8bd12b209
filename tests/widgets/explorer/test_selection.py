"""What is drawn of result rows: by hand on small tables, and with an interval only where one is honest."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from rmkit.errors import ResultError
from rmkit.widgets.explorer.axis import axis_of
from rmkit.widgets.explorer.coded import axes_of
from rmkit.widgets.explorer.columns import shown, tidied, values_of
from rmkit.widgets.explorer.selection import Selection, first_look, kept_rows, selected, with_filters
from tests.widgets.explorer.result_rows import rows


def chosen(**changes):
    return Selection(**{"study": "s", "stage": "04", "metric": "accuracy", "x": "annotations", **changes})


def test_every_row_is_a_point_where_its_values_say():
    table = tidied(rows())
    picture = selected(table, chosen(lines="reward_model", facets="beta"))
    fitted = table[table["beta"].notna()]
    assert len(picture.points) == len(fitted)
    for point in picture.points.to_dict("records"):
        row = table.loc[point["row"]]
        assert (point["panel"], point["line"]) == (shown("beta", row["beta"]), row["reward_model"])
        assert point["place"] == picture.axis.place[row["annotations"]]
        assert point["value"] == row["value"]
    assert picture.panels == ("0.5", "no noise")
    assert picture.lines == ("linear_bt", "mlp_bt", "gold")


def test_a_mean_is_over_the_rows_at_its_place_and_its_band_is_students_t_over_seeds():
    table = tidied(rows())
    picture = selected(table, chosen(lines="reward_model", facets="beta"))
    means = picture.means.set_index(["panel", "line", "place"])
    for beta, model, count in itertools.product((0.5, np.inf), ("linear_bt", "mlp_bt"), (100.0, 1600.0)):
        same = (table["beta"] == beta) & (table["reward_model"] == model) & (table["annotations"] == count)
        mine, mean = table[same]["value"], means.loc[(shown("beta", beta), model, picture.axis.place[count])]
        assert mean["fits"] == 5
        np.testing.assert_allclose(mean["mean"], mine.mean())
        np.testing.assert_allclose((mean["low"], mean["high"]), stats.t.interval(0.95, 4, mine.mean(), stats.sem(mine)))
    assert "t-interval over seeds, for new seeds, these prompts" in picture.title
    assert "mean of 5 fits" in picture.title


@pytest.mark.parametrize(
    ("table", "changes", "why"),
    [
        (rows(seeds=range(4)), {"lines": "reward_model", "facets": "beta"}, "fewer than 5 seeds"),
        (rows(), {"lines": "reward_model"}, "seed and beta differ among them"),
        (rows(), {}, "seed, reward_model and beta differ among them"),
        (rows(seeds=range(1)), {"lines": "reward_model", "facets": "beta"}, "one fit a point"),
        (rows(param_world_seed=0), {"lines": "reward_model", "facets": "beta"}, "world_seed"),
    ],
)
def test_without_an_honest_interval_there_is_none_and_the_title_says_why(table, changes, why):
    if "param_world_seed" in table:
        table["param_world_seed"] = table["param_seed"]  # a world of its own for each seed: not these prompts
    picture = selected(tidied(table), chosen(**changes))
    assert picture.means[["low", "high"]].isna().all(axis=None)
    assert "no interval" in picture.title
    assert why in picture.title


def test_a_seed_that_counts_twice_makes_no_interval():
    table = tidied(rows(models=("linear_bt",), betas=(1.0,)))
    twice = pd.concat([table, table.assign(fit="again")], ignore_index=True)
    picture = selected(twice, chosen())
    assert set(picture.means["fits"]) == {10}
    assert picture.means["low"].isna().all()


def test_a_row_that_brings_its_interval_keeps_it_and_intervals_of_two_kinds_are_no_band():
    table = tidied(rows(seeds=[0], models=("linear_bt",), betas=(1.0,)))
    table = table.assign(low=table["value"] - 1, high=table["value"] + 2, level=0.95, estimand="new prompts")
    picture = selected(table, chosen())
    np.testing.assert_allclose(picture.means["high"] - picture.means["mean"], 2)
    assert "new prompts" in picture.title
    table.loc[0, "estimand"] = "new seeds"
    assert selected(table, chosen()).means["low"].isna().all()


def test_a_row_without_x_is_a_level_and_one_without_a_facet_lies_in_every_panel():
    picture = selected(tidied(rows()), chosen(lines="reward_model", facets="beta"))
    assert {tuple(level) for level in picture.levels[["panel", "line"]].to_numpy()} == {
        ("0.5", "gold"),
        ("no noise", "gold"),
    }
    assert set(picture.levels["fits"]) == {5}


def test_missing_values_are_counted_with_their_reasons():
    table = tidied(rows())
    table.loc[:2, ["value", "reason"]] = [np.nan, "nothing to order"]
    table.loc[3, ["value", "reason"]] = [np.inf, None]
    picture = selected(table, chosen(lines="reward_model"))
    assert not {0, 1, 2, 3} & set(picture.points["row"])
    (note,) = [note for note in picture.notes if "no value" in note]
    assert note == f"4 of {len(table)} rows have no value: nothing to order (3); no reason given (1)"


def test_filters_keep_their_values_and_what_they_do_not_apply_to():
    table = tidied(rows())
    picture = selected(table, chosen(lines="reward_model", filters={"beta": (0.5,), "seed": (1, 2)}))
    assert set(table.loc[picture.points["row"], "beta"]) == {0.5}
    assert set(table.loc[picture.points["row"], "seed"]) == {1, 2}
    assert "gold" in set(picture.levels["line"])
    assert picture.held == {"beta": "0.5 (gold has none)", "seed": "1 or 2"}
    with pytest.raises(ResultError, match="none of its 45 rows is left; widen the filter of seed"):
        selected(table, chosen(filters={"seed": (77,)}))


def test_no_noise_has_a_place_of_its_own_at_the_right_end():
    axis = axis_of("beta", values_of(pd.Series([3.0, np.inf, 0.5, 1.0, np.nan])))
    assert max(axis.place, key=axis.place.__getitem__) == np.inf
    assert max(axis.place[value] for value in (0.5, 1.0, 3.0)) < axis.beyond < axis.place[np.inf]
    assert [label for _, label in axis.ticks] == ["0.5", "1", "3", "no noise"]
    assert axis_of("n", values_of(pd.Series([1.0, np.inf]))).ticks[-1][1] == "∞"


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        ([100, 200, 400, 800, 1800], "log"),
        ([1, 2, 4, 8, 16, 32], "log"),
        ([50, 100, 150, 200, 250, 300], "linear"),
        ([0, 1, 2, 4], "linear"),
        (["a", "b"], "names"),
    ],
)
def test_numbers_lie_on_the_scale_that_spaces_them_evenly(values, scale):
    axis = axis_of("x", values_of(pd.Series(values)))
    assert axis.scale == scale
    assert list(axis.place) == sorted(values)
    assert list(axis.place.values()) == sorted(axis.place.values())


def test_the_first_look_spreads_out_what_the_stage_is_about_and_keeps_one_value_of_the_rest():
    table = tidied(rows())
    first = first_look(table, "tiny", "04_reward_models")
    assert (first.x, first.lines, first.facets) == ("annotations", "reward_model", "beta")
    assert first.filters == {}  # seeds are averaged
    placed = with_filters(chosen(lines="reward_model"), table)
    assert placed.filters == {"beta": (np.inf,)}


@pytest.mark.parametrize("columns", [[], ["param_seed"], ["step"], ["kind"], ["step", "kind", "param_seed"]])
def test_a_stage_that_nobody_told_of_has_a_first_look_too(columns):
    values = {"param_seed": [0, 1, 0, 1], "step": [1, 1, 5, 5], "kind": ["a", "b", "b", "a"]}
    table = pd.DataFrame({name: values[name] for name in columns}, index=range(4))
    table = table.assign(metric="loss", value=[1.0, 2.0, 3.0, 4.0], fit=list("wxyz"), reason=None, job="j", units=1)
    table = tidied(table)
    picture = selected(table, first_look(table, "s", "99_new"))
    assert len(picture.points) in (2, 4)
    assert len(picture.means)


def test_a_first_picture_is_of_rows_that_have_all_its_values_together():
    """No row has the first question and the unit of the first look: the question is one of those with that unit."""
    rows = {
        "unit": ["nats", "gold reward", "gold reward"],
        "question": ["which?", "why?", "how?"],
        "fit": ["a", "b", "c"],
    }
    table = pd.DataFrame({**rows, "metric": "effect", "value": [0.1, 0.2, 0.3], "verdict": ["shown", "shown", "no"]})
    look = first_look(table, "mine", "07_figures")
    assert dict(look.filters) == {"unit": ("gold reward",), "question": ("why?",)}
    assert len(selected(table, look).points) == 1


def test_what_the_title_says_of_filters_is_true_of_every_row_that_is_drawn():
    """Random filters: each named column has, in every row that is drawn, a value that is named, unless it says not."""
    table, rng = tidied(rows(seeds=range(3))), np.random.default_rng(0)
    for _ in range(60):
        filters = {name: chosen_of(values, rng) for name, values in axes_of(table).items() if rng.random() < 0.7}
        lines = [None, "reward_model"][rng.integers(2)]
        picture = selected(table, chosen(x="annotations", lines=lines, filters=filters))
        drawn = kept_rows(table, chosen(x="annotations", lines=lines, filters=filters))
        for name in axes_of(table):
            said = picture.held.get(name, "")
            named, _, without = said.partition(" (")
            present = [shown(name, value) for value in values_of(drawn[name])]
            if said:
                assert named.replace(" or ", ", ").split(", ") == present
                assert bool(without) == drawn[name].isna().any()
            elif len(filters.get(name, ())) == 1:
                assert not present  # the filter speaks of no row that is drawn


def chosen_of(values, rng):
    count = rng.integers(1, len(values) + 1)
    return tuple(values[position] for position in sorted(rng.permutation(len(values))[:count]))


def test_more_dots_than_can_be_drawn_are_thinned_and_the_title_says_so():
    table = tidied(rows(seeds=range(1500)))
    picture = selected(table, chosen(lines="reward_model", facets="beta"))
    assert len(picture.points) < len(table[table["beta"].notna()]) == 12_000
    assert f"dots of {len(picture.points):,} of 12,000 fits" in picture.title
    drawn = set(picture.points["row"])
    places = table[table["beta"].notna()].groupby(["reward_model", "beta", "annotations"])["value"]
    assert {*places.idxmin(), *places.idxmax()} <= drawn  # what lies far out is seen
    assert picture.means["fits"].sum() == 12_000  # means are of all


def test_where_only_some_means_have_a_band_the_title_says_how_many():
    table = tidied(rows(models=("linear_bt",), betas=(1.0,)))
    picture = selected(table[(table["seed"] < 4) | (table["annotations"] == 100)], chosen(lines="reward_model"))
    assert "band on 1 of 2 means: 95% t-interval over seeds" in picture.title


@pytest.mark.parametrize(("stage", "said"), [("04_reward_models", "5 fits"), ("02_sampling", "5 values")])
def test_only_where_reward_models_are_fitted_a_point_is_called_a_fit(stage, said):
    picture = selected(tidied(rows()), chosen(stage=stage, lines="reward_model", facets="beta"))
    assert f"mean of {said}, band" in picture.title


def test_seeds_that_differ_by_rounding_alone_gave_the_same_number():
    table = tidied(rows(models=("mlp_bt",), betas=(0.5,), annotations=(100,)))
    mine = table["reward_model"] == "mlp_bt"
    table.loc[mine, "value"] = [0.1 + 0.2, 0.3, 0.3, 0.3, 0.3]
    picture = selected(table, chosen(lines="reward_model"))
    assert picture.means["low"].isna().all()
    assert any("all seeds gave the same number" in words for words in (picture.title, *picture.notes))
