import numpy as np
import pandas as pd
import pytest

from rmkit.artifacts.bank import BLOCK_BYTES, ResponseBank
from rmkit.errors import DataError

SOURCE = {"model": "a-reward-model", "revision": "main", "template": None}


def parts(counts=(2, 2, 2), n_dimensions=3, scores=("gold",)):
    """The arguments of a bank in which prompt p, of id 10 * p, has counts[p] responses."""
    rng = np.random.default_rng(0)
    prompt_ids = 10 * np.arange(len(counts), dtype=np.int64)
    n_responses = sum(counts)
    return {
        "prompts": pd.DataFrame({"prompt_id": prompt_ids, "prompt": [f"ask é {i}" for i in prompt_ids], "topic": "x"}),
        "responses": pd.DataFrame(
            {"prompt_id": np.repeat(prompt_ids, counts), "response": [f"say {r}" for r in range(n_responses)]}
        ),
        "embedding_rd": rng.normal(size=(n_responses, n_dimensions)).astype(np.float16),
        "embedding_source": {"method": "drawn", "sizes": [1, 2]},
        "scores": {name: rng.normal(size=n_responses).astype(np.float32) for name in scores},
        "score_sources": dict.fromkeys(scores, SOURCE),
    }


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("scores", [(), ("gold",), ("gold", "a proxy")])
@pytest.mark.parametrize("counts", [(2, 2), (1, 3, 2)])
def test_a_saved_bank_comes_back_the_same(tmp_path, counts, scores):
    bank = ResponseBank(**parts(counts, scores=scores))
    bank.save(tmp_path)
    again = ResponseBank.load(tmp_path)
    pd.testing.assert_frame_equal(again.prompts, bank.prompts)
    pd.testing.assert_frame_equal(again.responses, bank.responses)
    np.testing.assert_array_equal(again.embedding_rd, bank.embedding_rd)
    assert again.embedding_rd.dtype == np.float16
    assert again.about == bank.about
    assert set(again.scores) == set(scores)
    for name in scores:
        np.testing.assert_array_equal(again.scores[name], bank.scores[name])
    assert (again.n_prompts, again.n_responses, again.n_dimensions) == (len(counts), sum(counts), 3)


def test_texts_may_be_missing(tmp_path):
    given = parts()
    without = {name: given[name][["prompt_id"]] for name in ("prompts", "responses")}
    ResponseBank(**given | without).save(tmp_path)
    again = ResponseBank.load(tmp_path)
    assert list(again.prompts) == list(again.responses) == ["prompt_id"]
    np.testing.assert_array_equal(again.embedding_rd, given["embedding_rd"])


def test_lengths_come_from_their_column_or_from_the_text():
    given = parts()
    responses = given["responses"].assign(response="four", answer="one", characters=np.arange(6))
    for columns, expected in (
        (["characters", "answer", "response"], range(6)),
        (["answer", "response"], [3] * 6),
        (["response"], [4] * 6),
    ):
        bank = ResponseBank(**given | {"responses": responses[["prompt_id", *columns]]})
        assert bank.characters_r.tolist() == list(expected)
        assert bank.characters_r.dtype == np.int64
    with pytest.raises(DataError, match=r"responses: have neither characters nor a text \(prompt_id\)"):
        _ = ResponseBank(**given | {"responses": responses[["prompt_id"]]}).characters_r


def test_equal_banks_give_equal_bytes_whatever_the_order_of_axes_and_names(tmp_path):
    given = parts(scores=("gold", "proxy", "third"))
    turned = given | {
        "embedding_rd": np.asfortranarray(given["embedding_rd"]),
        "scores": dict(reversed(given["scores"].items())),
        "score_sources": dict(reversed(given["score_sources"].items())),
    }
    ResponseBank(**given).save(tmp_path / "one")
    ResponseBank(**turned).save(tmp_path / "two")
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_a_loaded_embedding_is_mapped_and_survives_being_saved_over_itself(tmp_path):
    ResponseBank(**parts()).save(tmp_path)
    before = contents(tmp_path)
    bank = ResponseBank.load(tmp_path)
    assert isinstance(bank.embedding_rd, np.memmap)
    assert not bank.embedding_rd.flags.writeable
    bank.save(tmp_path)
    assert contents(tmp_path) == before


def test_saving_over_a_bank_with_scores_leaves_none_behind(tmp_path):
    ResponseBank(**parts()).save(tmp_path)
    ResponseBank(**parts(scores=())).save(tmp_path)
    assert "scores.safetensors" not in contents(tmp_path)
    assert ResponseBank.load(tmp_path).scores == {}


def test_a_grid_is_views_that_find_each_response_under_its_prompt():
    bank = ResponseBank(**parts((3, 3, 3, 3)))
    grid = bank.grid()
    assert np.shares_memory(grid.embedding_pkd, bank.embedding_rd)
    assert np.shares_memory(grid.scores_pk["gold"], bank.scores["gold"])
    for p in range(4):
        for k in range(3):
            r = grid.response_pk[p, k]
            assert bank.prompt_id_r[r] == bank.prompts["prompt_id"][p]
            np.testing.assert_array_equal(grid.embedding_pkd[p, k], bank.embedding_rd[r])
            assert grid.scores_pk["gold"][p, k] == bank.scores["gold"][r]


