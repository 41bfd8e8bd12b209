"""Test-set designs: how well each predicts which reward model leads to the better policy.

Takes result rows (evaluation/design_rows.py, design_contrasts.py, rewording_rows.py), gives figures and a table;
computes nothing but positions.
"""

import textwrap
from collections.abc import Callable, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rmkit.errors import ResultError
from rmkit.figures.axes import panel_rows
from rmkit.figures.heat_maps import CELL_INCHES, color_bar, draw_map, limits_of, wide
from rmkit.figures.looks import look_of, looks_of
from rmkit.figures.population import interval_words, policy_labels
from rmkit.figures.theme import GREY, themed

A_ROW = 3  # panels side by side, or a few more, so that the writers of a policy stand in one row
ALONG = {
    "share": "share of prompts in other words",
    "n_pairs": "pairs in the test set",
    "n_responses": "responses to a prompt",
    "flip": "share of labels turned round",
    "temperature": "temperature of labels (gold's s.d.)",
}
LOGARITHMIC = ("n_pairs", "n_responses")


@themed
def rank_bin_map(rows: pd.DataFrame, policies: Sequence[str], *, measure: str = "accuracy") -> Figure:
    """A panel a policy and writer: the correlation for each bin of gold of the chosen and of the rejected response.

    rows: design B's correlations. Bin 0 holds the worst responses. ResultError if there are none.
    """
    here = _of(rows, "B", measure, policies)

    def grid(part: pd.DataFrame) -> pd.DataFrame:
        return (
            wide(part, "chosen_bin", "rejected_bin", "value")
            .sort_index(ascending=False)
            .rename(int)
            .rename(columns=int)
        )

    names = [f"bin of the {name} response (0: worst gold)" for name in ("rejected", "chosen")]
    return _maps(here, ["policy", "source"], grid, (names[0], names[1]))


@themed
def category_map(rows: pd.DataFrame, policies: Sequence[str], *, measure: str = "accuracy") -> Figure:
    """A panel a policy: the correlation of a test set of one category with what policies earn on prompts of another.

    rows: design C's correlations. The diagonal is the same category on both sides. ResultError if there are none.
    """
    here = _of(rows, "C", measure, policies)
    here = here[here["policy_category"] != ""]

    def grid(part: pd.DataFrame) -> pd.DataFrame:
        return wide(part, "category", "policy_category", "value")

    return _maps(here, ["policy"], grid, ("category that policies answer", "category of the test set"))


@themed
def curve_figure(
    rows: pd.DataFrame,
    design: str,
    along: str,
    policies: Sequence[str],
    *,
    lines: str = "policy",
    panels: str = "measure",
) -> Figure:
    """The correlation along what a design varies, a line for each policy with its interval, a panel for each measure.

    along: one of ALONG. lines, panels: the columns that these are of, budgets and units for instance. Points without an
    interval have no bar. ResultError where a point is there twice or none is.
    """
    here = rows[(rows["metric"] == "correlation") & (rows["design"] == design) & rows["policy"].isin(list(policies))]
    here = here[here[along].notna() & (here["policy_category"] == "")]
    if here.empty or (again := here.duplicated([along, lines, panels])).any():
        what = "no rows" if here.empty else f"{here.loc[again, [along, lines, panels]].iloc[0].to_dict()} twice"
        raise ResultError(f"correlations of design {design} along {along}: {what}; draw them apart")
    names = list(dict.fromkeys(here[lines]))
    looks = looks_of(names, lines)
    labels = policy_labels(here) if lines == "policy" else {name: _told(lines, name) for name in names}
    figure, axes = panel_rows(here[panels].nunique(), 2, (3.9, 3.1), (1.9, 0.9))
    for ax, (panel, part) in zip(axes, here.groupby(panels, sort=False), strict=True):
        for position, (name, line) in enumerate(part.groupby(lines, sort=False)):
            look = looks[str(name)]
            ordered = line.sort_values(along)
            shift = 1 + 0.02 * position if along in LOGARITHMIC else 0.006 * position
            x = ordered[along] * shift if along in LOGARITHMIC else ordered[along] + shift
            ax.plot(x, ordered["value"], **(look.line | {"label": labels[name]}))
            ax.vlines(x, ordered["low"], ordered["high"], color=look.color, linewidth=0.9)
        _number_axis(ax, along, here[along])
        ax.set_title(look_of(panel, "measure").label if panels == "measure" else _told(panels, panel))
    axes[0].set_ylabel(_correlation_label(here))
    axes[-1].legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    _title(figure, here)
    return figure


