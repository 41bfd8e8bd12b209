"""How good the uncertainty of reward models is: confidence and bounds, and where gold is known, gold in intervals.

From stored rows alone; averages seeds through evaluation/margin_uncertainty.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from rmkit.evaluation.margin_uncertainty import JOINT, MARGINAL, NO_SPREAD, uncertainty_curves
from rmkit.figures.looks import called
from rmkit.figures.margin_uncertainty import margin_uncertainty_figure
from rmkit.report.exhibits.settings import Drawn, Results, band, headed, named, row_settings
from rmkit.report.parts import Table, TableCell, number_cell
from rmkit.report.wording import percent, sentence

STAGE = "04_reward_models"
SPREADS = {JOINT: "of the margin", MARGINAL: "of both rewards", NO_SPREAD: "none, |margin|"}
SURE = {
    "confident_right": "confident, right",
    "confident_wrong": "confident, wrong",
    "unconfident_right": "unconfident, right",
    "unconfident_wrong": "unconfident, wrong",
    "elce": "ELCE",
    "mlce": "MLCE",
    "lower_bound_error": "lower bound too high",
    "upper_bound_error": "upper bound too low",
    "risk_coverage_area": "risk–coverage area",
}
DRAWN = ("accuracy_of_surest", "gold_coverage", "gold_coverage_of_pick")


def margin_uncertainty(results: Results) -> Iterator[Drawn]:
    """The heads that have an uncertainty, with the most annotations at the level of noise nearest to β = 1."""
    if STAGE not in results.gathered or "spread" not in (rows := results.rows(STAGE)):
        return
    for told, here in row_settings(rows):
        here = here[here["spread"].notna()]
        if here.empty:
            continue
        most = here["annotations"].max()
        here = here[here["annotations"] == most]
        beta = min(here["beta"].unique(), key=lambda beta: abs(np.log(beta)))
        curves = uncertainty_curves(here[here["beta"] == beta])
        joint = curves[(curves["spread"] == JOINT) & curves["metric"].isin(DRAWN)]
        if joint["mean"].isna().all():
            continue
        yield Drawn(
            named("margin-uncertainty", told),
            headed("How sure is a margin, and is it right?", told),
            f"Of each margin and its standard deviation, fitted on {most:,.0f} annotated pairs "
            f"{'without noise' if np.isinf(beta) else f'at β = {beta:g}'}. Left, accuracy when only the surest share "
            "of the pairs of test prompts is answered. Then how often a margin interval holds gold, aligned to the "
            "scale of the rewards: for all these pairs, and for the response that Best-of-n picks, against its "
            "prompt's mean. "
            f"{' '.join(held(joint))} Such intervals are of the fit, given its model: what the model cannot express is "
            f"not in them. {band(joint[joint['mean'].notna()])}",
            margin_uncertainty_figure(joint),
            (sure_table(curves, "annotators of this sharpness would say"), gold_table(curves)),
        )


def held_out_uncertainty(rows: pd.DataFrame) -> Iterator[Table]:
    """The table of confidence and bounds on people's held-out pairs, of rows of 09_human_preferences that have it."""
    if "spread" in rows and (has := rows["spread"].notna()).any():
        yield sure_table(uncertainty_curves(rows[has]), "people chose")


def held(curves: pd.DataFrame) -> Iterator[str]:
    """For each head, how often its widest intervals hold gold, before and after selection, in a sentence."""
    for name, mine in curves.groupby("reward_model", sort=False):
        of_pairs = mine[mine["metric"] == "gold_coverage"]
        level = of_pairs["share"].max()
        at = mine[(mine["share"] == level) & mine["mean"].notna()]
        (everywhere,) = at.loc[at["metric"] == "gold_coverage", "mean"].tolist() or [np.nan]
        picks = at[at["metric"] == "gold_coverage_of_pick"].sort_values("n")
        if np.isnan(everywhere) or picks.empty:
            yield sentence(f"{called(name)} has none: {of_pairs['reason'].dropna().iloc[0]}.")
            continue
        first, last = picks.iloc[[0, -1]].to_dict("records")
        yield sentence(
            f"{called(name)}'s {level:.0%} margin intervals hold gold's difference in {percent(everywhere)} of pairs; "
            f"around single responses they hold gold in {percent(first['mean'])} if these are picked at random, and in "
            f"{percent(last['mean'])} if picked as the best of {last['n']:g}."
        )


def sure_table(curves: pd.DataFrame, said: str) -> Table:
    """Confidence and bounds, a row for each head and spread. said: what bounds are held against."""
    note = (
        "A pair is confident where its probability, one standard deviation of the margin up and down, does not reach "
        "1/2. ELCE and MLCE: mean and largest distance by which lower bounds lie above what "
        f"{said}, over ten bins and each pair in both orders, so that upper bounds err by the same. The "
        "next two take the response with the larger reward first: a lower bound too high is overconfidence that the "
        "bounds do not cover, an upper bound too low is the opposite. Area: mean error over all shares of the surest "
        "pairs, small is good; by |margin| alone, for comparison."
    )
    return Table("Confidence and bounds", note, ["reward model", "spread", *SURE.values()], _rows(curves, SURE))


def gold_table(curves: pd.DataFrame) -> Table:
    """How often intervals hold gold and how wide they are, a row for each head and spread."""
    shares = sorted(curves.loc[curves["metric"] == "gold_coverage", "share"].unique())
    widest, ns = shares[-1], curves.loc[curves["metric"] == "gold_coverage_of_pick", "n"]
    columns: dict[Any, str] = {("gold_coverage", share, np.nan): f"pairs, {share:.0%}" for share in shares}
    for n in dict.fromkeys((ns.min(), ns.max())):
        columns["gold_coverage_of_pick", widest, n] = f"best of {n:g}, {widest:.0%}"
    columns["interval_width", widest, np.nan] = f"width, {widest:.0%}"
    columns["error_sd_correlation", np.nan, np.nan] = "|error| with s"
    note = (
        "Shares of intervals that hold gold, beside what they should hold; best of 1 is a random pick. Width: mean, in "
        "standard deviations of the rewards within a prompt. |error| with s: rank correlation of the error with its "
        "announced standard deviation. Spread of both rewards: the sum of their own standard deviations, which counts "
        "what two responses share."
    )
    return Table("Gold in the intervals", note, ["reward model", "spread", *columns.values()], _rows(curves, columns))


def _rows(curves: pd.DataFrame, columns: Mapping[Any, str]) -> list[list[TableCell]]:
    """A row for each head and spread that has one of the columns: metrics, or (metric, share, n)."""
    rows = []
    for (name, spread), mine in curves.groupby(["reward_model", "spread"], sort=False):
        by_place = {
            (row["metric"], *("" if np.isnan(row[at]) else row[at] for at in ("share", "n"))): row
            for row in mine.to_dict("records")
        }
        found = [by_place.get(_place(column)) for column in columns]
        if any(found):
            rows.append(
                [
                    TableCell(sentence(called(name))),
                    TableCell(SPREADS[spread]),
                    *(number_cell(row, sign=False) for row in found),
                ]
            )
    return rows


def _place(column: Any) -> tuple[Any, ...]:
    metric, *at = (column, np.nan, np.nan) if isinstance(column, str) else column
    return (metric, *("" if np.isnan(value) else value for value in at))
