"""Does params/from-embeddings.yaml get by with less memory than its arrays take?

Random arrays of the published shapes (float32, 11.5 GB; gold is linear in the embedding, with noise) go through
notebooks 00, 03 and 04 for one seed and one level of noise. Every process is under two limits of the system: `ulimit
-v`, addresses, in which mapped files count, and `ulimit -d`, memory that can be written to. Neither limit holds the
arrays. Printed are the largest figures that any process of a job came to.

Run: python benchmarks/from_embeddings_memory.py --folder /big/disk  (23 GB of disk; about six minutes on two cores)
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rmkit.machine.processes import stamp_of
from tests.checkout import checkout, environment

SHAPES = {"train": (40_000, 10, 2048), "test": (2_000, 500, 2048)}
GRID = {"seed": [0], "betas": [1.0], "n_labels": 10_000, "annotations": [10_000], "ns": [1, 10, 100, 500]}
FIGURES = {"VmPeak": "addresses", "VmData": "may be written to", "RssAnon": "written to", "VmHWM": "with mapped files"}


def write_arrays(folder: Path) -> int:
    """The four arrays of the published shapes, block by block; how many bytes they take."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    weight_d = rng.normal(size=2048) / np.sqrt(2048)
    for name, (n_prompts, n_responses, n_dimensions) in SHAPES.items():
        shape = (n_prompts, n_responses, n_dimensions)
        embedding_pkd = np.lib.format.open_memmap(folder / f"embd_{name}.npy", "w+", np.float32, shape)
        gold_pk = rng.normal(size=shape[:2], scale=0.5).astype(np.float32)
        for p in range(0, n_prompts, 100):
            block_pkd = rng.standard_normal((100, n_responses, n_dimensions), dtype=np.float32)
            embedding_pkd[p : p + 100] = block_pkd
            gold_pk[p : p + 100] += block_pkd @ weight_d
        embedding_pkd.flush()
        np.save(folder / f"reward_{name}.npy", gold_pk[..., None])
    return sum(path.stat().st_size for path in folder.glob("*.npy"))


def limited(virtual: int, data: int) -> None:
    """In the child, before it starts: the two limits, for it and all that it starts."""
    resource.setrlimit(resource.RLIMIT_AS, (virtual, virtual))
    resource.setrlimit(resource.RLIMIT_DATA, (data, data))


def peaks(running: subprocess.Popen[bytes], project: Path) -> dict[str, dict[str, int]]:
    """Bytes by stage and figure, the largest of any process of the project's jobs, while the run lasts."""
    found: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(FIGURES, 0))
    while running.poll() is None:
        for process in psutil.process_iter():
            with suppress(OSError, KeyError, psutil.Error):  # it ended meanwhile
                stamp = (stamp_of(process) or "").strip()
                if stamp and process.environ().get("PYTHONPATH") == str(project):
                    lines = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8").splitlines()
                    told = dict(line.split(":", 1) for line in lines)
                    stage = found[stamp.partition("-")[0]]
                    for figure in FIGURES:
                        stage[figure] = max(stage[figure], 1024 * int(told[figure].split()[0]))
        time.sleep(0.2)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, help="where arrays and store lie; a temporary folder if not given")
    parser.add_argument("--arrays", type=Path, help="arrays that lie there already, in the published layout")
    parser.add_argument("--virtual", type=float, default=11.0, help="GB of addresses")
    parser.add_argument("--data", type=float, default=4.0, help="GB of memory that may be written to")
    parser.add_argument("--heads", default="linear_bt,mlp_clf")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as place:
        arrays = options.arrays or Path(place) / "arrays"
        taken = sum(path.stat().st_size for path in arrays.glob("*.npy")) if options.arrays else write_arrays(arrays)
        print(f"arrays {taken / 1e9:.1f} GB; limits: {options.virtual} GB addresses, {options.data} GB to write to")
        project = checkout(Path(place) / "project")
        given = {**GRID, "embeddings_folder": str(arrays.resolve()), "reward_models": options.heads.split(",")}
        settings = [word for name, value in given.items() for word in ("--set", f"{name}={json.dumps(value)}")]
        started = time.monotonic()
        running = subprocess.Popen(
            [sys.executable, "-m", "rmkit.cli", "run", "params/from-embeddings.yaml", "--no-report", *settings],
            cwd=project,
            env=environment(project, OMP_NUM_THREADS="1"),
            preexec_fn=lambda: limited(int(options.virtual * 1e9), int(options.data * 1e9)),
        )
        found = peaks(running, project)
        print(
            f"exit code {running.returncode} after {time.monotonic() - started:.0f} s; GB, the largest of one process"
        )
        for stage, figures in found.items():
            print(f"  {stage:24}", *(f"{FIGURES[name]} {size / 1e9:5.2f}" for name, size in figures.items()))


if __name__ == "__main__":
    main()
