"""Fine-tuning learns completions alone, and what it leaves behind is a whole model."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from tokenizers.processors import TemplateProcessing

from rmkit.errors import DataError
from rmkit.lm.loading import Origin, load_causal
from rmkit.lm.training.sft import ADAPTER, RECIPES, Recipe, fine_tune, log_rows, tokenized
from rmkit.worlds.grammar.drawing import demonstration_table

TWENTY_STEPS = Recipe(learning_rate=1e-2, epochs=20, batch_size=8, teaches_stopping=True)  # for 8 demonstrations


@pytest.fixture(scope="module")
def demonstrations(grammar):
    return demonstration_table(grammar, 4, np.random.default_rng(0))[["prompt", "completion"]]


@pytest.fixture(scope="module")
def overfit(base, demonstrations, tmp_path_factory):
    folder = tmp_path_factory.mktemp("overfit")
    steps = []
    recipe = replace(TWENTY_STEPS, epochs=60)
    done = fine_tune(base, demonstrations, folder, recipe, seed=0, progress=lambda *step: steps.append(step))
    return folder, done, steps


def weights(folder):
    return load_file(f"{folder}/model.safetensors")


def nll(origin, demonstrations, *, teaches_stopping):
    """Mean loss of a completion's token, each demonstration by itself, in nats."""
    model, tokenizer = load_causal(origin)
    losses = []
    for prompt, completion in demonstrations[["prompt", "completion"]].itertuples(index=False):
        n_prompt = len(tokenizer(prompt)["input_ids"])
        ids = tokenizer(prompt + completion)["input_ids"] + [tokenizer.eos_token_id] * teaches_stopping
        with torch.no_grad():
            log_probability_lv = model(torch.tensor([ids], device=model.device)).logits[0].log_softmax(dim=-1)
        losses += [-log_probability_lv[place - 1, ids[place]].item() for place in range(n_prompt, len(ids))]
    return float(np.mean(losses))


@pytest.mark.parametrize("teaches_stopping", [True, False])
def test_the_mask_is_on_the_completion_and_the_end_that_is_taught(causal, teaches_stopping):
    _, tokenizer = causal
    prompt, completion = "\n\nHuman: Hi.\n\nAssistant:", " I am glad you asked."
    rows = pd.DataFrame({"prompt": [prompt, prompt], "completion": [completion, " No."]})
    examples = tokenized(rows, tokenizer, teaches_stopping)
    assert [set(example) for example in examples] == [{"input_ids", "completion_mask"}] * 2
    for example, said in zip(examples, (completion, " No."), strict=True):
        ids, mask = np.array(example["input_ids"]), np.array(example["completion_mask"])
        assert ids.shape == mask.shape
        assert tokenizer.decode(ids[mask == 0]) == f"<s>{prompt}"
        assert tokenizer.decode(ids[mask == 1]) == said + "</s>" * teaches_stopping
        assert (np.diff(mask) >= 0).all()


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("completion", ["Yes.", "...", "ly so", "\nYes"])
def test_the_mask_is_right_where_the_texts_touch(causal, recipe, completion):
    """No blank between prompt and completion, as in the released code: a token may not belong to both."""
    _, tokenizer = causal
    prompt = "\n\nHuman: Is it?\n\nAssistant: friend"
    (example,) = tokenized(
        pd.DataFrame({"prompt": [prompt], "completion": [completion]}), tokenizer, RECIPES[recipe].teaches_stopping
    )
    ids, mask = np.array(example["input_ids"]), np.array(example["completion_mask"])
    assert len(ids) == len(mask)
    assert tokenizer.decode(ids[mask == 1]) == completion + "</s>" * RECIPES[recipe].teaches_stopping


@pytest.mark.parametrize("teaches_stopping", [True, False])
def test_the_mask_is_right_for_a_tokenizer_that_ends_every_text_itself(base, teaches_stopping):
    _, tokenizer = load_causal(base)
    tokenizer._tokenizer.post_processor = TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", tokenizer.bos_token_id), ("</s>", tokenizer.eos_token_id)]
    )
    assert tokenizer("a")["input_ids"][-1] == tokenizer.eos_token_id
    rows = pd.DataFrame({"prompt": ["\n\nHuman: Hi.\n\nAssistant:"], "completion": [" Hello to you."]})
    (example,) = tokenized(rows, tokenizer, teaches_stopping)
    ids, mask = np.array(example["input_ids"]), np.array(example["completion_mask"])
    assert tokenizer.decode(ids[mask == 1]) == " Hello to you." + "</s>" * teaches_stopping


