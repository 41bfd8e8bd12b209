"""A small neural network as the reward: S networks trained as one batch of matrix products, under any loss of pairs.

Knows embeddings and pairs; no text. A head says with `observed_logits` which events it counts as observed in a pair;
its loss is minus the mean log-probability of these. Each fit has its own initial weights and its own order of
minibatches, drawn from its own stream, so its result does not depend on which fits are trained beside it. The optimiser
is AdamW (Loshchilov & Hutter, ICLR 2019). Each fit keeps the weights that had the smallest validation loss; it stops,
and leaves the batch, when that has not improved for a while. It is not refitted on the validation pairs, which early
stopping still needs.
"""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import torch

from rmkit.comparisons import PairSets
from rmkit.errors import ParamsError
from rmkit.reward_models.mlp_training import (
    BestSoFar,
    Minibatches,
    Running,
    absorbed,
    among,
    centers_and_scales,
    hidden_activations,
    initial_layers,
    mean_log_loss,
    pair_log_loss,
    pair_rewards,
    real_positions,
    rewards,
)
from rmkit.reward_models.protocol import BLOCK_NUMBERS, Progress, check_embeddings, check_fit
from rmkit.reward_models.storage import load_state, save_state


@dataclass(kw_only=True)
class MLP(ABC):
    """S networks D -> hidden -> 1 with ReLU between layers. The last layer has no bias: it would cancel in a margin,
    and as many rows win as lose. A head is a subclass that says its name and what it counts as observed.

    While training, inputs are centred and divided by one number a fit (the root mean square over its training
    responses); afterwards the first layer absorbs both, so that `layers_` acts on embeddings as they come.
    """

    name: ClassVar[str]  # as in the registry, and in a saved model

    hidden: tuple[int, ...] = (64,)  # units of each hidden layer
    learning_rate: float = 3e-4
    weight_decay: float = 1e-2
    batch_pairs: int = 64
    max_steps: int = 2000
    evaluate_every: int = 10  # steps between looks at the validation pairs
    patience: int = 10  # looks without improvement before a fit stops

    layers_: list[np.ndarray] = field(init=False, repr=False, compare=False)  # float32, shapes as in Layers
    steps_s_: np.ndarray = field(init=False, repr=False, compare=False)  # (S,) int64, the step whose weights were kept
    validation_log_loss_s_: np.ndarray = field(init=False, repr=False, compare=False)  # (S,) nats, of those weights

    def __post_init__(self) -> None:
        self.hidden = tuple(self.hidden)  # a list when it comes from YAML or JSON
        counts = (len(self.hidden), *self.hidden, self.batch_pairs, self.max_steps, self.evaluate_every, self.patience)
        if min(counts) < 1 or self.learning_rate <= 0 or self.weight_decay < 0:
            raise ParamsError(f"{self}: counts must be at least 1, learning_rate above 0, weight_decay not below 0")

    @staticmethod
    @abstractmethod
    def observed_logits(chosen_reward_sm: torch.Tensor, rejected_reward_sm: torch.Tensor) -> torch.Tensor:
        """(C, S, M) log-odds that the rewards give to each of the C things observed in a pair."""

    @property
    def n_dimensions(self) -> int:
        return int(self.layers_[0].shape[1])

    def fit(
        self,
        embedding_rd: np.ndarray,
        train: PairSets,
        validation: PairSets,
        *,
        rng_s: Sequence[np.random.Generator],
        progress: Progress | None = None,
    ) -> Self:
        """As `RewardModel.fit`; fit s draws its start and its batches from rng_s[s]."""
        check_fit(embedding_rd, train, validation, rng_s)
        used_u = np.unique(np.concatenate([real_positions(train), real_positions(validation)]))
        embedding_ud = torch.from_numpy(embedding_rd[used_u].astype(np.float32))  # each row is read once
        train, validation = among(used_u, train), among(used_u, validation)
        streams = list(rng_s)
        layers = initial_layers(streams, (embedding_rd.shape[1], *self.hidden, 1))
        center_sd, scale_s = centers_and_scales(embedding_ud, train)
        optimiser = torch.optim.AdamW(layers, lr=self.learning_rate, weight_decay=self.weight_decay)
        best = BestSoFar.of(layers, patience_steps=self.patience * self.evaluate_every)
        minibatches = Minibatches.of(train, self.batch_pairs, streams)
        running = Running(np.arange(train.n_sets), layers, optimiser, center_sd, scale_s, validation)
        for step in range(1, self.max_steps + 1):
            chosen_fb, rejected_fb, weight_fb = minibatches.draw(running.fit_f)
            reward_fb = pair_rewards(running.absorbed(), embedding_ud, chosen_fb, rejected_fb)
            loss_f = pair_log_loss(self.observed_logits(*reward_fb), torch.from_numpy(weight_fb))
            optimiser.zero_grad()
            loss_f.sum().backward()  # fits share nothing: each gets the gradient of its own loss
            optimiser.step()
            if step % self.evaluate_every == 0 or step == self.max_steps:
                log_loss_f = mean_log_loss(running.absorbed(), embedding_ud, running.validation, self.observed_logits)
                best.update(step, running.fit_f, log_loss_f, running.layers)
                if progress:
                    progress(step, self.max_steps)
                running_s = best.running(step + 1)
                if not running_s.any():
                    break
                running = running.without_stopped(running_s)
        if progress:
            progress(self.max_steps, self.max_steps)
        self.layers_ = [layer.detach().numpy() for layer in absorbed(best.layers, center_sd, scale_s)]
        self.steps_s_, self.validation_log_loss_s_ = best.step_s, best.log_loss_s
        return self

    def score(self, embedding_rd: np.ndarray) -> np.ndarray:
        """(S, R) float32 rewards, as `RewardModel.score`."""
        check_embeddings(embedding_rd, n_dimensions=self.n_dimensions)
        layers = [torch.from_numpy(layer) for layer in self.layers_]
        n_fits, widest = len(self.layers_[0]), max(self.n_dimensions, *self.hidden)
        reward_sr = np.empty((n_fits, len(embedding_rd)), np.float32)
        step = max(1, BLOCK_NUMBERS // (n_fits * widest))
        for start in range(0, len(embedding_rd), step):
            block_rd = torch.from_numpy(embedding_rd[start : start + step].astype(np.float32))
            reward_sr[:, start : start + step] = rewards(layers, block_rd.expand(n_fits, -1, -1)).numpy()
        return reward_sr

    def last_layer(self, embedding_rd: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """As `HasLastLayer.last_layer`: the activations of the last hidden layer and the weights on them."""
        check_embeddings(embedding_rd, n_dimensions=self.n_dimensions)
        *hidden, last_sh1 = (torch.from_numpy(layer) for layer in self.layers_)
        input_srd = torch.from_numpy(embedding_rd.astype(np.float32)).expand(len(last_sh1), -1, -1)
        return hidden_activations(hidden, input_srd).numpy(), last_sh1.squeeze(-1).numpy()

    def save(self, folder: Path) -> None:
        arrays = {f"layer_{i}": layer for i, layer in enumerate(self.layers_)}
        arrays |= {"steps_s": self.steps_s_, "validation_log_loss_s": self.validation_log_loss_s_}
        options = {option.name: getattr(self, option.name) for option in dataclasses.fields(self) if option.init}
        save_state(folder, reward_model=self.name, options=options, arrays=arrays)

    @classmethod
    def load(cls, folder: Path) -> Self:
        options, arrays = load_state(folder, cls.name)
        model = cls(**options)
        model.steps_s_, model.validation_log_loss_s_ = arrays.pop("steps_s"), arrays.pop("validation_log_loss_s")
        model.layers_ = [arrays[f"layer_{i}"] for i in range(len(arrays))]
        return model
