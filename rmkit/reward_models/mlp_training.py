"""The parts of training S small networks at once: layers with a leading axis S, minibatches, the best weights so far.

Knows tensors and pair positions; no options, no files. F of the S fits (axis f, of which `fit_f` says which they are)
are still running and are all that is computed. Nothing here mixes fits: every operation acts on each of the S
alone, and every fit draws from a generator of its own.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch

from rmkit.comparisons import PairSets
from rmkit.errors import ResultError
from rmkit.reward_models.bradley_terry import margin_nll
from rmkit.reward_models.protocol import BLOCK_NUMBERS

Layers = list[torch.Tensor]  # weight (S, in, out) and bias (S, 1, out) of each hidden layer, then the last weight
LAST_LAYER = 0.1  # size of the last weight at the start, beside the others
ObservedLogits = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]  # rewards (S, M) twice to log-odds (C, S, M)
Batch = tuple[np.ndarray, np.ndarray, np.ndarray]  # chosen_fb, rejected_fb int64, weight_fb float32


def initial_layers(streams: Sequence[np.random.Generator], sizes: Sequence[int]) -> Layers:
    """Float32 leaves for sizes (D, hidden, ..., 1); fit s draws from streams[s].

    Uniform within 1/sqrt(inputs), the last weight a tenth of that: rewards start near 0, where the log-loss is log 2,
    so that a fit on few pairs has nothing to unlearn first.
    """
    layers = []
    for n_inputs, n_outputs in itertools.pairwise(sizes[:-1]):
        layers += [_uniform(streams, (n, n_outputs), 1 / np.sqrt(n_inputs)) for n in (n_inputs, 1)]
    return [*layers, _uniform(streams, (sizes[-2], sizes[-1]), LAST_LAYER / np.sqrt(sizes[-2]))]


def _uniform(streams: Sequence[np.random.Generator], shape: tuple[int, int], within: float) -> torch.Tensor:
    drawn_sio = np.stack([stream.uniform(-within, within, size=shape) for stream in streams])
    return torch.from_numpy(drawn_sio.astype(np.float32)).requires_grad_()


def rewards(layers: Layers, input_snd: torch.Tensor) -> torch.Tensor:
    """(S, N) rewards of N inputs to each of S networks."""
    *hidden, last_sh1 = layers
    return torch.bmm(hidden_activations(hidden, input_snd), last_sh1).squeeze(-1)


def hidden_activations(hidden: Layers, input_snd: torch.Tensor) -> torch.Tensor:
    """(S, N, H) outputs of the last of the hidden layers, given as weight, bias, weight, bias, ..."""
    activation_snh = input_snd
    for weight_sih, bias_s1h in zip(hidden[::2], hidden[1::2], strict=True):
        activation_snh = torch.baddbmm(bias_s1h, activation_snh, weight_sih).relu()
    return activation_snh


def pair_rewards(
    layers: Layers, embedding_ud: torch.Tensor, chosen_sm: np.ndarray, rejected_sm: np.ndarray
) -> tuple[torch.Tensor, torch.Tensor]:
    """(S, M) rewards of the chosen and of the rejected responses, positions counting rows of embedding_ud."""
    position_sn = torch.from_numpy(np.concatenate([chosen_sm, rejected_sm], axis=1))
    input_snd = embedding_ud.index_select(0, position_sn.flatten()).unflatten(0, position_sn.shape)  # faster than [...]
    chosen_reward_sm, rejected_reward_sm = rewards(layers, input_snd).chunk(2, dim=1)
    return chosen_reward_sm, rejected_reward_sm


def pair_log_loss(logit_csm: torch.Tensor, weight_sm: torch.Tensor) -> torch.Tensor:
    """(S,) weighted mean over the pairs of minus the mean log-probability of the C things observed in each, in nats."""
    return margin_nll(logit_csm, weight_sm).mean(0)  # minus the log of a probability is softplus(-log-odds) for any C


@torch.no_grad()
def mean_log_loss(
    layers: Layers, embedding_ud: torch.Tensor, pairs: PairSets, observed_logits: ObservedLogits
) -> np.ndarray:
    """(S,) float64 nats, the loss of all pairs at once, rewards computed in blocks of pairs that bound the memory."""
    step = max(1, BLOCK_NUMBERS // (2 * pairs.n_sets * embedding_ud.shape[1]))
    blocks = [slice(start, start + step) for start in range(0, pairs.weight_sm.shape[1], step)]
    logit_csm = torch.cat(
        [
            observed_logits(*pair_rewards(layers, embedding_ud, pairs.chosen_sm[:, block], pairs.rejected_sm[:, block]))
            for block in blocks
        ],
        dim=-1,
    )
    return pair_log_loss(logit_csm.double(), torch.from_numpy(pairs.weight_sm).double()).numpy()


def centers_and_scales(embedding_ud: torch.Tensor, train: PairSets) -> tuple[torch.Tensor, torch.Tensor]:
    """(S, D) mean of each fit's training responses and (S,) root mean square of what is left, 1 where nothing is."""
    center_sd, scale_s = [], []
    for s in range(train.n_sets):
        input_nd = embedding_ud[torch.from_numpy(real_positions(train, s))].double()
        center_sd.append(input_nd.mean(dim=0))
        centered_nd = input_nd - center_sd[-1]
        scale = (centered_nd * centered_nd).mean().sqrt()
        scale_s.append(torch.where(scale > 0, scale, 1.0))
    return torch.stack(center_sd).float(), torch.stack(scale_s).float()


