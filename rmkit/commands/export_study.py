"""`export` of a study: what its finished jobs hold, as a dataset that others can read, and that is a world again."""

import argparse
import os
import re
import shlex
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rmkit
from rmkit.commands.out_folder import require_new_folder_fits
from rmkit.commands.request import planned
from rmkit.commands.version import commit_of
from rmkit.errors import ParamsError, StoreError, cut, listed
from rmkit.files.digests import file_digest
from rmkit.files.regular import read_json, read_text
from rmkit.stages.graph import STAGES
from rmkit.study.monitoring.output import say
from rmkit.study.planning.keys import canonical
from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.store.disk import disk_faults
from rmkit.study.store.store import Store

if TYPE_CHECKING:
    from rmkit.export.study_dataset import Bank, Demonstrations, Made, Policy

TAKEN = ("bank", "test_bank", "demonstrations", "comparisons", "policy")  # the artifacts that are exported


def is_study(named: str) -> bool:
    """Whether an argument of `export` names a study, by its file or, where no folder has that name, by its own."""
    if named.endswith((".yaml", ".yml")):
        return True
    return not Path(named).exists() and (Path(named).name == named or Path(f"{named}.yaml").is_file())


def export_study(options: argparse.Namespace) -> int:
    """Write the data and the fine-tuned models of a study into a folder, with cards."""
    out = Path(os.path.realpath(options.out))  # a link stays one
    licences = _licences_of_earlier(out, f"--out {cut(str(options.out))}")
    project, study, jobs = planned(argparse.Namespace(study=str(options.model), set=options.set))
    store = Store(project.store)
    finished = _finished(store, jobs, study.arguments)
    from rmkit.export.study_card import write_cards
    from rmkit.export.study_dataset import Study, write_study

    commit = commit_of(Path(rmkit.__file__).resolve().parents[1])
    content = Study(
        name=study.name,
        arguments=study.arguments,
        title=study.title,
        question=" ".join(study.question.split()),
        version=f"{rmkit.__version__}{commit and f' ({commit})'}",
        packages=store.manifest(next(iter(finished.jobs)))["environment"].get("packages", {}),
        banks=list(finished.banks()),
        demonstrations=list(finished.demonstrations()),
        policies=list(finished.policies()),
    )
    beside, old = (out.with_name(f".{out.name}.{os.getpid()}{end}") for end in ("", ".old"))
    with disk_faults(out):
        try:  # whole or not at all
            tables = write_study(content, beside)
            write_cards(content, tables, beside, licences)
            _replace(out, beside, old)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    n_rows = sum(sum(table.rows.values()) for table in tables)
    n_models = len(content.policies)
    held = f"{n_rows:,} rows in {len(tables)} tables, {n_models} fine-tuned model{'s' * (n_models != 1)}"
    say(f"{options.out}: {held}; README.md there is the card: say the licence in its first lines")
    _tell(content.banks, options.out)
    return 0


def _replace(out: Path, beside: Path, old: Path) -> None:
    """Put the folder `beside` in the place of `out`, what is there by way of `old`: it goes last."""
    if out.exists():
        out.rename(old)
    try:
        beside.rename(out)
    except OSError:
        if old.exists():
            old.rename(out)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _tell(banks: "Sequence[Bank]", out: Path) -> None:
    for bank in banks:
        if bank.made.stage == "00_human_preferences" and bank.made.parameters.get("pairs_file"):
            note = f"note: {bank.made.name} is made of your own pairs; publish it only if their owners allow it"
            say(note, error=True)
    say(f"in Python: datasets.load_dataset({str(out)!r})")
    if worlds := sorted((bank for bank in banks if len(bank.parts) == 2), key=lambda bank: not bank.labels):
        folder = shlex.quote(str(out.absolute() / "data" / worlds[0].made.name))
        say(f"as a world: rmkit run params/from-embeddings.yaml --set embeddings_folder={folder}")


