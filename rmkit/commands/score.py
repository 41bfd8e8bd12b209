"""`score`: the rewards that a saved reward model gives to new texts, a row of the file each."""

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rmkit.commands.plain_tables import aligned, require_writable, write_table
from rmkit.errors import ParamsError, cut
from rmkit.study.monitoring.output import say
from rmkit.study.monitoring.words import counted
from rmkit.study.store.disk import disk_faults

if TYPE_CHECKING:
    import pandas as pd


def score(options: argparse.Namespace) -> int:
    """Score new texts by a reward model that `rmkit fit` made.

    A row has a prompt and a response (or completion), or messages: it gets a score. Or it is a pair of one chosen and
    one rejected answer, as `fit` reads them: it gets chosen_score and rejected_score, as `rmkit compare` takes them. Or
    it has two responses (response_a and response_b), judged or not: each gets a score.
    """
    from tqdm import tqdm

    from rmkit.export.classifier import ClassifierRewardModel
    from rmkit.export.rewardbench import check_row, write_rewardbench
    from rmkit.export.scored_rows import scored, share_right
    from rmkit.export.text_reward_model import TextRewardModel

    if options.out and os.path.realpath(options.out) == os.path.realpath(options.file):
        raise ParamsError(f"--out {cut(str(options.out))}: is the file that is scored; name another")
    if options.out:
        require_writable(options.out)
    if options.rewardbench and options.rewardbench.exists() and not options.rewardbench.is_dir():
        raise ParamsError(f"--rewardbench {cut(str(options.rewardbench))}: is no folder; name one, there or new")
    model = TextRewardModel.load(options.model)
    with tqdm(desc="scoring", unit=" texts", leave=False, disable=None) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        check = check_row if options.rewardbench else None
        table = scored(model, options.file, with_texts=bool(options.out), progress=progress, check_row=check)
    columns = [name for name in table if name.endswith("score")]
    empty = int(table[columns].isna().any(axis=1).sum())
    say(*_lines(table.head(options.rows), columns))
    say(f"{counted(len(table), 'row')} of {cut(str(options.file))}, scored by {model.name}")
    if empty:
        say(f"{counted(empty, 'row')} with an empty response: no score")
    right, judged = share_right(table)
    if judged:
        say(f"the preferred response is scored higher in {right:.1%} of {counted(judged, 'pair')}")
    if options.rewardbench:
        with disk_faults(options.rewardbench):
            name = Path(os.path.realpath(options.model)).name
            chat_template = "tokenizer" if isinstance(model, ClassifierRewardModel) else "rmkit"
            for path in write_rewardbench(table, options.rewardbench, model=name, chat_template=chat_template):
                say(f"{path}: as RewardBench writes it")
    if options.out:
        write_table(table, options.out)
        say(f"{options.out}: {counted(len(table), 'row')}")
    elif len(table) > options.rows:
        say(f"{counted(len(table) - options.rows, 'more row')}: --out FILE.csv or FILE.parquet has all")
    return 0


def _lines(table: "pd.DataFrame", columns: list[str]) -> Iterator[str]:
    shown = table[["row", *columns]]
    rows = [
        {name: str(row[name]) if name == "row" else _shown(row[name]) for name in shown}
        for row in shown.to_dict("records")
    ]
    if rows:
        yield from aligned(rows, {name: max(len(name), *(len(row[name]) for row in rows)) for name in shown}, columns)


def _shown(reward: float) -> str:
    return "none" if reward != reward else f"{reward:.4f}"  # NaN alone differs from itself
