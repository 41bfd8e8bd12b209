"""How fast, and how good, exact designs are beside the published rule, each as a ratio measured in one run.

`published` is the released rule, written anew: autograd of log det of the pairs' weighted outer products, a tensor of
pairs x D x D in float64. `one_shot` gives the same scores by blocks. Of both: seconds, and the peak of memory beside
the features, each in a process of its own; whether scores agree to 1e-10 and the k largest are the same.

Then, of a pool for which that tensor would need 1 TB: one-shot scores and a greedy batch, plain and lazy, in units of
one product of the pool's (pairs x D) features with a (D x D) matrix; the log-determinant of each design beside the
certificate; and a million pairs at D = 64. With --all-pairs also the pairs of 1,000 responses without a list of them;
where torch sees CUDA, greedy choice there. With --strategies every strategy of the registry on one round of notebook
05: its time in units of random choice's round, and its peak of memory.

Run: python benchmarks/active.py  (some minutes; --small for a look)
"""

import argparse
import json
import resource
import subprocess
import sys
import time
import tracemalloc

import numpy as np

from rmkit.active.candidates import Candidates, Responses
from rmkit.active.registry import STRATEGIES, strategy
from rmkit.measures.designs.all_pairs import greedy_all_pairs
from rmkit.measures.designs.d_optimal import certificate, exchange, greedy, lazy_greedy, one_shot
from rmkit.measures.information import log_det, p_variance

JITTER = 1e-6


def pool(n_pairs: int, n_dimensions: int, *, seed: int = 0) -> np.ndarray:
    """(M, D) sqrt(v) x: directions of unequal spread, as embeddings have them, and margins of a sharp model."""
    rng = np.random.default_rng(seed)
    feature_md = rng.normal(size=(n_pairs, n_dimensions))
    feature_md *= np.geomspace(1, 0.1, n_dimensions)
    weight_d = rng.normal(size=n_dimensions)
    margin_m = 2 * (feature_md @ weight_d) / np.linalg.norm(np.geomspace(1, 0.1, n_dimensions) * weight_d)
    feature_md *= np.sqrt(p_variance(margin_m))[:, None]
    return feature_md


def published(scaled_md: np.ndarray) -> np.ndarray:
    """The gradient of log det in the pairs' weights at 1, as released."""
    import torch

    pair_md = torch.from_numpy(scaled_md)
    weight_m = torch.ones(len(pair_md), dtype=torch.float64, requires_grad=True)
    outer_mdd = pair_md[:, :, None] * pair_md[:, None, :]
    total_dd = (weight_m[:, None, None] * outer_mdd).sum(dim=0) + JITTER * torch.eye(pair_md.shape[1])
    (gradient_m,) = torch.autograd.grad(torch.logdet(total_dd), weight_m)
    found: np.ndarray = gradient_m.numpy()
    return found


def one_process(rule: str, n_pairs: int, n_dimensions: int) -> None:
    """Time one rule here, and print its seconds, its peak of memory and what it found."""
    scaled_md = pool(n_pairs, n_dimensions)
    if rule == "published":
        published(scaled_md[:64])  # torch is loaded and warm
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    score_m = published(scaled_md) if rule == "published" else one_shot(scaled_md, JITTER * np.eye(n_dimensions))
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(json.dumps({"seconds": seconds, "megabytes": peak / 1024, "scores": score_m.tolist()}))


def beside_published(n_pairs: int, n_dimensions: int, k: int) -> None:
    found = {}
    for rule in ("published", "one_shot"):
        command = [sys.executable, __file__, "--one", rule, str(n_pairs), str(n_dimensions)]
        found[rule] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    ours, theirs = (np.array(found[rule]["scores"]) for rule in ("one_shot", "published"))
    same = set(np.argsort(-ours)[:k]) == set(np.argsort(-theirs)[:k])
    print(
        f"{n_pairs:,} pairs, D = {n_dimensions}: largest difference of a score {np.abs(ours - theirs).max():.1e}, ",
        end="",
    )
    print(f"the {k} largest {'are' if same else 'are NOT'} the same")
    for rule, one in found.items():
        print(f"  {rule:10} {one['seconds']:8.3f} s  {one['megabytes']:8.0f} MB beside the features")
    print(f"  ratio      {found['published']['seconds'] / found['one_shot']['seconds']:8.0f} times the speed")


def timed(call, *given, **named):  # type: ignore[no-untyped-def]
    start = time.perf_counter()
    made = call(*given, **named)
    return made, time.perf_counter() - start


