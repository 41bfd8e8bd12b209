"""Files that people bring, wrong in some place: preference pairs, stored preferences, arrays, statements, grammars.

What a check accepts is then read as its notebook would read it: what that refuses is one sentence too.
"""

import csv
import gzip
import io
import json
import random
import shutil
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from tests.fuzzing import odd
from tests.fuzzing.paths import NO_FILES, made, set_to
from tests.fuzzing.places import Place
from tests.fuzzing.studies import ACCEPTS_OR_REFUSES, written
from tests.fuzzing.trial import Trial
from tests.small_project import REPOSITORY

ANSWERS = ("Hello.", "Go away.", "No.", "Yes, and here is why: it rains.", "ä 😀", "{x}", "a\tb")
HEADERS = (
    *(
        "{'descr': '|O', 'fortran_order': False, 'shape': (2, 3, 4), }",
        "{'descr': '<f4'}",
        "{",
        "[]",
        "1",
        "",
        "(" * 300,
    ),
    *(
        "{'descr': '<f4', 'fortran_order': False, 'shape': (10**9, 10**9, 10**9), }",
        "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2, 3, 4), }",
    ),
    *(
        "{'descr': '<f4', 'fortran_order': False, 'shape': (" + "9" * 25 + ", 3, 4), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-2, 3, 4), }",
    ),
    *(
        "{'descr': '<f4', 'fortran_order': 1, 'shape': [2, 3, 4], }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (True, 3, 4), }",
        "\x00" * 50,
    ),
    *(
        "{'descr': '<V10000000000', 'fortran_order': False, 'shape': (2, 3, 4), }",
        "{'descr': 'zzz', 'fortran_order': False, 'shape': (2, 3, 4), }",
    ),
    *(
        "{'descr': '" + "x" * 3000 + "', 'fortran_order': False, 'shape': (2, 3, 4), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (" + "1," * 40 + "), }",
    ),
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3, 4), 'x': " + "9" * 5000 + "}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3, 4), 'x': " + "[" * 150 + "]" * 150 + "}",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3, 4), '\x1b[31m': 0}",
)


def pairs(draw: random.Random, place: Place) -> Trial:
    """A file of preferences with a row, a value, some bytes or its compression wrong, or a folder of `datasets`."""
    rows: list[Any] = [_pair(draw, number) for number in range(draw.choice((1, 3, 20)))]
    for _ in range(draw.choice((0, 1, 1, 2))):
        at = draw.randrange(len(rows))
        if draw.random() < 0.2:
            rows[at] = draw.choice((rows[0], odd.Raw("[" * 100_000), odd.Raw("9" * 5000), odd.Raw("NaN")))
        elif not isinstance(rows[at], odd.Raw):
            rows[at] = odd.changed_tree(draw, rows[at])
    lines = [
        row.text if isinstance(row, odd.Raw) else json.dumps(row, ensure_ascii=draw.random() < 0.5) for row in rows
    ]
    content = draw.choice(("\n", "\n", "\n", "\r\n", "\n\n", "\r")).join(lines).encode("utf-8", "surrogatepass")
    container = draw.choice((".jsonl",) * 4 + (".json", ".csv", ".tsv", ".parquet", "/"))
    if container == ".json":
        content = b"[" + b",".join(line.encode("utf-8", "surrogatepass") for line in lines) + b"]"
    elif container in (".csv", ".tsv"):
        content = _table(rows, "," if container == ".csv" else "\t")
    elif container in (".parquet", "/"):
        content = _arrow(rows, container)
    if draw.random() < 0.4:
        content = odd.changed_bytes(draw, content)
    if container == "/":
        return _pairs_trial(_folder(draw, place, content), place, repr(content[:300]))
    if zipped := draw.random() < 0.4:
        content = gzip.compress(content, mtime=0)
        if draw.random() < 0.5:
            content = draw.choice(
                (odd.changed_bytes(draw, content), content + b"x", content * 2, content[:-6], content[:10], _endless())
            )
    names = [f"pairs{container}.gz"] * 5 + [f"pairs{container}"]
    names = names if zipped else [name.removesuffix(".gz") for name in names] + ["pairs.jsonl.gz", "pairs.json"]
    path = place.input / draw.choice(names)
    path.write_bytes(content)
    return _pairs_trial(path, place, repr(content[:300]))


