"""An exported study: `datasets` reads every table without code, and each bank comes back byte for byte."""

import json
import shutil
import tracemalloc
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from rmkit.artifacts.bank import ResponseBank
from rmkit.artifacts.comparisons import Comparisons
from rmkit.artifacts.table import Table
from rmkit.errors import DataError
from rmkit.export import study_dataset
from rmkit.export.study_card import CARD, NO_LICENCE, digest_of_card, licence_of, write_cards
from rmkit.export.study_dataset import Bank, Demonstrations, Labels, Made, Policy, Study, write_study
from rmkit.worlds.embedding_files import bank_of, check, enlargement, read_folder

SHAPES = {"train": (7, 3, 5), "test": (4, 6, 5)}
SOURCE = {"model": "judge", "revision": None, "template": None}


def made_bank(split, *, scores=("gold", "proxy"), texts=True):
    n_prompts, n_responses, n_dimensions = SHAPES[split]
    rng = np.random.default_rng(len(split))
    ids = np.repeat(np.arange(n_prompts) * 10, n_responses)
    responses = pd.DataFrame({"prompt_id": ids, "characters": rng.integers(1, 99, len(ids))})
    if texts:
        said = [None if r % 5 == 4 else f"ärger {r}\n" for r in range(len(ids))]
        responses = responses.assign(answer="so", note=said, odd=[1.5, *[np.nan] * (len(ids) - 1)])
    return ResponseBank(
        prompts=pd.DataFrame({"prompt_id": np.arange(n_prompts) * 10, "part": split}),
        responses=responses,
        embedding_rd=rng.normal(size=(len(ids), n_dimensions)).astype(np.float16),
        embedding_source={"model": "/home/me/encoders/mine", "text": "so"},
        scores={name: rng.normal(size=len(ids)).astype(np.float32) for name in scores},
        score_sources=dict.fromkeys(scores, SOURCE),
    )


def comparisons(seed, **more):
    rng = np.random.default_rng(seed)
    first = rng.integers(0, 10, 8)
    table = {"first": first, "second": first + 11, "label": rng.integers(0, 2, 8).astype(np.int8), "beta": 0.5}
    return Comparisons(pd.DataFrame(table | more))


def made(name, stage="02_sampling", **parameters):
    return Made(name, stage, f"{stage}-0123456789abcdef", parameters)


@pytest.fixture
def study(tmp_path):
    """Two banks, one with labels of two jobs; demonstrations; a policy with an adapter, and its base."""
    parts = {split: tmp_path / f"stored/{split}" for split in SHAPES}
    for split, place in parts.items():
        made_bank(split).save(place)
    made_bank("train", scores=(), texts=False).save(tmp_path / "stored/people")
    for seed, more in ((0, {}), (1, {"member": 3})):
        comparisons(seed, **more).save(tmp_path / f"stored/labels-{seed}")
    Table(pd.DataFrame({"prompt": ["How?"], "completion": [" So."]})).save(tmp_path / "stored/demonstrations")
    for place in ("policy/adapter", "base_models/grammar-s"):
        (tmp_path / "stored" / place).mkdir(parents=True)
    for place in ("policy", "base_models/grammar-s"):
        (tmp_path / "stored" / place / "config.json").write_text("{}", encoding="utf-8")
    config = {"base_model_name_or_path": "/store/grammar-s", "r": 4}
    (tmp_path / "stored/policy/adapter/adapter_config.json").write_text(json.dumps(config), encoding="utf-8")
    people = Labels(made("hh_rlhf", "00_human_preferences"), tmp_path / "stored/labels-0")
    return Study(
        name="mine",
        arguments="params/mine.yaml",
        title='A "study": mine',
        question="Does it come back?",
        version="0.1.0",
        packages={"numpy": "2"},
        banks=[
            Bank(made("hh_rlhf", "00_human_preferences", pairs_file="/home/me/pairs.jsonl"), {"train": tmp_path / "stored/people"}, [people]),
            Bank(
                made("grammar-sft", base_model="org/small@main", generator="sft"),
                parts,
                [Labels(made(f"seed-{seed}", "03_annotation_noise"), tmp_path / f"stored/labels-{seed}", {"seed": seed, "beta": [1]}) for seed in (0, 1)],
            ),
        ],
        demonstrations=[Demonstrations(made("grammar", "00_grammar_world"), tmp_path / "stored/demonstrations")],
        policies=[
            Policy(made("grammar-s-helpful", "01_sft", base_model="grammar-s", task="helpful", recipe="default"),
                   tmp_path / "stored/policy", tmp_path / "stored/base_models/grammar-s")
        ],
    )  # fmt: skip


