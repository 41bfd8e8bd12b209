"""What docs/your-own.md shows: each piece is short, does what it says, and runs from a cell whoever runs the notebook."""

import json
import re
import shlex
import shutil
import sys

import numpy as np
import pandas as pd
import pytest
import yaml

from rmkit.active.candidates import Candidates
from rmkit.annotation.annotators import Annotator
from rmkit.annotation.labels import labelled, noise_rows
from rmkit.measures.best_of_n import best_of_n
from rmkit.reward_models.collection import RewardModels
from rmkit.reward_models.protocol import HasLastLayer, Storable
from rmkit.study.planning.project import Project
from rmkit.widgets.responses.reading import read_job
from rmkit.widgets.stored import Stored
from tests.active.small_settings import history
from tests.checkout import checkout, execute, papermill, run_all
from tests.reward_models.worlds import PlantedWorld, subset, with_more_padding
from tests.small_project import REPOSITORY

PAGE = (REPOSITORY / "docs/your-own.md").read_text(encoding="utf-8")
HEAD, STRATEGY, MEASURE, ANNOTATOR = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
WORLD = PlantedWorld.make(0)
SETS = WORLD.sets((400, 60))


def defined(code):
    """What a piece of the page defines, by name."""
    namespace = {"__name__": "__main__"}
    exec(code, namespace)  # as a cell does
    return namespace


def fitted(train=SETS[0], validation=SETS[1]):
    rng_s = np.random.default_rng(0).spawn(train.n_sets)
    return defined(HEAD)["LeastSquares"]().fit(WORLD.embedding_rd, train, validation, rng_s=rng_s)


def test_a_head_and_a_strategy_take_forty_lines_at_most():
    assert max(len(code.splitlines()) for code in (HEAD, STRATEGY, MEASURE, ANNOTATOR)) <= 40


def test_the_head_learns_whatever_padding_and_neighbours_say(tmp_path):
    model = fitted()
    reward_sr = model.score(WORLD.embedding_rd)
    assert reward_sr.dtype == np.float32
    assert np.corrcoef(reward_sr[0], WORLD.reward_r)[0, 1] > 0.9
    padded = fitted(with_more_padding(SETS[0], 30), SETS[1])
    np.testing.assert_array_equal(padded.score(WORLD.embedding_rd), reward_sr)
    alone = fitted(subset(SETS[0], [1]), subset(SETS[1], [1]))
    np.testing.assert_allclose(alone.score(WORLD.embedding_rd)[0], reward_sr[1], rtol=1e-5)
    np.testing.assert_array_equal(model.only(np.array([1])).score(WORLD.embedding_rd), reward_sr[1:])
    feature_srh, weight_sh = model.last_layer(WORLD.embedding_rd)
    np.testing.assert_allclose(np.einsum("srh,sh->sr", feature_srh, weight_sh), reward_sr, rtol=1e-4, atol=1e-5)
    assert isinstance(model, HasLastLayer)
    assert isinstance(model, Storable)
    model.save(tmp_path)
    np.testing.assert_array_equal(type(model).load(tmp_path).score(WORLD.embedding_rd), reward_sr)


def test_the_strategy_asks_about_the_pairs_that_a_model_is_surest_of():
    strategy = defined(STRATEGY)["LargestMargin"]()
    candidates = Candidates(np.array([[0.1, -3.0, 2.0, 0.0]]), np.ones((4, 1)), np.eye(1))
    assert list(strategy.select(candidates, 2, np.random.default_rng(0))) == [1, 2]
    assert set(history(strategies={"mine": strategy}).asked["strategy"]) == {"mine"}


def test_the_head_can_choose_in_active_labelling():
    made = history(head=defined(HEAD)["LeastSquares"](), reward_model="mine")
    assert set(made.fits["reward_model"]) == {"mine"}


def test_the_measure_says_whether_the_favourite_is_golds():
    score_fpk, gold_pk = np.random.default_rng(0).normal(size=(3, 5, 4)), np.random.default_rng(1).normal(size=(5, 4))
    picks_fp = defined(MEASURE)["picks_gold"](score_fpk, gold_pk)
    of_favourite_fp = best_of_n(score_fpk, gold_pk, [4])[..., 0]
    np.testing.assert_array_equal(picks_fp == 1, of_favourite_fp == gold_pk.max(axis=-1))


