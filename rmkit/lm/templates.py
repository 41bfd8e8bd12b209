"""How a prompt and a response become the one text that a reward model or an encoder reads.

Knows strings and a tokenizer's chat template; no model. A template's fingerprint is stored with every score: the same
model under another template is another scorer.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from rmkit.errors import DataError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

HUMAN, ASSISTANT = "\n\nHuman:", "\n\nAssistant:"  # how a turn of a dialogue begins, in every world
SYSTEM = "\n\nSystem:"  # before the first turn
PAD = "[PAD]"  # what is added where no token will do
MESSAGES = (  # `plain` as a chat template, in Jinja; BEGIN and END are the tokens that a text is put between
    "{{ BEGIN }}{% for message in messages %}"
    "{{ {'system': '\\n\\nSystem: ', 'assistant': '\\n\\nAssistant: '}.get(message['role'], '\\n\\nHuman: ') }}"
    "{{ message['content'] | trim }}{% endfor %}"
    "{{ '\\n\\nAssistant:' if add_generation_prompt else END }}"
)


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
    from jinja2 import TemplateError

    messages = [*messages_of(prompt), {"role": "assistant", "content": response.strip()}]
    try:
        return str(tokenizer.apply_chat_template(messages, tokenize=False))
    except TemplateError as fault:  # as some do of a system prompt
        said = f"{tokenizer.name_or_path}: its chat template refuses a dialogue ({fault})"
        raise DataError(f"{said}; use the template `plain`") from None


TEMPLATES: Mapping[str, Callable[[str, str, "PreTrainedTokenizerBase"], str]] = {
    "plain": plain,
    "next_turn": next_turn,
    "published": published,
    "chat": chat,
    "response": response_alone,
}


def messages_of(prompt: str) -> list[dict[str, str]]:
    """The turns of a prompt in HH-RLHF's form, a system prompt first, the open last turn left out."""
    before, *turns = prompt.split(HUMAN)
    messages = [{"role": "system", "content": before.removeprefix(SYSTEM).strip()}] if before.startswith(SYSTEM) else []
    if not turns:
        return [{"role": "user", "content": prompt.strip()}]
    for turn in turns:
        asked, *answered = turn.split(ASSISTANT)
        messages.append({"role": "user", "content": asked.strip()})
        messages += [{"role": "assistant", "content": text.strip()} for text in answered if text.strip()]
    return messages


def as_chat_template(tokenizer: "PreTrainedTokenizerBase") -> str:
    """`plain` as a chat template of this tokenizer: messages become the token ids that it gives the whole dialogue."""
    bare = tokenizer("text", add_special_tokens=False)["input_ids"]
    ids = tokenizer("text")["input_ids"]
    at = next((start for start in range(len(ids)) if ids[start : start + len(bare)] == bare), 0)
    begin, end = ("".join(tokenizer.convert_ids_to_tokens(part)) for part in (ids[:at], ids[at + len(bare) :]))
    return MESSAGES.replace("BEGIN", repr(begin)).replace("END", repr(end))


def fingerprint(template: str, tokenizer: "PreTrainedTokenizerBase") -> str:
    """The template's name and 12 hexadecimal digits of what it and the tokenizer make of a fixed dialogue."""
    text = TEMPLATES[template](f"{HUMAN} one{ASSISTANT} two{HUMAN} three{ASSISTANT}", "four", tokenizer)
    ids = encoded(text, template, tokenizer)
    return f"{template}:{hashlib.sha256(ascii((text, ids)).encode()).hexdigest()[:12]}"


def encoded(text: str, template: str, tokenizer: "PreTrainedTokenizerBase") -> list[int]:
    """The token ids of a text; a chat template brings its special tokens itself."""
    return list(tokenizer(text, add_special_tokens=template != "chat")["input_ids"])


def cut_ids(
    prompts: Sequence[str], responses: Sequence[str], template: str, tokenizer: "PreTrainedTokenizerBase"
) -> tuple[list[list[int]], int]:
    """The token ids of R texts, of those above the tokenizer's model_max_length their ends; and how many these are."""
    found, n_cut = [], 0
    special = template != "chat"
    for prompt, response in zip(prompts, responses, strict=True):
        text = TEMPLATES[template](prompt, response, tokenizer)
        ids = list(tokenizer(text, add_special_tokens=special, verbose=False)["input_ids"])
        if len(ids) > tokenizer.model_max_length:
            n_cut += 1
            ids = list(tokenizer(text, add_special_tokens=special, truncation=True)["input_ids"])
        found.append(ids)
    return found, n_cut


def prepare_tokenizer(tokenizer: "PreTrainedTokenizerBase", template: str, *, longest: int) -> None:
    """Make a tokenizer one of a sequence classifier that reads the last token of a template's texts; saved so, too.

    A pad token that no text ends with, since the last other token is what is read; padded on the right; of texts of
    more than `longest` tokens the end is kept. `plain` becomes its chat template, so that messages are read as rmkit
    reads dialogues.
    """
    last = encoded(TEMPLATES[template]("text", "text", tokenizer), template, tokenizer)[-1]
    named = (tokenizer.pad_token, tokenizer.eos_token, tokenizer.unk_token, tokenizer.bos_token)
    pad_token = next((token for token in named if token and tokenizer.convert_tokens_to_ids(token) != last), None)
    if pad_token is None:
        tokenizer.add_special_tokens({"pad_token": PAD})
    else:
        tokenizer.pad_token = pad_token
    tokenizer.padding_side = "right"
    tokenizer.truncation_side = "left"
    tokenizer.init_kwargs |= {"truncation_side": "left", "padding_side": "right"}  # what is saved
    tokenizer.model_max_length = longest
    if template != "chat":
        tokenizer.chat_template = as_chat_template(tokenizer)
