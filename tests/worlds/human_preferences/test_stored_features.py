import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rmkit.errors import DataError, ParamsError
from rmkit.files.digests import file_digest
from rmkit.worlds.human_preferences import texts
from rmkit.worlds.human_preferences.computed_features import make_stored, read_texts
from rmkit.worlds.human_preferences.pairs import check as check_pairs
from rmkit.worlds.human_preferences.pairs import in_bank_order, texts_to_embed
from rmkit.worlds.human_preferences.stored_features import (
    ENCODED,
    LENGTHS,
    MINILM,
    NGRAMS,
    STORED,
    check,
    check_features,
    read_stored,
)
from rmkit.worlds.human_preferences.text_features import highest_min_df
from tests.worlds.human_preferences.dialogues import DONE, N_PAIRS, SAID, written

SHIPPED = Path(__file__).parents[3] / "data/hh-rlhf"


@pytest.mark.parametrize("features", STORED)
def test_what_is_stored_is_what_the_file_of_texts_gives(features, stored, dialogues, tiny_encoder):
    options = {**STORED[NGRAMS], "encoder": str(tiny_encoder)}
    computed = read_texts(dialogues, features=features, **options)
    found = read_stored(stored, features=features, **STORED[features])
    pd.testing.assert_frame_equal(found.comparisons.table, computed.comparisons.table)
    pd.testing.assert_frame_equal(found.bank.prompts, computed.bank.prompts[LENGTHS])
    pd.testing.assert_frame_equal(found.bank.responses, computed.bank.responses[LENGTHS])
    np.testing.assert_array_equal(found.bank.embedding_rd, computed.bank.embedding_rd)
    assert found.bank.embedding_rd.dtype == np.float16
    assert found.bank.n_dimensions == {NGRAMS: 125, MINILM: 16}[features]  # of 128, the rank of these few dialogues
    assert (found.read, found.kept) == (computed.read, computed.kept) == (N_PAIRS + 3, N_PAIRS)
    assert found.dropped == {reason: count for reason, count in computed.dropped.items() if count}
    assert dict(computed.bank.embedding_source).items() <= found.bank.embedding_source.items()
    assert found.bank.embedding_source["texts_sha256"] == file_digest(dialogues)


def test_making_it_again_gives_the_same_bytes_and_no_text_is_among_them(stored, dialogues, tiny_encoder, tmp_path):
    said = make_stored(dialogues, str(tiny_encoder), tmp_path / "again")
    assert said == check(tmp_path / "again")[0]
    for path in stored.iterdir():
        content = path.read_bytes()
        assert content == (tmp_path / "again" / path.name).read_bytes()
        assert not [word for word in (*SAID, *DONE) if word.encode() in content]


def test_the_shipped_folder_holds_what_its_readme_says():
    said, counts = check(SHIPPED, "data/hh-rlhf")
    assert counts == {"pairs": 2303, "prompts": 2301}
    assert said.startswith("data/hh-rlhf: 2303 of 2312 pairs kept, 2301 prompts, no texts; dropped: 5 chosen and")
    found = {name: read_stored(SHIPPED, features=name, **STORED[name]) for name in STORED}
    assert {name: each.bank.embedding_rd.shape for name, each in found.items()} == {
        NGRAMS: (4606, 128),
        MINILM: (4606, 384),
    }
    source = json.loads((SHIPPED / "about.json").read_text(encoding="utf-8"))["source"]
    assert (source["sha256"], source["bytes"], source["revision"]) == (texts.SHA256, texts.BYTES, texts.REVISION)
    ngrams, minilm = found.values()
    pd.testing.assert_frame_equal(ngrams.comparisons.table, minilm.comparisons.table)
    chosen_m, rejected_m = ngrams.comparisons.chosen_m, ngrams.comparisons.rejected_m
    difference_m = ngrams.bank.characters_r[chosen_m] - ngrams.bank.characters_r[rejected_m]
    assert np.mean(difference_m > 0) == pytest.approx(0.44, abs=0.01)
    norm_r = np.linalg.norm(minilm.bank.embedding_rd.astype(np.float64), axis=1)
    np.testing.assert_allclose(norm_r, 1, atol=1e-3)


