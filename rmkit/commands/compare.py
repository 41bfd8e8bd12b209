"""`compare`: score files of judges and reward models on the same pairs, as accuracies, tiers and differences."""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rmkit.commands.plain_tables import aligned, total_width, width_of_window, write_table
from rmkit.errors import ParamsError, cut, listed
from rmkit.study.monitoring.output import say
from rmkit.study.monitoring.words import counted

if TYPE_CHECKING:
    import pandas as pd

    from rmkit.evaluation.compared_scores import Comparison

LONGEST = 32  # letters of a name in a table
KEPT = ("tier", "judge")  # columns that stand in every block of the accuracies
PAIRS = "pairs"  # the row of their numbers
REASONS = 3  # missing intervals that are explained


def compare(options: argparse.Namespace) -> int:
    """The accuracies of judges or reward models on the same pairs, and which of them differ.

    A file has a row a pair: chosen_score and rejected_score (or RewardBench's and TRL's names), or a margin, or a
    verdict (results: 1, 0, 0.5); an id, and prompt_id, subset, chosen and rejected where there are any.
    """
    from rmkit.evaluation.compared_scores import compare as compared
    from rmkit.evaluation.score_files import judged_pairs, named_files

    files = named_files(options.files)
    if options.out and any(_is_same(options.out, path) for path in files.values()):
        raise ParamsError(f"--out {cut(str(options.out))}: is one of the score files; name another")
    judged = judged_pairs(files)
    found = compared(judged)
    every = found.accuracies.iloc[0]
    pairs, prompts = counted(int(every["pairs"]), "pair"), counted(int(every["prompts"]), "prompt")
    say(
        f"{counted(len(files), 'judge')}, {pairs} of {prompts}",
        "",
        *accuracy_lines(found, rows=options.rows, width=width_of_window()),
    )
    if len(found.differences):
        say("", *difference_lines(found.differences, rows=options.rows, width=width_of_window()))
    if options.out:
        rows = one_table(found)
        write_table(rows, options.out, json=True)
        say("", f"{options.out}: {counted(len(rows), 'row')}")
    return 0


def _is_same(out: Path, path: Path) -> bool:
    try:
        return out.exists() and out.samefile(path)
    except (OSError, ValueError):
        return False


def one_table(found: "Comparison") -> "pd.DataFrame":
    """Accuracies and differences below each other; `quantity` says which a row is."""
    import pandas as pd

    tables = {"accuracy": found.accuracies, "difference": found.differences}
    tables = {name: table.assign(quantity=name) for name, table in tables.items() if len(table)}
    whole = pd.concat([table.astype(object) for table in tables.values()], ignore_index=True)
    order = ["quantity", "name", "other", *[name for name in whole if name not in ("quantity", "name", "other")]]
    return whole.reindex(columns=order).infer_objects().convert_dtypes()


def accuracy_lines(found: "Comparison", *, rows: int, width: int | None) -> Iterator[str]:
    """The accuracies, a row each judge and ruler, a column each part of the pairs, in as many blocks as fit."""
    from rmkit.evaluation.compared_scores import LEVEL, RULER, SECTION, SECTIONS

    table, columns = found.accuracies, dict[tuple[str, str], str]()
    for part, category in table[["part", "category"]].drop_duplicates().itertuples(index=False):
        column = f"{category} ({SECTION})" if part == SECTION else category
        columns[part, category] = column if column not in (*KEPT, *columns.values()) else f"{category} ({part})"
    judges = list(dict.fromkeys(zip(table["kind"], table["name"], strict=True)))
    lines: dict[tuple[str, str], dict[str, str]] = {each: {"judge": each[1]} for each in judges}
    pairs = {"tier": "", "judge": PAIRS}
    for row in table.itertuples(index=False):
        column = columns[row.part, row.category]
        lines[row.kind, row.name] |= {"tier": RULER if row.kind == RULER else str(row.tier), column: _estimate(row)}
        pairs[column] = f"{row.pairs:,} of {row.whole:,}" if row.part == SECTION else f"{row.pairs:,}"
    shown = [lines[each] for at, each in enumerate(judges) if at < rows or each[0] == RULER]
    yield from _blocks([pairs, *shown], KEPT, list(columns.values()), width)
    if hidden := len(judges) - len(shown):
        yield f"{hidden} more judges: --rows {len(judges)} shows all, --out FILE writes all"
    yield f"[low, high]: {LEVEL:.0%} intervals by a bootstrap over prompts, for new prompts and these judges"
    ties = table[(table["part"] == "all") & (table["ties"] > 0)]
    if len(ties):
        yield f"a tie counts 1/2: {listed([f'{row.name} {row.ties}' for row in ties.itertuples(index=False)])}"
    for section in table[table["part"] == SECTION]["category"].unique():
        lacking = sorted(set(SECTIONS[section]) - set(table["category"]))
        without = f", without {listed(lacking)}" if lacking else ""
        yield f"{section}: RewardBench's average of its subsets, weighted as there{without}"
    reasons = table[table["reason"].notna()]
    for row in reasons[:REASONS].itertuples(index=False):
        yield f"{_name(row.name)} on {columns[row.part, row.category]} has no interval: {row.reason}"
    if len(reasons) > REASONS:
        yield f"and {len(reasons) - REASONS} more have none: --out FILE says why, in the column reason"


