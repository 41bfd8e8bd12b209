"""An ensemble of Bradley-Terry trees: growing trees draws nothing, so members differ by their training data alone.

Imports its head, so that a job whose parameters name the ensemble is made again when the head changes.
"""

from dataclasses import dataclass, field
from typing import ClassVar

from rmkit.reward_models.ensembles.ensemble import Ensemble
from rmkit.reward_models.trees.bradley_terry import LightGBMBradleyTerry


@dataclass(kw_only=True)
class LightGBMBradleyTerryEnsemble(Ensemble):
    """S ensembles of `lightgbm_bt`, each member on its own sample of the training pairs."""

    name: ClassVar = "lightgbm_bt_ensemble"

    head: str = field(init=False, default=LightGBMBradleyTerry.name)
    bootstrap: bool = True
