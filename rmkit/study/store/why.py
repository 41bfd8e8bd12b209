"""Why a job is not finished: which ingredients of its key differ from those of the nearest finished job of its stage.

Compares what make_plan and the manifests hold; runs nothing.
"""

from typing import Any

from rmkit.study.planning.key_changes import NOT_BUILT, differences
from rmkit.study.planning.keys import ingredients
from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.store.store import Store


def explain(store: Store, job: PlannedJob) -> list[str]:
    """One line an ingredient that differs, nearest finished job first; says so when there is none."""
    now = wanted(store, job)
    finished = [manifest for manifest in store.manifests() if manifest["stage"] == job.stage]
    if not finished:
        return ["no job of this stage was ever finished here"]
    compared = [(list(differences(manifest["ingredients"], now)), manifest["key"]) for manifest in finished]
    lines, key = min(compared, key=lambda pair: len(pair[0]))
    return [f"nearest finished job: {key}", *lines]


def wanted(store: Store, job: PlannedJob) -> dict[str, Any]:
    """The ingredients of a planned job's key, as far as its inputs are there."""
    return ingredients(job, {name: digest or NOT_BUILT for name, digest in store.content(job).items()})
