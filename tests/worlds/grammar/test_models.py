"""The grammar world's own models: their names, and that they are made from the grammar alone."""

from pathlib import Path

import pandas as pd
import pytest

from rmkit.errors import ParamsError
from rmkit.worlds.grammar import models, names
from rmkit.worlds.grammar.judge_corpus import ANSWERS_EACH, notes
from rmkit.worlds.grammar.models import (
    BaseModel,
    make_base_model,
    make_encoder,
    make_gold_model,
    make_tokenizer,
    model_answers,
)
from rmkit.worlds.grammar.phrases import read_grammar

GRAMMAR = read_grammar(Path(__file__).parents[3] / "data/grammar")


def test_the_names_that_are_checked_are_the_models_that_there_are():
    assert set(names.BASE_MODELS) == set(models.BASE_MODELS)


def test_a_world_is_made_from_the_grammar_alone(tmp_path, monkeypatch):
    """Every kind of model, at a size that takes a second; each loads for its purpose, and judges read the model."""
    import torch
    from transformers import AutoConfig

    from rmkit.lm.loading import Origin, load_causal, load_reward_model
    from rmkit.lm.training.pretrain import Architecture

    torch.set_num_threads(1)
    monkeypatch.setattr(models, "TOKENIZER_DIALOGUES", 100)
    tiny = Architecture(hidden=16, layers=1, heads=2, inner=24)
    monkeypatch.setitem(models.BASE_MODELS, "grammar-s", BaseModel(tiny, 1.5, 1e-2))
    steps = []
    tokenizer = make_tokenizer(GRAMMAR, tmp_path / "tokenizer", seed=0)
    make_base_model(
        GRAMMAR, "grammar-s", tokenizer, tmp_path / "grammar-s", n_dialogues=32, seed=0,
        progress=lambda *step: steps.append(step),
    )  # fmt: skip
    assert steps == [(step, 6) for step in range(1, 7)]  # one and a half times 32 dialogues, 8 a step
    base = tmp_path / "grammar-s"
    answers = model_answers(GRAMMAR, base, 5, seed=0)
    assert list(answers) == ["prompt", "response"]
    assert answers.groupby("prompt", sort=False).size().tolist() == [ANSWERS_EACH] * 5
    pd.testing.assert_frame_equal(model_answers(GRAMMAR, base, 5, seed=0), answers)
    assert not set(model_answers(GRAMMAR, base, 5, seed=1)["response"]) >= set(answers["response"])
    make_encoder(GRAMMAR, base, tmp_path / "encoder", answers=answers, n_noted=24, seed=0)
    assert AutoConfig.from_pretrained(tmp_path / "encoder").num_labels == len(notes(GRAMMAR))
    make_gold_model(GRAMMAR, tmp_path / "encoder", tmp_path / "gold", answers=answers, n_pairs=32, seed=0)
    model, tokenizer = load_causal(Origin("grammar-s", str(tmp_path / "grammar-s")))
    assert model.config.hidden_size == 16
    assert len(tokenizer) <= models.VOCABULARY
    assert load_reward_model(Origin("gold", str(tmp_path / "gold")))


GRID = {"world": "grammar", "base_models": ["grammar-s", "grammar-m"]}


def test_base_models_that_exist_are_asked_for_once_each():
    names.check_base_models(GRID, {}, "mine.yaml")
    said = r"^mine.yaml: base_models\[1\]: 'grammar-x' is not one of grammar-s, grammar-m, grammar-l; did you mean 'grammar-"
    with pytest.raises(ParamsError, match=said):
        names.check_base_models(GRID | {"base_models": ["grammar-s", "grammar-x"]}, {}, "mine.yaml")
    for wrong in ([], ["grammar-s", "grammar-s"]):
        with pytest.raises(ParamsError, match=r"^mine.yaml: base_models: .*; name at least one model, each once$"):
            names.check_base_models(GRID | {"base_models": wrong}, {}, "mine.yaml")


def test_a_model_is_one_that_is_made_or_has_a_slash():
    for name in ("grammar-m", "google/gemma-2b", "./mine"):
        names.check_model_names(
            GRID | {"base_model": name, "encoder": name, "gold_model": "grammar-gold"}, {}, "mine.yaml"
        )
    names.check_model_names(GRID | {"gold_model": "acme/reward"}, {}, "mine.yaml")
    for parameter in ("base_model", "encoder"):
        said = rf"^mine.yaml: {parameter}: 'grammar-l' is not .*00_grammar_world.*\(grammar-s, grammar-m.*\); add it .*with a slash$"
        with pytest.raises(ParamsError, match=said):
            names.check_model_names(GRID | {parameter: "grammar-l"}, {}, "mine.yaml")
    said = "^mine.yaml: gold_model: 'grammar-glod' is not one of grammar-gold; did you mean 'grammar-gold'.$"
    with pytest.raises(ParamsError, match=said):
        names.check_model_names(GRID | {"gold_model": "grammar-glod"}, {}, "mine.yaml")
