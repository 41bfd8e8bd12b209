"""The forms in which a row says which of two answers was preferred, all read as dialogues in HH-RLHF's form.

| form | `prompt` | `chosen` and `rejected` |
|---|---|---|
| whole dialogues (HH-RLHF) | none | texts, alike up to the last `\\n\\nAssistant:` |
| texts (TRL's standard form, RewardBench 1) | a text | the two answers, or the prompt and an answer each |
| texts after messages | messages | the two answers |
| messages (TRL's conversational form) | messages | the last message of each, or all of them |
| whole messages (TRL's implicit prompt) | none | all messages, alike but for the last |
| whole messages and a text (UltraFeedback, binarised) | a text | all messages, or the last one |

A message is `{"role": …, "content": …}` or `{"from": …, "value": …}`, its content a text or a list of text parts. Where
there is a prompt, it settles where the answer begins: what an answer says is never cut. Rows with more than one answer
to choose or to reject, or with none called chosen, are in judgements.py. Knows rows; no file.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rmkit.errors import DataError, cut, quoted
from rmkit.lm.templates import ASSISTANT, HUMAN, SYSTEM

PROMPT, CHOSEN, REJECTED = "prompt", "chosen", "rejected"
TEXTS = (PROMPT, CHOSEN, REJECTED)  # the columns that are read
WHOLE, STANDARD, MESSAGES, WHOLE_MESSAGES = "whole dialogues", "prompts and answers", "messages", "whole messages"

# Why a row is dropped, in the order in which a row is asked.
DIFFERENT_PROMPTS = "chosen and rejected answer different prompts"
ENDS_WITH_HUMAN = "the human has the last word"
EMPTY = "an empty response"
EQUAL = "chosen equals rejected"

ROLES: Mapping[str, str] = {
    "system": SYSTEM,
    **dict.fromkeys(("user", "human", "prompter"), HUMAN),
    **dict.fromkeys(("assistant", "gpt", "chatbot", "model", "bot"), ASSISTANT),
}
Turns = list[tuple[str, str]]  # how a turn begins, and what is said


@dataclass(frozen=True)
class Side:
    """One of the two: the prompt up to and including the last "\\n\\nAssistant:", and the answer as it stands."""

    prompt: str
    answer: str
    by_human: bool = False  # whether the last word is the human's


def sides_of(row: Mapping[str, Any], where: str) -> tuple[Side, Side, str]:
    """The chosen and the rejected side of a row, and which form it has; DataError with where it stands."""
    for name in (CHOSEN, REJECTED):
        if name not in row:
            found = ", ".join(cut(repr(key)[1:-1], 40) for key in list(row)[:5]) or "no keys"
            others = "two responses and a label, or responses and their ranks"
            raise DataError(f"{where}: has no {name!r} (found {found}); a row needs 'chosen' and 'rejected', {others}")
    texts = [isinstance(row[name], str) for name in (CHOSEN, REJECTED)]
    if texts[0] != texts[1] and all(isinstance(row[name], str | list) for name in (CHOSEN, REJECTED)):
        raise DataError(f"{where}: one of 'chosen' and 'rejected' is text, the other a list; write both alike")
    asked = row.get(PROMPT)
    chosen, rejected = (side_of(row[name], asked, name, where) for name in (CHOSEN, REJECTED))
    if not isinstance(row[CHOSEN], list):
        return chosen, rejected, WHOLE if asked is None else STANDARD
    return chosen, rejected, WHOLE_MESSAGES if asked is None or isinstance(asked, str) else MESSAGES


def side_of(answer: Any, asked: Any, name: str, where: str) -> Side:
    """One answer, a text or messages, beside its prompt or whole; DataError with where it stands and what it is called.

    asked: a text, messages, or None.
    """
    if isinstance(answer, list):
        turns = _turns(answer, name, where)
        if turns[-1][0] == SYSTEM:
            raise DataError(f"{where}: the last of {name!r} is the system's; it must be the response")
        return _of_messages(turns, asked, where)
    return _of_text(_text(answer, name, where), asked, name, where)


def why_dropped(chosen: Side, rejected: Side) -> str | None:
    """The reason why a row says nothing about one preference, or None."""
    if chosen.prompt != rejected.prompt:
        return DIFFERENT_PROMPTS
    if chosen.by_human or rejected.by_human:
        return ENDS_WITH_HUMAN
    answers = chosen.answer.strip(), rejected.answer.strip()
    if not all(answers):
        return EMPTY
    return EQUAL if answers[0] == answers[1] else None


def _of_text(text: str, asked: Any, name: str, where: str) -> Side:
    if asked is None:
        before, marker, answer = text.rpartition(ASSISTANT)
        if not marker:
            remedy = r"a dialogue must contain '\n\nAssistant:' before the answer, or the row a 'prompt'"
            raise DataError(f"{where}: {name!r} has no assistant turn; {remedy}")
        return Side(before + marker, answer, HUMAN in answer)
    prompt = _opened(asked, where)
    given = asked.replace("\r\n", "\n") if isinstance(asked, str) else prompt
    whole = (prompt, given) if HUMAN in given else (prompt,)  # a prompt that is no dialogue may begin an answer
    answer = next((text[len(start) :] for start in whole if text.startswith(start)), text)
    return Side(prompt, answer.removeprefix(ASSISTANT) if answer is not text else answer)


def _of_messages(turns: Turns, asked: Any, where: str) -> Side:
    before: Turns = []
    if isinstance(asked, list):
        before = _turns(asked, PROMPT, where)
    elif asked is not None:
        said = _text(asked, PROMPT, where)
        if HUMAN in said:
            return _last(turns[-1:], _opened(said, where))
        before = [(HUMAN, said.strip())]
    whole = turns[: len(before)] == before or (isinstance(asked, str) and before[0] in turns[:-1])
    turns = turns if whole and len(turns) > len(before) else [*before, *turns]
    return _last(turns, _rendered(turns[:-1]))


def _last(turns: Turns, prompt: str) -> Side:
    marker, answer = turns[-1]
    return Side(prompt, answer, marker == HUMAN)


def _opened(asked: Any, where: str) -> str:
    """A prompt as a dialogue whose next word is the assistant's."""
    if isinstance(asked, list):
        return _rendered(_turns(asked, PROMPT, where))
    text = _text(asked, PROMPT, where)
    if HUMAN not in text:
        return _rendered([(HUMAN, text.strip())])
    return text if text.endswith(ASSISTANT) else text.rstrip().removesuffix(ASSISTANT) + ASSISTANT


