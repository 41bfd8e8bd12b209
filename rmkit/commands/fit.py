"""`fit`: a file of preference pairs becomes a reward model of texts, with what it is worth on pairs it has not seen."""

import argparse
import json
import os
import re
import shlex
import shutil
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rmkit.commands.look_at_first import write_look_at_first
from rmkit.commands.out_folder import files_in, is_named, require_new_folder_fits
from rmkit.commands.plain_tables import aligned, width_of_window
from rmkit.commands.request import planned
from rmkit.commands.running import run
from rmkit.commands.several_files import as_one_set
from rmkit.errors import DataError, ParamsError, cut, listed
from rmkit.files.regular import read_json, read_text
from rmkit.study.monitoring.output import say
from rmkit.study.planning.project import find_project
from rmkit.study.store.disk import disk_faults
from rmkit.study.store.store import Store

if TYPE_CHECKING:
    from rmkit.study.planning.planned_job import PlannedJob
    from rmkit.study.planning.project import Project
    from rmkit.worlds.human_preferences.pairs import Pair

SUSPECTS, TO_LABEL = "look_at_first.csv", "label_next.jsonl"
OWN = ("pairs_file", "features", "encoder", "refit", "world", "language_model")  # parameters
STUDY, STAGE, MAKES_PAIRS = "own-pairs", "09_human_preferences", "00_human_preferences"
PLAIN = re.compile(r"[\w./][\w./ -]*[/.][A-Za-z][\w]*")  # a path that is text in YAML too
RUN = {  # the options of `run` that this command does not have
    **dict.fromkeys(("only", "until", "time_limit", "memory_limit")),
    **dict.fromkeys(("fail_fast", "fresh_kernels", "retry_failed", "no_report"), False),
    **{"study": STUDY, "select": [], "job": [], "yes": True, "says_data": True},
}


def fit(options: argparse.Namespace) -> int:
    """Fit reward models to a file of preference pairs, and keep one that scores new texts.

    Heads are compared on held-out pairs (notebooks 00 and 09_human_preferences, study own-pairs); the chosen one is
    fitted again on all pairs. Several files are one set; rows that say `again` take the place of earlier labels of the
    same two answers. The README lists the forms of rows.
    """
    with as_one_set(options.pairs, find_project().store, keep=not options.dry_run) as pairs:
        if len(options.pairs) > 1:
            say(f"{listed([path.name for path in options.pairs])}: one set, rows numbered through, as {pairs}")
        return _fit(options, pairs)


def _fit(options: argparse.Namespace, pairs: Path) -> int:
    """`fit` of one file or folder."""
    from rmkit.artifacts.table import Table
    from rmkit.export.text_reward_model import TextRewardModel

    out = options.out or Path(f"{_stem(options.pairs[0])}-reward-model")
    whole = Path(os.path.realpath(out))  # a link stays one
    with disk_faults(out):
        _check_free(whole, f"--out {cut(str(out))}")
    assignments = [f"pairs_file={_as_value(_from_project(pairs))}"]
    if options.encoder is not None:
        assignments += ["features=encoder", f"encoder={_as_value(_model_of(options.encoder, '--encoder'))}"]
    if options.language_model is not None:
        assignments.append(f"language_model={_as_value(_model_of(options.language_model, '--language-model'))}")
    for name in (assignment.partition("=")[0].strip() for assignment in options.set):
        if name in OWN:
            raise ParamsError(
                f"--set {name}: `rmkit fit` says that itself; use PAIRS, --encoder, or `rmkit run {STUDY}`"
            )
    shared = {"workers": options.workers, "dry_run": options.dry_run}
    asked = argparse.Namespace(**RUN, set=[*assignments, *options.set], **shared)
    if (several := [job.stage for job in planned(asked)[2]].count(STAGE)) > 1:
        raise ParamsError(f"--set: these are {several} fits, and one reward model is kept; give one value of each")
    run(asked)
    if options.dry_run:
        return 0
    project, _, jobs = planned(asked)
    store = Store(project.store)
    finished = {job.stage: key for key, job in store.finished_jobs(jobs).items()}
    if STAGE not in finished:
        raise DataError(f"{cut(str(pairs))}: it, or what the fit ran by, changed in the meantime; fit it again")
    made = store.artifact(finished[STAGE], "reward_model")
    model = TextRewardModel.load(made)
    say("", *_lines(model.about, width_of_window()), "")
    with disk_faults(out):
        beside, old = (whole.with_name(f".{whole.name}.{os.getpid()}{end}") for end in ("", ".old"))
        try:  # whole or not at all: what was there stays until the new one is
            shutil.copytree(made, beside)
            write_look_at_first(beside / SUSPECTS, model.about["suspects"], _pairs(project, jobs))
            to_label = Table.load(store.artifact(finished[STAGE], "to_label")).rows
            to_label.to_json(beside / TO_LABEL, orient="records", lines=True, force_ascii=False)
            if whole.exists():
                whole.rename(old)
            beside.rename(whole)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
            if whole.exists():
                shutil.rmtree(old, ignore_errors=True)
    say(f"reward model: {out} ({model.name} on {model.reads}, fitted on all {model.about['pairs']:,} pairs)")
    say(f"labels to look at first: {out / SUSPECTS} (lines and texts of {_shown(options.pairs, pairs)})")
    then = "label each a or b; then fit both files: rmkit fit PAIRS LABELS"
    say(f"pairs to label next: {out / TO_LABEL} ({then})")
    say(f"score new texts: rmkit score {shlex.quote(str(out))} FILE --out scores.csv")
    return 0


