"""Which rows each of G fits looks at in a step, drawn from a stream of its own.

Knows positions and weights; no embedding, no network. A pair makes two rows (pair_sets.py). Where the two have one
loss, as a pair and its mirror image have, it is computed once however many of them a batch holds. Fits whose streams
are in one state draw the same ranks, so that levels of noise that share a stream share their draws as well: these are
made once. In law, and in every draw, a fit's batches are those that it would have alone.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch

from rmkit.training_sets.pair_sets import PairSets, ScoreSets

FEWER = 0.75  # a batch of everything is taken by its distinct responses if these are so much fewer than its sides


@dataclass(frozen=True)
class Events:
    """What S fits are told: M events each, of two responses (of a score: the same one twice), on one device."""

    first_sm: torch.Tensor  # int64 into U rows of a table
    second_sm: torch.Tensor  # int64
    weight_sm2: torch.Tensor  # float32, of the two rows that an event makes; 0 for padding
    target_sm: torch.Tensor  # float32, a score where events are scores
    single: bool = False  # whether first and second are the same response in every event

    @classmethod
    def of_pairs(cls, pairs: PairSets, device: str) -> Self:
        arrays = (pairs.chosen_sm, pairs.rejected_sm, pairs.rows_sm2, np.zeros_like(pairs.weight_sm))
        first_sm, second_sm, weight_sm2, target_sm = (torch.from_numpy(array).to(device) for array in arrays)
        return cls(first_sm, second_sm, weight_sm2, target_sm)

    @classmethod
    def of_scores(cls, scores: ScoreSets, device: str) -> Self:
        weight_sm2 = np.stack([scores.weight_sn, np.zeros_like(scores.weight_sn)], axis=2)
        target_sm = np.where(scores.weight_sn > 0, scores.score_sn, 0).astype(np.float32)
        arrays = (scores.position_sn, weight_sm2, target_sm)
        position_sm, weight, target = (torch.from_numpy(array).to(device) for array in arrays)
        return cls(position_sm, position_sm, weight, target, single=True)

    def by_row(self) -> "Events":
        """Every row an event of its own, of one response: for a loss in which a pair's rows have nothing in common."""
        position_sm = torch.cat([self.first_sm, self.second_sm], dim=1)
        none_sm = torch.zeros_like(self.target_sm)
        won_sm2 = torch.stack([self.weight_sm2[:, :, 0], none_sm], dim=2)
        lost_sm2 = torch.stack([none_sm, self.weight_sm2[:, :, 1]], dim=2)
        weight_sm2, target_sm = torch.cat([won_sm2, lost_sm2], dim=1), self.target_sm.repeat(1, 2)
        return Events(position_sm, position_sm, weight_sm2, target_sm, single=True)

    def repeated(self, times: int) -> "Events":
        """The same for so many times S fits, all of the first head first."""
        first_sm, second_sm, target_sm = (
            each.repeat(times, 1) for each in (self.first_sm, self.second_sm, self.target_sm)
        )
        return Events(first_sm, second_sm, self.weight_sm2.repeat(times, 1, 1), target_sm, self.single)

    def of_fits(self, position_g: torch.Tensor) -> "Events":
        """The events of these fits alone, as narrow as they allow."""
        used_gm = self.weight_sm2[position_g].sum(dim=2) > 0
        width = int(used_gm.any(dim=0).nonzero().max()) + 1
        at = (position_g, slice(width))
        return Events(self.first_sm[at], self.second_sm[at], self.weight_sm2[at], self.target_sm[at], self.single)

    @property
    def side_sn(self) -> torch.Tensor:
        """(S, 2M) the first responses, then the second ones; (S, M) where they are the same."""
        return self.first_sm if self.single else torch.cat([self.first_sm, self.second_sm], dim=1)

    def taken(self, event_gb: torch.Tensor, weight_gb2: torch.Tensor) -> "Batch":
        """A batch of these events, both responses of each looked at."""
        sides = [self.first_sm] if self.single else [self.first_sm, self.second_sm]
        position_gu = torch.cat([side_sm.gather(1, event_gb) for side_sm in sides], dim=1)
        return Batch(position_gu, None, weight_gb2, self.target_sm.gather(1, event_gb), self.single)

    def everything(self) -> "Batch":
        """All events as one batch; by its distinct responses, if these are much fewer than its sides."""
        side_gn, told = self.side_sn, (self.weight_sm2, self.target_sm, self.single)
        distinct = [torch.unique(row_n, return_inverse=True) for row_n in side_gn]
        width = max(len(row_u) for row_u, _ in distinct)
        if width > FEWER * side_gn.shape[1]:
            return Batch(side_gn, None, *told)
        position_gu = torch.stack([torch.nn.functional.pad(row_u, (0, width - len(row_u))) for row_u, _ in distinct])
        return Batch(position_gu, torch.stack([where_n for _, where_n in distinct]), *told)