def exported(study, folder, licences=None):
    write_cards(study, write_study(study, folder), folder, licences or {})
    return folder


def files_of(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("small", [False, True])
def test_a_bank_comes_back_byte_for_byte_in_whatever_pieces(study, tmp_path, monkeypatch, small):
    if small:  # a row group of two rows, a file of five
        monkeypatch.setattr(study_dataset, "GROUP_BYTES", 2 * 1010)
        monkeypatch.setattr(study_dataset, "SHARD_BYTES", 5 * 1010)
    folder = exported(study, tmp_path / "out") / "data/grammar-sft"
    assert len(list((folder / "responses").iterdir())) == (5 + 6 if small else 2)
    seen = []
    splits = read_folder(folder, "out")
    assert enlargement(splits["train"]) == 0
    for split, part in splits.items():
        bank_of(part, tmp_path / f"{split}.npy", progress=lambda *at: seen.append(at)).save(tmp_path / f"again/{split}")
        assert files_of(tmp_path / f"again/{split}") == files_of(tmp_path / f"stored/{split}")
    assert seen[-1] == (24, 24)
    said, counts = check(folder, "out")
    assert said == (
        "out: train 7 prompts with 3 responses in 5 dimensions, as exported, "
        "test 4 prompts with 6 responses in 5 dimensions, as exported"
    )
    assert counts == {
        "n_train_prompts": 7, "n_train_responses": 3, "n_test_prompts": 4, "n_test_responses": 6, "lengths": 1,
    }  # fmt: skip


def test_datasets_reads_every_table_by_the_card(study, tmp_path):
    datasets = pytest.importorskip("datasets")
    folder = exported(study, tmp_path / "out")

    def read(name=None):
        return datasets.load_dataset(str(folder), name, cache_dir=str(tmp_path / "cache"))

    assert set(datasets.get_dataset_config_names(str(folder))) == {
        *(f"hh_rlhf-{table}" for table in ("prompts", "responses", "labels")),
        *(f"grammar-sft-{table}" for table in ("prompts", "responses", "labels")),
        "demonstrations",
    }
    both = read()  # the table with gold, labels and a test split
    bank = made_bank("test")
    assert {split: len(rows) for split, rows in both.items()} == {"train": 21, "test": 24}
    rows = both["test"].with_format("numpy")
    np.testing.assert_array_equal(np.asarray(rows["embedding"]), bank.embedding_rd)
    np.testing.assert_array_equal(np.asarray(rows["score_gold"]), bank.scores["gold"])
    assert both["test"]["note"] == [None if pd.isna(text) else text for text in bank.responses["note"]]
    labels = read("grammar-sft-labels")["train"].to_pandas()
    assert labels["seed"].tolist() == [0] * 8 + [1] * 8
    assert set(labels["param_beta"]) == {"[1]"}, "a parameter of the name of a column"
    assert labels["member"].isna().tolist() == [True] * 8 + [False] * 8
    np.testing.assert_array_equal(labels["first"][8:], comparisons(1).first_m)
    assert read("demonstrations")["train"][0] == {"prompt": "How?", "completion": " So."}
    assert len(read("hh_rlhf-responses")["train"]) == 21


def test_the_card_says_where_texts_come_from_and_leaves_the_licence_to_say(study, tmp_path):
    folder = exported(study, tmp_path / "out")
    text = (folder / CARD).read_text(encoding="utf-8")
    front = yaml.safe_load(text.split("---")[1])
    assert front["pretty_name"] == 'A "study": mine'
    assert "license" not in front
    assert text.splitlines()[1] == NO_LICENCE
    assert "Responses were drawn from the model org/small@main, fine-tuned" in text
    assert text.count("Labels: a simulated annotator's") == text.count("Labels: people's.") == 1
    assert "Preferences of the file `pairs.jsonl`, without its texts." in text
    everything = "\n".join(
        each.decode() for name, each in files_of(folder).items() if name.endswith((".md", "export.json"))
    )
    assert "/home/me" not in everything, "who worked where is nobody's business"
    adapter = json.loads((folder / "policies/grammar-s-helpful/adapter/adapter_config.json").read_text("utf-8"))
    assert adapter == {"base_model_name_or_path": "grammar-s", "r": 4}
    for place in ("", "/adapter"):
        card = (folder / f"policies/grammar-s-helpful{place}" / CARD).read_text(encoding="utf-8")
        assert yaml.safe_load(card.split("---")[1])["library_name"] == ("peft" if place else "transformers")
    assert (folder / "policies/grammar-s/config.json").is_file()
    assert '"/home/me/encoders/mine"' in (folder / "data/grammar-sft/bank.json").read_text("utf-8"), "it comes back"


def test_a_licence_that_was_filled_in_is_kept_and_is_no_edit(study, tmp_path):
    text = (exported(study, tmp_path / "out") / CARD).read_text(encoding="utf-8")
    filled = text.replace(NO_LICENCE, "license: other\nlicense_name: mine")
    assert licence_of(text) is None
    assert licence_of(filled) == "license: other\nlicense_name: mine"
    assert digest_of_card(text) != digest_of_card(text + "more")
    again = exported(study, tmp_path / "again", {CARD: licence_of(filled)})
    assert (again / CARD).read_text(encoding="utf-8") == filled


def test_an_export_is_a_copy_that_shares_no_file_with_the_store(study, tmp_path):
    stored = files_of(tmp_path / "stored")
    folder = exported(study, tmp_path / "out")
    for path in folder.rglob("*"):
        if path.is_file():
            path.write_bytes(b"")
    assert files_of(tmp_path / "stored") == stored


def test_a_column_that_an_export_adds_is_refused(study, tmp_path):
    taken = made_bank("train")
    replace(taken, responses=taken.responses.assign(score_gold=1.0)).save(tmp_path / "stored/train")
    with pytest.raises(DataError, match=r"stored/train: its responses have a column score_gold, which an export adds"):
        write_study(study, tmp_path / "out")


def changed(name, **changes):
    def change(folder):
        about = json.loads((folder / "bank.json").read_text(encoding="utf-8"))
        about["parts"][name] |= changes
        (folder / "bank.json").write_text(json.dumps(about), encoding="utf-8")

    return change


def rewritten(change):
    def rewrite(folder):
        path = folder / "responses/test-00000-of-00001.parquet"
        change(pd.read_parquet(path)).to_parquet(path)

    return rewrite


def exchanged(folder):
    """The prompts of both parts change names; their tables are made equally long, so that no count tells."""
    train, test = (folder / f"prompts/{part}-00000-of-00001.parquet" for part in ("train", "test"))
    train.rename(folder / "aside")
    test.rename(train)
    (folder / "aside").rename(test)
    about = json.loads((folder / "bank.json").read_text(encoding="utf-8"))
    counts = about["parts"]
    counts["train"]["prompts"], counts["test"]["prompts"] = counts["test"]["prompts"], counts["train"]["prompts"]
    (folder / "bank.json").write_text(json.dumps(about), encoding="utf-8")


def told_by(folder, **changes):
    about = json.loads((folder / "bank.json").read_text(encoding="utf-8"))
    (folder / "bank.json").write_text(json.dumps(about | changes), encoding="utf-8")


def parts_of(folder, names):
    about = json.loads((folder / "bank.json").read_text(encoding="utf-8"))
    about["parts"] = {name: about["parts"][name] for name in names}
    (folder / "bank.json").write_text(json.dumps(about), encoding="utf-8")


FILE = "out/responses/test-00000-of-00001.parquet"
DAMAGES = {
    "no bank.json": (lambda folder: (folder / "bank.json").unlink(), r"out: holds no embd\*_train.npy; "),
    "no JSON": (lambda folder: (folder / "bank.json").write_text("{", "utf-8"), "out/bank.json: is not what `rmkit export` wrote"),
    "a list": (lambda folder: (folder / "bank.json").write_text("[]", "utf-8"), "out/bank.json: is not what `rmkit export` wrote"),
    "another format": (lambda folder: (folder / "bank.json").write_text('{"format": 2}', "utf-8"), "out/bank.json: is of format 2; this rmkit reads format 1"),
    "no count": (changed("test", prompts="many"), "out/bank.json: is not what `rmkit export` wrote"),
    "no grid": (changed("test", prompts=5), r"out/prompts: holds 4 rows of 5 of test"),
    "a missing file": (lambda folder: (folder / "responses/test-00000-of-00001.parquet").unlink(), r"out/responses: the files of test are not whole \(none\)"),
    "a missing shard": (lambda folder: (folder / "responses/test-00000-of-00001.parquet").rename(folder / "responses/test-00001-of-00002.parquet"), "out/responses: the files of test are not whole"),
    "a cut file": (lambda folder: (folder / "responses/test-00000-of-00001.parquet").write_bytes(b"PAR1"), f"{FILE}: is not a sound Parquet file"),
    "lost rows": (rewritten(lambda rows: rows[:-1]), "out/responses/.*|out/responses: holds 23 rows of 24 of test"),
    "a lost column": (rewritten(lambda rows: rows.drop(columns="score_proxy")), f"{FILE}: has the columns .*; bank.json says .*score_proxy"),
    "another type": (rewritten(lambda rows: rows.assign(score_gold=1.0)), f"{FILE}: score_gold is double; it must be float"),
    "the shards of train and test exchanged": (exchanged, r"out/prompts/train-00000-of-00001.parquet: is 'prompts of test, file 0, by 02_sampling-0123456789abcdef' by what it says; fetch it again"),
    "prompts that are numbered by bytes": (rewritten(lambda rows: rows.assign(prompt_id=rows["prompt_id"].astype(np.uint8))), f"{FILE}: prompt_id is uint8; it must be int64"),
    "a job that is no text": (lambda folder: told_by(folder, job=[1]), "out/bank.json: is not what `rmkit export` wrote"),
    "another job": (lambda folder: told_by(folder, job="another"), r"out/prompts/train-.*: is 'prompts of train, file 0, by 02_sampling-0123.*' by what it says"),
    "prompts that are numbered by text": (rewritten(lambda rows: rows.assign(prompt_id=rows["prompt_id"].astype(str))), f"{FILE}: prompt_id is large_string; it must be whole numbers"),
    "lengths of text": (rewritten(lambda rows: rows.assign(characters="x")), f"{FILE}: characters is large_string; it must be whole numbers"),
    "answers of numbers": (rewritten(lambda rows: rows.assign(answer=1)), f"{FILE}: answer is int64; it must be text"),
    "a score of nobody": (changed("test", score_sources={"gold": None, "proxy": None}), "out/bank.json: is not what `rmkit export` wrote .*the source of gold is no object"),
    "another width": (changed("test", dimensions=6), f"{FILE}: an embedding has 5 numbers, and bank.json says 6 dimensions|out: train and test have embeddings of different lengths"),
    "no test": (lambda folder: parts_of(folder, ["train"]), "out: has no test responses, which notebooks"),
    "embeddings of text": (rewritten(lambda rows: rows.assign(embedding="x")), f"{FILE}: embedding is large_string; it must be a list of halffloat"),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_export_is_one_sentence_that_names_the_file(study, tmp_path, damage):
    folder = exported(study, tmp_path / "out") / "data/grammar-sft"
    check(folder, "out")  # right before the change
    change, said = DAMAGES[damage]
    change(folder)
    with pytest.raises(DataError, match=f"^{said}"):
        check(folder, "out")


WHEN_READ = {
    "no length": (lambda rows: rows.assign(characters=rows["characters"].astype("Int64").mask(rows.index == 3)), "row 4: has no characters"),
    "a length below 0": (lambda rows: rows.assign(characters=rows["characters"].mask(rows.index == 3, -1)), "row 4: characters is -1; it must be 0 or more"),
    "no number of a prompt": (lambda rows: rows.assign(prompt_id=rows["prompt_id"].astype("Int64").mask(rows.index == 0)), "row 1: has no prompt_id"),
    "embeddings of 3 and 7 numbers": (lambda rows: rows.assign(embedding=[np.ones({1: 3, 2: 7}.get(r, 5), np.float16) for r in range(len(rows))]), "row 2: an embedding has not 5 numbers"),
    "an embedding without end": (lambda rows: rows.assign(embedding=[np.full(5, np.inf if r == 5 else 1, np.float16) for r in range(len(rows))]), "row 6: an embedding holds a value that is not finite"),
    "no score": (lambda rows: rows.assign(score_gold=rows["score_gold"].mask(rows.index == 7)), "row 8: score_gold is no finite number"),
}  # fmt: skip


@pytest.mark.parametrize("damage", WHEN_READ)
def test_a_value_that_cannot_be_is_found_when_it_is_read(study, tmp_path, damage):
    folder = exported(study, tmp_path / "out") / "data/grammar-sft"
    change, said = WHEN_READ[damage]
    rewritten(change)(folder)
    with pytest.raises(DataError, match=f"^{FILE}, {said}"):
        bank_of(read_folder(folder, "out")["test"], tmp_path / "scratch.npy")


def of_kind(column, values):
    """A change of the test responses: a column of other values under the metadata that say what it was."""

    def change(folder):
        path = folder / "responses/test-00000-of-00001.parquet"
        table = pq.read_table(path)
        pq.write_table(table.set_column(table.column_names.index(column), column, pa.array(values)), path)

    return change


def one_prompt(folder):
    path = folder / "responses/test-00000-of-00001.parquet"
    table = pq.read_table(path)
    pq.write_table(table.take([0] * len(table)), path)


def another_number(folder):
    path = folder / "prompts/test-00000-of-00001.parquet"
    table = pq.read_table(path)
    pq.write_table(table.set_column(0, "prompt_id", pa.array(range(len(table)))), path)


OF_A_TABLE = {
    "lists in a column of text": (of_kind("note", [[1]] * 24), "out/responses: the files of test hold a column that is not what they say"),
    "bytes that are no text": (of_kind("note", [b"\xff"] * 24), "out/responses: the files of test hold a column that is not what they say"),
    "all responses to one prompt": (one_prompt, "out, test: responses: a grid needs one number of responses for every prompt"),
    "prompts by other numbers": (another_number, "out, test: responses, row 6: prompt_id 10 is not in prompts"),
}  # fmt: skip


@pytest.mark.parametrize("damage", OF_A_TABLE)
def test_a_table_that_fits_no_bank_is_one_sentence_with_its_place(study, tmp_path, damage):
    folder = exported(study, tmp_path / "out") / "data/grammar-sft"
    change, said = OF_A_TABLE[damage]
    change(folder)
    with pytest.raises(DataError, match=f"^{said}") as told:
        bank_of(read_folder(folder, "out")["test"], tmp_path / "scratch.npy")
    assert str(told.value).endswith(("fetch it again", "fetch them again"))


def test_shards_of_two_kinds_and_of_another_bank_are_found(study, tmp_path, monkeypatch):
    monkeypatch.setattr(study_dataset, "GROUP_BYTES", 2 * 1010)
    monkeypatch.setattr(study_dataset, "SHARD_BYTES", 5 * 1010)
    folder = exported(study, tmp_path / "out") / "data/grammar-sft"
    path = sorted((folder / "responses").glob("test-*"))[1]
    whole, table = path.read_bytes(), pq.read_table(path)
    pq.write_table(table.set_column(3, "note", pa.array([1] * len(table))), path)
    with pytest.raises(DataError, match=rf"^out/responses/{path.name}: note is int64, and .*string in the file before"):
        bank_of(read_folder(folder, "out")["test"], tmp_path / "scratch.npy")
    path.write_bytes(whole)
    banks = [replace(bank, made=made("other", generator="prompted")) for bank in study.banks[1:]]
    keyed = [replace(bank, made=replace(bank.made, key="02_sampling-fedcba9876543210")) for bank in banks]
    other = exported(replace(study, banks=keyed), tmp_path / "other") / "data/other"
    path.write_bytes((other / "responses" / path.name).read_bytes())
    with pytest.raises(DataError, match=rf"^out/responses/{path.name}: is .*by 02_sampling-fedcba9876543210' by what"):
        check(folder, "out")


def test_parts_in_another_order_and_the_folder_of_the_banks_are_read(study, tmp_path):
    folder = exported(replace(study, banks=study.banks[1:]), tmp_path / "out") / "data/grammar-sft"
    said = check(folder, "out")
    parts_of(folder, ["test", "train"])
    assert check(folder, "out") == said
    assert check(folder.parent, "out") == said
    with pytest.raises(DataError, match=r"out: holds 2 banks; name one .*out/grammar-sft, out/hh_rlhf"):
        check(exported(study, tmp_path / "both") / "data", "out")


def test_embeddings_of_several_lengths_are_found_when_they_are_read(study, tmp_path):
    folder = exported(study, tmp_path / "out") / "data/grammar-sft"
    path = folder / "responses/test-00000-of-00001.parquet"
    rows = pd.read_parquet(path)
    rows["embedding"] = [each[: 4 if r == 9 else 5] for r, each in enumerate(rows["embedding"])]
    rows.to_parquet(path)
    with pytest.raises(DataError, match=f"^{FILE}, row 10: an embedding has not 5 numbers"):
        bank_of(read_folder(folder, "out")["test"], tmp_path / "scratch.npy")


def test_an_export_names_its_banks_where_it_has_several(study, tmp_path):
    folder = exported(study, tmp_path / "out")
    several = (
        r"^out: holds 2 banks; name one with --set embeddings_folder=FOLDER: out/data/grammar-sft, out/data/hh_rlhf$"
    )
    with pytest.raises(DataError, match=several):
        check(folder, "out")
    with pytest.raises(DataError, match=r"^out/data/hh_rlhf: has no test responses, which notebooks 03 to 06 need"):
        check(folder / "data/hh_rlhf", "out/data/hh_rlhf")
    shutil.rmtree(folder / "data/hh_rlhf")
    assert check(folder, "out")[0].startswith("out: train 7 prompts")


def test_exporting_and_importing_take_the_memory_of_blocks_not_of_banks(study, tmp_path, monkeypatch):
    n_dimensions, n_bytes = 4096, 4000 * 4096 * 2
    monkeypatch.setattr(study_dataset, "GROUP_BYTES", 2**20)
    monkeypatch.setattr(study_dataset, "SHARD_BYTES", 2**23)
    monkeypatch.setattr("rmkit.artifacts.bank.BLOCK_BYTES", 2**20)
    ids = np.repeat(np.arange(2000), 2)
    large = np.lib.format.open_memmap(tmp_path / "large.npy", "w+", np.float16, (4000, n_dimensions))
    large[::7] = 1
    ResponseBank(
        prompts=pd.DataFrame({"prompt_id": np.arange(2000)}),
        responses=pd.DataFrame({"prompt_id": ids}),
        embedding_rd=large,
        embedding_source={},
        scores={"gold": np.zeros(4000, np.float32)},
        score_sources={"gold": SOURCE},
    ).save(tmp_path / "stored/train")
    bank = replace(study.banks[1], labels=[], parts={**study.banks[1].parts})
    shutil.rmtree(tmp_path / "stored/test")
    shutil.copytree(tmp_path / "stored/train", tmp_path / "stored/test")
    tracemalloc.start()
    try:
        exported(replace(study, banks=[bank]), tmp_path / "out")
        split = read_folder(tmp_path / "out/data/grammar-sft")["test"]
        split.bank(tmp_path / "scratch.npy").save(tmp_path / "again")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 0.5 * n_bytes
    assert (tmp_path / "again/embedding.npy").read_bytes() == (tmp_path / "stored/test/embedding.npy").read_bytes()
