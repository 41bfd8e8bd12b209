"""Pairs to be labelled, and annotators with each of the habits: for the tests of labels and of calibration."""

import numpy as np

from rmkit.annotation.habits import Habits, crowd

RNG = np.random.default_rng(0)
GOLD = RNG.normal(size=(4000, 2))
ODD = {
    "flip": {"habits": Habits(flip=0.1)},
    "lapse": {"habits": Habits(lapse=0.3)},
    "ties, by a coin": {"habits": Habits(tie_width=0.5)},
    "ties, dropped": {"habits": Habits(tie_width=0.5, ties="drop")},
    "length bias": {"habits": Habits(length_bias=0.7)},
    "position bias": {"habits": Habits(position_bias=-0.6)},
    "drift": {"habits": Habits(drift=0.1)},
    "careless": {"crowd": crowd(careless=0.4, careless_beta=0.2)},
    "dissenting": {"crowd": crowd(dissenting=0.3)},
    "all of it": {
        "habits": Habits(0.05, 0.1, 0.3, "drop", 0.5, 0.4, 0.3),
        "crowd": crowd(careless=0.2, dissenting=0.1),
    },
}
LENGTH = np.random.default_rng(8).gamma(4.0, 20.0, size=GOLD.shape)
