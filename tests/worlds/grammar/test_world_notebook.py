"""Each size in 00_grammar_world is the size of what it names, and its grammar that of grammar_folder: its cells, with
models that are only noted.
"""

import shutil

import pandas as pd
import pytest

from rmkit.worlds.grammar import models
from tests.notebook_cells import ROOT, KeepingJob, run_cells

SMALL = {"n_train_prompts": 3, "n_test_prompts": 2, "n_demonstrations": 4}
MAKERS = ("make_tokenizer", "make_base_model", "model_answers", "make_encoder", "make_gold_model")


@pytest.fixture
def world_of(monkeypatch, tmp_path):
    """What the cells assign, and what each maker of models is asked for, under these parameters."""

    def made(**parameters):
        asked = {}
        for name in MAKERS:
            monkeypatch.setattr(models, name, lambda *args, name=name, **options: asked.update({name: (args, options)}))
        names = run_cells("00_grammar_world", KeepingJob(tmp_path), "gold_log", **SMALL | parameters)
        return names, asked

    return made


def test_prompts_and_demonstrations_are_as_many_as_asked_for_of_each_task(world_of):
    names, _ = world_of(n_train_prompts=5, n_test_prompts=3, n_demonstrations=7)
    assert names["prompts"].groupby(["task", "part"]).size().to_dict() == {
        ("harmless", "test"): 3, ("harmless", "train"): 5, ("helpful", "test"): 3, ("helpful", "train"): 5,
    }  # fmt: skip
    assert names["demonstrations"].groupby("task").size().to_dict() == {"harmless": 7, "helpful": 7}


def test_models_learn_from_as_much_as_asked_for(world_of):
    _, asked = world_of(n_dialogues=11, n_answered_prompts=12, n_noted=13, n_gold_pairs=14)
    assert asked["make_base_model"][1]["n_dialogues"] == 11
    assert asked["model_answers"][0][2] == 12
    assert asked["make_encoder"][1]["n_noted"] == 13
    assert asked["make_gold_model"][1]["n_pairs"] == 14


def test_what_is_asked_is_said_in_the_words_of_grammar_folder(world_of, tmp_path):
    own = tmp_path / "grammar"
    shutil.copytree(ROOT / "data/grammar", own)
    helpful = own / "helpful.yaml"
    helpful.write_text(helpful.read_text(encoding="utf-8").replace("rose bush", "rubber plant"), encoding="utf-8")
    usual, other = (world_of(n_train_prompts=60, **folder)[0] for folder in ({}, {"grammar_folder": str(own)}))
    assert not usual["prompts"]["prompt"].str.contains("rubber plant").any()
    assert other["prompts"]["prompt"].str.contains("rubber plant").any()
    pd.testing.assert_series_equal(usual["prompts"]["category"], other["prompts"]["category"])


def test_the_gold_model_learns_from_so_many_pairs(monkeypatch, tmp_path):
    """Two in three of a model's answers where there are enough, the others of the grammar."""
    from rmkit.worlds.grammar.phrases import read_grammar

    grammar, given = read_grammar(ROOT / "data/grammar"), []
    monkeypatch.setattr(models, "fit_gold_model", lambda base, pairs, *args, **options: given.append(len(pairs)))
    answers = pd.DataFrame({"prompt": [], "response": []})
    for n_pairs in (20, 31):
        models.make_gold_model(grammar, tmp_path, tmp_path, answers=answers, n_pairs=n_pairs, seed=0)
    assert given == [20, 31]
