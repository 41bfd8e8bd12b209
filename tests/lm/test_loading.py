"""A model that cannot be used says so in one line, which names it and what would be right."""

import json
import re
import shutil
from pathlib import Path

import pytest
import torch
from transformers import LlamaForSequenceClassification

from rmkit.errors import DataError, ParamsError
from rmkit.lm.loading import (
    Origin,
    check_causal_folder,
    check_folder,
    context_of,
    load_causal,
    load_encoder,
    load_reward_model,
    load_tokenizer,
    origin_of,
    require_model_name,
)

LOADERS = {"causal": load_causal, "encoder": load_encoder, "reward model": load_reward_model}
OWN = {"grammar-s": Path("models/s"), "grammar-m": Path("models/m")}


@pytest.fixture
def copied(base, gold_model, tmp_path):
    """copied(what) is a copy of the causal model's or the gold model's folder, to be broken."""

    def copy(what="causal"):
        folder = tmp_path / "mine"
        shutil.copytree(gold_model.path if what == "reward model" else base.path, folder)
        return folder

    return copy


def edited(folder, name, **changes):
    content = json.loads((folder / name).read_text(encoding="utf-8"))
    content = {key: value for key, value in (content | changes).items() if value is not None}
    (folder / name).write_text(json.dumps(content), encoding="utf-8")
    return Origin("mine", str(folder))


def refused(load, origin, said, **options):
    """The message, which must be one line that begins with the model's name."""
    with pytest.raises(DataError, match=said) as caught:
        load(origin, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"{origin.name}: ")
    return message


def test_each_loader_gives_what_its_purpose_needs(base, gold_model, gpt2):
    model, tokenizer = load_causal(base)
    assert tokenizer.padding_side == "left"
    assert model.lm_head is not None
    model, tokenizer = load_encoder(base)
    assert tokenizer.padding_side == "right"
    assert not hasattr(model, "lm_head")
    model, tokenizer = load_reward_model(gold_model)
    assert tokenizer.padding_side == "right"
    assert model.config.num_labels == 1
    for loaded, _ in (load_causal(base), load_encoder(base), load_encoder(gpt2), load_reward_model(gold_model)):
        assert not loaded.training
        assert loaded.dtype == torch.float32


def test_a_causal_model_whose_class_is_named_otherwise_is_one_too(gpt2):
    """GPT2LMHeadModel."""
    model, _ = load_causal(gpt2)
    assert model.generation_config is not None


def test_the_number_format_is_the_one_asked_for(base):
    assert load_encoder(base, dtype="bfloat16")[0].dtype == torch.bfloat16


def test_the_context_is_read_from_the_configuration(causal, gpt2):
    assert context_of(causal[0]) == 256
    assert context_of(load_encoder(gpt2)[0]) == 192


@pytest.mark.parametrize("what", LOADERS)
def test_a_tokenizer_without_a_pad_token_is_one_line_and_naming_one_repairs_it(what, copied):
    folder = copied(what)
    origin = edited(folder, "tokenizer_config.json", pad_token=None)
    refused(
        LOADERS[what],
        origin,
        "^mine: its tokenizer has no pad token; name one of its tokens, as in pad_token = '</s>'$",
    )
    model, tokenizer = LOADERS[what](origin, pad_token="</s>")
    assert (tokenizer.pad_token, model.config.pad_token_id) == ("</s>", tokenizer.eos_token_id)


def test_the_pad_token_can_be_another_one_but_only_one_that_there_is(base):
    model, tokenizer = load_causal(base, pad_token="<s>")
    assert (tokenizer.pad_token, model.config.pad_token_id) == ("<s>", tokenizer.bos_token_id)
    refused(
        load_causal,
        base,
        r"^base: pad_token '\[PAD\]' is not in its vocabulary; name a token that is$",
        pad_token="[PAD]",
    )


@pytest.mark.parametrize("what", LOADERS)
def test_a_folder_that_is_no_model_is_one_line(what, tmp_path):
    origin = Origin("mine", str(tmp_path))
    ending = "; a model is a folder that save_pretrained wrote, or a hub name$"
    refused(LOADERS[what], origin, rf"^mine: holds no config.json that can be read \(found nothing\){ending}")
    (tmp_path / "notes.txt").write_text("x", encoding="utf-8")
    refused(LOADERS[what], origin, rf"\(found notes.txt\){ending}")
    for content in ("{", "[]", "\xff", '{"hidden_size": 3}'):
        (tmp_path / "config.json").write_text(content, encoding="latin-1")
        refused(LOADERS[what], origin, f"^mine: holds .*config.json.*{ending}")


