import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmkit.artifacts.comparisons import Comparisons
from rmkit.errors import DataError
from rmkit.training_sets.cross_fitting import cross_fitting, growing

PROMPT_ID_R = np.repeat(np.arange(60), 3)  # three responses to each of 60 prompts


def pairs(rng, n, *, within):
    first = rng.integers(0, 180, n)
    second = (
        (first // 3) * 3 + (first + rng.integers(1, 3, n)) % 3 if within else (first + rng.integers(1, 180, n)) % 180
    )
    return Comparisons(pd.DataFrame({"first": first, "second": second, "label": rng.integers(0, 2, n).astype(np.int8)}))


def draw(comparisons, seed=0, annotations=(10, 40), n_folds=4, **options):
    options = {"validation_split": "prompt", **options}
    options |= {"annotations": annotations, "n_folds": n_folds, "validation_share": 0.25}
    return cross_fitting(comparisons, PROMPT_ID_R, **options, rng_of=lambda name: np.random.default_rng(seed))


def members(pair_sets, s):
    held = pair_sets.weight_sm[s] > 0
    return list(zip(pair_sets.chosen_sm[s, held], pair_sets.rejected_sm[s, held], strict=True))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), within=st.booleans())
def test_no_prompt_that_a_fit_learns_from_is_scored_by_it(seed, within):
    fitting = draw(pairs(np.random.default_rng(seed), 1200, within=within), seed, annotations=(300,))
    for s, fold in enumerate(fitting.fits["fold"]):
        learned = PROMPT_ID_R[np.array(members(fitting.train, s) + members(fitting.validation, s))]
        inside = fitting.fold_m == fold
        scored = PROMPT_ID_R[np.stack([fitting.chosen_m[inside], fitting.rejected_m[inside]])]
        assert not set(learned.ravel()) & set(scored.ravel())
        trained, validated = (PROMPT_ID_R[np.array(members(sets, s))] for sets in (fitting.train, fitting.validation))
        assert not set(trained.ravel()) & set(validated.ravel())
    if within:
        assert (fitting.fold_m >= 0).all()
        assert fitting.straddling == 0
    else:
        assert (fitting.fold_m == -1).any()
        assert fitting.straddling > 0


def test_smaller_counts_are_beginnings_of_larger_ones_and_all_annotations_are_used():
    fitting = draw(pairs(np.random.default_rng(0), 300, within=True))
    for small, large in ((0, 1), (2, 3), (4, 5), (6, 7)):
        for sets in (fitting.train, fitting.validation):
            assert members(sets, small) == members(sets, large)[: len(members(sets, small))]
        assert len(members(fitting.train, small) + members(fitting.validation, small)) == 10