@themed
def dots_figure(
    rows: pd.DataFrame, design: str, of: str, policies: Sequence[str], *, measure: str = "accuracy"
) -> Figure:
    """A row of dots with intervals for each policy, a dot for each value of a column: sources of responses, say.

    rows: correlations. ResultError if there are none.
    """
    here = _of(rows, design, measure, policies)
    here = here[here["policy_category"] == ""]
    looks, labels = looks_of(here[of], of), policy_labels(here)
    order = list(dict.fromkeys(here["policy"]))
    figure, ax = plt.subplots(figsize=(6.6, 0.6 * len(order) + 1.2))
    names = list(dict.fromkeys(here[of]))
    for position, name in enumerate(names):
        line = here[here[of] == name].set_index("policy").loc[order]
        height = np.arange(len(order)) + 0.5 * (position / max(1, len(names) - 1) - 0.5)
        ax.hlines(height, line["low"], line["high"], color=looks[str(name)].color, linewidth=1.2)
        ax.scatter(line["value"], height, s=22, zorder=3, **(looks[str(name)].dots | {"label": _told(of, name)}))
    ax.set_yticks(range(len(order)), [labels.get(name, name) for name in order])
    ax.set_ylim(len(order) - 0.5, -0.5)
    ax.axvline(0, color=GREY, linewidth=0.8)
    ax.grid(axis="x")
    ax.grid(visible=False, axis="y")
    ax.set_xlabel(_correlation_label(here))
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    _title(figure, here)
    return figure


@themed
def rewording_figure(rows: pd.DataFrame) -> Figure:
    """How much each reward model minds other words for the same prompt: rank flips against the change of its scores.

    rows: fit, reward_model, metric (score_change and rank_flips), value. A dot a reward model.
    """
    both = rows[rows["metric"].isin(["score_change", "rank_flips"])]
    each = both.pivot_table(index=["reward_model", "fit"], columns="metric", values="value").reset_index()
    if each.empty:
        raise ResultError("rows: have no score_change and rank_flips; score a second wording")
    looks = looks_of(each["reward_model"])
    figure, ax = plt.subplots(figsize=(5.2, 3.6))
    for name, here in each.groupby("reward_model", sort=False):
        ax.scatter(here["score_change"], here["rank_flips"], s=22, linewidth=0.7, **looks[str(name)].dots)
    ax.set(xlabel="mean change of a score (s.d. within the prompt)", ylabel="share of pairs whose order turns")
    ax.set_xlim(left=0)
    ax.set_ylim(bottom=0)
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    ax.set_title(f"{len(each)} reward models, {int(both['units'].min())} prompts;\ngold is the same by construction")
    return figure


def measure_table(rows: pd.DataFrame, policies: Sequence[str]) -> pd.DataFrame:
    """Design I's correlations: a row a measure, the best first for the first policy; for each policy the value with its
    simultaneous interval as text, or the value alone."""
    here = rows[(rows["metric"] == "correlation") & (rows["design"] == "I") & rows["policy"].isin(list(policies))]
    if here.empty:
        raise ResultError("rows: have no correlations of design I for these policies")
    texts = [
        f"{row.value:.2f}"
        + (f" ({row.simultaneous_low:.2f} to {row.simultaneous_high:.2f})" if row.low == row.low else "")
        for row in here.itertuples()
    ]
    labels = policy_labels(here)
    values = here.pivot_table(index="measure", columns="policy", values="value")
    told = here.assign(text=texts).pivot(index="measure", columns="policy", values="text")
    order = values.sort_values(policies[0], ascending=False).index
    named = {name: look_of(name, "measure").label for name in order}
    return told.reindex(order)[list(policies)].rename(index=named, columns=labels)


