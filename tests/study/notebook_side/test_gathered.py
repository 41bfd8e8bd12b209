"""A stage that gathers reads the rows and evaluations of all jobs that its study has of other stages."""

import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from rmkit.errors import ParamsError, ResultError, StoreError
from rmkit.stages.graph import STAGES, Source
from rmkit.study.engines.worker import keep_failure_note
from rmkit.study.monitoring.snapshot import study_snapshot
from rmkit.study.planning.key_changes import differences
from rmkit.study.planning.keys import ingredients
from rmkit.study.planning.study_file import load_study
from tests.small_project import SECOND, SmallProject, write_notebook
from tests.study.gathering import TWO_SEEDS

pytestmark = pytest.mark.xdist_group("gathering")


def titles(jobs):
    return [str(job) for job in jobs]


def test_all_jobs_of_the_gathered_stages_come_in_plan_order(graph):
    *_, findings = graph.plan(TWO_SEEDS)
    assert titles(findings.gathered) == ["01_sums seed=0", "01_sums seed=1", "02_gaps seed=0", "02_gaps seed=1"]
    assert titles(findings.upstream()) == ["00_world", *titles(findings.gathered)]
    *_, findings = graph.plan(TWO_SEEDS.replace("[0, 1]", "[10, 2]"))
    assert titles(findings.gathered)[:2] == ["01_sums seed=10", "01_sums seed=2"]


def test_a_gathered_stage_that_the_study_has_not_is_absent(graph):
    *_, findings = graph.plan(TWO_SEEDS.replace("02_gaps: , ", ""))
    assert titles(findings.gathered) == ["01_sums seed=0", "01_sums seed=1"]
    said = (
        r"^params/mine.yaml: 03_findings gathers the results of 02_gaps, 01_sums, and the study has none of them; "
        r"add one under `stages`, as in `02_gaps:`$"
    )
    with pytest.raises(ParamsError, match=said):
        graph.plan("stages: {00_world: , 03_findings: }")


def test_of_a_shared_parameter_only_jobs_with_the_same_value_are_gathered(graph):
    graph.stage("03_findings", "seed: int = 0", gathers=("01_sums",))
    *_, zero, one = graph.plan(TWO_SEEDS)
    assert [titles(job.gathered) for job in (zero, one)] == [["01_sums seed=0"], ["01_sums seed=1"]]
    said = "the study has no job that fits: they differ in seed: 0, 1 there, 7 here; make these agree$"
    with pytest.raises(ParamsError, match=said):
        graph.plan(TWO_SEEDS.replace("03_findings: ", "03_findings: {seed: 7}"))


def test_what_a_stage_may_gather_is_gathered_where_the_study_has_it(graph):
    graph.stage("03_findings", "seed: int = 0", inputs={"bank": (Source("00_world"),)}, may_gather=("01_sums",))
    *_, zero, one = graph.plan(TWO_SEEDS)
    assert [titles(job.gathered) for job in (zero, one)] == [["01_sums seed=0"], ["01_sums seed=1"]]
    assert "rmkit.artifacts.evaluations" in zero.code["modules"]
    *_, alone = graph.plan("stages: {00_world: , 03_findings: }")
    assert titles(alone.gathered) == []
    assert "gathered" not in ingredients(alone, {"bank": "x"})


def test_what_a_stage_may_gather_does_not_stand_for_what_it_must(graph):
    graph.stage("03_findings", gathers=("02_gaps",), may_gather=("01_sums",))
    *_, findings = graph.plan(TWO_SEEDS)
    assert titles(findings.gathered) == ["01_sums seed=0", "01_sums seed=1", "02_gaps seed=0", "02_gaps seed=1"]
    with pytest.raises(ParamsError, match="03_findings gathers the results of 02_gaps, and the study has none of them"):
        graph.plan(TWO_SEEDS.replace("02_gaps: , ", ""))


