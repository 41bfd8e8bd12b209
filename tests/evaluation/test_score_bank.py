"""A bank of scores is what its file says, in the file's order; what is amiss is one sentence with the row."""

import json

import numpy as np
import pandas as pd
import pytest

from rmkit.errors import DataError
from rmkit.evaluation.score_bank import ScoreBank, read_score_bank

RNG = np.random.default_rng(0)
GOLD_PK = RNG.normal(size=(3, 4))
SCORE_FPK = RNG.normal(size=(2, 3, 4))


def table(**changed):
    rows = [
        {"prompt_id": f"p{p}", "response_id": k, "gold": GOLD_PK[p, k], "note": "a text",
         "mine": SCORE_FPK[0, p, k], "theirs": SCORE_FPK[1, p, k]}
        for p in range(3) for k in range(4)
    ]  # fmt: skip
    return pd.DataFrame(rows).assign(**changed)


@pytest.fixture
def written(tmp_path):
    def write(rows, ending=".csv"):
        path = tmp_path / f"scores{ending}"
        if ending == ".parquet":
            rows.to_parquet(path)
        elif ending == ".jsonl":
            lines = [json.dumps(row) + "\n" for row in rows.to_dict("records")]
            path.write_text("".join(lines), encoding="utf-8")
        else:
            rows.to_csv(path, index=False)
        return path

    return write


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".jsonl"])
def test_every_container_gives_the_same_bank(written, ending):
    bank = read_score_bank(written(table(), ending))
    assert bank.names == ("mine", "theirs")
    assert bank.left_out == ("note",)
    np.testing.assert_allclose(bank.score_fpk, SCORE_FPK)
    np.testing.assert_allclose(bank.gold_pk, GOLD_PK)
    assert str(bank) == "2 reward models on 3 prompts with 4 responses each; without note"


def test_rows_of_a_prompt_need_not_lie_together_and_keep_their_order(written):
    mixed = table().iloc[[0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]]
    np.testing.assert_allclose(read_score_bank(written(mixed)).score_fpk, SCORE_FPK)


def test_models_that_are_asked_for_are_taken_alone(written):
    bank = read_score_bank(written(table()), models=["theirs"])
    assert bank.names == ("theirs",)
    np.testing.assert_allclose(bank.score_fpk, SCORE_FPK[1:])
    with pytest.raises(DataError, match=r"has no reward model 'ours'; there are note, mine, theirs"):
        read_score_bank(written(table()), models=["ours"])


def test_as_many_models_as_a_hundred_columns(written):
    wide = pd.concat([table()[["prompt_id", "response_id", "gold"]],
                      pd.DataFrame(RNG.normal(size=(12, 100)), columns=[f"m{i}" for i in range(100)])], axis=1)  # fmt: skip
    assert len(read_score_bank(written(wide, ".parquet")).names) == 100
    bank = read_score_bank(written(wide))
    assert bank.thinned(4).names == ("m0", "m33", "m66", "m99")
    np.testing.assert_array_equal(bank.thinned(4).score_fpk[1], bank.score_fpk[33])
    assert bank.thinned(1000).names == bank.names


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (table().drop(columns="gold"), "has no column gold; it has prompt_id, response_id, note"),
        (table()[["prompt_id", "response_id", "gold", "note"]], "has 0 columns of scores"),
        (table(mine=[*range(11), None]), "row 12: mine is missing"),
        (table(mine=[None, *range(11)]), "row 1: mine is missing"),
        (table(mine=[*range(11), "good"]), "row 12: mine is 'good', not a finite number"),
        (table(gold=[*range(11), np.inf]), "row 12: gold is 'inf', not a finite number"),
        (table(response_id=0), "row 2: response '0' to prompt 'p0' is there twice: .*row 1"),
        (table(prompt_id=[*["p0"] * 5, *["p1"] * 4, *["p2"] * 3]).assign(response_id=range(12)),
         "prompt 'p0' has 5 responses, and 'p1' has 4; give every prompt as many"),
        (table(prompt_id=[f"p{i}" for i in range(12)]), "at least two responses each"),
        (table(gold=1.0), "gold: is the same for all responses"),
        (table().iloc[:0], "has no rows"),
    ],
)  # fmt: skip
def test_what_is_amiss_is_one_sentence_with_the_row(written, rows, said):
    with pytest.raises(DataError, match=said):
        read_score_bank(written(rows))


def test_a_column_without_a_finite_number_is_told_and_not_left_out(written):
    with pytest.raises(DataError, match="line 1: mine is nan, not a finite number"):
        read_score_bank(written(table(mine=np.nan), ".jsonl"))


def test_a_path_that_is_no_table_is_one_sentence(tmp_path):
    for name, said in (
        ("missing.csv", "there is no such file"),
        ("scores.txt", "is not one of"),
        ("https://a/b.csv", "is an address"),
    ):
        with pytest.raises(DataError, match=said):
            read_score_bank(name if "://" in name else tmp_path / name)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: ScoreBank(("a",), SCORE_FPK, GOLD_PK), r"shape \(2, 3, 4\); it must be \(1, 3, 4\)"),
        (lambda: ScoreBank(("a", "a"), SCORE_FPK, GOLD_PK), "'a' is there twice"),
        (lambda: ScoreBank(("a", "b"), np.where(SCORE_FPK > 2, np.nan, SCORE_FPK) + np.nan, GOLD_PK), "is nan"),
        (lambda: ScoreBank((), np.empty((0, 3, 4)), GOLD_PK), "models, prompts, responses"),
        (lambda: ScoreBank(("a", "b"), SCORE_FPK, GOLD_PK).thinned(0), "0 reward models: take at least one"),
    ],
)
def test_arrays_that_are_no_bank_are_one_sentence(call, said):
    with pytest.raises(DataError, match=said):
        call()