def test_the_annotator_labels_and_is_as_noisy_as_it_says():
    annotators = [defined(ANNOTATOR)["Guesser"](2.0, right=0.7), Annotator(1.0)]
    gold_r, rng = np.random.default_rng(0).normal(size=4000), np.random.default_rng(1)
    pairs_m2 = np.arange(4000).reshape(-1, 2)
    table = labelled(pairs_m2, gold_r, annotators, rng)
    right_m = (table["label"] == 1) == (gold_r[table["first"]] > gold_r[table["second"]])
    assert right_m[table["beta"] == 2.0].mean() == pytest.approx(0.7, abs=0.03)
    rows = noise_rows(annotators, gold_r[pairs_m2], rng, rng).set_index(["beta", "metric"])["value"]
    assert rows[2.0, "expected_error"] == pytest.approx(0.3)
    assert rows[2.0, "expected_agreement"] == pytest.approx(0.7**2 + 0.3**2)


def test_the_line_to_add_runs_where_its_notebook_makes_what_it_is_added_to():
    names = defined("\n".join((HEAD, STRATEGY, MEASURE, ANNOTATOR)))
    rows = re.findall(r"^\| (an? .*?) \| ([0-9, ]+) \| `(.*)` \|$", PAGE, flags=re.MULTILINE)
    assert [kind for kind, _, _ in rows] == [
        "a head",
        "a head whose last layer strategies look at",
        "a strategy",
        "a measure",
        "an annotator",
    ]
    for _, numbers, line in rows:
        given = {
            "heads": {},
            "choosing": {},
            "measure_of": {},
            "annotators": [],
            "unit": 1.0,
            "head_name": "",
            "head": None,
        }
        before = repr(given)
        exec(line, names | given, given)
        assert repr(given) != before, line
        for number in numbers.split(", "):
            (path,) = REPOSITORY.glob(f"notebooks/{number}_*.ipynb")
            assert re.search(rf'"{re.match(r"[a-z_]+", line).group()}\b.* = ', path.read_text(encoding="utf-8")), line


def test_a_head_of_the_registry_may_be_replaced_by_one_with_other_options():
    (line,) = re.findall(r"`([^`]*heads\[\"mlp_bt\"\] = [^`]*)`", PAGE)
    heads = {}
    exec(line, {"heads": heads})
    assert heads["mlp_bt"].hidden == (64,)


def keep_the_strategy(project):
    """What the page's last section says, done word for word."""
    (line,) = re.findall(r"`(\"largest_margin\": \".*\",)`", PAGE)
    (project / "rmkit/active/strategies/largest_margin.py").write_text(STRATEGY, encoding="utf-8")
    replace_in(project / "rmkit/active/registry.py", "STRATEGIES = {", f"STRATEGIES = {{\n    {line}")
    look = '"largest_margin": Look("largest margin", GREEN, "-.", "^"),'
    replace_in(project / "rmkit/figures/looks.py", '"strategy": {', f'"strategy": {{\n        {look}')
    notebook = project / "notebooks/05_active_labeling.ipynb"
    entry = '"        \\"{}\\",\\n",'
    replace_in(notebook, entry.format("random"), f"{entry.format('largest_margin')}\n    {entry.format('random')}")


