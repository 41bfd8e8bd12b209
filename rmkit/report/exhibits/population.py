"""What the accuracy of the reward models of 06_accuracy_vs_policy says of their policies.

From stored rows alone.
"""

from collections.abc import Iterator

from rmkit.figures.population import correlation_figure, interval_words, mild_and_strong, scatter_figure
from rmkit.report.exhibits.settings import Drawn, Results
from rmkit.report.wording import sentence


def accuracy_and_drop(results: Results) -> Iterator[Drawn]:
    """Each reward model's normalised drop ratio against its accuracy."""
    if "06_accuracy_vs_policy" not in results.gathered:
        return
    for key, rows in results.rows("06_accuracy_vs_policy").groupby("job", sort=False):
        yield Drawn(
            "accuracy-and-policy" if rows["job"].nunique() == 1 else f"accuracy-and-policy-{key}",
            "Does accuracy say how good the policy will be?",
            "Each dot is a reward model: its accuracy on some prompts, and what its policy loses on others against "
            "optimising gold in the same way (normalised drop ratio: 0 is as good as gold, 1 no better than the base). "
            "Dots have no interval.",
            scatter_figure(rows, mild_and_strong(rows)),
        )


def which_measure(results: Results) -> Iterator[Drawn]:
    """Correlations of every measure with every policy, over the population of reward models."""
    if "06_accuracy_vs_policy" not in results.gathered:
        return
    rows = results.rows("06_accuracy_vs_policy")
    for key, table in rows[rows["metric"] == "correlation"].groupby("job", sort=False):
        shown = table[table["measure"] != "kendall"]  # it is accuracy again, but for ties
        yield Drawn(
            "measures-and-policies" if rows["job"].nunique() == 1 else f"measures-and-policies-{key}",
            "Which measure predicts which policy?",
            "Kendall's correlation, over reward models, between what is measured on some prompts and what a policy "
            f"earns on others. {sentence(interval_words(shown))}.",
            correlation_figure(shown),
        )