def large(n_pairs: int, n_dimensions: int, k: int, *, with_exchange: bool) -> None:
    scaled_md, known_dd = pool(n_pairs, n_dimensions), np.eye(n_dimensions)
    square_dd = np.random.default_rng(1).normal(size=(n_dimensions, n_dimensions))
    blocks = range(0, n_pairs, 50_000)
    unit = min(timed(lambda: [scaled_md[at : at + 50_000] @ square_dd for at in blocks])[1] for _ in range(3))
    print(f"{n_pairs:,} pairs, D = {n_dimensions}, k = {k}; one product of the pool: {unit:.2f} s")
    scores, seconds = timed(one_shot, scaled_md, JITTER * known_dd)
    designs = {"one shot": np.argsort(-scores)[:k]}
    print(f"  one-shot scores   {seconds / unit:8.1f} products")
    designs["greedy"], seconds = timed(greedy, scaled_md, known_dd, k)
    print(f"  greedy            {seconds / unit:8.1f} products")
    (designs["lazy greedy"], computed), seconds = timed(lazy_greedy, scaled_md, known_dd, k)
    print(f"  lazy greedy       {seconds / unit:8.1f} products, {computed / (n_pairs * k):.2%} of the gains computed")
    on_cuda(scaled_md, known_dd, k, unit)
    if with_exchange:
        designs["exchange"], seconds = timed(exchange, scaled_md, known_dd, designs["greedy"], most_passes=2)
        print(f"  exchange          {seconds / unit:8.1f} products")
    designs["random"] = np.random.default_rng(2).permutation(n_pairs)[:k]
    bound = certificate(scaled_md, known_dd, designs["greedy"], n_steps=30).upper
    for name, picked in designs.items():
        value = log_det(known_dd + scaled_md[picked].T @ scaled_md[picked])
        efficiency = np.exp((value - bound) / n_dimensions)
        print(f"  log det of {name:12} {value:9.2f}, D-efficiency at least {efficiency:.4f}")
    print(f"  peak memory of this process so far: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")


def on_cuda(scaled_md: np.ndarray, known_dd: np.ndarray, k: int, unit: float) -> None:
    import torch

    if not torch.cuda.is_available():
        return print("  greedy on CUDA: torch sees none here")
    from rmkit.measures.designs import on_device

    on_device.greedy(scaled_md[:1000], known_dd, 10, "cuda")  # warm
    _, seconds = timed(on_device.one_shot, scaled_md, JITTER * known_dd, "cuda")
    print(f"  one shot on CUDA  {seconds / unit:8.1f} products, the copy there included")
    picked, seconds = timed(on_device.greedy, scaled_md, known_dd, k, "cuda")
    return print(f"  greedy on CUDA    {seconds / unit:8.1f} products, the copy there included; first pick {picked[0]}")


def round_of(n_prompts: int = 100, n_responses: int = 8, n_dimensions: int = 192) -> Candidates:
    """All pairs within prompts, as notebook 05 offers them, of a model that knows a little."""
    rng = np.random.default_rng(0)
    feature_ud = rng.normal(size=(n_prompts * n_responses, n_dimensions)) * np.geomspace(1, 0.1, n_dimensions)
    reward_u = feature_ud @ rng.normal(size=n_dimensions) / 8
    own_m2 = np.stack(np.triu_indices(n_responses, 1), axis=1)
    pair_m2 = (n_responses * np.arange(n_prompts)[:, None, None] + own_m2).reshape(-1, 2)
    first_m, second_m = pair_m2.T
    responses = Responses(pair_m2, np.arange(len(feature_ud)) // n_responses, feature_ud, reward_u)
    known_md = pool(150, n_dimensions)
    margin_m, difference_md = reward_u[first_m] - reward_u[second_m], feature_ud[first_m] - feature_ud[second_m]
    return Candidates(margin_m[None], difference_md, np.eye(n_dimensions) + known_md.T @ known_md, responses)


def every_strategy(k: int = 50) -> None:
    seen = round_of()
    m, d = seen.feature_md.shape
    print(f"a batch of {k} of {m:,} pairs within prompts, D = {d}; unit: one product of the pool with a D x D matrix")
    unit = min(timed(lambda: seen.feature_md @ seen.known_dd)[1] for _ in range(20))
    for name in STRATEGIES:
        rule = strategy(name)
        seconds = min(timed(rule.select, seen, k, np.random.default_rng(0))[1] for _ in range(3))
        tracemalloc.start()
        rule.select(seen, k, np.random.default_rng(0))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        print(f"  {name:28} {seconds / unit:8.1f} products {1000 * seconds:8.1f} ms {peak / 2**20:7.1f} MiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--all-pairs", action="store_true")
    parser.add_argument("--strategies", action="store_true")
    parser.add_argument("--one", nargs=3, metavar=("RULE", "PAIRS", "D"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        return one_process(options.one[0], *map(int, options.one[1:]))
    if options.strategies:
        return every_strategy()
    if options.small:
        beside_published(2_000, 32, 100)
        return large(20_000, 64, 100, with_exchange=True)
    beside_published(19_900, 128, 500)
    large(1_000_000, 64, 500, with_exchange=False)
    large(499_500, 512, 500, with_exchange=False)
    if options.all_pairs:
        rng = np.random.default_rng(0)
        feature_nd, reward_n = rng.normal(size=(1000, 512)), rng.normal(size=1000)
        _, seconds = timed(greedy_all_pairs, feature_nd, reward_n, np.eye(512), 500)
        print(f"all {1000 * 999 // 2:,} pairs of 1,000 responses, D = 512, 500 greedy picks: {seconds:.1f} s")
    return None


if __name__ == "__main__":
    main()
