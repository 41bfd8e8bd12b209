from pathlib import Path

import pytest
import yaml

from rmkit.errors import DataError, ParamsError
from rmkit.findings import rules
from rmkit.findings.rules import check_against_notebooks, read_rule, read_rules
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
        path.write_text("# a comment\n" + yaml.safe_dump(CONTENT | change), encoding="utf-8")
        written[name] = read_rule(path, name).digest
    (tmp_path / "a-beats-b.yaml").write_text(yaml.safe_dump(CONTENT, sort_keys=False), encoding="utf-8")
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
        ({"statement": ["a", "b"]}, r"statement: \['a', 'b'\] is not a text"),
        ({"stage": ["04_reward_models"]}, r"stage: \['04_reward_models'\] is not a text"),
        ({"estimand": {}}, "estimand: {} is not a text"),
        ({"metric": {"best_of_n": float("inf")}}, "metric: {'best_of_n': inf} is no metric"),
        ({"metric": {"best_of_n": 0}}, "metric: {'best_of_n': 0} is no metric"),
        ({"threshold": float("nan")}, "threshold: nan is not a number"),
        ({"first": "d_optimal"}, "first: 'd_optimal' names no fits"),
        ({"where": "grammar"}, "where: 'grammar' is not the parameters of jobs"),
        (
            {"metric": {"best_of_n": "all"}},
            "metric: {'best_of_n': 'all'} is no metric; write accuracy, or {best_of_n: 32}",
        ),
    ],
)
def test_a_bad_rule_is_one_sentence_with_file_and_key(tmp_path, change, message):
    path = tmp_path / "bad.yaml"
    path.write_text(yaml.safe_dump(CONTENT | change), encoding="utf-8")
    with pytest.raises((DataError, ParamsError), match=f"bad.yaml: {message}"):
        read_rules(tmp_path, "findings")


def test_the_shipped_findings_are_as_the_embedded_study_registered_them():
    study = yaml.safe_load((ROOT / "params" / "tiny.yaml").read_text(encoding="utf-8"))
    assert set(study["stages"]["07_figures"]["registered"]) == {f"{rule.name}@{rule.digest}" for rule in SHIPPED}


@pytest.mark.parametrize("study", sorted((ROOT / "params").glob("*.yaml")), ids=lambda path: path.stem)
def test_what_a_study_registers_is_as_shipped(study):
    stages = yaml.safe_load(study.read_text(encoding="utf-8"))["stages"]
    figures = stages.get("07_figures") or {}
    rules = read_rules(ROOT / figures.get("findings_folder", "docs/findings"))
    assert set(figures.get("registered", [])) <= {f"{rule.name}@{rule.digest}" for rule in rules}


def test_07_judges_the_statements_of_findings_folder(tmp_path):
    own = tmp_path / "findings"
    own.mkdir()
    (own / "a-beats-b.yaml").write_text(yaml.safe_dump(CONTENT), encoding="utf-8")
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


GROUPS = {"first": {"strategy": "a"}, "second": {"strategy": "b"}}
OTHER_STATISTICS = {
    "labels_saved": CONTENT | GROUPS | {"statistic": "labels_saved"},
    "spread_ratio": CONTENT
    | GROUPS
    | {"statistic": "spread_ratio", "estimand": "new seeds, these prompts", "threshold": 1.0},
    "difference_of_differences": CONTENT
    | GROUPS
    | {"statistic": "difference_of_differences", "at": {"beta": 0.5}, "against": {"beta": 4.0}},
}


@pytest.mark.parametrize("statistic", OTHER_STATISTICS)
def test_a_rule_of_each_statistic_over_seeds_has_its_groups(tmp_path, statistic):
    (tmp_path / "it.yaml").write_text(yaml.safe_dump(OTHER_STATISTICS[statistic]), encoding="utf-8")
    rule = read_rule(tmp_path / "it.yaml", "it.yaml")
    assert [*rule.groups()] == [*rules.GROUPS[statistic]]
    assert (statistic, rule.estimand) in rules.OVER_WORLDS


@pytest.mark.parametrize(
    ("statistic", "change", "message"),
    [
        (
            "labels_saved",
            {"first": {"annotations": "most"}},
            "first: annotations: labels_saved looks along all of them",
        ),
        ("labels_saved", {"estimand": "new prompts, these fits"}, "estimand of labels_saved: .* is not one of"),
        ("spread_ratio", {"threshold": 0.0}, "threshold: 0.0; a ratio is above 0, and 1 where nothing differs"),
        ("difference_of_differences", {"at": None}, "lacks at; a rule of difference_of_differences must say it"),
        ("difference_of_differences", {"against": {}}, "against: {} names no fits"),
        ("labels_saved", {"where": {"task": []}}, r"where: task: \[\]; list the values to average, each once"),
        ("labels_saved", {"where": {"task": ["a", "a"]}}, "where: task: .*; list the values to average, each once"),
    ],
)
def test_a_bad_rule_of_a_statistic_over_seeds_is_one_sentence(tmp_path, statistic, change, message):
    (tmp_path / "bad.yaml").write_text(yaml.safe_dump(OTHER_STATISTICS[statistic] | change), encoding="utf-8")
    with pytest.raises(DataError, match=f"bad.yaml: {message}"):
        read_rule(tmp_path / "bad.yaml", "bad.yaml")


