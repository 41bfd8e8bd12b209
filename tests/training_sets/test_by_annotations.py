import numpy as np
import pandas as pd
import pytest

from rmkit.artifacts.comparisons import Comparisons
from rmkit.errors import DataError
from rmkit.seeding import generator
from rmkit.training_sets.by_annotations import all_pairs, training_sets

RNG = np.random.default_rng(0)
FIRST, SECOND = RNG.permutation(200)[:100], RNG.permutation(np.arange(200, 400))[:100]


def labelled(betas=(0.5, np.inf), first=FIRST, second=SECOND):
    table = {"first": first, "second": second}
    levels = [
        pd.DataFrame(table | {"label": RNG.integers(0, 2, len(first)).astype(np.int8), "beta": beta}) for beta in betas
    ]
    return Comparisons(pd.concat(levels, ignore_index=True))


def sets_of(comparisons, annotations=(10, 40), validation_share=0.2, **options):
    return training_sets(comparisons, annotations=annotations, validation_share=validation_share, **options)


def of_rows(comparisons, seed=0, **options):
    return sets_of(comparisons, validation_split="mirrored_row", rng_of=lambda name: generator(seed, name), **options)


def responses_of(sets, s):
    """The responses whose rows are in a set: where each is in one pair alone, they are the set."""
    weight_m2 = sets.rows_sm2[s]
    position_m2 = np.stack([sets.chosen_sm[s], sets.rejected_sm[s]], axis=1)
    return position_m2[weight_m2 > 0].tolist()


def pairs_of(sets, s):
    real = sets.weight_sm[s] > 0
    return set(zip(sets.chosen_sm[s, real].tolist(), sets.rejected_sm[s, real].tolist(), strict=True))


def test_every_level_of_noise_meets_every_count_and_a_share_validates():
    sets = sets_of(labelled())
    assert sets.fits[["beta", "annotations"]].to_numpy().tolist() == [[0.5, 10], [0.5, 40], [np.inf, 10], [np.inf, 40]]
    assert (sets.fits["validation"] == "pair").all()
    assert sets.train.sizes_s.tolist() == [8, 32, 8, 32]
    assert sets.validation.sizes_s.tolist() == [2, 8, 2, 8]


def test_a_smaller_count_is_the_beginning_of_a_larger_one_on_both_sides():
    sets = sets_of(labelled())
    assert pairs_of(sets.train, 0) < pairs_of(sets.train, 1)
    assert pairs_of(sets.validation, 0) < pairs_of(sets.validation, 1)


def test_each_fit_learns_its_own_levels_labels():
    comparisons = labelled()
    sets = sets_of(comparisons, annotations=[40])
    for s, beta in enumerate((0.5, np.inf)):
        level = Comparisons(comparisons.table[comparisons.table["beta"] == beta].reset_index(drop=True))
        given = set(zip(level.chosen_m[:40].tolist(), level.rejected_m[:40].tolist(), strict=True))
        assert pairs_of(sets.train, s) | pairs_of(sets.validation, s) == given


def test_levels_of_noise_share_random_streams_and_counts_do_not():
    assert sets_of(labelled()).streams == ["10", "40", "10", "40"]


def test_a_split_by_prompt_shares_no_prompt_and_counts_what_straddles():
    prompt_id_r = np.repeat(np.arange(40), 10)  # first and second answer different prompts
    sets = sets_of(
        labelled(),
        annotations=[50, 100],
        validation_share=0.4,
        validation_split="prompt",
        prompt_id_r=prompt_id_r,
        rng_of=lambda name: generator(0, name),
    )
    assert set(sets.fits["validation"]) == {"prompt"}
    sides = (sets.train, sets.validation)
    for s in range(4):
        trained, validated = ({prompt_id_r[r] for r in responses_of(side, s)} for side in sides)
        assert not trained & validated
    assert sets.straddling > 0
    assert sum(side.sizes_s.sum() for side in sides) + sets.straddling == sets.fits["annotations"].sum()
    for side in sides:  # one draw of prompts for all levels and counts
        assert set(responses_of(side, 0)) == set(responses_of(side, 2)) < set(responses_of(side, 3))


def test_rows_are_split_at_random_and_each_is_on_one_side():
    comparisons = labelled()
    sets = of_rows(comparisons)
    assert set(sets.fits["validation"]) == {"mirrored_row"}
    for s, count in enumerate(sets.fits["annotations"]):
        trained, validated = responses_of(sets.train, s), responses_of(sets.validation, s)
        assert len(trained) == 1.6 * count
        assert len(validated) == 0.4 * count
        assert sorted(trained + validated) == sorted([*FIRST[:count], *SECOND[:count]])
    assert responses_of(of_rows(comparisons, seed=1).train, 1) != responses_of(sets.train, 1)


def test_levels_of_noise_share_the_split_of_rows_though_they_choose_others():
    sets = of_rows(labelled())
    assert pairs_of(sets.train, 1) != pairs_of(sets.train, 3)
    for side in (sets.train, sets.validation):
        assert sorted(responses_of(side, 1)) == sorted(responses_of(side, 3))


def test_another_count_changes_no_other_fits_split():
    comparisons = labelled()
    few, more = of_rows(comparisons, annotations=[40]), of_rows(comparisons, annotations=[20, 40, 100])
    for side, beside in ((few.train, more.train), (few.validation, more.validation)):
        assert responses_of(side, 0) == responses_of(beside, 1)
        assert responses_of(side, 1) == responses_of(beside, 4)