def replace_in(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, (path, old)
    path.write_text(text.replace(old, new), encoding="utf-8")


def shown(command):
    """The words of the one command of the page that begins so."""
    (line,) = re.findall(rf"`rmkit ({command} .*?)`", PAGE)
    return [sys.executable, "-m", "rmkit.cli", *shlex.split(line)]


def test_a_strategy_that_is_kept_as_the_page_says_is_sound(tmp_path):
    project = checkout(tmp_path / "project")
    keep_the_strategy(project)
    assert "sound" in execute(shown("check"), project, project)


@pytest.mark.slow
def test_a_strategy_that_is_kept_changes_no_finished_job(smoke, tmp_path):
    project = shutil.copytree(smoke, tmp_path / "project")
    keep_the_strategy(project)
    said = execute([*shown("run"), "--only", "05_active_labeling", "--no-report"], project, project)
    assert "4 executed" in said, said


# In the notebooks: (what a cell defines, the cell that it comes after, how it is handed over)
INSERTED = {
    "04_reward_models": [(HEAD, "heads = build_heads(", 'heads["mine"] = LeastSquares()')],
    "05_active_labeling": [
        (STRATEGY, "choosing = {", 'choosing["mine"] = LargestMargin()'),
        (HEAD, "choosing = {", 'head_name, head = "mine", LeastSquares(l2=prior)'),
    ],
    "06_accuracy_vs_policy": [
        (HEAD, "heads = build_heads(", 'heads["mine"] = LeastSquares()'),
        (MEASURE, "measure_of = {", 'measure_of["mine"] = picks_gold'),
    ],
}
QUICK = {
    "04_reward_models": {"reward_models": ["linear_bt"]},
    "06_accuracy_vs_policy": {"reward_models": ["linear_bt"]},
}


def insert(path, code, after):
    document = json.loads(path.read_text(encoding="utf-8"))
    sources = ["".join(cell["source"]) if cell["cell_type"] == "code" else "" for cell in document["cells"]]
    (at,) = [i for i, source in enumerate(sources) if after in source]
    cell = {"cell_type": "code", "id": f"own-{len(sources)}", "metadata": {}, "execution_count": None, "outputs": []}
    document["cells"].insert(at + 1, cell | {"source": code.splitlines(keepends=True)})
    path.write_text(json.dumps(document), encoding="utf-8")


@pytest.fixture(scope="module")
def own(smoke, tmp_path_factory):
    """The smoke study's world in a project whose notebooks 04, 05 and 06 have a head, a strategy, a measure in cells."""
    project = tmp_path_factory.mktemp("own") / "project"
    shutil.copytree(smoke, project)
    for stage, cells in INSERTED.items():
        for code, after, handed in cells:
            insert(project / f"notebooks/{stage}.ipynb", f"{code}\n\n{handed}\n", after)
    study = yaml.safe_load((project / "params/smoke.yaml").read_text(encoding="utf-8"))
    stages = ("00_grammar_world", "01_sft", "02_sampling", "03_annotation_noise", *INSERTED)
    study["stages"] = {name: (study["stages"][name] or {}) | QUICK.get(name, {}) for name in stages}
    study["axes"] = {"world": ["grammar"], "generator": ["base", "sft"], "seed": [0]}
    (project / "params/own.yaml").write_text(yaml.safe_dump(study), encoding="utf-8")
    said = execute([sys.executable, "-m", "rmkit.cli", "run", "params/own.yaml", "--no-report"], project, project)
    assert "3 executed" in said, said
    return project


@pytest.mark.slow
@pytest.mark.parametrize("stage", INSERTED)
def test_objects_from_cells_run_in_a_job_in_papermill_and_in_a_kernel_with_identical_rows(own, tmp_path, stage):
    (finished,) = Stored(Project(own)).finished("own", stage)
    rows = pd.read_parquet(own / f"runs/jobs/{finished}/rows.parquet")
    column = {"04_reward_models": "reward_model", "05_active_labeling": "strategy", "06_accuracy_vs_policy": "measure"}
    assert "mine" in set(rows[column[stage]])
    for draft in (papermill(own, stage, tmp_path / "elsewhere", RMKIT_STUDY="own"), run_all(own, stage, "own")):
        pd.testing.assert_frame_equal(pd.read_parquet(draft / "rows.parquet"), rows)


@pytest.mark.slow
def test_a_head_from_a_cell_leaves_its_rows_and_no_weights(own):
    stored = Stored(Project(own))
    ((key, job),) = stored.finished("own", "04_reward_models").items()
    models = RewardModels.load(stored.folder(key) / "artifacts/reward_models")
    assert (list(models.models), models.not_saved) == (["linear_bt"], ("mine",))
    assert read_job(stored.store, job, key, own / "nowhere").not_saved == ("mine",)


@pytest.mark.slow
def test_a_changed_cell_makes_its_job_again_and_no_other(own, tmp_path):
    project = tmp_path / "project"
    shutil.copytree(own, project)
    path = project / "notebooks/04_reward_models.ipynb"
    path.write_text(path.read_text(encoding="utf-8").replace("l2: float = 1.0", "l2: float = 2.0"), encoding="utf-8")
    command = [sys.executable, "-m", "rmkit.cli", "run", "params/own.yaml", "--no-report"]
    assert "1 executed" in execute(command, project, project)
