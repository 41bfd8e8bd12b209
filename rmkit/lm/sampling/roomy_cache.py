"""A cache of keys and values with room for all tokens that will be drawn, so that none is copied again at each token.

transformers' own grows by concatenation, which is a third of the time of a small model's drawing on a CPU. Here each
layer is as long as it will be from the start, and gives a view of what it holds: the same numbers, so the same tokens.
Layers of other kinds (sliding windows, states) stay as transformers makes them. Knows a model; draws nothing.
"""

import inspect
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import DynamicCache, PreTrainedModel


def cached(model: "PreTrainedModel", n_tokens: int) -> "dict[str, DynamicCache]":
    """What `generate` is given for a model that takes keys and values; nothing for another, as Mamba.

    n_tokens: as for `roomy_cache`.
    """
    takes = inspect.signature(model.forward).parameters
    return {"past_key_values": roomy_cache(model, n_tokens)} if "past_key_values" in takes else {}


def roomy_cache(model: "PreTrainedModel", n_tokens: int) -> "DynamicCache":
    """An empty cache for `generate` without beams, whose reordering it does not follow.

    n_tokens: of the padded prompt and what is drawn; more are held, but slowly.
    """
    import torch
    from transformers import DynamicCache
    from transformers.cache_utils import DynamicLayer

    class RoomyLayer(DynamicLayer):
        """Keys and values (B, heads, tokens, D) as views of what was laid out once."""

        def update(
            self, key_states: torch.Tensor, value_states: torch.Tensor, *args: object, **kwargs: object
        ) -> tuple[torch.Tensor, torch.Tensor]:
            before = self.get_seq_length()
            after = before + key_states.shape[-2]
            if after > n_tokens:
                return super().update(key_states, value_states, *args, **kwargs)
            if not before:
                self.lazy_initialization(key_states, value_states)
                batch, heads, _, _ = key_states.shape
                self.room = [s.new_empty(batch, heads, n_tokens, s.shape[-1]) for s in (key_states, value_states)]
            for room, new in zip(self.room, (key_states, value_states), strict=True):
                room[:, :, before:after] = new
            self.keys, self.values = (room[:, :, :after] for room in self.room)
            return self.keys, self.values

    cache = DynamicCache(config=model.config)
    cache.layers = [RoomyLayer() if type(layer) is DynamicLayer else layer for layer in cache.layers]
    return cache
