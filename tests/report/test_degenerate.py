"""What the report says where there is little to say: no figure, table or sentence prints a nan, a None or a minus zero."""

import re

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pandas as pd
import pytest

from rmkit.evaluation.on_pairs import evaluate_pairs
from rmkit.findings.questions import QUESTIONS
from rmkit.findings.rules import Rule
from rmkit.findings.verdicts import among_many, no_interval, row_of
from rmkit.intervals.means import Interval
from rmkit.report.answers import answers_and_rest
from rmkit.report.exhibits.chain import FIGURES
from rmkit.report.findings import finding_sections, stored_findings
from rmkit.report.grammar_world import world_notices, world_sections
from rmkit.report.human_preferences import learning_sections
from rmkit.report.parts import as_svg
from rmkit.worlds.grammar.acceptance import BOUNDS
from tests.ablations.study import ARMS, ablation_seeds

ODD = re.compile(r"\b(nan|NaN|None|inf)\b|[-−]0(\.0*)?(?![\d.])")
ESTIMAND = "new seeds, new prompts"
KINDS = ("well told", "ten prompts", "equal on every pair", "all right", "nothing known", "two seeds")


class Stored:
    """A study's results, as tables in memory: by stage rows, or jobs with evaluations."""

    def __init__(self, rows=None, evaluated=None):
        self._rows, self._evaluated = rows or {}, evaluated or {}
        self.gathered = tuple({*self._rows, *self._evaluated})

    def rows(self, stage):
        return self._rows[stage]

    def evaluations(self, stage):
        return self._evaluated.get(stage, [])


def human_preferences(kind):
    """Two heads and a baseline on pairs that leave little to say."""
    n_prompts = 10 if kind == "ten prompts" else 60
    prompt_id_m = np.repeat(np.arange(n_prompts), 6 if kind == "ten prompts" else 1)
    rng, n_pairs = np.random.default_rng(0), len(prompt_id_m)
    one_m, other_m = rng.normal(0.3, 1, (2, n_pairs))
    if kind == "equal on every pair":
        other_m = one_m
    if kind == "all right":
        one_m = other_m = np.full(n_pairs, 2.0)
    if kind == "nothing known":
        one_m = other_m = np.zeros(n_pairs)
    margins = {
        name: pd.DataFrame([margin_m, margin_m], index=pd.Index([100, 1800], name="annotations"))
        for name, margin_m in {"linear_bt": one_m, "mlp_bt": other_m}.items()
    }
    seeds = range(2 if kind == "two seeds" else 1)
    made = [evaluate_pairs(margins, {"shorter": one_m, "random": other_m}, prompt_id_m) for _ in seeds]
    rows = pd.concat([rows.assign(param_seed=seed) for seed, (rows, _) in enumerate(made)], ignore_index=True)
    jobs = [({"world": "hh_rlhf", "seed": seed}, evaluations) for seed, (_, evaluations) in enumerate(made)]
    return Stored({"09_human_preferences": rows}, {"09_human_preferences": jobs})


def said(section):
    """All text of a section, figures' included."""
    texts = [
        section.heading,
        section.scope,
        section.caption,
        *section.answers,
        *section.more,
        *re.findall("<!--(.*?)-->", section.figure),
    ]
    for table in section.tables:
        texts += [table.heading, table.note, *table.columns]
        texts += [f"{cell.text} {cell.small}" for row in table.rows for cell in row]
    return texts


def assert_readable(texts):
    assert texts
    assert not [text for text in texts if ODD.search(text)]


@pytest.mark.parametrize("kind", KINDS)
def test_human_preferences(kind, tmp_path):
    (section,) = learning_sections(human_preferences(kind), tmp_path / "page.html")
    texts = said(section)
    assert_readable(texts)
    against = [text for text in texts if text.startswith("In accuracy (points) BT MLP is, against linear BT")]
    if kind == "ten prompts":
        assert "no interval: 10 prompts are too few for a bootstrap over prompts, which needs 20" in against[0]
        assert "they have no interval, because 10 prompts are too few" in section.caption
    if kind in ("well told", "two seeds"):
        assert "bands are 95% intervals" in section.caption
    if kind in ("equal on every pair", "all right"):
        assert "equal on every prompt with 100 and 1,800." in against[0]


@pytest.mark.parametrize("hard", [0.0, 1.0])
@pytest.mark.parametrize("n_prompts", [10, 60])
@pytest.mark.parametrize("n_seeds", [1, 2, 5])
@pytest.mark.parametrize("world", ["grammar", "hh_rlhf"])
def test_the_split_ablation(world, n_seeds, n_prompts, hard):
    gold = {"metrics": ("spearman", "best_of_n"), "betas": [0.5, np.inf]}
    people = {"metrics": ("accuracy", "log_loss"), "betas": [None]}
    seeds = ablation_seeds(
        dict.fromkeys(ARMS, 0.0), annotations=[100, 1800], n_seeds=n_seeds, n_prompts=n_prompts, hard=hard, noise=0.0,
        **(gold if world == "grammar" else people),
    )  # fmt: skip
    jobs = [({"world": world, "seed": seed}, one) for seed, one in enumerate(seeds)]
    stored = Stored(evaluated={"10_validation_split": jobs})
    for draw in FIGURES.values():
        for drawn in draw(stored):
            tables = [f"{cell.text} {cell.small}" for table in drawn.tables for row in table.rows for cell in row]
            assert_readable([drawn.heading, drawn.caption, *tables, *re.findall("<!--(.*?)-->", as_svg(drawn.figure))])


