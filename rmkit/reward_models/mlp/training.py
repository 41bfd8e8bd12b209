"""Training S small networks: groups of fits as one batch of products, each fit with its own start, batches and stop.

Knows tensors, events and a procedure; no options, no files. On CUDA a group is as many fits as fit; on the CPU, where
one large product is as fast as several at once and its weights stay in the cache, it is one large network or many
small ones. The same code runs on both.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch

from rmkit.progress import Progress
from rmkit.reward_models.mlp.batches import Batch, Batches, Events
from rmkit.reward_models.mlp.layers import Layers, initial_layers, rewards
from rmkit.reward_models.mlp.procedures import Keeper, Procedure, finite

# Rewards of first and second responses (G, B) and targets (G, B) to the losses (G, B, 2) of the rows that they make.
RowLosses = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]

RESPONSES_AT_ONCE = {"cpu": 4096, "cuda": 2**17}  # of one fit: more fall out of a processor's cache
NUMBERS_AT_ONCE = {"cpu": 2**17, "cuda": 2**31}  # of a group's step: its activations; its weights and their moments
NUMBERS_A_WEIGHT = 5  # weight, gradient, two moments, and the weight that is kept


@dataclass(frozen=True)
class Task:
    """What S networks are trained on; kind_s says which of the losses is whose."""

    table_ud: torch.Tensor  # (U, D) the responses that any of them looks at, in the products' number format
    train: Events
    validation: Events
    kind_s: torch.Tensor  # (S,) int64 into losses
    losses: Sequence[RowLosses]
    sizes: tuple[int, ...]  # (D, hidden, ..., 1)
    activation: str = "relu"
    last_bias: bool = True

    @property
    def device(self) -> str:
        return self.table_ud.device.type

    def of_fits(self, position_g: torch.Tensor) -> "Task":
        train, validation = (events.of_fits(position_g) for events in (self.train, self.validation))
        return replace(self, train=train, validation=validation, kind_s=self.kind_s[position_g])

    def loss(self, layers: Layers, batch: Batch, total_g: torch.Tensor) -> torch.Tensor:
        """(G,) the weighted sum of the losses of a batch's rows over a total weight."""
        n_fits, width = batch.position_gu.shape
        input_gud = self.table_ud.index_select(0, batch.position_gu.flatten()).unflatten(0, (n_fits, width))
        sides = batch.sides(rewards(layers, input_gud, self.activation))
        loss_gb2 = self.losses[0](*sides, batch.target_gb)
        for kind, of_kind in enumerate(self.losses[1:], start=1):
            mine_g11 = (self.kind_s == kind)[:, None, None]
            loss_gb2 = torch.where(mine_g11, of_kind(*sides, batch.target_gb), loss_gb2)
        return (loss_gb2 * batch.weight_gb2).sum(dim=(1, 2)) / total_g

    @cached_property
    def validates(self) -> Batch:
        return self.validation.everything()

    @torch.no_grad()
    def validation_loss(self, layers: Layers) -> np.ndarray:
        """(G,) float64, over all validation events."""
        total_g = self.validates.weight_gb2.sum(dim=(1, 2))
        parts = self.validates.parts(RESPONSES_AT_ONCE[self.device] // 2)
        loss_g: np.ndarray = (
            torch.stack([self.loss(layers, part, total_g) for part in parts]).double().sum(0).cpu().numpy()
        )
        return loss_g


@dataclass(frozen=True)
class Trained:
    """The kept weights of S fits."""

    layers: Layers
    step_s: np.ndarray  # (S,) int64, the step whose weights were kept
    log_loss_s: np.ndarray  # (S,) nats on validation


def trained(
    task: Task,
    procedure: Procedure,
    streams: Sequence[np.random.Generator],
    progress: Progress | None = None,
    *,
    start: Layers | None = None,
) -> Trained:
    """Train every fit; fit s draws its start and its batches from streams[s] alone, or begins with row s of `start`."""
    rows_s = (task.train.weight_sm2 > 0).sum(dim=(1, 2)).cpu().numpy()
    groups = grouped(task, procedure, rows_s)
    steps_of = [procedure.steps(int(rows_s[fits[0]]))[0] for fits in groups]
    total, done, parts = int(sum(steps_of)), 0, []
    for fits, most in zip(groups, steps_of, strict=True):

        def shown(step: int, before: int = done) -> None:
            if progress:
                progress(before + step, total)

        part = task.of_fits(torch.from_numpy(fits).to(task.device))
        own, n_rows = [streams[s] for s in fits], int(rows_s[fits[0]])
        begins = None if start is None else [layer[torch.from_numpy(fits)] for layer in start]
        parts.append(trained_group(part, procedure, own, fits, n_rows, shown, begins))
        done += most
        shown(0, done)
    order = np.argsort(np.concatenate(groups))
    layers = [torch.cat(layer)[order] for layer in zip(*(part.layers for part in parts), strict=True)]
    step_s, log_loss_s = (
        np.concatenate([getattr(part, of) for part in parts])[order] for of in ("step_s", "log_loss_s")
    )
    return Trained(layers, step_s, log_loss_s)


def grouped(task: Task, procedure: Procedure, rows_s: np.ndarray) -> list[np.ndarray]:
    """The S fits in groups that are trained as one batch: fits of equal schedules, as many as memory or cache allow."""
    batch = procedure.batch()
    looked = max(
        min(max(batch.values()), int(rows_s.max())),
        min(task.validation.first_sm.shape[1], RESPONSES_AT_ONCE[task.device]),
    )
    weights = NUMBERS_A_WEIGHT * sum(n * m for n, m in itertools.pairwise(task.sizes))
    at_once = max(1, NUMBERS_AT_ONCE[task.device] // max(2 * looked * max(task.sizes), weights))
    schedules = [procedure.steps(int(n)) for n in rows_s]
    groups = []
    for schedule in dict.fromkeys(schedules):
        fits = np.flatnonzero([each == schedule for each in schedules])
        fits = fits[np.argsort(rows_s[fits], kind="stable")]  # fits of like size waste little on padding
        groups += [fits[start : start + at_once] for start in range(0, len(fits), at_once)]
    return groups


def trained_group(
    task: Task,
    procedure: Procedure,
    streams: Sequence[np.random.Generator],
    fits: np.ndarray,
    n_rows: int,
    shown: Callable[[int], None],
    begins: Layers | None = None,
) -> Keeper:
    """Train the fits of a task as one batch, until the last has stopped; a fit that stops leaves the batch.

    fits: what to call them. n_rows: that one of them trains on. begins: layers of their own to train on, in place of
    new ones; they may turn out to be the best ones. ResultError names a fit whose loss is not a number.
    """
    start = begins or initial_layers(streams, task.sizes, last=procedure.last, last_bias=task.last_bias)
    layers = [layer.detach().to(task.device).requires_grad_() for layer in start]
    optimiser = torch.optim.AdamW(layers, lr=procedure.learning_rate, weight_decay=procedure.weight_decay, fused=True)
    keeper, batches = procedure.keeper(layers), Batches(task.train, streams, **procedure.batch())
    most, between = procedure.steps(n_rows)
    fit_g = np.arange(len(fits))
    if begins:
        keeper.log_loss_s = task.validation_loss(layers)
        finite(0, fits, keeper.log_loss_s)
    for step in range(1, most + 1):
        batch = batches.draw()
        total_g = batch.weight_gb2.sum(dim=(1, 2))
        optimiser.zero_grad()
        for part in batch.parts(RESPONSES_AT_ONCE[task.device] // 2):
            task.loss(layers, part, total_g).sum().backward()  # fits share nothing: each has its own loss's gradient
        optimiser.step()
        if step % between and step < most:
            continue
        log_loss_g = task.validation_loss(layers)
        finite(step, fits[fit_g], log_loss_g)
        running_g = keeper.update(step, fit_g, log_loss_g, layers)
        shown(step)
        if not running_g.any():
            break
        if not running_g.all():
            kept_g = np.flatnonzero(running_g)
            fit_g, row_g = fit_g[kept_g], torch.from_numpy(kept_g).to(task.device)
            layers, task = rows_of(optimiser, row_g), task.of_fits(row_g)
            batches.without(kept_g)
    return keeper


def rows_of(optimiser: torch.optim.Optimizer, row_g: torch.Tensor) -> Layers:
    """Leave the optimiser these rows of its layers and of what it knows about them: the layers, new leaves."""
    (group,) = optimiser.param_groups
    layers = [layer.detach()[row_g].requires_grad_() for layer in group["params"]]
    for before, layer in zip(group["params"], layers, strict=True):
        known = optimiser.state.pop(before, {})  # AdamW's moments have the layer's shape, its count of steps none
        optimiser.state[layer] = {name: value[row_g] if value.ndim else value for name, value in known.items()}
    group["params"] = layers
    return layers