def _table(rows: list[Any], delimiter: str) -> bytes:
    """The rows as a table, what is no text as JSON."""
    text = io.StringIO(newline="")
    objects = [row for row in rows if isinstance(row, dict)]
    writer = csv.writer(text, delimiter=delimiter, escapechar="\\")
    names = list(dict.fromkeys(name for row in objects for name in row))
    writer.writerow(names)
    for row in objects:
        values = (row.get(name) for name in names)
        writer.writerow([value if isinstance(value, str) else json.dumps(value) for value in values])
    return text.getvalue().encode("utf-8", "surrogatepass")


def _arrow(rows: list[Any], container: str) -> bytes:
    """The rows that Arrow can hold, as Parquet or as a stream."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pa.Table.from_pylist([row for row in rows if isinstance(row, dict)])
    except (pa.ArrowException, TypeError, UnicodeEncodeError, OverflowError):
        table = pa.table({"prompt": ["q"], "chosen": ["a"], "rejected": ["b"]})
    stream = io.BytesIO()
    if container == ".parquet":
        pq.write_table(table, stream) if table.num_columns else None
    else:
        with pa.ipc.new_stream(stream, table.schema) as written:
            written.write_table(table)
    return stream.getvalue()


def _folder(draw: random.Random, place: Place, content: bytes) -> Path:
    """A folder as `Dataset.save_to_disk` writes it, its state now and then wrong."""
    folder = place.input / "pairs"
    folder.mkdir()
    (folder / "data-00000-of-00001.arrow").write_bytes(content)
    state: Any = {"_data_files": [{"filename": "data-00000-of-00001.arrow"}]}
    (folder / "state.json").write_text(json.dumps(state), encoding="utf-8")
    if draw.random() < 0.4:
        _change_json_or_bytes(draw, folder / "state.json")
    if draw.random() < 0.2:
        splits = draw.choice((["train"], ["a", "b"], [".."], [], [3], "x", None))
        (folder / "dataset_dict.json").write_text(json.dumps({"splits": splits}), encoding="utf-8")
    return folder


def _pairs_trial(path: Path, place: Place, shown: str) -> Trial:
    def read() -> None:
        from rmkit.worlds.human_preferences.pairs import bank_and_comparisons, read_pairs

        bank_and_comparisons(
            read_pairs(path), lambda texts: (np.zeros((len(texts), 2), np.float16), {"method": "none"})
        )

    return Trial(
        ("check", "pairs", "--set", f"pairs_file={path}"),
        place,
        ACCEPTS_OR_REFUSES,
        then=read,
        shown=shown,
    )


def stored(draw: random.Random, place: Place) -> Trial:
    """The stored preferences with about.json or another file changed."""
    folder = place.input / "stored"
    shutil.copytree(REPOSITORY / "data/hh-rlhf", folder)
    path = folder / draw.choice(("about.json",) * 4 + ("prompts.csv", "comparisons.csv"))
    _change_json_or_bytes(draw, path)
    return Trial(
        ("check", "pairs", *set_to(draw, place, "preferences_folder", str(folder))),
        place,
        ACCEPTS_OR_REFUSES,
        shown=path.name,
    )


def model_folder(draw: random.Random, place: Place) -> Trial:
    """A folder of a language model whose configuration is wrong."""
    folder = place.input / "model"
    folder.mkdir()
    path = folder / "config.json"
    path.write_text(
        json.dumps({"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], "n_layer": 2}), encoding="utf-8"
    )
    _change_json_or_bytes(draw, path)
    parameter = draw.choice(("base_model", "gold_model", "encoder"))
    return Trial(
        ("check", draw.choice(("models", "pairs")), *set_to(draw, place, parameter, str(folder))),
        place,
        ACCEPTS_OR_REFUSES,
    )


def arrays(draw: random.Random, place: Place) -> Trial:
    """Four arrays of which one has another header, type, shape, length or value, or is no file."""
    folder = place.input / "arrays"
    folder.mkdir()
    for split in ("train", "test"):
        np.save(folder / f"embd_{split}.npy", np.ones((6, 4, 5), np.float32))
        np.save(folder / f"reward_{split}.npy", np.ones((6, 4), np.float16))
    path = folder / f"{draw.choice(('embd', 'reward'))}_{draw.choice(('train', 'test'))}.npy"
    shown = _change_array(draw, path)

    def read() -> None:
        from rmkit.worlds.embedding_files import bank_of, read_folder

        for name, split in read_folder(folder).items():
            bank_of(split, place.input / f"scratch-{name}")

    return Trial(
        ("check", "arrays", *set_to(draw, place, "embeddings_folder", str(folder))),
        place,
        ACCEPTS_OR_REFUSES,
        then=read,
        shown=f"{path.name}: {shown}",
    )


def _change_array(draw: random.Random, path: Path) -> str:
    """Change a .npy file, and say how."""
    content = path.read_bytes()
    way = draw.choice(
        ("header", "header", "bytes", "values", "type", "type", "shape", "version", "cut", "twin", "no file")
    )
    if way == "header":
        path.write_bytes(_array_with(draw, draw.choice(HEADERS)))
    elif way == "bytes":
        path.write_bytes(odd.changed_bytes(draw, content[:128]) + content[128:])
    elif way == "values":
        array = np.load(path)
        array[tuple(draw.randrange(length) for length in array.shape)] = draw.choice(
            (np.nan, np.inf, -np.inf, 6e4, -0.0)
        )
        np.save(path, array * draw.choice((1, 1, np.float32(1e30))))
    elif way == "type":
        kind = draw.choice((">f4", "f8", "i4", "?", "O", "U5", "S3", "c8", "M8[s]", [("a", "f4")], "f2", "f16", "V4"))
        np.save(path, np.ones((6, 4, 5) if "embd" in path.name else (6, 4)).astype(kind), allow_pickle=True)
        return str(kind)
    elif way == "shape":
        shape = draw.choice(
            (
                (),
                (0,),
                (6,),
                (6, 4),
                (6, 4, 1),
                (6, 4, 5, 1),
                (0, 4, 5),
                (6, 0, 5),
                (6, 1, 5),
                (7, 4, 5),
                (6, 4, 6),
                (1,) * 32,
            )
        )
        np.save(
            path, np.asfortranarray(np.ones(shape, np.float32)) if draw.random() < 0.2 else np.ones(shape, np.float32)
        )
        return str(shape)
    elif way == "version":
        path.write_bytes(
            content[:6] + bytes(draw.choice(((1, 0), (2, 0), (3, 0), (0, 0), (9, 9), (255, 255)))) + content[8:]
        )
    elif way == "cut":
        path.write_bytes(content[: draw.randrange(len(content))] if draw.random() < 0.8 else content + b"x" * 99)
    elif way == "twin":
        shutil.copy(
            path,
            path.with_name(
                f"{path.name[:4]}-{draw.choice(('2', odd.name(draw).replace('/', '_')[:99]))}_{path.name.rpartition('_')[2]}"
            ),
        )
    else:
        path.unlink()
        made(draw.choice((*NO_FILES, "nothing")), path)
    return way


def _array_with(draw: random.Random, header: str) -> bytes:
    """A .npy file with a header as it is, whose length is said truly or not."""
    text = header.encode("latin-1")
    version, width = draw.choice(((1, 2), (2, 4), (3, 4)))
    length = draw.choice((len(text), len(text), len(text), 0, 2 ** (8 * width) - 1, 10))
    return (
        b"\x93NUMPY"
        + bytes((version, 0))
        + min(length, 2 ** (8 * width) - 1).to_bytes(width, "little")
        + text
        + b"\x00" * 500
    )


def statements(draw: random.Random, place: Place) -> Trial:
    """One to three statements of which one is wrong."""
    folder = place.input / "findings"
    folder.mkdir()
    for path in draw.sample(sorted((REPOSITORY / "docs/findings").glob("*.yaml")), draw.choice((1, 2, 3))):
        shutil.copy(path, folder)
    _change_yaml(draw, draw.choice(sorted(folder.iterdir())))
    if draw.random() < 0.1:
        made(draw.choice(NO_FILES), folder / "zz.yaml")
    registered = ["--set", f"registered=[{', '.join(_registered(draw))}]"] if draw.random() < 0.3 else []
    return Trial(
        ("check", "statements", *set_to(draw, place, "findings_folder", str(folder)), *registered),
        place,
        ACCEPTS_OR_REFUSES,
    )


def _registered(draw: random.Random) -> Sequence[str]:
    names = [path.stem for path in sorted((REPOSITORY / "docs/findings").glob("*.yaml"))]
    return [
        f"{draw.choice(names)}{draw.choice(('@0123abcd', '', '@', '@zz', '@@'))}"
        for _ in range(draw.choice((1, 2, 50)))
    ]


def grammar(draw: random.Random, place: Place) -> Trial:
    """The grammar with one file changed."""
    folder = place.input / "grammar"
    shutil.copytree(REPOSITORY / "data/grammar", folder)
    _change_yaml(draw, draw.choice(sorted(folder.glob("*.yaml"))))
    return Trial(("check", "world", *set_to(draw, place, "grammar_folder", str(folder))), place, ACCEPTS_OR_REFUSES)


def _change_yaml(draw: random.Random, path: Path) -> None:
    if draw.random() < 0.35:
        path.write_bytes(odd.changed_bytes(draw, path.read_bytes()))
        return
    tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    values = (odd.Raw(odd.fragment(draw)), odd.Raw(odd.fragment(draw)), *odd.VALUES)
    for _ in range(draw.choice((1, 1, 2))):
        tree = odd.changed_tree(draw, tree, values)
    path.write_text(written(tree), encoding="utf-8", errors="surrogatepass")


def _change_json_or_bytes(draw: random.Random, path: Path) -> None:
    """Change a file's tree if it is JSON, or its bytes, or put another document in its place."""
    way, content = draw.random(), path.read_bytes()
    if way < 0.15:
        path.write_bytes(draw.choice(odd.DOCUMENTS))
    elif way < 0.4 or path.suffix != ".json":
        path.write_bytes(odd.changed_bytes(draw, content))
    else:
        text = json.dumps(odd.changed_tree(draw, json.loads(content)), ensure_ascii=draw.random() < 0.5)
        path.write_text(text, encoding="utf-8", errors="surrogatepass")


