import numpy as np
import pandas as pd
import pytest

from rmkit.comparisons import Comparisons
from rmkit.errors import DataError
from rmkit.training_sets import training_sets, validating

RNG = np.random.default_rng(0)
FIRST, SECOND = RNG.permutation(200)[:100], RNG.permutation(np.arange(200, 400))[:100]


def labelled(betas=(0.5, np.inf), first=FIRST, second=SECOND):
    table = {"first": first, "second": second}
    levels = [
        pd.DataFrame(table | {"label": RNG.integers(0, 2, len(first)).astype(np.int8), "beta": beta}) for beta in betas
    ]
    return Comparisons(pd.concat(levels, ignore_index=True))


def sets_of(comparisons, annotations=(10, 40), validation_share=0.2):
    return training_sets(comparisons, annotations=annotations, validation_share=validation_share)


def pairs_of(sets, s):
    real = sets.weight_sm[s] > 0
    return set(zip(sets.chosen_sm[s, real].tolist(), sets.rejected_sm[s, real].tolist(), strict=True))


def test_every_level_of_noise_meets_every_count_and_a_share_validates():
    sets = sets_of(labelled())
    assert sets.fits.to_dict("list") == {"beta": [0.5, 0.5, np.inf, np.inf], "annotations": [10, 40, 10, 40]}
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


@pytest.mark.parametrize("share", [0.1, 0.2, 1 / 3, 0.5])
def test_no_pair_is_on_both_sides_even_if_it_was_asked_twice_or_turned_round(share):
    first, second = np.concatenate([FIRST, SECOND[:50]]), np.concatenate([SECOND, FIRST[:50]])
    validates_m = validating(labelled([1.0], first, second), share)
    unordered = [frozenset(pair) for pair in zip(first, second, strict=True)]
    sides = {}
    for pair, side in zip(unordered, validates_m, strict=True):
        assert sides.setdefault(pair, side) == side
    assert validates_m[:100].sum() == int(100 * share + 1e-9)


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
