"""The health of the banks that a world makes, and its warnings kept where the report finds them.

Knows banks; what is looked at, and from where on it is a warning, is in measures/embedding_health.py.
"""

import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING

from rmkit.measures.embedding_health import Finding, embedding_findings, gold_finding, shared_finding

if TYPE_CHECKING:
    from rmkit.artifacts.bank import ResponseBank

WARNINGS = "warnings"  # in a bank's `embedding_source`, where there are any


def examined(bank: "ResponseBank", test_bank: "ResponseBank | None" = None) -> list[Finding]:
    """What there is to say of the embeddings of a bank, of its gold rewards if it has some, and of its test bank."""
    found = list(embedding_findings(bank.embedding_rd))
    if test_bank is not None:
        found.append(shared_finding(bank.embedding_rd, test_bank.embedding_rd))
    for each, of in ((bank, "training"), (test_bank, "test")):
        if each is not None and "gold" in each.scores:
            found.append(gold_finding(each.scores["gold"], each.prompt_id_r, of))
    return found


def with_warnings(bank: "ResponseBank", findings: Iterable[Finding]) -> "ResponseBank":
    """The bank with the sentences of the warnings in its `embedding_source`; the same bank if there is none."""
    warnings = [finding.sentence for finding in findings if finding.warns]
    source = {**bank.embedding_source, WARNINGS: warnings}
    return dataclasses.replace(bank, embedding_source=source) if warnings else bank
