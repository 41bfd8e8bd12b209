"""What a model says of a text does not depend on the texts beside it."""

import numpy as np
import pytest

from rmkit.errors import DataError
from rmkit.lm.reading.batches import batches_by_length, padded_right, through_model, token_ids
from rmkit.lm.reading.embed import embed
from rmkit.lm.reading.score import score

BATCH_SIZES = [1, 7, 64]
TASKS = {"embed": (embed, "encoder"), "score": (score, "scorer")}


def states_at_last_token(model):
    def read(input_ids, attention_mask):
        hidden_bld = model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        return hidden_bld[range(len(hidden_bld)), attention_mask.sum(dim=1) - 1]

    return read


def test_states_agree_across_batch_sizes_in_fp32(encoder, said):
    """The bound that batches.py names."""
    model, tokenizer = encoder
    found = [
        through_model(
            model, tokenizer, said.prompts, said.responses, states_at_last_token(model),
            template="plain", batch_size=size,
        )
        for size in BATCH_SIZES
    ]  # fmt: skip
    state_rd = found[0][0]
    assert state_rd.dtype == np.float32
    assert state_rd.std() > 0.1  # else nothing is shown
    for other_rd, work in found[1:]:
        assert np.abs(other_rd - state_rd).max() < 1e-4 * state_rd.std()
        assert work.tokens == found[0][1].tokens


@pytest.mark.parametrize("batch_size", BATCH_SIZES[1:])
def test_embeddings_and_scores_agree_with_those_of_single_texts(encoder, scorer, said, batch_size):
    one_rd, many_rd = (embed(*encoder, said.prompts, said.responses, batch_size=n)[0] for n in (1, batch_size))
    assert np.abs(many_rd.astype(float) - one_rd).max() <= 1e-3 * np.abs(one_rd).max()
    one_r, many_r = (score(*scorer, said.prompts, said.responses, batch_size=n)[0] for n in (1, batch_size))
    assert np.abs(many_r - one_r).max() <= 1e-4 * one_r.std()


@pytest.mark.parametrize("task", TASKS)
def test_answers_come_in_the_order_of_the_texts_and_progress_counts_them(task, said, request):
    function, fixture = TASKS[task]
    model, tokenizer = request.getfixturevalue(fixture)
    order = np.random.default_rng(0).permutation(len(said.prompts))
    seen = []
    values, work = function(
        model, tokenizer, said.prompts, said.responses, batch_size=20, progress=lambda *step: seen.append(step)
    )
    moved, _ = function(
        model, tokenizer, [said.prompts[p] for p in order], [said.responses[p] for p in order], batch_size=20
    )
    np.testing.assert_allclose(moved, values[order], atol=2e-3 * np.abs(values).max())
    assert np.abs(values - values[order]).max() > 0.1 * np.abs(values).max()
    assert seen == [(20, 70), (40, 70), (60, 70), (70, 70)]
    pairs = zip(said.prompts, said.responses, strict=True)
    assert work.tokens == sum(len(tokenizer(f"{p} {r}")["input_ids"]) for p, r in pairs)
    assert work.seconds > 0


def test_batches_hold_every_position_once_the_longest_first():
    lengths = list(np.random.default_rng(0).integers(1, 30, size=50))
    batches = list(batches_by_length(lengths, 7))
    assert sorted(position for batch in batches for position in batch) == list(range(50))
    assert [len(batch) for batch in batches] == [7] * 7 + [1]
    in_order = [lengths[position] for batch in batches for position in batch]
    assert in_order == sorted(lengths, reverse=True)


def test_padding_is_on_the_right_and_masked():
    input_ids, attention_mask = padded_right([[5, 6, 7], [8]], pad_token_id=0)
    assert input_ids.tolist() == [[5, 6, 7], [8, 0, 0]]
    assert attention_mask.tolist() == [[1, 1, 1], [1, 0, 0]]


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("empty", ["", " \n"])
def test_an_empty_response_is_named_by_its_row(task, empty, request):
    function, fixture = TASKS[task]
    with pytest.raises(DataError, match=r"^responses, row 1: is empty \(prompt 'Is it so\?'\); leave out empty"):
        function(*request.getfixturevalue(fixture), ["Well?", "Is it so?"], ["Yes.", empty])


@pytest.mark.parametrize("task", TASKS)
def test_a_text_beyond_the_context_is_named_by_its_row(task, request):
    function, fixture = TASKS[task]
    model, tokenizer = request.getfixturevalue(fixture)
    fits = 256 - len(tokenizer("x ")["input_ids"])
    assert len(tokenizer("x " + "!" * fits)["input_ids"]) <= 256
    function(model, tokenizer, ["x"], ["!" * fits])
    said_of_it = r"^responses, row 2: \d{3} tokens with its prompt, and the model's context is 256; leave it out, or"
    with pytest.raises(DataError, match=said_of_it):
        function(model, tokenizer, ["x", "x", "x " * 300], ["Yes.", "No.", "Yes."])


def test_the_longest_text_that_fits_is_taken(encoder):
    _, tokenizer = encoder
    longest = len(tokenizer("a b")["input_ids"])
    assert [len(ids) for ids in token_ids(tokenizer, ["a"], ["b"], template="plain", longest=longest)] == [longest]
    with pytest.raises(DataError, match=f"row 0: {longest} tokens with its prompt, .* is {longest - 1};"):
        token_ids(tokenizer, ["a"], ["b"], template="plain", longest=longest - 1)
    assert token_ids(tokenizer, ["a " * 500], ["b"], template="plain", longest=None)


@pytest.mark.parametrize("task", TASKS)
def test_prompts_and_responses_of_different_number_are_refused(task, request):
    function, fixture = TASKS[task]
    with pytest.raises(DataError, match=r"^2 prompts and 1 responses; every response needs its prompt"):
        function(*request.getfixturevalue(fixture), ["a", "b"], ["c"])


@pytest.mark.parametrize("task", TASKS)
def test_no_responses_at_all_are_one_clear_line(task, request):
    function, fixture = TASKS[task]
    with pytest.raises(DataError, match="responses"):
        function(*request.getfixturevalue(fixture), [], [])