def test_findings():
    rule = Rule("a", "A is better.", "nobody", "04_reward_models", "difference", 0.0, 0.1, "gold", ESTIMAND, {})
    intervals = [
        Interval(-0.0001, -0.0002, 0.0001, 0.95, ESTIMAND, "by hand", 5),
        Interval(0.0, np.nan, np.nan, 0.95, ESTIMAND, "by hand", 5, "all 60 prompts have the value 0"),
        no_interval(ESTIMAND, "this study has no finished job of 04_reward_models"),
    ]
    rows = pd.DataFrame([row_of(rule, interval, rule.digest) for interval in intervals])
    (section,) = finding_sections(stored_findings(Stored({"07_figures": rows})))
    assert_readable(said(section))


TINY = Interval(-0.0001, -0.0002, 0.0001, 0.95, ESTIMAND, "by hand", 5)
NO_WIDTH = Interval(0.0, 0.0, 0.0, 0.95, ESTIMAND, "by hand", 5)
WIDE = Interval(-0.0, -2.0, 3.0, 0.95, ESTIMAND, "by hand", 5)
BELOW = Interval(-0.0003, -0.0004, -0.0001, 0.95, ESTIMAND, "by hand", 5, df=4.0)
EQUAL = Interval(0.0, np.nan, np.nan, 0.95, ESTIMAND, "by hand", 5, "all 60 prompts have the value 0")
LACKING = no_interval(ESTIMAND, "this study has no finished job of 04_reward_models")


@pytest.mark.parametrize("interval", [TINY, NO_WIDTH, WIDE, BELOW, EQUAL, LACKING])
@pytest.mark.parametrize("matters", [1e-6, 0.05, 1.0])
@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.heading)
def test_the_answers(question, interval, matters):
    """Whatever leads a question, and however many statements there are."""
    rules = [
        Rule(leading.rule, "A.", "nobody", question.stages[0], "difference", 0.0, matters, "nats", ESTIMAND, {})
        for leading in question.leading
    ]
    for led in (rules[:1], rules):
        rows = pd.DataFrame([row_of(rule, interval, rule.digest) | {"in_study": True} for rule in led])
        stored = stored_findings(Stored({"07_figures": among_many(rows)}))
        (answer,), _ = answers_and_rest(stored, [])
        sentences = [text for one in answer.sentences for text in (one.text, one.short)]
        assert_readable([answer.heading, answer.note, *sentences])
        (section,) = finding_sections(stored)
        assert_readable(said(section))


def test_findings_of_an_earlier_version():
    """They say what they know, and that they were not corrected for many statements."""
    rule = Rule("a", "A is better.", "nobody", "04_reward_models", "difference", 0.0, 0.1, "gold", ESTIMAND, {})
    shown = Interval(0.2, 0.1, 0.3, 0.95, ESTIMAND, "by hand", 5)
    rows = pd.DataFrame([row_of(rule, shown, rule.digest)]).drop(columns=["question", "p_value"])
    stored = stored_findings(Stored({"07_figures": rows}))
    (section,) = finding_sections(stored)
    assert_readable(said(section))
    assert [text for text in section.answers if "earlier version" in text]
    (answer,), _ = answers_and_rest(stored.assign(fit="d-optimal-beats-random"), [])
    assert (
        answer.sentences[0].text
        == "D-optimal choice orders responses better than labelling at random: +0.20 gold (0.10 to 0.30)."
    )


def test_a_study_without_verdicts():
    stored = stored_findings(Stored())
    assert list(finding_sections(stored)) == []
    assert answers_and_rest(stored, []) == ([], [])


@pytest.mark.parametrize("n_seeds", [1, 3])
def test_the_grammar_world(n_seeds, tmp_path):
    """Figures that are missing, or round to minus nothing."""
    figures = {name: [("all", np.nan)] for name in (*BOUNDS, "stopped")} | {"tokens_mean": [("all", -0.01)]}
    figures |= {name: [("all", -0.001), ("pets", -0.001)] for name in ("gold_mean", "q05", "q25", "q50", "q75", "q95")}
    rows = [
        {"param_world_seed": seed, "param_task": "helpful", "param_generator": generator, "param_gold": "rule",
         "scorer": "rule", "part": "test", "metric": metric, "category": category, "value": value}
        for seed in range(n_seeds) for generator in ("base", "sft")
        for metric, values in figures.items() for category, value in values
    ]  # fmt: skip
    stored = Stored({"02_sampling": pd.DataFrame(rows)})
    (section,) = world_sections(stored, tmp_path / "page.html")
    assert_readable(said(section))
    assert_readable([text for text, _ in world_notices(stored)])
