"""How noisy the annotators of 03_annotation_noise are.

From stored rows alone.
"""

from collections.abc import Iterator

from rmkit.figures.annotation import noise_figure
from rmkit.report.exhibits.settings import Drawn, Results, headed, named, row_settings
from rmkit.study.monitoring.words import counted


def annotation_noise(results: Results) -> Iterator[Drawn]:
    """How often annotators are wrong, by sharpness and by which pairs they are asked about."""
    if "03_annotation_noise" not in results.gathered:
        return
    for told, rows in row_settings(results.rows("03_annotation_noise")):
        n_seeds = rows["param_seed"].nunique()
        yield Drawn(
            named("annotation-noise", told),
            headed("How noisy are the labels?", told),
            "Left, the chance that an annotator prefers the first of two responses, by annotation sharpness β. "
            "Right, the expected share of wrong labels for each way of choosing pairs, a mean over "
            f"{counted(n_seeds, 'seed')}; it is computed from known probabilities and has no interval.",
            noise_figure(rows, seeds=n_seeds),
        )
