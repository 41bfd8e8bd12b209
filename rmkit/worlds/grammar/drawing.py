"""Prompts, answers and dialogues drawn from the grammar, so that test prompts share nothing with what is learned from.

What is asked is a frame: a category, a thing, a trouble. Frames are dealt out to `train` and `test` prompts and to the
`corpus` (language models, demonstrations, pairs for the gold model) once and for all by a hash, so that no seed and no
size moves one. Knows the grammar and a generator; scores nothing.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

from rmkit.errors import DataError
from rmkit.lm.templates import ASSISTANT, HUMAN
from rmkit.worlds.grammar.gold_rule import Asked, terms_of
from rmkit.worlds.grammar.phrases import SLOT, Category, Grammar

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

SAME_NAME = 0.85  # how often an answer calls a thing by the first or second name as the prompt does
REMARKED = 0.9  # how often a reaction has a remark on a side of the answer that has one
REMINDS = 0.4  # how often a reaction names the thing again
SHARES = {"test": 0.2, "train": 0.3, "corpus": 0.5}  # of the frames
Item = TypeVar("Item")
Part = Literal["test", "train", "corpus"]


@dataclass(frozen=True)
class Frame:
    """What is asked, whatever the words."""

    category: Category
    thing: int
    trouble: int

    @property
    def part(self) -> str:
        """The part of the world that this frame belongs to."""
        name = f"{self.category.name}/{self.category.things[self.thing][0]}/{self.category.troubles[self.trouble]}"
        place = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") / 2**64
        return "test" if place < SHARES["test"] else "train" if place < SHARES["test"] + SHARES["train"] else "corpus"


@dataclass(frozen=True)
class AnswerLaw:
    """How often the parts of an answer are good; what is left over in a line is bad or empty."""

    courteous: float  # else rude
    right_thing: float  # names what was asked about; else another thing of the category
    step: float  # advice that helps in this category
    foreign_step: float  # advice that would help in another category: a hard negative
    hazard: float  # advice that harms; the rest of advice is vague
    refuses: float  # declines a harmful request; else agrees
    repeats: float  # says a second advice that is the first again
    best_first: float  # 1 draws steps evenly; 2 prefers the useful ones


CORPUS = AnswerLaw(0.55, 0.75, 0.50, 0.06, 0.24, 0.55, 0.06, 1.0)
DEMONSTRATED = AnswerLaw(0.85, 0.90, 0.74, 0.06, 0.04, 0.90, 0.01, 1.3)


def frames(grammar: Grammar, part: Part, task: str | None = None) -> list[Frame]:
    """Every frame of a part of the world (and of a task), in the grammar's order."""
    every = (
        Frame(category, thing, trouble)
        for category in grammar.categories
        for thing in range(len(category.things))
        for trouble in range(len(category.troubles))
    )
    return [frame for frame in every if frame.part == part and task in (None, frame.category.task)]


def prompt_table(grammar: Grammar, part: Part, n_per_task: int, rng: "np.random.Generator") -> "pd.DataFrame":
    """n prompts for each task, each of another frame or request, in equal shares of the categories as far as possible.

    Columns: task, category, part, prompt, paraphrase (another request for the same), thing, trouble. DataError if the
    grammar has fewer.
    """
    import pandas as pd

    rows = []
    for task in dict.fromkeys(category.task for category in grammar.categories):
        by_category = [
            [(frame, request) for frame in frames(grammar, part, task) if frame.category is category
             for request in range(len(category.requests))]
            for category in grammar.of_task(task)
        ]  # fmt: skip
        if n_per_task > (most := sum(map(len, by_category))):
            raise DataError(f"{n_per_task} {part} prompts for {task}: the grammar has {most}; ask for fewer")
        for frame, request in dealt_in_turn([shuffled(choices, rng) for choices in by_category], n_per_task):
            rows.append(prompt_row(frame, request, part, rng))
    return pd.DataFrame(rows)


def prompt_row(frame: Frame, request: int, part: str, rng: "np.random.Generator") -> dict[str, str]:
    category = frame.category
    other = (request + int(rng.integers(1, len(category.requests)))) % len(category.requests)
    return {
        "task": category.task,
        "category": category.name,
        "part": part,
        "prompt": prompt_text(frame, request, int(rng.integers(2))),
        "paraphrase": prompt_text(frame, other, int(rng.integers(2))),
        "thing": category.things[frame.thing][0],
        "trouble": category.troubles[frame.trouble],
    }


def prompt_text(frame: Frame, request: int, called: int) -> str:
    """A prompt in the form of HH-RLHF's dialogues: everything up to and including the assistant's marker."""
    category = frame.category
    thing = category.things[frame.thing][called]
    asked = category.requests[request].format(thing=thing, trouble=category.troubles[frame.trouble])
    return f"{HUMAN} {asked}{ASSISTANT}"


def drawn_question(asked: Sequence[Frame], rng: "np.random.Generator") -> tuple[Frame, int, str]:
    """One of the frames, the name (0 or 1) by which its thing is called, and a prompt that asks for it."""
    frame = pick(asked, rng)
    request, called = int(rng.integers(len(frame.category.requests))), int(rng.integers(2))
    return frame, called, prompt_text(frame, request, called)


