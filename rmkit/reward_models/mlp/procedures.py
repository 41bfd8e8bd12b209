"""How a network is trained: steps, batches, when it stops and which of its weights are kept.

Knows counts and losses; no tensor but the layers that it keeps. `Published` repeats the released code of arXiv
2411.04991 (networks.py and step 5): Adam at 1e-3, batches of at most 10,240 rows drawn at random at each step, at most
30 epochs, cross-entropy of probabilities, and a stop when the newest validation loss is larger than each of the last
three; the last weights are kept. `Sound` keeps the best ones, and works on log-odds. `FullBatch` repeats the released
trainer of arXiv 2502.04354, "Active Reward Modeling": 1,000 steps of Adam at 1e-3, each on all training pairs, without
weight decay; no validation pair is asked anything, and the last weights are kept. It costs a pair softplus of minus the
margin. Theirs is cross-entropy of the probability: the same number up to rounding for margins from about -28 to 17.
Beyond that theirs has no gradient, while a wrongly ordered pair goes on to teach here. NETWORKS has the network
that each is for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F

from rmkit.errors import ResultError
from rmkit.reward_models.mlp.layers import SMALL_START, Layers

PUBLISHED_LEARNING_RATE = 1e-3
PUBLISHED_ROWS = 10_240  # a batch, at most
PUBLISHED_EPOCHS = 30
PUBLISHED_PATIENCE = 3
FULL_BATCH_LEARNING_RATE = 1e-3
EVERY_PAIR = int(np.iinfo(np.int64).max)
LOOK_EVERY = 50  # steps of a full-batch fit, between looks that stop nothing


@dataclass(frozen=True)
class Network:
    """What lies between embedding and reward."""

    hidden: tuple[int, ...]  # units of each hidden layer
    activation: str  # of layers.ACTIVATIONS
    last_bias: bool  # whether a constant is added to the reward; no pair says anything of it


PAPERS_NETWORK = Network((1024, 512), "relu", last_bias=True)  # of arXiv 2411.04991
NETWORKS: Mapping[str, Network] = {  # by procedure
    "sound": PAPERS_NETWORK,
    "published": PAPERS_NETWORK,
    "full_batch": Network((512, 512, 512), "gelu", last_bias=False),  # of arXiv 2502.04354
}


class Keeper(Protocol):
    """Which weights of each of S fits are kept, and which fits still run."""

    layers: Layers
    log_loss_s: np.ndarray  # (S,) validation loss of the kept weights, in nats
    step_s: np.ndarray  # (S,) the step whose weights they are

    def update(self, step: int, fit_g: np.ndarray, log_loss_g: np.ndarray, layers: Layers) -> np.ndarray:
        """Look at the fits `fit_g` after a step: (G,) which of them go on."""


class Procedure(Protocol):
    """A way of training: `Sound`, `Published` or `FullBatch`."""

    @property
    def learning_rate(self) -> float: ...
    @property
    def weight_decay(self) -> float: ...
    @property
    def standardises(self) -> bool: ...  # whether inputs are centred and scaled first
    @property
    def last(self) -> float: ...  # size of the last layer's weights at the start

    def batch(self) -> dict[str, int]:
        """How much a step looks at: `n_pairs`, or `n_rows`."""

    def steps(self, n_rows: int) -> tuple[int, int]:
        """(the most steps, steps between looks at the validation loss) for a fit of so many training rows."""

    def nll(self, logit: torch.Tensor, label: int) -> torch.Tensor:
        """Minus the log-probability of a row's label, 1 or 0, of which `logit` are the log-odds of 1, in nats."""

    def keeper(self, layers: Layers) -> Keeper:
        """Of the fits whose layers these are."""


@dataclass(frozen=True, kw_only=True)
class Sound:
    """AdamW on minibatches of pairs; the weights with the smallest validation log-loss."""

    learning_rate: float
    weight_decay: float
    batch_pairs: int
    max_steps: int
    evaluate_every: int
    patience: int
    standardises: bool = True
    last: float = SMALL_START

    def batch(self) -> dict[str, int]:
        return {"n_pairs": self.batch_pairs}

    def steps(self, n_rows: int) -> tuple[int, int]:
        del n_rows
        return self.max_steps, self.evaluate_every

    def nll(self, logit: torch.Tensor, label: int) -> torch.Tensor:
        return F.softplus(-logit if label else logit)

    def keeper(self, layers: Layers) -> "BestWeights":
        return BestWeights(layers, patience_steps=self.patience * self.evaluate_every)