def test_what_is_shipped_agrees_with_the_texts_where_these_are():
    """Within one step of float16: another processor may round the last bit otherwise."""
    path = SHIPPED.parents[1] / texts.DOWNLOADED
    if not path.is_file():
        pytest.skip(f"{path} is not there; `rmkit data hh-rlhf` downloads it")
    computed = read_texts(path, features=NGRAMS, **STORED[NGRAMS])
    found = read_stored(SHIPPED, features=NGRAMS)
    pd.testing.assert_frame_equal(found.comparisons.table, computed.comparisons.table)
    step_rd = np.spacing(np.abs(computed.bank.embedding_rd))
    difference_rd = np.abs(found.bank.embedding_rd.astype(np.float64) - computed.bank.embedding_rd)
    assert (difference_rd <= step_rd).all()


@pytest.mark.parametrize(
    ("name", "value"), [("n_dimensions", 32), ("ngrams", [1, 1]), ("min_df", 2), ("embedded", "prompt_and_response")]
)
def test_other_features_than_the_stored_ones_need_the_texts(name, value, stored):
    parameters = {**STORED[NGRAMS], "encoder": "x/y", "features": NGRAMS, "pairs_file": None, name: value}
    with pytest.raises(ParamsError, match=rf"^mine.yaml: {name}: .* needs the texts.*`rmkit data hh-rlhf` downloads"):
        check_features(parameters, {}, "mine.yaml")
    with pytest.raises(ParamsError, match="needs the texts"):
        read_stored(stored, features=NGRAMS, **{name: value})
    check_features({**parameters, "pairs_file": "pairs.jsonl"}, {}, "mine.yaml")
    check_features({**parameters, "features": MINILM, "encoder": STORED[MINILM]["encoder"]}, {}, "mine.yaml")


def test_another_encoder_and_an_unknown_set_are_a_sentence():
    parameters = {**STORED[NGRAMS], "encoder": "x/y", "features": MINILM, "pairs_file": None}
    with pytest.raises(ParamsError, match=r"^mine.yaml: encoder: 'x/y' needs the texts"):
        check_features(parameters, {}, "mine.yaml")
    with pytest.raises(ParamsError, match=r"^mine.yaml: features: 'ngram' is not one of .*; did you mean 'ngrams'"):
        check_features({**parameters, "features": "ngram"}, {}, "mine.yaml")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("features.safetensors", b"version https://git-lfs", "is not the file that about.json describes; fetch"),
        ("comparisons.csv", None, "cannot be read .No such file.*; fetch the folder again"),
        ("about.json", b'{"format": 2, "files": {}}', "is of format 2; this rmkit reads format 1"),
        ("about.json", b"{", "is not what rmkit wrote"),
        ("about.json", b"[]", "is not what rmkit wrote"),
        ("about.json", None, "cannot be read"),
    ],
)
def test_a_damaged_folder_is_a_sentence_that_names_the_file(name, content, said, stored, tmp_path):
    folder = Path(shutil.copytree(stored, tmp_path / "damaged"))
    (folder / name).unlink() if content is None else (folder / name).write_bytes(content)
    with pytest.raises(DataError, match=rf"^data/here/{name}: {said}") as caught:
        check(folder, "data/here")
    assert "\n" not in str(caught.value)


