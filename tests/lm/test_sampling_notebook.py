"""Each reading of 02_sampling changes what it says and nothing else: its cells, on a model of two layers."""

import shutil
from types import SimpleNamespace

import numpy as np
import pytest

from rmkit.lm.loading import load_causal
from rmkit.lm.sampling import transformers
from rmkit.worlds.grammar.drawing import prompt_table
from tests.notebook_cells import ROOT, KeepingJob, run_cells

SMALL = {"n_train_responses": 2, "n_test_responses": 3, "max_new_tokens": 64, "gold_model": "grammar-gold"}


@pytest.fixture(scope="module")
def inputs(base, gold_model, grammar):
    prompts = prompt_table(grammar, "train", 3, np.random.default_rng(0))
    prompts = prompts.assign(part=np.where(np.arange(len(prompts)) % 2, "train", "test"))
    return {
        "prompts": SimpleNamespace(rows=prompts.rename_axis("prompt_id").reset_index()),
        "base_models": SimpleNamespace(folders={"grammar-s": base.path}),
        "encoder": SimpleNamespace(folders={"grammar-encoder": base.path}),
        "gold_model": SimpleNamespace(folders={"grammar-gold": gold_model.path}),
    }


@pytest.fixture(scope="module")
def bank_of(inputs, tmp_path_factory):
    """The test bank of these parameters."""

    def made(**parameters):
        job = KeepingJob(tmp_path_factory.mktemp("scratch"), inputs)
        run_cells("02_sampling", job, "test_bank", **SMALL | parameters)
        return job.saved["test_bank"]

    return made


@pytest.fixture(scope="module")
def usual(bank_of):
    return bank_of()


def parts(bank):
    """What a bank holds, by what a parameter may change."""
    return {
        "responses": bank.responses["response"].tolist(),
        "embedding": bank.embedding_rd.tolist(),
        "rule": bank.scores["rule"].tolist(),
        "model": bank.scores["model"].tolist(),
        "gold": bank.scores["gold"].tolist(),
    }


def changed(bank, usual):
    theirs = parts(usual)
    return {name for name, values in parts(bank).items() if values != theirs[name]}


@pytest.mark.parametrize(
    ("parameters", "differs"),
    [
        ({"gold_template": "plain"}, {"model"}),
        ({"gold": "model"}, {"gold"}),
        ({"embedding_template": "response"}, {"embedding"}),
    ],
    ids=lambda value: next(iter(value)),
)
def test_what_is_read_changes_its_own_reading_alone(bank_of, usual, parameters, differs):
    assert changed(bank_of(**parameters), usual) == differs


def test_of_the_raw_text_only_what_went_on_into_the_next_turn_is_embedded_otherwise(bank_of, usual):
    raw = bank_of(embedded_text="raw")
    assert changed(raw, usual) == {"embedding"}
    went_on_r = (usual.responses["response"].str.strip() != usual.responses["answer"]).to_numpy()
    assert went_on_r.sum() > 0
    differs_r = np.abs(raw.embedding_rd.astype(float) - usual.embedding_rd.astype(float)).max(axis=1) > 0.01
    np.testing.assert_array_equal(differs_r, went_on_r)
    assert raw.about["embedding_source"]["text"] == "raw"


def test_prompts_above_max_prompt_tokens_are_left_out_and_the_others_keep_their_responses(bank_of, usual, inputs, base):
    _, tokenizer = load_causal(base)
    length_p = [len(tokenizer(prompt)["input_ids"]) for prompt in usual.prompts["prompt"]]
    few = bank_of(max_prompt_tokens=min(length_p))
    short = [i for i, n in zip(usual.prompts["prompt_id"], length_p, strict=True) if n == min(length_p)]
    assert few.prompts["prompt_id"].tolist() == short
    kept = usual.responses["prompt_id"].isin(short)
    assert few.responses["response"].tolist() == usual.responses[kept]["response"].tolist()


def test_rows_at_once_is_how_many_are_drawn_side_by_side_and_changes_no_response(bank_of, usual, monkeypatch):
    asked, sample = [], transformers.sample

    def spying(*args, batch_size, **kwargs):
        asked.append(batch_size)
        return sample(*args, batch_size=batch_size, **kwargs)

    monkeypatch.setattr(transformers, "sample", spying)
    assert changed(bank_of(rows_at_once=2), usual) == set()
    assert asked == [2, 2]


def test_the_rule_is_that_of_grammar_folder(bank_of, usual, tmp_path):
    own = tmp_path / "grammar"
    shutil.copytree(ROOT / "data/grammar", own)
    gold = own / "gold.yaml"
    gold.write_text(gold.read_text(encoding="utf-8").replace("length: 0.8", "length: 0.4"), encoding="utf-8")
    assert changed(bank_of(grammar_folder=str(own)), usual) == {"rule", "gold"}
