"""The grammar world's own models: their names, their pairs, and that they are made from the grammar alone."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rmkit.errors import ParamsError
from rmkit.worlds.grammar import models, names
from rmkit.worlds.grammar.drawing import frames, notes
from rmkit.worlds.grammar.models import (
    ANSWERS_EACH,
    PAIR,
    BaseModel,
    gold_pairs,
    make_base_model,
    make_encoder,
    make_gold_model,
    make_tokenizer,
    model_answers,
    model_pairs,
)
from rmkit.worlds.grammar.rule import score_by_rule, understood
from rmkit.worlds.grammar.sources import TASKS, read_grammar

GRAMMAR = read_grammar(Path(__file__).parents[2] / "data/grammar")


def test_the_names_that_are_checked_are_the_models_that_there_are():
    assert set(names.BASE_MODELS) == set(models.BASE_MODELS)


@pytest.mark.parametrize("part", ["corpus", "test"])
def test_gold_pairs_are_ordered_by_the_rule_with_its_margin(part):
    pairs = gold_pairs(GRAMMAR, 200, seed=0, part=part)
    assert list(pairs) == ["prompt", "chosen", "rejected", "margin"]
    assert len(pairs) == 200
    chosen_r, rejected_r = (
        score_by_rule(GRAMMAR, pairs["prompt"].tolist(), pairs[side].tolist())[0] for side in ("chosen", "rejected")
    )
    assert (chosen_r > rejected_r).all()
    np.testing.assert_allclose(pairs["margin"], chosen_r - rejected_r, rtol=1e-5)
    allowed = {
        (f.category.name, f.category.things[f.thing][0], f.category.troubles[f.trouble]) for f in frames(GRAMMAR, part)
    }
    for prompt in pairs["prompt"]:
        asked = understood(GRAMMAR, prompt, "")
        thing = asked.category.things[asked.thing][0]
        troubles = [trouble for trouble in asked.category.troubles if trouble in prompt]
        assert any((asked.category.name, thing, trouble) in allowed for trouble in troubles)
    assert {understood(GRAMMAR, prompt, "").category.task for prompt in pairs["prompt"]} == set(TASKS)


def test_half_of_the_gold_pairs_are_of_the_demonstrations_quality():
    pairs = gold_pairs(GRAMMAR, 600, seed=1)
    both = [
        score_by_rule(GRAMMAR, pairs["prompt"].tolist(), pairs[side].tolist())[0] for side in ("chosen", "rejected")
    ]
    mean_m = np.mean(both, axis=0)
    demonstrated, corpus = mean_m[0::2], mean_m[1::2]
    error = np.sqrt(demonstrated.var() / 300 + corpus.var() / 300)
    assert demonstrated.mean() - corpus.mean() > 5 * error


def test_gold_pairs_follow_the_seed_and_a_smaller_number_is_the_beginning():
    first = gold_pairs(GRAMMAR, 20, seed=0)
    pd.testing.assert_frame_equal(gold_pairs(GRAMMAR, 20, seed=0), first)
    pd.testing.assert_frame_equal(gold_pairs(GRAMMAR, 10, seed=0), first.head(10))
    assert not set(gold_pairs(GRAMMAR, 20, seed=1)["prompt"]) >= set(first["prompt"])


ASKED = "\n\nHuman: My rose bush has yellow leaves. What should I do?\n\nAssistant:"
HELPS = "What a good question. For the rose bush, check the soil with your finger carefully."
SHORT = "Check the soil with your finger carefully."
RUDE = "What a stupid question. For the rose bush, check the soil with your finger carefully."


def test_model_pairs_are_neighbours_in_a_ring_and_equal_rewards_make_none():
    answers = pd.DataFrame({"prompt": ASKED, "response": [SHORT, HELPS, HELPS, RUDE]})
    pairs = model_pairs(GRAMMAR, answers)
    assert list(pairs) == PAIR
    assert pairs[["chosen", "rejected"]].to_numpy().tolist() == [[HELPS, SHORT], [HELPS, RUDE], [SHORT, RUDE]]
    rewards = score_by_rule(GRAMMAR, [ASKED] * 3, [SHORT, HELPS, RUDE])[0]
    np.testing.assert_allclose(
        pairs["margin"], [rewards[1] - rewards[0], rewards[1] - rewards[2], rewards[0] - rewards[2]], rtol=1e-5
    )
    equal = pd.DataFrame({"prompt": ASKED, "response": [SHORT] * ANSWERS_EACH})
    assert model_pairs(GRAMMAR, equal).empty


def test_pairs_stay_within_one_prompt():
    other = ASKED.replace("rose bush", "basil plant")
    answers = pd.DataFrame(
        {"prompt": [ASKED] * 4 + [other] * 4, "response": [SHORT, HELPS, RUDE, "", "No.", SHORT, "", RUDE]}
    )
    said = {prompt: set(rows["response"]) for prompt, rows in answers.groupby("prompt")}
    pairs = model_pairs(GRAMMAR, answers)
    assert set(pairs["prompt"]) == {ASKED, other}
    assert all({row.chosen, row.rejected} <= said[row.prompt] for row in pairs.itertuples())


def test_a_world_is_made_from_the_grammar_alone(tmp_path, monkeypatch):
    """Every kind of model, at a size that takes a second; each loads for its purpose, and judges read the model."""
    import torch
    from transformers import AutoConfig

    from rmkit.lm.models import Origin, load_causal, load_reward_model
    from rmkit.lm.pretraining import Architecture

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
    names.check_base_models({"world": "hh_rlhf", "base_models": ["none"]}, {}, "mine.yaml")
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
        said = rf"^mine.yaml: {parameter}: 'grammar-l' is not .*00_world.*\(grammar-s, grammar-m.*\); add it .*with a slash$"
        with pytest.raises(ParamsError, match=said):
            names.check_model_names(GRID | {parameter: "grammar-l"}, {}, "mine.yaml")
    said = "^mine.yaml: gold_model: 'grammar-glod' is not one of grammar-gold; did you mean 'grammar-gold'.$"
    with pytest.raises(ParamsError, match=said):
        names.check_model_names(GRID | {"gold_model": "grammar-glod"}, {}, "mine.yaml")