def absorbed(layers: Layers, center_sd: torch.Tensor, scale_s: torch.Tensor) -> Layers:
    """The layers of the same function without its standardisation: W (x - c)/a + b = (W/a) x + (b - (W/a) c)."""
    weight_sdh, bias_s1h, *rest = layers
    scaled_sdh = weight_sdh / scale_s[:, None, None]
    return [scaled_sdh, bias_s1h - torch.bmm(center_sd[:, None, :], scaled_sdh), *rest]


@dataclass
class Minibatches:
    """Each fit's minibatches, for ever: it goes through its pairs in a fresh order each epoch, drawn from its stream.

    What is left over at an epoch's end, fewer pairs than a minibatch, is dropped. A fit of fewer pairs than that takes
    all of them at each step.
    """

    train: PairSets
    width: int  # B, one for all fits
    order_s: list[Iterator[np.ndarray]]  # S of them, each gives the pairs of one fit's next minibatch

    @classmethod
    def of(cls, train: PairSets, n_pairs: int, streams: Sequence[np.random.Generator]) -> Self:
        order_s = [_orders(np.flatnonzero(train.weight_sm[s]), n_pairs, stream) for s, stream in enumerate(streams)]
        return cls(train, min(n_pairs, int(train.sizes_s.max())), order_s)

    def draw(self, fit_f: np.ndarray) -> Batch:
        """The next minibatch of each of these fits, filled up with pairs of weight 0; the other fits draw nothing."""
        pair_fb, real_fb = np.zeros((len(fit_f), self.width), np.int64), np.zeros((len(fit_f), self.width), np.float32)
        for f, s in enumerate(fit_f):
            pair_b = next(self.order_s[s])
            pair_fb[f, : len(pair_b)], real_fb[f, : len(pair_b)] = pair_b, 1
        set_f1 = fit_f[:, None]
        weight_fb = self.train.weight_sm[set_f1, pair_fb] * real_fb
        return self.train.chosen_sm[set_f1, pair_fb], self.train.rejected_sm[set_f1, pair_fb], weight_fb


