"""What the encoder and the gold model learn from: answers, what readers note of them, pairs that the rule orders.

Some of the answers were given to another question, and some were given by a language model: a judge that has read only
good grammar tells neither from the right ones. Knows the grammar, its rule and texts; trains nothing.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rmkit.seeding import generator
from rmkit.worlds.grammar.drawing import (
    CORPUS,
    DEMONSTRATED,
    AnswerLaw,
    Frame,
    Part,
    answer_text,
    drawn_question,
    frames,
    pick,
    remarks_made,
)
from rmkit.worlds.grammar.gold_rule import score_by_rule, understood
from rmkit.worlds.grammar.phrases import REMARKS, Grammar

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

ELSEWHERE = 0.3  # how often an answer that is to be judged was given to another question: a hard negative
ANSWERS_EACH = 4  # of a model to one prompt
STANCES = ("refusals", "agreements")
PAIR = ["prompt", "chosen", "rejected", "margin"]


def judged_answer(
    grammar: Grammar, frame: Frame, asked: Sequence[Frame], law: AnswerLaw, rng: "np.random.Generator", called: int
) -> str:
    """An answer to the frame, or now and then to another of the task's: well said and beside the point."""
    if rng.random() < ELSEWHERE:
        frame = pick([other for other in asked if other.category.task == frame.category.task], rng)
    return answer_text(grammar, frame, law, rng, called)


def answered_table(grammar: Grammar, n: int, rng: "np.random.Generator") -> "pd.DataFrame":
    """n prompts of the corpus with an answer that is to be judged: columns prompt, response.

    Half of the answers are drawn under the corpus's law and half under the demonstrations'.
    """
    import pandas as pd

    asked = frames(grammar, "corpus")
    rows = []
    for number in range(n):
        frame, called, prompt = drawn_question(asked, rng)
        answer = judged_answer(grammar, frame, asked, (CORPUS, DEMONSTRATED)[number % 2], rng, called)
        rows.append({"prompt": prompt, "response": answer})
    return pd.DataFrame(rows, columns=["prompt", "response"])


def notes(grammar: Grammar) -> tuple[str, ...]:
    """What a reader may note of an answer: the remarks made on it, what it is asked and advises about, its stance."""
    names = [category.name for category in grammar.categories]
    return (*REMARKS, *(f"asked about {name}" for name in names), *(f"advises on {name}" for name in names), *STANCES)


def noted(grammar: Grammar, answered: "pd.DataFrame", rng: "np.random.Generator") -> "pd.DataFrame":
    """The rows of prompt and response with a 0/1 column for each of notes(grammar)."""
    import pandas as pd

    rows = []
    for prompt, answer in zip(answered["prompt"], answered["response"], strict=True):
        asked = understood(grammar, prompt, "prompt")
        found = list(grammar.find(answer))
        seen = {*remarks_made(grammar, asked, answer, rng), f"asked about {asked.category.name}"}
        seen |= {f"advises on {meaning.category}" for meaning in found if meaning.kind in ("step", "hazard")}
        seen |= {meaning.kind for meaning in found if meaning.kind in STANCES}
        rows.append({note: int(note in seen) for note in notes(grammar)})
    return pd.concat([answered.reset_index(drop=True), pd.DataFrame(rows, columns=list(notes(grammar)))], axis=1)


def gold_pairs(grammar: Grammar, n: int, *, seed: int, part: Part = "corpus") -> "pd.DataFrame":
    """n pairs of the grammar's answers to one prompt of a part, ordered by the rule: prompt, chosen, rejected, margin.

    Half are drawn under the corpus's law and half under the demonstrations', so that answers of both kinds are told
    apart; equal rewards are drawn again. margin: the difference of the rule's rewards.
    """
    import pandas as pd

    rng = generator(seed, "grammar", "gold pairs", part)
    asked = frames(grammar, part)
    rows: list[dict[str, object]] = []
    while len(rows) < n:
        frame, called, prompt = drawn_question(asked, rng)
        law = CORPUS if len(rows) % 2 else DEMONSTRATED
        answers = [judged_answer(grammar, frame, asked, law, rng, called) for _ in range(2)]
        rows += ordered(prompt, answers, score_by_rule(grammar, [prompt, prompt], answers)[0])
    return pd.DataFrame(rows, columns=PAIR)


def model_pairs(grammar: Grammar, answers: "pd.DataFrame") -> "pd.DataFrame":
    """The columns of gold_pairs for a model's answers: each of a prompt's with the next, the last with the first."""
    import pandas as pd

    prompt_r, answer_r = answers["prompt"].tolist(), answers["response"].tolist()
    reward_r, _ = score_by_rule(grammar, prompt_r, answer_r)
    rows: list[dict[str, object]] = []
    for start in range(0, len(answers), ANSWERS_EACH):
        for place in range(ANSWERS_EACH):
            first, second = start + place, start + (place + 1) % ANSWERS_EACH
            rows += ordered(prompt_r[start], [answer_r[first], answer_r[second]], reward_r[[first, second]])
    return pd.DataFrame(rows, columns=PAIR)


def ordered(prompt: str, answers: list[str], rewards: "np.ndarray") -> list[dict[str, object]]:
    """A row of gold_pairs for two answers and their rewards; none if these are equal."""
    first, second = rewards
    if first == second:
        return []
    chosen, rejected = answers if first > second else answers[::-1]
    return [dict(zip(PAIR, (prompt, chosen, rejected, float(abs(first - second))), strict=True))]
