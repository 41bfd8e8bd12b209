"""A linear head on a causal model is its score layer: plain transformers gives the rewards that rmkit gives."""

import json

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from rmkit.cli import main
from rmkit.errors import DataError
from rmkit.export import sequence_classifier
from rmkit.export.sequence_classifier import has_a_class, scores_of, write_sequence_classifier
from rmkit.export.text_reward_model import TextRewardModel
from rmkit.worlds.human_preferences.computed_features import read_texts
from tests.export.conftest import fitted_on, texts_of
from tests.worlds.human_preferences.conftest import dialogues, tiny_encoder  # noqa: F401
from tests.worlds.human_preferences.dialogues import made_up, written


@pytest.fixture(scope="module")
def causal(tiny_encoder, tmp_path_factory):  # noqa: F811
    """The folder of a causal model that has read nothing, without a pad token."""
    from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(tiny_encoder)
    tokenizer.pad_token, tokenizer.eos_token = None, "[SEP]"
    sizes = {"n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 64}
    config = GPT2Config(vocab_size=len(tokenizer), initializer_range=0.3, bos_token_id=2, eos_token_id=3, **sizes)
    folder = tmp_path_factory.mktemp("causal") / "gpt2"
    GPT2LMHeadModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def read(causal, tmp_path_factory):
    path = written(tmp_path_factory.mktemp("pairs") / "pairs.jsonl", made_up(80))
    return read_texts(path, features="encoder", encoder=str(causal))


@pytest.fixture(scope="module")
def made(read, tmp_path_factory):
    about = {"answers": {"Is it learnable?": "Yes."}, "held_out_accuracy": [
        {"reward_model": "linear_bt", "mean": 0.7, "low": 0.6, "high": 0.8},
        {"reward_model": "longer", "mean": 0.5, "low": None, "high": None},
    ]}  # fmt: skip
    folder = tmp_path_factory.mktemp("made") / "model"
    fitted_on(read, features="encoder", **about).save(folder)
    return folder


@pytest.mark.parametrize("batch_size", [1, 16])
def test_plain_transformers_gives_the_same_scores(made, read, batch_size, tmp_path):
    model = TextRewardModel.load(made)
    write_sequence_classifier(model, tmp_path / "out")
    prompts, responses = texts_of(read.bank)
    longer = [f"{text}. " + "You need patience, and glue. " * 30 for text in responses[:5]]  # its end is read
    prompts, responses = [*prompts[:40], *prompts[:5]], [*responses[:40], *longer]
    whole = [f"{prompt} {text}" for prompt, text in zip(prompts, responses, strict=True)]
    expected_r = model.score(prompts, responses)
    assert np.ptp(expected_r) > 0.1
    np.testing.assert_allclose(scores_of(tmp_path / "out", whole, batch_size=batch_size), expected_r, atol=1e-4)


def test_the_command_writes_a_card_and_refuses_what_is_there(made, tmp_path, capsys):
    assert main(["export", str(made), "--out", str(tmp_path / "out")]) == 0
    assert "AutoModelForSequenceClassification.from_pretrained" in capsys.readouterr().out
    card = (tmp_path / "out/README.md").read_text(encoding="utf-8")
    assert "| linear_bt | 70.0% | 60.0% to 80.0% |\n| longer | 50.0% | none |\n" in card
    assert "- **Is it learnable?** Yes." in card
    assert main(["export", str(made), "--out", str(tmp_path / "out")]) == 2
    assert "is there already; name another folder" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_the_cards_code_runs_as_it_is_pasted(made, tmp_path, monkeypatch, capsys):
    write_sequence_classifier(TextRewardModel.load(made), tmp_path / "out")
    monkeypatch.chdir(tmp_path / "out")
    code = (tmp_path / "out/README.md").read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    exec(code, {})
    shown = float(capsys.readouterr().out)
    prompt, response = "\n\nHuman: How do I bake bread?\n\nAssistant:", "Mix flour and water, and wait."
    assert shown == pytest.approx(float(TextRewardModel.load(made).score([prompt], [response])[0]), abs=1e-4)


def test_what_has_no_class_is_known_and_refused(read, preferences, tmp_path):
    for model in (fitted_on(read, "mlp_bt", features="encoder"), fitted_on(preferences)):
        assert not has_a_class(model)
        with pytest.raises(DataError, match="transformers has no class for that"):
            write_sequence_classifier(model, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_was_exported_is_a_reward_model_of_rmkit_too(made, tmp_path):
    model = TextRewardModel.load(made)
    write_sequence_classifier(model, tmp_path / "out")
    again = TextRewardModel.load(tmp_path / "out")
    texts = ["\n\nHuman: Why?\n\nAssistant:"] * 3, ["You need glue", "It depends on the weather today", "zzz " * 90]
    np.testing.assert_allclose(again.score(*texts), model.score(*texts), atol=1e-4)
    again.save(tmp_path / "again")
    for path in (tmp_path / "out").iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()
    about = json.loads((tmp_path / "out/reward_model.json").read_text(encoding="utf-8"))
    assert (about["layer"], about["pooling"], about["template"]) == ("last", "last token", "plain")
    assert about["template_fingerprint"].startswith("plain:")
    wrong = {**about, "template_fingerprint": "plain:000000000000"}
    (tmp_path / "out/reward_model.json").write_text(json.dumps(wrong), encoding="utf-8")
    with pytest.raises(DataError, match=r"its tokenizer makes plain:.* of a dialogue, and was 'plain:000000000000'"):
        TextRewardModel.load(tmp_path / "out")
    for edit in ({"template": "own"}, {"head": 5}, {"about": []}):
        (tmp_path / "out/reward_model.json").write_text(json.dumps({**about, **edit}), encoding="utf-8")
        with pytest.raises(DataError, match=r"is not what rmkit wrote|about: is \[\]; it must be an object"):
            TextRewardModel.load(tmp_path / "out")


def test_other_scores_than_its_own_are_noticed(made, tmp_path, monkeypatch):
    monkeypatch.setattr(sequence_classifier, "scores_of", lambda folder, texts, batch_size: np.zeros(len(texts)))
    with pytest.raises(DataError, match="read back, it gives other scores, off by up to"):
        write_sequence_classifier(TextRewardModel.load(made), tmp_path / "out")


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("score.weight", lambda weight: weight * np.nan, "score of response 0: is no finite number"),
        ("score.weight", lambda weight: weight[:, :3], "cannot be loaded"),
        ("score.weight", None, "has no weights for score.weight"),
        ("transformer.h.0.attn.c_attn.weight", lambda weight: weight * np.inf, "score of response 0: is no finite"),
    ],
)
def test_a_damaged_array_of_a_classifier_is_one_line_with_its_folder(made, tmp_path, name, change, said):
    out = tmp_path / "out"
    write_sequence_classifier(TextRewardModel.load(made), out)
    arrays = load_file(out / "model.safetensors")
    held = arrays.pop(name)
    changed = {} if change is None else {name: np.ascontiguousarray(change(held))}
    save_file(arrays | changed, out / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(DataError, match=said) as caught:
        TextRewardModel.load(out).score(["\n\nHuman: Why?\n\nAssistant:"], ["You need glue"])
    assert str(caught.value).startswith(f"{out}: ")
    assert "\n" not in str(caught.value)
