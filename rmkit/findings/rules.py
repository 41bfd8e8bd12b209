"""The statements that a study is held to: one YAML file each, read and checked, with a digest that sees every change.

A rule says which statistic tests it, on which fits of which stage, above which threshold, which size would matter, and
what its interval is of. Knows text and numbers only, so that `rmkit check` answers at once; verdicts.py judges.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rmkit.errors import DataError, one_of

SEEDS_AND_PROMPTS, PROMPTS, MODELS_AND_PROMPTS = (
    "new seeds, new prompts",
    "new prompts, these fits",
    "new reward models, new prompts",
)
STATISTICS = {  # what a rule of each statistic must say, and which estimands its interval may have
    "difference": (("metric", "first", "second"), (SEEDS_AND_PROMPTS, PROMPTS)),
    "correlation": (("measure", "policy"), (MODELS_AND_PROMPTS,)),
    "correlation_difference": (("of", "first", "second"), (MODELS_AND_PROMPTS,)),
}
ALWAYS = ("statement", "source", "stage", "statistic", "threshold", "matters", "unit", "estimand")


@dataclass(frozen=True)
class Rule:
    """One statement and how it is judged."""

    name: str
    statement: str
    source: str
    stage: str
    statistic: str
    threshold: float
    matters: float  # the smallest effect beyond the threshold that would matter, in `unit`
    unit: str
    estimand: str
    terms: Mapping[str, Any]  # what the statistic needs: metric, first, second, ...
    where: Mapping[str, Any] = field(default_factory=dict)  # parameters of the jobs that it is about

    @property
    def digest(self) -> str:
        """Eight hexadecimal digits of all that the rule says; comments and order do not count."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:8]


def read_rules(folder: str | Path, shown: str | None = None) -> list[Rule]:
    """The rules of a folder's YAML files, by name; DataError names the file and the key."""
    folder, shown = Path(folder), shown or str(folder)
    paths = sorted(folder.glob("*.yaml"))
    if not paths:
        raise DataError(f"{shown}: holds no .yaml file; a folder of findings has one for each statement")
    return [read_rule(path, f"{shown}/{path.name}") for path in paths]


def read_rule(path: Path, shown: str) -> Rule:
    """One rule, checked."""
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as fault:
        raise DataError(f"{shown}: cannot be read as YAML ({str(fault).splitlines()[0]})") from fault
    if not isinstance(content, dict):
        raise DataError(f"{shown}: is no mapping; a finding needs {', '.join(ALWAYS)}")
    statistic = one_of(str(content.get("statistic")), STATISTICS, f"{shown}: statistic", DataError)
    terms, estimands = STATISTICS[statistic]
    known = (*ALWAYS, *terms, "where")
    for key in content:
        one_of(key, known, shown, DataError)
    if missing := [key for key in (*ALWAYS, *terms) if content.get(key) is None]:
        raise DataError(f"{shown}: lacks {', '.join(missing)}; a rule of {statistic} must say it")
    one_of(content["estimand"], estimands, f"{shown}: estimand of {statistic}", DataError)
    for key in ("threshold", "matters"):
        number = content[key]
        if isinstance(number, bool) or not isinstance(number, int | float) or not abs(number) < float("inf"):
            raise DataError(f"{shown}: {key}: {number!r} is not a number")
    for key in ("first", "second") if statistic == "difference" else ():
        if not isinstance(content[key], dict) or not content[key]:
            raise DataError(f"{shown}: {key}: {content[key]!r} names no fits; write {{strategy: random}}")
    if not isinstance(content.get("where", {}), dict):
        raise DataError(f"{shown}: where: {content['where']!r} is not the parameters of jobs, as {{world: grammar}}")
    if not content["matters"] > 0:
        raise DataError(f"{shown}: matters: {content['matters']}; the smallest effect that would matter is above 0")
    return Rule(
        name=path.stem,
        terms={key: content[key] for key in terms},
        where=content.get("where", {}),
        **{key: content[key] for key in ALWAYS},
    )


def check(path: str | Path, shown: str | None = None) -> tuple[str, dict[str, int]]:
    """A sentence on what a folder of findings holds and its count, or the DataError that `read_rules` raises."""
    rules = read_rules(path, shown)
    return f"{shown or path}: {len(rules)} statements", {"findings": len(rules)}
