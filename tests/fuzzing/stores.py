"""A finished store of which files are damaged, and notebooks whose parameters are wrong; studies that are then run."""

import json
import random
from pathlib import Path

from tests.fuzzing import odd
from tests.fuzzing.places import Place
from tests.fuzzing.studies import written
from tests.fuzzing.trial import Trial

LOOKS = (
    *(
        ("status", "small"),
        ("status", "small"),
        ("status", "--watch"),
        ("results", "01_sums", "small"),
        ("why", "01_sums", "small"),
    ),
    *(
        ("why", "00_numbers", "small"),
        ("run", "--dry-run", "small"),
        ("run", "--dry-run", "--retry-failed", "small"),
        ("gc", "--dry-run"),
    ),
)
CHANGED = (("why", "01_sums", "small", "--set", "powers=[3.0]"), ("run", "--dry-run", "small", "--set", "sleep=0.5"))
WRITES = (
    ("run", "small", "--no-report"),
    ("run", "small", "--no-report", "--retry-failed"),
    ("gc", "--yes", "--older-than=0"),
)
PAGES = (("report", "small"), ("report", "small"), ("gallery", "small"))
LITERALS = (
    "1",
    "'x'",
    "[]",
    "[1, 'a']",
    "{}",
    "None",
    "1/0",
    "10**9",
    "f()",
    "lambda: 0",
    "-1",
    "1e999",
    "9" * 5000,
    "(1,)",
    "...",
    "'\\ud800'",
    "b'x'",
    "[" * 150 + "]" * 150,
    "",
    "x",
)
TYPES = (
    "int",
    "str",
    "float",
    "bool",
    "list[int]",
    "int | None",
    "Literal['a']",
    "Literal[1, 'a']",
    "dict",
    "list[list[int]]",
    "Literal[()]",
    "x.y",
    "'int'",
    "int | str",
    "list",
    "list[",
    "Literal['a' 'b']",
)


def damaged_look(draw: random.Random, place: Place) -> Trial:
    """A command that only looks, at a store in which one or two files are damaged."""
    keys = _damage(draw, place)
    pages = draw.random() < 0.08
    arguments = draw.choice(PAGES) if pages else draw.choice((*LOOKS, *CHANGED))
    return Trial(arguments, place, runs=pages, damaged=keys, shown=_shown(place))


def damaged_run(draw: random.Random, place: Place) -> Trial:
    """A run, or the removal of what nothing refers to, of a store in which one or two files are damaged."""
    keys = _damage(draw, place)
    return Trial(draw.choice(WRITES), place, runs=True, damaged=keys, shown=_shown(place))


def sound_run(draw: random.Random, place: Place) -> Trial:
    """A small study as somebody may write it, run to its end: what a check calls sound starts, and ends in a sentence."""
    numbers = draw.sample((0, 1, 2, 3, 5, 11, 2**31, 2**63, 10**30), 2)
    powers = [draw.choice((0, 1, 2.0, -1, 0.5, 1e3, 1e308, -0.0, 10**18)) for _ in range(draw.choice((1, 2, 3)))]
    tree = {
        "title": odd.Raw(odd.fragment(draw)),
        "axes": {"seed": numbers},
        "stages": {"00_numbers": None, "01_sums": {"powers": powers}},
    }
    tree["title"] = tree["title"] if draw.random() < 0.3 else draw.choice(odd.VALUES)
    if draw.random() < 0.3:
        tree["stages"]["01_sums"] = [{"powers": [1.0, 2.0], "seed": 0}, {"powers": powers, "seed": "3..4"}]
    if draw.random() < 0.3:
        values = draw.choice(("[]", "[0]", "[1e308, 1e308]", "[null]", "[true]", "[[1]]", '["a"]', "[1, 2, 3, 4]"))
        (place.input / "numbers.json").write_text(values, encoding="utf-8")
        tree["parameters"] = {"numbers_file": str(place.input / "numbers.json")}
    path = (
        place.input
        / f"{draw.choice(('study', 'a b', '{x} y', 'ä', '%s', 'x' * 120, '-x', '.hidden', 'a+b=c', '[1]'))}.yaml"
    )
    path.write_text(written(tree), encoding="utf-8", errors="surrogatepass")
    return Trial(("run", str(path), *(() if draw.random() < 0.2 else ("--no-report",))), place, runs=True)


