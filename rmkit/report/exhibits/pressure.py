"""What optimising harder does: every model golden once, gamma against accuracy, and the way of trained policies.

From stored rows alone. Rows of pairs and of training are of one population; of several seeds the first is drawn.
"""

from collections.abc import Iterator

from rmkit.errors import ResultError
from rmkit.figures.overoptimisation import gamma_figure
from rmkit.figures.policy_training import gain_figure, training_figure
from rmkit.figures.population import mild_and_strong
from rmkit.figures.rotating_golden import rotating_golden_figure
from rmkit.report.exhibits.population import HEADS, OF, TRAINED
from rmkit.report.exhibits.settings import Drawn, Results, headed, named, of_first_seed


def every_model_golden(results: Results, stage: str = HEADS) -> Iterator[Drawn]:
    """The drop ratio of each pair of a golden and a proxy against the proxy's accuracy, where there are such rows."""
    file, of = OF[stage]
    for told_apart, rows in of_first_seed(results, stage):
        golden = rows[rows["metric"].str.startswith("golden_")]
        if golden.empty:
            continue
        n_models = golden["golden"].nunique()
        yield Drawn(
            named(f"{file}every-model-golden", told_apart),
            headed(f"And where every reward model is the truth once?{of}", told_apart),
            f"{n_models} reward models differ in flipped labels alone. A dot is a pair: one of them as the golden one, "
            "and what another one's policy loses by it, against that one's accuracy by it. Colour says how many of the "
            "golden's labels were flipped. Dots have no interval.",
            rotating_golden_figure(golden, mild_and_strong(golden)),
        )


def gamma_and_accuracy(results: Results) -> Iterator[Drawn]:
    """Kim's gamma of each reward model against its accuracy, where there are such rows."""
    for told_apart, rows in of_first_seed(results, HEADS):
        turned = rows[rows["metric"] == "gamma"]
        if turned["value"].notna().any():
            yield Drawn(
                named("gamma-and-accuracy", told_apart),
                headed("How much of gold's gain is lost on the way?", told_apart),
                "Kim's gamma of each reward model against its accuracy: the part of what optimising gold itself would "
                "gain that is lost on the way from the base, by Best-of-n and by the KL optimum. Bars, where there "
                "are any, are 95% intervals for new prompts and these reward models.",
                gamma_figure(turned, rows[rows["metric"] == "accuracy"], list(dict.fromkeys(turned["form"]))),
            )


def policy_training(results: Results) -> Iterator[Drawn]:
    """For each optimiser the runs of its first random seed, and what each policy gained."""
    for told_apart, rows in of_first_seed(results, TRAINED):
        if "param_policy_seed" in rows and rows["param_policy_seed"].iloc[0] != min(rows["param_policy_seed"]):
            continue
        try:
            figures = training_figure(rows), gain_figure(rows)
        except ResultError:  # no run came to its end
            continue
        yield Drawn(
            named("training", told_apart),
            headed("What does reinforcement learning make of each reward model?", told_apart),
            "A line is a run, a dot a look at it: the reward that is optimised, and gold, against the square root of "
            "the KL from the start. Dark lines are accurate reward models.",
            figures[0],
        )
        yield Drawn(
            named("training-gain", told_apart),
            headed("What does each trained policy gain?", told_apart),
            "Gold at the last step less gold at the start, against the accuracy of the reward model that was "
            "optimised. Bars, where there are any, are 95% intervals for new prompts and these policies.",
            figures[1],
        )