def test_an_input_at_other_values_is_loaded_from_where_it_is_called_otherwise(stored):
    graph = stored.graph
    graph.stage("00_world", "size: int = 3", outputs={"evaluations": {}}, rows=False)
    other = {"first": (Source("00_world", {}, {"size": 4}, "evaluations"),)}
    graph.stage("03_findings", "size: int = 3", inputs={"evaluations": (Source("00_world"),), **other})
    three, four, findings = graph.plan("axes: {size: [3, 4]}\nstages: {00_world: , 03_findings: {size: 3}}")
    stored.finish(three, evaluated=3.0)
    stored.finish(four, evaluated=4.0)
    job = stored.opened(findings)
    assert [job.load(name).values["accuracy"][0, 0] for name in ("evaluations", "first")] == [3.0, 4.0]
    before = stored.store.ingredients(findings)
    stored.finish(four, evaluated=5.0, again=True)
    assert list(differences(before, stored.store.ingredients(findings))) == ["input first: changed"]


def test_a_stage_comes_after_those_that_it_gathers_and_never_gathers_itself(graph):
    graph.stage("00_first", gathers=("01_sums",))
    assert titles(graph.plan("stages: {00_first: , 00_world: , 01_sums: }")) == ["00_world", "01_sums", "00_first"]
    graph.stage("00_world", gathers=("03_findings",))
    with pytest.raises(
        ParamsError, match="00_world, 01_sums, 02_gaps, 03_findings wait for each other; an input must come"
    ):
        graph.plan(TWO_SEEDS)


def test_what_a_draft_needs_are_the_gathered_stages_and_what_these_need(graph):
    graph.stage("04_more", gathers=("03_findings",))
    text = TWO_SEEDS.replace("03_findings: ", "03_findings: , 04_more: ")
    everything = graph.plan(text)
    needed = graph.plan(text, needed_by="03_findings")
    assert [job.plan_id for job in needed] == [job.plan_id for job in everything[:5]]


def test_the_format_of_evaluations_counts_where_a_gathered_stage_saves_some(graph):
    graph.stage("04_gaps_alone", gathers=("02_gaps",))
    *_, gaps, findings, alone = graph.plan(TWO_SEEDS.replace("03_findings: ", "03_findings: , 04_gaps_alone: "))
    found = ["rmkit.artifacts.evaluations" in job.code["modules"] for job in (gaps, findings, alone)]
    assert found == [False, True, False]


def test_a_stage_that_gathers_nothing_has_the_ingredients_that_it_always_had(graph):
    world, sums, *_ = graph.plan(TWO_SEEDS)
    parts = {"format", "stage", "parameters", "inputs", "notebook", "modules", "data", "streams"}
    assert ingredients(world, {}).keys() == ingredients(sums, {"bank": "x"}).keys() == parts


def test_parameters_in_which_gathered_jobs_differ_are_not_known_of_the_one_that_gathers(graph):
    *_, gaps, findings = graph.plan(TWO_SEEDS)
    assert gaps.known_parameters() == {"size": 3, "seed": 1}
    assert findings.known_parameters() == {"level": 0.95}


@pytest.mark.parametrize("stage", STAGES)
def test_what_the_stages_of_this_project_gather_is_a_stage_with_results(stage):
    for gathered in STAGES[stage].gathers:
        assert STAGES[gathered].rows or "evaluations" in STAGES[gathered].outputs, (stage, gathered)


CHANGES_NOTHING = {
    "nothing": {},
    "what it cost": {"cost": "2"},
}
CHANGES_THE_KEY = {
    "a value of its rows": {"value": 8.0},
    "a value of its evaluations": {"evaluated": 8.0},
}


@pytest.mark.parametrize("case", CHANGES_NOTHING | CHANGES_THE_KEY)
def test_a_gathered_job_counts_by_the_content_of_its_rows_and_evaluations(case, stored):
    before = stored.store.key_of(stored.findings())
    job = stored.plan()[1]
    stored.finish(job, again=True, **({"value": 1, "evaluated": 1} | (CHANGES_NOTHING | CHANGES_THE_KEY)[case]))
    assert (stored.store.key_of(stored.findings()) != before) == (case in CHANGES_THE_KEY)


