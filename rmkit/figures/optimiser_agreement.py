"""Whether optimisers agree on which reward model is better, and what a measure says beside another seed.

Takes result rows (evaluation/optimiser_agreement.py), gives a figure and a table; computes nothing but positions.
"""

import textwrap

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from rmkit.errors import ResultError
from rmkit.figures.looks import Look, look_of, policy_label
from rmkit.figures.population import interval_words, mild_and_strong
from rmkit.figures.theme import BLUE, GREY, ORANGE, PALE, themed

LOOKS = {
    "agreement": Look("as it is", BLUE, marker="o"),
    "agreement_corrected": Look("corrected for the noise of seeds", ORANGE, marker="D"),
}
PLACE = ("policy", "n", "nats", "steps", "reward_scale")
UNDEFINED = "undefined"


@themed
def agreement_figure(rows: pd.DataFrame) -> Figure:
    """A row of two dots for each pair of outcomes: their correlation over reward models, as it is and corrected.

    rows: agreement and agreement_corrected (optimiser_agreement.agreement_rows). Shown are, of the trained policies,
    those of the last step and those equally far from the base, as far as any pair has a value; of the exact ones, the
    mildest and the strongest Best-of-n and the furthest KL optimum. A dot without an interval is hollow. ResultError if
    there are no such rows.
    """
    here = _pairs_shown(rows)
    pairs = list(dict.fromkeys(here["fit"]))
    figure, ax = plt.subplots(figsize=(7.2, 0.4 * len(pairs) + 1.5))
    for shift, (metric, look) in zip((-0.15, 0.15), LOOKS.items(), strict=True):
        line = here[here["metric"] == metric].set_index("fit").loc[pairs]
        height = np.arange(len(pairs)) + shift
        ax.hlines(height, line["low"], line["high"], color=look.color, linewidth=1.2)
        face = [look.color if np.isfinite(low) else "white" for low in line["low"]]
        ax.scatter(line["value"], height, c=face, edgecolors=look.text, marker=look.marker, s=24, zorder=3,
                   label=look.label)  # fmt: skip
    ax.set_yticks(range(len(pairs)), _pair_labels(here, pairs))
    ax.set_ylim(len(pairs) - 0.5, -0.5)  # the first on top
    if 0 < (n_trained := here[here["second_seeds"] > 0]["fit"].nunique()) < len(pairs):
        ax.axhline(n_trained - 0.5, color=PALE, linewidth=0.8, linestyle=":")
    ax.axvline(0, color=GREY, linewidth=0.8)
    ax.grid(axis="x")
    ax.grid(visible=False, axis="y")
    ax.set_xlim(right=1.03)
    ax.set_xlabel(f"{here['statistic'].iloc[0].capitalize()} correlation of gold earned", loc="right")
    ax.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2)
    figure.suptitle(textwrap.fill(_title(here), 82), x=0.01, ha="left")
    return figure


def prediction_table(rows: pd.DataFrame) -> pd.DataFrame:
    """A row for each trained policy and measure: how far the outcome can be relied on, and what the measure says of it.

    rows: as of `agreement_figure`, with reliability and the metrics of measures. Policies are those after the last
    step. Columns are texts, a value with its interval where there is one. ResultError if there are no such rows.
    """
    of = rows[rows["metric"].isin(["reliability", "measured_correlation"])]
    last = of[_is_last(of)]
    if last.empty:
        raise ResultError("rows: have no reliability of policies that were trained to a last step")
    scales = last["reward_scale"].nunique() > 1
    told = []
    for key, one in last[last["metric"] == "measured_correlation"].groupby(["fit", "measure"], sort=False):
        of_measure = rows[(rows["fit"] == key[0]) & (rows["measure"] == key[1])].set_index("metric")
        first = one.iloc[0]
        itself = (last["policy"] == first["policy"]) & (last["reward_scale"] == first["reward_scale"])
        told.append(
            {
                "policy": _policy_label(first, "", scales),
                "measure": look_of(key[1], "measure").label,
                "reward models": int(first["units"]),
                "seeds": int(first["seeds"]),
                "reliability": _text(last[itself & (last["metric"] == "reliability")].iloc[0]),
                "correlation": _text(of_measure.loc["measured_correlation"]),
                "corrected": _text(of_measure.loc["measured_correlation_corrected"]),
                "lead over another seed": _text(of_measure.loc["lead_over_another_seed"]),
            }
        )
    return pd.DataFrame(told)


