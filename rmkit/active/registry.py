"""The strategies by name, in plain sight: the choices in a study file, in the error message and in the tests.

Knows where each strategy lives, as text, and imports only the one that is asked for: a job's key then depends on the
strategies that it uses and on no other. To add one, write its module and a line here.
"""

import importlib

from rmkit.active.candidates import Acquisition
from rmkit.errors import one_of

STRATEGIES = {
    "random": "rmkit.active.strategies.random:Random",
    "entropy": "rmkit.active.strategies.entropy:Entropy",
    "d_optimal": "rmkit.active.strategies.d_optimal:DOptimal",
}


def strategy(name: str) -> Acquisition:
    """A strategy by name, or a ParamsError that lists the names there are."""
    module, _, class_name = STRATEGIES[one_of(name, STRATEGIES, "strategy")].partition(":")
    found: Acquisition = getattr(importlib.import_module(module), class_name)()
    return found