@pytest.mark.parametrize("teaches_stopping", [True, False])
def test_the_loss_is_that_of_the_completions_by_hand(base, demonstrations, tmp_path, teaches_stopping):
    """Nothing is learned at a rate of 0, so what is logged of any step is the base model's own loss."""
    recipe = Recipe(learning_rate=0.0, epochs=10, batch_size=8, teaches_stopping=teaches_stopping)
    log = fine_tune(base, demonstrations, tmp_path, recipe, seed=0).log
    assert log["step"].tolist() == [1, 10]
    expected = nll(base, demonstrations, teaches_stopping=teaches_stopping)
    np.testing.assert_allclose(log["loss"], expected, rtol=1e-4)
    other = nll(base, demonstrations, teaches_stopping=not teaches_stopping)
    assert abs(other - expected) > 1e-3  # else the end of text shows nothing


def test_the_loss_falls_and_the_saved_model_is_the_one_that_learned(base, demonstrations, overfit):
    folder, done, steps = overfit
    loss = done.log["loss"].to_numpy()
    assert len(loss) == 7
    assert loss[-1] < 0.5 * loss[0]
    before, after = (nll(origin, demonstrations, teaches_stopping=True) for origin in (base, Origin("it", str(folder))))
    assert loss[0] == pytest.approx(before, rel=1e-3)
    assert loss[-1] > 0.5 * after > 0
    assert (done.n_used, done.n_too_long) == (8, 0)
    assert steps == [(step, 60) for step in range(1, 61)]


def test_log_rows_are_result_rows_by_step(overfit):
    _, done, _ = overfit
    rows = log_rows(done.log)
    assert set(rows["metric"]) == {"train_loss", "train_token_accuracy"}
    loss = rows[rows["metric"] == "train_loss"]
    assert loss["step"].tolist() == [1, 10, 20, 30, 40, 50, 60]
    assert loss["value"].tolist() == done.log["loss"].tolist()
    assert {"fit", "metric", "value", "reason", "units"} <= set(rows)
    assert rows["value"].notna().all()


def test_a_training_of_fewer_than_ten_steps_still_has_its_log(base, demonstrations, tmp_path):
    log = fine_tune(base, demonstrations, tmp_path, replace(TWENTY_STEPS, epochs=3), seed=0).log
    assert set(log_rows(log)["metric"]) == {"train_loss", "train_token_accuracy"}


def test_a_model_taught_to_stop_stops_and_one_that_is_not_does_not(base, demonstrations, overfit, tmp_path):
    fine_tune(base, demonstrations, tmp_path, replace(TWENTY_STEPS, epochs=60, teaches_stopping=False), seed=0)
    ends = {}
    for name, folder in {"taught": overfit[0], "not": tmp_path}.items():
        model, tokenizer = load_causal(Origin(name, str(folder)))
        text = demonstrations["prompt"][0] + demonstrations["completion"][0]
        with torch.no_grad():
            logit_v = model(**tokenizer(text, return_tensors="pt").to(model.device)).logits[0, -1]
        ends[name] = logit_v.softmax(dim=0)[tokenizer.eos_token_id].item()
    assert ends["taught"] > 0.5 > 0.05 > ends["not"]


def test_lora_moves_the_adapters_alone_and_leaves_a_whole_model(base, demonstrations, tmp_path):
    """The query and value projections move, each by a matrix of the adapters' rank; nothing else does."""
    recipe = replace(TWENTY_STEPS, lora_rank=3)
    fine_tune(base, demonstrations, tmp_path, recipe, seed=0)
    before, after = weights(base.path), weights(tmp_path)
    assert before.keys() == after.keys()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved == {f"model.layers.{layer}.self_attn.{name}_proj.weight" for layer in (0, 1) for name in "qv"}
    for name in moved:
        size_d = torch.linalg.svdvals((after[name] - before[name]).double())
        assert size_d[2] > 1e-4 * size_d[0]
        assert size_d[3] < 1e-4 * size_d[0]
    assert [path.name for path in tmp_path.glob("adapter*")] == [ADAPTER]
    config = json.loads((tmp_path / ADAPTER / "adapter_config.json").read_text(encoding="utf-8"))
    assert (config["base_model_name_or_path"], config["r"]) == (base.name, 3)
    on_base = PeftModel.from_pretrained(load_causal(base)[0], tmp_path / ADAPTER).merge_and_unload()
    for name, weight in on_base.state_dict().items():
        torch.testing.assert_close(weight.cpu(), after.get(name, weight.cpu()))  # tied weights are stored once
    learned = nll(Origin("lora", str(tmp_path)), demonstrations, teaches_stopping=True)
    assert learned < nll(base, demonstrations, teaches_stopping=True)


def test_fine_tuning_all_weights_moves_all_weights(base, overfit):
    before, after = weights(base.path), weights(overfit[0])
    assert before.keys() == after.keys()
    assert not any(torch.equal(before[name], after[name]) for name in before)


CHANGES = {
    "seed": ({}, {"seed": 1}),
    "schedule": ({"schedule": "cosine"}, {}),
    "warmup": ({"warmup": 0.5}, {}),
    "learning_rate": ({"learning_rate": 2e-2}, {}),
    "batch_size": ({"batch_size": 3}, {}),
    "lora_alpha": ({"lora_alpha": 64}, {}),
    "lora_rank": ({"lora_rank": 4}, {}),
    "max_length": ({"max_length": 60}, {}),
}