def test_checking_it_loads_no_heavy_package():
    code = (
        "import sys; from rmkit.worlds.human_preferences.stored_features import check; check(sys.argv[1]);"
        "print([name for name in ('numpy', 'pandas', 'safetensors', 'torch') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, SHIPPED], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("asked", [{"tied_pairs": "half_each"}, {"skip_bad_rows": True}])
def test_what_is_about_the_rows_of_a_file_needs_one(asked):
    parameters = {"features": "ngrams", "pairs_file": None, **asked}
    with pytest.raises(ParamsError, match=r"here: \w+: .* is about the rows of a file; name one by pairs_file"):
        check_features(parameters, {}, "here")
    check_features({**parameters, "pairs_file": "pairs.jsonl"}, {}, "here")


def test_pairs_with_weights_are_not_stored_without_them(tmp_path, tiny_encoder):
    rows = [{"prompt": f"{asked}?", "chosen": [*SAID[:3]], "rejected": SAID[3:]} for asked in DONE]
    with pytest.raises(DataError, match=r"rankings.jsonl: its pairs have weight, which stored features leave out"):
        make_stored(written(tmp_path / "rankings.jsonl", rows), str(tiny_encoder), tmp_path / "stored")
    assert not (tmp_path / "stored").exists()


FILE_GIVEN = {**STORED[NGRAMS], "features": NGRAMS, "pairs_file": "pairs.jsonl", "encoder": "x/y"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"n_dimensions": 0}, "n_dimensions: 0; it must be 1 or more"),
        ({"n_dimensions": -3}, "n_dimensions: -3; it must be 1 or more"),
        ({"min_df": 0}, "min_df: 0; it must be 1 or more"),
        ({"ngrams": [4, 2]}, "ngrams: [4, 2] is no shortest and longest length of 1 or more; say --set 'ngrams=[2,4]'"),
        ({"ngrams": [2]}, "ngrams: [2] is no shortest and longest length of 1 or more; say --set 'ngrams=[2,4]'"),
        ({"ngrams": []}, "ngrams: [] is no shortest and longest length of 1 or more; say --set 'ngrams=[2,4]'"),
        ({"ngrams": [0, 2]}, "ngrams: [0, 2] is no shortest and longest length of 1 or more"),
        ({"features": ENCODED, "encoder": "mine"}, "encoder: 'mine' is no folder or hub name with a slash in it"),
        ({"features": ENCODED, "encoder": "/none"}, "encoder: there is no folder '/none', and on the hub a name is as"),
    ],
)
def test_features_that_cannot_be_are_refused_before_anything_runs(change, said):
    check_features(FILE_GIVEN, {}, "here")
    with pytest.raises(ParamsError) as caught:
        check_features(FILE_GIVEN | change, {}, "here")
    assert str(caught.value).startswith(f"here: {said}")


@pytest.mark.parametrize("ngrams", [[2, 2], [2, 4]])
@pytest.mark.parametrize("embedded", ["response", "prompt_and_response"])
def test_the_highest_min_df_is_the_one_that_features_can_be_fitted_by(ngrams, embedded, dialogues):
    counts = check_pairs(dialogues)[1]
    asked = FILE_GIVEN | {"ngrams": ngrams, "embedded": embedded, "n_dimensions": 4, "min_df": 10_000}
    with pytest.raises(ParamsError, match=r"min_df: fewer than 2 n-grams .* say --set min_df=\d+$") as caught:
        check_features(asked, counts, "here")
    remedy = int(str(caught.value).rpartition("=")[2])
    check_features(asked | {"min_df": remedy}, counts, "here")
    options = {name: asked[name] for name in ("ngrams", "embedded", "n_dimensions")}
    read_texts(dialogues, features=NGRAMS, min_df=remedy, **options)
    texts = texts_to_embed(*in_bank_order(counts["reading"]), with_prompts=embedded == "prompt_and_response")
    highest = highest_min_df(texts, 10_000, tuple(ngrams))
    read_texts(dialogues, features=NGRAMS, min_df=highest, **options)
    with pytest.raises(DataError, match="n-grams occur in"):
        read_texts(dialogues, features=NGRAMS, min_df=highest + 1, **options)


def test_answers_that_differ_in_capitals_and_order_alone_are_refused_for_n_grams(tmp_path):
    rows = [{"prompt": f"{n}?", "chosen": f"Yes {n} it  is", "rejected": f"is it yes {n}"} for n in range(9)]
    _, counts = check_pairs(written(tmp_path / "pairs.jsonl", rows))
    with pytest.raises(ParamsError, match=r"^here: features: chosen and rejected have the same words in every pair"):
        check_features({**FILE_GIVEN, "min_df": 1}, counts, "here")
    _, counts = check_pairs(written(tmp_path / "pairs.jsonl", [*rows, {**rows[0], "chosen": "It never is"}]))
    check_features({**FILE_GIVEN, "min_df": 1}, counts, "here")