DECLARED = {
    "04_reward_models": {"seed": (), "world": ("grammar", "files"), "reward_models": ("linear_bt", "mlp_bt")},
    "05_active_labeling": {
        "seed": (),
        "strategies": ("random", "entropy"),
        "task": ("helpful", "harmless"),
        "n_batch": (),
    },
    "06_accuracy_vs_policy": {"seed": ()},
}
TEXTS = {
    "04_reward_models": frozenset({"linear_bt", "mine", "reward_model", "world"}),
    "05_active_labeling": frozenset(),
    "06_accuracy_vs_policy": frozenset({"my_measure"}),
}
GOOD = CONTENT | {"first": {"reward_model": ["mine", "gold"]}, "second": {"reward_model": "mlp_bt", "beta": 0.5}}
GOOD |= {"where": {"world": "files"}}
STRATEGIES = GOOD | {
    "stage": "05_active_labeling",
    "where": {},
    "second": {"strategy": "random", "annotations": "most"},
}
COMMON = {key: CONTENT[key] for key in ("statement", "source", "threshold", "matters", "unit")}
COMMON |= {"stage": "06_accuracy_vs_policy", "estimand": "new reward models, new prompts"}
CORRELATION = COMMON | {"statistic": "correlation", "measure": "my_measure", "policy": {"best_of_n": 32}}
DIFFERENCE = COMMON | {"statistic": "correlation_difference", "of": "accuracy", "first": {"kl": 2}}

AMONG = CORRELATION | {"among": {"error_shape": "none"}}

BATCHES = STRATEGIES | {"first": {"strategy": "random", "n_batch": 5, "task": "helpful"}}
BATCHES |= {"where": {"task": ["helpful", "harmless"]}}


@pytest.mark.parametrize("content", [GOOD, BATCHES, CORRELATION, AMONG, DIFFERENCE | {"second": {"best_of_n": 2}}])
def test_what_the_notebooks_declare_and_name_may_be_asked(tmp_path, content):
    (tmp_path / "it.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    check_against_notebooks(tmp_path, "findings", DECLARED, TEXTS)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (BATCHES | {"where": {"task": ["helpful", "harmles"]}}, "where: task: 'harmles' .*; did you mean 'harmless'"),
        (BATCHES | {"first": {"task": "helpfull"}}, "first: task: 'helpfull' is not one of .*; did you mean 'helpful'"),
        (BATCHES | {"first": {"n_batches": 5}}, "first: 'n_batches' is not one of .*; did you mean 'n_batch'"),
        (GOOD | {"stage": "04_reward_model"}, "stage: '04_reward_model' .*; did you mean '04_reward_models'"),
        (GOOD | {"where": {"wrold": "grammar"}}, "where: 'wrold' is not one of seed, world, .*; did you mean 'world'"),
        (GOOD | {"where": {"world": "grammer"}}, "where: world: 'grammer' is not one of .*; did you mean 'grammar'"),
        (GOOD | {"metric": {"best_off_n": 4}}, "metric: 'best_off_n' is not one of .*; did you mean 'best_of_n'"),
        (GOOD | {"metric": "reward_model"}, "metric: 'reward_model' is not one of "),
        (GOOD | {"metric": "world"}, "metric: 'world' is not one of "),
        (GOOD | {"metric": "best_of_32"}, "metric: 'best_of_32' is not one of .*; did you mean 'best_of_n'"),
        (GOOD | {"metric": "best_of_n"}, "metric: best_of_n has a value for each n; write {best_of_n: 2}"),
        (GOOD | {"metric": {"accuracy": 2}}, "metric: accuracy has no axis; write accuracy alone"),
        (GOOD | {"first": {"reward_modle": "a"}}, "first: 'reward_modle' is not .*; did you mean 'reward_model'"),
        (GOOD | {"first": {"reward_model": "mlp_btt"}}, "first: reward_model: 'mlp_btt' .*; did you mean 'mlp_bt'"),
        (GOOD | {"first": {"reward_model": {"x": 1}}}, "first: reward_model: {'x': 1} is no value of a column"),
        (GOOD | {"first": {"reward_model": ["mine", ["gold"]]}}, r"first: reward_model: \['gold'\] is no value of a"),
        (
            GOOD | {"second": {"annotations": "mots"}},
            "second: annotations: 'mots' is not one of .*; did you mean 'most'",
        ),
        (STRATEGIES | {"first": {"strategy": "entropi"}}, "first: strategy: 'entropi' .*; did you mean 'entropy'"),
        (
            CORRELATION | {"measure": "acuracy"},
            "measure: 'acuracy' is not one of one_pair, .*; did you mean 'accuracy'",
        ),
        (CORRELATION | {"policy": {"best_of": 2}}, "policy: 'best_of' is not one of .*; did you mean 'best_of_n'"),
        (CORRELATION | {"policy": "spearman"}, "measure: a correlation is of a measure with a policy"),
        (CORRELATION | {"measure": {"kl": 2}}, "measure: a correlation is of a measure with a policy"),
        (AMONG | {"among": {"error_shap": "none"}}, "among: 'error_shap' is not .*; did you mean 'error_shape'"),
        (AMONG | {"among": {"seed": 0}}, "among: 'seed' is not one of fit, "),
        (AMONG | {"among": {"error_shape": "nonne"}}, "among: error_shape: 'nonne' .*; did you mean 'none'"),
        (AMONG | {"among": {}}, "among: {} names no fits; write {error_shape: none}"),
        (DIFFERENCE | {"second": "spearman"}, "of: a correlation is of a measure with a policy"),
    ],
)
def test_what_nothing_has_is_one_sentence_with_what_was_meant(tmp_path, content, message):
    (tmp_path / "it.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(DataError, match=f"^findings/it.yaml: {message}"):
        check_against_notebooks(tmp_path, "findings", DECLARED, TEXTS)
