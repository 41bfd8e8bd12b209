import lightgbm
import numpy as np
import pytest

from rmkit.reward_models.registry import build
from rmkit.reward_models.trees import boosted
from rmkit.reward_models.trees.binned_rows import class_rows, equal_rows_together
from rmkit.training_sets.pair_sets import PairSets, ScoreSets
from tests.reward_models.worlds import PlantedWorld, subset

WORLD = PlantedWorld.make(0)
FEW_ROWS_FOR_BINS = {"bin_construct_sample_cnt": 50}


def noise_levels(n_pairs, seed, *, flips=(0.0, 0.1, 0.3)):
    """The same pairs at levels of noise, which turn some labels round: (train, validation) of one set a level."""
    rng = np.random.default_rng(seed)
    pair_2m = np.array(WORLD.pairs(n_pairs, seed))
    flipped_sm = rng.random(n_pairs) < np.array(flips)[:, None]
    sets = [np.where(flipped_m, pair_2m[::-1], pair_2m) for flipped_m in flipped_sm]
    cut = 4 * n_pairs // 5
    return PairSets.padded([(c[:cut], r[:cut]) for c, r in sets]), PairSets.padded(
        [(c[cut:], r[cut:]) for c, r in sets]
    )


def interleaved(one, other):
    """Sets 0, 0, 1, 1, ... of two collections of as many sets of as many pairs."""
    arrays = {
        name: np.stack([getattr(one, name), getattr(other, name)], axis=1) for name in vars(one) if "row" not in name
    }
    return PairSets(**{name: array.reshape(-1, array.shape[-1]) for name, array in arrays.items()})


def trees(model, folder):
    model.save(folder)
    return [(folder / f"trees_{s}.txt").read_text(encoding="utf-8") for s in range(len(model.boosters_))]


@pytest.mark.parametrize("name", ["lightgbm_clf", "lightgbm_bt"])
def test_fits_that_share_their_bins_grow_the_trees_that_each_grows_alone(name, tmp_path, monkeypatch):
    """Two piles of pairs at three levels of noise, one with weights, in turn: to the last bit, in the saved text."""
    (train, validation), (other, other_validation) = noise_levels(150, 1), noise_levels(150, 2)
    train, validation = interleaved(train, other), interleaved(validation, other_validation)
    train.weight_sm[2] = np.random.default_rng(0).uniform(0.5, 2, size=train.weight_sm[2].shape)  # set 4 has none again
    made = []
    original = lightgbm.Dataset.construct

    def counted(dataset):
        made.extend([dataset] if dataset._handle is None else [])
        return original(dataset)

    monkeypatch.setattr(lightgbm.Dataset, "construct", counted)
    rng_s = np.random.default_rng(0).spawn(6)
    together = build(name).fit(WORLD.embedding_rd, train, validation, rng_s=rng_s)
    assert len(made) == 4  # two piles, training and validation
    texts = trees(together, tmp_path / "together")
    assert len({text.partition("parameters:")[0] for text in texts}) == 6
    for s, rng in enumerate(np.random.default_rng(0).spawn(6)):
        alone = build(name).fit(
            WORLD.embedding_rd,
            subset(train, [s]),
            subset(validation, [s]),
            rng_s=[rng],
        )
        assert trees(alone, tmp_path / str(s)) == [texts[s]]
        assert alone.validation_log_loss_s_[0] == together.validation_log_loss_s_[s]
    assert len(made) == 4 + 12


def test_fits_on_scores_share_their_bins_too(tmp_path):
    position_sn = np.tile(np.arange(300), (2, 1))
    score_sn = np.stack([WORLD.reward_r[:300], -(WORLD.reward_r[:300] ** 2)])
    scores = ScoreSets(position_sn, score_sn, np.ones((2, 300), np.float32))
    rng_s = np.random.default_rng(0).spawn(2)
    together = build("lightgbm_bt").fit_scores(WORLD.embedding_rd, scores, scores, rng_s=rng_s)
    second = ScoreSets(position_sn[1:], score_sn[1:], scores.weight_sn[1:])
    rng_s = np.random.default_rng(0).spawn(2)[1:]
    alone = build("lightgbm_bt").fit_scores(WORLD.embedding_rd, second, second, rng_s=rng_s)
    assert trees(alone, tmp_path / "alone") == trees(together, tmp_path / "together")[1:]


def test_bins_do_not_depend_on_a_fits_generator_even_where_lightgbm_draws_rows_for_them(tmp_path, monkeypatch):
    """It finds bins on a draw of rows, here of 50: two fits on one set share them, and the second gets its own."""
    monkeypatch.setattr(boosted, "SAME_EVERYWHERE", boosted.SAME_EVERYWHERE | FEW_ROWS_FOR_BINS)
    train, validation = noise_levels(150, 1, flips=(0.0, 0.0))
    assert trees(fitted(train, validation, seeds=(0, 1)), tmp_path / "both")[1:] == trees(
        fitted(subset(train, [1]), subset(validation, [1]), seeds=(1,)), tmp_path / "alone"
    )


def fitted(train, validation, *, seeds):
    rng_s = [np.random.default_rng(seed) for seed in seeds]
    return build("lightgbm_clf").fit(WORLD.embedding_rd, train, validation, rng_s=rng_s)


def test_rows_come_in_an_order_that_labels_do_not_decide():
    train, _ = noise_levels(50, 0)
    rows = [class_rows(train, s) for s in range(3)]
    for each in rows[1:]:
        np.testing.assert_array_equal(each.position_n, rows[0].position_n)
        assert (each.label_n != rows[0].label_n).any()
        assert each.label_n.sum() == 40
    for s, each in enumerate(rows):
        chosen = sorted(each.position_n[each.label_n == 1])
        assert chosen == sorted(train.chosen_sm[s])


def test_equal_rows_follow_one_another():
    (one, _), (other, _) = noise_levels(50, 0), noise_levels(50, 1)
    rows = [class_rows(pairs, s) for s in range(3) for pairs in (one, other)]
    assert list(equal_rows_together(rows, rows)) == [0, 2, 4, 1, 3, 5]
