"""The texts behind the numbers: a prompt, its responses, what gold and a fit give each, and which one Best-of-n keeps.

Knows when what is shown; what a job's fits say of its responses is reading.py's business, which prompts are gone
through wanted.py's, which fits can be read saved.py's, how texts are made harmless inert_texts.py's.
"""

from collections.abc import Mapping
from typing import Any

import ipywidgets
import numpy as np

from rmkit.errors import RmkitError, StoreError
from rmkit.stages.graph import STAGES
from rmkit.study.planning.planned_job import PlannedJob
from rmkit.widgets.canvas import Tool
from rmkit.widgets.controls import STYLE, button, row, sheet, text_button, words
from rmkit.widgets.explorer.details import Fit
from rmkit.widgets.inert_texts import inline_text
from rmkit.widgets.responses.choosing import Choosing
from rmkit.widgets.responses.filters import Filters
from rmkit.widgets.responses.offering import Offer
from rmkit.widgets.responses.one_prompt import OnePrompt
from rmkit.widgets.responses.reading import GoldReading, HumanReading, read_job
from rmkit.widgets.responses.saved import WITH_WEIGHTS, Saved, nearest, same, saved_fits, why_not, without_weights
from rmkit.widgets.responses.wanted import in_order, pattern_of, said_of_places
from rmkit.widgets.stored import Stored
from rmkit.worlds.human_preferences.texts import DOWNLOADED

KEPT_READINGS = 4  # jobs whose rewards are kept in memory
NOTHING_WANTED: Mapping[str, Any] = {}
NO_JOB = (
    "has no finished job of 04_reward_models or 09_human_preferences yet. Run <code>rmkit run params/{}.yaml</code>, "
    "then this cell again."
)


