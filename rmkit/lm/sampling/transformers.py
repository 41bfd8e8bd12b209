"""K responses to every prompt from a causal language model, by transformers' `generate`.

The noise is ours (draws.py): one uniform number a token is turned into a token through the cumulated probabilities. So
a response is the same in whatever batch or shard it is drawn (but for a draw that falls within the rounding of a sum),
and what was finished before a kill stays finished. Knows a model and prompts; scores nothing.
"""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rmkit.artifacts.shards import Shards
from rmkit.errors import DataError
from rmkit.lm.loading import context_of
from rmkit.lm.sampling.draws import Decoding, Sampled, answer_of, noise
from rmkit.lm.sampling.roomy_cache import cached
from rmkit.lm.sampling.top_p import top_p_warper
from rmkit.progress import Progress

if TYPE_CHECKING:
    import pandas as pd
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

SHARD_PROMPTS = 64
MOST_DRAWS = 9  # of one response, while all that came was blank


def sample(
    model: "PreTrainedModel",
    tokenizer: "PreTrainedTokenizerBase",
    prompts: "pd.DataFrame",
    *,
    n: int,
    decoding: Decoding,
    seed: int,
    batch_size: int = 256,
    shards: Shards | None = None,
    progress: Progress | None = None,
) -> Sampled:
    """n responses to each of P prompts (columns prompt_id, prompt), in the order of the prompts.

    A response that is blank up to the next turn is drawn again. `answer` is the response up to the next turn, stripped.
    batch_size: responses at a time. DataError for a prompt that does not fit, before anything is drawn.
    """
    import pandas as pd

    check_context(model, tokenizer, prompts, decoding)
    parts = [prompts.iloc[start : start + SHARD_PROMPTS] for start in range(0, len(prompts), SHARD_PROMPTS)]
    tables, done = [], 0
    for number, part in enumerate(parts):
        name = f"{number:05d}"
        table = shards.get(name) if shards else None
        if table is None:
            table = drawn(model, tokenizer, part, n, decoding, seed, batch_size)
            if shards:
                shards.put(name, table)
        tables.append(table)
        done += len(part)
        if progress:
            progress(done * n, len(prompts) * n)
    everything = pd.concat(tables, ignore_index=True)
    seconds, tokens = (everything.pop(name).sum() for name in ("seconds", "tokens_drawn"))
    return Sampled(everything, float(seconds), int(tokens))


def check_context(
    model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase", prompts: "pd.DataFrame", decoding: Decoding
) -> None:
    """DataError for a prompt that does not fit into the model's context with the new tokens."""
    context = context_of(model)
    if context is None:
        return
    for prompt_id, prompt in zip(prompts["prompt_id"], prompts["prompt"], strict=True):
        if (length := len(tokenizer(prompt)["input_ids"])) + decoding.max_new_tokens > context:
            raise DataError(
                f"prompt {prompt_id}: {length} tokens and {decoding.max_new_tokens} new ones do not fit into the "
                f"model's context of {context}; set max_prompt_tokens to at most {context - decoding.max_new_tokens}"
            )


def drawn(
    model: "PreTrainedModel",
    tokenizer: "PreTrainedTokenizerBase",
    prompts: "pd.DataFrame",
    n: int,
    decoding: Decoding,
    seed: int,
    batch_size: int,
) -> "pd.DataFrame":
    """One shard: the columns of Sampled.responses, with the shard's seconds and tokens spread over its rows."""
    import pandas as pd

    started = time.perf_counter()
    rows: list[dict[str, Any]] = [
        {"prompt_id": int(prompt_id), "sample": k, "prompt": prompt, "draws": 0, "tokens_drawn": 0}
        for prompt_id, prompt in zip(prompts["prompt_id"], prompts["prompt"], strict=True)
        for k in range(n)
    ]
    waiting = rows
    for draw in range(1, MOST_DRAWS + 1):
        for row, found in zip(
            waiting, generated(model, tokenizer, waiting, decoding, seed, draw, batch_size), strict=True
        ):
            row |= found
            row["draws"], row["tokens_drawn"] = draw, row["tokens_drawn"] + found["n_tokens"]
        waiting = [row for row in waiting if not row["answer"]]
        if not waiting:
            break
    else:
        raise DataError(
            f"prompt {waiting[0]['prompt_id']}: {MOST_DRAWS} draws in a row were blank; raise max_new_tokens, or look "
            "at what this model says"
        )
    table = pd.DataFrame(rows).drop(columns="prompt")
    return table.assign(seconds=(time.perf_counter() - started) / len(table))