def _pairs(project: "Project", jobs: "Sequence[PlannedJob]") -> "Sequence[Pair]":
    """The pairs behind the comparisons that 00_human_preferences made, in their order."""
    from rmkit.worlds.human_preferences.pairs import read_pairs

    given = next(job.parameters for job in jobs if job.stage == MAKES_PAIRS)
    how = {name: given[name] for name in ("tied_pairs", "skip_bad_rows")}
    return read_pairs(project.root / given["pairs_file"], **how).pairs


def _interval(row: Mapping[str, Any]) -> str:
    from rmkit.evaluation.choice import EXACT

    if row["low"] is not None:
        return f"{row['low']:.1%} to {row['high']:.1%}"
    return "exact" if row.get("reason") == EXACT else "none"


def _check_free(folder: Path, where: str) -> None:
    """ParamsError unless a reward model may go there: nothing is lost but an older one."""
    from rmkit.export.model_card import CARD_FILE
    from rmkit.export.text_reward_model import ABOUT, FILES

    if folder.exists() and not (folder / ABOUT).is_file():
        raise ParamsError(f"{where}: is there already, and is no reward model; name another folder")
    known = (*FILES, SUSPECTS, TO_LABEL)
    if folder.exists() and (more := [path for path in files_in(folder) if not is_named(path, known)]):
        raise ParamsError(f"{where}: holds {cut(str(more[0]))} beside a reward model; move it, or name another folder")
    if (folder / TO_LABEL).exists() and not _is_empty_form(folder / TO_LABEL):
        raise ParamsError(f"{where}: {TO_LABEL} there holds what somebody filled in; move it, or name another folder")
    if (folder / CARD_FILE).exists() and not _is_own_card(folder):
        raise ParamsError(f"{where}: {CARD_FILE} there is not as rmkit wrote it; move it, or name another folder")
    require_new_folder_fits(folder, where)


def _is_own_card(folder: Path) -> bool:
    """Whether README.md is the card that reward_model.json gives, of a folder that transformers loads or rmkit."""
    from rmkit.export.model_card import CARD_FILE, cards_of
    from rmkit.export.text_reward_model import ABOUT

    try:
        return read_text(folder / CARD_FILE) in cards_of(read_json(folder / ABOUT))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _is_empty_form(path: Path) -> bool:
    """Whether no row of the pairs to label has a label."""
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        return all(row["label"] in (None, "") for row in rows)
    except (OSError, ValueError, KeyError, TypeError):  # no longer what was written
        return False


def _model_of(name: str, option: str) -> str:
    """A folder's whole path, or a name on the hub as it is; ParamsError for neither."""
    from rmkit.lm.loading import HUB

    if name and Path(name).is_dir():
        return str(Path(name).resolve())
    if not HUB.fullmatch(name):
        shown = cut(name) or "''"
        raise ParamsError(f"{option} {shown}: is no folder here, and no name on the hub, as org/name")
    return name


def _shown(given: Sequence[Path], pairs: Path) -> str:
    """What lines are of: the file that was named, or of several the folder that holds them all."""
    return pairs.name if len(given) == 1 else cut(str(pairs))


def _stem(pairs: Path) -> str:
    """A file's name without its endings."""
    return pairs.name.split(".")[0] or "pairs"


def _from_project(pairs: Path) -> str:
    """A path as a study file names it: from the project's root, where it lies in it."""
    whole, root = pairs.absolute(), find_project().root
    return str(whole.relative_to(root) if whole.is_relative_to(root) else whole)


def _as_value(path: str) -> str:
    """A path as --set takes it: as it is, or in quotes where YAML would read something else."""
    return path if PLAIN.fullmatch(path) else json.dumps(path, ensure_ascii=False)


def _lines(about: Mapping[str, Any], width: int | None) -> Iterator[str]:
    """Accuracies on held-out pairs, heads before rulers, and what to do, in words."""
    rows = [
        {
            "": "baseline" if row["is_ruler"] else "head",
            "reward model": str(row["reward_model"]),
            "accuracy": f"{row['mean']:.1%}",
            "95% interval": _interval(row),
        }
        for row in about["held_out_accuracy"]
    ]
    wide = {name: max(len(name), *(len(row[name]) for row in rows)) for name in rows[0]}
    yield from aligned(rows, wide)
    yield "accuracy: share of pairs in the right order, each scored by fits that saw no pair of its prompt"
    for question, answer in about["answers"].items():
        yield ""
        yield from textwrap.wrap(f"{question} {answer}", width or 100)