def _pair(draw: random.Random, number: int) -> dict[str, Any]:
    """A row in one of the forms: whole dialogues, a prompt and answers or lists of them, a ranking, votes, messages."""
    prompt = "\n\nHuman: Hi" * draw.choice((1, 1, 2)) + f" {number}\n\nAssistant:"
    first, second = draw.sample(ANSWERS, 2)
    form = draw.randrange(7)
    if form == 0:
        return {"chosen": f"{prompt} {first}", "rejected": f"{prompt} {second}"}
    if form == 3:
        return {"prompt": f"Hi {number}", "chosen": [first], "rejected": [second, "Ho."]}
    if form == 4:
        return {"prompt": f"Hi {number}", "responses": [first, second, "Ho."], "ranks": [1, 2, 2]}
    if form == 5:
        asked = {"instruction": "Say it.", "input": str(number), "annotator1": number % 3, "annotator2": 1}
        return {**asked, "response1": first, "response2": second}
    if form == 6:
        return {"response_a": first, "response_b": second, "prompt": f"Hi {number}", "winner": "tie", "judge": "x"}
    if form == 1:
        return {"prompt": f"Hi {number}", "chosen": first, "rejected": second}
    asked = {"role": "user", "content": f"Hi {number}"}
    return {
        name: [asked, {"role": "assistant", "content": said}]
        for name, said in (("chosen", first), ("rejected", second))
    }


@cache
def _endless() -> bytes:
    """A gzip of a megabyte or two that holds one line of two gigabytes."""
    held = io.BytesIO()
    with gzip.GzipFile(fileobj=held, mode="wb", compresslevel=9, mtime=0) as file:
        file.write(b"x" * 2**26)
    return held.getvalue() * 32