@dataclass(frozen=True)
class Batch:
    """B events of each of G fits. Without `side_gn` the responses are the events' sides, in their order."""

    position_gu: torch.Tensor  # int64 into the table: the responses that are looked at
    side_gn: torch.Tensor | None  # (G, 2B or B) int64 into U: where the events' sides lie
    weight_gb2: torch.Tensor
    target_gb: torch.Tensor
    single: bool = False  # whether an event's two sides are one response

    def sides(self, reward_gu: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(G, B) rewards of the first and of the second responses."""
        side_gn = reward_gu if self.side_gn is None else taken_along(reward_gu, self.side_gn)
        if self.single:
            return side_gn, side_gn
        first_gb, second_gb = side_gn.chunk(2, dim=1)
        return first_gb, second_gb

    def parts(self, n_events: int) -> Iterator["Batch"]:
        """Batches of at most so many events each; a batch of distinct responses stays whole."""
        width = self.target_gb.shape[1]
        if self.side_gn is not None or width <= n_events:
            yield self
            return
        sides = self.position_gu.chunk(1 if self.single else 2, dim=1)
        for start in range(0, width, n_events):
            at = slice(start, start + n_events)
            position_gu = torch.cat([side_gb[:, at] for side_gb in sides], dim=1)
            yield Batch(position_gu, None, self.weight_gb2[:, at], self.target_gb[:, at], self.single)


class Batches:
    """The batches of G fits, for ever: `n_pairs` events each (an epoch goes through all of them in a fresh order, and
    drops a remainder), or `n_rows` rows drawn anew at each step, as released. A fit that has no more takes them all.
    """

    def __init__(
        self, events: Events, streams: Sequence[np.random.Generator], *, n_pairs: int = 0, n_rows: int = 0
    ) -> None:
        self.events, self.by_rows = events, n_rows > 0
        held = events.weight_sm2.flatten(1) > 0 if self.by_rows else events.weight_sm2.sum(dim=2) > 0
        self.size_g = held.sum(dim=1).cpu().numpy()
        self.place_gt = held.to(torch.uint8).argsort(dim=1, descending=True, stable=True)  # rows, or events, that count
        self.most = n_rows or n_pairs
        self.all = events.everything() if (self.size_g <= self.most).all() else None
        self.order_g = shared(streams, self.size_g)
        self.orders = {g: _orders(self.size_g[g], self.most, streams[g], self.by_rows) for g in set(self.order_g)}

    def draw(self) -> Batch:
        """The next batch of each fit; what fills it up has weight 0."""
        if self.all is not None:
            return self.all
        drawn = {g: next(order) for g, order in self.orders.items()}
        width = max(map(len, drawn.values()))
        rank_gb, drawn_gb = np.zeros((len(self.order_g), width), np.int64), np.zeros((len(self.order_g), width), bool)
        for g, leader in enumerate(self.order_g):
            rank_gb[g, : len(drawn[leader])], drawn_gb[g, : len(drawn[leader])] = drawn[leader], True
        device = self.place_gt.device
        place_gb = self.place_gt.gather(1, torch.from_numpy(rank_gb).to(device))
        real_gb = torch.from_numpy(drawn_gb).to(device)
        return self._rows(place_gb, real_gb) if self.by_rows else self._events(place_gb, real_gb)

    def _events(self, event_gb: torch.Tensor, real_gb: torch.Tensor) -> Batch:
        weight_gb2 = self.events.weight_sm2.gather(1, event_gb[:, :, None].expand(-1, -1, 2)) * real_gb[:, :, None]
        return self.events.taken(event_gb, weight_gb2)

    def _rows(self, row_gb: torch.Tensor, real_gb: torch.Tensor) -> Batch:
        """The events of which a row was drawn, each once, with the weights of the rows that were."""
        flat_gr = self.events.weight_sm2.flatten(1)
        weight_gr = added_along(torch.zeros_like(flat_gr), row_gb, flat_gr.gather(1, row_gb) * real_gb)
        weight_gm2 = weight_gr.unflatten(1, (-1, 2))
        used_gm = weight_gm2.sum(dim=2) > 0
        event_gb = used_gm.to(torch.uint8).argsort(dim=1, descending=True, stable=True)[:, : int(used_gm.sum(1).max())]
        return self.events.taken(event_gb, weight_gm2.gather(1, event_gb[:, :, None].expand(-1, -1, 2)))

    def without(self, kept_g: np.ndarray) -> None:
        """Go on with these fits alone; the streams go on as they were."""
        row_g = torch.from_numpy(kept_g).to(self.place_gt.device)
        self.events, self.place_gt, self.size_g = self.events.of_fits(row_g), self.place_gt[row_g], self.size_g[kept_g]
        self.order_g = [self.order_g[g] for g in kept_g]
        self.orders = {leader: order for leader, order in self.orders.items() if leader in self.order_g}
        self.all = self.events.everything() if self.all is not None else None


def taken_along(value_gu: torch.Tensor, position_gn: torch.Tensor) -> torch.Tensor:
    """(G, N) the values of each row at its positions."""
    return taken_in_order(value_gu, position_gn) if value_gu.is_cuda else value_gu.gather(1, position_gn)


def taken_in_order(value_gu: torch.Tensor, position_gn: torch.Tensor) -> torch.Tensor:
    """The same by an index: on CUDA its gradient is summed in sorted order, that of a gather by whichever thread comes
    first, so that equal fits would not have equal bytes.
    """
    return value_gu[torch.arange(len(value_gu), device=value_gu.device)[:, None], position_gn]


def added_along(sum_gu: torch.Tensor, position_gn: torch.Tensor, value_gn: torch.Tensor) -> torch.Tensor:
    """sum_gu, changed: the values of each row are added at its positions."""
    if sum_gu.is_cuda:
        return added_in_order(sum_gu, position_gn, value_gn)
    return sum_gu.scatter_add_(1, position_gn, value_gn)


def added_in_order(sum_gu: torch.Tensor, position_gn: torch.Tensor, value_gn: torch.Tensor) -> torch.Tensor:
    """The same in sorted order on CUDA, as `taken_in_order`."""
    row_gn = torch.arange(len(sum_gu), device=sum_gu.device)[:, None].expand_as(position_gn)
    return sum_gu.index_put_((row_gn, position_gn), value_gn, accumulate=True)


def shared(streams: Sequence[np.random.Generator], sizes: np.ndarray) -> list[int]:
    """For each fit the first whose stream is in the same state and that draws from as many."""
    first: dict[tuple[str, int], int] = {}
    return [
        first.setdefault((_state(stream), int(n)), g) for g, (stream, n) in enumerate(zip(streams, sizes, strict=True))
    ]


def _state(stream: np.random.Generator) -> str:
    state: Any = stream.bit_generator.state
    return json.dumps(state, default=str, sort_keys=True)


def _orders(size: int, most: int, rng: np.random.Generator, fresh: bool) -> Iterator[np.ndarray]:
    """Ranks below `size`, at most `most` at a time: epochs without repeats, or a fresh draw each time."""
    while True:
        order = rng.permutation(size)
        for start in range(0, 1 if fresh else max(size - most, 0) + 1, most):
            yield order[start : start + most]