def _of(rows: pd.DataFrame, design: str, measure: str, policies: Sequence[str]) -> pd.DataFrame:
    """The correlations of a design by one measure with these policies, or a ResultError."""
    kept = (rows["metric"] == "correlation") & (rows["design"] == design) & (rows["measure"] == measure)
    here = rows[kept & rows["policy"].isin(list(policies))]
    if here.empty:
        raise ResultError(f"rows: have no correlations of design {design} by {measure} with {', '.join(policies)}")
    return here


def _maps(
    here: pd.DataFrame, by: list[str], grid: Callable[[pd.DataFrame], pd.DataFrame], names: tuple[str, str]
) -> Figure:
    """A map for each group, on one scale."""
    labels, limits = policy_labels(here), limits_of(here["value"])
    policies = list(dict.fromkeys(here["policy"]))
    groups = sorted(
        here.groupby(by, sort=False), key=lambda group: policies.index(group[0][0])
    )  # each policy's together
    cells = [grid(part) for _, part in groups]
    wide_by = max(0.62, *(0.09 * max(len(str(name)) for name in one.columns) for one in cells))
    high = CELL_INCHES[1] * max(map(len, cells)) + 0.75
    size = (wide_by * cells[0].shape[1] + 0.5, high)
    of_a_policy = max(sum(key[0] == policy for key, _ in groups) for policy in policies)
    figure, axes = panel_rows(len(groups), -(-A_ROW // of_a_policy) * of_a_policy, size, (1.6, 0.7))
    for ax, (key, _), one in zip(axes, groups, cells, strict=True):
        draw_map(ax, one, limits)
        policy, *rest = key
        told = [labels.get(policy, policy), *(_told("source", one) for one in rest if one)]
        ax.set_title(textwrap.fill(", ".join(told), 24), fontsize=9)
        ax.set_yticklabels([str(name) for name in one.index], rotation=0)
        ax.set_xticklabels([str(name) for name in one.columns], rotation=0)
    figure.supxlabel(names[0], fontsize=10)
    figure.supylabel(names[1], fontsize=10)
    words = f"{_models(here)}; cells without intervals, mean of {here['n_draws'].max():.0f} test sets"
    if "source" in by:
        words += "; panels: policy, writer of responses"
    figure.suptitle(textwrap.fill(words, int(11.5 * figure.get_figwidth())), x=0.01, ha="left")
    color_bar(figure, axes, limits, f"{here['statistic'].iloc[0].capitalize()} correlation")
    return figure


def _number_axis(ax: Axes, along: str, values: pd.Series) -> None:
    places = sorted(values.unique())
    if along in LOGARITHMIC:
        ax.set_xscale("log")
        ax.minorticks_off()
    ax.set_xticks(places, [f"{place:g}" for place in places])
    ax.set_xlabel(ALONG.get(along, along))


def _told(column: str, value: object) -> str:
    """A value of a column for people."""
    if column == "unit":
        return f"paid by {value}"
    if column == "source":
        return {"base": "base model", "sft": "fine-tuned", "mixed": "one of each"}.get(str(value), str(value))
    text = f"{value:g}" if isinstance(value, float | int) else str(value)
    return f"{column.replace('_', ' ')} {text}"


def _correlation_label(here: pd.DataFrame) -> str:
    return f"{here['statistic'].iloc[0].capitalize()} correlation with gold earned"


def _models(here: pd.DataFrame) -> str:
    """How many reward models the correlations are over, and for which policies there are fewer."""
    labels, units = policy_labels(here), here.groupby("policy", sort=False)["units"].max()
    fewer = {f"{labels.get(name, name).split(',')[0]} {n:.0f}": None for name, n in units[units < units.max()].items()}
    return f"{units.max():.0f} reward models" + (f" ({', '.join(fewer)})" if fewer else "")


def _title(figure: Figure, here: pd.DataFrame) -> None:
    models = f"{_models(here)}, mean of {here['n_draws'].max():.0f} test sets"
    words = interval_words(here)
    if here.loc[here["low"].isna() & here["value"].notna(), "no_interval"].nunique() > 1:
        words = interval_words(here.assign(no_interval="too few prompts or reward models"))
    width = int(11.5 * figure.get_figwidth())
    figure.suptitle(textwrap.fill(f"{models}; {words}", width), x=0.01, ha="left")
