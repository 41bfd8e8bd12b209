"""The report's first section on pairs that people bring: what to do with them, in sentences.

Of studies that ask for it (`refit`). The labels themselves are spoken of where the margins are: in the notebook, and by
`rmkit fit`.
"""

import re
from collections.abc import Iterator

from rmkit.evaluation.choice import choose_head
from rmkit.figures.looks import called
from rmkit.findings.decision import decide
from rmkit.report.exhibits.settings import Results, headed, settings
from rmkit.report.parts import Section

STAGE = "09_human_preferences"
SCOPE = (
    "Intervals are about new prompts, these fits. The rule by which a head is kept was fixed before any data were "
    "seen: the simplest that the most accurate one is not shown to beat. A difference counts where its interval lies "
    "on one side of 0."
)


def decision_sections(results: Results) -> Iterator[Section]:
    """A section for each set of parameters of 09_human_preferences that keeps a reward model."""
    for setting in settings(results, STAGE, refit=True):
        choice = choose_head(setting.seeds)
        answers = [f"{question} {answer}" for question, answer in decide(setting.seeds, choice).answers.items()]
        names = {name: called(name) for name in choice.accuracies["reward_model"]}
        yield Section(
            heading=headed("What to do with these pairs", setting.told_apart),
            scope=SCOPE,
            answers=tuple(_named(answer, names) for answer in answers),
        )


def _named(text: str, names: dict[str, str]) -> str:
    """The text with reward models called as sentences call them."""
    known = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    return re.sub(rf"\b({known})\b", lambda found: names[found[0]], text)
