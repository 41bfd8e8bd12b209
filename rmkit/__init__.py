"""rmkit: a notebook-first research bench for reward models. A notebook needs one name from here: `open_job`."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rmkit.study.notebook_side.open_job import OpenJob

__version__ = "0.1.0"


def open_job(stage: str, namespace: dict[str, Any]) -> "OpenJob":
    """Open the job that a notebook is: `job = rmkit.open_job("04_reward_models", globals())`, right after parameters.

    Checks the declared parameters in `namespace` and writes them back normalised; finds upstream artifacts or builds
    them. Raises ParamsError, DataError or StoreError, each one sentence. See rmkit.study.notebook_side.open_job.
    """
    from rmkit.study.notebook_side.open_job import open_job

    return open_job(stage, namespace)