@dataclass(frozen=True, kw_only=True)
class Published:
    """As released; nothing can be chosen."""

    learning_rate: float = PUBLISHED_LEARNING_RATE
    weight_decay: float = 0.0
    standardises: bool = False
    last: float = 1.0

    def batch(self) -> dict[str, int]:
        return {"n_rows": PUBLISHED_ROWS}

    def steps(self, n_rows: int) -> tuple[int, int]:
        a_epoch = -(-n_rows // PUBLISHED_ROWS)
        return PUBLISHED_EPOCHS * a_epoch, a_epoch

    def nll(self, logit: torch.Tensor, label: int) -> torch.Tensor:
        """Of probabilities, as released: where they round to 0 or 1 the gradient is lost, and no row costs above 100.

        What is not a number stays so, for `finite` to name the fit; cross-entropy would refuse it without a name.
        """
        chance = torch.nan_to_num(torch.sigmoid(logit), nan=0.5)
        loss = F.binary_cross_entropy(chance, torch.full_like(chance, label), reduction="none")
        return torch.where(torch.isnan(logit), logit, loss)

    def keeper(self, layers: Layers) -> "LastWeights":
        return LastWeights(layers)


@dataclass(frozen=True, kw_only=True)
class FullBatch:
    """As released for active labelling; only the number of steps can be chosen."""

    max_steps: int
    learning_rate: float = FULL_BATCH_LEARNING_RATE
    weight_decay: float = 0.0
    standardises: bool = False
    last: float = 1.0

    def batch(self) -> dict[str, int]:
        return {"n_pairs": EVERY_PAIR}

    def steps(self, n_rows: int) -> tuple[int, int]:
        del n_rows
        return self.max_steps, LOOK_EVERY

    def nll(self, logit: torch.Tensor, label: int) -> torch.Tensor:
        return F.softplus(-logit if label else logit)

    def keeper(self, layers: Layers) -> "NewestWeights":
        return NewestWeights(layers)


class _Kept:
    def __init__(self, layers: Layers) -> None:
        self.layers = [layer.detach().clone() for layer in layers]
        self.log_loss_s, self.step_s = np.full(len(layers[0]), np.inf), np.zeros(len(layers[0]), np.int64)

    def keep(self, step: int, fit_g: np.ndarray, kept_g: np.ndarray, log_loss_g: np.ndarray, layers: Layers) -> None:
        """Take over the weights of the fits that `kept_g` marks."""
        kept_s = fit_g[kept_g]
        self.log_loss_s[kept_s], self.step_s[kept_s] = log_loss_g[kept_g], step
        to, of = (torch.from_numpy(rows).to(layers[0].device) for rows in (kept_s, np.flatnonzero(kept_g)))
        for mine, layer in zip(self.layers, layers, strict=True):
            mine[to] = layer.detach()[of]


class BestWeights(_Kept):
    """Each fit's weights with the smallest validation log-loss; a fit stops that has not improved for some steps."""

    def __init__(self, layers: Layers, *, patience_steps: int) -> None:
        super().__init__(layers)
        self.patience_steps = patience_steps

    def update(self, step: int, fit_g: np.ndarray, log_loss_g: np.ndarray, layers: Layers) -> np.ndarray:
        self.keep(step, fit_g, log_loss_g < self.log_loss_s[fit_g], log_loss_g, layers)
        running_g: np.ndarray = step - self.step_s[fit_g] < self.patience_steps
        return running_g


class NewestWeights(_Kept):
    """Each fit's newest weights, whatever the validation loss is."""

    def update(self, step: int, fit_g: np.ndarray, log_loss_g: np.ndarray, layers: Layers) -> np.ndarray:
        every_g = np.ones(len(fit_g), bool)
        self.keep(step, fit_g, every_g, log_loss_g, layers)
        return every_g


class LastWeights(_Kept):
    """Each fit's newest weights; it stops when the newest loss is larger than each of the three before it."""

    def __init__(self, layers: Layers) -> None:
        super().__init__(layers)
        self.loss_sh = np.full((len(layers[0]), PUBLISHED_PATIENCE), -np.inf)  # -inf: too early to stop

    def update(self, step: int, fit_g: np.ndarray, log_loss_g: np.ndarray, layers: Layers) -> np.ndarray:
        self.keep(step, fit_g, np.ones(len(fit_g), bool), log_loss_g, layers)
        before_gh = self.loss_sh[fit_g]
        stops_g = np.isfinite(before_gh).all(axis=1) & (log_loss_g[:, None] > before_gh).all(axis=1)
        self.loss_sh[fit_g] = np.concatenate([before_gh[:, 1:], log_loss_g[:, None]], axis=1)
        running_g: np.ndarray = ~stops_g
        return running_g


def finite(step: int, fit_g: np.ndarray, log_loss_g: np.ndarray) -> None:
    """ResultError that names the first fit whose validation loss is not a number."""
    if len(bad := np.flatnonzero(~np.isfinite(log_loss_g))):
        found = f"validation log-loss is {log_loss_g[bad[0]]} at step {step}"
        raise ResultError(f"fit {fit_g[bad[0]]}: {found}; lower learning_rate")
