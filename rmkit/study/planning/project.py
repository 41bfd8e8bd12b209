"""Where the project lies: the folder that holds `notebooks/` and `params/`.

Looked for from the working directory upward, then where the package lies, then in RMKIT_HOME. Its store is `runs/`,
unless RMKIT_STORE names another folder: then a checkout may be read-only.
"""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rmkit.errors import ParamsError, cut

STORE_VARIABLE = "RMKIT_STORE"
MARKS = ("locks", "executions.jsonl")  # what every store has that a run was ever started in
OF_A_STORE = frozenset(
    {"runs", "reports", "drafts", "opened", "exports", "views", "labels", "pairs", "lost+found"}
)  # before that


@dataclass(frozen=True)
class Project:
    """The folders of one checkout."""

    root: Path

    @property
    def store(self) -> Path:
        """Where what is run is kept: `runs/`, or RMKIT_STORE; ParamsError if that is no folder, or one of other things:
        a store is a folder of its own, because a run empties its `tmp`.

        A relative RMKIT_STORE starts at the project, wherever the command, or the kernel, that reads it was started.
        """
        if not (elsewhere := os.environ.get(STORE_VARIABLE)):
            return self.root / "runs"
        place = Path(elsewhere)
        with suppress(RuntimeError):  # ~ of somebody who is not known is the name of a folder
            place = place.expanduser()
        place = self.root / place
        try:
            place.lstat()
        except OSError as fault:
            if not isinstance(fault, FileNotFoundError | NotADirectoryError):
                raise ParamsError(f"{STORE_VARIABLE}={cut(elsewhere)}: {fault.strerror}; name another folder") from None
        there = next(folder for folder in (place, *place.parents) if os.path.lexists(folder))
        if not there.is_dir():
            raise ParamsError(f"{STORE_VARIABLE}={elsewhere}: is not a folder; name a folder, or one to be made")
        if outer := next((folder for folder in place.parents if (folder / MARKS[1]).is_file()), None):
            inside = f"lies in the store {outer}, whose runs and `rmkit gc` remove what they do not know"
            raise ParamsError(f"{STORE_VARIABLE}={cut(elsewhere)}: {inside}; name a folder outside it")
        _require_utf8(place, f"{STORE_VARIABLE}={cut(elsewhere)}")
        if there == place and (foreign := _foreign(place)):
            named = f"{cut(elsewhere)}: has files of yours ({cut(foreign)}), and a run would empty its tmp/"
            raise ParamsError(f"{STORE_VARIABLE}={named}; name an empty folder, or one to be made")
        return place

    @property
    def package(self) -> Path:
        """The folder of the rmkit that is running, which need not lie in this project."""
        return Path(__file__).resolve().parents[2]

    def notebook(self, stage: str) -> Path:
        return self.root / "notebooks" / f"{stage}.ipynb"

    def shown(self, path: Path) -> str:
        """A path as messages show it: relative to the project where it lies inside."""
        return str(path.relative_to(self.root)) if path.is_relative_to(self.root) else str(path)


def was_run_in(place: Path) -> bool:
    """Whether a folder is the store of a run, now or once; of any other, nothing is removed."""
    return any((place / mark).exists() for mark in MARKS)


def _require_utf8(path: Path, where: str) -> None:
    """ParamsError for a path that is no UTF-8 text: no notebook can hold it."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise ParamsError(f"{where}: its path is no UTF-8 text, which notebooks need; rename the folder") from None


def _foreign(place: Path) -> str | None:
    """Something in a folder that shows that it is no store, by name; None for a store, and for what may become one."""
    if was_run_in(place):
        return None
    with suppress(OSError):  # a folder that cannot be listed cannot be emptied
        names = (entry.name for entry in os.scandir(place) if not entry.name.startswith("."))
        return min((name for name in names if name not in OF_A_STORE), default=None)
    return None


def study_path(project: Project, name: str) -> Path:
    """The study file that a name or a path means: `tiny`, `tiny.yaml`, `params/tiny`, `elsewhere/mine.yaml`."""
    folder = os.path.dirname(name)  # noqa: PTH120
    if not name.endswith((".yaml", ".yml")):
        if not folder:
            return project.root / "params" / f"{name}.yaml"
        name = f"{name}.yaml"
    places = (Path(name), project.root / name, project.root / "params" / name)
    there = [place for place in places if os.path.lexists(place)]
    return there[0] if there else project.root / ("" if folder else "params") / name


def find_project() -> Project:
    """The project around the working directory, or a ParamsError that says where it looked."""
    try:
        start = Path.cwd().resolve()
    except OSError as fault:
        raise ParamsError(f"the working directory: {fault.strerror}; go to a folder that is there (`cd`)") from None
    package = Path(__file__).resolve().parents[3]
    home = os.environ.get("RMKIT_HOME")
    for folder in [start, *start.parents, package, *([Path(os.path.realpath(home))] if home else [])]:
        if (folder / "notebooks").is_dir() and (folder / "params").is_dir():
            _require_utf8(folder, str(folder))
            return Project(folder)
    raise ParamsError(
        f"no rmkit project (a folder with notebooks/ and params/) at {start} or above, nor at {package}, "
        + (f"nor at RMKIT_HOME={home}" if home else "and RMKIT_HOME is not set")
    )
