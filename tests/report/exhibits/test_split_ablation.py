"""The split ablation in the report: which jobs it is drawn from, and that its tables say what its evaluations hold."""

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pytest

from rmkit.ablations.paired_differences import split_differences
from rmkit.artifacts.metric import Metric
from rmkit.report.exhibits.chain import FIGURES
from rmkit.report.exhibits.split_ablation import difference_words, split_ablation
from tests.ablations.study import ARMS, ablation_seeds

EFFECT = {arm: float(number) for number, arm in enumerate(ARMS)}
GOLD = ablation_seeds(EFFECT, betas=[np.inf, 0.5], annotations=[800, 1800])
HUMAN = ablation_seeds(EFFECT, betas=[None], annotations=[100, 1800], metrics=("accuracy", "log_loss", "brier"))


class Stored:
    """What a study's 10_validation_split left: evaluations, one world after another."""

    def __init__(self, **seeds_of_world):
        self.gathered = ("10_validation_split",)
        self.jobs = [
            ({"world": world, "seed": seed}, one)
            for world, seeds in seeds_of_world.items()
            for seed, one in enumerate(seeds)
        ]

    def rows(self, stage):
        raise AssertionError(f"no rows of {stage} are needed")

    def evaluations(self, stage):
        assert stage == "10_validation_split"
        return self.jobs


def test_gold_is_drawn_by_best_of_n_and_spearman_and_people_by_accuracy_and_log_loss():
    drawn = list(split_ablation(Stored(hh_rlhf=HUMAN, grammar=GOLD)))
    assert [each.name for each in drawn] == [
        "split-ablation-grammar-best_of_4",
        "split-ablation-grammar-spearman",
        "split-ablation-hh_rlhf-accuracy",
        "split-ablation-hh_rlhf-log_loss",
    ]
    assert [len(each.figure.axes) for each in drawn] == [2, 2, 1, 1]
    assert "new seeds, new prompts" in drawn[0].caption
    assert "new prompts, these fits" in drawn[3].caption


@pytest.mark.parametrize(
    ("world", "seeds", "metric"), [("grammar", GOLD, Metric("best_of_n", 4)), ("hh_rlhf", HUMAN, "accuracy")]
)
def test_the_table_holds_every_paired_difference(world, seeds, metric):
    (table,) = next(iter(split_ablation(Stored(**{world: seeds})))).tables
    differences = split_differences(seeds, metric)
    levels = [level for level in ("beta", "annotations") if level in differences]
    assert table.columns[: len(levels)] == levels
    means = [float(cell.text.replace("−", "-")) for row in table.rows for cell in row[len(levels) :]]
    np.testing.assert_allclose(means, differences["mean"], atol=6e-4)
    assert all(cell.small for row in table.rows for cell in row[len(levels) :])
    assert table.frame.shape == (len(table.rows), len(table.columns) - 1)
    if world == "grammar":
        assert [row[0].text for row in table.rows] == ["0.5", "0.5", "no noise", "no noise"]


def test_seeds_without_an_interval_have_a_table_of_means():
    drawn = next(iter(split_ablation(Stored(grammar=GOLD[:2]))))
    assert "without an interval" in drawn.caption
    assert not any(cell.small for row in drawn.tables[0].rows for cell in row)


def test_a_study_without_an_ablation_has_no_such_figure():
    assert list(split_ablation(Stored())) == []
    without = Stored(grammar=GOLD)
    without.gathered = ("03_annotation_noise",)
    assert list(split_ablation(without)) == []
    assert split_ablation in FIGURES.values()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("mlp_bt published: pair minus mirrored_row", "BT MLP as released: pair − mirrored row"),
        ("published mirrored_row: mlp_clf minus mlp_bt", "as released, mirrored row: CLF MLP − BT MLP"),
        ("sound pair: mlp_clf minus mlp_bt", "sound, pair: CLF MLP − BT MLP"),
    ],
)
def test_a_difference_has_a_name_that_reads(name, said):
    assert difference_words(name) == said
