"""What an optimisation leaves on the disk, so that one that was killed goes on: its last state, and what it has seen.

Knows one folder; not what a state is. A state is there whole or not at all.
"""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rmkit.artifacts.shards import Shards
from rmkit.errors import DataError

STATE = "step-"
RUN = "run.json"


@dataclass(frozen=True)
class Checkpoints:
    """The states of one optimisation, of which the last is kept, every so many steps; and its tracked tables."""

    folder: Path
    every: int = 10  # steps

    def __post_init__(self) -> None:
        if self.every < 1:
            raise DataError(f"checkpoints: every is {self.every}; it must be 1 or more steps")

    @property
    def tracked(self) -> Shards:
        """The tables of the steps that were tracked."""
        return Shards(self.folder / "tracked")

    def begin(self, run: Mapping[str, str]) -> None:
        """Note which run the folder is of, or DataError if it is of another one. A reward cannot be compared."""
        self.folder.mkdir(parents=True, exist_ok=True)
        noted = self.folder / RUN
        if not noted.exists():
            beside = noted.with_name(f".{RUN}.{os.getpid()}")
            beside.write_text(json.dumps(dict(run)), encoding="utf-8")
            beside.replace(noted)
        known = json.loads(noted.read_text(encoding="utf-8"))
        if differing := [name for name in run if known.get(name) != run[name]]:
            raise DataError(f"checkpoints: {self.folder} is of a run with another {differing[0]}; give another folder")

    def last(self) -> tuple[int, Path | None]:
        """The step of the last state and its folder; 0 and None where there is none."""
        states = {int(path.name.removeprefix(STATE)): path for path in self.folder.glob(f"{STATE}*")}
        return max(states.items()) if states else (0, None)

    def keep(self, step: int, write: Callable[[Path], object]) -> None:
        """Keep the state after a step, which `write` puts into the folder it is given; earlier states go."""
        beside = self.folder / f".{STATE}{step}"
        shutil.rmtree(beside, ignore_errors=True)
        write(beside)
        earlier = list(self.folder.glob(f"{STATE}*"))
        beside.rename(self.folder / f"{STATE}{step}")
        for path in earlier:
            shutil.rmtree(path)
