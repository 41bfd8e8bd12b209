"""A response is a function of model, prompt, seed and number alone: of no batch, no neighbour and no kill."""

import json
import signal
import subprocess
import sys
from collections import Counter

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import chisquare

from rmkit.artifacts.shards import Shards
from rmkit.errors import DataError
from rmkit.lm.loading import load_causal
from rmkit.lm.sampling import transformers
from rmkit.lm.sampling.draws import Decoding, answer_of, noise
from rmkit.lm.sampling.transformers import choose_by, sample

SHORT = Decoding(max_new_tokens=12)
LONG = Decoding(max_new_tokens=40)


def drawn(loaded, prompts, *, n=3, decoding=SHORT, seed=0, **options):
    return sample(*loaded, prompts, n=n, decoding=decoding, seed=seed, **options).responses


@pytest.fixture(scope="module")
def table(causal, asked):
    """What most tests compare with; do not change it."""
    return drawn(causal, asked)


def test_every_prompt_gets_its_responses_in_order(table, asked):
    columns = ["prompt_id", "sample", "response", "answer", "n_tokens", "finish_reason", "draws"]
    assert sorted(table.columns) == sorted(columns)
    assert table["prompt_id"].tolist() == [prompt_id for prompt_id in asked["prompt_id"] for _ in range(3)]
    assert table["sample"].tolist() == [0, 1, 2] * 10
    assert table["response"].nunique() > 25
    assert table["answer"].tolist() == [answer_of(response) for response in table["response"]]


def test_a_seed_gives_one_table_and_another_seed_another(causal, asked, table):
    pd.testing.assert_frame_equal(drawn(causal, asked), table)
    other = drawn(causal, asked, seed=1)
    assert (other["response"] != table["response"]).mean() > 0.9


@pytest.mark.parametrize("name", ["base", "gpt2"])
def test_responses_are_the_same_at_every_batch_size(name, asked, request):
    """In float64, so that no draw falls within the rounding of a sum, whatever the processor."""
    loaded = load_causal(request.getfixturevalue(name))
    loaded[0].double()
    alone = drawn(loaded, asked, batch_size=1, decoding=LONG)
    for batch_size in (7, 64):
        pd.testing.assert_frame_equal(drawn(loaded, asked, batch_size=batch_size, decoding=LONG), alone)
    assert alone["response"].nunique() > 25


def test_a_response_depends_on_no_other_response_or_prompt(causal, asked, table):
    few = drawn(causal, asked, n=2)
    pd.testing.assert_frame_equal(few, table[table["sample"] < 2].reset_index(drop=True))
    some = asked.iloc[[7, 2]]
    expected = pd.concat([table[table["prompt_id"] == prompt_id] for prompt_id in some["prompt_id"]])
    pd.testing.assert_frame_equal(drawn(causal, some), expected.reset_index(drop=True))


def test_a_longer_budget_continues_the_same_responses(causal, asked, table):
    longer = drawn(causal, asked, decoding=LONG)
    cut = table["finish_reason"] == "length"
    assert cut.any()
    for short, long in zip(table["response"][cut], longer["response"][cut], strict=True):
        assert long.startswith(short.rstrip("\ufffd"))  # a character may be cut in two
    pd.testing.assert_frame_equal(longer[~cut], table[~cut])


def by_hand(model, tokenizer, prompt, number_t, *, temperature, top_p):
    """(ids, stopped) drawn without batch, cache or transformers' own warpers."""
    ids = tokenizer(prompt)["input_ids"]
    n_prompt = len(ids)
    for number in number_t:
        with torch.no_grad():
            logit_v = model(torch.tensor([ids], device=model.device)).logits[0, -1].double().cpu().numpy() / temperature
        probability_v = np.exp(logit_v - logit_v.max())
        probability_v /= probability_v.sum()
        order = np.argsort(-probability_v)
        before_v = np.cumsum(probability_v[order]) - probability_v[order]
        kept = np.sort(order[before_v < top_p])  # the likeliest tokens that together have top_p
        cumulated = np.cumsum(probability_v[kept]) / probability_v[kept].sum()
        token = int(kept[np.searchsorted(cumulated, number, side="right")])
        if token == tokenizer.eos_token_id:
            return ids[n_prompt:], True
        ids.append(token)
    return ids[n_prompt:], False