def test_a_job_with_evaluations_of_no_fits_is_left_out(stored):
    stored.finish(stored.plan()[1], evaluated="no fits", again=True)
    job = stored.opened(stored.findings())
    assert [parameters["seed"] for parameters, _ in job.evaluations("01_sums")] == [1]


def test_a_stage_that_saves_no_evaluations_gives_none(stored):
    stored.graph.stage("03_findings", gathers=("00_world",))
    with pytest.raises(ResultError, match=r"^03_findings: 00_world saves no evaluations, says rmkit/stages/graph.py$"):
        stored.opened(stored.findings()).evaluations("00_world")


def test_another_seed_and_another_order_of_seeds_are_another_key(stored):
    keys = {}
    for seeds in ("[0, 1]", "[1, 0]", "[0]", "[0, 1, 2]"):
        for job in (jobs := stored.plan(TWO_SEEDS.replace("[0, 1]", seeds)))[:-1]:
            stored.finish(job)
        keys[seeds] = stored.store.key_of(jobs[-1])
    assert len(set(keys.values())) == 4


def test_the_order_in_which_a_stage_names_those_that_it_gathers_does_not_count(stored):
    before = stored.findings()
    stored.graph.stage("03_findings", "level: float = 0.95", gathers=("01_sums", "02_gaps"))
    after = stored.findings()
    assert (after.plan_id, stored.store.key_of(after)) == (before.plan_id, stored.store.key_of(before))


def test_the_key_exists_once_every_gathered_job_is_finished(stored):
    three = stored.plan(TWO_SEEDS.replace("[0, 1]", "[0, 1, 2]"))
    assert stored.store.key_of(three[-1]) is None
    with pytest.raises(StoreError, match="01_sums seed=2: was built and is not in"):
        stored.store.handed(three[-1])
    for job in three[:-1]:
        stored.finish(job)
    assert stored.store.key_of(three[-1])


def test_the_rows_of_all_jobs_come_in_plan_order_with_their_parameters(stored):
    rows = stored.opened(stored.findings()).rows("01_sums")
    assert rows["value"].tolist() == [1, 2]
    assert rows["param_seed"].tolist() == [0, 1]
    assert rows["job"].tolist() == [stored.store.key_of(job) for job in stored.plan()[1:3]]
    assert set(rows["stage"]) == {"01_sums"}
    rows = stored.opened(stored.findings(TWO_SEEDS.replace("[0, 1]", "[1, 0]"))).rows("02_gaps")
    assert rows[["param_seed", "value"]].to_numpy().tolist() == [[1, 4], [0, 3]]


def test_the_evaluations_of_all_jobs_come_with_their_parameters(stored):
    found = stored.opened(stored.findings()).evaluations("01_sums")
    assert [parameters for parameters, _ in found] == [{"seed": 0, "power": 1}, {"seed": 1, "power": 1}]
    assert [each.values["accuracy"][0, 0] for _, each in found] == [1, 2]


def test_a_notebook_can_tell_which_stages_are_there(stored):
    job = stored.opened(stored.findings())
    assert job.gathered == ("01_sums", "02_gaps")
    assert "results of 01_sums from 2 jobs\n  results of 02_gaps from 2 jobs" in repr(job)
    assert stored.opened(stored.findings(TWO_SEEDS.replace("01_sums: , ", ""))).gathered == ("02_gaps",)
    assert stored.opened(stored.plan()[1]).gathered == ()


