"""The controls by which a fit is chosen: study, job, and what tells the job's fits apart.

Knows controls and names; nothing of texts.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from rmkit.study.planning.planned_job import PlannedJob
from rmkit.widgets.controls import dropdown, named, row, study_dropdown
from rmkit.widgets.explorer.columns import shown, values_of
from rmkit.widgets.inert_texts import label_text
from rmkit.widgets.responses.saved import CHOICES, PLAIN

WIDTHS = {
    "study": (1.0, 110),
    "job": (2.4, 230),
    "reward_model": (1.4, 130),
    "annotations": (1.0, 100),
    "beta": (1.0, 90),
    **dict.fromkeys(("draw", *PLAIN), (1.0, 90)),
}


class Choosing:
    """The controls, in `box`. A choice of which a job has no values is hidden, one that is not made is blank.

    An axis of populations is hidden too where a job has one value of it.
    """

    def __init__(self, studies: Iterable[str], study: str) -> None:
        self.study, self.job = study_dropdown(list(studies), study), dropdown()
        self.choices = {name: dropdown() for name in CHOICES}
        controls = {"study": self.study, "job": self.job, **self.choices}
        self.boxes = {name: named(name.replace("_", " "), control) for name, control in controls.items()}
        for name, (grow, pixels) in WIDTHS.items():
            self.boxes[name].layout.flex, self.boxes[name].layout.min_width = f"{grow} 1 {pixels}px", "0"
        self.box = row(list(self.boxes.values()), grid_gap="2px 12px", flex_flow="row wrap")

    def offer_jobs(self, jobs: Mapping[str, PlannedJob]) -> None:
        """Offer jobs, by key, and choose the first."""
        self.job.options = [(label_text(str(job)), key) for key, job in jobs.items()]
        self.job.value = next(iter(jobs), None)

    def offer_fits(self, fits: pd.DataFrame, wanted: Mapping[str, Any]) -> None:
        """Offer a job's fits, and choose the wanted one; else, as before; else, the most annotations."""
        for name, control in self.choices.items():
            values, before = values_of(fits[name]) if name in fits else [], wanted.get(name, control.value)
            control.options = [(label_text(shown(name, value)), value) for value in values] or [("—", None)]
            first = (values[-1] if name == "annotations" else values[0]) if values else None
            control.value = before if before in values else first
            self.boxes[name].layout.display = None if len(values) > (name in PLAIN) else "none"

    def blank(self) -> None:
        """No fit is chosen."""
        for control in self.choices.values():
            control.value = None

    def position(self, fits: pd.DataFrame) -> int:
        """The place of the chosen fit among the job's fits; the first that is chosen as far as a choice is made."""
        for name, control in self.choices.items():
            if name in fits and (chosen := fits[name] == control.value).any():
                fits = fits[chosen]
        return int(fits.index[0])
