"""The list of claims knows every statement on active labelling, and names places that there are."""

import re
from pathlib import Path

import pytest
import yaml

from rmkit.active.registry import STRATEGIES
from rmkit.findings.claims import CLAIMS, CONTEST, EVALUATION, GAPS, INFORMATION, LABELLING, LISTED, claim_of
from rmkit.findings.rules import read_rules

ROOT = Path(__file__).resolve().parents[2]
SHIPPED, LEDGER, POLICIES = (
    read_rules(ROOT / "docs" / folder) for folder in ("findings", "findings-active", "findings-policies")
)
ASKED_BY_NOTHING = {"A5", "A9", "A10"}


def test_every_statement_on_active_labelling_is_of_a_claim_and_no_other_is():
    ours = [rule.name for rule in (*SHIPPED, *LEDGER) if rule.stage == "05_active_labeling"]
    assert all(claim_of(name) for name in ours)
    assert {name for name, claim in LISTED.items() if claim in LABELLING} <= set(ours)
    others = [rule.name for rule in SHIPPED if rule.name not in ours]
    assert not [name for name in others if claim_of(name) in LABELLING]
    assert {name for name, claim in LISTED.items() if claim in EVALUATION} <= set(others)


def test_a_claim_is_asked_by_statements_or_says_where_it_is_answered():
    assert set(LABELLING) == {*(f"A{i}" for i in range(1, 13)), CONTEST}
    assert set(EVALUATION) == {f"C{i}" for i in range(1, 13)}
    asked = {claim_of(rule.name) for rule in LEDGER}
    assert asked == set(LABELLING) - ASKED_BY_NOTHING
    assert all(CLAIMS[name].elsewhere for name in ASKED_BY_NOTHING)
    assert {claim_of(rule.name) for rule in POLICIES} == set(EVALUATION)


@pytest.mark.parametrize("claim", CLAIMS)
def test_places_that_claims_name_are_there(claim):
    for path in re.findall(r"(?:docs|tests|benchmarks)/[\w/.-]*\w", CLAIMS[claim].elsewhere):
        assert (ROOT / path).exists()


def test_names_of_statements_are_given_once_over_all_folders():
    names = [rule.name for rule in (*SHIPPED, *LEDGER, *POLICIES)]
    assert len(set(names)) == len(names)


def test_statements_speak_of_strategies_that_there_are():
    for rule in LEDGER:
        for group in rule.groups().values():
            named = group.get("strategy", [])
            assert set([named] if isinstance(named, str) else named) <= set(STRATEGIES)


def test_the_contest_is_the_same_two_families_at_each_noise_and_outcome():
    contest = [
        rule for rule in LEDGER if rule.name.startswith("contest-") and rule.terms["first"]["strategy"] == [*GAPS]
    ]
    families = {yaml.safe_dump([rule.terms["first"], rule.terms["second"]]) for rule in contest}
    assert len(families) == 1
    assert contest[0].terms["first"]["strategy"] == [*GAPS]
    assert contest[0].terms["second"]["strategy"] == [*INFORMATION]
    places = {(str(rule.terms["metric"]), rule.where.get("beta")) for rule in contest}
    assert len(places) == len(contest) == 12