def generated(
    model: "PreTrainedModel",
    tokenizer: "PreTrainedTokenizerBase",
    rows: Sequence[dict[str, Any]],
    decoding: Decoding,
    seed: int,
    draw: int,
    batch_size: int,
) -> list[dict[str, Any]]:
    """response, answer, n_tokens and finish_reason of each row, which has prompt_id, prompt and sample."""
    import numpy as np
    import torch
    from transformers import GenerationConfig, LogitsProcessorList, TemperatureLogitsWarper

    lengths = {prompt: len(tokenizer(prompt)["input_ids"]) for prompt in {row["prompt"] for row in rows}}
    order = sorted(range(len(rows)), key=lambda position: -lengths[rows[position]["prompt"]])
    found: list[dict[str, Any]] = [{} for _ in rows]
    settings = GenerationConfig(
        max_new_tokens=decoding.max_new_tokens,
        do_sample=False,  # the noise is in the processor: what it chose is the only token left
        eos_token_id=sorted(end_tokens(model, tokenizer)) or None,
        pad_token_id=tokenizer.pad_token_id,
    )  # and nothing else of a hub model's own settings, which would bend the draws
    warpers = [TemperatureLogitsWarper(decoding.temperature), top_p_warper(decoding.top_p)]
    for start in range(0, len(order), batch_size):
        batch = order[start : start + batch_size]
        noise_bt = np.stack([noise(rows[position], decoding.max_new_tokens, seed, draw) for position in batch])
        encoded = tokenizer([rows[position]["prompt"] for position in batch], return_tensors="pt", padding=True)
        width = encoded["input_ids"].shape[1]
        chosen_by = choose_by(torch.from_numpy(noise_bt).to(model.device), width)
        own_settings, model.generation_config = model.generation_config, settings
        try:
            with torch.inference_mode():
                sequences = model.generate(
                    input_ids=encoded["input_ids"].to(model.device),
                    attention_mask=encoded["attention_mask"].to(model.device),
                    logits_processor=LogitsProcessorList([*warpers, chosen_by]),
                    **cached(model, width + decoding.max_new_tokens),
                )
        finally:
            model.generation_config = own_settings
        ends = end_tokens(model, tokenizer)
        for position, new in zip(batch, sequences[:, width:].tolist(), strict=True):
            length = next((place for place, token in enumerate(new) if token in ends), len(new))
            response = tokenizer.decode(new[:length], skip_special_tokens=True, clean_up_tokenization_spaces=False)
            found[position] = {
                "response": response,
                "answer": answer_of(response),
                "n_tokens": length,
                "finish_reason": "stop" if length < len(new) else "length",
            }
    return found


def end_tokens(model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase") -> set[int]:
    """The tokens at which this model stops."""
    ends = model.generation_config.eos_token_id
    ends = ends if isinstance(ends, list) else [ends]
    return {token for token in (*ends, tokenizer.eos_token_id) if token is not None}


def choose_by(uniform_bt: "torch.Tensor", width: int) -> Any:
    """A logits processor that leaves each row the one token at which its cumulated probability passes its number.

    uniform_bt: (B, T) float64, a row's numbers for T new tokens. width: the padded length of the prompts.
    """
    import torch
    from transformers import LogitsProcessor

    class ChooseByUniform(LogitsProcessor):
        def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
            cumulated_bv = scores.double().softmax(dim=-1).cumsum(dim=-1)
            threshold_b = uniform_bt[:, input_ids.shape[1] - width] * cumulated_bv[:, -1]
            token_b = (cumulated_bv <= threshold_b[:, None]).sum(dim=-1).clamp(max=scores.shape[1] - 1)
            left_bv = torch.full_like(scores, -torch.inf)
            return left_bv.scatter_(1, token_b[:, None], 0.0)

    return ChooseByUniform()