class Responses(Tool):
    """The browser of one project's texts. `show` jumps to a fit, as one that was clicked in the explorer."""

    def __init__(self, stored: Stored, study: str) -> None:
        super().__init__()
        self.stored, self.prompt = stored, 0
        self.reading: GoldReading | HumanReading | None = None
        self._readings: dict[str, GoldReading | HumanReading] = {}
        self._found = np.arange(0)  # the prompts that are gone through, in order
        self.choosing, self.filters, self.offer = Choosing(stored.names(), study), Filters(), Offer(self._choose)
        self.before, self.after = button("chevron-left", "previous"), button("chevron-right", "next")
        self.random, self.reset = button("random", "a random prompt"), text_button("show all prompts")
        self.missing, self.where, self.view = words(), words(), OnePrompt()
        self.children = self._arranged()
        self.add_class("rmkit")
        self._connect()
        self._study_changed()

    def show(self, fit: Fit) -> None:
        """Show the prompts as a fit sees them; of one that has no weights, say why, and offer those that have.

        What a stage measures without fitting a reward model changes nothing.
        """
        if not STAGES[fit.stage].n_fits:
            return
        with self.silence():
            self.choosing.study.value = fit.study
            jobs = self._jobs()
            self.choosing.offer_jobs(jobs)
        saved = saved_fits(self.stored.store, jobs)
        if found := [one for one in saved if one.key == fit.key and same(one.varied, fit.varied)]:
            self._choose(found[0])
        else:
            self._without_texts(fit, saved, self._open(fit.key) if fit.key in jobs else "")

    def move(self, steps: int) -> None:
        """Go on, or back, by so many prompts, round and round."""
        if len(self._found):
            self.prompt = (self.prompt + steps) % len(self._found)
            self._draw()

    def still(self) -> dict[str, str]:
        html = "".join(part.value for part in (self.missing, self.offer.sentence, self.where))
        return {"text/html": f'{STYLE}<div class="rmkit">{html}{self.view.still()["text/html"]}</div>'}

    @property
    def fit(self) -> int:
        """The position of the chosen fit among the job's fits."""
        assert self.reading is not None
        return self.choosing.position(self.reading.fits)

    def _connect(self) -> None:
        self.heard(self.choosing.study, self._study_changed)
        self.heard(self.choosing.job, self._job_changed)
        for control in self.choosing.choices.values():
            self.heard(control, self._fit_changed)
        for control in self.filters.controls:
            self.heard(control, self._go_through)
        self.before.on_click(lambda _: self.move(-1))
        self.after.on_click(lambda _: self.move(1))
        self.random.on_click(lambda _: self.move(int(np.random.default_rng().integers(1, max(2, len(self._found))))))
        self.reset.on_click(lambda _: self._ask_for_nothing())

    def _arranged(self) -> list[ipywidgets.Widget]:
        walk = [self.before, self.after, self.random, self.where, self.reset]
        self.walk = row(walk, align_items="center", grid_gap="4px", margin="8px 0 6px 0", flex_flow="row wrap")
        self.where.layout.flex = "1 1 230px"
        head = [self.choosing.box, self.missing, self.offer]
        return [sheet(), *head, self.filters.box, self.walk, self.view]

    def _jobs(self) -> dict[str, PlannedJob]:
        """The finished jobs of the chosen study whose fits can be looked at, by key."""
        study = self.choosing.study.value
        return {key: job for stage in WITH_WEIGHTS for key, job in self.stored.finished(study, stage).items()}

    def _study_changed(self) -> None:
        with self.silence():
            self.choosing.offer_jobs(self._jobs())
        study = self.stored.study(self.choosing.study.value)
        if self.choosing.job.value is None:
            self.reading, name = None, inline_text(study.name)
            self.offer.clear()
            self._say(inline_text(study.fault) if study.fault else f"The study {name} {NO_JOB.format(name)}")
        else:
            self._job_changed()

    def _choose(self, saved: Saved) -> None:
        with self.silence():
            self.choosing.job.value = saved.key
        self._job_changed(saved.varied)

    def _job_changed(self, wanted: Mapping[str, Any] = NOTHING_WANTED) -> None:
        """Load the chosen job; keep the chosen fit, or take the wanted one, where the job has it."""
        if fault := self._open(self.choosing.job.value):
            self._say(inline_text(fault))
            return
        assert self.reading is not None
        with self.silence():
            self.choosing.offer_fits(self.reading.fits, wanted)
        self._fit_changed(stay=False)

    def _open(self, key: str) -> str:
        """Load a job; what is wrong with it, in words, or nothing."""
        self.offer.clear()
        self.missing.value, self.reading = "", None
        with self.silence():
            self.choosing.job.value = key
        try:
            self.reading = self._read(key)
        except RmkitError as error:
            return str(error)
        if self.reading.not_saved:
            sentence = inline_text(without_weights(self.reading.not_saved))
            self.missing.value = f'<div class="rmkit-note">{sentence}.</div>'
        return ""

    def _read(self, key: str) -> GoldReading | HumanReading:
        if key not in self._readings:
            for old in list(self._readings)[: 1 - KEPT_READINGS]:
                del self._readings[old]
            job = self._jobs().get(key)
            if job is None:
                raise StoreError(f"{key}: is no longer in {self.stored.store.root}; choose another job")
            self._readings[key] = read_job(self.stored.store, job, key, self.stored.project.root / DOWNLOADED)
        return self._readings[key]

    def _without_texts(self, fit: Fit, saved: list[Saved], fault: str) -> None:
        """Say why a clicked fit has no texts, and offer those that have. fault: what is wrong with its job."""
        job = self.stored.finished(fit.study, fit.stage).get(fit.key)
        cells = self.reading.not_saved if self.reading and self.choosing.job.value == fit.key else ()
        with self.silence():
            self.choosing.blank()
        self._say("")
        self.offer.show(fault or why_not(fit, saved, job, cells), nearest(saved, fit, job), fit.key)

    def _fit_changed(self, *, stay: bool = True) -> None:
        """Go through the prompts as the chosen fit sees them; stay: at the prompt that is shown."""
        if self.reading is None:
            return
        at = int(self._found[self.prompt]) if stay and len(self._found) else None
        self.offer.clear()
        with self.silence():
            self.choosing.offer_fits(self.reading.fits, self.reading.fits.loc[self.fit].to_dict())
            self.filters.bind(self.reading, self.reading.by_prompt(self.fit))
        self._go_through(at)

    def _ask_for_nothing(self) -> None:
        with self.silence():
            self.filters.reset()
        self._go_through()

    def _go_through(self, at: int | None = None) -> None:
        """Go through the prompts that pass, in the chosen order, from one of them on, or from the first."""
        if self.reading is None:
            return
        wanted, by_prompt = self.filters.wanted, self.reading.by_prompt(self.fit)
        passing_p, pattern = wanted.passing(by_prompt), pattern_of(wanted.text)
        found = [p for p in in_order(by_prompt, self.filters.order.value) if passing_p[p]]
        if pattern:
            found = [p for p in found if self.reading.places(p, pattern)]
        self._found = np.array(found, dtype=int)
        self.prompt = found.index(at) if at in found else 0
        self._draw()

    def _draw(self) -> None:
        """Show the prompt and its responses."""
        assert self.reading is not None
        asked = self.filters.said(self.reading)
        self.reset.layout.display = None if asked else "none"
        self.filters.box.layout.display = self.walk.layout.display = None
        if not len(self._found):
            self.where.value = ""
            self.view.say(f"None of the {len(self.reading.prompt_p)} {self._things} passes: {asked}.")
            return
        at = int(self._found[self.prompt])
        self.where.value = f'<div class="rmkit-note">&ensp;{self._where(at)}&ensp;</div>'
        self.view.show(self.reading, at, self.fit, pattern_of(self.filters.wanted.text))

    @property
    def _things(self) -> str:
        return "pairs" if isinstance(self.reading, HumanReading) else "prompts"

    def _where(self, at: int) -> str:
        """Which prompt of how many is shown, and where in it the words that are searched for stand."""
        assert self.reading is not None
        n_found, n_all = len(self._found), len(self.reading.prompt_p)
        text = self.filters.wanted.text
        passing = (
            f"{n_found} that pass, of {n_all} {self._things}"
            if self.filters.said(self.reading)
            else f"{n_all} {self._things}"
        )
        places = self.reading.places(at, pattern) if (pattern := pattern_of(text)) else []
        return f"{self.prompt + 1} of {passing}" + (
            f" · “{inline_text(text)}” in {said_of_places(places)}" if places else ""
        )

    def _say(self, sentence: str) -> None:
        """Show a sentence, HTML of ours, in place of texts and of the controls that go through them."""
        self._found = np.arange(0)
        self.filters.box.layout.display = self.walk.layout.display = "none"
        self.where.value = ""
        self.view.say(sentence)
