"""A folder in the published layout becomes two banks, whatever its size; what is wrong with it is named by its place."""

import os
import shutil
import subprocess
import sys
import tracemalloc

import numpy as np
import pandas as pd
import pytest

from rmkit.artifacts.bank import ResponseBank
from rmkit.errors import DataError
from rmkit.worlds import embedding_files
from rmkit.worlds.embedding_files import bank_of, check, enlargement, read_folder
from tests.checkout import checkout, environment, execute
from tests.notebook_cells import KeepingJob, run_cells

SHAPES = {"train": (7, 3, 5), "test": (4, 6, 5)}


def written(folder, dtype=np.float32, *, last_axis=True, middle="_gemma2b_harmless"):
    """The four arrays of the layout, and what they hold."""
    folder.mkdir()
    held = {}
    for seed, (name, shape) in enumerate(SHAPES.items()):
        rng = np.random.default_rng(seed)
        embedding_pkd, reward_pk = rng.normal(size=shape).astype(dtype), rng.normal(size=shape[:2]).astype(dtype)
        np.save(folder / f"embd{middle}_{name}.npy", embedding_pkd)
        np.save(folder / f"reward{middle}_{name}.npy", reward_pk[..., None] if last_axis else reward_pk)
        held[name] = embedding_pkd, reward_pk
    return held


@pytest.fixture
def folder(tmp_path):
    written(tmp_path / "brought")
    return tmp_path / "brought"


@pytest.mark.parametrize("block_bytes", [1, 100, 10**6])
@pytest.mark.parametrize("last_axis", [True, False])
@pytest.mark.parametrize("dtype", ["<f2", "<f4", ">f2", ">f4"])
def test_every_response_keeps_its_embedding_and_its_reward(tmp_path, monkeypatch, dtype, last_axis, block_bytes):
    monkeypatch.setattr(embedding_files, "BLOCK_BYTES", block_bytes)
    held = written(tmp_path / "brought", dtype, last_axis=last_axis)
    for name, split in read_folder(tmp_path / "brought").items():
        bank = bank_of(split, tmp_path / f"{name}.npy")
        grid = bank.grid()
        embedding_pkd, reward_pk = held[name]
        np.testing.assert_array_equal(grid.embedding_pkd, embedding_pkd.astype(np.float16))
        np.testing.assert_array_equal(grid.scores_pk["gold"], reward_pk.astype(np.float32))
        for p, k in np.ndindex(reward_pk.shape):
            row = bank.responses.iloc[grid.response_pk[p, k]]
            assert row["response"] == row["answer"] == f"response {k}"
            assert bank.prompts.set_index("prompt_id")["prompt"][row["prompt_id"]] == f"prompt {p}"


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_a_bank_survives_its_files(tmp_path, dtype):
    """What is stored is a copy: the files that were brought, and the scratch file, may go."""
    held = written(tmp_path / "brought", dtype)
    bank_of(read_folder(tmp_path / "brought")["test"], tmp_path / "scratch.npy").save(tmp_path / "bank")
    shutil.rmtree(tmp_path / "brought")
    (tmp_path / "scratch.npy").unlink(missing_ok=True)
    stored = ResponseBank.load(tmp_path / "bank")
    np.testing.assert_array_equal(stored.grid().embedding_pkd, held["test"][0].astype(np.float16))


def test_float16_and_the_same_numbers_in_float32_store_the_same_embedding(tmp_path):
    held = written(tmp_path / "half", np.float16)
    written(tmp_path / "single")
    np.save(tmp_path / "single/embd_gemma2b_harmless_test.npy", held["test"][0].astype(np.float32))
    for name in ("half", "single"):
        bank_of(read_folder(tmp_path / name)["test"], tmp_path / f"{name}.npy").save(tmp_path / f"{name}-bank")
    half, single = ((tmp_path / f"{name}-bank/embedding.npy").read_bytes() for name in ("half", "single"))
    assert half == single


