"""The layers of S networks as arrays with a leading axis S: where they start, and the rewards that they give.

Knows tensors; no pairs, no loss. Products are taken in bfloat16 where the processor multiplies it faster
(machine/number_formats.py), from weights that are kept in float32; sums, rewards and losses are float32. Nothing here
mixes fits.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
import torch.nn.functional as F

Layers = list[torch.Tensor]  # weight (S, in, out) and bias (S, 1, out) of each layer; the last bias may be missing
Activation = Callable[[torch.Tensor], torch.Tensor]
ACTIVATIONS: Mapping[str, Activation] = {"relu": torch.relu_, "gelu": F.gelu}  # may write into what they are given
SMALL_START = 0.1  # size of the last weight at the start, beside the others


def initial_layers(
    streams: Sequence[np.random.Generator],
    sizes: Sequence[int],
    *,
    last: float = SMALL_START,
    last_bias: bool = True,
) -> Layers:
    """Float32 leaves for sizes (D, hidden, ..., 1); fit s draws from streams[s]. PyTorch's own law of linear layers.

    Uniform within 1/sqrt(inputs). The last layer is made smaller by the factor `last`: rewards then start near 0, where
    the log-loss is log 2, so that a fit on few pairs has nothing to unlearn first; 1 is the published start.
    """
    layers = []
    for n_inputs, n_outputs in itertools.pairwise(sizes[:-1]):
        layers += [_uniform(streams, (n, n_outputs), 1 / np.sqrt(n_inputs)) for n in (n_inputs, 1)]
    of_last = (sizes[-2], 1) if last_bias else (sizes[-2],)
    return layers + [_uniform(streams, (n, 1), last / np.sqrt(sizes[-2])) for n in of_last]


def _uniform(streams: Sequence[np.random.Generator], shape: tuple[int, int], within: float) -> torch.Tensor:
    drawn_sio = np.stack([stream.random(shape, dtype=np.float32) for stream in streams])
    return torch.from_numpy((2 * drawn_sio - 1) * np.float32(within)).requires_grad_()


def hidden_activations(layers: Layers, input_snd: torch.Tensor, activation: str = "relu") -> torch.Tensor:
    """(S, N, H) outputs of the last hidden layer, in the inputs' number format. activation: of ACTIVATIONS."""
    activation_snh, activate = input_snd, ACTIVATIONS[activation]
    n_hidden = (len(layers) - 1) // 2
    for weight_sih, bias_s1h in zip(layers[: 2 * n_hidden : 2], layers[1 : 2 * n_hidden : 2], strict=True):
        weight_sih, bias_s1h = weight_sih.to(input_snd.dtype), bias_s1h.to(input_snd.dtype)
        activation_snh = activate(torch.baddbmm(bias_s1h, activation_snh, weight_sih))
    return activation_snh


def rewards(layers: Layers, input_snd: torch.Tensor, activation: str = "relu") -> torch.Tensor:
    """(S, N) rewards of N inputs to each of S networks, the last layer in float32 whatever the inputs are."""
    n_hidden = (len(layers) - 1) // 2
    last_sh1, *last_bias = layers[2 * n_hidden :]
    reward_sn1 = torch.bmm(hidden_activations(layers, input_snd, activation).to(last_sh1.dtype), last_sh1)
    return (reward_sn1 + last_bias[0] if last_bias else reward_sn1).squeeze(-1)
