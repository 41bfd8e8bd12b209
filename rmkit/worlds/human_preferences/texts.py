"""The dialogues behind the stored features: other people's texts, which are downloaded where wanted and never shipped.

Knows where HH-RLHF's harmless-base test split is published and what its bytes hash to, and puts texts beside a bank
that has none. Without them the reader sees how long each text is. Source: https://huggingface.co/datasets/Anthropic/
hh-rlhf (MIT).
"""

import hashlib
import http.client
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rmkit.errors import DataError
from rmkit.files.digests import file_digest
from rmkit.worlds.human_preferences.pairs import in_bank_order, read_pairs

if TYPE_CHECKING:
    import pandas as pd

    from rmkit.artifacts.bank import ResponseBank

REPOSITORY = "https://huggingface.co/datasets/Anthropic/hh-rlhf"
REVISION = "09be8c5bbc57cb3887f3a9732ad6aa7ec602a1fa"
FILE = "harmless-base/test.jsonl.gz"
URL = f"{REPOSITORY}/resolve/{REVISION}/{FILE}"
BYTES = 742_801
SHA256 = "ebfaaed21162a4de120ae85366075b34425e2a6303fac59b99555002f7016f03"

MOST_BYTES = 2**26  # that are fetched of an address, whatever it sends

DOWNLOADED = "data/downloads/hh-rlhf/harmless-base-test.jsonl.gz"  # in the project; git ignores the folder
HOW_TO_GET = "rmkit ships no texts of HH-RLHF (offensive ones are among them); `rmkit data hh-rlhf` downloads them"


def download(path: Path, *, url: str = URL, sha256: str = SHA256) -> str:
    """Fetch the dialogues to a file, unless they are there already; a sentence, or DataError with the remedy."""
    if path.is_file() and file_digest(path) == sha256:
        return f"{path}: is there already ({path.stat().st_size:,} bytes, sha256 as published)"
    if url.lower().startswith("file:"):
        raise DataError(f"{url}: is a file of this machine; copy it to {path}, or give its path as --source")
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            content = answer.read(MOST_BYTES + 1)
    except (OSError, ValueError, http.client.HTTPException) as fault:  # no network, no such page, no address
        why = getattr(fault, "reason", None) or str(fault) or type(fault).__name__
        remedy = f"try again with a network, name another place by --url, or put the file at {path}"
        raise DataError(f"{url}: cannot be fetched ({why}); {remedy}") from None
    if (found := hashlib.sha256(content).hexdigest()) != sha256:
        what = f"{len(content):,} bytes of sha256 {found[:12]}…, and the features were made from {sha256[:12]}…"
        raise DataError(f"{url}: {what}; nothing was kept, fetch it from {URL}")
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(content)
    part.replace(path)
    return f"{path}: {len(content):,} bytes, sha256 as published"


@dataclass(frozen=True)
class Texts:
    """R responses and the prompt of each as texts to look at, or, where there are none, how long they are."""

    prompt_r: list[str]
    response_r: list[str]
    missing: str  # a sentence on how to get the texts; empty where they are here


def texts_of(bank: "ResponseBank", downloaded: Path) -> Texts:
    """The texts of a bank: its own, else those of the downloaded file that its features were made from."""
    prompts, responses, missing = bank.prompts, bank.responses, ""
    if "prompt" not in prompts or "response" not in responses:
        found, missing = _downloaded(bank, downloaded)
        prompts, responses = found if found else (_lengths(prompts, "prompt"), _lengths(responses, "response"))
    prompt = prompts.set_index("prompt_id")["prompt"]
    response_r = responses["answer" if "answer" in responses else "response"]
    return Texts(prompt.loc[bank.prompt_id_r].tolist(), response_r.tolist(), missing)


def _downloaded(bank: "ResponseBank", path: Path) -> "tuple[tuple[pd.DataFrame, pd.DataFrame] | None, str]":
    """The bank's tables with the texts of the file, or None and why there are none."""
    wanted = bank.embedding_source.get("texts_sha256")
    if wanted and path.is_file() and file_digest(path) == wanted:
        prompts, flat = in_bank_order(read_pairs(path))
        texts = bank.prompts.assign(prompt=prompts), bank.responses.assign(response=[text for _, text in flat])
        return texts, ""
    if wanted != SHA256:
        return None, "These responses came without their texts"
    return None, f"{path.name} is another file than the published one; {HOW_TO_GET}" if path.is_file() else HOW_TO_GET


def _lengths(table: "pd.DataFrame", name: str) -> "pd.DataFrame":
    """The table with a stand-in for each text: which one it is, and how long."""
    if "words" not in table:
        return table.assign(**{name: [f"({name}, text not stored)"] * len(table)})
    lengths = zip(table["words"], table["characters"], strict=True)
    return table.assign(
        **{name: [f"({name} of {words} words, {characters} characters)" for words, characters in lengths]}
    )