def _orders(pair_m: np.ndarray, n_pairs: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    while True:
        order_m = rng.permutation(pair_m)
        for start in range(0, max(len(order_m) - n_pairs, 0) + 1, n_pairs):
            yield order_m[start : start + n_pairs]


@dataclass
class Running:
    """The F of S fits that are trained as one batch: what has a row for each of them, and shrinks when fits stop."""

    fit_f: np.ndarray  # (F,) int64, which of the S
    layers: Layers
    optimiser: torch.optim.Optimizer  # of these layers
    center_fd: torch.Tensor
    scale_f: torch.Tensor
    validation: PairSets

    def absorbed(self) -> Layers:
        return absorbed(self.layers, self.center_fd, self.scale_f)

    def without_stopped(self, running_s: np.ndarray) -> "Running":
        """The fits that are running, to be trained on as before: each in its own state, in the order that they had.

        A lone one keeps a neighbour if it had one: torch multiplies a batch of one in another order than a larger one,
        and what comes out is to be, to the last bit, what training all fits until the last has stopped would give.
        """
        running_f = running_s[self.fit_f]
        kept_g = np.sort(np.argsort(~running_f, kind="stable")[: max(2, np.count_nonzero(running_f))])
        if len(kept_g) == len(self.fit_f):
            return self
        row_g = torch.from_numpy(kept_g)
        layers = rows_of(self.optimiser, row_g)
        center_gd, scale_g, validation = self.center_fd[row_g], self.scale_f[row_g], sets_of(self.validation, kept_g)
        return Running(self.fit_f[kept_g], layers, self.optimiser, center_gd, scale_g, validation)


def rows_of(optimiser: torch.optim.Optimizer, row_g: torch.Tensor) -> Layers:
    """Leave the optimiser these rows of its layers and of what it knows about them: the layers, new leaves."""
    (group,) = optimiser.param_groups
    layers = [layer.detach()[row_g].requires_grad_() for layer in group["params"]]
    for before, layer in zip(group["params"], layers, strict=True):
        known = optimiser.state.pop(before, {})  # AdamW's moments have the layer's shape, its count of steps none
        optimiser.state[layer] = {name: value[row_g] if value.ndim else value for name, value in known.items()}
    group["params"] = layers
    return layers


@dataclass
class BestSoFar:
    """Each fit's weights with the smallest validation log-loss, until it has stopped; a stopped fit stays as it is."""

    layers: Layers
    log_loss_s: np.ndarray  # (S,) nats
    step_s: np.ndarray  # (S,) int64, when
    patience_steps: int  # steps without improvement after which a fit stops

    @classmethod
    def of(cls, layers: Layers, *, patience_steps: int) -> Self:
        n_fits = len(layers[0])
        kept = [layer.detach().clone() for layer in layers]
        return cls(kept, np.full(n_fits, np.inf), np.zeros(n_fits, np.int64), patience_steps)

    def update(self, step: int, fit_f: np.ndarray, log_loss_f: np.ndarray, layers: Layers) -> None:
        """Keep the weights of running fits that are better than before; ResultError if a running fit diverged.

        fit_f: (F,) which of the S fits the losses and the layers are of.
        """
        running_f = self.running(step)[fit_f]
        if (bad_f := running_f & ~np.isfinite(log_loss_f)).any():
            s, log_loss = fit_f[bad_f][0], log_loss_f[bad_f][0]
            raise ResultError(f"fit {s}: validation log-loss is {log_loss} at step {step}; lower learning_rate")
        better_f = running_f & (log_loss_f < self.log_loss_s[fit_f])
        better_s = fit_f[better_f]
        self.log_loss_s[better_s], self.step_s[better_s] = log_loss_f[better_f], step
        for kept, layer in zip(self.layers, layers, strict=True):
            kept[torch.from_numpy(better_s)] = layer.detach()[torch.from_numpy(better_f)]

    def running(self, step: int) -> np.ndarray:
        """(S,) whether each fit is still trained in this step."""
        return step - self.step_s <= self.patience_steps


def real_positions(pairs: PairSets, s: int | slice = slice(None)) -> np.ndarray:
    """Positions of the chosen and the rejected responses of set s (of all sets), padding left out."""
    real = pairs.weight_sm[s] > 0
    return np.concatenate([pairs.chosen_sm[s][real], pairs.rejected_sm[s][real]])


def sets_of(pairs: PairSets, s: np.ndarray) -> PairSets:
    """The sets at positions s alone, as wide as before."""
    return PairSets(chosen_sm=pairs.chosen_sm[s], rejected_sm=pairs.rejected_sm[s], weight_sm=pairs.weight_sm[s])


def among(used_u: np.ndarray, pairs: PairSets) -> PairSets:
    """The same pairs, positions counting within the sorted `used_u`; padding, wherever it pointed, points at row 0."""
    real_sm = pairs.weight_sm > 0
    chosen_sm, rejected_sm = (
        np.where(real_sm, np.searchsorted(used_u, position_sm), 0)
        for position_sm in (pairs.chosen_sm, pairs.rejected_sm)
    )
    return PairSets(chosen_sm=chosen_sm, rejected_sm=rejected_sm, weight_sm=pairs.weight_sm)
