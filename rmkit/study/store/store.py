"""The store: finished jobs on disk, whole or not at all, each with a manifest of checksums.

    runs/jobs/<key>/          a finished job: manifest.json, notebook.ipynb, rows.parquet, costs.json, artifacts/<name>/
    runs/plans/<plan id>      the key that this plan id came to
    runs/locks/<plan id>/     who executes it now
    runs/tmp/<execution>/     a job in the making
    runs/partial/<key>/       finished parts of a job that has not ended well yet; its next execution goes on from them
    runs/failed/<plan id>/    the notebook of the last failure, with its traceback
    runs/drafts/              what people computed in a live kernel; runs/corrupt/: what was found damaged
    runs/runs/<id>/           what a run writes down of itself, so that it can be followed
    runs/opened/              copies of executed notebooks, for JupyterLab to open: it saves what it opens
    runs/views/<name>.json    views of notebook 08 that were saved
    runs/exports/             rows and pictures that notebook 08 wrote into files
    runs/executions.jsonl     a line for every start of a job

Knows files and checksums; not what a job computes, nor who runs it.
"""

import errno
import json
import os
import re
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rmkit.errors import StoreError
from rmkit.files.digests import data_digest, stamp
from rmkit.files.durable import fsync
from rmkit.files.regular import read_text, why_unreadable
from rmkit.stages.graph import EVALUATIONS, ROWS, STAGES, Stage
from rmkit.study.planning.key_changes import NOT_BUILT
from rmkit.study.planning.keys import FORMAT, canonical, ingredients, name_of
from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.planning.tree_digest import text_digest
from rmkit.study.store.disk import disk_faults, read_json, refuse_unpermitted, write_cache, write_text
from rmkit.study.store.manifest import read_manifest

KEY = re.compile(r"[\w.-]+-[0-9a-f]{16}")
LONGEST_KEY = 300  # bytes


