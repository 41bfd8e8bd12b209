"""No figure shuts a reader out: its words stand out on white, and hue alone tells no two of its lines apart."""

import matplotlib

matplotlib.use("Agg")

import itertools

import numpy as np
import pandas as pd
import pytest

from rmkit.evaluation.published_scores import leave_one_out, one_bad_model
from rmkit.figures.active import choice_figure
from rmkit.figures.annotation import error_figure, noise_figure
from rmkit.figures.best_of_n import best_of_n_figure, noise_panels
from rmkit.figures.decision import accuracies_figure, continued_figure, shortcuts_figure
from rmkit.figures.designer import designs_figure
from rmkit.figures.distributions import best_mean_worst_figure, margin_figure
from rmkit.figures.gold_by_category import SHOWN, gold_figure
from rmkit.figures.goodhart import equal_accuracy_figure
from rmkit.figures.heat_maps import correlation_map, noise_maps
from rmkit.figures.labelling import wrong_order_figure
from rmkit.figures.learning_curves import learning_curve_figure
from rmkit.figures.looks import LOOKS
from rmkit.figures.margin_uncertainty import margin_uncertainty_figure
from rmkit.figures.overoptimisation import gamma_figure, overoptimisation_figure
from rmkit.figures.picks import picks_figure
from rmkit.figures.policy_training import gain_figure, training_figure
from rmkit.figures.population import correlation_figure, scatter_figure
from rmkit.figures.published_scores import one_bad_model_figure, random_tens_figure
from rmkit.figures.reliability import reliability_figure
from rmkit.figures.rotating_golden import rotating_golden_figure
from rmkit.figures.sample_size import budget_and_gap_figure
from rmkit.figures.split_ablation import split_ablation_figure
from rmkit.figures.strategies import contest_figure, family_curves_figure, strategy_rank_figure, why_figure
from rmkit.figures.text_lengths import length_difference_figure, length_figure
from rmkit.figures.training_loss import loss_figure
from rmkit.intervals.means import Interval
from tests.figures.readable import alike_but_for_hue, pale_words
from tests.figures.test_labelling import BATCHES
from tests.figures.test_margin_uncertainty import curves as uncertain
from tests.figures.test_overoptimisation import curves, pairs
from tests.figures.test_overoptimisation import rows as turned
from tests.figures.test_policy_training import training_rows

HEADS = [*LOOKS["reward_model"], "my_head", "your_head"]
SHARE = Interval(0.6, 0.5, 0.7, 0.95, "new", "t", 50)
BOTH = pd.DataFrame({"v1": np.linspace(0.2, 0.9, 8), "v2": [0.1, 0.5, 0.4, 0.6, 0.7, 0.65, 0.8, 0.9]})
INTERVAL = {"low": 0.4, "high": 0.8, "seeds": 5, "estimand": "new seeds", "method": "t", "level": 0.95}


def rows(*axes, **common):
    """A row for each place of the axes, with a value that rises along them."""
    table = pd.DataFrame([dict(place) for place in itertools.product(*[[(n, v) for v in vs] for n, vs in axes])])
    return table.assign(mean=np.linspace(0.5, 0.7, len(table)), value=np.linspace(0.1, 0.9, len(table)), **common)


def lines(*axes):
    return rows(*axes, **INTERVAL)


def gold():
    return rows(
        ("generator", ["base", "sft", "mine"]), ("category", ["all", "pets"]), ("metric", list(SHOWN)),
        scorer="rule", part="test", task="helpful",
    )  # fmt: skip


def fits():
    each = [
        {"fit": f"{head}{metric and i}", "reward_model": head, "metric": metric, "policy": policy, "value": 0.1 * i}
        for i, head in enumerate(HEADS[:7])
        for metric, policy in (("accuracy", None), ("ndr", "best_of_2"))
    ]
    return pd.DataFrame(each).assign(n=2.0, nats=np.nan, units=50)