def notebook(draw: random.Random, place: Place) -> Trial:
    """A notebook of which the parameters cell, a tag, the tree or some bytes are wrong."""
    name, study = draw.choice(
        (
            ("00_grammar_world", "world"),
            ("00_human_preferences", "pairs"),
            ("03_annotation_noise", "models"),
            ("09_human_preferences", "people"),
        )
    )
    path = place.own_notebooks() / f"{name}.ipynb"
    way, content = draw.random(), path.read_bytes()
    document = json.loads(content)
    if way < 0.15:
        path.write_bytes(odd.changed_bytes(draw, content))
    elif way < 0.2:
        path.write_bytes(draw.choice(odd.DOCUMENTS))
    elif way < 0.45:
        path.write_text(json.dumps(odd.changed_tree(draw, document)), encoding="utf-8")
    else:
        _change_parameters(draw, document)
        path.write_text(json.dumps(document), encoding="utf-8")
    return Trial((draw.choice(("check", "check", "status")), study), place, (0, 2))


def _change_parameters(draw: random.Random, document: dict) -> None:
    cells = [cell for cell in document["cells"] if "parameters" in cell["metadata"].get("tags", ())]
    lines = "".join(cells[0]["source"]).splitlines()
    at = draw.randrange(len(lines))
    kind, value = draw.choice(TYPES), draw.choice(LITERALS)
    line = draw.choice(
        (
            f"x: {kind} = {value}  # new",
            f"{odd.name(draw)}: int = 1",
            odd.fragment(draw)[:3000],
            "import os",
            "%time",
            f"seed: {kind} = {value}",
            "# \x1b[31m",
            "",
        )
    )
    lines[at] = draw.choice(
        (line, line, lines[at] + "\n" + line, lines[at] + "\n" + lines[at], odd.misspelt(draw, lines[at]))
    )
    cells[0]["source"] = "\n".join(lines)
    if draw.random() < 0.2:
        other = draw.choice(document["cells"])
        other["metadata"]["tags"] = draw.choice((["parameters"], ["look"], "look", None, [1], [["a"]], {"a": 1}))


def _damage(draw: random.Random, place: Place) -> frozenset[str]:
    """Damage one or two files of the store; the keys of the jobs that they belong to."""
    files = sorted(path for path in place.store.rglob("*") if path.is_file() and path.stat().st_size)
    keys = set()
    for path in draw.sample(files, draw.choice((1, 1, 2))):
        where = path.relative_to(place.store)
        if where.parts[0] == "jobs":
            keys.add(where.parts[1])
        if where.parts[0] == "plans" or draw.random() < 0.15:
            path.write_bytes(draw.choice((odd.fragment(draw).encode("utf-8"), *odd.DOCUMENTS)))
        elif draw.random() < 0.12:
            path.unlink()
            path.mkdir() if draw.random() < 0.5 else path.symlink_to(draw.choice(("nowhere", path.name)))
        elif path.suffix in (".json", ".jsonl") and draw.random() < 0.7:
            _damage_json(draw, path)
        else:
            path.write_bytes(odd.changed_bytes(draw, path.read_bytes()))
    _strew(draw, place)
    return frozenset(keys)


def _damage_json(draw: random.Random, path: Path) -> None:
    lines = (
        path.read_text(encoding="utf-8").splitlines() if path.suffix == ".jsonl" else [path.read_text(encoding="utf-8")]
    )
    at = draw.randrange(len(lines))
    lines[at] = (
        json.dumps(odd.changed_tree(draw, json.loads(lines[at])))
        if draw.random() < 0.8
        else draw.choice(("0", "[" * 5000, "{}", "null", "\x00"))
    )
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _strew(draw: random.Random, place: Place) -> None:
    """Put things where a store has others: an odd job, run, lock, partial folder or file, as a person or a disk may."""
    for room in draw.sample(
        ("jobs", "plans", "locks", "tmp", "partial", "failed", "corrupt", "verified", "runs", "drafts", "reports"),
        draw.choice((0, 0, 1, 2)),
    ):
        folder = place.store / room
        folder.mkdir(exist_ok=True)
        target = folder / draw.choice(
            (
                "x",
                ".hidden",
                "01_sums-0123456789abcdef",
                "a b",
                "{x}",
                "\x1b[31m",
                "x" * 250,
                "20200101T000000-aaaaaaaa",
            )
        )
        if target.exists():
            continue
        if draw.random() < 0.5:
            target.write_bytes(draw.choice(odd.DOCUMENTS))
        else:
            target.mkdir()
            name = draw.choice(
                ("manifest.json", "owner.json", "card.json", "events.jsonl", "notebook.ipynb", "draft.json")
            )
            (target / name).write_bytes(draw.choice(odd.DOCUMENTS))


def _shown(place: Place) -> str:
    """What differs from the finished store, in a few names."""
    files = [path for path in sorted(place.store.rglob("*")) if not path.is_dir() or path.is_symlink()]
    differ = []
    for path in files:
        other = place.finished / path.relative_to(place.store)
        if path.is_symlink() or not other.is_file() or path.read_bytes() != other.read_bytes():
            start = "" if path.is_symlink() else repr(path.read_bytes()[:60])
            differ.append(f"{path.relative_to(place.store)} {start}")
    return "; ".join(differ)[:600]
