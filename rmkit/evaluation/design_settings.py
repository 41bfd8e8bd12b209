"""Test-set designs A to I of arXiv 2410.05584, section 4, as settings: what each draws, from which responses.

A setting is a design with its values; the columns of result rows say which. Knows designs and numbers: no score. Where
a setting cannot be drawn from these responses (a budget that pays for more prompts than there are) it is left out.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from rmkit.errors import DataError
from rmkit.evaluation.test_sets.annotation import UNITS, Annotation
from rmkit.evaluation.test_sets.annotation_noise import AnnotationNoise
from rmkit.evaluation.test_sets.category import InCategory
from rmkit.evaluation.test_sets.design import Design
from rmkit.evaluation.test_sets.fixed_budget import FixedBudget, prompts_for
from rmkit.evaluation.test_sets.judged import JudgedResponses
from rmkit.evaluation.test_sets.number_of_pairs import NumberOfPairs
from rmkit.evaluation.test_sets.paraphrase_share import ParaphraseShare
from rmkit.evaluation.test_sets.rank_bins import RankBins
from rmkit.evaluation.test_sets.response_source import MIXED, ResponseSource
from rmkit.evaluation.test_sets.responses_a_prompt import ResponsesAPrompt
from rmkit.measures.registry import AGAINST_GOLD

DESIGN_NAMES: Mapping[str, str] = {
    "A": "response_source",
    "B": "rank_bins",
    "C": "category",
    "D": "paraphrase_share",
    "E": "number_of_pairs",
    "F": "responses_a_prompt",
    "G": "fixed_budget",
    "H": "annotation_noise",
    "I": "measure",
}
NUMBERS = (  # columns of result rows that say which setting; missing where a design has no such thing
    *("n_responses", "n_pairs", "share", "flip", "temperature", "votes", "budget"),
    *("chosen_bin", "rejected_bin"),
)
TEXTS = ("unit", "source", "own", "category")  # the same, "" where a design has no such thing
LABELLED = "GH"  # of comparisons, annotators say how many a response wins: a measure that wants gold sees these
OWN, WRITERS, WORDINGS = "own", "writers", "wordings"  # the responses of a setting: see `Responses`


@dataclass(frozen=True, eq=False)
class Responses:
    """Judged responses to the P measuring prompts with what F reward models give them: (F, P, K), or (F, V, P, K).

    Of the policy's own writer (OWN), of two writers together (WRITERS), or in several wordings (WORDINGS). All are on
    the same prompts in the same order.
    """

    judged: JudgedResponses
    score_fvpk: np.ndarray


@dataclass(frozen=True, eq=False)
class Setting:
    """A design at its values. measures: names of AGAINST_GOLD that are taken on it."""

    letter: str
    design: Design
    measures: tuple[str, ...]
    values: Mapping[str, Any]  # numbers of NUMBERS and texts of TEXTS
    responses: str = OWN

    @property
    def by_labels(self) -> bool:
        """Whether it is measured by what annotators said, as where these are paid for or err; else by gold itself."""
        return self.letter in LABELLED

    @property
    def columns(self) -> dict[str, float | str]:
        """All columns of result rows that say which setting."""
        said: dict[str, float | str] = {"design": self.letter, "design_name": DESIGN_NAMES[self.letter]}
        said |= {name: float(self.values.get(name, np.nan)) for name in NUMBERS}
        return said | {name: str(self.values.get(name, "")) for name in TEXTS}

    def __str__(self) -> str:
        """For people and for the names of rows: D share=0.5."""
        told = (f"{name}={value:g}" if isinstance(value, float | int) else f"{name}={value}"
                for name, value in self.values.items())  # fmt: skip
        return " ".join([self.letter, *told])


@dataclass(frozen=True)
class Asked:
    """What of each design is asked for, by the parameters of notebook 14. An empty list leaves its design out."""

    n_measured: int  # responses to a prompt of C, D, H and I
    design_measures: Sequence[str]  # of A to H, names of AGAINST_GOLD
    n_bins: int
    shares: Sequence[float]
    n_pairs: Sequence[int]
    n_responses: Sequence[int]
    budgets: Sequence[int]
    label_flips: Sequence[float]
    label_temperatures: Sequence[float]
    votes: Sequence[int]

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> "Asked":
        """By the values of its fields' names among parameters."""
        return cls(**{one.name: parameters[one.name] for one in fields(cls)})

    @property
    def measures(self) -> tuple[str, ...]:
        return tuple(self.design_measures)

    @property
    def all_measures(self) -> tuple[str, ...]:
        """Of I: every measure that so many responses are enough for."""
        return tuple(name for name, measure in AGAINST_GOLD.items() if measure.fewest <= self.n_measured)