def test_results_that_are_not_here_are_one_clear_sentence(stored):
    job = stored.opened(stored.findings())
    for ask in (job.rows, job.evaluations):
        with pytest.raises(
            ResultError, match=r"^03_findings: no results of '01_sum' are gathered here, but of 01_sums, 02_gaps$"
        ):
            ask("01_sum")
    with pytest.raises(ResultError, match=r"^03_findings: 02_gaps saves no evaluations, says rmkit/stages/graph.py$"):
        job.evaluations("02_gaps")
    with pytest.raises(ResultError, match=r"^01_sums: no results of '02_gaps' are gathered here, but of none$"):
        stored.opened(stored.plan()[1]).rows("02_gaps")


def test_a_stage_without_rows_has_none_to_give(stored):
    stored.graph.stage("03_findings", gathers=("00_world",))
    with pytest.raises(ResultError, match=r"^03_findings: 00_world records no rows, says rmkit/stages/graph.py$"):
        stored.opened(stored.findings()).rows("00_world")


def test_status_says_what_a_failed_job_holds_up(stored):
    jobs = stored.plan(TWO_SEEDS.replace("[0, 1]", "[0, 1, 2]"))
    failed = next(job for job in jobs if str(job) == "01_sums seed=2")
    study = load_study(stored.graph.project.root / "params/mine.yaml")
    assert study_snapshot(stored.store, study, jobs).stages["03_findings"] == {"waiting": 1}
    keep_failure_note(stored.store, failed.plan_id, "01_sums seed=2: it broke")
    shot = study_snapshot(stored.store, study, jobs)
    assert shot.stages == {
        "00_world": {"done": 1}, "01_sums": {"done": 2, "failed": 1}, "02_gaps": {"done": 2, "waiting": 1},
        "03_findings": {"held up": 1},
    }  # fmt: skip
    assert [failure.sentence for failure in shot.failed] == ["01_sums seed=2: it broke"]


EVALUATE = """import numpy as np
from rmkit.artifacts.evaluations import Evaluations

raised = np.array([[(number + shift) ** power for number in numbers] for power in powers], np.float32)
fits = pd.DataFrame({"fit": [f"p{power}" for power in powers]})
ones = np.ones(len(numbers), np.float32)
job.save("evaluations", Evaluations(fits, np.arange(len(numbers)), ones, {"raised": raised}))"""
FINDINGS = [
    ("markdown", "# 03 · Findings", ()),
    ("code", 'study: str = "small"  # where upstream is looked for\nscale: float = 1.0  # of all findings', ("parameters",)),
    ("code", 'import rmkit\n\njob = rmkit.open_job("03_findings", globals())\njob', ()),
    (
        "code",
        'import pandas as pd\n\nassert job.gathered == ("01_sums",)\n'
        'sums = job.rows("01_sums").rename(columns={"param_seed": "seed"})\n'
        'totals = [{"seed": given["seed"], "fit": fit, "value": float(value), "metric": "total", "reason": None, "units": 3}\n'
        '          for given, found in job.evaluations("01_sums")\n'
        '          for fit, value in zip(found.fits["fit"], found.values["raised"].sum(axis=1))]',
        (),
    ),
    (
        "code",
        'columns = ["seed", "fit", "metric", "value", "reason", "units"]\n'
        "findings = pd.concat([sums[columns], pd.DataFrame(totals)[columns]], ignore_index=True)\n"
        "job.record(findings.assign(value=scale * findings['value']))",
        (),
    ),
]  # fmt: skip


def gathering_project(root):
    """The small project with evaluations of its sums, and a last stage that gathers them."""
    project = SmallProject.make(root)
    stages = "rmkit/stages/graph.py"
    project.edit(stages, 'outputs={"sums": {}}', 'outputs={"sums": {}, "evaluations": {}}')
    project.edit(stages, ':Numbers")', ':Numbers") | {"evaluations": "rmkit.artifacts.evaluations:Evaluations"}')
    project.edit(stages, '    "02_parts"', '    "03_findings": Stage(gathers=("01_sums", "02_parts")),\n    "02_parts"')
    *others, look = SECOND
    write_notebook(root / "notebooks/01_sums.ipynb", [*others, ("code", EVALUATE, ()), look])
    write_notebook(root / "notebooks/03_findings.ipynb", FINDINGS)
    project.study(axes={"seed": [1, 0]}, stages={"00_numbers": None, "01_sums": None, "03_findings": None})
    return project


