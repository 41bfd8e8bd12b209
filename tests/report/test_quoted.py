import copy
import json
import math
import re
import shutil
import subprocess
import sys
from collections import namedtuple

import numpy as np
import pandas as pd
import pytest

from rmkit.errors import DataError, ResultError
from rmkit.findings.questions import QUESTIONS
from rmkit.report.markers import COMMENT, filled, markers
from rmkit.report.quoted import (
    all_markers,
    copy_figures,
    fill,
    folder_of_statements,
    kept,
    measured,
    passages,
    replaced,
    selected,
    texts,
)  # fmt: skip
from rmkit.study.notebook_side.gathered import Gathered
from tests.checkout import environment, execute
from tests.small_project import REPOSITORY

TEXTS = list(texts(REPOSITORY))
Job = namedtuple("Job", "stage parameters")


@pytest.fixture(scope="module")
def by_study():
    """The results of each study that texts quote."""
    return kept(REPOSITORY)


def all_filled(results, faults):
    """Every text of the repository, as these results would have it."""
    return [filled(text, where, results, faults) for path in TEXTS for where, text in passages(path, REPOSITORY)]


def changed(by_study, study, part, name, key, value):
    """The results with one value of one study changed."""
    found = copy.deepcopy(by_study)
    found[study][part][name][key] = value
    return found


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_every_quoted_number_is_what_the_study_gave(path, by_study):
    faults = []
    for where, text in passages(path, REPOSITORY):
        assert filled(text, where, by_study, faults) == text, f"{path.name}: run `make results`"
    assert not faults


def another(verdict):
    return "shown" if verdict == "not answered" else "not answered"


def test_a_changed_result_changes_a_text_or_is_a_fault(by_study):
    as_it_is = all_filled(by_study, [])
    leading = {one.rule for question in QUESTIONS for one in question.leading} & set(by_study["tiny"]["findings"])
    quoted = {(one.study, one.subject) for one in all_markers(REPOSITORY) if one.form[0] in ("both", "whole")}
    assert quoted
    assert leading
    for study, results in by_study.items():
        for selection, row in results["rows"].items():
            for quantity, value in row.items():
                other = changed(by_study, study, "rows", selection, quantity, value + 1)
                assert all_filled(other, []) != as_it_is, f"{selection}: {quantity} is quoted nowhere"
        for name, row in results["findings"].items():
            other = changed(by_study, study, "findings", name, "verdict", another(row["verdict"]))
            assert all_filled(other, []) != as_it_is, name
            whole = (study, name) in quoted or (study == "tiny" and name in leading)
            for number in ("value", "low", "high") if whole else ():
                other = changed(by_study, study, "findings", name, number, row[number] + 1)
                assert all_filled(other, []) != as_it_is, f"{name}: {number}"


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_no_effect_with_its_interval_is_typed(path):
    for where, text in passages(path, REPOSITORY):
        for marker in reversed(markers(text, where)):
            text = text[: marker.start] + text[marker.end :]
        typed = re.findall(r"\d[^()]{0,20} \([−+-]?\d+\.\d+ to [−+-]?\d+\.\d+", text)
        assert not typed, f"{where}: quote it from rows, as rmkit/report/markers.py says"


def test_a_verdict_that_turns_is_told_wherever_a_sentence_rests_on_it(by_study):
    resting = {(marker.study, marker.subject) for marker in all_markers(REPOSITORY) if marker.kind == "is"}
    assert resting
    for study, name in resting:
        faults, verdict = [], another(by_study[study]["findings"][name]["verdict"])
        all_filled(changed(by_study, study, "findings", name, "verdict", verdict), faults)
        assert any(f"the verdict is {verdict}" in fault for fault in faults), name


def test_what_is_kept_is_what_is_quoted(by_study):
    found = all_markers(REPOSITORY)
    assert {one.study for one in found} == set(by_study)
    for study, results in by_study.items():
        quoted = {one.subject for one in found if one.kind == "rows" and one.study == study}
        assert set(results["rows"]) == quoted
        assert results["study"] == f"params/{study}.yaml"
        assert results["machine"]