def test_each_draw_of_pairs_has_a_split_of_its_own():
    tables = [labelled([1.0]).table.assign(draw=draw) for draw in ("a", "b")]
    both = of_rows(Comparisons(pd.concat(tables, ignore_index=True)), by=("draw", "beta"))
    alone = of_rows(Comparisons(tables[1]), by=("draw", "beta"))
    assert both.streams == ["a 10", "a 40", "b 10", "b 40"]
    assert sorted(responses_of(both.train, 1)) != sorted(responses_of(both.train, 3))
    assert responses_of(both.train, 3) == responses_of(alone.train, 1)


def test_a_split_that_lacks_what_it_needs_says_so():
    with pytest.raises(DataError, match="validation_split: mirrored_row lacks a generator"):
        sets_of(labelled(), validation_split="mirrored_row")
    with pytest.raises(DataError, match="validation_split: prompt lacks prompt_id_r"):
        sets_of(labelled(), validation_split="prompt", rng_of=lambda name: generator(0, name))
    with pytest.raises(DataError, match="validation_split: 'row' is not one of pair, prompt, mirrored_row"):
        sets_of(labelled(), validation_split="row")


def test_counts_that_cannot_be_had_are_named():
    with pytest.raises(DataError, match=r"annotations\[1\]: 101 annotations at beta 0.5, and there are 100"):
        sets_of(labelled(), annotations=[10, 101])
    with pytest.raises(DataError, match=r"3 annotations at beta 0.5 leave 3 to train and 0 to validate on"):
        sets_of(labelled(), annotations=[3])
    with pytest.raises(DataError, match="comparisons: there are none"):
        sets_of(Comparisons(labelled().table.iloc[:0]))


def test_labels_of_one_class_are_pairs_like_any_others():
    """Which response comes first says nothing: labels that are all 1 teach what their mirror image, all 0, teaches."""
    ones = pd.DataFrame({"first": FIRST, "second": SECOND, "label": np.int8(1), "beta": 1.0})
    zeros = pd.DataFrame({"first": SECOND, "second": FIRST, "label": np.int8(0), "beta": 1.0})
    given, mirrored = (sets_of(Comparisons(table)) for table in (ones, zeros))
    assert pairs_of(given.train, 1) == pairs_of(mirrored.train, 1)
    assert pairs_of(given.validation, 1) == pairs_of(mirrored.validation, 1)


def test_all_pairs_learn_or_validate_each_once():
    comparisons = Comparisons(
        pd.DataFrame({"first": np.arange(0, 60, 2), "second": np.arange(1, 60, 2), "label": np.int8([0, 1] * 15)})
    )
    sets = all_pairs(
        comparisons, np.repeat(np.arange(30), 2), validation_share=0.2, validation_split="pair",
        rng=np.random.default_rng(0),
    )  # fmt: skip
    assert sets.fits.to_dict("records") == [{"annotations": 30, "validation": "pair"}]
    sides = [list(zip(side.chosen_sm[0], side.rejected_sm[0], strict=True)) for side in (sets.train, sets.validation)]
    assert [len(side) for side in sides] == [24, 6]
    assert sorted(sides[0] + sides[1]) == sorted(zip(comparisons.chosen_m, comparisons.rejected_m, strict=True))


def test_a_comparisons_weight_is_its_weight_in_the_sets():
    table = pd.DataFrame({"first": np.arange(10), "second": np.arange(10, 20), "label": np.ones(10, np.int8)})
    weighted = Comparisons(table.assign(beta=np.repeat([1.0, 2.0], 5), weight=np.arange(1, 11) / 8))
    sets = training_sets(weighted, annotations=[4], validation_share=0.25)
    for made in (sets.train, sets.validation):
        for s in range(2):
            held = made.weight_sm[s] > 0
            np.testing.assert_array_equal(made.weight_sm[s, held], (made.chosen_sm[s, held] + 1) / 8)
    assert sets.train.sizes_s.tolist() == [3, 3]
    alone = Comparisons(weighted.table.drop(columns="beta"))
    every = all_pairs(
        alone, np.arange(20), validation_share=0.2, validation_split="pair", rng=np.random.default_rng(1)
    )  # fmt: skip
    weight = np.concatenate(
        [side.weight_sm[0, np.argsort(side.chosen_sm[0])] for side in (every.train, every.validation)]
    )
    chosen = np.concatenate([np.sort(side.chosen_sm[0]) for side in (every.train, every.validation)])
    np.testing.assert_array_equal(weight, (chosen + 1) / 8)


def test_sets_come_again_for_each_value_and_share_their_streams():
    sets = sets_of(labelled())
    again = sets.for_each("kept_dimensions", [1.0, 0.5])
    assert list(again.fits["kept_dimensions"]) == [1.0] * 4 + [0.5] * 4
    assert again.streams == sets.streams * 2
    np.testing.assert_array_equal(again.train.chosen_sm[4:], sets.train.chosen_sm)
    np.testing.assert_array_equal(again.validation.weight_sm[:4], sets.validation.weight_sm)
    assert sets.for_each("kept_dimensions", [1.0]).train is sets.train


def test_flips_and_biases_share_their_streams():
    comparisons = labelled()
    table = pd.concat([comparisons.table.assign(flip=flip, length_bias=0.0) for flip in (0.0, 0.1)], ignore_index=True)
    sets = sets_of(Comparisons(table), by=("beta", "flip", "length_bias"))
    assert sets.streams == ["10", "40"] * 4
