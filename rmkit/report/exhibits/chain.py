"""The exhibits of the chain from labels to policies, in the order in which the report sets them into its page.

Notebook 07 shows them one by one.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from rmkit.report.exhibits.active import active_choices, active_curves, active_differences
from rmkit.report.exhibits.active_many import (
    active_contest,
    active_families,
    active_ranks,
    active_reasons,
    active_spreads,
)
from rmkit.report.exhibits.annotation import annotation_noise
from rmkit.report.exhibits.best_of_n import best_of_n, noise_and_numbers
from rmkit.report.exhibits.margin_uncertainty import margin_uncertainty
from rmkit.report.exhibits.population import LANGUAGE_MODELS, TRAINED, accuracy_and_drop, which_measure
from rmkit.report.exhibits.pressure import every_model_golden, gamma_and_accuracy, policy_training
from rmkit.report.exhibits.settings import Drawn, Results
from rmkit.report.exhibits.split_ablation import split_ablation
from rmkit.report.exhibits.test_sets import designs_of_test_sets

FIGURES: Mapping[str, Callable[[Results], Iterator[Drawn]]] = {
    "03_annotation_noise": annotation_noise,
    "04_best_of_n": best_of_n,
    "04_noise_and_numbers": noise_and_numbers,
    "04_margin_uncertainty": margin_uncertainty,
    "10_split_ablation": split_ablation,
    "05_active_curves": active_curves,
    "05_active_differences": active_differences,
    "05_active_choices": active_choices,
    "05_active_contest": active_contest,
    "05_active_ranks": active_ranks,
    "05_active_spreads": active_spreads,
    "05_active_families": active_families,
    "05_active_reasons": active_reasons,
    "06_accuracy_and_drop": accuracy_and_drop,
    "06_which_measure": which_measure,
    "12_accuracy_and_drop": partial(accuracy_and_drop, stage=LANGUAGE_MODELS),
    "12_which_measure": partial(which_measure, stage=LANGUAGE_MODELS),
    "13_accuracy_and_drop": partial(accuracy_and_drop, stage=TRAINED),
    "13_which_measure": partial(which_measure, stage=TRAINED),
    "06_every_model_golden": every_model_golden,
    "12_every_model_golden": partial(every_model_golden, stage=LANGUAGE_MODELS),
    "06_gamma": gamma_and_accuracy,
    "13_training": policy_training,
    "14_test_sets": designs_of_test_sets,
}
