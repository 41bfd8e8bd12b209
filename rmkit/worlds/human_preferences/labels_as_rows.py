"""Labels of people as rows and as pairs that were shown, with their texts: the forms that label_files.py writes.

Knows labels and the pool that they are of; no file.
"""

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

from rmkit.annotation.people.label_log import TIE, Label
from rmkit.errors import DataError, quoted
from rmkit.worlds.human_preferences.second_judgements import AGAIN
from rmkit.worlds.human_preferences.tool_records import ANNOTATOR, ARGILLA, LABEL_STUDIO, LEFT, PAIR, RIGHT, Shown

if TYPE_CHECKING:
    from rmkit.active.label_pool import Pool

Form = Literal["trl", "shown", "label_studio", "argilla"]
TRL: Final = "trl"
SHOWN: Final = "shown"
FORMS: tuple[Form, ...] = (TRL, SHOWN, LABEL_STUDIO, ARGILLA)
COLUMNS_OF = {
    TRL: ("prompt", "chosen", "rejected", "label", ANNOTATOR, PAIR),
    SHOWN: ("prompt", "response_a", "response_b", "label", ANNOTATOR, PAIR),
}


def columns_of(pool: "Pool", form: Form) -> tuple[str, ...]:
    """The columns of the rows that `row_of` gives."""
    return COLUMNS_OF[form] + ((AGAIN,) if pool.is_list else ())


def row_of(pool: "Pool", label: Label, form: Form) -> dict[str, Any]:
    """A label as a row of a form; of a list of labels to look at again, it says that it is a second judgement."""
    prompt, left, right = _sides(pool, label.pick.first, label.pick.second, label.shown_left)
    rest = {ANNOTATOR: label.annotator, PAIR: label.pick.pair} | ({AGAIN: True} if pool.is_list else {})
    said = _said(label)
    if form == TRL:
        won, lost = (right, left) if said == RIGHT else (left, right)
        if said == TIE:
            _, won, lost = _sides(pool, label.pick.first, label.pick.second, None)
        return {"prompt": prompt, "chosen": won, "rejected": lost, "label": TIE if said == TIE else None, **rest}
    letter = {LEFT: "a", RIGHT: "b", TIE: TIE}[said]
    return {"prompt": prompt, "response_a": left, "response_b": right, "label": letter, **rest}


def _said(label: Label) -> str:
    """LEFT, RIGHT or TIE; where nobody knows what was on the left, the first counts as that."""
    if label.answer == TIE:
        return TIE
    return RIGHT if (label.winner == label.pick.second) != (label.shown_left == label.pick.second) else LEFT


def _sides(pool: "Pool", first: str, second: str, left: str | None) -> tuple[str, str, str]:
    """The prompt, the response on the left and the one on the right, of two responses by their ids."""
    one, other = (pool.position[name] for name in ((second, first) if left == second else (first, second)))
    texts = pool.bank.responses["response"]
    prompt = pool.bank.prompts.set_index("prompt_id")["prompt"].loc[pool.bank.prompt_id_r[one]]
    return prompt, texts[one], texts[other]


def shown_pairs(pool: "Pool", labels: Sequence[Label], to_ask: Sequence[str]) -> list[Shown]:
    """Each pair as people saw it, with what they said; then the pairs to ask about, the left one by the id's hash."""
    answers: dict[tuple[str, str, str], list[tuple[str, str]]] = {}
    for label in labels:
        pick = label.pick
        left, right = (pick.second, pick.first) if label.shown_left == pick.second else (pick.first, pick.second)
        answers.setdefault((pick.pair, left, right), []).append((label.annotator, _said(label)))
    for pair in to_ask:
        if pair not in pool.pair_of:
            raise DataError(f"to_ask: {quoted(pair)} is no pair of this queue; give ids of its pairs")
        ids = [pool.response_ids[r] for r in pool.pair_of[pair]]
        turn = -1 if hashlib.sha256(pair.encode()).digest()[0] % 2 else 1
        left, right = ids[::turn]
        answers.setdefault((pair, left, right), [])
    return [Shown(pair, *_sides(pool, left, right, left), tuple(said)) for (pair, left, right), said in answers.items()]
