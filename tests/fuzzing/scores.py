"""Score files for `rmkit compare`: two that would match, with a value, a row, a name, some bytes or the file wrong."""

import csv
import gzip
import io
import json
import os
import random
from pathlib import Path
from typing import Any

import pandas as pd

from tests.fuzzing import odd
from tests.fuzzing.arguments import NUMBERS, outs
from tests.fuzzing.places import Place
from tests.fuzzing.trial import Trial

FORMS = (
    ("chosen_score", "rejected_score"),
    ("scores_chosen", "scores_rejected", "results"),
    ("rewards/chosen", "rewards/rejected"),
    ("margin",),
    ("results",),
    ("logits",),
)
BESIDE = ("id", "prompt_id", "prompt", "subset", "category", "chosen", "rejected", "chosen_position")
ENDINGS = ("csv", "csv.gz", "json", "json.gz", "jsonl", "jsonl.gz", "parquet", "columns.json")
CELLS = ("nan", "inf", "1e999", "-1e-999", "1_0", "٣", "", " ", "x", "0x1", '"', "'", ",", "\x00", "9" * 5000, "\u202e")


def score_files(draw: random.Random, place: Place) -> Trial:
    """`compare` of one to three files on the same pairs, of which one is wrong, or the name or the --out is."""
    n_rows, beside = draw.choice((1, 5, 40)), draw.sample(BESIDE, draw.randrange(len(BESIDE)))
    paths = []
    for number in range(draw.choice((1, 2, 2, 3))):
        names = (*beside, *draw.choice(FORMS))
        rows: list[Any] = [_row(draw, at, names) for at in range(n_rows)]
        paths.append(_written(draw, place.input / f"judge{number}.{draw.choice(ENDINGS)}", rows))
    changed = draw.choice(paths)
    way = draw.random()
    if way < 0.35:
        content = odd.changed_bytes(draw, changed.read_bytes())
        changed.write_bytes(gzip.compress(content, mtime=0) if changed.suffix == ".gz" and way < 0.2 else content)
    elif way < 0.45:
        changed.write_bytes(draw.choice(odd.DOCUMENTS))
    elif way < 0.5:
        changed.unlink()
        draw.choice((lambda: os.mkfifo(changed), changed.mkdir, lambda: changed.symlink_to("/dev/zero")))()
    given = [f"{odd.name(draw)}={path}" if draw.random() < 0.1 else str(path) for path in paths]
    options = [f"--out={draw.choice(outs(place))}", f"--rows={draw.choice(NUMBERS)}", "--rows=3", "--set=x=1"]
    options = draw.sample(options, draw.choice((0, 0, 0, 0, 1, 1, 2)))
    words = tuple(word.replace("\x00", "") for word in ("compare", *options, "--", *given))
    return Trial(words, place, shown=f"{changed.name}, {way:.2f}")


def _row(draw: random.Random, at: int, names: tuple[str, ...]) -> dict[str, Any]:
    values = {
        "id": at, "prompt_id": f"p{at // 2}", "prompt": f"Hi {at // 2}", "subset": f"s{at % 3}", "category": "math-prm",
        "chosen": "ä, b\n**c**", "rejected": [{"role": "assistant", "content": "no"}], "chosen_position": 1 + at % 2,
        "results": 1, "logits": [1.0, draw.choice((0.0, 1.0))], "margin": draw.uniform(-1, 1),
    }  # fmt: skip
    row = {name: values.get(name, draw.choice((0.5, 1)) if "rejected" in name else 1) for name in names}
    if draw.random() < 0.01:
        row[draw.choice(list(row))] = draw.choice((*odd.JSON_VALUES, *odd.VALUES, *CELLS, float("nan")))
    if draw.random() < 0.005:
        row.pop(draw.choice(list(row)))
    return row


def _written(draw: random.Random, path: Path, rows: list[Any]) -> Path:
    names = list(dict.fromkeys(name for row in rows for name in row))
    if path.suffix == ".parquet":
        try:
            pd.DataFrame(rows).to_parquet(path, index=False)
        except (ValueError, TypeError, OverflowError):  # what no column can hold: as text then
            texts = [{name: ascii(value) for name, value in row.items()} for row in rows]
            pd.DataFrame(texts).to_parquet(path, index=False)
        return path
    if ".csv" in path.name:
        text = io.StringIO(newline="")
        writer = csv.writer(text, quoting=draw.choice((csv.QUOTE_MINIMAL, csv.QUOTE_ALL)))
        writer.writerows([names, *([row.get(name, "") for name in names] for row in rows)])
        content = text.getvalue()
    elif ".jsonl" in path.name:
        content = "\n".join(json.dumps(row) for row in rows)
    elif path.name.endswith("columns.json"):
        content = json.dumps({name: [row.get(name) for row in rows] for name in names} | {"model": "x"})
    else:
        content = json.dumps(odd.changed_tree(draw, rows) if draw.random() < 0.3 else rows, default=ascii)
    raw = content.encode("utf-8", "surrogatepass")
    path.write_bytes(gzip.compress(raw, mtime=0) if path.suffix == ".gz" else raw)
    return path
