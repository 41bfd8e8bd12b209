"""Which test set predicts which policy, design by design, and whether optimisers agree: the rows of 14_test_sets.

From stored rows alone. Of several seeds the first is drawn, because a correlation over reward models is of one
population; the statements have them all.
"""

from collections.abc import Callable, Iterator

import pandas as pd
from matplotlib.figure import Figure

from rmkit.errors import ResultError
from rmkit.figures.optimiser_agreement import agreement_figure
from rmkit.figures.population import mild_and_strong
from rmkit.figures.test_sets import category_map, curve_figure, dots_figure, rank_bin_map, rewording_figure
from rmkit.intervals.correlations import FEWEST_MODELS
from rmkit.report.exhibits.settings import Drawn, Results, headed, named, of_first_seed

STAGE = "14_test_sets"
OF = (
    "Kendall's correlation over the reward models between what a test set measures and what their policies earn on "
    "other prompts. Bars, where there are any, are 95% intervals for new reward models and new prompts."
)
MANY = f"Policies of fewer than {FEWEST_MODELS} reward models are left out where others have more."
Draw = Callable[[pd.DataFrame, list[str]], Figure]
# Name of the file: what draws it, the heading, the caption.
EXHIBITS: dict[str, tuple[Draw, str, str]] = {
    "test-sets-source": (
        lambda rows, shown: dots_figure(rows, "A", "source", shown),
        "Does it matter who wrote the test responses?",
        f"One pair of responses to each prompt, by the policy itself, by another model, or one by each. {OF}",
    ),
    "test-sets-ranks": (
        lambda rows, shown: rank_bin_map(rows, of_many_models(rows, shown)),
        "From which ranks should the two responses of a test pair come?",
        "A prompt's responses are cut into bins by gold, 0 the worst. Each cell is the correlation of a test set whose "
        "chosen and rejected responses come from these bins. " + MANY,
    ),
    "test-sets-category": (
        lambda rows, shown: category_map(rows, of_many_models(rows, shown)),
        "Must test prompts be of the policy's own category?",
        "Each cell is the correlation of a test set of one category with what policies earn on prompts of another. "
        + MANY,
    ),
    "test-sets-paraphrases": (
        lambda rows, shown: curve_figure(rows, "D", "share", shown),
        "What do test prompts in other words do?",
        f"Along the share of test prompts that are paraphrased; gold stays exactly the same. {OF}",
    ),
    "test-sets-pairs": (
        lambda rows, shown: curve_figure(rows, "E", "n_pairs", shown),
        "How many test pairs?",
        f"Along the number of pairs. {OF}",
    ),
    "test-sets-responses": (
        lambda rows, shown: curve_figure(rows, "F", "n_responses", shown),
        "How many responses to a test prompt?",
        f"Along the number of responses to each prompt, all pairs of them. {OF}",
    ),
    "test-sets-wordings": (
        lambda rows, shown: rewording_figure(rows),
        "How much does each reward model mind other words for the same prompt?",
        "A dot is a reward model: how far its scores move, and how many pairs change their order, where the prompt is "
        "said in other words and gold stays the same. Dots have no interval.",
    ),
    "test-sets-optimisers": (
        lambda rows, shown: agreement_figure(rows),
        "Do the optimisers agree on which reward model is better?",
        "Correlation over the reward models between what two policies of each earn: two trained ones, after the same "
        "number of steps or equally far from the base, or a trained one and an exact one. Noise between policy seeds "
        "lowers the first dot and is taken out of the second, which is missing where no more than noise is seen. Bars, "
        "where there are any, are 95% intervals for new reward models and new policy seeds.",
    ),
}


def ends_of_training(correlations: pd.DataFrame) -> list[str]:
    """For each optimiser its policy after the most steps, by its name in `policy`; none where none was trained."""
    if "steps" not in correlations:
        return []
    trained = correlations[correlations["steps"].notna()].sort_values("steps", kind="stable")
    return list(dict(zip(trained["policy"].str.rpartition("_")[0], trained["policy"], strict=True)).values())


def of_many_models(rows: pd.DataFrame, shown: list[str]) -> list[str]:
    """The policies that enough reward models have for an interval, or all where none has: cells have none to warn."""
    units = rows[rows["metric"] == "correlation"].groupby("policy")["units"].max()
    return [policy for policy in shown if units.get(policy, 0) >= FEWEST_MODELS] or shown


def designs_of_test_sets(results: Results) -> Iterator[Drawn]:
    """A figure for each design that the rows have."""
    for told_apart, rows in of_first_seed(results, STAGE):
        correlations = rows[rows["metric"] == "correlation"]
        here = correlations[(correlations["reward_scale"] == "") & (correlations["policy_category"] == "")]
        shown = [*mild_and_strong(here), *ends_of_training(correlations)]
        for name, (draw, heading, caption) in EXHIBITS.items():
            try:
                figure = draw(rows, shown)
            except ResultError:  # a design that this job did not ask for
                continue
            yield Drawn(named(name, told_apart), headed(heading, told_apart), caption, figure)