def _rendered(turns: Sequence[tuple[str, str]]) -> str:
    return "".join(f"{marker} {said}" for marker, said in turns) + ASSISTANT


def _turns(messages: Any, name: str, where: str) -> Turns:
    """The turns of a list of messages, what is said stripped; DataError for what is none."""
    if not isinstance(messages, list) or not messages:
        what = "holds no messages" if isinstance(messages, list) else f"is {type(messages).__name__}, not messages"
        raise DataError(f"{where}: {name!r} {what}; give a text or [{{'role': …, 'content': …}}, …]")
    turns = []
    for number, message in enumerate(messages, 1):
        place = f"{where}: message {number} of {name!r}"
        if not isinstance(message, Mapping):
            raise DataError(f"{place} is {type(message).__name__}, not {{'role': …, 'content': …}}")
        role, content = message.get("role", message.get("from")), message.get("content", message.get("value"))
        if not isinstance(role, str) or role.lower() not in ROLES:
            raise DataError(f"{place} has the role {quoted(role)}; known are {', '.join(ROLES)}")
        if isinstance(content, list) and all(
            isinstance(part, Mapping) and isinstance(part.get("text"), str) for part in content
        ):
            content = "".join(part["text"] for part in content)
        turns.append((ROLES[role.lower()], _text(content, f"message {number} of {name}", where).strip()))
    return turns


def _text(value: Any, name: str, where: str) -> str:
    """A text with one sign for a line's end, or DataError."""
    if not isinstance(value, str):
        what = "a whole dialogue, or an answer beside a 'prompt'" if name in (CHOSEN, REJECTED) else "text"
        raise DataError(f"{where}: {name!r} is {type(value).__name__}, not text; it must be {what}")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as fault:  # JSON can spell half a surrogate pair, which no file can store as text
        found = ascii(value[fault.start])
        raise DataError(f"{where}: {name!r} holds {found}, which is no character; write the pair in full") from fault
    return value.replace("\r\n", "\n")
