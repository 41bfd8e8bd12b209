"""What a notebook 00 warned of when it made a bank from files or from people's pairs, for the top of the report.

Reads the sentences that `bank_health` keeps in a bank's source; a bank without warnings says nothing.
"""

from collections.abc import Iterator, Mapping

from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.store.disk import read_json
from rmkit.study.store.store import Store
from rmkit.worlds.bank_health import WARNINGS

MADE_BY = {"00_embedding_files": "The embedding files", "00_human_preferences": "The features of people's pairs"}


def bank_notices(store: Store, finished: Mapping[str, PlannedJob]) -> Iterator[tuple[str, bool]]:
    """Each warning once, and that it bears on every answer."""
    seen = set()
    for key, job in finished.items():
        if job.stage not in MADE_BY:
            continue
        source = read_json(store.artifact(key, "bank") / "bank.json").get("embedding_source")
        warnings = source.get(WARNINGS) if isinstance(source, dict) else None
        for warning in warnings if isinstance(warnings, list) else ():
            if (text := f"{MADE_BY[job.stage]}: {warning}") not in seen:
                seen.add(text)
                yield text, True
