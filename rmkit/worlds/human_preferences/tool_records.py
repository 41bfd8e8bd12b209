"""Pairs and their labels as records of Label Studio and Argilla, and such records as rows that `rmkit fit` reads.

| form | a record | an answer in it |
|---|---|---|
| `label_studio` | a task: `data` and `annotations` | a `pairwise` result, `left` or `right`; or the choice `tie` |
| `argilla` | `fields`, `responses`, `metadata`, `id` | of the label question `preference`, with its `user_id` |

A record has a prompt, a response on the left (`response_a`) and one on the right (`response_b`), the pair's id, and the
answers of everybody who saw the two like that. Label Studio knows its people by e-mail or number, Argilla by user id:
an annotator's name here is that. A task that somebody skipped, and a response that is a draft or discarded, say
nothing. Read are also records that Argilla made flat, as `to_datasets` does (`preference.responses`,
`preference.responses.users`, …), and tasks whose two texts are called text1 and text2.

Knows records; no file. Sources: Label Studio's task format and its tags Pairwise and Choices; Argilla's `Record`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from rmkit.errors import DataError, quoted
from rmkit.worlds.human_preferences.judgements import LABELS, TIES, names_of_two

Tool = Literal["label_studio", "argilla"]
LABEL_STUDIO: Final = "label_studio"
ARGILLA: Final = "argilla"
TOOLS: tuple[Tool, ...] = (LABEL_STUDIO, ARGILLA)
PROMPT, LEFT, RIGHT, PAIR, ANNOTATOR, TIE = "prompt", "response_a", "response_b", "pair", "annotator", "tie"
QUESTION = "preference"
TEXTS = ("text1", "text2")  # as Label Studio's own template calls them
DATA, ANNOTATIONS, FIELDS, RESPONSES, METADATA = "data", "annotations", "fields", "responses", "metadata"
FLAT = tuple(f"{name}.{RESPONSES}{end}" for name in LABELS for end in ("", ".users", ".status"))
RECORD_COLUMNS = (DATA, ANNOTATIONS, FIELDS, RESPONSES, METADATA, *FLAT)  # all that are looked at

LABEL_STUDIO_CONFIG = f"""<View>
  <Text name="{PROMPT}" value="${PROMPT}"/>
  <Pairwise name="{QUESTION}" toName="{LEFT},{RIGHT}"/>
  <Text name="{LEFT}" value="${LEFT}"/>
  <Text name="{RIGHT}" value="${RIGHT}"/>
  <Choices name="{TIE}" toName="{PROMPT}" choice="single"><Choice value="{TIE}"/></Choices>
</View>
"""  # the labelling interface of the project there
ARGILLA_LABELS = (LEFT, RIGHT, TIE)  # of the label question; the fields are PROMPT, LEFT and RIGHT

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Shown:
    """Two responses as people saw them, and who said what: LEFT, RIGHT or TIE."""

    pair: str
    prompt: str
    left: str
    right: str
    answers: tuple[tuple[str, str], ...] = ()  # annotator and answer

    def record(self, form: Tool) -> dict[str, Any]:
        """As a record of that tool."""
        texts = {PROMPT: self.prompt, LEFT: self.left, RIGHT: self.right}
        if form == LABEL_STUDIO:
            return {DATA: {**texts, PAIR: self.pair}, ANNOTATIONS: [_annotation(*one) for one in self.answers]}
        responses = [{"value": answer, "user_id": by, "status": "submitted"} for by, answer in self.answers]
        said = {QUESTION: responses} if responses else {}
        return {"id": self.pair, FIELDS: texts, METADATA: {PAIR: self.pair}, RESPONSES: said, "suggestions": {}}


def rows_of(record: Row, where: str) -> Sequence[Row]:
    """What a record says, a row an answer, without a label where nobody answered; any other row as it is.

    DataError, with `where`, for a record that lacks a text, and for an answer that cannot be read.
    """
    if isinstance(record.get(DATA), Mapping) and ANNOTATIONS in record:
        texts, said = record[DATA], _of_annotations(record[ANNOTATIONS], where)
        pair = texts.get(PAIR)
    elif isinstance(record.get(FIELDS), Mapping):
        texts, said = record[FIELDS], _of_responses(record.get(RESPONSES), where)
        pair = (record.get(METADATA) or {}).get(PAIR) if isinstance(record.get(METADATA) or {}, Mapping) else None
    elif question := next((name for name in LABELS if f"{name}.{RESPONSES}" in record), None):
        texts, said, pair = record, _of_columns(record, question, where), record.get(PAIR)
    else:
        return [record]
    row = {**_texts(texts, where), PAIR: pair}
    found = [row | {"label": answer, ANNOTATOR: by} for by, answer in said]
    return found or [row]


def is_record(record: object) -> bool:
    """Whether a value is a record as `Shown.record` makes them, as far as the id of its pair says."""
    if not isinstance(record, Mapping):
        return False
    held = record.get(DATA) if ANNOTATIONS in record else record.get(METADATA)
    return isinstance(held, Mapping) and PAIR in held


def _annotation(by: str, answer: str) -> dict[str, Any]:
    """An annotation of Label Studio: by a user's number where the name is one, else by e-mail."""
    if answer == TIE:
        result = {"from_name": TIE, "to_name": PROMPT, "type": "choices", "value": {"choices": [TIE]}}
    else:  # a pairwise result is of its own control, and not of one of the two texts
        selected = "left" if answer == LEFT else "right"
        result = {"from_name": QUESTION, "to_name": QUESTION, "type": "pairwise", "value": {"selected": selected}}
    number = by.isascii() and by.isdecimal() and str(int(by)) == by
    return {"completed_by": int(by) if number else {"email": by}, "was_cancelled": False, "result": [result]}


