"""Does anything that a person can type or store end in a hang, a traceback, a long story or a changed store?

Seeded inputs of the kinds in `tests/fuzzing/kinds.py`: studies, `--set` and other arguments, paths, preference files,
score files, arrays, findings, grammars, notebooks and damaged stores. Each is tried by a real command, in a fork of a
process that has imported rmkit. What is promised: exit code 0, 1 or 2 as documented; a refusal is one line on standard
error, with no character that hides or reorders text; under 20 s and 1 GB; the store as it was, or, after a run, every
sound job as it was; neither a process nor a temporary file left.

The table has, for each kind: inputs tried, how many ended with 0, 1 and 2, the longest, the largest, and faults. Faults
are listed by what is wrong in a file, each with the command that tries it again. Exit code 1 if there are any.

Run: python benchmarks/fuzz.py  (5,000 inputs, about a quarter of an hour on 2 cores; --inputs 500 for a look;
--only KIND --input I for one, with all that it says)
"""

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY))

from tests.fuzzing.kinds import KINDS  # noqa: E402
from tests.fuzzing.places import finished_project  # noqa: E402
from tests.fuzzing.series import counts, tried_by_workers  # noqa: E402
from tests.fuzzing.trial import SECONDS  # noqa: E402

SHOWN = 6  # of faults that are alike


def table(rows: list[dict]) -> str:
    """What became of the inputs, kind by kind."""
    lines = [
        f"{'kind of input':<24}{'tried':>6}{'exit 0':>8}{'1':>6}{'2':>6}{'longest':>10}{'largest':>10}{'faults':>8}"
    ]
    for kind in [*KINDS, "all"]:
        if not (some := [row for row in rows if kind in (row["kind"], "all")]):
            continue
        codes = Counter(row["code"] for row in some)
        largest = f"{max(row['megabytes'] for row in some):.0f} MB"
        longest = f"{max(row['seconds'] for row in some):.1f} s"
        faults = sum(bool(row["faults"]) for row in some)
        lines.append(
            f"{kind:<24}{len(some):>6}{codes[0]:>8}{codes[1]:>6}{codes[2]:>6}{longest:>10}{largest:>10}{faults:>8}"
        )
    return "\n".join(lines)


def listed(rows: list[dict], seed: int) -> str:
    """Every fault, those alike together, with the command that tries each again."""
    alike: dict[str, list[tuple[dict, str]]] = {}
    for row in rows:
        for name, detail in row["faults"]:
            where = detail.partition(": ")[0] if name == "traceback" else f"in {row['kind']}"
            alike.setdefault(f"{name} {where}", []).append((row, detail))
    lines = []
    for what, some in sorted(alike.items(), key=lambda entry: -len(entry[1])):
        lines.append(f"\n{what}: {len(some)}")
        for row, detail in some[:SHOWN]:
            lines += [
                f"  python benchmarks/fuzz.py --seed {seed} --only '{row['kind']}' --input {row['number']}",
                f"      {row['command']!r} {row['shown'][:200]}".rstrip(),
                f"      {row['code']}, {row['seconds']:.1f} s, {row['megabytes']:.0f} MB; {detail!a}",
            ]
    return "\n".join(lines)


def told(row: dict) -> None:
    """A fault as soon as it is found: the whole series takes a while."""
    for name, detail in row["faults"]:
        print(f"{row['kind']} {row['number']}: {name}: {ascii(detail)[:150]}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--inputs", type=int, default=5000, help="how many, shared out among the kinds")
    parser.add_argument("--only", choices=KINDS, metavar="KIND", action="append", default=[], help="only this kind")
    parser.add_argument("--input", type=int, help="only this input of it")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="after which an input is ended, as a fault")
    parser.add_argument("--faults", type=Path, default=Path("faults.txt"), help="where faults are listed")
    options = parser.parse_args()
    if options.input is not None and not options.only:
        parser.error("--input needs --only: an input is of one kind")
    numbers = counts(options.inputs, options.only)
    if options.input is not None:
        numbers = {kind: [options.input] for kind in options.only}
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        finished = finished_project(Path(name) / "finished")
        how = {"seed": options.seed, "workers": options.workers, "seconds": options.seconds}
        rows = tried_by_workers(Path(name), finished, numbers, **how, watch=told)
    print(table(rows))
    print(f"seed {options.seed}, {options.workers} at a time, {time.monotonic() - started:.0f} s")
    if options.input is not None:
        print(json.dumps(rows, indent=1))
    if faults := [row for row in rows if row["faults"]]:
        options.faults.write_text(listed(faults, options.seed) + "\n", encoding="utf-8", errors="backslashreplace")
        print(f"faults: {options.faults}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
