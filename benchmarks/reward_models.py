"""How long does a reward model take to fit? rmkit's networks against the published procedure, side by side in one run.

The opponent follows the released code of arXiv 2411.04991 (networks.py, step 5) as its authors run it: float32, one fit
at a time, both orders of each pair as separate rows, batches of 10,240 random rows, cross-entropy of probabilities, at
most 30 epochs. It is plain PyTorch without needless copies, and must itself reach 60% of this machine's float32 rate,
which is measured between the fits; otherwise the ratio is void. The size is the paper's: 10,000 pairs, 2,048
dimensions, 1024-512-1. rmkit is measured as `procedure="published"`, the same work, and as `procedure="sound"`, what it
does unless told otherwise, on a split by pair: one fit, and the fits of six levels of noise together. The opponent is
also timed on a split by pair, under which Bradley-Terry stops earlier.

All take turns, so that a busy minute hits all of them. A second table splits the gain into its parts. With
ONEDNN_MAX_CPU_ISA=AVX2 the processor is kept from its bfloat16 products, and rmkit goes back to float32 by itself.

Run: python benchmarks/reward_models.py  (about 15 minutes on two cores; --rounds 1 for a look)
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from scipy.special import expit
from torch import nn

from rmkit.artifacts.comparisons import Comparisons
from rmkit.machine.hardware import limit_threads, processor, usable_cores
from rmkit.machine.number_formats import multiplies_bfloat16_fast
from rmkit.measures import ranking
from rmkit.reward_models.registry import build
from rmkit.seeding import generator
from rmkit.training_sets.by_annotations import training_sets
from rmkit.training_sets.pair_sets import PairSets

D, HIDDEN, FACTORS = 2048, (1024, 512), 24
ROWS, EPOCHS, PATIENCE = 10_240, 30, 3
BETAS = (0.5, 0.7, 1.0, 3.0, 5.0, 10.0)  # the paper's levels of noise, whose fits are made together
OPPONENT_BETA = 1.0  # the paper's default
TEST_PROMPTS, TEST_RESPONSES = 200, 32
FLOPS = 2 * (2 * (D * HIDDEN[0] + HIDDEN[0] * HIDDEN[1]) + HIDDEN[0] * HIDDEN[1])  # of training on one response
HEADS = ("mlp_bt", "mlp_clf")


@dataclass(frozen=True)
class World:
    """Responses whose embeddings mix 24 latent factors; gold is a smooth function of these, gaps have s.d. 1.25."""

    embedding_rd: np.ndarray  # (R, D) float16: 2 responses to each prompt
    test_rd: np.ndarray  # (P K, D) float16
    test_gold_pk: np.ndarray
    comparisons: Comparisons  # n pairs at each level of noise

    @classmethod
    def make(cls, seed: int, n_pairs: int, *, betas: Sequence[float] = BETAS, n_dimensions: int = D) -> "World":
        rng = generator(seed, "benchmark")
        mix_fd, bend_fh, out_h = (
            rng.normal(size=(FACTORS, n_dimensions)),
            rng.normal(size=(FACTORS, 32)),
            rng.normal(size=32),
        )

        def responses(count: int) -> tuple[np.ndarray, np.ndarray]:
            factor_rf = rng.normal(size=(count, FACTORS))
            embedding_rd = np.tanh(factor_rf @ mix_fd / np.sqrt(FACTORS)) + 0.3 * rng.normal(size=(count, n_dimensions))
            return embedding_rd.astype(np.float16), np.tanh(factor_rf @ bend_fh / np.sqrt(FACTORS)) @ out_h

        embedding_rd, gold_r = responses(2 * n_pairs)
        test_rd, test_gold_r = responses(TEST_PROMPTS * TEST_RESPONSES)
        unit = np.std(gold_r[::2] - gold_r[1::2]) / 1.25
        first_m, uniform_m = 2 * np.arange(n_pairs), rng.random(n_pairs)
        chance = {beta: expit(beta * (gold_r[first_m] - gold_r[first_m + 1]) / unit) for beta in betas}
        table = pd.concat(
            pd.DataFrame({"first": first_m, "second": first_m + 1, "beta": beta}).assign(
                label=(uniform_m < chance_m).astype(np.int8)
            )
            for beta, chance_m in chance.items()
        )
        gold_pk = (test_gold_r / unit).reshape(TEST_PROMPTS, TEST_RESPONSES)
        return cls(embedding_rd, test_rd, gold_pk, Comparisons(table.reset_index(drop=True)))

    def sets(
        self, split: str, seed: int, betas: Sequence[float] = BETAS, annotations: Sequence[int] = ()
    ) -> tuple[PairSets, PairSets, list[str]]:
        """(train, validation, streams), one set for each of these levels of noise and counts; all pairs if no count."""
        table = self.comparisons.table
        here = Comparisons(table[table["beta"].isin(betas)].reset_index(drop=True))
        n_pairs = len(here) // len(betas)
        sets = training_sets(
            here,
            annotations=list(annotations) or [n_pairs],
            validation_share=0.2,
            validation_split=split,
            rng_of=lambda name: generator(seed, name),
        )
        return sets.train, sets.validation, sets.streams

    def spearman(self, reward_r: np.ndarray) -> float:
        """Mean rank correlation with gold within test prompts."""
        return float(np.nanmean(ranking.spearman(reward_r.reshape(1, *self.test_gold_pk.shape), self.test_gold_pk)))


@dataclass(frozen=True)
class Timed:
    """What one way of fitting took."""

    seconds: float  # a fit
    flops: float  # a fit, of its matrix products, as far as they are known (else NaN)
    spearman: float


def published_rows(head: str, pairs: PairSets) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(first, second, label) of every row of weight 1 of a set; a classifier has no second."""
    sides = (pairs.chosen_sm[0], pairs.rejected_sm[0])
    as_is_m, turned_m = pairs.rows_sm2[0, :, 0] > 0, pairs.rows_sm2[0, :, 1] > 0
    first = np.concatenate([sides[0][as_is_m], sides[1][turned_m]])
    second = np.concatenate([sides[1][as_is_m], sides[0][turned_m]])
    label = np.repeat([1.0, 0.0], [as_is_m.sum(), turned_m.sum()]).astype(np.float32)
    return first, second if head == "mlp_bt" else first, label