@pytest.fixture(scope="module")
def short(base, demonstrations, tmp_path_factory):
    """The weights that a short training with adapters leaves."""
    folder = tmp_path_factory.mktemp("short")
    fine_tune(base, demonstrations, folder, SHORT, seed=0)
    return folder


SHORT = Recipe(learning_rate=1e-2, epochs=2, batch_size=2, teaches_stopping=True, lora_rank=2)


@pytest.mark.parametrize("change", CHANGES)
def test_every_option_of_a_recipe_changes_what_is_learned(base, demonstrations, short, tmp_path, change):
    fields, options = CHANGES[change]
    fine_tune(base, demonstrations, tmp_path, replace(SHORT, **fields), **{"seed": 0, **options})
    name = "model.layers.0.self_attn.q_proj.weight"
    assert not torch.equal(weights(tmp_path)[name], weights(short)[name])


def test_the_same_seed_leaves_the_same_bytes(base, demonstrations, short, tmp_path):
    fine_tune(base, demonstrations, tmp_path, SHORT, seed=0)
    files, again = (sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
                    for folder in (short, tmp_path))  # fmt: skip
    assert files == again
    assert "adapter/adapter_model.safetensors" in files
    assert {name for name in files if (tmp_path / name).read_bytes() != (short / name).read_bytes()} == set()


def test_bfloat16_trains_and_is_what_is_saved(base, demonstrations, tmp_path):
    fine_tune(base, demonstrations, tmp_path, SHORT, seed=0, dtype="bfloat16")
    assert {tensor.dtype for tensor in weights(tmp_path).values()} == {torch.bfloat16}
    assert {tensor.dtype for tensor in weights(base.path).values()} == {torch.float32}
    assert nll(Origin("it", str(tmp_path)), demonstrations, teaches_stopping=True) > 0


def test_the_published_recipe_is_the_papers():
    """arXiv 2411.04991: LoRA of rank 32, two epochs at 5e-5, one demonstration a step, no end of text."""
    published = RECIPES["published"]
    assert (published.learning_rate, published.epochs, published.batch_size) == (5e-5, 2, 1)
    assert (published.lora_rank, published.lora_alpha, published.teaches_stopping) == (32, 32, False)
    assert (published.schedule, published.warmup) == ("linear", 0.0)


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_trains(base, demonstrations, tmp_path, name):
    done = fine_tune(base, pd.concat([demonstrations] * 5), tmp_path, RECIPES[name], seed=0)
    assert done.n_used == 40
    moved = [key for key, value in weights(base.path).items() if not torch.equal(value, weights(tmp_path)[key])]
    assert moved


@pytest.mark.parametrize("empty", ["", " \n"])
def test_an_empty_completion_is_named_by_its_row(base, demonstrations, tmp_path, empty):
    rows = pd.concat([demonstrations.tail(2), pd.DataFrame({"prompt": ["x"], "completion": [empty]})])
    with pytest.raises(DataError, match=r"^demonstrations, row 2: its completion is empty; leave the row out"):
        fine_tune(base, rows, tmp_path, SHORT, seed=0)


def test_demonstrations_that_are_too_long_are_counted_and_all_of_them_are_an_error(base, demonstrations, tmp_path):
    _, tokenizer = load_causal(base)
    lengths = sorted(len(example["input_ids"]) for example in tokenized(demonstrations, tokenizer, True))
    n_used = sum(length <= lengths[3] for length in lengths)
    done = fine_tune(base, demonstrations, tmp_path, replace(SHORT, max_length=lengths[3]), seed=0)
    assert (done.n_used, done.n_too_long) == (n_used, 8 - n_used)
    too_short = lengths[0] - 1
    said = rf"^demonstrations: all 8 are longer than max_length={too_short} tokens; the shortest has {lengths[0]}$"
    with pytest.raises(DataError, match=said):
        fine_tune(base, demonstrations, tmp_path, replace(SHORT, max_length=too_short), seed=0)


def test_no_demonstrations_are_one_clear_line(base, demonstrations, tmp_path):
    with pytest.raises(DataError, match="demonstrations"):
        fine_tune(base, demonstrations.head(0), tmp_path, SHORT, seed=0)


def test_a_demonstration_beyond_the_models_context_is_not_trained_on(base, tmp_path):
    """The recipe allows 1024 tokens, this model 256."""
    rows = pd.DataFrame({"prompt": ["Hi.", "Hi. " * 200], "completion": [" Hello.", " Hello."]})
    assert fine_tune(base, rows, tmp_path, SHORT, seed=0).n_too_long == 1


def test_a_rate_that_is_too_high_is_one_line(base, demonstrations, tmp_path):
    with pytest.raises(DataError, match=r"^training: the loss is no number at step \d+; lower the learning rate"):
        fine_tune(base, demonstrations, tmp_path, replace(TWENTY_STEPS, learning_rate=1e30), seed=0)
