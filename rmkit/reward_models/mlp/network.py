"""A neural network as the reward: S networks trained together, under any loss of the rows that a pair makes.

Knows embeddings, pairs and scores; no text. A head says with `row_losses` what each row of a pair costs. The network is
that of arXiv 2411.04991 (1024 and 512 hidden units, ReLU); `procedure` says how it is trained (procedures.py): as
released, or soundly; with "full_batch", network and training are those released with arXiv 2502.04354 (three times 512
hidden units, GELU, no bias in the last layer). Each fit has its own initial weights and its own order of minibatches,
drawn from its own stream, so which fits are trained beside it changes its result by rounding alone.
"""

import dataclasses
import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Self

import numpy as np
import torch

from rmkit.errors import DataError, ParamsError, not_one_of, one_of, quoted
from rmkit.progress import Progress
from rmkit.reward_models.array_forms import LARGEST, Form
from rmkit.reward_models.inputs import check_counts, check_embeddings, check_fit, check_scores, row_blocks
from rmkit.reward_models.mlp.batches import Events
from rmkit.reward_models.mlp.embedding_table import FORMATS, EmbeddingTable
from rmkit.reward_models.mlp.layers import ACTIVATIONS, hidden_activations, rewards
from rmkit.reward_models.mlp.procedures import NETWORKS, FullBatch, Procedure, Published, Sound
from rmkit.reward_models.mlp.training import RowLosses, Task, trained
from rmkit.reward_models.protocol import RewardModel
from rmkit.reward_models.storage import StoredHead
from rmkit.training_sets.pair_sets import PairSets, ScoreSets

Nll = Callable[[torch.Tensor, int], torch.Tensor]  # log-odds of a row's label 1, and the label, to its loss
OF_PROCEDURE: Any = None  # an option that the procedure sets (procedures.NETWORKS), unless it is given
MEASURED = ("steps_s_", "validation_log_loss_s_", "validation_squared_error_s_")  # (S,) each, of a fitted model