@pytest.mark.parametrize("path", [path for path in TEXTS if path.suffix == ".ipynb"], ids=lambda path: path.name)
def test_filling_a_notebook_leaves_everything_else_to_the_byte(path, by_study):
    before = path.read_text(encoding="utf-8")
    spoilt = [re.sub(r"-->[^<]+<!-- \. -->", "-->9<!-- . -->", text) for _, text in passages(path, REPOSITORY)]
    mended = [filled(text, path.name, by_study, []) for text in spoilt]
    assert replaced(path, mended) == before


SEEDS, HEADS, ANNOTATIONS = (0, 1, 2), ("linear_bt", "mlp_bt"), (100, 1800)


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """Three finished jobs of 04, a seed each, and one of 07; and all rows of 04 as one table."""
    folder, rng, jobs, tables = tmp_path_factory.mktemp("stored"), np.random.default_rng(0), [], []
    for seed in SEEDS:
        rows = [
            {"fit": f"{head}-{number}", "reward_model": head, "annotations": float(number), "metric": metric,
             "beta": math.inf, "value": rng.normal(), "reason": None, "units": 30}
            for head in HEADS for number in ANNOTATIONS for metric in ("accuracy", "spearman")
        ]  # fmt: skip
        table = pd.DataFrame(rows).assign(param_seed=seed, param_betas="[1.0]", job=f"04-{seed}")
        tables.append(table)
        jobs.append(("04_reward_models", table))
    effect = {"fit": "one-beats-two", "metric": "effect", "value": 0.1, "reason": None, "units": 3,
              "low": math.nan, "high": math.nan,
              "detectable": math.nan, "verdict": "not answered", "survives": "", "unit": "nats",
              "estimand": "new seeds, new prompts", "no_interval": "too few", "job": "07",
              "statement": "One beats two.", "question": "Which is better?", "matters": 0.05, "by_world": ""}  # fmt: skip
    jobs.append(("07_figures", pd.DataFrame([effect])))
    for number, (_, table) in enumerate(jobs):
        (folder / str(number)).mkdir()
        table.to_parquet(folder / str(number) / "rows.parquet")
    listed = [{"stage": stage, "parameters": {}, "folder": folder / str(n)} for n, (stage, _) in enumerate(jobs)]
    return Gathered("test", listed), pd.concat(tables)


def asked(selection, form):
    return markers(f"a <!-- rows {selection}: {form} -->b<!-- . -->", "README.md")


def test_quantities_are_those_of_the_rows(stored):
    gathered, table = stored
    linear = table[(table["reward_model"] == "linear_bt") & (table["metric"] == "accuracy")]
    most = linear[linear["annotations"] == 1800]["value"]
    one = "04_reward_models accuracy reward_model=linear_bt annotations=1800"
    every = "04_reward_models accuracy reward_model=linear_bt,other annotations=50..2000 beta=inf"
    found = [*asked(one, "mean percent 1"), *asked(one, "most number 2"), *asked(every, "range number 2"),
             *asked(every, "rows"), *asked(every, "jobs")]  # fmt: skip
    rows = measured(found, gathered)["rows"]
    assert rows == {
        one: {"mean": pytest.approx(most.mean()), "most": most.max()},
        every: {"least": linear["value"].min(), "most": linear["value"].max(), "rows": 6, "jobs": 3},
    }
    changed = most.copy()
    changed.iloc[0] += 0.3
    assert rows[one]["mean"] != pytest.approx(changed.mean())


def test_fits_are_selected_by_another_metric_of_theirs(stored):
    gathered, table = stored
    wide = table.pivot(index=["job", "fit"], columns="metric", values="value")
    within = wide[wide["spearman"].between(-0.5, 0.5)]["accuracy"]
    assert 1 < len(within) < len(wide)
    selection = "04_reward_models accuracy spearman=-0.5..0.5"
    assert measured(asked(selection, "range number 2"), gathered)["rows"][selection] == {
        "least": within.min(),
        "most": within.max(),
    }


def test_a_statement_is_kept_whole_and_a_missing_number_is_none(stored):
    finding = measured([], stored[0])["findings"]["one-beats-two"]
    assert finding["value"] == 0.1
    assert finding["low"] is None
    assert finding["no_interval"] == "too few"
    assert (finding["statement"], finding["question"]) == ("One beats two.", "Which is better?")