FIGURES = {
    "learning curves": lambda: learning_curve_figure(
        lines(("metric", ["accuracy", "log_loss"]), ("reward_model", HEADS), ("annotations", [100, 200]))
    ),
    "best of n": lambda: best_of_n_figure(lines(("reward_model", HEADS), ("n", [1, 2, 4]))),
    "noise and numbers": lambda: noise_panels(
        lines(("reward_model", HEADS), ("beta", [0.5, np.inf]), ("annotations", [100, 200])), "gold"
    ),
    "what was chosen": lambda: choice_figure(
        rows(("pool", ["within_prompt", "cross_prompt"]), ("strategy", ["random", "entropy", "d_optimal", "mine"]),
             ("metric", ["distinct_prompts"]), ("annotations", [50, 100])), seeds=5,
    ),
    "families of strategies": lambda: family_curves_figure(
        lines(("pool", list(LOOKS["pool"])), ("strategy", [*LOOKS["strategy"], "mine"]), ("annotations", [50, 100])),
        unit="gold",
    ),
    "ranks of strategies": lambda: strategy_rank_figure(
        lines(("pool", list(LOOKS["pool"])), ("strategy", [*LOOKS["strategy"], "mine"])), unit="gold"
    ),
    "contest": lambda: contest_figure(lines(("outcome", ["Spearman", "gold"]), ("beta", [0.5, 4.0]))),
    "why": lambda: why_figure(
        rows(("pool", list(LOOKS["pool"])), ("strategy", [*LOOKS["strategy"], "mine"])).assign(
            mean_p_variance=lambda table: table["mean"] / 3, label_error=lambda table: table["value"], d_efficiency=0.5
        )
    ),
    "noise": lambda: noise_figure(
        rows(("choice", list(LOOKS["choice"])), ("pool", list(LOOKS["pool"])), ("beta", [0.5, 1, 3, np.inf]),
             ("metric", ["expected_error"])), seeds=5,
    ),
    "errors": lambda: error_figure(rows(("beta", [0.5, 1]), ("metric", ["expected_error", "realised_error"])), gap_sd=1),
    "gold by category": lambda: gold_figure(gold()),
    "scatter": lambda: scatter_figure(fits(), ["best_of_2"]),
    "rotating golden": lambda: rotating_golden_figure(pairs(), ["best_of_8"]),
    "over-optimisation": lambda: overoptimisation_figure(curves(), turned()),
    "gamma": lambda: gamma_figure(
        rows(("fit", HEADS), metric="gamma", form="kl", low=0.4, high=0.6, level=0.95).assign(reward_model=HEADS),
        pd.DataFrame({"fit": HEADS, "value": np.linspace(0.5, 0.9, len(HEADS))}), ["kl"],
    ),
    "correlations": lambda: correlation_figure(
        rows(("measure", list(LOOKS["measure"])), ("policy", ["best_of_2"]), n=2.0, nats=np.nan, statistic="kendall",
             units=72, low=0.1, high=0.9, level=0.95, estimand="new", no_interval=None)
    ),
    "reliability": lambda: reliability_figure(
        rows(("reward_model", HEADS), ("confidence", [0.6, 0.8]), accuracy=0.7, pairs=20)
    ),
    "margin uncertainty": lambda: margin_uncertainty_figure(uncertain(HEADS)),
    "split": lambda: split_ablation_figure(
        lines(("reward_model", HEADS[1:3]), ("procedure", ["published", "sound"]),
              ("validation", ["mirrored_row", "pair", "prompt"]), ("annotations", [100, 200])), "accuracy",
    ),
    "worlds of equal accuracy": lambda: equal_accuracy_figure(
        rows(("shape", list(LOOKS["error_shape"])), ("axis", ["n", "nats"]), ("at", [2.0, 4.0]), low=0.1, high=0.9, worlds=8),
        gaussian=0.293, accuracy=0.75,
    ),
    "one bad model": lambda: one_bad_model_figure(
        BOTH, leave_one_out(BOTH), one_bad_model(BOTH, [5, 6]), ["one", "other"]
    ),
    "random models": lambda: random_tens_figure(
        {"pearson": np.linspace(0.2, 0.9, 50), "kendall": np.linspace(0.1, 0.8, 50)},
        rows(("statistic", ["pearson", "kendall"]), whole=0.6, low=0.1, high=0.9), 10,
    ),
    "budget and gap": lambda: budget_and_gap_figure(
        rows(("unit", ["comparison", "response"]), ("n_responses", [2, 3])),
        rows(("flip", [0.0, 0.1, 0.2]), ("chance", [0.6, 0.9]), best=[False, True] * 3, random=0.1),
    ),
    "designs": lambda: designs_figure(
        rows(("design", ["2 responses", "5 responses"]), ("measure", [*LOOKS["measure"], "mine"]), n_prompts=100,
             n_responses=2, unit="comparison", reason=None, selection_regret=0.1, selection_regret_low=0.05,
             selection_regret_high=0.2, right_choice=0.7, right_choice_low=0.6, right_choice_high=0.8), title="a title"
    ),
    "picks": lambda: picks_figure(
        pd.DataFrame({"n": [1, 2], "gold": 1.0, "proxy": 1.0, "expected_gold": 0.5, "expected_proxy": 0.5}), 2
    ),
    "lengths": lambda: length_figure(pd.DataFrame({"text": ["prompt", "response"] * 5, "length": range(10, 20)})),
    "length differences": lambda: length_difference_figure(
        pd.DataFrame({"chosen_length": [10, 20, 30], "rejected_length": [20, 10, 5]})
    ),
    "map of noise": lambda: noise_maps(
        lines(("reward_model", HEADS[:3]), ("beta", [0.5, np.inf]), ("annotations", [100, 200])), "gold"
    ),
    "map of correlations": lambda: correlation_map(
        rows(("measure", list(LOOKS["measure"])), ("policy", ["best_of_2"]), n=2.0, nats=np.nan, statistic="kendall",
             units=72, reason=None)
    ),
    "margins": lambda: margin_figure(pd.DataFrame({"reward_model": HEADS * 2, "margin": np.linspace(-1, 2, 2 * len(HEADS))})),
    "best, mean and worst": lambda: best_mean_worst_figure(pd.DataFrame({"best": [1.0, 2.0], "worst": [0.0, -1.0]})),
    "accuracies": lambda: accuracies_figure(
        pd.DataFrame({"reward_model": ["linear_bt", "mlp_bt", "random"], "is_ruler": [False, False, True], "mean": 0.6,
                      "low": [0.5, 0.5, np.nan], "high": 0.7}), SHARE,
    ),
    "continued": lambda: continued_figure(
        lines(("reward_model", ["mlp_clf"]), ("annotations", [100, 200, 400])),
        pd.DataFrame({"annotations": [400, 900], "mean": 0.7, "low": [0.7, 0.6], "high": [0.7, 0.8]}), (0.65, SHARE),
    ),
    "shortcuts": lambda: shortcuts_figure(
        {"the longer answer": {"labels": SHARE, "head": SHARE}, "the first": {"labels": SHARE}}, {"all": (9, SHARE)}
    ),
    "labelling": lambda: wrong_order_figure(BATCHES),
    "policy training": lambda: training_figure(training_rows()),
    "gains of trained policies": lambda: gain_figure(training_rows()),
    "losses": lambda: loss_figure(
        {name: pd.DataFrame({"step": [1, 2], "loss": [2.0, 1.0]}) for name in "abcd"}, title="Learning"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_shuts_no_reader_out(name):
    figure = FIGURES[name]()
    assert pale_words(figure) == []
    for ax in figure.axes:
        assert alike_but_for_hue(ax) == []


def test_pale_words_and_lines_that_only_hue_tells_apart_are_found():
    figure = FIGURES["losses"]()
    first, second = figure.axes[0].lines[:2]
    second.set_linestyle(first.get_linestyle())
    figure.axes[0].texts[0].set_color("#56B4E9")
    assert pale_words(figure) == ["a: 1.00"]
    assert len(alike_but_for_hue(figure.axes[0])) == 1