@pytest.mark.parametrize("what", LOADERS)
@pytest.mark.parametrize("lost", ["model.safetensors", "tokenizer.json"])
def test_a_folder_that_lacks_a_file_is_one_line(what, lost, copied):
    folder = copied(what)
    (folder / lost).unlink()
    refused(LOADERS[what], Origin("mine", str(folder)), r"^mine: cannot be loaded \(.*\); give a folder or a hub name$")


@pytest.mark.parametrize("damaged", ["model.safetensors", "tokenizer.json"])
def test_a_damaged_file_is_one_line(damaged, copied):
    folder = copied()
    content = (folder / damaged).read_bytes()
    (folder / damaged).write_bytes(content[: len(content) // 2])
    refused(load_causal, Origin("mine", str(folder)), "^mine: ")


def test_weights_of_another_shape_than_the_configuration_says_are_one_line(copied):
    refused(load_causal, edited(copied(), "config.json", intermediate_size=48), "^mine: ")


def test_an_architecture_that_transformers_does_not_know_is_one_line(copied):
    origin = edited(copied(), "config.json", model_type="gramarian", architectures=["GramarianForCausalLM"])
    refused(load_causal, origin, r"^mine: cannot be loaded \(.*`gramarian`.*\); give a folder or a hub name$")


def test_a_model_with_the_wrong_head_is_one_line(base, gold_model):
    refused(
        load_reward_model, base,
        "^base: is LlamaForCausalLM; this needs a model that ends in ForSequenceClassification$",
    )  # fmt: skip
    refused(
        load_causal,
        gold_model,
        "^gold: is LlamaForSequenceClassification; this needs a model that ends in ForCausalLM$",
    )


def test_a_head_that_was_never_trained_is_one_line(copied):
    """The configuration may name no architecture; the head's weights are then not in the file."""
    origin = edited(copied(), "config.json", architectures=None)
    refused(load_reward_model, origin, "^mine: has no weights for score.weight; it must be saved with its head")
    assert load_causal(origin)


def test_a_classifier_with_two_labels_is_one_line(base, tmp_path):
    _, tokenizer = load_causal(base)
    config = load_encoder(base)[0].config
    config.num_labels = 2
    LlamaForSequenceClassification(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    refused(load_reward_model, Origin("mine", str(tmp_path)), "^mine: has 2 labels; a reward model has one$")


@pytest.mark.parametrize("what", LOADERS)
@pytest.mark.parametrize("revision", [None, "9cf48e5"])
def test_a_hub_model_that_cannot_be_fetched_is_one_line(what, revision):
    origin = Origin("acme/not-here", "acme/not-here", revision)
    refused(LOADERS[what], origin, r"^acme/not-here: cannot be loaded \(.*connect.*\); give a folder or a hub name$")


def test_a_folder_that_does_not_exist_is_one_line():
    origin = origin_of("./models/not-here", OWN)
    refused(load_causal, origin, r"^./models/not-here: cannot be loaded \(.*\); give a folder or a hub name$")


def test_an_origin_is_an_own_name_a_folder_or_a_hub_name_with_its_revision():
    assert origin_of("grammar-s", OWN) == Origin("grammar-s", "models/s")
    assert origin_of("google/gemma-2b", OWN) == Origin("google/gemma-2b", "google/gemma-2b", None)
    assert origin_of("google/gemma-2b@9cf48e5", OWN) == Origin("google/gemma-2b@9cf48e5", "google/gemma-2b", "9cf48e5")
    assert origin_of("./mine", OWN) == Origin("./mine", "./mine", None)


def test_a_folder_with_an_at_sign_in_its_path_is_a_folder(base, tmp_path):
    folder = tmp_path / "me@home" / "base"
    shutil.copytree(base.path, folder)
    assert origin_of(str(folder), OWN) == Origin(str(folder), str(folder), None)
    assert load_causal(origin_of(str(folder), OWN))


def test_a_bare_name_that_is_unknown_is_answered_with_the_nearest():
    said = "base_model: 'gramar-s' is not one of grammar-s, grammar-m; did you mean 'grammar-s'?"
    with pytest.raises(ParamsError, match=f"^{re.escape(said)}$"):
        origin_of("gramar-s", OWN, "base_model")
    with pytest.raises(ParamsError, match=r"^model: 'gpt2' is not one of grammar-s, grammar-m$"):
        origin_of("gpt2", OWN)


def test_a_folder_is_checked_by_its_files_alone(copied):
    folder = copied()
    assert check_folder(folder) == (f"{folder}: LlamaForCausalLM", {f"model folder {folder}": 1})
    assert check_folder(folder, "data/mine") == ("data/mine: LlamaForCausalLM", {"model folder data/mine": 1})
    (folder / "config.json").unlink()
    with pytest.raises(DataError, match=r"^data/mine: holds no config.json that can be read .found "):
        check_folder(folder, "data/mine")
    with pytest.raises(DataError, match=r"holds no config.json that can be read .found nothing."):
        check_folder(folder / "not-here")


def test_code_that_comes_with_a_model_is_never_run(copied, tmp_path):
    folder = copied()
    origin = edited(
        folder, "config.json",
        model_type="evil", architectures=["EvilForCausalLM"],
        auto_map={"AutoConfig": "evil.Evil", "AutoModelForCausalLM": "evil.Evil"},
    )  # fmt: skip
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Evil: pass\n", encoding="utf-8")
    refused(load_causal, origin, "^mine: cannot be loaded ")
    assert not (tmp_path / "ran").exists()


def test_loading_prints_nothing(base, gold_model, capfd):
    for load, origin in ((load_causal, base), (load_encoder, base), (load_reward_model, gold_model)):
        load(origin)
    assert "".join(capfd.readouterr()) == ""


def test_a_tokenizer_by_itself_is_padded_as_asked_and_one_that_is_missing_is_one_line(base, copied):
    for side in ("left", "right"):
        assert load_tokenizer(base, padding_side=side).padding_side == side
    folder = copied()
    (folder / "tokenizer.json").unlink()
    for origin in (Origin("mine", str(folder)), Origin("acme/not-here", "acme/not-here")):
        refused(load_tokenizer, origin, "cannot be loaded", padding_side="right")


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (lambda folder: (folder / "model.safetensors").unlink(), "has no weights"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"\x10" + bytes(20)), "its weights cannot be read"),
        (lambda folder: [path.unlink() for path in folder.glob("tokenizer*")], "has no tokenizer"),
    ],
)
def test_a_folder_that_could_not_be_loaded_is_refused_without_loading_it(broken, said, copied):
    folder = copied()
    require_model_name(str(folder), check_folder(folder)[1], "here")
    broken(folder)
    refused(lambda origin: check_folder(folder, origin.name), Origin("mine", str(folder)), said)


