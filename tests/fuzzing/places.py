"""Where inputs are tried: a project that is a checkout with small studies, and a small project that has run.

A worker has one place of each kind that it needs. What an input changes there is put back before the next one.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.small_project import REPOSITORY, SmallProject

STUDIES = {  # short enough that a check of one takes a tenth of a second
    "world": "parameters: {world: grammar}\nstages:\n  00_grammar_world:\n",
    "models": (
        "parameters: {world: grammar, ns: [1, 2, 4]}\naxes:\n  generator: [base, sft]\n  seed: [0, 1]\nstages:\n"
        "  00_grammar_world:\n  01_sft:\n  02_sampling:\n  03_annotation_noise:\n  04_reward_models:\n"
        "    annotations: [100, 200]\n"
    ),
    "people": (
        "title: People\nparameters: {world: hh_rlhf}\naxes: {seed: 0..1}\nstages:\n"
        "  00_human_preferences:\n    features: [ngrams, all-MiniLM-L6-v2]\n"
        "  09_human_preferences:\n    - {features: ngrams}\n    - {features: all-MiniLM-L6-v2, seed: 0}\n"
    ),
    "pairs": "parameters: {world: hh_rlhf}\nstages:\n  00_human_preferences:\n",
    "arrays": "parameters: {world: files}\nstages:\n  00_embedding_files:\n",
    "statements": (
        "parameters: {world: hh_rlhf}\nstages:\n  00_human_preferences:\n  09_human_preferences:\n  07_figures:\n"
    ),
}
LINKED = ("data", "docs", "notebooks")


@dataclass(frozen=True)
class Place:
    """A project, the folder for an input's files, and the folder that is its temporary one."""

    root: Path
    finished: Path  # a store in which a study of the small project has run; copied, never changed

    @property
    def input(self) -> Path:
        return self.root / "input"

    @property
    def scratch(self) -> Path:
        return self.root.parent / "scratch"

    @property
    def store(self) -> Path:
        return self.root / "runs"

    def own_notebooks(self) -> Path:
        """The checkout's notebooks as copies that an input may change; `clean` links them again."""
        (self.root / "notebooks").unlink()
        return Path(shutil.copytree(REPOSITORY / "notebooks", self.root / "notebooks"))

    def clean(self, *, anew: bool) -> None:
        """Empty folders for the next input; anew: and the store as it was."""
        for folder in (self.input, self.scratch):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
        if self.is_checkout and not (own := self.root / "notebooks").is_symlink():
            shutil.rmtree(own)
            own.symlink_to(REPOSITORY / "notebooks")
        if anew:
            shutil.rmtree(self.store, ignore_errors=True)
            shutil.copytree(self.finished, self.store, symlinks=True)

    @property
    def is_checkout(self) -> bool:
        return not (self.root / "rmkit").exists()


def finished_project(root: Path) -> SmallProject:
    """A small project whose study has run, with its report; RuntimeError if the run fails."""
    project = SmallProject.make(root)
    ended = project.rmkit("run", "small")
    if ended.returncode:
        raise RuntimeError(ended.stdout + ended.stderr)
    return project


def place_in(folder: Path, *, small: bool) -> Place:
    """The small project in a folder, beside which its store lies; or a checkout there.

    The checkout has the real notebooks, findings and data, short studies, and the small project's store, whose stages
    it lacks.
    """
    place = Place(folder / ("project" if small else "checkout"), folder / "finished")
    if not small:
        (place.root / "params").mkdir(parents=True)
        for path in (REPOSITORY / "params").glob("*.yaml"):
            shutil.copy(path, place.root / "params")
        for name, text in STUDIES.items():
            (place.root / f"params/{name}.yaml").write_text(text, encoding="utf-8")
        for name in LINKED:
            (place.root / name).symlink_to(REPOSITORY / name)
    place.clean(anew=True)
    return place


def entries(root: Path) -> dict[str, tuple[int, ...]]:
    """Every file and folder of a store, with what changes where it is written anew."""
    found = {}
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            stat = os.lstat(path := os.path.join(folder, name))  # noqa: PTH118
            whole = (stat.st_mode, stat.st_size, stat.st_mtime_ns, stat.st_ino)
            found[os.path.relpath(path, root)] = whole if name in files else whole[:1]
    return found
