"""How long and how fast the sound procedure trains a network: chosen where no finding looks, by validation log-loss.

    python benchmarks/choose_training.py            # after: rmkit run grammar --until 02_sampling

The banks are those of one task and one policy that every statement of docs/findings leaves out: harmless requests,
answered by the base model, in the worlds of params/grammar.yaml. Every combination of learning rate, batch and patience
is fitted by both heads, on pairs of these banks, at four levels of noise and three numbers of annotations.

The rule, set before the table was made: of all combinations the smallest validation log-loss, averaged over fits and
then over the two heads; among those within 0.002 nats of it the one that looks at the fewest pairs. Smaller batches
than these waste a processor. Both heads get the same, so that they differ in their loss alone. The table stands in
docs/log/training-choice.md.
"""

import argparse
import itertools
import json
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd

from rmkit.annotation.annotators import Annotator
from rmkit.annotation.labels import labelled
from rmkit.annotation.pairs import pairs_within_prompts
from rmkit.annotation.scales import scale_of
from rmkit.artifacts.bank import ResponseBank
from rmkit.artifacts.comparisons import Comparisons
from rmkit.machine.hardware import limit_threads
from rmkit.reward_models.mlp.network import fit_together
from rmkit.reward_models.registry import build
from rmkit.seeding import generator
from rmkit.training_sets.by_annotations import training_sets

ROOT = Path(__file__).parents[1]
LEFT_OUT = {"task": "harmless", "generator": "base"}
WORLD_SEEDS = (0, 1)
BETAS = (0.5, 1.0, 3.0, np.inf)
ANNOTATIONS = (100, 400, 1800)
HEADS = ("mlp_bt", "mlp_clf")
GRID = {"learning_rate": (3e-5, 1e-4, 3e-4, 1e-3), "batch_pairs": (256, 512), "patience": (6, 20)}
LOOKS = {"evaluate_every": 5, "max_steps": 1000}
WITHIN = 0.002  # nats


def banks(store: Path) -> list[Path]:
    """The bank of each world seed among the finished jobs of a store."""
    found = {}
    for path in sorted(store.glob("*/manifest.json")):
        about = json.loads(path.read_text(encoding="utf-8"))
        parameters = about["parameters"]
        if about["stage"] == "02_sampling" and all(parameters[key] == value for key, value in LEFT_OUT.items()):
            found[parameters["world_seed"]] = path.parent / "artifacts" / "bank"
    if missing := [seed for seed in WORLD_SEEDS if seed not in found]:
        print(f"{store}: no bank of {LEFT_OUT} with world_seed {missing}; rmkit run grammar --until 02_sampling")
        sys.exit()
    return [found[seed] for seed in WORLD_SEEDS]


def fits(bank_folder: Path, options: dict[str, float]) -> pd.DataFrame:
    """A row a fit: head, beta, annotations, the kept validation log-loss and the pairs that were looked at."""
    limit_threads(1)
    bank = ResponseBank.load(bank_folder)
    gold_pk = bank.grid().scores_pk["gold"]
    pairs_m2 = pairs_within_prompts(gold_pk, max(ANNOTATIONS), "random", generator(0, "choose training", "pairs"))
    unit = scale_of("gold_sd", gold_pk.ravel())
    annotators = [Annotator(beta, unit) for beta in BETAS]
    table = labelled(pairs_m2, gold_pk.ravel(), annotators, generator(0, "choose training", "labels"))
    sets = training_sets(Comparisons(table), annotations=ANNOTATIONS, validation_share=0.2)
    models = [build(name, **options, **LOOKS) for name in HEADS]
    rngs = [[generator(0, "choose training", name, stream) for stream in sets.streams] for name in HEADS]
    fit_together(models, bank.embedding_rd, sets.train, sets.validation, rngs=rngs)
    looked = np.minimum(options["batch_pairs"], sets.train.sizes_s)
    waited = options["patience"] * LOOKS["evaluate_every"]
    return pd.concat(
        sets.fits.assign(head=name, log_loss=model.validation_log_loss_s_, steps=model.steps_s_, **options).assign(
            pairs=(model.steps_s_ + waited) * looked, world=bank_folder.parents[1].name
        )
        for name, model in zip(HEADS, models, strict=True)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--store", type=Path, default=ROOT / "runs" / "jobs")
    parser.add_argument("--out", type=Path, help="where the page goes, if it is to be kept")
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    points = [dict(zip(GRID, values, strict=True)) for values in itertools.product(*GRID.values())]
    jobs = [(folder, point) for point in points for folder in banks(given.store)]
    with ProcessPoolExecutor(given.workers) as pool:
        tables = []
        for done, table in enumerate(pool.map(fits, *zip(*jobs, strict=True)), start=1):
            tables.append(table)
            print(f"{done} of {len(jobs)}", flush=True)
    by_head = pd.concat(tables).groupby([*GRID, "head"])[["log_loss", "pairs", "steps"]].mean().unstack("head")
    table = pd.concat(
        [by_head["log_loss"].add_prefix("log-loss "), by_head["steps"].add_prefix("steps kept ").round(0)], axis=1
    )
    table["log-loss"], table["pairs looked at"] = (
        by_head["log_loss"].mean(axis=1),
        by_head["pairs"].mean(axis=1).round(0),
    )
    near = table[table["log-loss"] <= table["log-loss"].min() + WITHIN]
    chosen = near["pairs looked at"].idxmin()
    table["chosen"] = ["← chosen" if each == chosen else "" for each in table.index]
    page = text_of(table.reset_index())
    print(page)
    if given.out:
        given.out.write_text(page, encoding="utf-8")


def text_of(table: pd.DataFrame) -> str:
    """The page: what was asked, and the whole table."""
    lines = [
        "# How the sound procedure trains",
        "",
        "Learning rate, batch and patience of the networks, chosen by `benchmarks/choose_training.py` before any"
        " finding of this version was computed, on harmless requests answered by the base model, which no finding"
        " looks at. Means"
        f" over {len(WORLD_SEEDS)} worlds, {len(BETAS)} levels of noise and {len(ANNOTATIONS)} numbers of annotations,"
        " in nats of validation log-loss at the kept weights; a pair's for Bradley–Terry, a row's for the classifier."
        f" The rule: the fewest pairs looked at among those within {WITHIN} nats of the smallest mean over both heads."
        f" Losses are looked at every {LOOKS['evaluate_every']} steps; patience is in looks.",
        "",
        "| " + " | ".join(table) + " |",
        "|" + "---|" * len(table.columns),
    ]
    for row in table.itertuples(index=False):
        cells = [
            f"{value:.4f}"
            if isinstance(value, float) and value < 5 and value > 0.01
            else f"{value:g}"
            if isinstance(value, (int, float))
            else value
            for value in row
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
