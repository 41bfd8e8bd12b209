"""Figures of over-optimisation and of the rotating golden: what is drawn is what the tables say."""

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pandas as pd
import pytest

from rmkit.errors import ResultError
from rmkit.figures.overoptimisation import gamma_figure, good_middling_bad, overoptimisation_figure
from rmkit.figures.rotating_golden import rotating_golden_figure

NATS = np.array([0.0, 0.25, 1.0, 2.25])


def curves(names=("a", "b"), form="best_of_n"):
    tables = []
    for name in names:
        for reward, mean in (("proxy", NATS), ("gold", np.sqrt(NATS))):
            line = {"nats": NATS, "mean": mean, "low": mean - 0.1, "high": mean + 0.1}
            tables.append(pd.DataFrame(line | {"fit": name, "form": form, "reward": reward, "level": 0.95}))
    return pd.concat(tables, ignore_index=True)


def rows():
    found = []
    for position, name in enumerate("abcd"):
        shared = {"fit": name, "reward_model": "mlp_bt", "form": "best_of_n", "alarm": "", "level": 0.95}
        gamma = np.nan if name == "d" else 0.1 * (position + 1)
        found.append(shared | {"metric": "gamma", "value": gamma, "low": gamma - 0.05, "high": gamma + 0.05})
        found.append(shared | {"metric": "peak", "value": 1.0 if name == "b" else np.nan})
        found.append(shared | {"metric": "alarm", "alarm": "held_out", "value": 2.25 if name == "b" else np.nan})
        found.append(shared | {"metric": "alarm", "alarm": "ensemble", "value": 0.25})
    return pd.DataFrame(found)


def lines(ax, label):
    return [line for line in ax.lines if line.get_label() == label]


def test_a_panel_has_both_rewards_against_the_root_of_kl_and_what_there_is_to_mark():
    figure = overoptimisation_figure(curves(), rows())
    first, second = figure.axes
    (gold,) = lines(second, "gold")
    np.testing.assert_allclose(gold.get_xdata(), np.sqrt(NATS))
    np.testing.assert_allclose(gold.get_ydata(), np.sqrt(NATS))
    assert not lines(first, "gold's highest")
    (peak,), (alarm,) = lines(second, "gold's highest"), lines(second, "the alarm rings")
    assert (peak.get_xdata()[0], alarm.get_xdata()[0]) == (1.0, 1.5)
    assert [text.get_text() for text in second.get_legend().get_texts()] == [
        "proxy",
        "gold",
        "gold's highest",
        "the alarm rings",
    ]
    assert second.get_title(loc="left") == "b\ngamma 0.20"


def test_two_ways_to_optimise_are_not_drawn_as_one():
    with pytest.raises(ResultError, match="of 2 ways to optimise"):
        overoptimisation_figure(pd.concat([curves(), curves(form="kl")]), rows())


def test_the_models_that_are_drawn_are_the_best_the_middle_and_the_worst():
    assert good_middling_bad(rows(), "best_of_n") == ["a", "b", "c"]
    assert good_middling_bad(rows()[:4], "best_of_n") == ["a"]
    assert good_middling_bad(rows(), "kl") == []


def test_gamma_is_drawn_against_accuracy_and_what_has_none_is_counted():
    accuracy = pd.DataFrame({"fit": list("abcd"), "value": [0.9, 0.8, 0.7, 0.6]})
    (ax,) = gamma_figure(rows(), accuracy, ["best_of_n"]).axes
    dots = [tuple(point) for each in ax.collections for point in getattr(each, "get_offsets", list)()]
    for wanted in ((0.9, 0.1), (0.8, 0.2), (0.7, 0.3)):
        assert any(np.allclose(wanted, dot) for dot in dots)
    assert ax.get_title(loc="left") == "along Best-of-n (1 undefined)"


def pairs():
    found = []
    for g, f in ((g, f) for g in range(3) for f in range(3) if g != f):
        shared = {"golden": f"m{g}", "golden_flip": 0.1 * g, "fit": f"m{f}", "flip": 0.1 * f, "units": 50}
        found.append(shared | {"metric": "golden_accuracy", "policy": "", "value": 0.5 + 0.1 * f})
        undefined = (g, f) == (2, 1)
        value = np.nan if undefined else 1.0 - 0.2 * f
        found.append(shared | {"metric": "golden_ndr", "policy": "best_of_8", "n": 8, "nats": np.nan, "value": value})
    return pd.DataFrame(found)


def test_a_dot_is_a_pair_and_its_series_says_whose_truth_it_is():
    (ax,) = rotating_golden_figure(pairs(), ["best_of_8"]).axes
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["0% flipped", "10% flipped", "20% flipped"]
    of_first = ax.collections[0].get_offsets()
    np.testing.assert_allclose(sorted(map(tuple, of_first)), [(0.6, 0.8), (0.7, 0.6)])
    assert len(ax.collections[2].get_offsets()) == 1
    assert ax.get_title(loc="left") == "Best-of-8 (1 undefined)"
    with pytest.raises(ResultError, match="no measure 'mrr'"):
        rotating_golden_figure(pairs(), ["best_of_8"], measure="mrr")