def _texts(held: Row, where: str) -> dict[str, Any]:
    """The prompt and the two responses of a record, under one name each; DataError if they are not texts."""
    names = names_of_two(held) or (TEXTS if all(name in held for name in TEXTS) else None)
    if names is None:
        raise DataError(f"{where}: has no {LEFT!r} and {RIGHT!r}; a record has the two responses and their prompt")
    found = {PROMPT: held.get(PROMPT), LEFT: held[names[0]], RIGHT: held[names[1]]}
    for name, text in found.items():
        if not isinstance(text, str | list) or not text:
            raise DataError(f"{where}: its {name!r} is {quoted(text)}; it must be a text, or messages")
    return found


def _of_annotations(held: Any, where: str) -> Iterator[tuple[str | None, str]]:
    """Who said what in Label Studio's annotations, those left out that were skipped or say nothing."""
    for number, one in enumerate(_list(held, ANNOTATIONS, where), 1):
        at = f"{where}, annotation {number}"
        if not isinstance(one, Mapping):
            raise DataError(f"{at}: is {quoted(one)}; it must be an object with `result` and `completed_by`")
        if one.get("was_cancelled"):
            continue
        said = {answer for result in _list(one.get("result"), "result", at) for answer in _of_result(result, at)}
        if len(said) > 1:
            raise DataError(f"{at}: says {' and '.join(sorted(said))}; an annotation has one answer")
        if said:
            yield _person(one.get("completed_by"), at), said.pop()


def _of_result(result: Any, at: str) -> Iterator[str]:
    """The answer in a result: of one pairwise tag, or a choice that is a tie. Other controls answer other questions."""
    kind = result.get("type") if isinstance(result, Mapping) else None
    value = result.get("value") if kind else None
    if kind not in ("pairwise", "choices"):
        return
    if not isinstance(value, Mapping):
        raise DataError(f"{at}: a {kind} result has the value {quoted(value)}; it must be an object")
    if kind == "choices":
        chosen = _list(value.get("choices"), "choices", at)
        if any(isinstance(choice, str) and choice.strip().lower() in TIES for choice in chosen):
            yield TIE
        return
    if (selected := value.get("selected")) not in ("left", "right"):
        raise DataError(f"{at}: selected is {quoted(selected)}; it must be left or right")
    yield LEFT if selected == "left" else RIGHT


def _of_responses(held: Any, where: str) -> Iterator[tuple[str | None, str]]:
    """Who said what in Argilla's responses: lists by question, or one response a user with values by question."""
    if held is None or isinstance(held, Mapping):
        by_question = held or {}
        question = next((name for name in LABELS if name in by_question), None)
        if by_question and question is None:
            names = ", ".join(LABELS)
            raise DataError(f"{where}: has no question called {names}; those that it has are {quoted([*by_question])}")
        answers = _list(by_question.get(question), f"{question}", where)
    else:
        answers = _list(held, RESPONSES, where)
    for number, one in enumerate(answers, 1):
        at = f"{where}, response {number}"
        if not isinstance(one, Mapping):
            raise DataError(f"{at}: is {quoted(one)}; it must be an object with `value` and `user_id`")
        yield from _submitted(_value(one), one.get("user_id"), one.get("status"), at)


def _value(response: Row) -> Any:
    """What a response says: its value, or that of its question where it has several."""
    values = response.get("values")
    name = next((name for name in LABELS if name in values), None) if isinstance(values, Mapping) else None
    held = response.get("value") if name is None else values[name]  # type: ignore[index]
    return held.get("value") if isinstance(held, Mapping) else held


def _of_columns(record: Row, question: str, where: str) -> Iterator[tuple[str | None, str]]:
    """Who said what in a record that Argilla made flat: a list each of answers, users and statuses."""
    column = f"{question}.{RESPONSES}"
    answers, users, states = (
        _list(record.get(f"{column}{end}"), f"{column}{end}", where) for end in ("", ".users", ".status")
    )
    if any(held and len(held) != len(answers) for held in (users, states)):
        counts = f"{len(answers)} answers, {len(users)} users and {len(states)} statuses"
        raise DataError(f"{where}: {column} has {counts}; there must be one of each for every answer")
    for number, answer in enumerate(answers, 1):
        by, state = (held[number - 1] if held else None for held in (users, states))
        yield from _submitted(answer, by, state, f"{where}, response {number}")


def _submitted(answer: Any, by: Any, state: Any, at: str) -> Iterator[tuple[str | None, str]]:
    if state in ("draft", "discarded", "pending") or answer is None:
        return
    if not isinstance(answer, str):
        raise DataError(f"{at}: says {quoted(answer)}; it must be {', '.join(ARGILLA_LABELS)}")
    yield _person(by, at), answer


def _person(by: Any, at: str) -> str | None:
    """An annotator's name: a number, an e-mail or an id; None where nobody is named."""
    if isinstance(by, Mapping):
        by = by.get("email") or by.get("id")
    if by is None or (isinstance(by, str | int) and not isinstance(by, bool)):
        return None if by is None else str(by)
    raise DataError(f"{at}: is by {quoted(by)}; it must be a user's number, e-mail or id")


def _list(held: Any, name: str, where: str) -> Sequence[Any]:
    if held is None:
        return []
    if not isinstance(held, list):
        raise DataError(f"{where}: {name!r} is {quoted(held)}; it must be a list")
    return held
