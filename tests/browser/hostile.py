"""Model texts as an attacker would have them, put into a store whose checksums and keys then agree with them.

Knows the store's files only. Each stored text begins with one of `HOSTILE`, so that whatever shows a text shows one.
"""

import hashlib
import json
from pathlib import Path

import pandas as pd

from rmkit.files.digests import data_digest
from rmkit.study.planning.keys import name_of

HOSTILE = (
    "<script>window.hacked=1</script>",
    '<img src=x onerror="window.hacked=1">',
    '"><svg onload="window.hacked=1">',
    '</pre></div><iframe src="javascript:parent.hacked=1">',
    '<a href="javascript:window.hacked=1">a</a> **b** [c](javascript:window.hacked=1) &lt;b&gt;',
    "$\\href{javascript:window.hacked=1}{x}$",
    "\u202edrawkcab \x00\x1b[31m\x07",
)
TEXTS = ("prompt", "response", "answer", "completion", "paraphrase")


def poison(store: Path) -> None:
    """Put a hostile text before every text of the finished jobs' artifacts, as if their notebooks had made them so.

    What is made of an artifact is keyed by its content, so later jobs get the keys that they then have.
    """
    renamed: dict[str, str] = {}  # an artifact's digest as it was made -> with hostile texts
    for job in sorted((store / "jobs").iterdir()):  # by stage: what a job needs comes first
        manifest = json.loads((job / "manifest.json").read_text(encoding="utf-8"))
        for file in sorted((job / "artifacts").rglob("*.parquet")):
            table = pd.read_parquet(file)
            if columns := [name for name in TEXTS if name in table]:
                before = pd.Series([HOSTILE[row % len(HOSTILE)] for row in range(len(table))], index=table.index)
                table.assign(**{name: before + table[name] for name in columns}).to_parquet(file, index=False)
                content = file.read_bytes()
                entry = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
                manifest["files"][str(file.relative_to(job))] = entry
        for name, artifact in manifest["artifacts"].items():
            made, artifact["digest"] = artifact["digest"], data_digest(job / "artifacts" / name)
            renamed[made] = artifact["digest"]
        inputs = manifest["ingredients"]["inputs"]
        manifest["ingredients"]["inputs"] = {name: renamed.get(digest, digest) for name, digest in inputs.items()}
        manifest["key"] = name_of(manifest["ingredients"])
        (job / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
        job.rename(job.with_name(manifest["key"]))