def difference_lines(table: "pd.DataFrame", *, rows: int, width: int | None) -> Iterator[str]:
    """The differences of all pairs of judges, which of them are distinguished, and what that means."""
    from rmkit.evaluation.compared_scores import ALPHA, MCNEMAR, SIGN_FLIP

    lines = [
        {"better": row.name, "than": row.other, "difference": _estimate(row), "p": _chance(row.p)}
        | {"p (Holm)": _chance(row.p_holm), "distinguished": "yes" if row.distinguished else "no"}
        | {"seen from": "" if row.smallest_seen != row.smallest_seen else f"{row.smallest_seen:.3f}"}
        for row in table[:rows].itertuples(index=False)
    ]
    yield from _blocks(lines, ("better", "than"), ["difference", "p", "p (Holm)", "distinguished", "seen from"], width)
    if len(table) > rows:
        yield f"{len(table) - rows} more of {len(table)} pairs: --rows {len(table)} shows all, --out FILE writes all"
    tests = list(table["test"].unique())
    where = f"{MCNEMAR} where every prompt has one pair and neither judge ties, else {SIGN_FLIP}"
    holm = f"Holm's correction over {counted(len(table), 'pair')} of judges"
    yield f"p: {where if tests[1:] else tests[0]}; {holm}"
    yield f"distinguished: p (Holm) below {ALPHA}; the intervals of differences are one by one, without correction"
    yield "tiers: down the ranking, a judge opens a new tier if it is distinguished from the first of the tier above"
    if not table["distinguished"].all():
        seen = table[~table["distinguished"]]["smallest_seen"].dropna()
        ends = sorted({f"{seen.min():.3f}", f"{seen.max():.3f}"}) if len(seen) else []
        found = (
            f": these tests find 4 of 5 true differences of {' to '.join(ends)}, and few smaller ones" if ends else ""
        )
        yield f"not distinguished is not equal{found}"


def _blocks(
    lines: Sequence[Mapping[str, str]], kept: Sequence[str], columns: Sequence[str], width: int | None
) -> Iterator[str]:
    """A table in blocks of columns below each other, each with the columns that are kept, as wide as the window."""
    wide = {name: max(len(name), *(len(line.get(name, "")) for line in lines)) for name in (*kept, *columns)}
    wide |= {name: min(wide[name], LONGEST) for name in wide}
    first = {name: wide[name] for name in kept}
    block = dict(first)
    for name in columns:
        if width and block != first and total_width(block | {name: wide[name]}) > width:
            yield from (*aligned(lines, block, columns), "")
            block = dict(first)
        block[name] = wide[name]
    yield from aligned(lines, block, columns)


def _estimate(row: object) -> str:
    value, low, high = (getattr(row, name) for name in ("value", "low", "high"))
    return f"{value + 0.0:.3f}" if low != low else f"{value + 0.0:.3f} [{low + 0.0:.3f}, {high + 0.0:.3f}]"


def _chance(p: float) -> str:
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def _name(name: str) -> str:
    return cut(name, LONGEST)
