"""A manifest that lacks anything, or has it of another kind, is damaged: one sentence says what."""

import copy
import json
import os

import pytest

from rmkit.files.digests import digest_of_files
from rmkit.study.store.manifest import read_manifest, wrong_with
from tests.study.manifests import WHOLE

ENTRY = {"sha256": "0" * 64, "bytes": 1}
SOUND = {
    **WHOLE,
    "files": {"rows.parquet": ENTRY, "artifacts/bank/a/b.npy": ENTRY},
    "artifacts": {"bank": {"digest": digest_of_files({"a/b.npy": "0" * 64})}, "empty": {"digest": digest_of_files({})}},
}
DEEP = {"a": [[[[[[[[[[]]]]]]]]]]}

WRONG = {
    "no stage": (("stage",), ..., "no stage"),
    "a number for a stage": (("stage",), 0, "stage is no text"),
    "a list for files": (("files",), [], "files is no mapping"),
    "a file without bytes": (("files", "rows.parquet"), {"sha256": ""}, "files: rows.parquet: no bytes"),
    "a file that is a number": (("files", "rows.parquet"), 0, "files: rows.parquet: it is no mapping"),
    "an artifact without a digest": (("artifacts", "bank"), {}, "artifacts: bank: no digest"),
    "an artifact that is not listed": (("artifacts",), {}, "no digest of bank"),
    "another digest": (("artifacts", "bank", "digest"), "f", "the digest of bank is not that of its files"),
    "ingredients without modules": (("ingredients", "modules"), ..., "ingredients: no modules"),
    "a notebook that is a number": (("ingredients", "notebook"), 0, "ingredients: notebook is no list"),
    "gathered jobs that are none": (("ingredients", "gathered"), [0], "ingredients: gathered is no list of jobs"),
    "packages that are a list": (("environment", "packages"), [], "environment: packages is no mapping"),
    "deep parameters": (("parameters", "deep"), DEEP, "it is nested too deeply"),
    "a time in words": (("started",), "today", "started is no number"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_with_a_manifest_is_named(case):
    (*path, last), value, said = WRONG[case]
    manifest = part = copy.deepcopy(SOUND)
    for name in path:
        part = part[name]
    if value is ...:
        del part[last]
    else:
        part[last] = value
    assert wrong_with(SOUND) is None
    assert wrong_with(manifest) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0", "it is no mapping"),
        ("[" * 100_000, "nested too deeply"),
        ("\xff", "decode"),
        ("", "Expecting value"),
        (json.dumps(SOUND | {"seconds": float("nan")}), "NaN is no JSON"),
        (json.dumps(SOUND | {"format": 0}), "format 0, and this rmkit reads 1"),
    ],
)
def test_what_is_no_manifest_is_a_value_error(text, said, tmp_path):
    (tmp_path / "manifest.json").write_text(text, encoding="latin-1")
    with pytest.raises(ValueError, match=said):
        read_manifest(tmp_path / "manifest.json")


def test_a_pipe_in_its_place_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "manifest.json")
    with pytest.raises(OSError, match="is not a regular file but a pipe"):
        read_manifest(tmp_path / "manifest.json")
