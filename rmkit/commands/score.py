"""`score`: the rewards that a saved reward model gives to new texts, a row of the file each."""

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rmkit.commands.plain_tables import aligned, write_table
from rmkit.errors import cut
from rmkit.study.monitoring.output import say
from rmkit.study.monitoring.words import counted

if TYPE_CHECKING:
    import pandas as pd


def score(options: argparse.Namespace) -> int:
    """Score new texts by a reward model that `rmkit fit` made.

    A row has a prompt and a response (or completion), or messages: it gets a score. Or it is a pair, in any form that
    `fit` reads: it gets chosen_score and rejected_score, as `rmkit compare` takes them.
    """
    from tqdm import tqdm

    from rmkit.export.scored_rows import scored
    from rmkit.export.text_reward_model import TextRewardModel

    model = TextRewardModel.load(options.model)
    with tqdm(desc="scoring", unit=" texts", leave=False, disable=None) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        table = scored(model, options.file, progress=progress)
    columns = [name for name in table if name.endswith("score")]
    empty = int(table[columns].isna().any(axis=1).sum())
    say(*_lines(table.head(options.rows), columns))
    say(f"{counted(len(table), 'row')} of {cut(str(options.file))}, scored by {model.name}")
    if empty:
        say(f"{counted(empty, 'row')} with an empty response: no score")
    if "chosen_score" in table:
        right = (table["chosen_score"] > table["rejected_score"]) + (
            table["chosen_score"] == table["rejected_score"]
        ) / 2
        say(f"the chosen response is scored higher in {right[table[columns].notna().all(axis=1)].mean():.1%} of them")
    if options.out:
        write_table(table, options.out)
        say(f"{options.out}: {counted(len(table), 'row')}")
    elif len(table) > options.rows:
        say(f"{counted(len(table) - options.rows, 'more row')}: --out FILE.csv or FILE.parquet has all")
    return 0


def _lines(table: "pd.DataFrame", columns: list[str]) -> Iterator[str]:
    shown = table[["row", *columns]]
    rows = [
        {name: str(row[name]) if name == "row" else f"{row[name]:.4f}" for name in shown}
        for row in shown.to_dict("records")
    ]
    if rows:
        yield from aligned(rows, {name: max(len(name), *(len(row[name]) for row in rows)) for name in shown}, columns)