@pytest.mark.parametrize("name", ["base", "gpt2"])
@pytest.mark.parametrize(("temperature", "top_p"), [(1.0, 0.95), (0.7, 0.8), (1.3, 1.0)])
def test_responses_are_those_of_a_loop_by_hand(name, temperature, top_p, asked, request):
    model, tokenizer = load_causal(request.getfixturevalue(name))
    model.lm_head.bias = torch.nn.Parameter(torch.zeros(len(tokenizer), device=model.device))
    model.lm_head.bias.data[tokenizer.eos_token_id] = {"base": 2.0, "gpt2": 4.0}[name]  # many end, at different lengths
    decoding = Decoding(15, temperature, top_p)
    table = drawn((model, tokenizer), asked, n=2, decoding=decoding, seed=5)
    assert set(table["finish_reason"]) == {"stop", "length"}
    prompt_of = asked.set_index("prompt_id")["prompt"]
    for row in table.to_dict("records"):
        number_t = noise(row, 15, seed=5, draw=row["draws"])
        prompt = prompt_of[row["prompt_id"]]
        ids, stopped = by_hand(model, tokenizer, prompt, number_t, temperature=temperature, top_p=top_p)
        assert row["response"] == tokenizer.decode(ids, skip_special_tokens=True)
        assert row["n_tokens"] == len(ids)
        assert row["finish_reason"] == ("stop" if stopped else "length")


def test_temperature_and_top_p_change_responses(causal, asked, table):
    for decoding in (Decoding(12, temperature=0.5), Decoding(12, top_p=0.5)):
        assert (drawn(causal, asked, decoding=decoding)["response"] != table["response"]).mean() > 0.5


@pytest.mark.parametrize("decoding", [Decoding(12, temperature=1e-4), Decoding(12, top_p=1e-6)])
def test_a_low_temperature_or_top_p_is_greedy(causal, asked, decoding):
    model, tokenizer = causal
    greedy = {}
    for prompt_id, prompt in zip(asked["prompt_id"], asked["prompt"], strict=True):
        inputs = tokenizer(prompt, return_tensors="pt").to(model.device)
        ids = model.generate(**inputs, max_new_tokens=12, do_sample=False)[0, inputs["input_ids"].shape[1] :]
        greedy[prompt_id] = tokenizer.decode(ids, skip_special_tokens=True)
    for seed in (0, 1):
        table = drawn(causal, asked, decoding=decoding, seed=seed)
        assert table["response"].tolist() == [greedy[prompt_id] for prompt_id in table["prompt_id"]]


@pytest.mark.parametrize("n_out", [0, 5])
def test_tokens_are_chosen_as_often_as_the_softmax_says(n_out):
    """Pearson's chi-square over 20000 draws; tokens that a warper took out never come."""
    rng = np.random.default_rng(0)
    logit_v = torch.tensor(rng.normal(scale=1.5, size=30), dtype=torch.float32)
    logit_v[:n_out] = logit_v[20 : 20 + n_out] = -torch.inf
    n = 20_000
    left_nv = choose_by(torch.from_numpy(rng.random((n, 1))), width=4)(torch.zeros(n, 4), logit_v.expand(n, -1))
    assert (torch.isfinite(left_nv).sum(dim=1) == 1).all()
    count_v = torch.isfinite(left_nv).sum(dim=0).numpy()
    probability_v = logit_v.double().softmax(dim=0).numpy()
    assert (count_v[probability_v == 0] == 0).all()
    possible = probability_v > 0
    assert n * probability_v[possible].min() > 5
    assert chisquare(count_v[possible], n * probability_v[possible]).pvalue > 1e-3


def test_the_ends_of_the_unit_interval_choose_tokens_that_are_possible():
    logit_v = torch.tensor([-torch.inf, 0.0, -torch.inf, 1.0, -torch.inf])
    ends = torch.tensor([[0.0], [1 - 2**-53]], dtype=torch.float64)
    left = choose_by(ends, width=0)(torch.zeros(2, 0), logit_v.expand(2, -1))
    assert left.argmax(dim=1).tolist() == [1, 3]