def _pairs_shown(rows: pd.DataFrame) -> pd.DataFrame:
    """The agreements that the figure draws, pairs of trained policies first."""
    here = rows[rows["metric"].isin(list(LOOKS))]
    if here.empty:
        raise ResultError("rows: have no agreement of optimisers; a study that trains policies has some")
    trained, exact = here[here["second_seeds"] > 0], here[here["second_seeds"] == 0]
    furthest = trained.loc[trained["value"].notna(), "nats"].max()  # NaN equals nothing
    shown = mild_and_strong(exact.drop(columns=list(PLACE)).rename(columns=lambda name: name.removeprefix("second_")))
    last, equally_far = trained[_is_last(trained)], trained[trained["nats"] == furthest]
    return pd.concat([last, equally_far, exact[_is_last(exact) & exact["second_policy"].isin(shown)]])


def _is_last(rows: pd.DataFrame) -> pd.Series:
    """Whether a row's trained policy is that of its optimiser's last step."""
    optimiser = rows["policy"].str.replace(r"_[^_]*$", "", regex=True)
    return rows["steps"] == rows["steps"].groupby(optimiser).transform("max")


def _pair_labels(here: pd.DataFrame, pairs: list[str]) -> list[str]:
    """Each pair's name, the two policies, how many reward models if that differs, and whether it is undefined."""
    each = here.drop_duplicates("fit").set_index("fit").loc[pairs]
    defined = here.groupby("fit")["value"].count()  # NaN does not count
    scales = {*each["reward_scale"], *each["second_reward_scale"]} - {""}
    labels = [
        f"{_policy_label(row, '', len(scales) > 1)} and {_policy_label(row, 'second_', len(scales) > 1)}"
        for _, row in each.iterrows()
    ]
    if each["units"].nunique() > 1:
        labels = [f"{label} ({units:.0f})" for label, units in zip(labels, each["units"], strict=True)]
    return [label + ("" if defined[pair] else f" ({UNDEFINED})") for pair, label in zip(pairs, labels, strict=True)]


def _policy_label(row: pd.Series, side: str, scales: bool) -> str:
    """What a policy is called. side: "" or "second_". scales: whether to say how a reward was scaled."""
    policy, n, nats, steps, scale = (row[f"{side}{name}"] for name in PLACE)
    label = policy_label(float(n), float(nats), float(steps), str(policy))
    return f"{label} ({scale} reward)" if scales and scale else label


def _title(here: pd.DataFrame) -> str:
    seeds = pd.concat([here["seeds"], here.loc[here["second_seeds"] > 0, "second_seeds"]])
    models, runs = (
        " to ".join(f"{one:.0f}" for one in dict.fromkeys([counts.min(), counts.max()]))
        for counts in (here["units"], seeds)
    )
    without = here["low"].isna() & here["value"].notna()
    if here.loc[without, "no_interval"].nunique() > 1:
        here = here.assign(no_interval="too few reward models, or too much noise")
    words = interval_words(here).replace("dots without a line", "hollow dots")
    numbers = " (in brackets)" if here["units"].nunique() > 1 else ""
    return f"{models} reward models{numbers}, policy seeds: {runs}; {words}"


def _text(row: pd.Series) -> str:
    """A value with its interval, or that it is undefined."""
    if not np.isfinite(row["value"]):
        return UNDEFINED
    return f"{row['value']:.2f}" + (f" ({row['low']:.2f} to {row['high']:.2f})" if np.isfinite(row["low"]) else "")