@pytest.mark.parametrize(
    ("selection", "said"),
    [
        ("04_reward_model accuracy", "did you mean '04_reward_models'?"),
        ("04_reward_models acuracy", "did you mean 'accuracy'?"),
        ("04_reward_models accuracy anotations=100", "did you mean 'annotations'?"),
        ("04_reward_models accuracy annotations=many", "'many' is not a number"),
        ("04_reward_models accuracy annotations=200", "no rows are like that"),
        ("04_reward_models accuracy reward_model=0..1", "'0..1' is a range, and this column has texts"),
        ("04_reward_models accuracy annotations=100", "more than one row a job"),
    ],
)
def test_a_selection_that_no_rows_answer_is_one_sentence(stored, selection, said):
    with pytest.raises(DataError, match=re.escape(said)) as fault:
        measured(asked(selection, "mean percent 0"), stored[0])
    assert str(fault.value).startswith("README.md:1: ")


@pytest.mark.slow
def test_the_command_fills_in_what_a_finished_study_gave(smoke, tmp_path):
    project = shutil.copytree(smoke, tmp_path / "project")
    for path in [*project.glob("docs/*.md"), *project.glob("notebooks/*.ipynb")]:
        path.write_text(COMMENT.sub("", path.read_text(encoding="utf-8")), encoding="utf-8")
    readme, selection = project / "README.md", "09_human_preferences accuracy reward_model=shorter"
    text = "Right in <!-- rows {} of smoke: mean percent 1 -->{}<!-- . --> of pairs; <!-- findings of smoke: count -->{}<!-- . --> asked.\n"
    readme.write_text(text.format(selection, "?", "?"), encoding="utf-8")
    command = [sys.executable, "-m", "rmkit.report.quoted", "smoke"]
    assert execute(command, project, project) == "docs/results/smoke.json has what the texts quote; README.md changed\n"
    rows = pd.concat(map(pd.read_parquet, project.glob("runs/jobs/09_human_preferences-*/rows.parquet")))
    mean = rows[(rows["metric"] == "accuracy") & (rows["reward_model"] == "shorter")]["value"].mean()
    statements = len(list(project.glob("docs/findings/*.yaml")))
    assert readme.read_text(encoding="utf-8") == text.format(selection, f"{100 * mean:.1f}%", statements)
    assert "no text changed" in execute(command, project, project)
    shutil.rmtree(next(project.glob("runs/jobs/09_human_preferences-*")))
    ended = subprocess.run(command, cwd=project, env=environment(project), capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "jobs are finished" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_fault_leaves_its_own_text_and_the_others_are_filled(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "README.md").write_text("a <!-- finding gone: verdict -->b<!-- . -->\n", encoding="utf-8")
    (tmp_path / "docs/one.md").write_text("a <!-- findings: count -->b<!-- . -->\n", encoding="utf-8")
    changed, faults = fill(tmp_path, {"tiny": {"findings": {}, "rows": {}}})
    assert changed == ["docs/one.md"]
    assert (tmp_path / "docs/one.md").read_text(encoding="utf-8") == "a <!-- findings: count -->0<!-- . -->\n"
    assert len(faults) == 1
    assert faults[0].startswith("README.md:1: ")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("README.md", b"\xff", "README.md: is no text in UTF-8"),
        ("README.md", None, r"README\.md: cannot be read \(No such file"),
        ("notebooks/a.ipynb", b"{", r"notebooks/a\.ipynb: is no notebook"),
        ("notebooks/a.ipynb", b"[]", r"notebooks/a\.ipynb: is no notebook"),
        ("notebooks/a.ipynb", b'{"cells": [{"cell_type": "markdown"}]}', r"notebooks/a\.ipynb: is no notebook"),
    ],
)
def test_a_text_that_cannot_be_read_is_one_sentence(tmp_path, name, content, said):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "README.md").write_text("a", encoding="utf-8")
    (tmp_path / name).unlink(missing_ok=True)
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=f"^{said}.*; take it back from the repository$"):
        all_markers(tmp_path)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"findings": [], "rows": {}}'])