@dataclass(kw_only=True)
class MLP(StoredHead, ABC):
    """S networks D -> hidden -> 1. A head is a subclass that says its name and what the rows of a pair cost.

    With `procedure="sound"` inputs are centred and divided by one number, mean and root mean square of all responses
    that it is given, which are no labels; or each dimension by its own spread, where a few would drown the others
    (`measures/embedding_health.spread_units`). With "published" and "full_batch" the network acts on them as they come,
    and the options of training, from learning_rate to patience, are those of the released code (but max_steps can be
    chosen with "full_batch"): ParamsError for others.

    With "full_batch" validation pairs are measured and change nothing, so give all labels as training pairs. Where none
    are held out, give the training pairs as validation once more: `validation_log_loss_s_` is then the training loss.
    """

    by_fit: ClassVar = MEASURED  # and the layers
    shared: ClassVar = ("center_d_", "scale_", "precision_")
    joint: ClassVar[bool]  # whether the loss of a pair's rows takes both of its rewards

    procedure: Literal["sound", "published", "full_batch"] = "sound"
    hidden: tuple[int, ...] = OF_PROCEDURE  # units of each hidden layer
    activation: Literal["relu", "gelu"] = OF_PROCEDURE  # of the hidden layers
    learning_rate: float = 3e-4  # this, batch_pairs and patience as docs/log/training-choice.md has them
    weight_decay: float = 1e-2
    batch_pairs: int = 256
    max_steps: int = 1000
    evaluate_every: int = 5  # steps between looks at the validation pairs
    patience: int = 6  # looks without improvement before a fit stops
    precision: Literal["auto", "float32", "bfloat16"] = "auto"  # of products; auto: bfloat16 where it is faster
    device: Literal["auto", "cpu", "cuda"] = "auto"  # auto: CUDA where there is one

    layers_: list[np.ndarray] = field(init=False, repr=False, compare=False)  # float32, shapes as in Layers
    center_d_: np.ndarray = field(init=False, repr=False, compare=False)  # (D,) float32, taken off the inputs
    scale_: float | np.ndarray = field(init=False, repr=False, compare=False)  # what divides them, or (D,) float32
    precision_: str = field(init=False, repr=False, compare=False)  # of the products that fitted them
    steps_s_: np.ndarray = field(init=False, repr=False, compare=False)  # (S,) int64, the step whose weights were kept
    validation_log_loss_s_: np.ndarray = field(init=False, repr=False, compare=False)  # (S,) nats, of those weights
    validation_squared_error_s_: np.ndarray = field(init=False, repr=False, compare=False)  # (S,) after fit_scores

    def __post_init__(self) -> None:
        network = NETWORKS[one_of(self.procedure, NETWORKS, f"{self.name}: procedure")]
        self.hidden = network.hidden if self.hidden is None else tuple(self.hidden)  # a list from YAML or JSON
        self.activation = network.activation if self.activation is None else self.activation
        one_of(self.activation, ACTIVATIONS, f"{self.name}: activation")
        one_of(self.precision, ("auto", *FORMATS), f"{self.name}: precision")
        one_of(self.device, ("auto", "cpu", "cuda"), f"{self.name}: device")
        counts = (len(self.hidden), *self.hidden, self.batch_pairs, self.max_steps, self.evaluate_every, self.patience)
        if min(counts) < 1 or self.learning_rate <= 0 or self.weight_decay < 0:
            raise ParamsError(f"{self}: counts must be at least 1, learning_rate above 0, weight_decay not below 0")
        if self.procedure != "sound" and (given := self._chosen()):
            raise ParamsError(f"{self.name}: procedure {self.procedure} has no {', '.join(given)} to choose; use sound")
        if self.device == "cuda" and not torch.cuda.is_available():
            raise ParamsError(f"{self.name}: device is cuda, and torch sees none here; use auto or cpu")

    def _chosen(self) -> list[str]:
        """The options of sound training that are not at their defaults, though the procedure has them fixed."""
        defaults = {option.name: option.default for option in dataclasses.fields(self)}
        if self.procedure == "full_batch":
            del defaults["max_steps"]
        names = [option.name for option in dataclasses.fields(Sound) if option.name in defaults]
        return [name for name in names if getattr(self, name) != defaults[name]]

    def _training(self) -> Procedure:
        if self.procedure == "published":
            return Published()
        if self.procedure == "full_batch":
            return FullBatch(max_steps=self.max_steps)
        options = [option.name for option in dataclasses.fields(Sound) if hasattr(self, option.name)]
        return Sound(**{name: getattr(self, name) for name in options})

    @staticmethod
    @abstractmethod
    def row_losses(chosen_reward_sm: torch.Tensor, rejected_reward_sm: torch.Tensor, nll: Nll) -> torch.Tensor:
        """(S, M, 2) what the two rows of each pair cost, in nats (pair_sets.py says what they are)."""

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
        fit_together([self], embedding_rd, train, validation, rngs=[rng_s], progress=progress)
        return self

    def fit_from(
        self,
        previous: RewardModel,
        embedding_rd: np.ndarray,
        train: PairSets,
        validation: PairSets,
        *,
        rng_s: Sequence[np.random.Generator],
        progress: Progress | None = None,
    ) -> Self:
        """As `StartsWarm.fit_from`; the optimiser begins anew, and sound training may keep what it begins with.

        With precision "auto" the number format is the predecessor's too. ParamsError for one of another head, procedure
        or network; the options of training may differ.
        """
        fit_together(
            [self], embedding_rd, train, validation, rngs=[rng_s], progress=progress, start=self._predecessor(previous)
        )
        return self

    def _predecessor(self, previous: RewardModel) -> "MLP":
        if not isinstance(previous, MLP) or not hasattr(previous, "layers_"):
            given = "one that is not fitted" if isinstance(previous, MLP) else type(previous).__name__
            raise ParamsError(f"{self.name}: a fit begins from a fitted {self.name}, not from {given}")
        for option in ("name", "procedure", "hidden", "activation"):
            mine, theirs = getattr(self, option), getattr(previous, option)
            if mine != theirs:
                raise ParamsError(
                    f"{self.name}: {option} is {mine}, but {theirs} in the fit to begin from; they must agree"
                )
        return previous

    def fits_beside(self, other: RewardModel) -> bool:
        """As `FitsBeside.fits_beside`: networks of the same options, whatever their losses."""
        return isinstance(other, MLP) and self.made_with() == other.made_with()

    def fit_beside(
        self,
        others: Sequence[RewardModel],
        embedding_rd: np.ndarray,
        train: PairSets,
        validation: PairSets,
        *,
        rngs: Sequence[Sequence[np.random.Generator]],
        progress: Progress | None = None,
    ) -> None:
        """As `FitsBeside.fit_beside`, by `fit_together`."""
        networks = [self, *(other for other in others if isinstance(other, MLP))]
        fit_together(networks, embedding_rd, train, validation, rngs=rngs, progress=progress)

    def fit_scores(
        self,
        embedding_rd: np.ndarray,
        train: ScoreSets,
        validation: ScoreSets,
        *,
        rng_s: Sequence[np.random.Generator],
        progress: Progress | None = None,
    ) -> Self:
        """As `RewardModel.fit_scores`: the same network by squared error."""
        check_scores(embedding_rd, train, validation, rng_s)
        used = [scores.position_sn[scores.weight_sn > 0] for scores in (train, validation)]
        table = self._table(embedding_rd, np.unique(np.concatenate(used)))
        sides = [
            dataclasses.replace(scores, position_sn=table.position(scores.position_sn, scores.weight_sn))
            for scores in (train, validation)
        ]
        events = [Events.of_scores(scores, table.device) for scores in sides]
        _train([self], table, events, [squared_errors], list(rng_s), progress)
        return self

    def score(self, embedding_rd: np.ndarray) -> np.ndarray:
        """(S, R) float32 rewards, as `RewardModel.score`, by products of the precision that fitted them."""
        check_embeddings(embedding_rd, n_dimensions=self.n_dimensions)
        device, dtype = self._device(), FORMATS[self.precision_]
        layers = [torch.from_numpy(layer).to(device) for layer in self.layers_]
        n_fits, widest = len(self.layers_[0]), max(self.n_dimensions, *self.hidden)
        reward_sr = np.empty((n_fits, len(embedding_rd)), np.float32)
        for rows in row_blocks(len(embedding_rd), widest):
            block_rd = self._inputs(embedding_rd[rows]).to(device, dtype)
            for s in range(n_fits):  # one after another: as fast, and the activations of one
                of_fit = [layer[s : s + 1] for layer in layers]
                reward_sr[s, rows] = rewards(of_fit, block_rd[None], self.activation)[0].cpu().numpy()
        return reward_sr

    def _inputs(self, embedding_rd: np.ndarray) -> torch.Tensor:
        scale = np.asarray(self.scale_, np.float32)
        return torch.from_numpy((embedding_rd.astype(np.float32) - self.center_d_) / scale)

    def _device(self) -> str:
        return ("cuda" if torch.cuda.is_available() else "cpu") if self.device == "auto" else self.device

    def _table(self, embedding_rd: np.ndarray, used_u: np.ndarray, start: "MLP | None" = None) -> EmbeddingTable:
        device, precision = self._device(), self.precision
        if start is None:
            standardises = self._training().standardises
            return EmbeddingTable.of(
                embedding_rd, used_u, device=device, precision=precision, standardises=standardises
            )
        same = start.precision_ if precision == "auto" else precision
        return EmbeddingTable.with_units(
            embedding_rd, used_u, start.center_d_, start.scale_, device=device, precision=same
        )

    def last_layer(self, embedding_rd: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """As `HasLastLayer.last_layer`: the last hidden layer's activations, a 1 beside them if there is a bias."""
        check_embeddings(embedding_rd, n_dimensions=self.n_dimensions)
        layers = [torch.from_numpy(layer) for layer in self.layers_]
        input_srd = self._inputs(embedding_rd).to(FORMATS[self.precision_]).expand(len(layers[0]), -1, -1)
        feature_srh, (last_sh1, *bias_s11) = (
            hidden_activations(layers, input_srd, self.activation).float(),
            layers[2 * len(self.hidden) :],
        )
        if bias_s11:
            feature_srh = torch.nn.functional.pad(feature_srh, (0, 1), value=1.0)
        return feature_srh.numpy(), torch.cat([last_sh1, *bias_s11], dim=1).squeeze(-1).numpy()

    def learned(self) -> dict[str, np.ndarray]:
        """As `StoredHead.learned`, and the layers."""
        return super().learned() | {f"layer_{i}": layer for i, layer in enumerate(self.layers_)}

    def take(self, learned: Mapping[str, np.ndarray]) -> None:
        """As `StoredHead.take`."""
        super().take(learned)
        n_layers = sum(name.startswith("layer_") for name in learned)
        self.layers_ = [learned[f"layer_{i}"] for i in range(n_layers)]

    def forms(self) -> Mapping[str, Form]:
        """As `StoredHead.forms`; the layers' shapes are those of Layers."""
        forms: dict[str, Form] = {}
        sizes: tuple[int | str, ...] = ("D", *self.hidden, 1)
        for at, (n_in, n_out) in enumerate(itertools.pairwise(sizes)):
            forms[f"layer_{2 * at}"] = Form("float32", ("S", n_in, n_out))
            forms[f"layer_{2 * at + 1}"] = Form("float32", ("S", 1, n_out))
        if not NETWORKS[self.procedure].last_bias:
            del forms[f"layer_{2 * len(self.hidden) + 1}"]
        return forms | {
            "center_d_": Form("float32", ("D",)),
            "scale_": Form("float32", ("D",), required=False),
            "steps_s_": Form("int64", ("S",)),
            **dict.fromkeys(MEASURED[1:], Form("float64", ("S",), required=False, measured=True)),
        }

    def wrong_fact(self, facts: Mapping[str, Any]) -> str | None:
        """As `StoredHead.wrong_fact`."""
        scale, precision = facts.get("scale_", 1.0), facts.get("precision_")
        if type(scale) not in (int, float) or not 0 < scale <= LARGEST:
            return f"scale_ is {quoted(scale)}, not a finite number above 0"
        return None if precision in list(FORMATS) else f"precision_: {not_one_of(precision, list(FORMATS))}"

    @classmethod
    def made_from(cls, options: dict[str, Any]) -> Self:
        """As `StoredHead.made_from`: what was fitted on a card scores anywhere."""
        lost = options["device"] == "cuda" and not torch.cuda.is_available()
        return cls(**options | ({"device": "auto"} if lost else {}))


def fit_together(
    models: Sequence[MLP],
    embedding_rd: np.ndarray,
    train: PairSets,
    validation: PairSets,
    *,
    rngs: Sequence[Sequence[np.random.Generator]],
    progress: Progress | None = None,
    start: MLP | None = None,
) -> None:
    """Fit heads that differ in their loss alone as one batch, each on the same S sets; rngs[k][s] is head k's fit s.

    Every embedding row is read once for all of them. start: S fits with whose weights those of one head begin.
    ParamsError for heads that differ in an option.
    """
    if any(model.made_with() != models[0].made_with() for model in models):
        raise ParamsError(f"heads that are trained together must have equal options: {', '.join(map(str, models))}")
    rng_s, *others = rngs
    check_fit(embedding_rd, train, validation, rng_s, classifier=not all(model.joint for model in models))
    for other_s in others:
        check_counts(train.n_sets, validation.n_sets, len(other_s))
    if start is not None:
        check_embeddings(embedding_rd[:1], n_dimensions=start.n_dimensions)
        if start.n_fits != train.n_sets:
            raise DataError(f"{train.n_sets} training sets but {start.n_fits} fits to begin from; each needs one")
    used = [np.stack([pairs.chosen_sm, pairs.rejected_sm])[:, pairs.weight_sm > 0] for pairs in (train, validation)]
    table = models[0]._table(embedding_rd, np.unique(np.concatenate(used, axis=1)), start)
    events = [Events.of_pairs(table.among(pairs), table.device) for pairs in (train, validation)]
    nll = models[0]._training().nll
    losses = [lambda first, second, target, head=model: head.row_losses(first, second, nll) for model in models]
    if models[0].procedure != "published":
        streams = [rng for rng_s in rngs for rng in rng_s]
        _train(models, table, [each.repeated(len(models)) for each in events], losses, streams, progress, start)
        return
    for model, loss, own_s in zip(models, losses, rngs, strict=True):  # by rows, which are not the same for all heads
        mine = events if model.joint else [each.by_row() for each in events]
        _train([model], table, mine, [loss], list(own_s), progress, start)


def squared_errors(first_sm: torch.Tensor, second_sm: torch.Tensor, target_sm: torch.Tensor) -> torch.Tensor:
    """(S, M, 2) squared errors of scores; a score makes one row."""
    del second_sm
    return torch.stack([(first_sm - target_sm) ** 2, torch.zeros_like(target_sm)], dim=-1)


def _train(
    models: Sequence[MLP],
    table: EmbeddingTable,
    events: Sequence[Events],
    losses: Sequence[RowLosses],
    streams: Sequence[np.random.Generator],
    progress: Progress | None,
    start: MLP | None = None,
) -> None:
    """Train the S fits of each of the models as one batch, on events to train and to validate; each gets its own."""
    n_fits = len(streams) // len(models)
    kind_s = torch.arange(len(models)).repeat_interleave(n_fits).to(table.device)
    sizes = (table.row_ud.shape[1], *models[0].hidden, 1)
    train, validation = events
    activation, last_bias = models[0].activation, NETWORKS[models[0].procedure].last_bias
    task = Task(table.row_ud, train, validation, kind_s, losses, sizes, activation, last_bias)
    begins = None if start is None else [torch.from_numpy(layer) for layer in start.layers_]
    result = trained(task, models[0]._training(), streams, progress, start=begins)
    for kind, model in enumerate(models):
        mine = slice(kind * n_fits, (kind + 1) * n_fits)
        model.layers_ = [layer[mine].cpu().numpy() for layer in result.layers]
        model.center_d_, model.scale_, model.precision_ = table.center_d, table.scale, table.precision
        for measured in MEASURED[1:]:
            model.__dict__.pop(measured, None)  # of an earlier fit
        model.steps_s_ = result.step_s[mine]
        setattr(model, MEASURED[2 if losses[0] is squared_errors else 1], result.log_loss_s[mine])
