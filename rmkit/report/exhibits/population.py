"""What the accuracy of reward models says of their policies: heads, fine-tuned language models, trained policies.

From stored rows and evaluations alone. Three stages measure and optimise populations in one form; each is drawn apart.
"""

from collections.abc import Iterator, Mapping

from rmkit.evaluation.population import correlations_over_seeds
from rmkit.figures.population import correlation_figure, interval_words, mild_and_strong, scatter_figure
from rmkit.report.exhibits.settings import Drawn, Results, headed, named, row_settings, settings
from rmkit.report.wording import sentence
from rmkit.study.monitoring.words import counted

HEADS, LANGUAGE_MODELS, TRAINED = "06_accuracy_vs_policy", "12_language_model_rewards", "13_policy_training"
OF: Mapping[str, tuple[str, str]] = {  # what a stage adds to a figure's file name and to its heading
    HEADS: ("", ""),
    LANGUAGE_MODELS: ("language-models-", " (reward models that are language models)"),
    TRAINED: ("trained-", " (trained policies)"),
}


def accuracy_and_drop(results: Results, stage: str = HEADS) -> Iterator[Drawn]:
    """Each reward model's normalised drop ratio against its accuracy, all seeds together."""
    if stage not in results.gathered:
        return
    file, of = OF[stage]
    for told_apart, rows in row_settings(results.rows(stage)):
        seeds = rows["param_seed"]
        rows = rows.assign(fit=rows["fit"] + " of seed " + seeds.astype(str)) if seeds.nunique() > 1 else rows
        yield Drawn(
            named(f"{file}accuracy-and-policy", told_apart),
            headed(f"Does accuracy say how good the policy will be?{of}", told_apart),
            "Each dot is a reward model: its accuracy on some prompts, and what its policy loses on others against "
            "optimising gold in the same way (normalised drop ratio: 0 is as good as gold, 1 no better than the base). "
            f"{sentence(counted(seeds.nunique(), 'seed'))}. Dots have no interval.",
            scatter_figure(rows, mild_and_strong(rows)),
        )


def which_measure(results: Results, stage: str = HEADS) -> Iterator[Drawn]:
    """Correlations of every measure with every policy, over the population of reward models of each seed."""
    file, of = OF[stage]
    for setting in settings(results, stage):
        table = correlations_over_seeds(setting.seeds)
        shown = table[table["measure"] != "kendall"]  # it is accuracy again, but for ties
        seeds = f", within each of {len(setting.seeds)} seeds and averaged on Fisher's z"
        within = seeds if len(setting.seeds) > 1 else ""
        lacking = (
            " A model whose scores tie too much for a policy is left out there." if shown["left_out"].any() else ""
        )
        yield Drawn(
            named(f"{file}measures-and-policies", setting.told_apart),
            headed(f"Which measure predicts which policy?{of}", setting.told_apart),
            f"Kendall's correlation, over reward models{within}, between what is measured on some prompts and what a "
            f"policy earns on others. {sentence(interval_words(shown))}.{lacking}",
            correlation_figure(shown),
        )
