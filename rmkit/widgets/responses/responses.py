"""The texts behind the numbers: a prompt, its responses, what gold and a fit give each, and which one Best-of-n keeps.

Knows controls; what a job's fits say of its responses is reading.py's business, how texts are made harmless
inert_texts.py's.
"""

from collections.abc import Mapping
from typing import Any

import ipywidgets
import numpy as np

from rmkit.errors import RmkitError, StoreError
from rmkit.figures.picks import picks_figure
from rmkit.study.planning.planned_job import PlannedJob
from rmkit.widgets.canvas import Tool, as_base64, png_of
from rmkit.widgets.controls import STYLE, button, column, dropdown, named, row, sheet, study_dropdown, words
from rmkit.widgets.explorer.columns import shown, values_of
from rmkit.widgets.explorer.details import Fit
from rmkit.widgets.inert_texts import inline_text, label_text
from rmkit.widgets.responses.cards import answers_html, pair_html, pick_html, prompt_html
from rmkit.widgets.responses.reading import GoldReading, HumanReading, read_job, without_weights
from rmkit.widgets.stored import Stored
from rmkit.worlds.human_preferences.texts import DOWNLOADED

STAGES = ("04_reward_models", "09_human_preferences")  # whose fits score single responses
CHOICES = ("reward_model", "annotations", "beta")  # what a fit is chosen by, in this order
AS_STORED, WORST = "as stored", "worst"
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
        self.study, self.job = study_dropdown(stored.names(), study), dropdown()
        self.choices = {name: dropdown() for name in CHOICES}
        self.search = ipywidgets.Text(
            placeholder="search in prompts", layout=ipywidgets.Layout(width="auto", margin="0")
        )
        self.order = dropdown([("as stored", AS_STORED), ("largest disagreement first", WORST)])
        self.before, self.after = button("chevron-left", "previous"), button("chevron-right", "next")
        self.random = button("random", "a random prompt")
        self.n = ipywidgets.IntSlider(min=1, max=1, description="n", layout=ipywidgets.Layout(width="100%", margin="0"))
        self.n.style.description_width = "18px"
        self.missing, self.where, self.text, self.answers, self.said = words(), words(), words(), words(), words()
        self.curve = ipywidgets.Image(format="png", layout=ipywidgets.Layout(width="100%", max_width="385px"))
        self.children = self._arranged()
        self.add_class("rmkit")
        self._connect()
        self._study_changed()

    def show(self, fit: Fit) -> None:
        """Show the prompts as a fit of one of STAGES sees them; any other stage's fit changes nothing."""
        if fit.stage not in STAGES:
            return
        with self.silence():
            if self.study.value != fit.study:
                self.study.value = fit.study
                self._fill_jobs()
            self.job.value = fit.key if fit.key in dict(self.job.options).values() else self.job.value
        self._job_changed(fit.varied)

    def still(self) -> dict[str, str]:
        parts = [self.missing, self.where, self.text, self.answers, self.said]
        html = "".join(part.value for part in parts if part.layout.display != "none")
        return {"text/html": f'{STYLE}<div class="rmkit">{html}{self._curve_html()}</div>'}

    @property
    def fit(self) -> int:
        """The position of the chosen fit among the job's fits."""
        assert self.reading is not None
        fits = self.reading.fits
        for name, control in self.choices.items():
            if name in fits and (same := fits[name] == control.value).any():
                fits = fits[same]
        return int(fits.index[0])

    def _connect(self) -> None:
        for control, change in {
            self.study: self._study_changed,
            self.job: self._job_changed,
            **dict.fromkeys(self.choices.values(), self._order_changed),
            **dict.fromkeys((self.search, self.order), self._order_changed),
            self.n: self._draw_n,
        }.items():
            self.heard(control, change)
        self.before.on_click(lambda _: self.move(-1))
        self.after.on_click(lambda _: self.move(1))
        self.random.on_click(lambda _: self.move(int(np.random.default_rng().integers(1, max(2, len(self._found))))))

    def _arranged(self) -> list[ipywidgets.Widget]:
        self.boxes = {name: named(name.replace("_", " "), control) for name, control in self.choices.items()}
        top = row([named("study", self.study), named("job", self.job), *self.boxes.values()], grid_gap="12px")
        for child, grow in zip(top.children, (1, 2.4, 1.4, 1, 1), strict=True):
            child.layout.flex = f"{grow} 1 0"
        walk = row([self.before, self.after, self.random, self.where], align_items="center", grid_gap="4px")
        self.search.layout.flex, self.order.layout.width = "1 1 auto", "210px"
        steps = row([walk, self.search, self.order], align_items="center", grid_gap="12px", margin="8px 0 6px 0")
        self.side = column([self.n, self.said, self.curve], width="372px", flex="0 0 auto", padding="0 0 0 16px")
        left = column([self.answers], flex="1 1 auto", min_width="0")
        self.below = row([left, self.side], align_items="flex-start", margin="8px 0 0 0")
        return [sheet(), top, self.missing, steps, self.text, self.below]

    def _jobs(self) -> dict[str, PlannedJob]:
        """The finished jobs of the chosen study whose fits can be looked at, by key."""
        return {key: job for stage in STAGES for key, job in self.stored.finished(self.study.value, stage).items()}

    def _fill_jobs(self) -> None:
        jobs = self._jobs()
        self.job.options = [(label_text(str(job)), key) for key, job in jobs.items()]
        self.job.value = next(iter(jobs), None)

    def _study_changed(self) -> None:
        with self.silence():
            self._fill_jobs()
        study = self.stored.study(self.study.value)
        if self.job.value is None:
            self.reading = None
            name = inline_text(study.name)
            self._say(inline_text(study.fault) if study.fault else f"The study {name} {NO_JOB.format(name)}")
        else:
            self._job_changed()

    def _job_changed(self, wanted: Mapping[str, Any] = NOTHING_WANTED) -> None:
        """Load the chosen job; keep the chosen fit, or take the wanted one, where the job has it."""
        self.missing.value = ""
        try:
            self.reading = self._read(self.job.value)
        except RmkitError as error:
            self._say(inline_text(str(error)))
            return
        fits, not_saved = self.reading.fits, self.reading.not_saved
        if not_saved:
            self.missing.value = f'<div class="rmkit-note">{inline_text(without_weights(not_saved))}.</div>'
        if wanted.get("reward_model") in not_saved:
            self._say(f"{inline_text(without_weights([wanted['reward_model']]))}.")
            return
        if absent := [name for name in self.choices if name in fits and wanted.get(name) not in (None, *fits[name])]:
            what = " and ".join(f"{name.replace('_', ' ')} {shown(name, wanted[name])}" for name in absent)
            kept = "its stage saves those with the most annotations, with kept = all every one"
            self._say(inline_text(f"No reward model with {what} is saved in this job; {kept}."))
            return
        with self.silence():
            for name, control in self.choices.items():
                self._fill_choice(name, control, wanted.get(name, control.value))
        self._order_changed()

    def _fill_choice(self, name: str, control: ipywidgets.Dropdown, wanted: Any) -> None:
        """The values of a column of the fits, and the one to look at: the wanted one, else the most annotations."""
        assert self.reading is not None
        fits = self.reading.fits
        values = values_of(fits[name]) if name in fits else []
        control.options = [(label_text(shown(name, value)), value) for value in values] or [("—", None)]
        first = (values[-1] if name == "annotations" else values[0]) if values else None
        control.value = wanted if wanted in values else first
        self.boxes[name].layout.display = None if values else "none"

    def _read(self, key: str) -> GoldReading | HumanReading:
        if key not in self._readings:
            for old in list(self._readings)[: 1 - KEPT_READINGS]:
                del self._readings[old]
            job = self._jobs().get(key)
            if job is None:
                raise StoreError(f"{key}: is no longer in {self.stored.store.root}; choose another job")
            self._readings[key] = read_job(self.stored.store, job, key, self.stored.project.root / DOWNLOADED)
        return self._readings[key]

    def _order_changed(self) -> None:
        """Go through the prompts that are searched for, in the chosen order, from the first one on."""
        if self.reading is None:
            return
        looked_for = self.search.value.casefold()
        order = (
            self.reading.worst_first(self.fit) if self.order.value == WORST else np.arange(len(self.reading.prompt_p))
        )
        self._found = np.array([p for p in order if looked_for in self.reading.prompt_p[p].casefold()], dtype=int)
        self.prompt = 0
        self._draw()

    def move(self, steps: int) -> None:
        """Go on, or back, by so many prompts, round and round."""
        if len(self._found):
            self.prompt = (self.prompt + steps) % len(self._found)
            self._draw()

    def _draw(self) -> None:
        """Show the prompt and its responses."""
        assert self.reading is not None
        if not len(self._found):
            self._say(f"No prompt of {len(self.reading.prompt_p)} holds this text.")
            return
        at = int(self._found[self.prompt])
        self.where.value = f'<div class="rmkit-note">&ensp;{self.prompt + 1} of {len(self._found)}</div>'
        self.text.value = prompt_html(self.reading.prompt_p[at])
        self.below.layout.display = None
        self.side.layout.display = None if isinstance(self.reading, GoldReading) else "none"
        if isinstance(self.reading, HumanReading):
            margin = float(self.reading.margin_fp[self.fit, at])
            pair = self.reading.chosen_p[at], self.reading.rejected_p[at]
            self.answers.value = pair_html(*pair, margin, self.reading.missing)
            self.said.value, self.curve.value = "", b""
            return
        size, at_the_end = len(self.reading.answers(at, self.fit)), self.n.value == self.n.max
        with self.silence():
            self.n.max = size
            self.n.value = size if at_the_end else min(self.n.value, size)
        self._draw_n()

    def _draw_n(self) -> None:
        """Show which response is kept of the first n."""
        assert isinstance(self.reading, GoldReading)
        at, n = int(self._found[self.prompt]), self.n.value
        answers, picks = self.reading.answers(at, self.fit), self.reading.picks(at, self.fit)
        pick = int(picks["pick"].iloc[n - 1])
        self.answers.value = answers_html(answers, n, pick)
        self.said.value = pick_html(answers, n, pick)
        self.curve.value = png_of(picks_figure(picks, n))

    def _say(self, sentence: str) -> None:
        """Show a sentence, HTML of ours, in place of texts."""
        self.where.value = self.answers.value = self.said.value = ""
        self.curve.value = b""
        self.below.layout.display = "none"
        self.text.value = f'<div class="rmkit-prompt">{sentence}</div>'

    def _curve_html(self) -> str:
        if not self.curve.value:
            return ""
        return f'<img alt="gold and proxy reward against n" src="data:image/png;base64,{as_base64(self.curve.value)}">'
