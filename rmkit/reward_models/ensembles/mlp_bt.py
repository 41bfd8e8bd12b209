"""A deep ensemble of Bradley-Terry networks: members differ in their first weights and in the order of their batches.

Imports its head, so that a job whose parameters name the ensemble is made again when the head changes.
"""

from dataclasses import dataclass, field
from typing import ClassVar

from rmkit.reward_models.ensembles.ensemble import Ensemble
from rmkit.reward_models.mlp.bradley_terry import MLPBradleyTerry


@dataclass(kw_only=True)
class MLPBradleyTerryEnsemble(Ensemble):
    """S ensembles of `mlp_bt`."""

    name: ClassVar = "mlp_bt_ensemble"

    head: str = field(init=False, default=MLPBradleyTerry.name)
