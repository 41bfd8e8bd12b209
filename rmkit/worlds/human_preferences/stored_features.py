"""People's preferences without their texts: features, lengths and labels of HH-RLHF's pairs, stored in the project.

Knows the format of data/hh-rlhf, which is written from a file of dialogues and read as bank and comparisons, in the
bank's order. Checking it needs the standard library alone. Knows no text and shows none: `texts` has them where they
were downloaded. Source of the pairs: Bai et al. 2022, arXiv 2204.05862.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rmkit.errors import DataError, ParamsError, one_of, quoted
from rmkit.files.digests import file_digest
from rmkit.files.regular import read_json, why_unreadable
from rmkit.lm.loading import require_model_name
from rmkit.worlds.human_preferences.pairs import Reading, because, in_bank_order, texts_to_embed
from rmkit.worlds.human_preferences.texts import DOWNLOADED, FILE, REPOSITORY, REVISION, SHA256

if TYPE_CHECKING:
    from rmkit.artifacts.bank import ResponseBank
    from rmkit.artifacts.comparisons import Comparisons

FORMAT = 1
NGRAMS, MINILM, ENCODED = "ngrams", "all-MiniLM-L6-v2", "encoder"  # the last of any encoder: never stored
ENCODER = f"sentence-transformers/{MINILM}@1110a243fdf4706b3f48f1d95db1a4f5529b4d41"
STORED: Mapping[str, Mapping[str, Any]] = {  # each set of features, and what it is of
    NGRAMS: {"embedded": "response", "n_dimensions": 128, "min_df": 5, "ngrams": [2, 4]},
    MINILM: {"encoder": ENCODER},
}
LENGTHS = ["prompt_id", "characters", "words"]
TABLES = ("prompts.csv", "responses.csv", "comparisons.csv")
ARRAYS = "features.safetensors"
ABOUT = {"source": dict, "read": int, "dropped": dict, "pairs": int, "prompts": int, "features": dict, "files": dict}
COMMAND = "rmkit data hh-rlhf --encoder FOLDER"


@dataclass(frozen=True, eq=False)
class Preferences:
    """Bank and comparisons of a file of `read` rows, of which `kept` are pairs; the rest is dropped for a reason."""

    bank: "ResponseBank"
    comparisons: "Comparisons"
    read: int
    dropped: Mapping[str, int]
    told: tuple[str, ...] = ()  # what else is to be said of the file, a clause each

    @property
    def kept(self) -> int:
        return len(self.comparisons)


def read_stored(folder: str | Path, *, features: str, **options: Any) -> Preferences:
    """The stored preferences with one set of features; DataError if the folder is damaged.

    As `computed_features.read_texts` gives them, but without the texts: which file these are in is said by the bank's
    `embedding_source["texts_sha256"]`. options: as there; ParamsError if they ask for other features than are stored.
    """
    import numpy as np
    import pandas as pd
    from safetensors import safe_open

    from rmkit.artifacts.bank import ResponseBank
    from rmkit.artifacts.comparisons import Comparisons

    check_features({**options, "features": features, "pairs_file": None}, {}, str(folder))
    folder = Path(folder)
    about = described(folder, str(folder))
    with safe_open(folder / ARRAYS, "numpy") as arrays:
        embedding_rd = arrays.get_tensor(features)
    prompts, responses, pairs = (pd.read_csv(folder / name, dtype=np.int64) for name in TABLES)
    bank = ResponseBank(
        prompts=prompts,
        responses=responses,
        embedding_rd=embedding_rd,
        embedding_source=about["features"][features] | {"texts_sha256": about["source"]["sha256"]},
    )
    return Preferences(bank, Comparisons(pairs.astype({"label": np.int8})), about["read"], about["dropped"])


def write_stored(
    folder: str | Path, banks: "Mapping[str, ResponseBank]", comparisons: "Comparisons", reading: Reading, source: Path
) -> None:
    """Write features, lengths and labels into a folder, and of the texts nothing.

    banks: one for each set of features, alike but for these. source: the file that was read. Equal banks give equal
    bytes. DataError if the pairs have weights, annotators or margins, which this form does not hold.
    """
    from safetensors.numpy import save

    if more := [str(name) for name in comparisons.table if name not in ("first", "second", "label", "line")]:
        raise DataError(f"{source}: its pairs have {', '.join(more)}, which stored features leave out; give the file")

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    bank = next(iter(banks.values()))
    tables = (bank.prompts[LENGTHS], bank.responses[LENGTHS], comparisons.table)
    for name, table in zip(TABLES, tables, strict=True):
        table.to_csv(folder / name, index=False, lineterminator="\n")
    (folder / ARRAYS).write_bytes(save({name: made.embedding_rd for name, made in banks.items()}))
    about = {
        "format": FORMAT,
        "holds": "features, lengths and labels of preference pairs; no text",
        "source": about_source(source),
        "read": reading.read,
        "dropped": {reason: count for reason, count in reading.dropped.items() if count},
        "pairs": reading.kept,
        "prompts": bank.n_prompts,
        "features": {name: dict(made.embedding_source) for name, made in banks.items()},
        "command": COMMAND,
        "files": {name: file_digest(folder / name) for name in (*TABLES, ARRAYS)},
    }
    text = json.dumps(about, indent=1, ensure_ascii=False) + "\n"
    (folder / "about.json").write_text(text, encoding="utf-8")


def about_source(source: Path) -> dict[str, Any]:
    """Which file the texts are in: its size and SHA-256, and, if it is the published one, where from."""
    found = {"bytes": source.stat().st_size, "sha256": file_digest(source)}
    if found["sha256"] != SHA256:
        return {"file": source.name, **found}
    published = {"repository": REPOSITORY, "revision": REVISION, "file": FILE}
    return {**published, **found, "licence": "MIT, Copyright (c) 2022 Anthropic: LICENSE, beside this file"}


def check(folder: str | Path, shown: str | None = None) -> tuple[str, dict[str, int]]:
    """A sentence on what the folder holds and its counts (pairs, prompts), or DataError if a file is another one.

    shown: the folder as messages give it, where that is not `folder` itself.
    """
    shown = shown or str(folder)
    about = described(Path(folder), shown)
    counts = {name: about[name] for name in ("pairs", "prompts")}
    said = f"{about['pairs']} of {about['read']} pairs kept, {about['prompts']} prompts, no texts"
    return f"{shown}: {said}{because(about['dropped'])}", counts


def described(folder: Path, shown: str) -> dict[str, Any]:
    """What about.json says, once each file's SHA-256 is the one that it names, or DataError."""
    remedy = "fetch the folder again (`git checkout`), or make it as its README says"
    try:
        about: dict[str, Any] = read_json(folder / "about.json")
        if about["format"] != FORMAT:
            raise DataError(f"{shown}/about.json: is of format {about['format']!r}; this rmkit reads format {FORMAT}")
        if odd := [name for name, kind in ABOUT.items() if type(about[name]) is not kind]:
            raise ValueError(f"{odd[0]} is no {ABOUT[odd[0]].__name__}")
        for name in (*TABLES, ARRAYS):
            if file_digest(folder / name) != about["files"][name]:
                raise DataError(f"{shown}/{name}: is not the file that about.json describes; {remedy}")
    except OSError as fault:
        name = Path(str(fault.filename)).name
        raise DataError(f"{shown}/{name}: {why_unreadable(fault)}; {remedy}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as fault:
        raise DataError(f"{shown}/about.json: is not what rmkit wrote ({quoted(fault)}); {remedy}") from None
    return about


def check_features(parameters: Mapping[str, Any], counts: Mapping[str, Any], where: str) -> None:
    """ParamsError if features are asked for that are not stored, and there is no file of texts to compute them from.

    So it is for what is asked of a file's rows where there is no file, and for n-grams that give no feature. counts:
    of a file of pairs its `reading`, else nothing.
    """
    if parameters["features"] == NGRAMS:
        _check_ngrams(parameters, counts, where)
    elif parameters["pairs_file"] is not None:
        require_model_name(parameters["encoder"], counts, f"{where}: encoder")
    if parameters["pairs_file"] is not None:
        return
    if one_of(parameters["features"], (*STORED, ENCODED), f"{where}: features") == ENCODED:
        raise ParamsError(f"{where}: features: {ENCODED} needs the texts: name a pairs_file")
    stored = STORED[parameters["features"]]
    for name, default in (("tied_pairs", "leave_out"), ("skip_bad_rows", False)):
        if (asked := parameters.get(name, default)) != default:
            raise ParamsError(f"{where}: {name}: {quoted(asked)} is about the rows of a file; name one by pairs_file")
    for name, value in stored.items():
        if parameters.get(name, value) != value:
            asked = f"{name}: {quoted(parameters[name])} needs the texts, for the stored features have {quoted(value)}"
            remedy = f"`rmkit data hh-rlhf` downloads them, then say --set pairs_file={DOWNLOADED}"
            raise ParamsError(f"{where}: {asked}; {remedy}")


def _check_ngrams(parameters: Mapping[str, Any], counts: Mapping[str, Any], where: str) -> None:
    """ParamsError unless n-grams have a length, occur in a number of texts that there may be, and give dimensions."""
    for name in ("n_dimensions", "min_df"):
        if parameters.get(name, 1) < 1:
            raise ParamsError(f"{where}: {name}: {quoted(parameters[name])}; it must be 1 or more")
    ngrams = parameters.get("ngrams", [1, 1])
    if len(ngrams) != 2 or not 1 <= ngrams[0] <= ngrams[1]:
        usual = STORED[NGRAMS]["ngrams"]
        say = sorted(ngrams) if len(ngrams) == 2 and min(ngrams) >= 1 else usual
        found = f"ngrams: {quoted(ngrams)} is no shortest and longest length of 1 or more"
        raise ParamsError(f"{where}: {found}; say --set 'ngrams=[{say[0]},{say[1]}]'")
    if reading := counts.get("reading"):
        if all(_words(pair.chosen) == _words(pair.rejected) for pair in reading.pairs):
            found = "chosen and rejected have the same words in every pair, capitals aside"
            remedy = "read them by an encoder (`rmkit fit PAIRS --encoder NAME`, or features=encoder)"
            raise ParamsError(f"{where}: features: {found}, and n-grams see nothing else; {remedy}")
        from rmkit.worlds.human_preferences.text_features import highest_min_df

        joint = parameters.get("embedded") == "prompt_and_response"
        texts, asked = texts_to_embed(*in_bank_order(reading), with_prompts=joint), parameters["min_df"]
        highest = highest_min_df(texts, asked, (ngrams[0], ngrams[1]))
        if highest < asked:
            found = f"min_df: fewer than 2 n-grams of length {ngrams[0]} to {ngrams[1]} occur in {asked} or more"
            remedy = f"say --set min_df={min(STORED[NGRAMS]['min_df'], highest)}" if highest else "add texts"
            raise ParamsError(f"{where}: {found} of the {len(texts)} responses; {remedy}")


def _words(text: str) -> list[str]:
    """What n-grams within words see of a text: its words in small letters, in no order."""
    return sorted(text.lower().split())