def test_the_check_says_what_there_is_without_reading_it(folder):
    for path in folder.glob("embd*"):
        with path.open("r+b") as stream:  # NaN from the first value to the last: a header knows nothing of it
            stream.seek(128)
            stream.write(b"\xff" * (path.stat().st_size - 128))
    said, counts = check(folder, "data/mine")
    assert said == (
        "data/mine: train 7 prompts with 3 responses in 5 dimensions, test 4 prompts with 6 responses in 5 dimensions"
    )
    assert counts == {
        "n_train_prompts": 7, "n_train_responses": 3, "n_test_prompts": 4, "n_test_responses": 6, "lengths": 0,
    }  # fmt: skip


def test_progress_ends_with_all_responses(folder, tmp_path):
    seen = []
    bank_of(read_folder(folder)["test"], tmp_path / "scratch.npy", progress=lambda *at: seen.append(at))
    assert seen[-1] == (24, 24)


EMBEDDING, REWARD = "embd_gemma2b_harmless_test.npy", "reward_gemma2b_harmless_test.npy"


@pytest.mark.parametrize("block_bytes", [1, 10**6])
@pytest.mark.parametrize("dtype", ["<f8", ">f8", "i1", "u1", "<i8", ">u4"])
def test_other_numbers_are_converted_and_told(tmp_path, monkeypatch, dtype, block_bytes):
    monkeypatch.setattr(embedding_files, "BLOCK_BYTES", block_bytes)
    (tmp_path / "brought").mkdir()
    held, rng, name = {}, np.random.default_rng(0), np.dtype(dtype).name
    for which, shape in SHAPES.items():
        whole = np.dtype(dtype).kind != "f"
        drawn = [rng.integers(0, 100, at) if whole else rng.normal(size=at) for at in (shape, shape[:2])]
        held[which] = [array.astype(dtype) for array in drawn]
        for kind, array in zip(("embd", "reward"), held[which], strict=True):
            np.save(tmp_path / f"brought/{kind}_{which}.npy", array)
    said, _ = check(tmp_path / "brought", "brought")
    told = f"(embeddings converted from {name} to float16, rewards converted from {name} to float32)"
    assert said == (
        f"brought: train 7 prompts with 3 responses in 5 dimensions {told}, "
        f"test 4 prompts with 6 responses in 5 dimensions {told}"
    )
    for which, split in read_folder(tmp_path / "brought").items():
        assert enlargement(split) == 0
        bank = bank_of(split, tmp_path / f"{which}.npy")
        np.testing.assert_array_equal(bank.grid().embedding_pkd, held[which][0].astype(np.float16))
        np.testing.assert_array_equal(bank.grid().scores_pk["gold"], held[which][1].astype(np.float32))
        assert bank.embedding_source["dtype"] == name


@pytest.mark.parametrize(("dtype", "factor"), [("f4", 1e-6), ("f4", 1e-30), ("f8", 1e-100)])
def test_tiny_embeddings_are_enlarged_by_one_power_of_two_before_they_are_rounded(tmp_path, dtype, factor):
    """Each number keeps float16's eleven bits; the test split has the exponent of training, whatever it holds."""
    written(tmp_path / "brought")
    for path in sorted((tmp_path / "brought").glob("embd*")):
        np.save(path, (np.load(path).astype(float) * factor).astype(dtype))
    splits = read_folder(tmp_path / "brought")
    exponent = enlargement(splits["train"])
    for name, split in splits.items():
        held_pkd = np.load(split.embedding.path).astype(float)
        bank = bank_of(split, tmp_path / f"{name}.npy", exponent=exponent)
        np.testing.assert_array_equal(bank.grid().embedding_pkd, (held_pkd * 2.0**exponent).astype(np.float16))
        np.testing.assert_allclose(
            bank.grid().embedding_pkd.astype(float) / 2.0**exponent, held_pkd, rtol=2**-11, atol=factor * 1e-6
        )
        assert bank.embedding_source["multiplied_by"] == 2.0**exponent
        if name == "train":
            assert 1 <= bank.embedding_rd.std(axis=0, dtype=float).mean() < 2.5
    np.testing.assert_array_equal(  # float16 that comes with float32 is enlarged alike
        rounded_half(tmp_path, exponent=3), 8 * np.load(tmp_path / "half.npy").astype(float)
    )


