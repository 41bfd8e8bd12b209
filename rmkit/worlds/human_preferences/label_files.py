"""Labels of people as rows that `rmkit fit` and TRL read, and such rows as labels.

| form | columns |
|---|---|
| `trl` | `prompt`, `chosen`, `rejected`, `label` (`tie`, of a tie only), `annotator`, `pair` |
| `shown` | `prompt`, `response_a` (the left one), `response_b`, `label` (`a`, `b` or `tie`), `annotator`, `pair` |

The file's ending says whether it is JSON lines or CSV. `pair` is the pair's id in the queue; rmkit's readers do not use
it, but for the import, where it must fit the texts. A file is written whole or not at all, read back by the reader of
`rmkit fit`, and kept only if that reader finds the same judgements. Imported is any row in a form of that reader.

Knows texts, labels and files; no window and no screen.
"""

import csv
import json
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from rmkit.annotation.people.label_log import FIRST, SECOND, SKIP, TIE, Answer, Label, Pick, pair_name
from rmkit.annotation.people.queue import IMPORTED, Queue, check_annotator
from rmkit.errors import DataError, ParamsError, cut, one_of, quoted
from rmkit.files.rows import numbered_rows
from rmkit.worlds.human_preferences.judgements import COLUMNS, LIST_COLUMNS, Judgement, answers_of, judgements_of
from rmkit.worlds.human_preferences.label_queue import response_id
from rmkit.worlds.human_preferences.pairs import read_pairs

if TYPE_CHECKING:
    from rmkit.active.label_pool import Pool

Form = Literal["trl", "shown"]
TRL: Final = "trl"
SHOWN: Final = "shown"
FORMS: tuple[Form, ...] = (TRL, SHOWN)
PAIR, ANNOTATOR = "pair", "annotator"
COLUMNS_OF = {
    TRL: ("prompt", "chosen", "rejected", "label", ANNOTATOR, PAIR),
    SHOWN: ("prompt", "response_a", "response_b", "label", ANNOTATOR, PAIR),
}
JSON_LINES, CSV = ".jsonl", ".csv"


def write_labels(path: str | Path, pool: "Pool", labels: Sequence[Label], form: Form = "trl") -> int:
    """Write labels, skips left out, a row each; how many. An older file of labels is replaced, any other is refused.

    ParamsError for a path that is not to be written to, DataError for no label, and for texts that CSV cannot hold.
    """
    path, form = Path(path), one_of(form, FORMS, "form")
    if path.suffix not in (JSON_LINES, CSV):
        raise ParamsError(f"{path}: its ending is {path.suffix or 'none'}; labels are written as .jsonl or .csv")
    if _is_there(path) and not _is_ours(path):
        raise ParamsError(f"{path}: is there already, and holds no labels that rmkit wrote; name another file")
    rows = [_row(pool, label, form) for label in labels if label.answer in (FIRST, SECOND, TIE)]
    if not rows:
        raise DataError(f"{path}: there is no label to write yet")
    beside = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        with beside.open("w", encoding="utf-8", newline="") as file:
            if path.suffix == CSV:
                table = csv.DictWriter(file, COLUMNS_OF[form], lineterminator="\n")
                table.writeheader()
                table.writerows(rows)
            else:
                file.writelines(json.dumps(_without_none(row), ensure_ascii=False) + "\n" for row in rows)
            file.flush()
            os.fsync(file.fileno())
        _require_same(beside, path, pool, labels)
        beside.replace(path)
    except OSError as fault:
        raise DataError(f"{path}: cannot be written ({fault.strerror}); name another file") from None
    finally:
        with suppress(OSError):
            beside.unlink()
    return len(rows)


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
    for _, where, row in numbered_rows(path, shown, (*COLUMNS, PAIR), lists=LIST_COLUMNS):
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


def _row(pool: "Pool", label: Label, form: Form) -> dict[str, str | None]:
    """A label as a row of a form."""
    pick = label.pick
    first, second = pool.position[pick.first], pool.position[pick.second]
    texts = pool.bank.responses["response"]
    prompt = pool.bank.prompts.set_index("prompt_id")["prompt"].loc[pool.bank.prompt_id_r[first]]
    rest = {ANNOTATOR: label.annotator, PAIR: pick.pair}
    won, lost = (second, first) if label.answer == SECOND else (first, second)
    if form == TRL:
        tie = TIE if label.answer == TIE else None
        return {"prompt": prompt, "chosen": texts[won], "rejected": texts[lost], "label": tie, **rest}
    left, right = (second, first) if label.shown_left == pick.second else (first, second)
    said = TIE if label.answer == TIE else "a" if won == left else "b"
    return {"prompt": prompt, "response_a": texts[left], "response_b": texts[right], "label": said, **rest}


def _require_same(beside: Path, path: Path, pool: "Pool", labels: Sequence[Label]) -> None:
    """DataError unless the reader of `rmkit fit` finds in a file what the labels say."""
    wanted: list[tuple[object, ...]] = []
    for label in labels:
        if label.answer in (FIRST, SECOND, TIE):
            row = _row(pool, label, TRL)
            texts = row["chosen"] or "", row["rejected"] or ""
            is_tie = label.answer == TIE
            wanted.append((row["prompt"], *(sorted(texts) if is_tie else texts), label.annotator, is_tie))
    read = read_pairs(beside, str(path), tied_pairs="half_each")
    found = list(dict.fromkeys(pair.judgement for pair in read.pairs))
    if found != wanted:
        at = next((n for n, both in enumerate(zip(found, wanted, strict=False)) if both[0] != both[1]), len(found))
        remedy = "write .jsonl" if path.suffix == CSV else "a text of it is like something else: leave that pair out"
        raise DataError(f"{path}: row {at + 1} would not be read as it was written; {remedy}")


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
    """Whether a file is one that `write_labels` wrote, as far as its first line says."""
    try:
        with path.open(encoding="utf-8") as file:
            line = file.readline(2**20)
        names = json.loads(line) if path.suffix == JSON_LINES else next(csv.reader([line]))
    except (OSError, ValueError, StopIteration):
        return False
    return {ANNOTATOR, PAIR, "prompt"} <= set(names) if isinstance(names, dict | list) else False


def _without_none(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None}
