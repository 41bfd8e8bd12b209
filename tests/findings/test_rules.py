from pathlib import Path

import pytest
import yaml

from rmkit.errors import DataError, ParamsError
from rmkit.findings import rules
from rmkit.findings.rules import read_rule, read_rules
from rmkit.intervals import correlations, means
from tests.notebook_cells import KeepingJob, run_cells

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = read_rules(ROOT / "docs" / "findings")
CONTENT = {
    "statement": "a is better than b.",
    "source": "nobody",
    "stage": "04_reward_models",
    "statistic": "difference",
    "metric": "accuracy",
    "first": {"reward_model": "a"},
    "second": {"reward_model": "b"},
    "threshold": 0.0,
    "matters": 0.1,
    "unit": "accuracy",
    "estimand": "new seeds, new prompts",
}


def test_the_digest_sees_every_part_of_a_rule_and_no_comment(tmp_path):
    written = {}
    for name, change in {
        "same": {},
        "threshold": {"threshold": 0.5},
        "matters": {"matters": 0.2},
        "statement": {"statement": "b is worse than a."},
        "first": {"first": {"reward_model": ["a", "c"]}},
        "where": {"where": {"world": "grammar"}},
    }.items():
        path = tmp_path / name / "a-beats-b.yaml"
        path.parent.mkdir()
        path.write_text("# a comment\n" + yaml.safe_dump(CONTENT | change))
        written[name] = read_rule(path, name).digest
    (tmp_path / "a-beats-b.yaml").write_text(yaml.safe_dump(CONTENT, sort_keys=False))
    assert read_rule(tmp_path / "a-beats-b.yaml", "again").digest == written["same"]
    assert len(set(written.values())) == len(written)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"statistic": "diference"}, "statistic: 'diference' is not one of difference.*did you mean 'difference'"),
        ({"metric": None}, "lacks metric; a rule of difference must say it"),
        ({"estimand": "everything"}, "estimand of difference: 'everything' is not one of"),
        ({"threshold": "high"}, "threshold: 'high' is not a number"),
        ({"matters": 0.0}, "matters: 0.0; the smallest effect that would matter is above 0"),
        ({"measure": "x"}, "'measure' is not one of"),
        ({"threshold": float("nan")}, "threshold: nan is not a number"),
        ({"first": "d_optimal"}, "first: 'd_optimal' names no fits"),
        ({"where": "grammar"}, "where: 'grammar' is not the parameters of jobs"),
    ],
)
def test_a_bad_rule_is_one_sentence_with_file_and_key(tmp_path, change, message):
    path = tmp_path / "bad.yaml"
    path.write_text(yaml.safe_dump(CONTENT | change))
    with pytest.raises((DataError, ParamsError), match=f"bad.yaml: {message}"):
        read_rules(tmp_path, "findings")


def test_the_shipped_findings_are_as_the_embedded_study_registered_them():
    study = yaml.safe_load((ROOT / "params" / "tiny.yaml").read_text())
    assert set(study["stages"]["07_figures"]["registered"]) == {f"{rule.name}@{rule.digest}" for rule in SHIPPED}


def test_07_judges_the_statements_of_findings_folder(tmp_path):
    own = tmp_path / "findings"
    own.mkdir()
    (own / "a-beats-b.yaml").write_text(yaml.safe_dump(CONTENT))
    usual, other = (
        run_cells("07_figures", KeepingJob(tmp_path), "rules", **folder)["rules"]
        for folder in ({}, {"findings_folder": str(own)})
    )
    assert usual == SHIPPED
    assert [rule.name for rule in other] == ["a-beats-b"]


def test_a_rules_estimands_are_those_of_the_intervals():
    assert rules.SEEDS_AND_PROMPTS == means.NEW_SEEDS_NEW_PROMPTS
    assert rules.PROMPTS == means.NEW_PROMPTS_THESE_FITS
    assert rules.MODELS_AND_PROMPTS == correlations.NEW_MODELS_NEW_PROMPTS
