"""How long do the 8,640 network fits of arXiv 2411.04991 take on one card?

The paper's grid of networks is 180 jobs of 48 fits: 6 levels of noise, 4 numbers of annotations and two heads, which
rmkit trains together. This is one such job on synthetic responses (reward_models.py), of the paper's size: 40,000
pairs, 2,048 dimensions in float16, networks of 1024-512-1; once as `procedure="published"`, once as `"sound"`. Products
are counted from the responses of every batch, padding included, and held against the rate of one large bfloat16
product, measured before and after in the same run. What 180 jobs take is this one's time times 180: other jobs differ
in their data, and so in when their fits stop.

Run: python benchmarks/reward_models_cuda.py  (on a machine with a card; needs about 8 GB of memory beside it)
A look without one: python benchmarks/reward_models_cuda.py --device cpu --pairs 300 --dimensions 64 --betas 1 3
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent))

from reward_models import HEADS, HIDDEN, D, World

from rmkit.machine.hardware import processor
from rmkit.reward_models.mlp.network import fit_together
from rmkit.reward_models.mlp.training import Task
from rmkit.reward_models.registry import build
from rmkit.seeding import generator

PAPER_BETAS = (0.5, 0.7, 1.0, 3.0, 5.0, 10.0)
SHARES = (0.125, 0.25, 0.5, 1.0)  # of the pairs: 5,000 10,000 20,000 40,000
PAPER_FITS = 8640
SPLITS = {"published": "mirrored_row", "sound": "pair"}  # what the released code does, and what the default is
RATE_SIDE = {"cuda": 8192, "cpu": 1024}  # of the square product

PRECISION = {"cuda": "bfloat16", "cpu": "auto"}  # the released procedure is float32 unless asked


def one_job(procedure: str, world: World, device: str, *, betas: Sequence[float], annotations: Sequence[int]) -> dict:
    """Seconds, fits, TFLOP, and what the fits are worth, of all fits of one job trained together."""
    train, validation, streams = world.sets(SPLITS[procedure], 0, betas, annotations)
    models = [build(head, procedure=procedure, device=device, precision=PRECISION[device]) for head in HEADS]
    rngs = [[generator(0, f"{head} {stream}") for stream in streams] for head in HEADS]
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    with counted() as responses:
        started = now(device)
        fit_together(models, world.embedding_rd, train, validation, rngs=rngs)
        seconds = now(device) - started
    looked, trained = flops_a_response(world.embedding_rd.shape[1])
    spearman = [world.spearman(reward_r) for model in models for reward_r in model.score(world.test_rd)]
    return {
        "fits": len(streams) * len(HEADS),
        "seconds": seconds,
        "TFLOP": (responses["trained"] * trained + responses["looked"] * looked) / 1e12,
        "precision": models[0].precision_,
        "peak GiB": torch.cuda.max_memory_allocated() / 2**30 if device == "cuda" else float("nan"),
        "spearman": float(np.mean(spearman)),
    }


def flops_a_response(n_dimensions: int) -> tuple[float, float]:
    """Of looking at one response (forward), and of training on it (forward, and gradients of all but the inputs)."""
    first, second = n_dimensions * HIDDEN[0], HIDDEN[0] * HIDDEN[1]
    return 2.0 * (first + second), 2.0 * (2 * (first + second) + second)


@contextmanager
def counted() -> Iterator[dict[str, int]]:
    """The responses of every batch that is trained on, or only looked at, while this lasts."""
    responses, loss = {"trained": 0, "looked": 0}, Task.loss

    def counting(task, layers, batch, total_g):  # type: ignore[no-untyped-def]
        responses["trained" if torch.is_grad_enabled() else "looked"] += batch.position_gu.numel()
        return loss(task, layers, batch, total_g)

    Task.loss = counting  # type: ignore[method-assign]
    try:
        yield responses
    finally:
        Task.loss = loss  # type: ignore[method-assign]


def now(device: str) -> float:
    """The time when all that was asked of the card is done."""
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def matrix_rate(device: str) -> float:
    """FLOP/s of a large square product in bfloat16, the best of five."""
    side = RATE_SIDE[device]
    one, other = (torch.randn(side, side, device=device).to(torch.bfloat16) for _ in range(2))
    torch.mm(one, other)
    times = []
    for _ in range(5):
        started = now(device)
        torch.mm(one, other)
        times.append(now(device) - started)
    return 2 * side**3 / min(times)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=list(RATE_SIDE), default="cuda")
    parser.add_argument("--pairs", type=int, default=40_000)
    parser.add_argument("--dimensions", type=int, default=D)
    parser.add_argument("--betas", type=float, nargs="+", default=list(PAPER_BETAS))
    parser.add_argument("--procedures", nargs="+", choices=list(SPLITS), default=list(SPLITS))
    given = parser.parse_args(arguments)
    if given.device == "cuda" and not torch.cuda.is_available():
        print("torch sees no card here, so nothing is measured; --device cpu, with few --pairs, is for a look")
        return
    annotations = [int(share * given.pairs) for share in SHARES]
    print(f"{torch.cuda.get_device_name() if given.device == 'cuda' else processor()}, torch {torch.__version__}")
    print(f"one job: betas {given.betas}, annotations {annotations}, heads {HEADS}, {given.dimensions} dimensions")
    world = World.make(0, given.pairs, betas=given.betas, n_dimensions=given.dimensions)
    for procedure in given.procedures:
        before = matrix_rate(given.device)
        job = one_job(procedure, world, given.device, betas=given.betas, annotations=annotations)
        report(procedure, job, rate=(before + matrix_rate(given.device)) / 2)


def report(procedure: str, job: dict, *, rate: float) -> None:
    """What one job took, and what the paper's grid would."""
    a_fit = job["seconds"] / job["fits"]
    share = job["TFLOP"] * 1e12 / job["seconds"] / rate
    print(f"\n{procedure}, products in {job['precision']}: {job['fits']} fits in {job['seconds']:.2f} s")
    print(f"  {1 / a_fit:.2f} fits a second; {job['TFLOP']:.2f} TFLOP; test Spearman {job['spearman']:.3f}")
    print(f"  {share:.1%} of the bfloat16 rate, {rate / 1e12:.1f} TFLOP/s; peak memory {job['peak GiB']:.1f} GiB")
    print(
        f"  {PAPER_FITS:,} fits of this size, as many as the paper's: {a_fit * PAPER_FITS / 60:.1f} minutes", flush=True
    )


if __name__ == "__main__":
    main()
