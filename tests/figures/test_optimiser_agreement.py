"""The figure and the table of whether optimisers agree: what is drawn, and what is refused."""

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pytest

from rmkit.errors import ResultError
from rmkit.evaluation.optimiser_agreement import agreement_rows
from rmkit.figures.optimiser_agreement import agreement_figure, prediction_table
from tests.evaluation.optimised_population import exact_outcome, population, trained_outcome
from tests.figures.readable import pale_words


@pytest.fixture(scope="module")
def rows():
    return agreement_rows(*population(), statistic="kendall")


def drawn(figure):
    """The pairs from the top, and each dot's place and face by kind of correlation."""
    (ax,) = figure.axes
    dots = {one.get_label(): one for one in ax.collections if not one.get_label().startswith("_")}
    return [label.get_text() for label in ax.get_yticklabels()], dots


def test_pairs_of_trained_policies_come_first_then_exact_ones(rows):
    figure = agreement_figure(rows)
    names, _ = drawn(figure)
    assert names == [
        "PPO, 24 steps and RLOO, 24 steps (12)",
        "PPO at 2 nats and RLOO at 2 nats (12)",
        "PPO, 24 steps and Best-of-8 (20)",
        "PPO, 24 steps and KL optimum at 0.5 nats (20)",
        "RLOO, 24 steps and Best-of-8 (12)",
        "RLOO, 24 steps and KL optimum at 0.5 nats (12)",
    ]
    assert pale_words(figure) == []
    title = " ".join(figure._suptitle.get_text().split())
    start = "12 to 20 reward models (in brackets), policy seeds: 3; 95% interval for new reward models, new policy"
    assert title.startswith(start)
    assert title.endswith("hollow dots have none: 12 reward models are too few to see how models vary, which takes 15")


def test_dots_are_at_their_values_and_hollow_without_an_interval(rows):
    _, dots = drawn(agreement_figure(rows))
    corrected = dots["corrected for the noise of seeds"]
    row = rows[(rows["fit"] == "ppo_24 whitened and best_of_8") & (rows["metric"] == "agreement_corrected")].iloc[0]
    assert corrected.get_offsets()[2][0] == pytest.approx(row["value"])
    hollow = [np.allclose(face, 1) for face in corrected.get_facecolors()]
    assert hollow == [True, True, False, False, True, True]


def test_only_the_last_step_and_the_furthest_common_distance_are_drawn():
    trained = [trained_outcome(name, at, seed=(i,)) for i, (name, at) in enumerate(
        [("ppo", 12.0), ("ppo", 24.0), ("rloo", 12.0), ("rloo", 24.0),
         ("ppo_at_kl", 0.5), ("rloo_at_kl", 0.5), ("ppo_at_kl", 2.0), ("rloo_at_kl", 2.0)]
    )]  # fmt: skip
    trained[-1].value_sfq[:] = np.nan  # RLOO never got so far
    exact = [exact_outcome("best_of_n", n) for n in (2.0, 8.0, 32.0)]
    names, _ = drawn(agreement_figure(agreement_rows(exact, trained, {}, statistic="kendall")))
    assert names[:2] == ["PPO, 24 steps and RLOO, 24 steps", "PPO at 0.5 nats and RLOO at 0.5 nats"]
    assert names[2:] == [f"{name}, 24 steps and Best-of-{n}" for name in ("PPO", "RLOO") for n in (2, 32)]


@pytest.mark.filterwarnings("error")
def test_one_optimiser_alone_is_compared_with_exact_policies_alone():
    rows = agreement_rows([exact_outcome("best_of_n", 8.0)], [trained_outcome("ppo", 24.0)], {}, statistic="kendall")
    names, _ = drawn(agreement_figure(rows))
    assert names == ["PPO, 24 steps and Best-of-8"]


def test_a_pair_without_a_value_says_so():
    trained = [trained_outcome(name, 24.0, n_models=2) for name in ("ppo", "rloo")]
    figure = agreement_figure(agreement_rows((), trained, {}, statistic="kendall"))
    names, _ = drawn(figure)
    assert names == ["PPO, 24 steps and RLOO, 24 steps (undefined)"]
    assert "no interval: 2 of 30 reward models have a value" in " ".join(figure._suptitle.get_text().split())


def test_the_table_has_a_row_for_each_optimiser_and_measure(rows):
    table = prediction_table(rows)
    assert table["policy"].tolist() == ["PPO, 24 steps", "RLOO, 24 steps"]
    assert table["reward models"].tolist() == [20, 12]
    assert table["reliability"].str.contains(" to ").tolist() == [True, False]
    value = rows.loc[(rows["metric"] == "lead_over_another_seed") & (rows["policy"] == "ppo_24"), "value"].item()
    assert table["lead over another seed"].iloc[0].startswith(f"{value:.2f} (")


def test_a_number_that_is_undefined_is_called_so():
    one_seed = trained_outcome("ppo", 24.0, n_seeds=1)
    table = prediction_table(agreement_rows((), [one_seed], population()[2], statistic="kendall"))
    assert table["corrected"].tolist() == ["undefined"]
    assert table["correlation"].str.contains(" to ").all()


def test_two_scales_of_reward_are_told_apart():
    one, other = (trained_outcome("ppo", 24.0, seed=(seed,)) for seed in (0, 1))
    other.columns["reward_scale"] = "raw"
    rows = agreement_rows((), [one, other], population()[2], statistic="kendall")
    names, _ = drawn(agreement_figure(rows))
    assert names == ["PPO, 24 steps (whitened reward) and PPO, 24 steps (raw reward)"]
    assert prediction_table(rows)["policy"].tolist() == [
        "PPO, 24 steps (whitened reward)",
        "PPO, 24 steps (raw reward)",
    ]


@pytest.mark.parametrize("draw", [agreement_figure, prediction_table])
def test_rows_without_trained_policies_are_refused(draw, rows):
    with pytest.raises(ResultError, match="rows: have no"):
        draw(rows[rows["metric"] == "agreement_ceiling"])
