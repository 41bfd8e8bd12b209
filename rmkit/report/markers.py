"""Markers: where a text quotes a result of a study, and how the result reads there.

A marker is an HTML comment, which Markdown and JupyterLab hide. It says what is quoted and, after a colon, how. What it
quotes follows, up to the comment `.`:

    finding NAME: both signed 3      effect, interval, both, whole (with the verdict) or detectable of a registered
                                     statement; or its verdict, or its judgement, which also says what Holm's correction
                                     leaves or what could have been seen
    rows STAGE METRIC COLUMN=VALUE ...: mean percent 1
                                     mean, least, most or range of a stage's rows, or how many `rows` or `jobs` there
                                     are, without a style; a VALUE may be `a,b` or `a..b`
    findings: verdicts               count, verdicts, surviving (and how many of these are sanity checks, as
                                     surviving_checks) or estimands of all statements; or a table of those that lead a
                                     question, of every statement, beside what an earlier study gave, or of the claims
                                     of a paper with what was asked of each
    finding NAME is VERDICT          quotes nothing and has no end: what is said beside it holds for this verdict alone

The results are those of the embedded study, unless a marker says whose they are before its colon or its `is`: `finding
NAME of paper2-small: both signed 3`, `findings of paper2-small: claims`.
A number is a `number`, `signed`, `percent` or `points`, with so many digits; `opposite` turns a finding's sign round.
Knows texts and the results that are quoted (quoted.py); no store.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from rmkit.errors import DataError, one_of
from rmkit.findings.claims import CONTEST, LEDGERS, claim_of
from rmkit.findings.questions import OTHER, QUESTIONS, SANITY_CHECKS
from rmkit.report.parts import VERDICTS
from rmkit.report.wording import NONE, between, join, number, percent, points, sentence, signed

EMBEDDED = "tiny"
# "findings": by name the row of 07_figures; "rows": by selection its quantities; "earlier": findings before, on other
# seeds or on another world ("earlier_on"); "statements": the folder of the statements' files
Results = Mapping[str, Any]
STYLES: dict[str, Callable[..., str]] = {"number": number, "signed": signed, "percent": percent, "points": points}
QUANTITIES = {name: (name,) for name in ("mean", "least", "most", "rows", "jobs")} | {"range": ("least", "most")}
PLAIN = ("verdict", "judgement", "rows", "jobs")  # words, or a count: no style, no digits
OF_FINDING = ("effect", "interval", "both", "whole", "detectable", "verdict", "judgement")
KINDS = ("finding", "findings", "rows")
TABLES = (("table",), ("every",), ("claims",))
COMMENT = re.compile(r"<!--(.*?)-->", re.DOTALL)
HOLDS = re.compile(rf"finding (\S+)(?: of (\S+))? is ({'|'.join(VERDICTS)})")
END = "."
MARKER = re.compile(rf"<!-- (?:\{END}|(?:{'|'.join(KINDS)})[ :][^<>]*) -->")


@dataclass(frozen=True)
class Marker:
    """One marker of a text."""

    where: str  # file and line
    kind: str  # one of KINDS, or "is"
    subject: str  # a statement's name, or the selection of rows
    form: tuple[str, ...]  # how it reads; of "is" the verdict
    study: str  # whose results are quoted
    start: int  # of what it quotes, in the text
    end: int


def markers(text: str, where: str) -> list[Marker]:
    """All markers of a text, in order. where: the text's name; the line is added.

    DataError for a comment that is no marker, and for a marker without an end, or one that begins its line.
    """
    found, comments = [], list(COMMENT.finditer(text))
    while comments:
        comment = comments.pop(0)
        said = " ".join(comment[1].split())
        here = f"{where}:{text.count(chr(10), 0, comment.start()) + 1}: <!-- {said} -->"
        if holds := HOLDS.fullmatch(said):
            marker = Marker(here, "is", holds[1], (holds[3],), holds[2] or EMBEDDED, comment.end(), comment.end())
        else:
            if said == END:
                raise DataError(f"{here} ends no marker")
            kind, subject, form, study = parsed(said, here)
            if not comments or comments[0][1].strip() != END:
                raise DataError(f"{here} is not followed by its end, <!-- {END} -->")
            marker = Marker(here, kind, subject, form, study, comment.end(), comments.pop(0).start())
        found.append(marker)
        begins = not text[text.rfind("\n", 0, comment.start()) + 1 : comment.start()].strip()
        if begins and marker.form not in TABLES:
            raise DataError(f"{here} begins its line, which Markdown then takes for HTML: put a word before it")
    return found


def without_markers(text: str) -> str:
    """A text as its reader sees it: what is quoted, and no marker. Other comments stay."""
    return MARKER.sub("", text)


def parsed(said: str, here: str) -> tuple[str, str, tuple[str, ...], str]:
    """Kind, subject, form and study of a marker that quotes; DataError if it is none, or asks for what there is not."""
    what, colon, how = said.partition(":")
    what, of, study = what.partition(" of ")
    kind, _, subject = what.partition(" ")
    one_of(kind, KINDS, f"{here}: what is quoted", DataError)
    form = tuple(how.split())
    if not colon or not form:
        raise DataError(f"{here} does not say after a colon how its result reads")
    known = {"finding": OF_FINDING, "findings": (*OF_ALL, "every", "claims"), "rows": tuple(QUANTITIES)}[kind]
    one_of(form[0], known, here, DataError)
    if len(form) > 1 and (kind == "findings" or form[0] in PLAIN):
        raise DataError(f"{here}: {form[0]} has no style and no digits; write {form[0]} alone")
    if kind != "findings" and form[0] not in PLAIN:
        numeric = form[1:-1] if form[-1] == "opposite" and kind == "finding" else form[1:]
        one_of(numeric[0] if numeric else "", STYLES, f"{here}: style", DataError)
        if len(numeric) != 2 or not numeric[1].isdigit():
            raise DataError(f"{here} does not say {form[0]}, style and digits, as in `{form[0]} signed 3`")
    return kind, subject, form, study if of else EMBEDDED


def words(marker: Marker, by_study: Mapping[str, Results]) -> str:
    """What stands between a marker and its end, by the results of each study.

    DataError if they lack what it names, if there is no such number, or if an "is" does not hold.
    """
    results = by_study[one_of(marker.study, by_study, f"{marker.where}: study", DataError)]
    findings = results["findings"]
    if marker.kind == "findings" and marker.form == ("every",):
        return every(results)
    if marker.kind == "findings" and marker.form == ("claims",):
        return claims(results)
    if marker.kind == "findings":
        return OF_ALL[marker.form[0]](findings)
    if marker.kind == "rows":
        if marker.subject not in results["rows"]:
            raise DataError(f"{marker.where}: these rows were never quoted; `make results` adds them")
        row = results["rows"][marker.subject]
        return " to ".join(value(row, name, marker) for name in QUANTITIES[marker.form[0]])
    row = findings[one_of(marker.subject, findings, marker.where, DataError)]
    if marker.kind == "is":
        if row["verdict"] != marker.form[0]:
            raise DataError(f"{marker.where}: the verdict is {row['verdict']}; say beside it what follows")
        return ""
    return of_finding(row, marker)


def value(row: Mapping[str, Any], name: str, marker: Marker) -> str:
    """One number of a row in the marker's style; DataError if it is not there."""
    if row.get(name) is None:
        why = row.get("no_interval") or "`make results` looks for it"
        raise DataError(f"{marker.where}: there is no {name}; {why}")
    if marker.form[0] in PLAIN:
        return str(row[name])
    return STYLES[marker.form[1]](row[name], int(marker.form[2]))


