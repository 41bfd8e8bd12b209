"""People's preferences with their texts: features computed from a file of dialogues, and stored for those without it.

Knows which function makes which set of features, and imports only the one that is asked for: a job's key then depends
on no language model where n-grams are read. `stored_features` reads what `make_stored` writes.
"""

import pkgutil
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rmkit.errors import one_of
from rmkit.worlds.human_preferences.pairs import Reading, TiedPairs, bank_and_comparisons, read_pairs
from rmkit.worlds.human_preferences.stored_features import MINILM, NGRAMS, STORED, Preferences, check, write_stored

if TYPE_CHECKING:
    import numpy as np

FEATURES = {
    "ngrams": "rmkit.worlds.human_preferences.text_features:embed",
    "all-MiniLM-L6-v2": "rmkit.worlds.human_preferences.encoder_features:embed",
    "encoder": "rmkit.lm.reading.text_encoder:embed",
}


def read_texts(
    path: str | Path, *, features: str, tied_pairs: TiedPairs = "leave_out", skip_bad_rows: bool = False, **options: Any
) -> Preferences:
    """The preferences of a file of dialogues, their features computed from the texts; DataError names file and line.

    tied_pairs, skip_bad_rows: as for `read_pairs`. options: of `ngrams`, embedded ("response" or
    "prompt_and_response"), n_dimensions, min_df and ngrams (its shortest and its longest length); of
    `all-MiniLM-L6-v2`, which reads prompt and response, encoder (a folder or hub name).
    """
    return computed(read_pairs(path, tied_pairs=tied_pairs, skip_bad_rows=skip_bad_rows), features, **options)


def computed(reading: Reading, features: str, **options: Any) -> Preferences:
    """What was read as bank, with texts, and comparisons. options: as for `read_texts`; others are not looked at."""
    one_of(features, FEATURES, "features")
    if features == NGRAMS:
        how = {"n_dimensions": options["n_dimensions"], "min_df": options["min_df"]}
        embed = partial(embedding_of, features=features, ngram_range=tuple(options["ngrams"]), **how)
        joint = options["embedded"] == "prompt_and_response"
    else:
        how = {"encoder": options["encoder"], "progress": options.get("progress")}
        embed, joint = partial(embedding_of, features=features, **how), True
    bank, comparisons = bank_and_comparisons(reading, embed, with_prompts=joint)
    first = (f"first not readable: {reading.first_unreadable}",) if reading.first_unreadable else ()
    return Preferences(bank, comparisons, reading.read, reading.dropped, (*first, *reading.told))


def embedding_of(texts: Sequence[str], features: str, **how: Any) -> "tuple[np.ndarray, dict[str, Any]]":
    """R texts as (R, D) float16, and how that was made; how: the options of the function behind the features' name."""
    embed: Callable[..., tuple[np.ndarray, dict[str, Any]]] = pkgutil.resolve_name(FEATURES[features])
    return embed(texts, **how)


def make_stored(
    source: str | Path, encoder: str, folder: str | Path, *, progress: Callable[[int, int], None] | None = None
) -> str:
    """Compute the stored features of a file of dialogues and write them into a folder; a sentence on what that holds.

    encoder: a folder or a hub name. Equal texts give equal bytes on one machine with one thread; elsewhere a feature
    may differ by one step of float16.
    """
    reading = read_pairs(source)
    how: dict[str, Mapping[str, Any]] = {NGRAMS: STORED[NGRAMS], MINILM: {"encoder": encoder, "progress": progress}}
    made = {name: computed(reading, name, **options) for name, options in how.items()}
    banks = {name: preferences.bank for name, preferences in made.items()}
    write_stored(folder, banks, made[NGRAMS].comparisons, reading, Path(source))
    return check(folder)[0]
