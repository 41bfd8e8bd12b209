"""The page on pairs that people bring: every question a section, in order, each with its figure where it has one."""

import re

import numpy as np
import pandas as pd
import pytest

from rmkit.artifacts.bank import ResponseBank
from rmkit.artifacts.comparisons import Comparisons
from rmkit.errors import DataError
from rmkit.evaluation.held_out import held_out_pairs, of_stored, stored
from rmkit.evaluation.on_pairs import evaluate_pairs
from rmkit.measures.margins import reliability_bins
from rmkit.report.decision import STAGE, decision_sections
from tests.report.test_degenerate import Stored

N = 300


class Kept(Stored):
    """Stored results with tables beside them."""

    def __init__(self, rows, evaluations, tables):
        super().__init__(rows, evaluations)
        self.stored = tables

    def tables(self, stage, name):
        return self.stored.get(name, [])


def bank_and_comparisons(rng):
    texts = [f"{'word ' * int(n)}**x**" for n in rng.integers(1, 30, 2 * N)]
    prompt_id_r = np.repeat(np.arange(N), 2)
    bank = ResponseBank(
        prompts=pd.DataFrame({"prompt_id": np.arange(N), "prompt": "q"}),
        responses=pd.DataFrame({"prompt_id": prompt_id_r, "response": texts}),
        embedding_rd=np.zeros((2 * N, 2), np.float16),
        embedding_source={},
    )
    label_m = rng.integers(0, 2, N).astype(np.int8)
    table = {"first": 2 * np.arange(N), "second": 2 * np.arange(N) + 1, "label": label_m, "line": np.arange(1, N + 1)}
    return bank, Comparisons(pd.DataFrame(table | {"margin": 1.0, "chosen_first": label_m}))


def results(seeds=(0,), n_counts=4, tables=True):
    rng = np.random.default_rng(0)
    bank, comparisons = bank_and_comparisons(rng)
    counts = [40, 80, 160, 240][-n_counts:]
    jobs, held_out, to_label = [], [], []
    for seed in seeds:
        own = np.random.default_rng(seed)
        right_m = own.normal(1.0, 1.0, N)
        margins = pd.DataFrame(
            [right_m * c / 240 + own.normal(size=N) * 0.3 for c in counts], index=pd.Index(counts, name="annotations")
        )
        rulers = {"random": own.normal(size=N), "longer": own.normal(size=N)}
        given = {"seed": seed, "refit": True}
        jobs.append((given, evaluate_pairs({"linear_bt": margins}, rulers, np.arange(N))[1]))
        held_out.append((given, stored(held_out_pairs(bank, comparisons, margins.loc[240]))))
        to_label.append((given, pd.DataFrame({"line": pd.array([1, None], dtype="Int64")})))
    return Kept({}, {STAGE: jobs}, {"held_out": held_out, "to_label": to_label} if tables else {})


def test_every_question_is_a_section_and_has_its_figure(tmp_path):
    sections = list(decision_sections(results(), tmp_path / "own.html"))
    assert [section.heading for section in sections] == [
        "Is it learnable?", "Which head?", "Would more labels help?", "Is it as sure as it should be?",
        "Are there shortcuts?", "How noisy are the labels?", "Which labels to look at first?",
        "Which pairs to label next?", "Which n of Best-of-n is safe?",
    ]  # fmt: skip
    drawn = {section.heading for section in sections if section.figure}
    assert drawn == {
        "Is it learnable?", "Would more labels help?", "Is it as sure as it should be?", "Are there shortcuts?",
        "How noisy are the labels?",
    }  # fmt: skip
    assert {path.name for path in tmp_path.glob("*.png")} == {
        f"own-{name}.png" for name in ("accuracies", "more-labels", "how-sure", "shortcuts", "margins")
    }
    (table,) = sections[6].tables
    assert len(table.rows) == 10
    assert [bool(section.scope) for section in sections] == [True] + [False] * 8  # said once
    assert sections[0].answers[0].startswith("Yes. linear BT orders ")
    assert "the longer answer was preferred" in sections[4].answers[0]  # a rule's name is left alone in a sentence
    assert "the answer that was shown first" in sections[4].answers[0]


def test_jobs_of_earlier_versions_have_no_pairs_and_short_curves_no_band(tmp_path):
    sections = list(decision_sections(results(n_counts=2, tables=False), tmp_path / "own.html"))
    assert [section.heading for section in sections if section.figure] == ["Is it learnable?"]
    assert "Are there shortcuts?" not in [section.heading for section in sections]


def test_several_seeds_are_one_setting_and_pairs_are_those_of_the_first(tmp_path):
    both, first = (
        {section.heading: section for section in decision_sections(results(seeds), tmp_path / "own.html")}
        for seeds in ((0, 1), (0,))
    )
    assert both["Are there shortcuts?"].answers == first["Are there shortcuts?"].answers
    assert both["Is it learnable?"].answers != first["Is it learnable?"].answers


def test_a_stored_table_keeps_every_pair_and_says_what_it_lacks():
    bank, comparisons = bank_and_comparisons(np.random.default_rng(0))
    margins = pd.Series(np.arange(3.0), index=[5, 7, 9])
    held_out = held_out_pairs(bank, comparisons, margins)
    pd.testing.assert_frame_equal(of_stored(stored(held_out)), held_out)
    row = held_out.loc[7]
    chosen, rejected = (bank.responses["response"][each[7]] for each in (comparisons.chosen_m, comparisons.rejected_m))
    assert (row["characters_chosen"], row["characters_rejected"]) == (len(chosen), len(rejected))
    assert (row["margin"], row["strength"], row["line"], row["marks_chosen"] > 0) == (1.0, 1.0, 8, True)
    with pytest.raises(DataError, match=r"^held_out: has no line; make it again"):
        of_stored(stored(held_out).drop(columns="line"))


@pytest.mark.parametrize(("n_pairs", "constant"), [(3, False), (12, False), (12, True), (60, True)])
def test_few_pairs_and_equal_margins_are_said_without_nan(n_pairs, constant, tmp_path):
    rng = np.random.default_rng(0)
    bank, comparisons = bank_and_comparisons(rng)
    counts = [2, 4, 8, 10]
    right_m = np.ones(n_pairs) if constant else rng.normal(1.0, 1.0, n_pairs)
    margins = pd.DataFrame([right_m] * 4, index=pd.Index(counts, name="annotations"))
    evaluations = evaluate_pairs({"linear_bt": margins}, {"longer": np.zeros(n_pairs)}, np.arange(n_pairs))[1]
    given = {"seed": 0, "refit": True}
    held_out = stored(held_out_pairs(bank, comparisons, margins.loc[10]))
    found = Kept({}, {STAGE: [(given, evaluations)]}, {"held_out": [(given, held_out)]})
    said = " ".join(answer for section in decision_sections(found, tmp_path / "own.html") for answer in section.answers)
    assert not re.findall(r"\bnan|\bNone\b(?! stands out)|−0\.0 |\binf\b", said)


def test_bins_that_the_figure_leaves_out_are_said_with_their_pairs(tmp_path):
    found = {section.heading: section for section in decision_sections(results(), tmp_path / "own.html")}
    held_out = of_stored(results().tables(STAGE, "held_out")[0][1])
    bins = reliability_bins(held_out["margin"].to_numpy())
    few = int(bins["pairs"][bins["pairs"] < 30].sum())
    assert few
    assert found["Is it as sure as it should be?"].caption.endswith(
        f"Bins of fewer than 30 pairs are left out; they hold {few} of the 300 pairs."
    )