@pytest.mark.parametrize(
    ("counts", "said"),
    [((2, 2, 4), "2 prompts have 2, 1 prompts have 4"), ((2, 0), "1 prompts have 0, 1 prompts have 2")],
)
def test_a_ragged_bank_has_no_grid_and_says_how_ragged(counts, said):
    with pytest.raises(
        DataError, match=f"responses: a grid needs one number of responses for every prompt, but {said}"
    ):
        ResponseBank(**parts(counts)).grid()


def with_value(array, row, value):
    changed = array.copy()
    changed[row] = value
    return changed


def with_cell(table, row, column, value):
    changed = table.copy()
    changed.loc[row, column] = value
    return changed


MISTAKES = {
    "ids repeat": (
        lambda g: {"prompts": with_cell(g["prompts"], 2, "prompt_id", 10)},
        "prompts, row 2: prompt_id 10 after 10; prompt ids must be unique and ascending",
    ),
    "responses unsorted": (
        lambda g: {"responses": with_cell(g["responses"], 3, "prompt_id", 0)},
        "responses, row 3: prompt_id 0 after 10; sort the responses",
    ),
    "prompt missing": (
        lambda g: {"prompts": g["prompts"].iloc[[0, 2]]},
        "responses, row 2: prompt_id 10 is not in prompts; add the prompt",
    ),
    "no prompt ids": (
        lambda g: {"responses": g["responses"].rename(columns={"prompt_id": "prompt"})},
        "responses: lacks the column prompt_id; it has prompt, response",
    ),
    "no rows": (lambda g: {"prompts": g["prompts"].iloc[:0]}, "prompts: has no rows; a bank needs at least one"),
    "ids of another dtype": (
        lambda g: {"prompts": g["prompts"].astype({"prompt_id": "int32"})},
        "prompts: prompt_id is int32; make it int64",
    ),
    "a text missing": (
        lambda g: {"responses": with_cell(g["responses"], 4, "response", None)},
        "responses, row 4: response is nan; it must be text",
    ),
    "embedding of another dtype": (
        lambda g: {"embedding_rd": g["embedding_rd"].astype(np.float32)},
        "embedding_rd: is float32; make it float16",
    ),
    "embedding too short": (
        lambda g: {"embedding_rd": g["embedding_rd"][:4]},
        r"embedding_rd: has shape \(4, 3\); it must be \(6, any\)",
    ),
    "embedding NaN": (
        lambda g: {"embedding_rd": with_value(g["embedding_rd"], (3, 1), np.nan)},
        "embedding_rd, row 3: holds NaN or infinity",
    ),
    "embedding infinite": (
        lambda g: {"embedding_rd": with_value(g["embedding_rd"], (5, 2), np.inf)},
        "embedding_rd, row 5: holds NaN or infinity",
    ),
    "score NaN": (
        lambda g: {"scores": {"gold": with_value(g["scores"]["gold"], 1, np.nan)}},
        r"scores\['gold'\], row 1: holds NaN or infinity; every value must be finite",
    ),
    "score too short": (
        lambda g: {"scores": {"gold": g["scores"]["gold"][:5]}},
        r"scores\['gold'\]: has shape \(5,\); it must be \(6\)",
    ),
    "score of another dtype": (
        lambda g: {"scores": {"gold": g["scores"]["gold"].astype(np.float64)}},
        r"scores\['gold'\]: is float64; make it float32",
    ),
    "score without source": (lambda g: {"score_sources": {}}, r"score_sources: tells of \[\], but the scores are"),
    "half a source": (
        lambda g: {"score_sources": {"gold": {"model": "m"}}},
        r"score_sources\['gold'\]: lacks revision, template; use None where there is none",
    ),
    "source that JSON cannot say": (
        lambda g: {"embedding_source": {"made": np.float32(1)}},
        "embedding_source, score_sources: .*float32.*; use text, finite numbers",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_by_array_and_row(mistake):
    given = parts()
    ResponseBank(**given)  # right before the change
    change, said = MISTAKES[mistake]
    with pytest.raises(DataError, match=f"^{said}"):
        ResponseBank(**given | change(given))


def test_the_row_is_right_in_every_block_of_a_large_embedding():
    n_dimensions = 1024
    rows_a_block = BLOCK_BYTES // (2 * n_dimensions)
    given = parts((2 * rows_a_block + 5,), n_dimensions=1, scores=())
    row = rows_a_block + 3
    column_r = np.zeros((2 * rows_a_block + 5, 1), np.float16)
    column_r[row] = np.nan
    wide = np.broadcast_to(column_r, (len(column_r), n_dimensions))  # as large as it looks, but holds no memory
    with pytest.raises(DataError, match=f"embedding_rd, row {row}: "):
        ResponseBank(**given | {"embedding_rd": wide})


def test_a_folder_that_is_no_bank_says_so(tmp_path):
    with pytest.raises(DataError, match=r"holds no bank.json; a bank is a folder that ResponseBank.save wrote"):
        ResponseBank.load(tmp_path)
    ResponseBank(**parts()).save(tmp_path)
    about = tmp_path / "bank.json"
    about.write_text(about.read_text(encoding="utf-8").replace('"format": 1', '"format": 2'), encoding="utf-8")
    with pytest.raises(DataError, match=r"bank.json: is of format 2; this rmkit reads format 1"):
        ResponseBank.load(tmp_path)