def test_the_first_token_comes_as_often_as_the_model_says(causal, asked):
    """2000 responses of one token; blank ones are drawn again, so the others share their probability."""
    model, tokenizer = causal
    prompt = asked.head(1)
    table = drawn(causal, prompt, n=2000, decoding=Decoding(1, top_p=1.0))
    with torch.no_grad():
        inputs = tokenizer(prompt["prompt"][0], return_tensors="pt").to(model.device)
        probability_v = model(**inputs).logits[0, -1].double().softmax(dim=0)
    expected = Counter()
    for token, probability in enumerate(probability_v.tolist()):
        response = tokenizer.decode([token], skip_special_tokens=True)
        if answer_of(response):
            expected[response] += probability
    scale = 2000 / sum(expected.values())
    often = [response for response, probability in expected.items() if scale * probability >= 5]
    count = Counter(table["response"])
    found = np.array([count[response] for response in often])
    wanted = scale * np.array([expected[response] for response in often])
    assert len(often) > 20
    rest = np.array([2000 - found.sum()]), np.array([2000 - wanted.sum()])
    assert chisquare(np.append(found, rest[0]), np.append(wanted, rest[1])).pvalue > 1e-3


def blank_at_random(response):
    """Calls about a third of all responses blank."""
    return "" if sum(response.encode()) % 3 == 0 else answer_of(response)


def test_a_blank_response_is_drawn_again_and_counted(causal, asked, table, monkeypatch):
    """Each further draw is another one, and whatever was not blank stays as it was."""
    by_draw = {}
    for draw in range(1, transformers.MOST_DRAWS + 1):
        rows = [
            {**row, "prompt": asked.set_index("prompt_id")["prompt"][row["prompt_id"]]}
            for row in table.to_dict("records")
        ]
        by_draw[draw] = transformers.generated(*causal, rows, SHORT, 0, draw, 64)
    monkeypatch.setattr(transformers, "answer_of", blank_at_random)
    done = sample(*causal, asked, n=3, decoding=SHORT, seed=0)
    found = done.responses
    assert found["draws"].max() > 2
    tokens = 0
    for position, row in enumerate(found.to_dict("records")):
        draws = [by_draw[draw][position] for draw in range(1, row["draws"] + 1)]
        assert [bool(blank_at_random(one["response"])) for one in draws] == [False] * (row["draws"] - 1) + [True]
        assert row["response"] == draws[-1]["response"]
        assert row["n_tokens"] == draws[-1]["n_tokens"]
        tokens += sum(one["n_tokens"] for one in draws)
    assert done.tokens == tokens > found["n_tokens"].sum()
    assert done.blank == (found["draws"] - 1).sum() > 0
    kept = found["draws"] == 1
    pd.testing.assert_frame_equal(found[kept], table[kept & (table["draws"] == 1)])


def test_a_model_that_says_nothing_is_one_line(base, asked):
    model, tokenizer = load_causal(base)
    model.lm_head.bias = torch.nn.Parameter(torch.zeros(len(tokenizer), device=model.device))
    model.lm_head.bias.data[tokenizer.eos_token_id] = 100.0
    with pytest.raises(DataError, match=r"^prompt 3: 9 draws in a row were blank; raise max_new_tokens, or look at"):
        drawn((model, tokenizer), asked)


KILLED = """
import json, os, signal, sys
from pathlib import Path
import pandas as pd, torch
from rmkit.lm.sampling import transformers as sampling
from rmkit.lm.loading import Origin, load_causal
from rmkit.artifacts.shards import Shards

torch.set_num_threads(1)
prompts, options = pd.read_parquet(sys.argv[2]), json.loads(sys.argv[4])
model, tokenizer = load_causal(Origin("base", sys.argv[1]))
generate, further = model.generate, []

def generate_until_killed(**kwargs):
    if Path(sys.argv[3], "00001.parquet").exists():
        further.append(1)
    if len(further) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return generate(**kwargs)

model.generate = generate_until_killed
sampling.SHARD_PROMPTS = 3
sampling.sample(
    model, tokenizer, prompts, decoding=sampling.Decoding(12), shards=Shards(Path(sys.argv[3])), batch_size=2, **options
)
"""


