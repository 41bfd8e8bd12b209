"""The kinds of input, and how a batch of them is tried: each input by its own seed, so that one can be tried alone."""

import random
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

from tests.fuzzing import arguments, files, paths, scores, stores, studies
from tests.fuzzing.places import Place
from tests.fuzzing.trial import SECONDS, Outcome, Trial, tried


@dataclass(frozen=True)
class Kind:
    """One kind of input: how one is drawn, in which project it is tried, and its share of all."""

    draw: Callable[[random.Random, Place], Trial]
    share: int  # of 100
    small: bool = False  # tried in the small project, whose study has run
    writes: bool = False  # the store is copied anew for each
    slow: bool = False  # seconds each; a tenth of its share in the tests


KINDS = {
    "studies": Kind(studies.study, 16),
    "bytes of studies": Kind(studies.study_bytes, 8),
    "assignments": Kind(studies.assignment, 11),
    "selections": Kind(arguments.selection, 7),
    "command lines": Kind(arguments.command_line, 5),
    "paths": Kind(paths.some_path, 9, slow=True),
    "preference pairs": Kind(files.pairs, 8),
    "score files": Kind(scores.score_files, 4),
    "stored preferences": Kind(files.stored, 2),
    "model folders": Kind(files.model_folder, 2),
    "arrays": Kind(files.arrays, 6),
    "findings": Kind(files.statements, 4),
    "grammars": Kind(files.grammar, 3),
    "notebooks": Kind(stores.notebook, 3),
    "results and why": Kind(arguments.rows_and_reasons, 4, small=True),
    "damaged stores": Kind(stores.damaged_look, 5, small=True, writes=True),
    "runs on damaged stores": Kind(stores.damaged_run, 2, small=True, writes=True, slow=True),
    "runs of sound studies": Kind(stores.sound_run, 1, small=True, writes=True, slow=True),
}


def drawn(kind: str, seed: int, number: int, place: Place) -> Trial:
    """The number-th input of a kind; its files are in the place then."""
    place.clean(anew=KINDS[kind].writes)
    return KINDS[kind].draw(random.Random(f"{seed} {kind} {number}"), place)


def outcomes(kind: str, seed: int, numbers: list[int], place: Place, seconds: float = SECONDS) -> Iterator[dict]:
    """Each input's outcome, as one mapping; the store is as it was before each."""
    for number in numbers:
        trial = drawn(kind, seed, number, place)
        outcome: Outcome = tried(trial, seconds=seconds)
        if any(name == "store" for name, _ in outcome.faults):
            place.clean(anew=True)
        told = {"command": " ".join(trial.arguments)[:300], "shown": trial.shown} if outcome.faults else {}
        yield {"kind": kind, "number": number, **asdict(outcome), **told}
