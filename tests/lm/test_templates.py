"""Golden texts of every template; another text, another fingerprint."""

import pytest
from transformers import AutoTokenizer

from rmkit.errors import DataError
from rmkit.lm.templates import (
    TEMPLATES,
    as_chat_template,
    cut_ids,
    encoded,
    fingerprint,
    messages_of,
    prepare_tokenizer,
)

PROMPT = "\n\nHuman: Hi\n\nAssistant: Hello!\n\nHuman: And you?\n\nAssistant:"
CHAT = "{{ bos_token }}{% for m in messages %}<{{ m['role'] }}>{{ m['content'] }}{{ eos_token }}{% endfor %}"
GOLDEN = {
    "plain": "\n\nHuman: Hi\n\nAssistant: Hello!\n\nHuman: And you?\n\nAssistant: Fine.",
    "next_turn": "\n\nHuman: Hi\n\nAssistant: Hello!\n\nHuman: And you?\n\nAssistant: Fine.\n\nHuman:",
    "published": "\n\nHuman: Hi\n\nAssistant: Hello!\n\nHuman: And you?\n\nAssistant:Fine.",
    "chat": "<s><user>Hi</s><assistant>Hello!</s><user>And you?</s><assistant>Fine.</s>",
    "response": "Fine.",
}


@pytest.fixture
def tokenizer(base):
    tokenizer = AutoTokenizer.from_pretrained(base.path)
    tokenizer.chat_template = CHAT
    return tokenizer


def test_every_template_has_a_golden_text():
    assert GOLDEN.keys() == TEMPLATES.keys()


@pytest.mark.parametrize("response", ["Fine.", " Fine.\n"])
@pytest.mark.parametrize("template", TEMPLATES)
def test_golden_texts(template, response, tokenizer):
    assert TEMPLATES[template](PROMPT, response, tokenizer) == GOLDEN[template]


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_text_begins_with_one_begin_token(template, tokenizer):
    ids = encoded(GOLDEN[template], template, tokenizer)
    assert ids[0] == tokenizer.bos_token_id
    assert ids.count(tokenizer.bos_token_id) == 1
    assert tokenizer.decode(ids).removeprefix("<s>") == GOLDEN[template].removeprefix("<s>")


def test_turns_become_messages_without_the_open_last_one():
    assert messages_of(PROMPT) == [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello!"},
        {"role": "user", "content": "And you?"},
    ]
    assert messages_of("\n\nHuman: Hi\n\nAssistant:") == [{"role": "user", "content": "Hi"}]
    assert messages_of(" just a text ") == [{"role": "user", "content": "just a text"}]


def test_a_system_prompt_comes_first_and_stays():
    asked = {"role": "user", "content": "Hi"}
    system = {"role": "system", "content": "Be brief.\n\nBe kind."}
    assert messages_of("\n\nSystem: Be brief.\n\nBe kind.\n\nHuman: Hi\n\nAssistant:") == [system, asked]
    assert messages_of("Before.\n\nHuman: Hi\n\nAssistant:") == [asked]


def test_a_chat_template_that_refuses_a_dialogue_is_one_line(tokenizer):
    tokenizer.chat_template = "{{ raise_exception('no system prompts here') }}"
    with pytest.raises(DataError, match=r"refuses a dialogue \(no system prompts here\); use the template `plain`"):
        TEMPLATES["chat"](PROMPT, "Fine.", tokenizer)


@pytest.mark.parametrize("prompt", [PROMPT, "\n\nSystem: Be 'brief'.\n\nHuman: Hi\n\nAssistant:"])
def test_plain_as_a_chat_template_gives_the_tokens_of_plain(prompt, tokenizer):
    tokenizer.chat_template = as_chat_template(tokenizer)
    messages = messages_of(prompt)
    said = [*messages, {"role": "assistant", "content": " Fine.\n"}]
    ids = tokenizer.apply_chat_template(said, return_dict=True)["input_ids"]
    assert ids == encoded(TEMPLATES["plain"](prompt, "Fine.", tokenizer), "plain", tokenizer)
    assert tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True) == f"<s>{prompt}"


def test_of_a_text_that_is_too_long_the_end_is_read(tokenizer):
    prepare_tokenizer(tokenizer, "plain", longest=12)
    whole = encoded(TEMPLATES["plain"](PROMPT, "Fine.", tokenizer), "plain", tokenizer)
    short = encoded(TEMPLATES["plain"]("Hi", "Fine.", tokenizer), "plain", tokenizer)
    ids, n_cut = cut_ids([PROMPT, "Hi"], ["Fine."] * 2, "plain", tokenizer)
    assert (ids, n_cut) == ([[tokenizer.bos_token_id, *whole[-11:]], short], 1)


def test_fingerprints_differ_and_follow_the_chat_template(tokenizer):
    before = {template: fingerprint(template, tokenizer) for template in TEMPLATES}
    assert len({value.partition(":")[2] for value in before.values()}) == len(TEMPLATES)
    assert all(
        value.startswith(f"{template}:") and len(value) == len(template) + 13 for template, value in before.items()
    )
    assert before == {template: fingerprint(template, tokenizer) for template in TEMPLATES}
    tokenizer.chat_template = CHAT.replace("<{{", "[{{")
    after = {template: fingerprint(template, tokenizer) for template in TEMPLATES}
    assert {template for template in TEMPLATES if before[template] != after[template]} == {"chat"}


def test_a_fingerprint_follows_the_tokenizer(tokenizer, texts, tmp_path):
    from rmkit.lm.training.pretrain import train_tokenizer

    other = train_tokenizer(texts, tmp_path, vocabulary=300)
    assert fingerprint("plain", other) != fingerprint("plain", tokenizer)


def test_a_tokenizer_without_a_chat_template_says_so(tokenizer):
    tokenizer.chat_template = None
    with pytest.raises(DataError, match=r"its tokenizer has no chat template; use the template `plain`"):
        TEMPLATES["chat"](PROMPT, "Fine.", tokenizer)