def test_a_file_of_results_that_no_study_has_written_is_one_sentence(tmp_path, content):
    (tmp_path / "docs/results").mkdir(parents=True)
    (tmp_path / "docs/results/one.json").write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=r"^docs/results/one\.json: holds no results; delete it, and quote its study"):
        kept(tmp_path)


def test_seeds_of_a_study_without_results_are_one_sentence(tmp_path):
    (tmp_path / "docs/results").mkdir(parents=True)
    for name in ("tiny", "tyni-seeds-0-4"):
        (tmp_path / f"docs/results/{name}.json").write_text('{"findings": {}, "rows": {}}', encoding="utf-8")
    with pytest.raises(DataError, match=r"tyni-seeds-0-4\.json: whose seeds: 'tyni' is not one of tiny"):
        kept(tmp_path)


@pytest.mark.parametrize("on", ["seeds", "world"])
def test_what_a_study_found_before_is_named_for_what_it_was_found_on(tmp_path, on):
    (tmp_path / "docs/results").mkdir(parents=True)
    for name, value in (("tiny", 2), (f"tiny-{on}-7", 1)):
        content = json.dumps({"findings": {"a": value}, "rows": {}})
        (tmp_path / f"docs/results/{name}.json").write_text(content, encoding="utf-8")
    assert kept(tmp_path) == {"tiny": {"findings": {"a": 2}, "rows": {}, "earlier": {"a": 1}, "earlier_on": on}}


def test_a_study_that_is_called_after_a_world_is_a_study_of_its_own(tmp_path):
    (tmp_path / "docs/results").mkdir(parents=True)
    (tmp_path / "docs/results/hello-world-study.json").write_text('{"findings": {}, "rows": {}}', encoding="utf-8")
    assert list(kept(tmp_path)) == ["hello-world-study"]


def test_a_study_that_judges_no_statement_is_one_sentence():
    jobs = [Job("04_reward_models", {}), Job("07_figures", {"findings_folder": "docs/mine"})]
    assert folder_of_statements(jobs, "plain") == "docs/mine"
    with pytest.raises(ResultError, match=r"^plain: has no stage 07_figures, which judges the statements; add it$"):
        folder_of_statements(jobs[:1], "plain")


def test_one_study_is_quoted_at_a_time():
    command = [sys.executable, "-m", "rmkit.report.quoted", "tiny", "smoke"]
    ended = subprocess.run(
        command, cwd=REPOSITORY, env=environment(REPOSITORY), capture_output=True, text=True, check=False, timeout=120
    )
    assert ended.stderr == "2 names are given; name one study, as in `tiny`\n"


def test_figures_that_texts_show_are_copied_from_the_report(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "reports").mkdir()
    (tmp_path / "README.md").write_text("![a](docs/figures/one-a.png) ![b](docs/figures/other-b.png)", encoding="utf-8")
    (tmp_path / "docs/x.md").write_text("![c](figures/one-c.png)", encoding="utf-8")
    for name in ("one-a.png", "one-c.png", "one-d.png"):
        (tmp_path / "reports" / name).write_bytes(name.encode())
    assert copy_figures(tmp_path, tmp_path / "reports", "one") == ["one-a.png", "one-c.png"]
    assert sorted(path.name for path in (tmp_path / "docs/figures").iterdir()) == ["one-a.png", "one-c.png"]
    with pytest.raises(ResultError, match=r"other-b\.png is not there, and a text shows it"):
        copy_figures(tmp_path, tmp_path / "reports", "other")


def test_rows_of_a_part_are_quoted_by_its_name_alone(stored, tmp_path):
    table = stored[1]
    one = "04_reward_models accuracy reward_model=linear_bt annotations=100"
    of_all = table[table["metric"] == "accuracy"]
    pd.concat([of_all, of_all.assign(among="heads", value=0.9)]).to_parquet(tmp_path / "rows.parquet")
    gathered = Gathered("test", [{"stage": "04_reward_models", "parameters": {}, "folder": tmp_path}])
    found = [selected(asked(said, "rows")[0], gathered) for said in (one, f"{one} among=heads")]
    assert [len(rows) for rows in found] == [len(SEEDS), len(SEEDS)]
    assert found[0]["among"].isna().all()
    assert set(found[1]["value"]) == {0.9}