def test_weights_in_parts_need_every_part(copied):
    folder = copied()
    (folder / "model.safetensors").rename(folder / "model-1.safetensors")
    index = folder / "model.safetensors.index.json"
    index.write_text('{"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}', encoding="utf-8")
    with pytest.raises(DataError, match=r"mine: its weights cannot be read \(model-2.safetensors"):
        check_folder(folder, "mine")
    index.write_text('{"weight_map": {"a": "model-1.safetensors"}}', encoding="utf-8")
    check_folder(folder, "mine")


def test_an_encoder_is_no_causal_model_to_fine_tune(copied):
    folder = copied()
    check_causal_folder(folder, "mine")
    edited(folder, "config.json", model_type="bert", architectures=["BertModel"])
    check_folder(folder, "mine")
    with pytest.raises(
        DataError, match=r"mine: is BertModel, which is no causal language model; give .*LlamaForCausalLM"
    ):
        check_causal_folder(folder, "mine")


def of_modules(folder, *modules):
    """A folder as sentence-transformers writes it, of modules by (place, kind)."""
    told = [
        {"idx": at, "name": str(at), "path": place, "type": f"sentence_transformers.models.{kind}"}
        for at, (place, kind) in enumerate(modules)
    ]
    (folder / "modules.json").write_text(json.dumps(told), encoding="utf-8")


def test_an_encoder_of_modules_is_whole_where_each_transformer_of_it_is(copied, tmp_path):
    folder = copied()
    of_modules(folder, ("", "Transformer"), ("1_Pooling", "Pooling"))
    assert check_folder(folder, "mine") == ("mine: LlamaForCausalLM, Pooling", {"model folder mine": 1})
    check_causal_folder(folder, "mine")
    older = tmp_path / "older"
    older.mkdir()
    shutil.copytree(folder, older / "0_Transformer")
    of_modules(older, ("0_Transformer", "Transformer"), ("1_Pooling", "Pooling"))
    assert check_folder(older, "old")[0] == "old: LlamaForCausalLM, Pooling"
    (older / "0_Transformer/model.safetensors").unlink()
    with pytest.raises(DataError, match=r"^old/0_Transformer: has no weights"):
        check_folder(older, "old")
    (folder / "model.safetensors").unlink()
    for check in (check_folder, check_causal_folder):
        with pytest.raises(DataError, match=r"^mine: has no weights"):
            check(folder, "mine")


@pytest.mark.parametrize("content", ["{", "3", '{"a": 1}', "[1]", '[{"path": ""}]'])
def test_modules_that_are_none_are_one_line(copied, content):
    folder = copied()
    (folder / "modules.json").write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=r"^mine: its modules.json is not what sentence-transformers writes"):
        check_folder(folder, "mine")
