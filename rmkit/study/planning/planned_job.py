"""One stage at one point of the grid, as it is planned: its parameters, what it needs, and the id that it has at once.

Knows the graph of stages; reads nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Any

from rmkit.errors import ParamsError, did_you_mean, valued
from rmkit.stages.graph import STAGES


class KnownParameters(dict[str, Any]):
    """What parameters cells declare, by name. One that is asked for and that none declares is a ParamsError."""

    def __init__(self, stage: str, *declared: Mapping[str, Any]) -> None:
        """stage: whose they are. declared: cell by cell; the last counts where a name is shared."""
        super().__init__({name: value for cell in declared for name, value in cell.items()})
        self.stage = stage

    def __missing__(self, name: str) -> Any:
        among = f"notebooks/{self.stage}.ipynb: neither its parameters cell nor that of a notebook it builds on"
        raise ParamsError(f"{among} declares {name}, which is needed to plan its jobs{did_you_mean(name, self)}")


@dataclass(frozen=True)
class PlannedJob:
    """One stage at one point of the grid."""

    stage: str
    parameters: Mapping[str, Any]  # complete and checked, `study` left out
    inputs: Mapping[str, "PlannedJob"]  # artifact -> the job that makes it
    code: Mapping[str, Any]  # the code and data part of the key: notebook cells, modules, data files
    plan_id: str
    axes: tuple[str, ...] = ()  # the parameters that tell the jobs of a stage apart
    gathered: tuple["PlannedJob", ...] = ()  # the jobs whose rows and evaluations it reads, in plan order

    @property
    def threads(self) -> int:
        return STAGES[self.stage].threads

    @property
    def fits(self) -> int:
        """How many reward models the job fits."""
        count = STAGES[self.stage].n_fits
        return resolve_name(count)(self.known_parameters()) if count else 0

    def __str__(self) -> str:
        return " ".join([self.stage, *(f"{name}={valued(self.parameters[name])}" for name in self.axes)])

    def artifact(self, name: str) -> str:
        """What the artifact of an input is called in the job that makes it."""
        return STAGES[self.stage].artifact(name, self.parameters)

    def needs(self) -> list["PlannedJob"]:
        """The jobs that must be done before this one: those that make its inputs, and those that it gathers."""
        return [*self.inputs.values(), *self.gathered]

    def upstream(self) -> list["PlannedJob"]:
        """Every job that this one needs, directly or not, each once and after what it needs itself."""
        found: dict[str, PlannedJob] = {}
        for job in self.needs():
            if job.plan_id not in found:
                found |= {other.plan_id: other for other in (*job.upstream(), job)}
        return list(found.values())

    def known_parameters(self) -> KnownParameters:
        """The parameters of all jobs that its inputs come from, and its own, which count where a name is shared.

        Not those of the jobs that it gathers: these differ in what tells them apart. What comes from a job at other
        values than its own counts least.
        """
        sources = STAGES[self.stage].sources(self.parameters)
        own_last = sorted(self.inputs, key=lambda name: not any(origin.at for origin in sources.get(name, ())))
        above = [self.inputs[name].known_parameters() for name in own_last]
        return KnownParameters(self.stage, *above, self.parameters)


def work_of(stage: str, parameters: Mapping[str, Any], fits: int) -> float:
    """A job's fits in fits of the cheapest kind of its stage; 1 where it fits nothing. parameters: its own."""
    work = STAGES[stage].work if stage in STAGES else ""
    found: float = resolve_name(work)(parameters, fits) if work else fits
    return max(found, 1)
