"""Responses as tokens: drawn by a policy, and what a policy thinks of each token.

Knows a model and prompts; no reward. Temperature 1 and no cut of the distribution, so that what is drawn comes from the
distribution that is optimised. The noise is ours, one uniform number a token, as in lm/sampling. An end token that was
drawn is an action like any other; what is padded after it is none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from rmkit.lm.sampling.draws import answer_of
from rmkit.lm.sampling.transformers import choose_by, end_tokens

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


@dataclass(frozen=True, eq=False)
class Rollout:
    """B responses of at most T tokens, after prompts that are padded on the left to one width."""

    prompts: list[str]
    answers: list[str]
    ids_bl: torch.Tensor  # (B, L) int64, prompts and responses
    attention_bl: torch.Tensor  # (B, L) int64
    drawn_bt: torch.Tensor  # (B, T) float, 1 for each token that the policy drew, its end token included
    stopped_b: np.ndarray  # (B,) bool, whether it ended by itself

    @property
    def token_bt(self) -> torch.Tensor:
        """(B, T) int64, the responses' tokens."""
        return self.ids_bl[:, self.ids_bl.shape[1] - self.drawn_bt.shape[1] :]

    @property
    def n_tokens_b(self) -> np.ndarray:
        """(B,) tokens of each response, without its end token."""
        drawn_b: np.ndarray = self.drawn_bt.sum(dim=1).cpu().numpy().astype(int)
        return drawn_b - self.stopped_b

    def part(self, b: torch.Tensor) -> "Rollout":
        """Some of the responses."""
        rows = b.tolist()
        return Rollout(
            [self.prompts[row] for row in rows],
            [self.answers[row] for row in rows],
            self.ids_bl[b],
            self.attention_bl[b],
            self.drawn_bt[b],
            self.stopped_b[rows],
        )


def roll_out(
    model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase", prompts: Sequence[str], uniform_bt: np.ndarray
) -> Rollout:
    """One response to each of B prompts, chosen by B x T numbers in [0, 1); T is the most tokens that one may have."""
    from transformers import GenerationConfig, LogitsProcessorList

    ends = sorted(end_tokens(model, tokenizer))
    encoded = tokenizer(list(prompts), return_tensors="pt", padding=True).to(model.device)
    width = encoded["input_ids"].shape[1]
    settings = GenerationConfig(
        max_new_tokens=uniform_bt.shape[1], do_sample=False, eos_token_id=ends or None,
        pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    chosen_by = choose_by(torch.from_numpy(uniform_bt).to(model.device), width)
    own_settings, model.generation_config = model.generation_config, settings
    try:
        with torch.no_grad():
            ids_bl = model.generate(
                input_ids=encoded["input_ids"],
                attention_mask=encoded["attention_mask"],
                logits_processor=LogitsProcessorList([chosen_by]),
            )
    finally:
        model.generation_config = own_settings
    token_bt = ids_bl[:, width:]
    is_end_bt = torch.isin(token_bt, torch.tensor(ends, dtype=token_bt.dtype, device=token_bt.device))
    drawn_bt = (is_end_bt.cumsum(dim=1) - is_end_bt.long() == 0).long()  # up to the first end token
    return Rollout(
        list(prompts),
        [answer_text(tokenizer, ids, ends) for ids in token_bt.tolist()],
        ids_bl,
        torch.cat([encoded["attention_mask"], drawn_bt], dim=1),
        drawn_bt.float(),
        is_end_bt.any(dim=1).cpu().numpy(),
    )


def answer_text(tokenizer: "PreTrainedTokenizerBase", ids: Sequence[int], ends: Sequence[int]) -> str:
    """What a reward is given: the text of a response's tokens up to its end token and to the next turn, stripped."""
    length = next((place for place, token in enumerate(ids) if token in ends), len(ids))
    said = tokenizer.decode(ids[:length], skip_special_tokens=True, clean_up_tokenization_spaces=False)
    return answer_of(str(said))


def log_probs(model: "PreTrainedModel", rollout: Rollout) -> tuple[torch.Tensor, torch.Tensor]:
    """(B, T, V) log-probabilities of each next token and (B, T, D), the last states that they come from."""
    n_tokens = rollout.drawn_bt.shape[1]
    out = model(
        input_ids=rollout.ids_bl,
        attention_mask=rollout.attention_bl,
        position_ids=(rollout.attention_bl.cumsum(dim=1) - 1).clamp(min=0),
        logits_to_keep=n_tokens + 1,
        output_hidden_states=True,
        use_cache=False,
    )
    return out.logits[:, -n_tokens - 1 : -1].float().log_softmax(dim=-1), out.hidden_states[-1][:, -n_tokens - 1 : -1]


def of_drawn(log_prob_btv: torch.Tensor, rollout: Rollout) -> torch.Tensor:
    """(B, T) log-probability of each drawn token, in nats; 0 after a response's end."""
    return log_prob_btv.gather(-1, rollout.token_bt[..., None])[..., 0] * rollout.drawn_bt