def stored_rows(project, stage="03_findings"):
    return [pd.read_parquet(path) for path in sorted((project.root / "runs/jobs").glob(f"{stage}-*/rows.parquet"))]


@pytest.fixture(scope="module")
def drafted(tmp_path_factory):
    """A project in which the findings were computed as a draft, upstream built on the way, and then by a run."""
    project = gathering_project(tmp_path_factory.mktemp("gathering") / "project")
    document = "\n".join(source for kind, source, _ in FINDINGS if kind == "code")
    ended = subprocess.run(
        [sys.executable, "-c", document], cwd=project.root, env=project.environment(), capture_output=True, text=True, check=False
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert project.executed() == ["03_findings"]
    return project


@pytest.fixture
def gathered(drafted, tmp_path):
    return drafted.copy(tmp_path / "project")


def test_a_draft_gathers_from_the_store_and_has_the_rows_of_the_run(drafted):
    (draft,) = (drafted.root / "runs/drafts").glob("03_findings-*/rows.parquet")
    (rows,) = stored_rows(drafted)
    pd.testing.assert_frame_equal(pd.read_parquet(draft), rows)


def test_what_was_gathered_is_what_the_jobs_made(drafted):
    (rows,) = stored_rows(drafted)
    sums, totals = (rows[rows["metric"] == metric].reset_index() for metric in ("sum", "total"))
    assert sums["seed"].tolist() == [1, 1, 0, 0]  # as the study lists its seeds
    made = pd.concat(stored_rows(drafted, "01_sums")).set_index(["param_seed", "fit"])["value"]
    assert sums.set_index(["seed", "fit"])["value"].to_dict() == made.to_dict()
    assert totals[["seed", "fit"]].equals(sums[["seed", "fit"]])
    np.testing.assert_allclose(totals["value"], sums["value"], rtol=1e-6)


def test_a_new_seed_runs_its_jobs_and_the_one_that_gathers(gathered):
    gathered.edit("params/small.yaml", "[1, 0]", "[1, 0, 2]")
    assert gathered.executed() == ["01_sums", "03_findings"]
    assert gathered.executed() == []
    assert sorted(table["seed"].nunique() for table in stored_rows(gathered)) == [2, 3]


def test_a_gathered_job_that_gives_the_same_bytes_again_reruns_nothing_after_it(gathered):
    damaged = next((gathered.root / "runs/jobs").glob("01_sums-*/rows.parquet"))
    damaged.write_bytes(b"damaged")
    assert gathered.executed() == ["01_sums"]


def test_a_failed_job_leaves_the_one_that_gathers_unrun_and_both_say_so(gathered):
    gathered.edit("notebooks/01_sums.ipynb", "GRANDCHILD = None", "assert seed, 'no'")
    ended = gathered.rmkit("run", "small", "--no-report", "--only", "03_findings")
    assert ended.returncode == 1
    assert "03_findings NOT RUN: an upstream job failed: 01_sums seed=0: cell 5" in ended.stdout
    assert ended.stderr.startswith("01_sums seed=0: cell 5: AssertionError: no; notebook kept")
    assert re.search(r"03_findings +\S+  0 of 1, 1 held up", gathered.rmkit("status", "small").stdout)


def test_check_knows_a_stage_that_gathers(gathered):
    assert "4 jobs" in gathered.rmkit("check", "small").stdout
    gathered.study(stages={"00_numbers": None, "03_findings": None})
    ended = gathered.rmkit("check", "small")
    assert ended.returncode == 2
    assert ended.stderr.strip().endswith("and the study has none of them; add one under `stages`, as in `01_sums:`")