def of_finding(row: Mapping[str, Any], marker: Marker) -> str:
    """The words of a statement's row that the marker's form asks for."""
    if marker.form[0] in PLAIN:
        return row["verdict"] if marker.form[0] == "verdict" else judgement(row)
    if marker.form[-1] == "opposite":
        turned = {"value": "value", "low": "high", "high": "low"}
        row = {**row, **{key: None if row[of] is None else -row[of] for key, of in turned.items()}}
    if marker.form[0] == "detectable":
        return value(row, "detectable", marker)
    effect = value(row, "value", marker)
    if marker.form[0] == "effect":
        return effect
    interval = " to ".join(value(row, end, marker).removeprefix("+").removesuffix(" points") for end in ("low", "high"))
    verdict = f"; {row['verdict']}" if marker.form[0] == "whole" else ""
    return interval if marker.form[0] == "interval" else f"{effect} ({interval}{verdict})"


def filled(text: str, where: str, by_study: Mapping[str, Results], faults: list[str]) -> str:
    """The text with what results give between its markers; where they give nothing, the fault is added instead."""
    for marker in reversed(markers(text, where)):
        try:
            text = text[: marker.start] + words(marker, by_study) + text[marker.end :]
        except DataError as fault:
            faults.insert(0, str(fault))
    return text


def judgement(row: Mapping[str, Any]) -> str:
    """A verdict with what to know beside it."""
    verdict = row["verdict"]
    if verdict in ("shown", "contradicted"):
        return f"{verdict}; {'survives' if row['survives'] else 'does not survive'} Holm's correction"
    if verdict == "cannot tell" and row["detectable"] is not None:
        return f"{verdict}; {number(row['detectable'], 3)} could have been seen"
    return f"{verdict}: {row['no_interval']}" if row["no_interval"] else verdict


def verdicts(findings: Results) -> str:
    """10 shown, 1 contradicted, 6 not shown and 11 cannot tell."""
    found = Counter(row["verdict"] for row in findings.values())
    return join([f"{found[name]} {name}" for name in VERDICTS if name in found])


