"""What the designer's page is asked, and what it answers: a table of designs and sentences, or one sentence of why not.

Knows a bank of scores and numbers; no control, no HTML. The arithmetic is evaluation/designer.py's.
"""

from dataclasses import dataclass

import pandas as pd

from rmkit.errors import DataError
from rmkit.evaluation.design_question import Outcome, Question, Resampling
from rmkit.evaluation.designer import SIZES, Advice, advise, cost_for, plain_designs
from rmkit.evaluation.score_bank import ScoreBank
from rmkit.evaluation.test_sets.annotation import Annotation
from rmkit.evaluation.test_sets.design import Design
from rmkit.figures.looks import look_of
from rmkit.intervals.means import FEWEST_PROMPTS
from rmkit.measures.sample_size import noise_cost
from rmkit.seeding import generator

RESAMPLING = Resampling(n_draws=4, resamples=100)  # with which docs/log/designer-coverage.md says what intervals cover
PROMISES = "95% intervals for new prompts and these reward models"


@dataclass(frozen=True)
class Asked:
    """The state of the page's controls. DataError for numbers that no bank can answer."""

    budget: int = 600
    unit: str = "comparison"
    n: int | None = 16  # of Best-of-n, or
    nats: float | None = None  # mean KL of the KL optimum
    samples: bool = True  # whether responses are samples of the policy
    flip: float = 0.0
    temperature: float = 0.0  # of labels, in standard deviations of gold
    n_models: int = 8
    measures: tuple[str, ...] = ("accuracy", "spearman", "best_of_all")
    criterion: str = "selection_regret"
    half_width: float = 0.02  # that an interval of a measure should have
    seed: int = 0

    @property
    def question(self) -> Question:
        return Question(self.budget, Outcome(self.n, self.nats, self.samples), self.criterion)

    @property
    def annotation(self) -> Annotation:
        """Who labels; ratings have no other side, so flips are those of comparisons alone."""
        flip = self.flip if self.unit == "comparison" else 0.0
        return Annotation(self.unit, flip=flip, temperature=self.temperature)


@dataclass(frozen=True, eq=False)
class Answer:
    """Designs compared, and what to say of them."""

    advice: Advice
    told: str  # the bank, and how many of its models are chosen between
    sentences: tuple[str, ...]  # plain text, the advice's own first

    @property
    def table(self) -> pd.DataFrame:
        return self.advice.table

    @property
    def cannot_tell(self) -> bool:
        return not self.advice.best or bool(self.advice.alike)


def answer(bank: ScoreBank, asked: Asked) -> Answer:
    """What the bank says, or DataError with the one sentence of why it cannot."""
    if not asked.measures:
        raise DataError("measures: choose at least one")
    chosen = bank.thinned(asked.n_models)
    designs = affordable_designs(bank.gold_pk.shape[1], asked.annotation, asked.budget)
    rng = generator(asked.seed, "designer", "advice")
    advice = advise(chosen.judged, chosen.score_fpk, designs, asked.question, rng=rng, measures=asked.measures,
                    resampling=RESAMPLING)  # fmt: skip
    told = f"{bank}; {len(chosen.names)} of them are chosen between; {PROMISES}."
    said = advice.sentence
    for measure in asked.measures:
        said = said.replace(f" by {measure}", f" by {measure_label(measure)}")
    sentences = [said, *_precision(advice, asked), *_of_noise(asked)]
    return Answer(advice, told, tuple(sentences))


def measure_label(measure: str) -> str:
    """What a measure is called in a sentence that lists several: its label up to a comma."""
    return look_of(measure, "measure").label.split(",")[0]


def affordable_designs(n_responses: int, annotation: Annotation, budget: int) -> dict[str, Design]:
    """Designs whose budget pays for as many prompts as an interval takes; of a smaller budget, the cheapest design."""
    every = plain_designs(n_responses, annotation)
    enough = [size for size in SIZES if budget >= FEWEST_PROMPTS * annotation.cost(size)]
    most = max(1, len(enough))  # a row costs the more, the more responses it has
    return dict(list(every.items())[:most])


def _precision(advice: Advice, asked: Asked) -> list[str]:
    """How sure one model's measure is, what the asked half-width takes, and which difference of two models is seen."""
    rows = advice.table[advice.table["reason"].isna()]
    if rows.empty:
        return []
    row = rows.iloc[0]
    needed = cost_for(advice.table.loc[[row.name]], asked.half_width).iloc[0]
    said = (
        f"With {row['design']} to each of {row['n_prompts']:,.0f} prompts, a model's {measure_label(row['measure'])} "
        f"is known to ±{row['half_width']:.2g}. To know it to ±{asked.half_width:g} takes "
        f"{needed['n_prompts']:,.0f} prompts, {needed['cost']:,.0f} {row['unit']}s."
    )
    seen = (
        f"There, a difference of {row['detectable']:.2g} between two of these models is seen with a chance of 80% "
        "(median over pairs of models)."
    )
    return [said, seen]


def _of_noise(asked: Asked) -> list[str]:
    flip = asked.annotation.flip
    if not flip:
        return []
    return [f"Flipped labels cost {noise_cost(flip):.2g} times the pairs for the same interval: 1/(1 − 2 × {flip:g})²."]