@dataclass(frozen=True)
class Store:
    """The folder `runs/` of a project."""

    root: Path

    def prepare(self) -> None:
        """Make the store's folders, first the one that a store is known by; StoreError if the disk does not let us."""
        with disk_faults(self.root):
            for room in ("locks", "jobs", "plans", "tmp", "partial", "failed", "corrupt", "verified"):
                (self.root / room).mkdir(parents=True, exist_ok=True)

    def folder(self, key: str) -> Path:
        return self.root / "jobs" / key

    def partial(self, key: str) -> Path:
        return self.root / "partial" / key

    def forget_parts(self, key: str) -> None:
        """Remove the finished parts of a job: it is done, or they may not be its own."""
        shutil.rmtree(self.partial(key), ignore_errors=True)

    def manifest(self, key: str) -> dict[str, Any]:
        """The manifest of a finished job; StoreError if there is none that can be read, or it is not whole.

        ParamsError where this user may not read it.
        """
        path = self.folder(key) / "manifest.json"
        try:
            return read_manifest(path)
        except OSError as fault:
            refuse_unpermitted(fault, path)
            why = fault.strerror
        except ValueError as fault:
            why = str(fault)
        raise StoreError(f"{self.folder(key)}: no readable manifest ({why}); `rmkit run` makes it again")

    def finished(self, key: str) -> bool:
        """Whether the job of this key is in the store; `damage` says whether it is sound."""
        return (self.folder(key) / "manifest.json").exists()

    def artifact(self, key: str, name: str) -> Path:
        return self.folder(key) / "artifacts" / name

    def key_of(self, job: PlannedJob, known: dict[str, str | None] | None = None) -> str | None:
        """The key of a planned job: from its finished inputs' content, else as noted; None if neither exists yet.

        known: keys by plan id that were found already, added to; give one dictionary when asking for many jobs.
        """
        known = {} if known is None else known
        if job.plan_id not in known:
            content = self.content(job, known)
            found = {name: digest for name, digest in content.items() if digest is not None}
            whole = len(found) == len(content)
            known[job.plan_id] = name_of(ingredients(job, found)) if whole else self.noted(job.plan_id)
        return known[job.plan_id]

    def content(self, job: PlannedJob, known: dict[str, str | None] | None = None) -> dict[str, str | None]:
        """The digest of each input of a job, by artifact, and of each gathered job's results, by its plan id.

        None where the job that makes it is not finished.
        """
        known = {} if known is None else known
        keys = {other.plan_id: self.key_of(other, known) for other in job.needs()}
        done = {plan_id: key for plan_id, key in keys.items() if key and self.finished(key)}
        content: dict[str, str | None] = {
            name: self.artifact_digest(done[other.plan_id], job.artifact(name)) if other.plan_id in done else None
            for name, other in job.inputs.items()
        }
        for other in job.gathered:
            content[other.plan_id] = self.digest_of_results(done[other.plan_id]) if other.plan_id in done else None
        return content

    def artifact_digest(self, key: str, name: str) -> str:
        """The content digest of an artifact of a finished job; StoreError where its manifest has none."""
        try:
            return self.manifest(key)["artifacts"][name]["digest"]
        except (KeyError, TypeError):
            raise StoreError(f"{self.folder(key)}: has no digest of {name}; remove it, `rmkit run` makes it") from None

    def ingredients(self, job: PlannedJob) -> dict[str, Any]:
        """The ingredients of a planned job's key, as far as its inputs are there."""
        return ingredients(job, {name: digest or NOT_BUILT for name, digest in self.content(job).items()})

    def digest_of_results(self, key: str) -> str:
        """The content digest of a finished job's rows and per-prompt evaluations: neither notebook nor costs count."""
        manifest = self.manifest(key)
        rows, artifacts = manifest["files"].get(ROWS, {}), manifest["artifacts"]
        content = [rows.get("sha256"), artifacts.get(EVALUATIONS, {}).get("digest")]
        return text_digest(canonical(content))

    def finished_jobs(self, jobs: Iterable[PlannedJob]) -> dict[str, PlannedJob]:
        """The finished jobs of a plan by their keys, in plan order."""
        known: dict[str, str | None] = {}
        found: dict[str, PlannedJob] = {}
        for job in jobs:
            if (key := self.key_of(job, known)) and self.finished(key):
                found.setdefault(key, job)
        return found

    def done(self, job: PlannedJob, known: dict[str, str | None] | None = None) -> bool:
        """Whether a job is finished; where what it needs is damaged, it is not: that is made again first."""
        with suppress(StoreError):
            key = self.key_of(job, known)
            return key is not None and self.finished(key)
        return False

    def handed(self, job: PlannedJob) -> dict[str, Any]:
        """What a notebook is given of the jobs that it needs: each input's folder, and those that it gathers.

        StoreError if one of them is not finished.
        """
        known: dict[str, str | None] = {}
        folders: dict[str, Path] = {}
        for other in job.needs():
            key = self.key_of(other, known)
            if key is None or not self.finished(key):
                raise StoreError(f"{other}: was built and is not in {self.root}; `rmkit run` says why")
            folders[other.plan_id] = self.folder(key)
        return {
            "inputs": {
                name: str(folders[other.plan_id] / "artifacts" / job.artifact(name))
                for name, other in job.inputs.items()
            },
            "gathered": [
                {"stage": other.stage, "parameters": dict(other.parameters), "folder": str(folders[other.plan_id])}
                for other in job.gathered
            ],
        }

    def note(self, job: PlannedJob, key: str) -> None:
        """Remember which key a plan id came to."""
        if self.noted(job.plan_id) != key:
            write_cache(self.root / "plans" / job.plan_id, key)

    def noted(self, plan_id: str) -> str | None:
        """The key that a plan id was last known to come to, or None."""
        with suppress(OSError, ValueError):
            key = read_text(self.root / "plans" / plan_id, LONGEST_KEY)
            return key if KEY.fullmatch(key) else None
        return None

    def manifests(self) -> Iterator[dict[str, Any]]:
        """The manifests of all finished jobs, damaged ones left out."""
        for path in sorted((self.root / "jobs").glob("*/manifest.json")):
            with suppress(StoreError):
                yield self.manifest(path.parent.name)

    def other_formats(self) -> int:
        """How many finished jobs are in a format of another version of rmkit, which this one does not read."""
        found = [read_json(path) for path in (self.root / "jobs").glob("*/manifest.json")]
        return sum(manifest.get("format", FORMAT) != FORMAT for manifest in found)

    def publish(self, made: Path, key: str, manifest: Mapping[str, Any]) -> None:
        """Give the folder `made` its manifest and rename it into place: whole or not at all."""
        files = {str(path.relative_to(made)): _file_entry(path) for path in made.rglob("*") if path.is_file()}
        artifacts = {folder.name: {"digest": data_digest(folder)} for folder in sorted((made / "artifacts").glob("*"))}
        content = {"format": FORMAT, "key": key, **manifest, "artifacts": artifacts, "files": files}
        write_text(made / "manifest.json", json.dumps(content, indent=1, sort_keys=True))
        for path in [*made.rglob("*"), made]:
            fsync(path)
        try:
            made.rename(self.folder(key))
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            if self.damage(key) is None:
                shutil.rmtree(made)  # another plan id met in the same key first: its result is this one's
            else:
                self.set_aside(key)
                made.rename(self.folder(key))
        fsync(self.folder(key).parent)

    def damage(self, key: str) -> str | None:
        """What is wrong with a finished job's files, or None. A file is read again only if it was touched since.

        ParamsError for one that this user may not read.
        """
        folder = self.folder(key)
        verified = self.root / "verified" / f"{key}.json"
        known = read_json(verified)
        try:
            manifest = self.manifest(key)
            seen = {name: stamp(folder / name) for name in manifest["files"]}
            for name, entry in manifest["files"].items():
                if known.get(name) != seen[name] and _file_entry(folder / name) != entry:
                    return f"{name} does not have the checksum that it was stored with"
        except OSError as fault:
            refuse_unpermitted(fault, Path(fault.filename or folder))
            return f"{fault.filename}: {why_unreadable(fault)}"
        except StoreError as fault:
            return str(fault)
        if known != seen:
            with suppress(OSError):  # only a note that spares the next reading; a full disk must not hide a sound job
                write_cache(verified, canonical(seen))
        return self._missing(manifest)

    def _missing(self, manifest: Mapping[str, Any]) -> str | None:
        """What a stored job lacks of the outputs that its stage declares, or None."""
        stage = STAGES.get(manifest["stage"], Stage(rows=False))
        with suppress(KeyError):  # of parameters that it does not know
            saved = stage.saved(manifest["parameters"])
            missing = [ROWS] * (stage.rows and ROWS not in manifest["files"])
            missing += [name for name in saved if name not in manifest["artifacts"]]
            return f"it has no {', '.join(missing)}" if missing else None
        return None

    def set_aside(self, key: str) -> Path:
        """Move a damaged job out of the way, kept for whoever wants to look; returns where it lies now."""
        place = self.root / "corrupt" / f"{key}-{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}"
        with disk_faults(self.root), suppress(FileNotFoundError):  # another runner may have been quicker
            if self.damage(key):
                self.folder(key).rename(place)
                os.utime(place)  # its age counts from now
        return place


def _file_entry(path: Path) -> dict[str, Any]:
    return {"sha256": data_digest(path), "bytes": path.stat().st_size}