def test_another_seed_groups_the_prompts_anew_and_the_same_one_does_not():
    comparisons = pairs(np.random.default_rng(0), 300, within=True)
    first, again, other = (draw(comparisons, seed).fold_m for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_given_folds_are_taken_and_nothing_else_that_is_drawn_changes():
    comparisons = pairs(np.random.default_rng(0), 300, within=True)
    drawn = draw(comparisons)
    again = draw(comparisons, folds=drawn.folds)
    np.testing.assert_array_equal(drawn.train.chosen_sm, again.train.chosen_sm)
    turned = draw(comparisons, folds=drawn.folds.assign(fold=3 - drawn.folds["fold"]))
    np.testing.assert_array_equal(turned.fold_m, 3 - drawn.fold_m)
    with pytest.raises(DataError, match="folds: there are 3 of them, and n_folds is 4"):
        draw(comparisons, folds=drawn.folds.assign(fold=drawn.folds["fold"] % 3))
    with pytest.raises(DataError, match="folds: prompt 7 is in none; there are folds of 59 prompts"):
        draw(comparisons, folds=drawn.folds[drawn.folds["prompt_id"] != 7])


def test_a_pair_is_scored_by_the_fit_that_held_its_prompt_out():
    fitting = draw(pairs(np.random.default_rng(0), 300, within=True))
    reward_sr = np.arange(len(fitting.fits))[:, None] * np.arange(len(PROMPT_ID_R))[None, :].astype(np.float32)
    margins = fitting.held_out_margins(reward_sr)
    for annotations, row in margins.iterrows():
        for m, margin in row.items():
            (s,) = np.flatnonzero(
                (fitting.fits["annotations"] == annotations) & (fitting.fits["fold"] == fitting.fold_m[m])
            )
            assert margin == s * (fitting.chosen_m[m] - fitting.rejected_m[m])


def test_too_few_annotations_to_validate_on_is_one_sentence():
    with pytest.raises(DataError, match=r"annotations\[0\]: 1 annotations outside fold 0 leave [01] to train"):
        draw(pairs(np.random.default_rng(0), 300, within=True), annotations=(1,))


def test_more_annotations_than_there_are_is_one_sentence():
    with pytest.raises(
        DataError, match=r"annotations\[1\]: 400 annotations outside fold 0, and there are \d+ labelled pairs"
    ):
        draw(pairs(np.random.default_rng(0), 300, within=True), annotations=(10, 400))


def test_folds_and_orders_of_annotation_are_the_same_for_every_split():
    comparisons = pairs(np.random.default_rng(0), 300, within=True)
    drawn = {split: draw(comparisons, validation_split=split) for split in ("prompt", "pair", "mirrored_row")}
    for split, fitting in drawn.items():
        assert set(fitting.fits["validation"]) == {split}
        np.testing.assert_array_equal(fitting.fold_m, drawn["prompt"].fold_m)
        assert fitting.streams == drawn["prompt"].streams
        for s in range(len(fitting.fits)):
            used, expected = (
                set(members(one.train, s)) | set(members(one.validation, s)) for one in (fitting, drawn["prompt"])
            )
            assert used == expected


def test_mirrored_rows_divide_pairs_and_whole_pairs_do_not():
    comparisons = pairs(np.random.default_rng(0), 300, within=True)
    by_row, by_pair = (draw(comparisons, validation_split=split) for split in ("mirrored_row", "pair"))
    assert by_pair.train.row_weight_sm2 is None
    assert by_pair.validation.row_weight_sm2 is None
    for s in range(len(by_pair.fits)):
        trained, validated = (
            {frozenset(pair) for pair in members(one, s)} for one in (by_pair.train, by_pair.validation)
        )
        assert not trained & validated
    for s, count in enumerate(by_row.fits["annotations"]):
        assert by_row.validation.rows_sm2[s].sum() == 0.5 * count
        assert by_row.train.rows_sm2[s].sum() == 1.5 * count
    more = draw(comparisons, validation_split="mirrored_row", annotations=(10, 20, 40))
    for fold in range(4):  # another count changes no other split
        assert members(more.validation, 3 * fold + 2) == members(by_row.validation, 2 * fold + 1)


@settings(max_examples=50, deadline=None)
@given(most=st.integers(1, 5000), share=st.floats(0.05, 0.9))
def test_growing_numbers_are_ascending_and_leave_pairs_on_both_sides_where_any_do(most, share):
    counts = growing(most, share)
    assert counts == sorted(set(counts))
    assert counts[-1] == most
    assert set(counts) <= {most // 6, most // 3, 2 * most // 3, most}
    if 0 < int(share * most + 1e-9) < most:
        assert all(0 < int(share * count + 1e-9) < count for count in counts)


def test_without_counts_a_fit_learns_from_all_that_every_fold_leaves():
    comparisons = pairs(np.random.default_rng(0), 1200, within=True)
    fitting = draw(comparisons, annotations=None)
    outside = [(fitting.fold_m != fold).sum() for fold in range(4)]
    counts = fitting.fits["annotations"].unique().tolist()
    assert counts == [min(outside) // 6, min(outside) // 3, 2 * min(outside) // 3, min(outside)]
    given = draw(comparisons, annotations=counts)
    assert given.fits.equals(fitting.fits)
    np.testing.assert_array_equal(given.train.chosen_sm, fitting.train.chosen_sm)


@pytest.mark.parametrize("split", ["pair", "prompt", "mirrored_row"])
def test_a_pair_has_its_weight_in_every_set_and_everything_else_stays(split):
    drawn = pairs(np.random.default_rng(3), 400, within=True).table
    drawn = drawn[drawn["first"] < drawn["second"]].drop_duplicates(["first", "second"])
    plain = Comparisons(drawn.reset_index(drop=True))
    rng = np.random.default_rng(4)
    weighted = Comparisons(plain.table.assign(weight=rng.choice([0.25, 0.5, 1.0], len(plain))))
    without, fitting = (draw(each, validation_split=split) for each in (plain, weighted))
    weight = dict(zip(zip(plain.chosen_m, plain.rejected_m, strict=True), weighted.weight_m, strict=True))
    for with_weight, alike in ((fitting.train, without.train), (fitting.validation, without.validation)):
        np.testing.assert_array_equal(with_weight.chosen_sm, alike.chosen_sm)
        np.testing.assert_array_equal(with_weight.rejected_sm, alike.rejected_sm)
        for s in range(alike.n_sets):
            held = alike.weight_sm[s] > 0
            own_m = np.array([weight[pair] for pair in members(alike, s)])
            np.testing.assert_array_equal(with_weight.rows_sm2[s, held], alike.rows_sm2[s, held] * own_m[:, None])
            assert (with_weight.weight_sm[s, ~held] == 0).all()
    np.testing.assert_array_equal(fitting.scored_weight_m, weighted.weight_m[fitting.scored_m])
    assert without.scored_weight_m is None


def test_counts_that_are_chosen_leave_all_judgements_of_a_pair_to_validate():
    assert growing(60, 0.2) == [10, 20, 40, 60]
    assert growing(60, 0.2, judgements=3) == [20, 40, 60]
    assert growing(60, 0.2, judgements=50) == [60]
