"""The manifest of a finished job, read and looked through: one that lacks something is damaged, whoever wrote it.

Knows its shape and what follows from it; reads no other file, computes nothing.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rmkit.files.digests import digest_of_files
from rmkit.files.regular import read_json, why_unreadable
from rmkit.study.planning.keys import FORMAT

KINDS: Mapping[type, str] = {dict: "mapping", list: "list", str: "text", int: "whole number", float: "number"}
PARTS: Mapping[str, type] = {
    **dict.fromkeys(("artifacts", "files", "ingredients", "parameters", "environment"), dict),
    **dict.fromkeys(("stage", "key", "execution"), str),
    **dict.fromkeys(("started", "seconds"), float),
}
INGREDIENTS = {**dict.fromkeys(("parameters", "inputs", "modules", "data"), dict), "notebook": list}
GATHERED = {"stage": str, "parameters": dict, "results": str}
DEEPEST = 8  # levels of a value among parameters and ingredients, which are three


def read_manifest(path: Path) -> dict[str, Any]:
    """A manifest; ValueError or OSError with what is wrong with it."""
    try:
        manifest = read_json(path, finite=True)
    except OSError as fault:
        raise OSError(fault.errno, why_unreadable(fault)) from None
    if not isinstance(manifest, dict):
        raise ValueError("it is no mapping")
    if manifest.get("format") != FORMAT:
        raise ValueError(f"format {str(manifest.get('format'))[:20]}, and this rmkit reads {FORMAT}")
    if problem := wrong_with(manifest):
        raise ValueError(problem)
    return manifest


def wrong_with(manifest: Mapping[str, Any]) -> str | None:
    """What a manifest lacks, or has of another kind or of another digest than it says, or None."""
    if problem := _misses(manifest, PARTS):
        return problem
    if problem := _misses(manifest["ingredients"], INGREDIENTS):
        return f"ingredients: {problem}"
    gathered = manifest["ingredients"].get("gathered", [])
    if not isinstance(gathered, list) or any(_misses(job, GATHERED) for job in gathered):
        return "ingredients: gathered is no list of jobs"
    if not all(_shallow(manifest[part], DEEPEST) for part in ("ingredients", "parameters")):
        return "it is nested too deeply"
    if not isinstance(manifest["environment"].get("packages", {}), dict):
        return "environment: packages is no mapping"
    for name, entry in manifest["files"].items():
        if problem := _misses(entry, {"sha256": str, "bytes": int}):
            return f"files: {name}: {problem}"
    return _wrong_with_artifacts(manifest)


def _wrong_with_artifacts(manifest: Mapping[str, Any]) -> str | None:
    """Whether each artifact is listed, with the digest that its files have."""
    files: dict[str, dict[str, str]] = {name: {} for name in manifest["artifacts"]}
    for place, entry in manifest["files"].items():
        first, _, below = place.partition("/")
        name, _, inside = below.partition("/")
        if first == "artifacts" and not any(part.startswith(".") for part in inside.split("/")):
            files.setdefault(name, {})[inside] = entry["sha256"]
    for name, digests in files.items():
        if name not in manifest["artifacts"]:
            return f"no digest of {name}"
        if problem := _misses(manifest["artifacts"][name], {"digest": str}):
            return f"artifacts: {name}: {problem}"
        if manifest["artifacts"][name]["digest"] != digest_of_files(digests):
            return f"the digest of {name} is not that of its files"
    return None


def _misses(value: object, parts: Mapping[str, type]) -> str | None:
    """Which part a mapping lacks or has of another kind, or None."""
    if not isinstance(value, dict):
        return "it is no mapping"
    if missing := sorted(parts.keys() - value.keys()):
        return f"no {', '.join(missing)}"
    odd = [name for name, kind in parts.items() if type(value[name]) is not kind]
    return f"{odd[0]} is no {KINDS[parts[odd[0]]]}" if odd else None


def _shallow(value: object, levels: int) -> bool:
    """Whether a value is nested at most so many levels deep."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels > 0 and all(_shallow(each, levels - 1) for each in inside)
