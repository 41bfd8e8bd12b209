"""What the notebook of the labelling page opens: a file of pairs as a pool, and where its labels are kept.

Paths that are not absolute start at the project. Knows files and features; no widget.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from rmkit.active.label_pool import Pool
from rmkit.active.labelling_session import Session
from rmkit.active.simulated_person import SimulatedPerson
from rmkit.errors import ParamsError, one_of
from rmkit.study.planning.project import find_project
from rmkit.worlds.grammar.label_example import gold_rewards, write_example
from rmkit.worlds.human_preferences.computed_features import embedding_of
from rmkit.worlds.human_preferences.label_queue import ToLabel, pool_of, read_to_label
from rmkit.worlds.human_preferences.text_features import highest_min_df

EXAMPLE, LABELS, GRAMMAR = "labels/example.jsonl", ".labels.jsonl", "data/grammar"  # the first in the store
NGRAMS, ENCODER = "ngrams", "encoder"
N_DIMENSIONS, MIN_DF, NGRAM_RANGE = 64, 3, (2, 4)


@dataclass(frozen=True, eq=False)
class Opened:
    """A pool, where it comes from, and where its labels are."""

    pool: Pool
    pairs: Path
    labels: Path
    told: str
    is_example: bool

    def gold_rewards(self) -> np.ndarray:
        """(R,) what the grammar's rule gives to the example's responses; ParamsError for a file of other texts."""
        if not self.is_example:
            raise ParamsError("pairs_file: the gold reward is known of the example's responses alone")
        bank = self.pool.bank
        prompts = bank.prompts.set_index("prompt_id")["prompt"].loc[bank.prompt_id_r].tolist()
        return gold_rewards(find_project().root / GRAMMAR, prompts, bank.responses["response"].tolist())


def open_queue(
    pairs_file: str | None,
    labels_file: str | None = None,
    *,
    look_at: str | None = None,
    features: str = NGRAMS,
    encoder: str = "",
) -> Opened:
    """The pool of a file, or of the example where none is named; labels lie beside it unless a file is named for them.

    look_at: the list of labels to look at again. features: `ngrams`, or `encoder`, which reads with `encoder`, a folder
    or a hub name. DataError and ParamsError say what is wrong with the files.
    """
    one_of(features, (NGRAMS, ENCODER), "features")
    project = find_project()
    if pairs_file is None:
        pairs = write_example(project.store / EXAMPLE, project.root / GRAMMAR)
    else:
        pairs = project.root / pairs_file
    again = None if look_at is None else project.root / look_at
    beside = pairs.with_name(f"{pairs.name.split('.')[0]}{'-again' if again else ''}{LABELS}")
    labels = beside if labels_file is None else project.root / labels_file
    if labels.absolute() == pairs.absolute():
        raise ParamsError(f"labels_file: {labels_file} is the file of pairs; name another, labels never go into that")
    read = read_to_label(pairs, project.shown(pairs))
    pool = _pool(read, features, encoder, again)
    listed = (
        f"; {len(pool.pair_m2)} labels to look at again" if again else f"; {len(pool.pair_m2):,} pairs to ask about"
    )
    return Opened(pool, pairs, labels, f"{project.shown(pairs)}: {read.told}{listed}", pairs_file is None)


def _pool(read: ToLabel, features: str, encoder: str, look_at: Path | None) -> Pool:
    if features == ENCODER:
        embed = partial(embedding_of, features=ENCODER, encoder=encoder, progress=None)
        return pool_of(read, embed, with_prompts=True, look_at=look_at)
    texts = [text for pair in (*read.judged, *read.responses) for text in (pair.chosen, pair.rejected)]
    min_df = max(1, highest_min_df(list(dict.fromkeys(texts)), MIN_DF, NGRAM_RANGE))
    embed = partial(embedding_of, features=NGRAMS, n_dimensions=N_DIMENSIONS, min_df=min_df, ngram_range=NGRAM_RANGE)
    return pool_of(read, embed, look_at=look_at)


def wrong_order_by_batch(session: Session, person: SimulatedPerson, n_labels: int) -> pd.DataFrame:
    """Let a simulated person label, and tell what the labels were worth: a row each time the model was fitted.

    Columns: labels, wrong_now, after_labels, wrong_after (as figures/labelling.py has them), nats, and truth: the share
    of pairs that the model has in the wrong order by the person's rewards; of equal rewards no order is wrong.
    """
    pair_m2 = session.pool.pair_m2
    gap_m = person.reward_r[pair_m2[:, 0]] - person.reward_r[pair_m2[:, 1]]
    rows: list[dict[str, float]] = []
    for _ in range(0, n_labels, session.options.batch):
        before = len(session.worths)
        person.work(session, min(session.options.batch, n_labels - session.counts().labels))
        session.next()  # picks anew where a batch is full
        for labels, worth in session.worths[before:]:
            right_m = session.orders(pair_m2)[gap_m != 0] == np.sign(gap_m[gap_m != 0])
            told = {"labels": labels, "wrong_now": worth.wrong_now, "after_labels": labels + worth.labels}
            rows.append(told | {"wrong_after": worth.wrong_after, "nats": worth.nats, "truth": 1 - right_m.mean()})
    return pd.DataFrame(rows)
