"""What a stage that gathers reads of other stages' finished jobs: their result rows and per-prompt evaluations.

Knows the folders that it was given and what the graph of stages says of them; neither the plan nor the store.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rmkit.errors import ResultError
from rmkit.stages.graph import EVALUATIONS, ROWS, STAGES

if TYPE_CHECKING:
    import pandas as pd

    from rmkit.artifacts.evaluations import Evaluations


@dataclass(frozen=True)
class Gathered:
    """The jobs whose results one job reads, in plan order: each its `stage`, `parameters` and `folder`."""

    reader: str  # the stage that reads
    jobs: Sequence[Mapping[str, Any]]

    @property
    def gathered(self) -> tuple[str, ...]:
        """The stages that are there: of those that the reader gathers, the ones that the study has."""
        return tuple(dict.fromkeys(job["stage"] for job in self.jobs))

    def of(self, stage: str) -> list[Mapping[str, Any]]:
        """The jobs of one stage, or a ResultError that names the stages there are."""
        if stage not in self.gathered:
            listed = ", ".join(self.gathered) or "none"
            raise ResultError(f"{self.reader}: no results of {stage!r} are gathered here, but of {listed}")
        return [job for job in self.jobs if job["stage"] == stage]

    def rows(self, stage: str) -> "pd.DataFrame":
        """The rows of all jobs of a stage, one table; ResultError if it is not here or records none."""
        import pandas as pd

        paths = [Path(job["folder"]) / ROWS for job in self.of(stage)]
        if not STAGES[stage].rows:
            raise ResultError(f"{self.reader}: {stage} records no rows, says rmkit/stages/graph.py")
        return pd.concat([pd.read_parquet(path) for path in paths], ignore_index=True)

    def evaluations(self, stage: str) -> "list[tuple[dict[str, Any], Evaluations]]":
        """The parameters and evaluations of each job of a stage that saved some; ResultError as for `rows`.

        Jobs with evaluations of no fit are left out.
        """
        from rmkit.artifacts.evaluations import Evaluations

        folders = [(job["parameters"], Path(job["folder"]) / "artifacts" / EVALUATIONS) for job in self.of(stage)]
        if EVALUATIONS not in STAGES[stage].outputs:
            raise ResultError(f"{self.reader}: {stage} saves no evaluations, says rmkit/stages/graph.py")
        found = [(dict(parameters), Evaluations.load(folder)) for parameters, folder in folders if folder.is_dir()]
        return [(parameters, evaluations) for parameters, evaluations in found if len(evaluations.fits)]

    def __str__(self) -> str:
        counts = {stage: len(self.of(stage)) for stage in self.gathered}
        return "\n".join(f"  results of {stage} from {n} job{'s' * (n > 1)}" for stage, n in counts.items())
