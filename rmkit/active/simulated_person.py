"""Somebody who labels by known rewards: drives a session as a person does, so that tests and a notebook need none."""

from dataclasses import dataclass

import numpy as np

from rmkit.active.labelling_session import Session
from rmkit.annotation.annotators import Annotator
from rmkit.annotation.people.label_log import TIE


@dataclass(frozen=True, eq=False)
class SimulatedPerson:
    """Judges as an annotator does (annotation/annotators.py), by what is shown on the left and on the right."""

    reward_r: np.ndarray  # (R,) of the bank's responses
    annotator: Annotator
    rng: np.random.Generator

    def work(self, session: Session, n_labels: int) -> int:
        """Give up to n_labels; how many there were pairs for."""
        for done in range(n_labels):
            claim = session.next()
            if claim is None:
                return done
            left, right = session.sides(claim)
            win_c, lose_c = self.annotator.answers_cm(self.reward_r[[left, right]].reshape(1, 2))
            drawn = self.rng.random()
            if drawn < win_c.mean():
                session.choose("left")
            elif drawn < win_c.mean() + lose_c.mean():
                session.choose("right")
            else:
                session.answer(TIE)
        return n_labels
