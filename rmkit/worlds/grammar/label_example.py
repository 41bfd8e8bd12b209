"""A small file of made-up prompts with several responses each, to label without texts of one's own.

The responses are the grammar's, some well said and beside the point, so that the gold rule can judge them and a
simulated person has something to go by. Knows the grammar; no labels.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rmkit.seeding import generator
from rmkit.worlds.grammar.drawing import CORPUS, DEMONSTRATED, drawn_question, frames
from rmkit.worlds.grammar.gold_rule import score_by_rule
from rmkit.worlds.grammar.judge_corpus import judged_answer
from rmkit.worlds.grammar.phrases import read_grammar

if TYPE_CHECKING:
    import numpy as np


def write_example(
    path: str | Path, grammar_folder: str | Path, *, n_prompts: int = 60, n_responses: int = 4, seed: int = 0
) -> Path:
    """Write rows of `prompt` and `responses`, n different ones each, unless the file is there; its path."""
    path = Path(path)
    if path.exists():
        return path
    grammar = read_grammar(grammar_folder)
    rng = generator(seed, "grammar", "label example")
    asked = frames(grammar, "corpus")
    rows: dict[str, list[str]] = {}
    while len(rows) < n_prompts:
        frame, called, prompt = drawn_question(asked, rng)
        answers = rows.setdefault(prompt, [])
        while len(answers) < n_responses:
            law = CORPUS if len(answers) % 2 else DEMONSTRATED
            answer = judged_answer(grammar, frame, asked, law, rng, called)
            answers += [answer] if answer not in answers else []
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps({"prompt": prompt, "responses": answers}) + "\n" for prompt, answers in rows.items())
    path.write_text("".join(lines), encoding="utf-8")
    return path


def gold_rewards(grammar_folder: str | Path, prompts: Sequence[str], answers: Sequence[str]) -> "np.ndarray":
    """(R,) float32: what the gold rule gives to R answers, each after its prompt."""
    return score_by_rule(read_grammar(grammar_folder), prompts, answers)[0]