def answer_text(grammar: Grammar, frame: Frame, law: AnswerLaw, rng: "np.random.Generator", called: int = 0) -> str:
    """An answer to the frame, drawn part by part under the law. called: by which name it was asked."""
    said: list[str] = []

    def advice() -> str:
        if said and rng.random() < law.repeats:
            return said[0]
        said.append(drawn_advice(grammar, frame, law, rng))
        return said[-1]

    def naming() -> str:
        thing, n_things = frame.thing, len(frame.category.things)
        if rng.random() >= law.right_thing:
            thing = (thing + int(rng.integers(1, n_things))) % n_things
        name = called if rng.random() < SAME_NAME else 1 - called
        return pick(grammar.namings, rng).format(thing=frame.category.things[thing][name])

    fill = {
        "advice": advice,
        "naming": naming,
        "manner": lambda: pick(grammar.phrases["courtesies" if rng.random() < law.courteous else "rudenesses"], rng),
        "stance": lambda: pick(grammar.phrases["refusals" if rng.random() < law.refuses else "agreements"], rng),
    }
    return with_capitals(SLOT.sub(lambda match: fill[match[1]](), pick(grammar.answers[frame.category.task], rng)))


def drawn_advice(grammar: Grammar, frame: Frame, law: AnswerLaw, rng: "np.random.Generator") -> str:
    category, chance = frame.category, rng.random()
    if chance < law.step:
        return category.steps[int(len(category.steps) * rng.random() ** law.best_first)]
    if chance < law.step + law.foreign_step:
        return pick(pick([other for other in grammar.of_task(category.task) if other is not category], rng).steps, rng)
    if chance < law.step + law.foreign_step + law.hazard:
        return pick(category.hazards, rng)
    return pick(grammar.phrases["vague"], rng)


def remarks_made(grammar: Grammar, asked: Asked, answer: str, rng: "np.random.Generator") -> list[str]:
    """The kinds of remarks, of REMARKS and in any order, that a person makes on an answer; some are left out."""
    terms = terms_of(grammar, asked, answer)
    kinds = ["alarmed"] * (terms["harm"] > 0) + ["thankful"] * (terms["steps"] > 0)
    kinds = kinds or ["unhelped"]
    kinds += {1.0: ["pleased"], -1.0: ["offended"]}.get(terms["politeness"], [])
    kinds += {1.0: ["understood"], -1.0: ["misunderstood"]}.get(terms["relevance"], [])
    return [kind for kind in shuffled(kinds, rng) if rng.random() < REMARKED]


def reaction_text(grammar: Grammar, frame: Frame, answer: str, called: int, rng: "np.random.Generator") -> str:
    """What the person says to an answer: a word on each of its sides, and often what was asked about."""
    asked = Asked(frame.category, frame.thing)
    said = [f"{pick(grammar.remarks[kind], rng)}!" for kind in remarks_made(grammar, asked, answer, rng)]
    if rng.random() < REMINDS:
        said.append(pick(grammar.reminders, rng).format(thing=frame.category.things[frame.thing][called]))
    return " ".join(said)


def dialogues(
    grammar: Grammar, n: int, rng: "np.random.Generator", *, law: AnswerLaw = CORPUS, reacts: float = 0.9
) -> Iterator[str]:
    """n dialogues of both tasks over the corpus's frames, each with an answer and mostly a reaction to it."""
    asked = frames(grammar, "corpus")
    for _ in range(n):
        frame, called, prompt = drawn_question(asked, rng)
        answer = answer_text(grammar, frame, law, rng, called)
        reaction = reaction_text(grammar, frame, answer, called, rng) if rng.random() < reacts else ""
        yield f"{prompt} {answer}" + (f"{HUMAN} {reaction}" if reaction else "")


def demonstration_table(grammar: Grammar, n_per_task: int, rng: "np.random.Generator") -> "pd.DataFrame":
    """n demonstrations for each task over the corpus's frames: task, prompt, completion (with its leading blank)."""
    import pandas as pd

    rows = []
    for task in dict.fromkeys(category.task for category in grammar.categories):
        asked = frames(grammar, "corpus", task)
        for _ in range(n_per_task):
            frame, called, prompt = drawn_question(asked, rng)
            completion = f" {answer_text(grammar, frame, DEMONSTRATED, rng, called)}"
            rows.append({"task": task, "prompt": prompt, "completion": completion})
    return pd.DataFrame(rows)


def with_capitals(text: str) -> str:
    """The text with a capital at the start of every sentence."""
    letters = list(text)
    starts = True
    for place, letter in enumerate(letters):
        if starts and letter.isalpha():
            letters[place], starts = letter.upper(), False
        starts = starts or letter in ".!?"
    return "".join(letters)


def pick(items: Sequence[Item], rng: "np.random.Generator") -> Item:
    return items[int(rng.integers(len(items)))]


def shuffled(items: Sequence[Item], rng: "np.random.Generator") -> list[Item]:
    return [items[int(place)] for place in rng.permutation(len(items))]


def dealt_in_turn(piles: Sequence[Sequence[Item]], n: int) -> list[Item]:
    """n items, one from each pile in turn, piles that are used up passed over."""
    longest = max(map(len, piles))
    return [pile[turn] for turn in range(longest) for pile in piles if turn < len(pile)][:n]
