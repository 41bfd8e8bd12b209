"""The report's first sections on pairs that people bring: what to do with them, in sentences, each beside its figure.

Of studies that ask for it (`refit`). With several seeds, what is said of single pairs and labels is of the first one.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from rmkit.annotation.crowd_noise import accuracy_ceiling
from rmkit.artifacts.evaluations import Evaluations
from rmkit.evaluation.choice import ACCURACY, Choice, choose_head
from rmkit.evaluation.curves import learning_curves
from rmkit.evaluation.extrapolated import FEWEST_COUNTS, continued, last_step
from rmkit.evaluation.held_out import MARGIN, of_stored
from rmkit.figures.decision import accuracies_figure, continued_figure, shortcuts_figure
from rmkit.figures.distributions import margin_figure
from rmkit.figures.looks import called
from rmkit.figures.reliability import reliability_figure
from rmkit.findings.decision import MORE, Decision, decide, repeated_labels
from rmkit.findings.shortcuts import by_length, share, shares_of
from rmkit.measures.margins import reliability_bins
from rmkit.report.exhibits.settings import Results, headed, named, settings
from rmkit.report.parts import Section, Table, TableCell, as_svg
from rmkit.study.planning.keys import canonical

STAGE = "09_human_preferences"
FEWEST_IN_BIN = 30  # fewer would jump by chance
OF_HEADS = ("Is it learnable?", "Which head?")  # whose answers name reward models
MOST_LISTED = 50  # annotators
LISTED = 10  # of the labels to look at first
SCOPE = (
    "Intervals are about new prompts, these fits, where nothing else is said. The rules were fixed before any data "
    "were seen: the head that is kept is the simplest that the most accurate one is not shown to beat, and a "
    "difference counts where its 95% interval lies on one side of 0."
)


@dataclass(frozen=True)
class Asked:
    """One setting's pairs, as its questions see them."""

    seeds: list[Evaluations]
    choice: Choice
    decision: Decision
    held_out: pd.DataFrame | None  # of the first seed


def decision_sections(results: Results, path: Path) -> Iterator[Section]:
    """The sections of each set of parameters that keeps a reward model; figures beside path too."""
    found = settings(results, STAGE, refit=True)
    tables = {name: _first_of_settings(results, name) for name in ("held_out", "to_label")} if found else {}
    for number, setting in enumerate(found):
        stored, to_label = (tables[name][number : number + 1] for name in ("held_out", "to_label"))
        held_out = of_stored(stored[0]) if stored else None
        choice = choose_head(setting.seeds, asked=setting.parameters.get("keep_head"))
        decision = decide(setting.seeds, choice, held_out=held_out, to_label=to_label[0] if to_label else None)
        yield from _sections(Asked(setting.seeds, choice, decision, held_out), setting.told_apart, path)


def _first_of_settings(results: Results, name: str) -> list[pd.DataFrame]:
    """A table of the first seed of each setting, in the order of `settings`."""
    first: dict[str, pd.DataFrame] = {}
    for parameters, rows in results.tables(STAGE, name):
        if parameters.get("refit"):
            first.setdefault(canonical({key: of for key, of in parameters.items() if key != "seed"}), rows)
    return list(first.values())


def _sections(asked: Asked, told_apart: str, path: Path) -> Iterator[Section]:
    names = {name: called(name) for name in asked.choice.accuracies["reward_model"]}
    figures = {
        "Is it learnable?": (
            "accuracies",
            _accuracies,
            "Dots are accuracies on held-out pairs, lines their intervals; random is what guessing gives on average.",
        ),
        "Would more labels help?": (
            "more-labels",
            _continued,
            "The hatched band is where the curve may go on; the diamond is what the same rule, without the last "
            "number, foretold for it.",
        ),
        "Is it as sure as it should be?": ("how-sure", _reliability, "Points on the diagonal are as sure as right."),
        "Are there shortcuts?": (
            "shortcuts",
            _shortcuts,
            "Left, who prefers the answer with more of a trait; right, the head's accuracy by which answer is longer.",
        ),
        "How noisy are the labels?": (
            "margins",
            _margins,
            "Held-out pairs by how sure the head is. Wrong orders with a large margin are weak spots or wrong labels.",
        ),
    }
    scope = SCOPE
    for question, answer in asked.decision.answers.items():
        name, draw, caption = figures.get(question, ("", None, ""))
        figure = draw(asked) if draw else None
        if figure is not None:
            figure.savefig(path.with_name(f"{path.stem}-{named(name, told_apart)}.png"))
        if draw is _reliability and asked.held_out is not None:
            left = _left_out(asked.held_out)
            caption, answer = f"{caption} {left}".rstrip(), answer if figure is not None else f"{answer} {left}"
        yield Section(
            heading=headed(question, told_apart),
            scope=scope,
            answers=(_named(answer, names) if question in OF_HEADS else answer,),
            figure=as_svg(figure) if figure is not None else "",
            caption=caption if figure is not None else "",
            tables=TABLES[question](asked) if question in TABLES else (),
        )
        scope = ""


