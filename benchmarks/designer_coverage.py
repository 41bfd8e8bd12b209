"""Do the designer's intervals hold what test sets that are really drawn do? Many banks, each from a world of its own.

A world draws prompts at will: gold of K responses, prompts unlike in spread, and ten reward models that differ in noise
and in where they stop telling good responses apart. Of each bank `advise` foretells, by design and measure, the share
of right choices between two models and the selection regret at Best-of-8. Beside it is what fresh test sets of as many
prompts do: drawn and labelled by the design, with policies valued on 60,000 prompts. No normal law is in that.

  covers      the share of banks whose 95% interval holds what fresh test sets do
  half-width  the share of fresh test sets, and models, whose measure is within the foretold half-width of its mean
  named       the share of banks that name a best design, and of all banks the share that name one that is not

Run: python benchmarks/designer_coverage.py  (about 5 minutes on one core; --banks 20 for a look)
"""

import argparse
from collections import defaultdict
from typing import Any

import numpy as np

from rmkit.evaluation.design_question import Outcome, Question, Resampling
from rmkit.evaluation.designer import advise
from rmkit.evaluation.population import MEASURES
from rmkit.evaluation.test_sets.annotation import Annotation
from rmkit.evaluation.test_sets.design import draw_test_set
from rmkit.evaluation.test_sets.judged import JudgedResponses
from rmkit.evaluation.test_sets.measured import measured_on
from rmkit.evaluation.test_sets.responses_a_prompt import ResponsesAPrompt

N_MODELS, K, BUDGET, OUTCOME = 10, 16, 300, Outcome(n=8)
FRESH_PROMPTS, PASSES = 60_000, 1  # behind what test sets really do
TEMPERATURE = 0.5
WORLDS = [(200, 0.4, 0.0), (200, 0.15, 0.0), (200, 0.4, TEMPERATURE), (60, 0.4, 0.0)]  # prompts, spread, temperature
MEASURED = ("accuracy", "best_of_all")
CRITERIA = ("right_choice", "selection_regret")


def draw(rng: np.random.Generator, n_prompts: int, spread: float) -> tuple[np.ndarray, np.ndarray]:
    """(F, P, K) scores of the world's models and (P, K) gold; the models depend on the spread alone."""
    own = np.random.default_rng(99)
    noise_f = np.exp(own.normal(np.log(1.2), spread, size=N_MODELS))[:, None, None]
    ceiling_f = own.uniform(0.5, 1.5, size=N_MODELS)[:, None, None]
    gold_pk = rng.normal(size=(n_prompts, K)) * rng.uniform(0.5, 1.5, size=(n_prompts, 1))
    noisier_fp = rng.uniform(0.5, 1.5, size=(N_MODELS, n_prompts, 1))
    return np.minimum(gold_pk, ceiling_f) + noise_f * noisier_fp * rng.normal(size=(N_MODELS, n_prompts, K)), gold_pk


def designs(temperature: float) -> dict[str, ResponsesAPrompt]:
    """Pairs compared, and responses rated: 300 of either."""
    compared = {f"compare {m}": ResponsesAPrompt(m, annotation=Annotation(temperature=temperature)) for m in (2, 5)}
    rated = {m: Annotation("response", temperature=temperature) for m in (2, 8)}
    return compared | {f"rate {m}": ResponsesAPrompt(m, annotation=one) for m, one in rated.items()}


def fresh_test_sets(rng: np.random.Generator, spread: float, temperature: float) -> dict[str, dict[str, Any]]:
    """By design and measure: the criteria of test sets that are really drawn; (T, F) how far off they are."""
    score_fpk, gold_pk = draw(rng, FRESH_PROMPTS, spread)
    judged, earned_f = JudgedResponses(gold_pk), OUTCOME.earned(score_fpk, gold_pk).mean(axis=1)
    first_c, second_c = np.triu_indices(N_MODELS, 1)
    better_c = np.sign(earned_f[first_c] - earned_f[second_c])
    found = {}
    for name, design in designs(temperature).items():
        n = BUDGET // design.annotation.cost(design.n_responses)
        means = defaultdict(list)
        for _ in range(PASSES):
            test_set = draw_test_set(design, judged, rng)
            values = measured_on(test_set, score_fpk, measures={name: MEASURES[name] for name in MEASURED})
            for measure, value_fq in values.items():
                means[measure].append(value_fq[:, : FRESH_PROMPTS // n * n].reshape(N_MODELS, -1, n).mean(axis=-1).T)
        for measure, parts in means.items():
            mean_tf = np.concatenate(parts)
            right = (1 + better_c * np.sign(mean_tf[:, first_c] - mean_tf[:, second_c])).mean() / 2
            regret = earned_f.max() - earned_f[mean_tf.argmax(axis=1)].mean()
            off_tf = mean_tf - mean_tf.mean(axis=0)
            found[f"{name} by {measure}"] = {"right_choice": right, "selection_regret": regret, "off_tf": off_tf}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--banks", type=int, default=120)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--worlds", type=int, nargs="*", default=range(len(WORLDS)))
    arguments = parser.parse_args()
    print("| bank | spread | temperature | design | what | fresh | mean estimate | mean width | covers | its s.e. |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for number in arguments.worlds:
        n_prompts, spread, temperature = WORLDS[number]
        rng = np.random.default_rng([arguments.seed, number])
        fresh = fresh_test_sets(rng, spread, temperature)
        world, seen, named = f"| {n_prompts} | {spread} | {temperature} |", defaultdict(list), defaultdict(list)
        for bank, own in enumerate(rng.spawn(arguments.banks)):
            score_fpk, gold_pk = draw(own, n_prompts, spread)
            criterion = CRITERIA[bank % 2]  # it changes nothing but which design is called best
            advice = advise(
                JudgedResponses(gold_pk), score_fpk, designs(temperature), Question(BUDGET, OUTCOME, criterion),
                rng=own, measures=MEASURED, resampling=Resampling(n_draws=4, resamples=100),
            )  # fmt: skip
            true = {
                key: values[criterion] * (1 if criterion == "right_choice" else -1) for key, values in fresh.items()
            }
            wrong = not advice.alike and true[advice.best] < max(true.values())
            named[criterion].append((not advice.alike, wrong))
            for row in advice.table[advice.table["reason"].isna()].to_dict("records"):
                key = f"{row['design']} by {row['measure']}"
                for what in CRITERIA:
                    low, high, truth = row[f"{what}_low"], row[f"{what}_high"], fresh[key][what]
                    seen[key, what].append((truth, row[what], high - low, low <= truth <= high))
                off_tf = fresh[key]["off_tf"]
                within = (np.abs(off_tf) <= row["half_width"]).mean()
                seen[key, "half_width"].append((np.quantile(np.abs(off_tf), 0.95), row["half_width"], np.nan, within))
        for (key, what), rows in sorted(seen.items()):
            truth, estimate, width, covers = np.mean(np.array(rows, dtype=float), axis=0)
            error = np.std([row[3] for row in rows]) / np.sqrt(len(rows))
            figures = f"{truth:.4f} | {estimate:.4f} | {width:.4f} | {covers:.3f} | {error:.3f}"
            print(f"{world} {key} | {what.replace('_', ' ')} | {figures} |")
        for criterion, said in named.items():
            some, wrong = np.mean(said, axis=0)
            print(f"{world} all | named by {criterion.replace('_', ' ')}: {some:.3f}, wrongly {wrong:.3f} | | | | | |")
        print(end="", flush=True)


if __name__ == "__main__":
    main()
