"""How far drop ratios lie from the Gaussian curve, and from each other, in parts of a population of reward models.

A population may have analytic proxies beside heads: gold with errors of a chosen shape. They err as they were told to,
so a spread over all reward models is partly made. Here are the same numbers of the heads alone, and the departure of
the proxies of each shape. Rows of a part have its name in the column `among`; rows of all reward models have none.
Knows evaluations and rows only. Source: arXiv 2410.05584, section 4; gaussian_departure.py has the numbers.
"""

from functools import partial

import pandas as pd

from rmkit.artifacts.evaluations import Evaluations
from rmkit.evaluation.gaussian_departure import departure_rows, gamma_spread_rows
from rmkit.evaluation.population import BASE, GOLD

AMONG = "among"  # the column that says which part rows are of
HEADS = "heads"
NO_ERROR = "none"  # the error_shape of a reward model that learned from labels


def rows_of_parts(
    evaluations: Evaluations,
    turned: pd.DataFrame,
    measured: pd.DataFrame,
    *,
    n_resamples: int = 300,
    level: float = 0.95,
) -> pd.DataFrame:
    """Result rows of the parts of a population that has proxies, no rows where it has none.

    Among `heads`: those of `departure_rows` and of `gamma_spread_rows` (turned, measured: as there). Among the proxies
    of each error_shape: metric departure. Columns as there, and `among`.
    """
    shape_f = evaluations.fits.get("error_shape", pd.Series(NO_ERROR, index=evaluations.fits.index))
    shapes = [shape for shape in dict.fromkeys(shape_f.dropna()) if shape != NO_ERROR]
    if not shapes:
        return pd.DataFrame()
    beside_f = evaluations.fits["fit"].isin([GOLD, BASE])
    rows_of = partial(departure_rows, n_resamples=n_resamples, level=level)
    tables = []
    if (head_f := shape_f == NO_ERROR).any():
        departed = rows_of(evaluations.keep((head_f | beside_f).to_numpy()))
        lost = gamma_spread_rows(turned[turned["fit"].isin(evaluations.fits["fit"][head_f])], measured, level=level)
        tables += [_named(departed, HEADS, HEADS), _named(lost, HEADS, HEADS)]
    for shape in shapes:
        rows = rows_of(evaluations.keep(((shape_f == shape) | beside_f).to_numpy()))
        tables.append(_named(rows[rows["metric"] == "departure"], shape, f"{shape} proxies"))
    return pd.concat([table for table in tables if len(table)], ignore_index=True)


def _named(rows: pd.DataFrame, part: str, words: str) -> pd.DataFrame:
    """The rows as those of a part, which is called so in their names."""
    if rows.empty:
        return rows
    return rows.assign(**{AMONG: part, "fit": rows["fit"].str.replace("all reward models", words, regex=False)})
