"""How long work tells how far it is: one call after another, with what is done and what there is to do.

Knows a call's shape alone; who draws a bar of it does not matter here.
"""

from collections.abc import Callable

Progress = Callable[[int, int], object]  # called with (done, total); done ends at total