def settings_of(asked: Asked, of: Mapping[str, Responses]) -> list[Setting]:
    """Every setting that these responses allow, A to I. DataError for more responses or pairs than a prompt has."""
    own = of[OWN].judged
    if too_many := [m for m in (*asked.n_responses, asked.n_measured) if not 2 <= m <= own.n_responses]:
        raise DataError(f"{too_many[0]} responses to a prompt: a design takes 2 to {own.n_responses}, as a prompt has")
    found = [*_sources(asked, of), *_rank_bins(asked, of), *_categories(asked, own)]
    if WORDINGS in of:
        for share in asked.shares:
            plain = ResponsesAPrompt(asked.n_measured)
            values = {"n_responses": asked.n_measured, "share": share}
            found.append(Setting("D", ParaphraseShare(plain, share), asked.measures, values, WORDINGS))
    found += [Setting("E", NumberOfPairs(n), asked.measures, {"n_responses": 2, "n_pairs": n}) for n in asked.n_pairs]
    found += [Setting("F", ResponsesAPrompt(m), asked.measures, {"n_responses": m}) for m in asked.n_responses]
    found += [*_budgets(asked, own), *_noises(asked)]
    measured = {"n_responses": asked.n_measured}
    return [*found, Setting("I", ResponsesAPrompt(asked.n_measured), asked.all_measures, measured)]


def _sources(asked: Asked, of: Mapping[str, Responses]) -> Iterator[Setting]:
    """A: a pair a prompt, of one writer, of the other, or of both."""
    if WRITERS not in of:
        return
    first, second = writers_of(of[WRITERS].judged)
    for source in (first, second, MIXED):
        design = ResponseSource(source, own=first)
        values = {"n_responses": 2, "source": source, "own": first}
        yield Setting("A", design, asked.measures, values, WRITERS)


def _rank_bins(asked: Asked, of: Mapping[str, Responses]) -> Iterator[Setting]:
    """B: a pair a prompt, its responses from two bins of gold; of each writer where there are two."""
    pools = {"": OWN} if WRITERS not in of else {writer: writer for writer in writers_of(of[WRITERS].judged)}
    for source, pool in pools.items():
        for chosen in range(asked.n_bins):
            for rejected in range(chosen + 1):
                values: dict[str, Any] = {"n_responses": 2, "chosen_bin": chosen, "rejected_bin": rejected}
                values |= {"source": source} if source else {}
                yield Setting("B", RankBins(chosen, rejected, asked.n_bins), asked.measures, values, pool)


def _categories(asked: Asked, own: JudgedResponses) -> Iterator[Setting]:
    """C: prompts of one category."""
    if own.category_p is None:
        return
    for category in sorted(map(str, np.unique(own.category_p))):
        design, values = InCategory(category, asked.n_measured), {"n_responses": asked.n_measured, "category": category}
        yield Setting("C", design, asked.measures, values)


def _budgets(asked: Asked, own: JudgedResponses) -> Iterator[Setting]:
    """G: a budget in each unit, spent on few responses to many prompts or the other way round."""
    for budget in asked.budgets:
        for unit in UNITS:
            for m in asked.n_responses:
                annotation = Annotation(unit=unit)
                if annotation.cost(m) <= budget and 2 <= prompts_for(budget, m, annotation) <= own.n_prompts:
                    values = {"n_responses": m, "budget": budget, "unit": unit}
                    yield Setting("G", FixedBudget(budget, m, annotation), asked.measures, values)


def _noises(asked: Asked) -> Iterator[Setting]:
    """H: labels without noise, with flips, or from a Bradley-Terry law, each by one or several votes."""
    noises = [(0.0, 0.0), *((flip, 0.0) for flip in asked.label_flips), *((0.0, t) for t in asked.label_temperatures)]
    for flip, temperature in dict.fromkeys(noises):
        for votes in asked.votes if flip or temperature else (1,):
            annotation = Annotation(flip=flip, temperature=temperature, votes=votes)
            values = {"n_responses": asked.n_measured, "flip": flip, "temperature": temperature, "votes": votes}
            yield Setting("H", AnnotationNoise(ResponsesAPrompt(asked.n_measured), annotation), asked.measures, values)


def writers_of(judged: JudgedResponses) -> tuple[str, str]:
    """The two writers of responses in the order in which they come, or DataError."""
    found: Sequence[str] = [] if judged.source_pk is None else list(dict.fromkeys(map(str, judged.source_pk.ravel())))
    if len(found) != 2:
        raise DataError(f"writers: {', '.join(found) or 'none'}; to compare sources takes two")
    return found[0], found[1]


def beside(of_writers: Mapping[str, tuple[JudgedResponses, np.ndarray]]) -> dict[str, Responses]:
    """Each writer's responses by its name, and both side by side as WRITERS. DataError for other prompts' counts.

    of_writers: judged responses and (F, P, K) scores of each, on the same prompts; the policy's own writer first.
    """
    parts = {writer: Responses(judged, score_fpk) for writer, (judged, score_fpk) in of_writers.items()}
    if len(counts := {one.judged.n_prompts for one in parts.values()}) > 1:
        raise DataError(f"writers: answer {' and '.join(map(str, sorted(counts)))} prompts; they must answer the same")
    source_pk = np.concatenate(
        [np.full(one.judged.gold_pk.shape, writer, dtype=object) for writer, one in parts.items()], axis=1
    )
    gold_pk = np.concatenate([one.judged.gold_pk for one in parts.values()], axis=1)
    score_fpk = np.concatenate([one.score_fvpk for one in parts.values()], axis=2)
    return parts | {WRITERS: Responses(JudgedResponses(gold_pk, source_pk), score_fpk)}