def test_what_was_killed_goes_on_where_it_was_and_ends_the_same(base, causal, asked, table, tmp_path, monkeypatch):
    """Killed while the third of four shards is drawn; the first two are not drawn again."""
    asked.to_parquet(tmp_path / "prompts.parquet")
    folder = tmp_path / "shards"
    arguments = [base.path, tmp_path / "prompts.parquet", folder, json.dumps({"n": 3, "seed": 0})]
    ended = subprocess.run([sys.executable, "-c", KILLED, *arguments], capture_output=True, text=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    kept = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert sorted(kept) == ["00000.parquet", "00001.parquet"]

    again = []

    def watched(model, tokenizer, prompts, *rest):
        again.extend(prompts["prompt_id"])
        return one_shard(model, tokenizer, prompts, *rest)

    one_shard = transformers.drawn
    monkeypatch.setattr(transformers, "drawn", watched)
    monkeypatch.setattr(transformers, "SHARD_PROMPTS", 3)
    steps = []
    shards = Shards(folder)
    resumed = sample(
        *causal, asked, n=3, decoding=SHORT, seed=0, shards=shards, progress=lambda *step: steps.append(step)
    )
    pd.testing.assert_frame_equal(resumed.responses, table)
    assert again == asked["prompt_id"].tolist()[6:]
    assert {name: (folder / name).read_bytes() for name in kept} == kept
    assert steps == [(9, 30), (18, 30), (27, 30), (30, 30)]
    before = sum(shards.get(name.removesuffix(".parquet"))["seconds"].sum() for name in kept)
    assert resumed.seconds > before > 0

    once_more = sample(*causal, asked, n=3, decoding=SHORT, seed=0, shards=shards)  # all from the folder
    pd.testing.assert_frame_equal(once_more.responses, table)
    assert len(again) == 4
    assert (once_more.seconds, once_more.tokens) == (resumed.seconds, resumed.tokens)


def test_shards_of_any_size_make_one_table(causal, asked, table, tmp_path, monkeypatch):
    for size in (1, 4, 10):
        monkeypatch.setattr(transformers, "SHARD_PROMPTS", size)
        pd.testing.assert_frame_equal(drawn(causal, asked, shards=Shards(tmp_path / str(size))), table)
        assert len(list((tmp_path / str(size)).iterdir())) == -(-10 // size)


def test_a_prompt_that_leaves_no_room_is_named_before_anything_is_drawn(causal, asked, tmp_path):
    _, tokenizer = causal
    longest = max(len(tokenizer(prompt)["input_ids"]) for prompt in asked["prompt"])
    assert len(drawn(causal, asked.head(1), n=1, decoding=Decoding(256 - longest))) == 1
    crowded = pd.concat([asked, pd.DataFrame({"prompt_id": [99], "prompt": ["word " * 300]})], ignore_index=True)
    said = r"^prompt 99: \d+ tokens and 12 new ones do not fit into the model's context of 256; set .* to at most 244$"
    with pytest.raises(DataError, match=said):
        drawn(causal, crowded, shards=Shards(tmp_path / "shards"))
    assert not (tmp_path / "shards").exists()
    with pytest.raises(DataError, match="and 257 new ones do not fit"):
        drawn(causal, asked, decoding=Decoding(257))


OWN_SETTINGS = {
    "sampling": {"do_sample": True, "temperature": 0.3, "top_k": 5, "top_p": 0.5, "min_p": 0.1},
    "length": {"max_length": 30, "min_new_tokens": 8},
    "repetition": {"repetition_penalty": 1.5},
    "beams": {"num_beams": 2},
}


@pytest.mark.parametrize("settings", OWN_SETTINGS)
def test_a_hub_models_own_generation_settings_do_not_bend_the_draws(base, asked, table, settings):
    """A folder's generation_config.json may ask for anything; Decoding says how responses are drawn."""
    model, tokenizer = load_causal(base)
    model.generation_config.update(**OWN_SETTINGS[settings])
    pd.testing.assert_frame_equal(drawn((model, tokenizer), asked), table)
