"""What a notebook 00 warned of when it made a bank from files or from people's pairs, for the top of the report.

Reads the sentences that `bank_health` keeps in a bank's source; a bank without warnings says nothing.
"""

from collections.abc import Iterator, Mapping

from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.store.disk import read_json
from rmkit.study.store.store import Store
from rmkit.worlds.bank_health import WARNINGS

MADE_BY = {"00_embedding_files": "The embedding files", "00_human_preferences": "The features of people's pairs"}
OF_PAIRS = "00_human_preferences"
REPEATED, DOMINATING = " have the embedding of another response; ", " of the variance: "


def of_pairs(warning: str, *, published: bool = False) -> str:
    """The warning as it stands for pairs, whose features are made here; empty where there is nothing to do.

    Only the two answers of a pair are compared, and heads divide each feature by its spread, except those that are
    trained as published.
    """
    if DOMINATING in warning:
        return warning if published else ""
    fact, repeated, _ = warning.partition(REPEATED)
    if not repeated:
        return warning
    return (
        f"{fact}{repeated.rstrip('; ')}. One answer under several prompts does no harm; where the two answers of a "
        "pair have equal features, every head tosses a coin."
    )


def bank_notices(store: Store, finished: Mapping[str, PlannedJob]) -> Iterator[tuple[str, bool]]:
    """Each warning once, and that it bears on every answer."""
    seen, published = set(), any(job.parameters.get("procedure") == "published" for job in finished.values())
    for key, job in finished.items():
        if job.stage not in MADE_BY:
            continue
        source = read_json(store.artifact(key, "bank") / "bank.json").get("embedding_source")
        warnings = source.get(WARNINGS) if isinstance(source, dict) else None
        for warning in warnings if isinstance(warnings, list) else ():
            if job.stage == OF_PAIRS:
                warning = of_pairs(str(warning), published=published)
            if warning and (text := f"{MADE_BY[job.stage]}: {warning}") not in seen:
                seen.add(text)
                yield text, True
