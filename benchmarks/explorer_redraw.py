"""How fast does the explorer of 08 answer? Each control, from its change to the picture as a PNG, by rows of a stage.

A stage like 04_reward_models with the columns of real rows: reward models, annotators, numbers of annotations, n of
Best-of-n and as many seeds as it takes; a few baselines have neither annotator nor annotations. Each control is set to
all its values in turn, by the code that a browser calls. What is timed is the change itself, the drawing of the canvas,
and the PNG that is sent; not the network, not the browser. `all rows` has every n switched on, so that every row of the
metric is in the picture: the most that one can ask for. Times are the processor's, one thread: nothing here waits, so
that on a machine with nothing else to do they are what a clock shows, and a busy machine changes them little.

A control should answer within 0.5 s. Exit code 1 if a median at the largest size takes longer.

Run: python benchmarks/explorer_redraw.py  (about a minute)
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from rmkit.study.planning.project import Project
from rmkit.widgets.explorer.explorer import Explorer
from rmkit.widgets.stored import Stored, StoredStudy

STAGE = "04_reward_models"
MODELS = ("linear_bt", "mlp_bt", "mlp_clf", "lightgbm_clf", "lightgbm_bt", "mlp_bt_ensemble")
BETAS, ANNOTATIONS, NS = (0.5, 1.0, 3.0, np.inf), (100.0, 200.0, 400.0, 800.0, 1800.0), (1, 2, 4, 8, 16, 32)
SIZES = (1_000, 10_000, 100_000)
ALLOWED = 0.5  # seconds
SHOWN_AS = {"x": "x axis", "facets": "panels"}


def stage_rows(n_rows: int) -> pd.DataFrame:
    """About so many result rows: five sixths of one metric, the rest of another."""
    fits = pd.MultiIndex.from_product([MODELS, BETAS, ANNOTATIONS], names=["reward_model", "beta", "annotations"])
    fits = fits.to_frame(index=False)
    baselines = pd.DataFrame({"reward_model": ["gold", "random", "shorter"]})
    table = pd.concat([fits, baselines], ignore_index=True)
    table["fit"] = [f"{row.reward_model}-{row.beta:g}-{row.annotations:g}" for row in table.itertuples()]
    curves = table.merge(pd.DataFrame({"n": [float(n) for n in NS]}), how="cross").assign(metric="best_of_n")
    one_seed = pd.concat([curves, table.assign(metric="accuracy")], ignore_index=True)
    n_seeds = max(1, round(n_rows / len(one_seed)))
    rows = one_seed.merge(pd.DataFrame({"param_seed": range(n_seeds)}), how="cross")
    rows["value"] = np.random.default_rng(0).normal(size=len(rows)) + np.log2(rows["annotations"].fillna(100))
    fixed = {"param_world": "grammar", "param_k": "[1, 2]", "param_generator": "sft", "stage": STAGE, "study": "made"}
    rows["job"] = STAGE + "-" + rows["param_seed"].astype(str)
    return rows.assign(**fixed, reason=None, units=200).astype({"reason": object})


class Made(Stored):
    """A store whose one table is given."""

    def __init__(self, root: Path, rows: pd.DataFrame) -> None:
        super().__init__(Project(root))
        self.made = rows
        for key in rows["job"].unique():
            self.folder(key).mkdir(parents=True)
            manifest = {"format": 1, "started": 0, "artifacts": {}, "files": {}, "ingredients": {}, "environment": {}}
            (self.folder(key) / "manifest.json").write_text(json.dumps({**manifest, "stage": STAGE}), encoding="utf-8")
            (self.folder(key) / "notebook.ipynb").write_text("{}", encoding="utf-8")

    def names(self) -> list[str]:
        return ["made"]

    def study(self, name: str) -> StoredStudy:
        return StoredStudy(name)

    def with_rows(self, name: str) -> list[str]:
        return [STAGE]

    def rows(self, name: str, stage: str) -> pd.DataFrame:
        return self.made

    def finished(self, name: str, stage: str) -> dict:
        return {}


def chips(explorer: Explorer, name: str) -> list:
    """The buttons of a column."""
    return next(
        list(box.children[1].children) for box in explorer.filters.children if f">{name}<" in box.children[0].value
    )


def controls(explorer: Explorer) -> Iterator[tuple[str, Callable[[], None]]]:
    """Each control with a change of it, to one value after the other and back."""
    for name in ("metric", "x", "lines", "facets"):
        control = getattr(explorer, name)
        first = control.value
        for _, value in [*control.options, ("", first)]:
            if value != control.value:
                yield SHOWN_AS.get(name, name), lambda control=control, value=value: setattr(control, "value", value)
    for name in ("reward model", "beta", "annotations"):
        for chip in [chip for chip in chips(explorer, name) for _ in range(2)]:
            yield f"button of {name}", lambda chip=chip: setattr(chip, "value", not chip.value)
    for chip in [chip for chip in chips(explorer, "n") if not chip.value]:
        yield "button of n, to all rows", lambda chip=chip: setattr(chip, "value", True)
    for chip in [chip for chip in chips(explorer, "beta") for _ in range(2)]:
        yield "button of beta, all rows", lambda chip=chip: setattr(chip, "value", not chip.value)
    rows = explorer.picture.points["row"].iloc[[0, 7, 40]] if explorer.picture else []
    for row in rows:
        yield "click on a dot, all rows", lambda row=row: explorer.choose(int(row))


def measured(n_rows: int) -> tuple[int, pd.DataFrame]:
    """Seconds of every change at about so many rows, and how many they are exactly."""
    rows = stage_rows(n_rows)
    with tempfile.TemporaryDirectory() as folder:
        started = time.process_time()
        explorer = Explorer(Made(Path(folder), rows), "made")
        explorer.canvas._handle_message(None, {"type": "initialized"}, [])  # what a page says first: it is there
        explorer.canvas.draw()
        times = [("first picture", time.process_time() - started)]
        for name, change in controls(explorer):
            started = time.process_time()
            change()
            explorer.canvas.draw()  # what the frontend asks for: rasterised, and sent as PNG
            times.append((name, time.process_time() - started))
    return len(rows), pd.DataFrame(times, columns=["control", "seconds"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=SIZES, help="sizes of the stage")
    asked = parser.parse_args()
    found = [measured(n_rows) for n_rows in asked.rows]
    print(f"| control | {' | '.join(f'{n_rows:,} rows' for n_rows, _ in found)} | last / first |")
    print(f"|---|{'---|' * (len(found) + 1)}")
    slow = False
    for control in dict.fromkeys(found[-1][1]["control"]):
        seconds = [times.loc[times["control"] == control, "seconds"].tolist() for _, times in found]
        medians = [statistics.median(each) if each else np.nan for each in seconds]
        cells = [
            f"{middle:.2f} s (max {max(each, default=np.nan):.2f})"
            for middle, each in zip(medians, seconds, strict=True)
        ]
        print(f"| {control} | {' | '.join(cells)} | {medians[-1] / medians[0]:.1f} |")
        slow |= control != "first picture" and medians[-1] > ALLOWED
    print(f"\nMedian and largest of each control's changes. Allowed: {ALLOWED} s.")
    return int(slow)


if __name__ == "__main__":
    sys.exit(main())
