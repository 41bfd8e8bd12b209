"""Labels of people as rows that `rmkit fit` and TRL read, and such rows as labels.

| form | columns |
|---|---|
| `trl` | `prompt`, `chosen`, `rejected`, `label` (`tie`, of a tie only), `annotator`, `pair` |
| `shown` | `prompt`, `response_a` (the left one), `response_b`, `label` (`a`, `b` or `tie`), `annotator`, `pair` |
| `label_studio`, `argilla` | a record for all labels of a pair: tool_records.py |

The file's ending says whether it is JSON lines or CSV; records of tools are a JSON list (`.json`). `pair` is the pair's
id in the queue; rmkit's readers do not use it, but for the import, where it must fit the texts. A file is written whole
or not at all, read back, and kept only if the reader finds the same judgements: that of `rmkit fit`, or of a tool's
records. Of a list of labels to look at again, each row also says `again`, so that `rmkit fit` takes it in place of the
first label (second_judgements.py). Imported is any row in a form of the former, and any record of the latter.

Knows texts, labels and files; no window and no screen.
"""

import csv
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rmkit.annotation.people.label_log import FIRST, SECOND, SKIP, TIE, Answer, Label, Pick, pair_name
from rmkit.annotation.people.names import check_annotator
from rmkit.annotation.people.queue import IMPORTED, Queue
from rmkit.errors import DataError, ParamsError, cut, one_of, quoted
from rmkit.files.rows import numbered_rows
from rmkit.worlds.human_preferences.judgements import COLUMNS, LIST_COLUMNS, Judgement, answers_of, judgements_of
from rmkit.worlds.human_preferences.label_queue import response_id
from rmkit.worlds.human_preferences.labels_as_rows import ANNOTATOR, FORMS, TRL, Form, columns_of, row_of, shown_pairs
from rmkit.worlds.human_preferences.pairs import read_pairs
from rmkit.worlds.human_preferences.second_judgements import says_again
from rmkit.worlds.human_preferences.tool_records import PAIR, RECORD_COLUMNS, TOOLS, is_record, rows_of

if TYPE_CHECKING:
    from rmkit.active.label_pool import Pool

JSON_LINES, CSV, JSON = ".jsonl", ".csv", ".json"


def write_labels(
    path: str | Path, pool: "Pool", labels: Sequence[Label], form: Form = "trl", *, to_ask: Sequence[str] = ()
) -> int:
    """Write labels, skips left out; how many. An older file of labels is replaced, any other is refused.

    to_ask: ids of pairs that a tool is to ask about, written as records without a label after the others. ParamsError
    for a path that is not to be written to, DataError for neither label nor pair, and for texts that CSV cannot hold.
    """
    path, form = Path(path), one_of(form, FORMS, "form")
    _check_path(path, form, to_ask)
    kept = [label for label in labels if label.answer in (FIRST, SECOND, TIE)]
    if not kept and not to_ask:
        raise DataError(f"{path}: there is no label to write yet")
    beside = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        with beside.open("w", encoding="utf-8", newline="") as file:
            if form in TOOLS:
                records = [shown.record(form) for shown in shown_pairs(pool, kept, to_ask)]
                file.write("[\n" + ",\n".join(json.dumps(one, ensure_ascii=False) for one in records) + "\n]\n")
            elif path.suffix == CSV:
                table = csv.DictWriter(file, columns_of(pool, form), lineterminator="\n")
                table.writeheader()
                table.writerows(row_of(pool, label, form) for label in kept)
            else:
                rows = (_without_none(row_of(pool, label, form)) for label in kept)
                file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            file.flush()
            os.fsync(file.fileno())
        _require_same(beside, path, pool, kept, form)
        beside.replace(path)
    except OSError as fault:
        raise DataError(f"{path}: cannot be written ({fault.strerror}); name another file") from None
    finally:
        with suppress(OSError):
            beside.unlink()
    return len(kept)


@dataclass(frozen=True)
class Imported:
    """What a file of labels gave."""

    added: int
    repeated: int  # that the file has twice, or that are in the queue already
    unfilled: int  # rows without a label

    @property
    def told(self) -> str:
        more = [f"{self.repeated} were there already"] * bool(self.repeated)
        more += [f"{self.unfilled} rows have no label yet"] * bool(self.unfilled)
        return "; ".join([f"{self.added} labels imported", *more])


def import_labels(path: str | Path, pool: "Pool", queue: Queue, annotator: str | None = None) -> Imported:
    """Put the labels of a file into the queue's log, all or none. annotator: whose they are where a row does not say.

    The file: rows in a form of `rmkit fit`, or records of Label Studio or Argilla (`.json`, `.jsonl`, `.parquet`).
    DataError, with file and row, for a row that cannot be read, for two responses that are no pair of the pool, for a
    `pair` that is another's, for a row that says not whose it is, and for a label that contradicts another label of the
    same person, in the file or in the log.
    """
    path, shown = Path(path), cut(str(path))
    found: dict[tuple[str, str], tuple[Label, str]] = {}
    standing, known = queue.standing(), set(pool.pair_of)
    added: list[Label] = []
    repeated = unfilled = 0
    now = time.time()
    for where, row in _rows_in(path, shown):
        if answers_of(row, where) is not None:
            unfilled += 1
            continue
        for said in judgements_of(row, where).judgements:
            label = _label(said, row.get(PAIR), where, known, annotator, queue.window, now)
            key = label.pick.pair, label.annotator
            if key in found:
                earlier, place = found[key]
                repeated += 1
            elif (number := standing.by_pair.get(key[0], {}).get(key[1])) is not None:
                earlier, place = standing.labels[number], f"{queue.log.path}, line {number}"
                repeated += 1
            else:
                found[key] = label, where
                added.append(label)
                continue
            if earlier.winner != label.winner or earlier.answer == SKIP:
                who = cut(label.annotator, 40)
                raise DataError(
                    f"{where}: contradicts what {who} said in {place}; keep one of the two, or name two annotators"
                )
    queue.add(added)
    return Imported(len(added), repeated, unfilled)


