"""Golden texts of every template; another text, another fingerprint."""

import pytest
from transformers import AutoTokenizer

from rmkit.errors import DataError
from rmkit.lm.templates import TEMPLATES, encoded, fingerprint, messages_of

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
