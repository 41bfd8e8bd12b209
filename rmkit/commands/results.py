"""`results`: the headline metrics of a stage on the screen, and all its result rows in a file."""

import argparse
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from rmkit.commands.plain_tables import aligned, is_number, total_width, width_of_window, write_table
from rmkit.commands.request import planned
from rmkit.commands.selection import stage_named
from rmkit.errors import ParamsError, ResultError, listed, one_of
from rmkit.study.monitoring.output import say
from rmkit.study.monitoring.words import counted
from rmkit.study.planning.plan import schema_of
from rmkit.study.store.store import Store

if TYPE_CHECKING:
    from rmkit.commands.headlines import Table

LEAST = 8  # letters that a column keeps where it is cut
LONGEST_EXAMPLE = 40  # letters of a value that a line proposes


def results(options: argparse.Namespace) -> int:
    """The headline metrics of a stage, averaged over seeds; with --out all its result rows, as CSV or Parquet.

    --select and --metric say which rows, in both. In a file a parameter has its own name, as `seed`, and is
    `param_NAME` only where the rows have a column NAME themselves.
    """
    project, study, jobs = planned(options)
    stage = stage_named(options.stage, list(dict.fromkeys(job.stage for job in jobs)), "rmkit results")
    from rmkit.study.notebook_side.gathered import Gathered

    stored = Gathered.of_plan("rmkit results", Store(project.store), jobs)
    if stage not in stored.gathered:
        how_far = f"`rmkit status {study.arguments}` says how far it is"
        raise ResultError(f"{stage}: no finished job of study {study.name} has rows; {how_far}")
    from rmkit.commands.headlines import headline_tables
    from rmkit.commands.row_selection import selected_rows, with_own_names, with_whole_numbers
    from rmkit.widgets.explorer.columns import metrics_of, tidied

    every = with_own_names(stored.rows(stage)).assign(study=study.name)
    for metric in options.metric:
        one_of(metric, metrics_of(every), "--metric")
    rows = selected_rows(every, options.select)
    if absent := [metric for metric in options.metric if metric not in metrics_of(rows)]:
        raise ParamsError(f"--metric {absent[0]}: no row that --select asks for has it, but {listed(metrics_of(rows))}")
    if options.out:
        asked = rows[rows["metric"].isin(options.metric)] if options.metric else rows
        write_table(with_whole_numbers(asked, schema_of(project, stage)), options.out)
        say(f"{options.out}: {_of(len(asked), len(every))}")
        return 0
    chosen = [assignment.partition("=")[0] for assignment in options.select]
    tables = headline_tables(tidied(rows), stage, options.metric, chosen=chosen)
    say(f"{stage} of {study.arguments}: {_of(len(rows), len(every))}, {counted(len(metrics_of(rows)), 'metric')}")
    for table in tables:
        say("", *lines_of(table, rows=options.rows, width=width_of_window()))
    others = [metric for metric in metrics_of(rows) if not any(metric in t.metrics for t in tables)]
    if others:
        say("", f"other metrics, by --metric NAME: {', '.join(others)}")
    say("rows as they are stored, --select and --metric heeded: --out FILE.csv or FILE.parquet")
    return 0


def lines_of(table: "Table", *, rows: int, width: int | None) -> Iterator[str]:
    """A table in plain text of at most this width, its first rows; what is left out, and how to see it."""
    shown = table.rows[:rows]
    columns = [*table.settings, *table.metrics]
    wide = {name: max(len(name), *(len(row[name]) for row in shown)) for name in columns}
    left_out: list[str] = []
    while width and len(left_out) < len(table.metrics) - 1 and total_width(wide) > width:
        left_out.insert(0, table.metrics[len(table.metrics) - 1 - len(left_out)])
        del wide[left_out[0]]
    while width and total_width(wide) > width and (widest := max(table.settings, key=wide.__getitem__)):
        if wide[widest] <= LEAST:
            break
        wide[widest] -= 1
    yield from aligned(shown, wide, table.metrics)
    yield from table.notes
    if left_out:
        yield f"no room for {', '.join(left_out)}: make the window wider, or --metric {left_out[0]}"
    if len(shown) < len(table.rows):
        hidden = f"{len(table.rows) - len(shown)} more of {len(table.rows)} rows"
        fewer = f"--select {_example(table, shown)} or --metric NAME fewer"
        yield f"{hidden}: --rows {len(table.rows)} shows all, {fewer}, --out FILE writes all"


def _example(table: "Table", shown: Sequence[Mapping[str, str]]) -> str:
    """A value by which the first row that is left out can be asked for, as a shell takes it."""
    from rmkit.commands.headlines import NOTHING, SEEDS

    row = table.rows[len(shown)]
    for name in table.settings:
        text = row[name].replace(",", "") if is_number(row[name]) else row[name]
        if (
            name != SEEDS
            and text != NOTHING
            and len(text) <= LONGEST_EXAMPLE
            and any(row[name] != other[name] for other in shown)
        ):
            return shlex.quote(f"{name}={text}")
    return "COLUMN=VALUE"


def _of(n_rows: int, n_every: int) -> str:
    """4 rows, or 2 of 4 rows."""
    every = counted(n_every, "row")
    return every if n_rows == n_every else f"{n_rows:,} of {every}"
