"""`rmkit export STUDY`: whole or not at all, never over what is somebody's; and by the runner, a world that comes back."""

import json
import shutil
import subprocess
import sys

import pandas as pd
import pytest

from rmkit.cli import main
from rmkit.commands.export_study import is_study
from rmkit.export.study_card import CARD, NO_LICENCE
from tests.checkout import checkout, environment, execute

RMKIT = [sys.executable, "-m", "rmkit.cli"]
IMPORTED = """
parameters: {world: files, embeddings_folder: %s}
axes: {seed: [0, 1]}
stages:
  00_embedding_files:
  03_annotation_noise: {n_labels: 150, betas: [0.5, null]}
"""


def artifacts(project, stage, name, **parameters):
    """The files of an artifact of each job with these parameters, by the job's seed."""
    found = {}
    for path in (project / "runs/jobs").glob(f"{stage}-*/manifest.json"):
        told = json.loads(path.read_text(encoding="utf-8"))["parameters"]
        if told.items() >= parameters.items():
            folder = path.parent / "artifacts" / name
            found[told.get("seed")] = {each.name: each.read_bytes() for each in folder.iterdir()}
    return found


@pytest.fixture(scope="module")
def exported(smoke, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported") / "out"
    said = execute([*RMKIT, "export", "smoke", "--out", str(folder)], smoke, smoke)
    return folder, said


def test_a_study_comes_back_as_a_world_byte_for_byte_with_the_same_labels(smoke, exported, tmp_path):
    """Both banks through notebook 00, and what 03 draws from them with the parameters of the study."""
    folder, said = exported
    assert (
        f"as a world: rmkit run params/from-embeddings.yaml --set embeddings_folder={folder}/data/grammar-sft" in said
    )
    project = checkout(tmp_path / "project")
    (project / "params/imported.yaml").write_text(IMPORTED % (folder / "data/grammar-sft"), encoding="utf-8")
    execute([*RMKIT, "run", "imported", "--no-report"], project, project)
    for name in ("bank", "test_bank"):
        (before,) = artifacts(smoke, "02_sampling", name, generator="sft").values()
        (after,) = artifacts(project, "00_embedding_files", name).values()
        assert after == before
        assert set(after) == {
            "bank.json", "embedding.npy", "prompts.parquet", "responses.parquet", "scores.safetensors",
        }  # fmt: skip
    labels = artifacts(project, "03_annotation_noise", "comparisons")
    assert set(labels) == {0, 1}
    assert labels == artifacts(smoke, "03_annotation_noise", "comparisons")


def test_what_is_exported_is_what_the_study_has(smoke, exported):
    folder, _ = exported
    names = {path.parent.name for path in (folder / "data").glob("*/bank.json")}
    assert names == {"grammar-base", "grammar-sft", "hh_rlhf"}
    labels = pd.concat(map(pd.read_parquet, sorted((folder / "data/grammar-sft/labels").iterdir())))
    drawn = artifacts(smoke, "03_annotation_noise", "comparisons")
    assert labels.groupby("seed").size().tolist() == [300, 300]
    assert set(labels["seed"]) == set(drawn)
    assert (folder / "policies/grammar-s-helpful/model.safetensors").is_file()
    about = json.loads((folder / "export.json").read_text(encoding="utf-8"))
    keys = {made["job"] for made in about["made"]}
    assert len(keys) == 1 + 1 + 1 + 2 + 2  # two notebooks 00, 01, 02 by policy, 03 by seed
    assert all((smoke / "runs/jobs" / key).is_dir() for key in keys)
    assert about["packages"]["numpy"]


def test_a_study_that_is_not_finished_is_one_line_with_the_command_that_helps(tmp_path):
    project = checkout(tmp_path / "project")
    ended = subprocess.run(
        [*RMKIT, "export", "smoke", "--set", "seed=[0]", "--out", str(tmp_path / "out")],
        cwd=project, env=environment(project), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 1
    assert ended.stderr == (
        "params/smoke.yaml --set 'seed=[0]': 6 of the 6 jobs that are exported are not finished, or changed since (00_grammar_world "
        "world=grammar, 00_human_preferences world=hh_rlhf, 01_sft world=grammar and 3 more); `rmkit run params/smoke.yaml --set 'seed=[0]' --until "
        "03_annotation_noise` makes them\n"
    )
    assert not (tmp_path / "out").exists()


@pytest.fixture
def earlier(exported, tmp_path):
    """A copy of an export, to be changed."""
    return shutil.copytree(exported[0], tmp_path / "out")


def test_an_earlier_export_is_replaced_and_its_licence_kept(smoke, earlier):
    card = earlier / CARD
    card.write_text(card.read_text(encoding="utf-8").replace(NO_LICENCE, "license: cc-by-4.0"), encoding="utf-8")
    model = earlier / "policies/grammar-s-helpful" / CARD
    model.write_text(model.read_text(encoding="utf-8").replace(NO_LICENCE, "license: mit"), encoding="utf-8")
    before = {path.relative_to(earlier): path.read_bytes() for path in earlier.rglob("*") if path.is_file()}
    (earlier / "data/hh_rlhf/bank.json").unlink()
    execute([*RMKIT, "export", "params/smoke.yaml", "--out", str(earlier)], smoke, smoke)
    after = {path.relative_to(earlier): path.read_bytes() for path in earlier.rglob("*") if path.is_file()}
    assert after == before
    assert [path.name for path in earlier.parent.iterdir()] == ["out"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda out: (out / "export.json").unlink(), "is there already, and no export of a study; name another folder"),
        (
            lambda out: (out / "export.json").write_text("[]", "utf-8"),
            "is there already, and no export of a study; name another",
        ),
        (
            lambda out: (out / "data/hh_rlhf/bank.json").write_text("edited", encoding="utf-8"),
            "data/hh_rlhf/bank.json there is not what was exported; move it, or name another",
        ),
        (lambda out: (out / "data/mine.csv").touch(), "holds data/mine.csv, which would be lost; move it, or name"),
        (lambda out: (out / ".git").write_text("", "utf-8"), "holds .git, which would be lost; move it"),
        (
            lambda out: (out / CARD).write_text((out / CARD).read_text("utf-8") + "more", "utf-8"),
            "its README.md was edited beyond the licence; move it",
        ),
    ],
)
def test_what_is_somebodys_is_never_replaced(earlier, capsys, change, said):
    change(earlier)
    before = {path: path.read_bytes() for path in earlier.rglob("*") if path.is_file()}
    assert main(["export", "smoke", "--out", str(earlier)]) == 2
    message = capsys.readouterr().err
    assert message.startswith(f"--out {earlier}: {said}")
    assert message.count("\n") == 1
    assert {path: path.read_bytes() for path in earlier.rglob("*") if path.is_file()} == before


def test_a_folder_that_cannot_be_is_one_line(tmp_path, capsys):
    assert main(["export", "smoke", "--out", str(tmp_path / "no/where")]) == 2
    assert capsys.readouterr().err == f"--out {tmp_path / 'no/where'}: there is no folder {tmp_path / 'no'}; make it\n"


def test_a_misspelt_study_is_told_by_name(tmp_path, capsys):
    assert main(["export", "smok", "--out", str(tmp_path / "out")]) == 2
    assert "params/smok.yaml: no such study file" in capsys.readouterr().err


def test_a_study_is_a_yaml_file_or_a_name_that_no_folder_has(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model").mkdir()
    (tmp_path / "a").mkdir()
    (tmp_path / "a/mine.yaml").touch()
    assert [is_study(named) for named in ("smoke", "params/smoke.yaml", "x.yml", "a/mine", "model", "./smoke", "a/model")] == [
        True, True, True, True, False, False, False,
    ]  # fmt: skip