def _rows_in(path: Path, shown: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every row of a file, and where it stands; of a tool's record, a row an answer."""
    for _, where, row in numbered_rows(path, shown, (*COLUMNS, PAIR, *RECORD_COLUMNS), lists=LIST_COLUMNS):
        for one in rows_of(row, where):
            yield where, one


def _label(
    said: Judgement, named: Any, where: str, known: set[str], annotator: str | None, window: str, now: float
) -> Label:
    """One judgement as a label of a pair of the pool."""
    better, worse = (response_id(side.prompt, side.answer.strip()) for side in (said.better, said.worse))
    pair = pair_name(better, worse)
    if isinstance(named, str) and named and named not in (pair, *known):
        raise DataError(f"{where}: its pair {quoted(named)} is no pair of this queue; import it where it was exported")
    if pair not in known:
        remedy = "give prompt and responses as the queue's file has them"
        raise DataError(f"{where}: its two responses are no pair of this queue; {remedy}")
    if isinstance(named, str) and named and named != pair:
        raise DataError(f"{where}: its texts are those of pair {pair}, and not of {quoted(named)}; correct one of them")
    by = said.annotator or annotator
    if by is None:
        raise DataError(f"{where}: does not say who judged; add a column {ANNOTATOR!r}, or name the annotator")
    first, second = sorted((better, worse))
    answer: Answer = TIE if said.tie else FIRST if better == first else SECOND
    left = None
    if said.better_first is not None:
        left = better if said.better_first else worse
    try:
        return Label(Pick(pair, first, second, IMPORTED), left, check_annotator(by), window, None, now, answer)
    except ParamsError as fault:
        raise DataError(f"{where}: {fault}") from None


def _require_same(beside: Path, path: Path, pool: "Pool", labels: Sequence[Label], form: Form) -> None:
    """DataError unless the reader of such files finds in one what the labels say."""
    wanted: list[tuple[object, ...]] = []
    for label in labels:
        row = row_of(pool, label, TRL)
        texts = row["chosen"] or "", row["rejected"] or ""
        is_tie = label.answer == TIE
        both = sorted(texts) if is_tie else texts
        wanted.append((row["prompt"], *both, label.annotator, is_tie, pool.is_list and form not in TOOLS))
    if form in TOOLS:  # a record holds all labels of a pair, whenever they were given
        found = sorted(_found_in(beside, path), key=repr)
        wanted = sorted(wanted, key=repr)
    else:
        read = read_pairs(beside, str(path), tied_pairs="half_each")
        found = list(dict.fromkeys(pair.judgement for pair in read.pairs))
    if found != wanted:
        at = next((n for n, both in enumerate(zip(found, wanted, strict=False)) if both[0] != both[1]), len(found))
        remedy = "write .jsonl" if path.suffix == CSV else "a text of it is like something else: leave that pair out"
        raise DataError(f"{path}: row {at + 1} would not be read as it was written; {remedy}")


def _found_in(beside: Path, path: Path) -> Iterator[tuple[object, ...]]:
    """What a file of records says, in the terms of `Pair.judgement`."""
    for where, row in _rows_in(beside, str(path)):
        if answers_of(row, where) is None:
            for said in judgements_of(row, where).judgements:
                texts = said.better.answer.strip(), said.worse.answer.strip()
                both = sorted(texts) if said.tie else texts
                yield said.better.prompt, *both, said.annotator, said.tie, says_again(row)


def _check_path(path: Path, form: Form, to_ask: Sequence[str]) -> None:
    """ParamsError for an ending that is not the form's, pairs that only a tool asks about, and a file of another."""
    endings = (JSON,) if form in TOOLS else (JSON_LINES, CSV)
    if path.suffix not in endings:
        of_form = f" for {form}" if form in TOOLS else ""
        found = f"its ending is {path.suffix or 'none'}; labels{of_form} are written as {' or '.join(endings)}"
        raise ParamsError(f"{path}: {found}")
    if to_ask and form not in TOOLS:
        raise ParamsError(f"to_ask: a row of the form {form} is a label; pairs to ask about go to {' or '.join(TOOLS)}")
    if _is_there(path) and not _is_ours(path):
        raise ParamsError(f"{path}: is there already, and holds no labels that rmkit wrote; name another file")


def _is_there(path: Path) -> bool:
    """Whether there is something at a path; ParamsError for what can be no path."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError) as fault:  # a NUL in it, or too long a name
        why = fault.strerror if isinstance(fault, OSError) else fault
        raise ParamsError(f"{cut(str(path))}: cannot be written ({why}); name another file") from None
    return True


def _is_ours(path: Path) -> bool:
    """Whether a file is one that `write_labels` wrote, as far as its first row says."""
    try:
        with path.open(encoding="utf-8") as file:
            line = file.readline(2**20)
            if path.suffix == JSON:
                return line == "[\n" and is_record(json.loads(file.readline(2**24).rstrip(",\n")))
        names = json.loads(line) if path.suffix == JSON_LINES else next(csv.reader([line]))
    except (OSError, ValueError, StopIteration):
        return False
    return {ANNOTATOR, PAIR, "prompt"} <= set(names) if isinstance(names, dict | list) else False


def _without_none(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None}
