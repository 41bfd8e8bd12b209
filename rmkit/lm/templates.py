"""How a prompt and a response become the one text that a reward model or an encoder reads.

Knows strings and a tokenizer's chat template; no model. A template's fingerprint is stored with every score: the same
model under another template is another scorer.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from rmkit.errors import DataError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

HUMAN, ASSISTANT = "\n\nHuman:", "\n\nAssistant:"  # how a turn of a dialogue begins, in every world


def plain(prompt: str, response: str, tokenizer: "PreTrainedTokenizerBase") -> str:
    """The dialogue as it stands, a blank between the assistant's marker and the response."""
    return f"{prompt} {response.strip()}"


def published(prompt: str, response: str, tokenizer: "PreTrainedTokenizerBase") -> str:
    """As arXiv 2411.04991's released code has it: prompt and stripped response with no blank between them."""
    return prompt + response.strip()


def next_turn(prompt: str, response: str, tokenizer: "PreTrainedTokenizerBase") -> str:
    """The dialogue with the next turn opened: a language model's last state then holds what it expects to be said."""
    return f"{prompt} {response.strip()}{HUMAN}"


def response_alone(prompt: str, response: str, tokenizer: "PreTrainedTokenizerBase") -> str:
    """The response as if nothing had been asked: an embedding that the prompt has no part in."""
    return response.strip()


def chat(prompt: str, response: str, tokenizer: "PreTrainedTokenizerBase") -> str:
    """The dialogue's turns in the tokenizer's own chat template; DataError if it has none."""
    if not tokenizer.chat_template:
        raise DataError(f"{tokenizer.name_or_path}: its tokenizer has no chat template; use the template `plain`")
    messages = [*messages_of(prompt), {"role": "assistant", "content": response.strip()}]
    return str(tokenizer.apply_chat_template(messages, tokenize=False))


TEMPLATES: Mapping[str, Callable[[str, str, "PreTrainedTokenizerBase"], str]] = {
    "plain": plain,
    "next_turn": next_turn,
    "published": published,
    "chat": chat,
    "response": response_alone,
}


def messages_of(prompt: str) -> list[dict[str, str]]:
    """The turns of a prompt in HH-RLHF's form, the open last turn of the assistant left out."""
    messages = []
    for turn in prompt.split(HUMAN)[1:]:
        asked, *answered = turn.split(ASSISTANT)
        messages.append({"role": "user", "content": asked.strip()})
        messages += [{"role": "assistant", "content": text.strip()} for text in answered if text.strip()]
    return messages or [{"role": "user", "content": prompt.strip()}]


def fingerprint(template: str, tokenizer: "PreTrainedTokenizerBase") -> str:
    """The template's name and 12 hexadecimal digits of what it and the tokenizer make of a fixed dialogue."""
    text = TEMPLATES[template](f"{HUMAN} one{ASSISTANT} two{HUMAN} three{ASSISTANT}", "four", tokenizer)
    ids = encoded(text, template, tokenizer)
    return f"{template}:{hashlib.sha256(ascii((text, ids)).encode()).hexdigest()[:12]}"


def encoded(text: str, template: str, tokenizer: "PreTrainedTokenizerBase") -> list[int]:
    """The token ids of a text; a chat template brings its special tokens itself."""
    return list(tokenizer(text, add_special_tokens=template != "chat")["input_ids"])