def _accuracies(asked: Asked) -> Figure:
    repeated = None if asked.held_out is None else repeated_labels(asked.held_out)
    return accuracies_figure(asked.choice.accuracies, None if repeated is None else accuracy_ceiling(repeated))


def _continued(asked: Asked) -> Figure | None:
    curves = learning_curves(asked.seeds)
    mine = curves[(curves["reward_model"] == asked.choice.name) & (curves["metric"] == ACCURACY)]
    if len(mine) < FEWEST_COUNTS:
        return None
    pairs = 0 if asked.held_out is None else len(asked.held_out)
    band = continued(asked.seeds, asked.choice.name, max(asked.choice.annotations, pairs) + MORE)
    step, before = last_step(asked.seeds, asked.choice.name), mine.sort_values("annotations")["mean"].iloc[-2]
    return continued_figure(mine, band, None if step is None else (float(before), step[0].gain))


def _reliability(asked: Asked) -> Figure | None:
    if asked.held_out is None:
        return None
    bins = pd.DataFrame(reliability_bins(asked.held_out[MARGIN].to_numpy())).assign(reward_model=asked.choice.name)
    bins = bins[bins["pairs"] >= FEWEST_IN_BIN]
    return reliability_figure(bins) if len(bins) else None


def _left_out(held_out: pd.DataFrame) -> str:
    """How many pairs are in bins that the figure leaves out, where there are some."""
    bins = reliability_bins(held_out[MARGIN].to_numpy())
    few, every = float(bins["pairs"][bins["pairs"] < FEWEST_IN_BIN].sum()), len(held_out)
    if not few:
        return ""
    if few == every:
        return f"No figure: no bin of confidence holds {FEWEST_IN_BIN} of the {every:,} pairs."
    return f"Bins of fewer than {FEWEST_IN_BIN} pairs are left out; they hold {few:,.0f} of the {every:,} pairs."


def _shortcuts(asked: Asked) -> Figure | None:
    if asked.held_out is None:
        return None
    shares, lengths = shares_of(asked.held_out), by_length(asked.held_out)
    return shortcuts_figure(shares, lengths) if shares else None


def _margins(asked: Asked) -> Figure | None:
    if asked.held_out is None:
        return None
    return margin_figure(asked.held_out[[MARGIN]].assign(reward_model=asked.choice.name))


def _suspects(asked: Asked) -> tuple[Table, ...]:
    """The labels that the margins contradict most, by their lines."""
    suspects = asked.decision.suspects
    if suspects is None or asked.held_out is None or suspects.empty:
        return ()
    shown = suspects.head(LISTED)
    lines = asked.held_out.loc[shown["pair"], "line"]
    rows = [
        [TableCell(f"{line:,}"), TableCell(f"{other:.0%}")]
        for line, other in zip(lines, shown["probability"], strict=True)
    ]
    note = (
        f"The first {len(shown)} of {len(suspects)}, by lines of the file; how likely another label would be the other "
        "one, were the margin all that decides labels."
    )
    return (Table("Labels to look at first", note, ["line", "the other label"], rows),)


def _people(asked: Asked) -> tuple[Table, ...]:
    """Those who judged, the ones who are right least often first."""
    crowd = asked.decision.crowd
    if crowd is None or crowd.people.empty:
        return ()
    shown = crowd.people.head(MOST_LISTED)
    rows = [
        [
            TableCell(row["annotator"]),
            TableCell(f"{row['judgements']:,}"),
            TableCell(share(row["agrees"])),
            TableCell(f"{row['right']:.1%} ({row['right_low']:.1%} to {row['right_high']:.1%})"),
            TableCell(f"{row['head']:.1%}"),
        ]
        for row in shown.to_dict("records")
    ]
    note = (
        f"{len(shown)} of {crowd.n_people} people, numbered as they appear in the file, the ones who are right least "
        "often first. Agrees: how often most of the others gave the same answer. Right: how many of their labels are "
        "true by how far they agree with everybody (Dawid and Skene's model, each one shrunk towards the mean of all); "
        "what all get wrong together is not seen. Head: how often the head, which saw none of these labels, says the "
        "same. Intervals: 95%; of agreement, for new prompts and these people."
    )
    return (Table("Annotators", note, ["annotator", "judgements", "agrees", "right", "head"], rows),)


TABLES = {"Which labels to look at first?": _suspects, "Do annotators agree?": _people}


def _named(text: str, names: Mapping[str, str]) -> str:
    """The text with reward models called as sentences call them."""
    known = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    return re.sub(rf"\b({known})\b", lambda found: names[found[0]], text)