def _licences_of_earlier(out: Path, shown: str) -> dict[str, str]:
    """What the cards of an earlier export there say of a licence; ParamsError if anything else would be lost."""
    from rmkit.export.study_card import digest_of_card, licence_of
    from rmkit.export.study_dataset import WRITTEN_BY
    from rmkit.worlds.exported_study import ROOT

    require_new_folder_fits(out, shown)
    if not os.path.lexists(out):
        return {}
    try:
        about = read_json(out / ROOT)
        if about["written_by"] != WRITTEN_BY:
            raise ValueError
        known = {*about["files"], *about["cards"], ROOT}
        cards = {name: read_text(out / name) for name in about["cards"] if (out / name).exists()}
        edited = [name for name, text in cards.items() if digest_of_card(text) != about["cards"][name]]
        changed = [
            name for name, was in about["files"].items() if (out / name).is_file() and file_digest(out / name) != was
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise ParamsError(f"{shown}: is there already, and no export of a study; name another folder") from None
    found = (str(path.relative_to(out)) for path in out.rglob("*") if not path.is_dir() or path.is_symlink())
    if other := next((name for name in found if name not in known), None):
        raise ParamsError(f"{shown}: holds {cut(other)}, which would be lost; move it, or name another folder")
    if changed:
        raise ParamsError(f"{shown}: {cut(changed[0])} there is not what was exported; move it, or name another")
    if edited:
        raise ParamsError(f"{shown}: its {edited[0]} was edited beyond the licence; move it, or name another folder")
    return {name: licence for name, text in cards.items() if (licence := licence_of(text))}


def _finished(store: Store, jobs: Sequence[PlannedJob], study: str) -> "Finished":
    """The jobs whose artifacts are exported; StoreError that says which are missing or damaged."""
    wanted = [job for job in jobs if not set(TAKEN).isdisjoint(STAGES[job.stage].saved(job.parameters))]
    if not any("bank" in STAGES[job.stage].saved(job.parameters) for job in wanted):
        raise ParamsError(f"{study}: has no responses to export; add 02_sampling, or a notebook 00 that reads files")
    known: dict[str, str | None] = {}
    if missing := [job for job in wanted if not store.done(job, known)]:
        lacking = f"{len(missing)} of the {len(wanted)} jobs that are exported are not finished, or changed since"
        names = listed([str(job) for job in missing], 3)
        remedy = f"`rmkit run {study} --until {wanted[-1].stage}` makes them"
        if Path(study).stem == "own-pairs":  # what `rmkit fit` runs, each time of one file
            remedy = "say whose, as its report does: --set pairs_file=FILE, and what else was set"
        raise StoreError(f"{study}: {lacking} ({names}); {remedy}")
    finished = Finished(store, {str(store.key_of(job, known)): job for job in wanted}, known)
    for key, job in finished.jobs.items():
        if problem := store.damage(key):
            raise StoreError(f"{job}: {problem}; `rmkit run {study}` makes it again")
    return finished


@dataclass(frozen=True)
class Finished:
    """Finished jobs by their keys, and what each of them holds as an export names it."""

    store: Store
    jobs: Mapping[str, PlannedJob]
    keys: Mapping[str, str | None]  # by plan id

    def banks(self) -> "Iterator[Bank]":
        from rmkit.export.study_dataset import PARTS, Bank, Labels

        of_banks, of_labels = self._saving("bank"), self._saving("comparisons")
        for key, made in self._made(of_banks, "world"):
            there = {split: self.store.artifact(key, name) for name, split in PARTS.items()}
            mine = {
                other: job
                for other, job in of_labels.items()
                if other == key or ("bank" in job.inputs and self.keys[job.inputs["bank"].plan_id] == key)
            }
            varied = _varied(list(mine.values()))
            labels = [
                Labels(
                    label,
                    self.store.artifact(other, "comparisons"),
                    {name: mine[other].parameters[name] for name in varied},
                )
                for other, label in self._made(mine, "world")
            ]
            yield Bank(made, {split: folder for split, folder in there.items() if folder.is_dir()}, labels)

    def demonstrations(self) -> "Iterator[Demonstrations]":
        from rmkit.export.study_dataset import Demonstrations

        for key, made in self._made(self._saving("demonstrations"), "world"):
            yield Demonstrations(made, self.store.artifact(key, "demonstrations"))

    def policies(self) -> "Iterator[Policy]":
        from rmkit.export.study_dataset import Policy

        for key, made in self._made(self._saving("policy"), "base_model", "task"):
            above, name = self.jobs[key].inputs.get("base_models"), made.parameters["base_model"]
            own = self.store.artifact(str(self.keys[above.plan_id]), "base_models") / name if above else None
            yield Policy(made, self.store.artifact(key, "policy") / "policy", own if own and own.is_dir() else None)

    def _saving(self, artifact: str) -> dict[str, PlannedJob]:
        return {key: job for key, job in self.jobs.items() if artifact in STAGES[job.stage].saved(job.parameters)}

    def _made(self, jobs: Mapping[str, PlannedJob], *always: str) -> "Iterator[tuple[str, Made]]":
        """The key of each job and what an export says of it, named by these parameters and by what tells it apart."""
        from rmkit.export.study_dataset import Made

        names: dict[str, None] = {}
        for key, job in jobs.items():
            alike = [other for other in jobs.values() if other.stage == job.stage]
            words = [
                _word(name, job.parameters.get(name, job.stage)) for name in dict.fromkeys([*always, *_varied(alike)])
            ]
            word = "-".join(words)
            name = next(name for n in count(1) if (name := word + f"-{n}" * (n > 1)) not in names)
            names[name] = None
            yield key, Made(name, job.stage, key, job.parameters)


def _varied(jobs: Sequence[PlannedJob]) -> list[str]:
    """The parameters in which jobs differ."""
    names = dict.fromkeys(name for job in jobs for name in job.parameters)
    return [name for name in names if len({canonical(job.parameters.get(name)) for job in jobs}) > 1]


def _word(name: str, value: Any) -> str:
    """A parameter's value as part of a name: text as it is, of a path the last part; else with the parameter's name."""
    told = Path(value).name if isinstance(value, str) else f"{name}-{canonical(value)}"
    return re.sub(r"[^\w.-]+", "-", told, flags=re.ASCII).strip("-.")[:40] or name