def opponent(head: str, world: World, seed: int, split: str = "mirrored_row") -> Timed:
    """The published procedure, one fit."""
    train, validation, _ = world.sets(split, seed, (OPPONENT_BETA,))
    torch.manual_seed(seed)
    table_rd = torch.from_numpy(world.embedding_rd.astype(np.float32))
    started = time.perf_counter()
    network = nn.Sequential(nn.Linear(D, HIDDEN[0]), nn.ReLU(), nn.Linear(*HIDDEN), nn.ReLU(), nn.Linear(HIDDEN[1], 1))
    optimiser, loss_of = torch.optim.Adam(network.parameters(), lr=1e-3), nn.BCELoss()
    rows, held = ([torch.from_numpy(part) for part in published_rows(head, pairs)] for pairs in (train, validation))
    pairwise, losses, responses = head == "mlp_bt", [], 0

    def forecast(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        reward = network(table_rd[first])
        return torch.sigmoid(reward - network(table_rd[second]) if pairwise else reward).squeeze(-1)

    n_rows = len(rows[0])
    for _ in range(EPOCHS):
        for _ in range(-(-n_rows // ROWS)):
            drawn = torch.randperm(n_rows)[:ROWS]
            first, second, label = (part[drawn] for part in rows)
            optimiser.zero_grad()
            loss_of(forecast(first, second), label).backward()
            optimiser.step()
            responses += len(drawn) * (1 + pairwise)
        with torch.no_grad():
            losses.append(float(loss_of(forecast(*held[:2]), held[2])))
        if len(losses) > PATIENCE and all(losses[-1] > before for before in losses[-1 - PATIENCE : -1]):
            break
    seconds = time.perf_counter() - started
    validated = len(losses) * len(held[0]) * (1 + pairwise)
    with torch.no_grad():
        reward_r = network(torch.from_numpy(world.test_rd.astype(np.float32))).squeeze(-1).numpy()
    return Timed(seconds, responses * FLOPS + validated * FLOPS * 10 / 22, world.spearman(reward_r))


def ours(head: str, world: World, seed: int, *, betas: tuple[float, ...], split: str, **options: object) -> Timed:
    """rmkit's fits of these levels of noise together; seconds a fit."""
    train, validation, streams = world.sets(split, seed, betas)
    model = build(head, device="cpu", **options)
    flops = _counted(model)
    started = time.perf_counter()
    rng_s = [generator(seed, head, stream) for stream in streams]
    model.fit(world.embedding_rd, train, validation, rng_s=rng_s)
    seconds = (time.perf_counter() - started) / len(betas)
    reward_r = model.score(world.test_rd)[betas.index(OPPONENT_BETA)]
    return Timed(seconds, flops() / len(betas), world.spearman(reward_r))


def _counted(model: object) -> Callable[[], float]:
    """Count the products of training: the responses of every batch that is drawn from now on until it is asked."""
    from rmkit.reward_models.mlp.training import Task

    counted, loss = [0.0], Task.loss

    def counting(task, layers, batch, total_g):  # type: ignore[no-untyped-def]
        each = FLOPS if torch.is_grad_enabled() else FLOPS * 10 / 22
        counted[0] += batch.position_gu.numel() * each
        return loss(task, layers, batch, total_g)

    Task.loss = counting  # type: ignore[method-assign]

    def ended() -> float:
        Task.loss = loss  # type: ignore[method-assign]
        return counted[0]

    return ended


def matrix_rate(dtype: torch.dtype) -> float:
    """FLOP/s of a large product in this number format, the best of three."""
    one, other = torch.randn(4096, D).to(dtype), torch.randn(D, HIDDEN[0]).to(dtype)
    torch.mm(one, other)
    times = []
    for _ in range(3):
        started = time.perf_counter()
        torch.mm(one, other)
        times.append(time.perf_counter() - started)
    return 2 * 4096 * D * HIDDEN[0] / min(times)


def matrix_rates() -> tuple[float, float]:
    """Of float32 and of bfloat16; NaN where bfloat16 has no instruction, and would take minutes."""
    bfloat16 = matrix_rate(torch.bfloat16) if multiplies_bfloat16_fast("cpu") else float("nan")
    return matrix_rate(torch.float32), bfloat16


def one_published(precision: str) -> Callable[..., Timed]:
    """rmkit's published procedure, one fit, in this number format."""
    how = {"betas": (OPPONENT_BETA,), "split": "mirrored_row", "procedure": "published", "precision": precision}
    return lambda head, world, seed: ours(head, world, seed, **how)


OPPONENT, OPPONENT_BY_PAIR = "opponent", "opponent, split by pair"
PUBLISHED, PUBLISHED_BF16 = "rmkit, published", "rmkit, published, bfloat16"
SOUND, SOUND_TOGETHER = "rmkit, sound", "rmkit, sound, 6 levels of noise together"
WAYS: dict[str, Callable[..., Timed]] = {
    OPPONENT: opponent,
    OPPONENT_BY_PAIR: lambda head, world, seed: opponent(head, world, seed, "pair"),
    PUBLISHED: one_published("float32"),
    PUBLISHED_BF16: one_published("bfloat16"),
    SOUND: lambda head, world, seed: ours(head, world, seed, betas=(OPPONENT_BETA,), split="pair"),
    SOUND_TOGETHER: lambda head, world, seed: ours(head, world, seed, betas=BETAS, split="pair"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pairs", type=int, default=10_000)
    parser.add_argument("--threads", type=int, default=usable_cores())
    given = parser.parse_args()
    limit_threads(given.threads)
    print(f"{processor()}, {given.threads} threads, torch {torch.__version__}, {given.pairs} pairs")
    rows = []
    for seed in range(given.rounds):
        world = World.make(seed, given.pairs)
        for head in HEADS:
            for way, timed in WAYS.items():
                if way == PUBLISHED_BF16 and not multiplies_bfloat16_fast("cpu"):
                    continue
                rates = matrix_rates()
                one = timed(head, world, seed)
                fp32, bf16 = np.mean([rates, matrix_rates()], axis=0)
                rate = one.flops / one.seconds
                row = {"head": head, "way": way, "seed": seed, "seconds": one.seconds, "spearman": one.spearman}
                rows.append(row | {"TFLOP": one.flops / 1e12, "of fp32 rate": rate / fp32, "of bf16 rate": rate / bf16})
                print({key: round(value, 3) if isinstance(value, float) else value for key, value in rows[-1].items()})
    report(pd.DataFrame(rows))


def report(table: pd.DataFrame) -> None:
    """Seconds a fit, ratios within each round, the parts of the gain, and what has to hold for the ratios to count."""
    for head, mine in table.groupby("head", sort=False):
        by_way = mine.pivot(index="seed", columns="way", values="seconds")
        ratio = by_way[[OPPONENT]].to_numpy() / by_way
        measured = mine.groupby("way", sort=False)[["seconds", "TFLOP", "of fp32 rate", "of bf16 rate", "spearman"]]
        spread = {"s.d.": measured.std()["spearman"]}
        faster = {"faster": ratio.median(), "least": ratio.min(), "most": ratio.max()}
        print(f"\n{head}: a fit's seconds and TFLOP, its share of the matrix rates, test Spearman with its s.d. over")
        print("seeds, and how many times faster than the opponent it was (median, least and most over rounds)")
        print(measured.mean().assign(**spread, **faster).round(3).to_string())
        print(f"parts of the gain: {parts(mine.groupby('way', sort=False)['seconds'].median())}")
        print("\n".join(conditions(mine)))


def parts(seconds: pd.Series) -> str:
    """The gain as a product; each factor is a ratio of two rows of the table."""
    in_bf16 = seconds.get(PUBLISHED_BF16, seconds[PUBLISHED])
    factors = {
        "a pair's two orders once": seconds[OPPONENT] / seconds[PUBLISHED],
        "bfloat16": seconds[PUBLISHED] / in_bf16,
        "steps, batches, stopping and split of the sound procedure": in_bf16 / seconds[SOUND],
    }
    told = " x ".join(f"{factor:.2f} ({name})" for name, factor in factors.items())
    return f"{told} = {np.prod(list(factors.values())):.1f}; of the last, the opponent's own split by pair gives " + (
        f"{seconds[OPPONENT] / seconds[OPPONENT_BY_PAIR]:.2f}"
    )


def conditions(mine: pd.DataFrame) -> list[str]:
    """Sentences on what has to hold: both sides busy, and rewards no worse."""
    of_way = dict(iter(mine.groupby("way", sort=False)))
    rate = "of bf16 rate" if of_way[SOUND_TOGETHER]["of bf16 rate"].notna().all() else "of fp32 rate"
    fair, busy = of_way[OPPONENT]["of fp32 rate"].min(), of_way[SOUND_TOGETHER][rate].min()
    same = of_way[PUBLISHED]["spearman"].mean() - of_way[OPPONENT]["spearman"].mean()
    sound = of_way[SOUND]["spearman"].mean() - of_way[OPPONENT]["spearman"].mean()
    return [
        f"the opponent reached at least {fair:.0%} of the float32 rate{'' if fair >= 0.6 else ': RATIOS ARE VOID'}",
        f"the sound fits together reached at least {busy:.0%} {rate}, reading and checking included",
        f"Spearman beside the opponent's: published {same:+.3f}, sound {sound:+.3f}; the opponent's s.d. over seeds is "
        f"{of_way[OPPONENT]['spearman'].std():.3f}",
    ]


if __name__ == "__main__":
    main()