def estimands(findings: Results) -> str:
    """17 for new seeds, new prompts; 6 for new prompts, these fits."""
    found = Counter(row["estimand"] for row in findings.values())
    return "; ".join(f"{count} for {estimand}" for estimand, count in found.most_common())


def leading(findings: Results) -> str:
    """The statements that lead a question, whatever their verdicts, as a Markdown table on lines of its own."""
    lines = ["| statement | effect, 95% interval | verdict | interval for |", "|---|---|---|---|"]
    for question in QUESTIONS:
        lines.append(f"| **{question.heading}** | | | |")
        for one in question.leading:
            if one.unless in findings:
                continue
            row = findings[one_of(one.rule, findings, "the table of statements", DataError)]
            effect = with_interval(row, f" {row['unit']}")
            lines.append(f"| {sentence(one.claim)} | {effect} | {judgement(row)} | {row['estimand']} |")
    return "\n".join(["\n", *lines, "\n"])


def every(results: Results) -> str:
    """All statements by question, by name: effect and verdict, and those that were found before, if any."""
    lines, findings = columns_of(results), results["findings"]
    for heading in (*(question.heading for question in QUESTIONS), OTHER):
        if any(row["question"] == heading for row in findings.values()):
            lines.append(across(f"**{heading}**", lines[0]))
        lines += [line(name, results) for name, row in sorted(findings.items()) if row["question"] == heading]
    return "\n".join(["\n", *lines, "\n"])


def columns_of(results: Results) -> list[str]:
    """The first two lines of a table of statements; a column more where there are findings of before."""
    before = [f"on the {results.get('earlier_on', 'seeds')} before"] if results.get("earlier") else []
    columns = ["statement", "effect, 95% interval", "verdict", *before]
    return ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]


def across(words: str, columns: str) -> str:
    """A line with words in the first of the table's columns, and nothing in the others."""
    return f"| {words} |" + " |" * columns.count(" | ")


def line(name: str, results: Results) -> str:
    """A statement's line in such a table."""
    row, earlier = results["findings"][name], results.get("earlier", {})
    before = f" {with_interval(old)}: {old['verdict']} |" if (old := earlier.get(name)) else f" {NONE} |"
    return f"| {linked(name, results)} | {told(row)} | {judgement(row)} |" + before * bool(earlier)


def claims(results: Results) -> str:
    """Each claim of the papers that are asked of: its statements with effect and verdict, and where else it is told."""
    lines, findings = columns_of(results), results["findings"]
    of_all = {claim_of(key) for key in findings}
    asked_of = [ledger for ledger in LEDGERS if of_all & set(ledger.claims)]
    for name, claim in [entry for ledger in asked_of for entry in ledger.claims.items()]:
        asked = {key: row for key, row in sorted(findings.items()) if claim_of(key) == name}
        beside = f" ({'also' if asked else 'not asked here, but'} in {claim.elsewhere})" if claim.elsewhere else ""
        heading = f"**{name.title() if name == CONTEST else name}. {claim.text}**{beside}"
        lines += [across(heading, lines[0]), *(line(key, results) for key in asked)]
    return "\n".join(["\n", *lines, "\n"])


def linked(name: str, results: Results) -> str:
    """A statement in words, which lead to its file; for a text in docs/."""
    folder = results.get("statements", "docs/findings").removeprefix("docs/")
    return f"[{results['findings'][name]['statement']}]({folder}/{name}.yaml)"


def told(row: dict[Hashable, Any]) -> str:
    """A statement's effect and interval, of what that is, what would matter, and the effect in each world."""
    worlds = json.loads(row.get("by_world") or "{}")
    each = f"; by world {', '.join(NONE if one is None else signed(one, 3) for one in worlds.values())}"
    return (
        f"{with_interval(row, ' ' + row['unit'])}, for {row['estimand']}; {row['matters']:g} would matter"
        f"{each if len(worlds) > 1 else ''}"
    )


def with_interval(row: dict[Hashable, Any], unit: str = "") -> str:
    """+0.021 nats (−0.008 to 0.050), as far as there is an effect and an interval."""
    effect = NONE if row["value"] is None else signed(row["value"], 3) + unit
    return effect + (between(row, lambda end: number(end, 3)) if row["low"] is not None else "")


OF_ALL: dict[str, Callable[[Results], str]] = {
    "count": lambda findings: str(len(findings)),
    "verdicts": verdicts,
    "surviving": lambda findings: str(sum(bool(row["survives"]) for row in findings.values())),
    "surviving_checks": lambda findings: str(
        sum(bool(findings[name]["survives"]) for name in SANITY_CHECKS if name in findings)
    ),
    "estimands": estimands,
    "table": leading,
}