def rounded_half(tmp_path, exponent):
    half_pkd = np.random.default_rng(3).normal(size=(4, 6, 5)).astype(np.float16)
    np.save(tmp_path / "half.npy", half_pkd)
    np.save(tmp_path / "brought" / EMBEDDING, half_pkd)
    split = read_folder(tmp_path / "brought")["test"]
    return bank_of(split, tmp_path / "half-scratch.npy", exponent=exponent).grid().embedding_pkd


def test_what_float16_holds_well_is_not_enlarged(folder):
    splits = read_folder(folder)
    assert enlargement(splits["train"]) == 0
    for name in SHAPES:
        path = folder / f"embd_gemma2b_harmless_{name}.npy"
        np.save(path, np.load(path) * np.float32(2**-11))
    assert enlargement(read_folder(folder)["train"]) == 0
    np.save(folder / "embd_gemma2b_harmless_train.npy", np.full(SHAPES["train"], 1e-9, np.float32))
    assert enlargement(read_folder(folder)["train"]) == 0, "equal embeddings have no spread to enlarge"


def test_a_tiny_spread_far_from_zero_is_enlarged_no_further_than_float16_goes(folder, tmp_path):
    path = folder / "embd_gemma2b_harmless_train.npy"
    np.save(path, np.float32(1e-3) + np.load(path) * np.float32(1e-8))
    split = read_folder(folder)["train"]
    bank = bank_of(split, tmp_path / "scratch.npy", exponent=enlargement(split))
    assert 2**13 < np.abs(bank.embedding_rd).max() < 65504


def test_the_notebook_says_what_is_amiss_and_the_bank_keeps_it(tmp_path):
    """Its cells, down to the bank: one reward of 1e4 and one very wide dimension are told, and a sound folder is not."""
    written(tmp_path / "brought")
    job = KeepingJob(tmp_path / "scratch", {})
    (tmp_path / "scratch").mkdir()
    folder = str(tmp_path / "brought")
    health = run_cells("00_embedding_files", job, "test_bank", embeddings_folder=folder)["health"]
    assert [finding.name for finding in health if finding.warns] == []
    assert "warnings" not in job.saved["bank"].embedding_source
    reward, embedding = (tmp_path / f"brought/{kind}_gemma2b_harmless_train.npy" for kind in ("reward", "embd"))
    reward_pk1, embedding_pkd = np.load(reward), np.load(embedding)
    reward_pk1[6, 2] = 1e4
    embedding_pkd[..., 1] *= 1000
    np.save(reward, reward_pk1)
    np.save(embedding, embedding_pkd)
    job.saved.clear()
    health = run_cells("00_embedding_files", job, "test_bank", embeddings_folder=folder)["health"]
    warnings = {finding.name: finding.sentence for finding in health if finding.warns}
    assert set(warnings) == {"dominating", "outlying_gold"}
    assert "(prompt 6, response 2)" in warnings["outlying_gold"]
    assert job.saved["bank"].embedding_source["warnings"] == list(warnings.values())
    assert "warnings" not in job.saved["test_bank"].embedding_source


def replaced(name, array, **options):
    return lambda folder: np.save(folder / name, array, **options)


def headed(header, *, length=None):
    """The file gets another header, of version 2, that claims to be `length` bytes long."""
    start = b"\x93NUMPY\x02\x00" + (len(header) + 1 if length is None else length).to_bytes(4, "little")
    return lambda folder: (folder / EMBEDDING).write_bytes(start + header + b"\n" + bytes(480))


def cut(name, n_bytes):
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:n_bytes])


HEADERS = {
    "no embeddings": (lambda folder: (folder / EMBEDDING).unlink(), r"brought: holds no embd\*_test.npy; put embd\*_train.npy, reward.* --set embeddings_folder=FOLDER"),
    "no rewards": (lambda folder: (folder / REWARD).unlink(), r"brought: holds no reward\*_test.npy; "),
    "no folder": (lambda folder: folder.rename(folder.with_name("away")), r"brought: holds no embd\*_train.npy; "),
    "two candidates": (lambda folder: shutil.copy(folder / EMBEDDING, folder / "embd_b_test.npy"), r"brought: embd_b_test.npy, embd_gemma2b_harmless_test.npy are embd\*_test.npy, and one is needed"),
    "fewer prompts": (replaced(REWARD, np.zeros((3, 6), "f4")), r"brought/reward.*: has shape \(3, 6\); it must be \(4, 6\), or that and 1, as brought/embd.* is \(4, 6, 5\)"),
    "fewer responses": (replaced(REWARD, np.zeros((4, 5, 1), "f4")), r"brought/reward.*: has shape \(4, 5, 1\); it must be \(4, 6\)"),
    "two rewards each": (replaced(REWARD, np.zeros((4, 6, 2), "f4")), r"brought/reward.*: has shape \(4, 6, 2\); it must be \(4, 6\)"),
    "flat embeddings": (replaced(EMBEDDING, np.zeros((24, 5), "f4")), r"brought/embd.*: has shape \(24, 5\); it must be \(prompts, responses, dimensions\)"),
    "complex numbers": (replaced(EMBEDDING, np.zeros((4, 6, 5), complex)), "brought/embd.*: holds complex128; it must be float16, float32, float64 or whole numbers"),
    "truth values": (replaced(REWARD, np.zeros((4, 6), bool)), "brought/reward.*: holds bool; it must be float16, float32, float64 or whole numbers"),
    "dates": (replaced(REWARD, np.zeros((4, 6), "M8[s]")), r"brought/reward.*: holds datetime64\[s\]; it must be"),
    "pickled": (replaced(REWARD, np.full((4, 6), None), allow_pickle=True), "brought/reward.*: holds pickled Python objects; "),
    "Fortran order": (replaced(EMBEDDING, np.asfortranarray(np.zeros((4, 6, 5), "f4"))), "brought/embd.*: is in Fortran order; save numpy.ascontiguousarray"),
    "one response each": (lambda folder: (replaced(EMBEDDING, np.zeros((4, 1, 5), "f4"))(folder), replaced(REWARD, np.zeros((4, 1), "f4"))(folder)), r"brought/embd.*: has shape \(4, 1, 5\); a prompt needs at least 2"),
    "no prompt": (lambda folder: (replaced(EMBEDDING, np.zeros((0, 6, 5), "f4"))(folder), replaced(REWARD, np.zeros((0, 6), "f4"))(folder)), r"brought/embd.*: has shape \(0, 6, 5\), so it holds nothing"),
    "another encoder": (replaced(EMBEDDING, np.zeros((4, 6, 8), "f4")), "brought/embd.*_test.npy: has 8 dimensions, and brought/embd.*_train.npy 5"),
    "a lost end": (cut(EMBEDDING, 300), r"brought/embd.*: is cut short, 300 of 608 bytes for shape \(4, 6, 5\); fetch it again"),
    "a lost header": (cut(EMBEDDING, 60), "brought/embd.*: is no whole .npy file"),
    "an empty file": (cut(EMBEDDING, 0), "brought/embd.*: is no whole .npy file"),
    "text": (lambda folder: (folder / EMBEDDING).write_text("0.1 0.2 and so on", encoding="utf-8"), "brought/embd.*: is no whole .npy file"),
    "a folder of that name": (lambda folder: ((folder / EMBEDDING).unlink(), (folder / EMBEDDING).mkdir()), "brought/embd.*: is not a regular file but a folder; "),
    "a pipe of that name": (lambda folder: ((folder / EMBEDDING).unlink(), os.mkfifo(folder / EMBEDDING)), "brought/embd.*: is not a regular file but a pipe; "),
    "more than it says": (lambda folder: (folder / EMBEDDING).write_bytes((folder / EMBEDDING).read_bytes() + b"more"), r"brought/embd.*: holds 612 bytes, and shape \(4, 6, 5\) needs 608; fetch it again"),
    **{
        f"a header of {name}": (headed(header), "brought/embd.*: is no whole .npy file")
        for name, header in {
            "open brackets": b"(" * 400,
            "a name and no end": b"{'descr': '<f4', 'shape': (\"\"\"",
            "more than it holds": b"{'descr': '<f4', 'fortran_order': False, 'shape': (-4, 6, 5), }",
            "endless axes": b"{'descr': '<f4', 'fortran_order': False, 'shape': (1" + b"0" * 4000 + b", 6, 5), }",
            "true axes": b"{'descr': '<f4', 'fortran_order': False, 'shape': (True, 6, 5), }",
        }.items()
    },
    "a header of 4 GB": (headed(b"{", length=2**32 - 1), "brought/embd.*: is no whole .npy file"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", HEADERS)
def test_what_a_header_tells_is_found_by_the_check(folder, mistake):
    check(folder, "brought")  # right before the change
    change, said = HEADERS[mistake]
    change(folder)
    with pytest.raises(DataError, match=f"^{said}"):
        check(folder, "brought")


VALUES = {
    "NaN": (EMBEDDING, np.nan, "prompt 2, response 5: holds NaN or infinity; every value must be finite"),
    "infinity": (EMBEDDING, -np.inf, "prompt 2, response 5: holds NaN or infinity"),
    "beyond float16": (EMBEDDING, -7e4, "prompt 2, response 5: dimension 3 is -70000, and float16 ends at 65504; divide"),
    "a reward beyond float32": (REWARD, 1e300, r"prompt 2, response 5: is 1e\+300, and float32 ends at 3.40282e\+38; divide all rewards"),
    "a reward that is NaN": (REWARD, np.nan, "prompt 2, response 5: holds NaN or infinity"),
}  # fmt: skip


@pytest.mark.parametrize("block_bytes", [1, 10**6])
@pytest.mark.parametrize("mistake", VALUES)
def test_a_bad_value_is_named_by_its_place_in_whatever_block(folder, tmp_path, monkeypatch, mistake, block_bytes):
    monkeypatch.setattr(embedding_files, "BLOCK_BYTES", block_bytes)
    name, value, said = VALUES[mistake]
    array = np.load(folder / name).astype(float if value == 1e300 else np.float32)
    array[2, 5, 3 if name == EMBEDDING else 0] = value
    np.save(folder / name, array)
    with pytest.raises(DataError, match=f"^brought/{name}: {said}"):
        bank_of(read_folder(folder, "brought")["test"], tmp_path / "scratch.npy")


def test_the_largest_float16_is_no_mistake(folder, tmp_path):
    array = np.load(folder / EMBEDDING)
    array[0, 0, 0] = 65504
    np.save(folder / EMBEDDING, array)
    assert bank_of(read_folder(folder)["test"], tmp_path / "scratch.npy").embedding_rd[0, 0] == 65504


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_reading_and_storing_take_the_memory_of_blocks_not_of_files(tmp_path, monkeypatch, dtype):
    monkeypatch.setattr(embedding_files, "BLOCK_BYTES", 10**6)
    monkeypatch.setattr("rmkit.artifacts.bank.BLOCK_BYTES", 10**6)
    written(tmp_path / "brought")
    large = np.zeros((100, 20, 4096), dtype)
    np.save(tmp_path / "brought" / EMBEDDING, large)
    np.save(tmp_path / "brought" / REWARD, np.zeros((100, 20), np.float32))
    np.save(tmp_path / "brought/embd_gemma2b_harmless_train.npy", np.zeros((7, 3, 4096), dtype))
    tracemalloc.start()
    bank_of(read_folder(tmp_path / "brought")["test"], tmp_path / "scratch.npy").save(tmp_path / "bank")
    bank = ResponseBank.load(tmp_path / "bank")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(bank.embedding_rd, np.memmap)
    assert bank.embedding_rd.shape == (2000, 4096)
    assert peak < 0.6 * bank.embedding_rd.nbytes < large.nbytes, "NumPy tells tracemalloc of every array"


UNDER_A_LIMIT = """
import resource, sys
from pathlib import Path

import numpy as np
import pandas as pd

from rmkit.artifacts.bank import ResponseBank
from rmkit.worlds.embedding_files import bank_of, read_folder

place = Path(sys.argv[1])
before = int(next(line for line in open("/proc/self/status") if line.startswith("VmData")).split()[1]) * 1024
resource.setrlimit(resource.RLIMIT_DATA, (before + int(sys.argv[2]),) * 2)
try:
    np.load(place / "brought/embd_test.npy")
    sys.exit("the arrays fit into memory")
except MemoryError:
    pass
bank_of(read_folder(place / "brought")["test"], place / "scratch.npy").save(place / "bank")
print(np.isfinite(ResponseBank.load(place / "bank").embedding_rd[-1]).all())
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the limit on data does not count what is allocated")
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_arrays_larger_than_memory_allows_are_stored(tmp_path, dtype):
    """400 MB of what a process may write to, and embeddings of 0.8 or 1.6 GB."""
    (tmp_path / "brought").mkdir()
    for name, n_prompts in (("train", 2), ("test", 400)):
        made = np.lib.format.open_memmap(tmp_path / f"brought/embd_{name}.npy", "w+", dtype, (n_prompts, 500, 2048))
        made[-1] = 1
        made.flush()
        np.save(tmp_path / f"brought/reward_{name}.npy", np.zeros((n_prompts, 500), np.float32))
    ended = subprocess.run(
        [sys.executable, "-c", UNDER_A_LIMIT, str(tmp_path), str(400 * 10**6)], capture_output=True, text=True
    )
    assert ended.stdout == "True\n", ended.stderr


def test_a_study_without_its_files_says_what_to_put_where(tmp_path):
    """With exit code 2; and that a folder is empty is no fault of other studies."""
    project = checkout(tmp_path / "project")
    ended = subprocess.run(
        [sys.executable, "-m", "rmkit.cli", "check", "params/from-embeddings.yaml"],
        cwd=project, env=environment(project), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 2
    assert ended.stderr.startswith("data/embeddings: holds no embd*_train.npy; put embd*_train.npy, reward*_train.npy")
    assert ended.stderr.count("\n") == 1
    execute([sys.executable, "-m", "rmkit.cli", "gc", "--dry-run"], project, project)


@pytest.mark.slow
def test_the_study_from_embeddings_learns_what_was_planted(tmp_path):
    """All of it by the runner: notebooks 00, 03 to 06 and 10, on embeddings that know gold, one dimension much too wide."""
    project = checkout(tmp_path / "project")
    rng = np.random.default_rng(0)
    weight_d = rng.normal(size=16)
    (project / "data/mine").mkdir()
    for name, shape in {"train": (60, 4, 16), "test": (20, 8, 16)}.items():
        embedding_pkd = rng.normal(size=shape).astype(np.float32)
        unit_d = np.where(np.arange(16) == 3, 1000, 1).astype(np.float32)
        np.save(project / f"data/mine/embd_{name}.npy", embedding_pkd * unit_d)
        np.save(project / f"data/mine/reward_{name}.npy", (embedding_pkd @ weight_d)[..., None].astype(np.float32))
    smaller = {
        "embeddings_folder": "data/mine",
        "n_labels": 300,
        "annotations": "[300]",
        "ns": "[1,8]",
        "betas": "[10.0]",
    }
    smaller |= {"seed": "[0]", "reward_models": "[linear_bt]", "splits": "[pair]"}
    smaller |= {"n_prompts": "60", "n_start": "20", "n_batch": "10", "n_rounds": "1", "n_candidates": "60"}
    words = [word for name, value in smaller.items() for word in ("--set", f"{name}={value}")]
    execute([sys.executable, "-m", "rmkit.cli", "run", "params/from-embeddings.yaml", *words], project, project)
    (path,) = (project / "runs/jobs").glob("04_reward_models-*/rows.parquet")
    rows = pd.read_parquet(path)
    spearman = rows[rows["metric"] == "spearman"].set_index("reward_model")["value"]
    assert spearman["linear_bt"] > 0.9
    assert abs(spearman["random"]) < 0.4
    (report,) = (project / "runs/reports").glob("*.html")
    assert "The embedding files: 1 dimension (3) of 16 holds 100.0% of the variance" in report.read_text("utf-8")


OF_THE_RELEASE = """
title: The published layout
question: Do notebooks 05 and 06 run on given files?
parameters: {world: files, embeddings_folder: data/released, ns: [1, 2, 4]}
axes: {seed: [0]}
stages:
  00_embedding_files:
  03_annotation_noise: {n_labels: 100, betas: [1.0]}
  05_active_labeling: {n_start: 30, n_rounds: 1, n_batch: 30, n_prompts: 40, n_candidates: 100, beta: 10.0}
  06_accuracy_vs_policy:
    {betas: [10.0], annotations: [40, 160], n_draws: 2, n_measured: 4, kls: [0.5], reward_models: [linear_bt]}
"""


@pytest.mark.slow
def test_the_release_of_the_paper_goes_through_active_labelling_and_policies(tmp_path):
    """By the runner: files named, shaped and typed as arXiv 2411.04991's, in small, and gold that embeddings know."""
    project, rng = checkout(tmp_path / "project"), np.random.default_rng(0)
    weight_d = rng.normal(size=8).astype(np.float32)
    (project / "data/released").mkdir()
    for name, shape in {"train": (40, 10, 8), "test": (20, 50, 8)}.items():
        embedding_pkd = rng.normal(size=shape).astype(np.float32)
        np.save(project / f"data/released/embd_gemma2b_gemma2b_harmless_{name}.npy", embedding_pkd)
        np.save(
            project / f"data/released/reward_gemma2b_rayharmless_harmless_{name}.npy", embedding_pkd @ weight_d[:, None]
        )
    (project / "params/released.yaml").write_text(OF_THE_RELEASE, encoding="utf-8")
    said = execute([sys.executable, "-m", "rmkit.cli", "check", "released"], project, project)
    assert "train 40 prompts with 10 responses in 8 dimensions, test 20 prompts with 50 responses" in said
    execute([sys.executable, "-m", "rmkit.cli", "run", "released", "--no-report"], project, project)
    rows = {stage: pd.read_parquet(*(project / "runs/jobs").glob(f"{stage}*/rows.parquet")) for stage in ("05", "06")}
    active = rows["05"].query("metric == 'spearman' and annotations == 60")["value"]
    assert len(active) == 2 * 3  # pools and strategies
    assert active.min() > 0.8
    assert rows["06"].query("metric == 'accuracy' and annotations == 160")["value"].min() > 0.85
    drop = rows["06"].query("metric == 'ndr' and policy == 'best_of_4' and annotations == 160")["value"]
    assert len(drop) == 2  # draws
    assert drop.max() < 0.3, "policies that hardly lose against gold's"
