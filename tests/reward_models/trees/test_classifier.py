import multiprocessing
import re

import lightgbm
import numpy as np
import pytest

from rmkit.errors import DataError
from rmkit.reward_models.trees.classifier import LightGBMClassifier
from rmkit.training_sets.pair_sets import PairSets
from tests.reward_models.worlds import PlantedWorld, swapped

WORLD = PlantedWorld.make(0)
TRAIN, VALIDATION = WORLD.sets((90, 200))


def fitted(train=TRAIN, validation=VALIDATION, **options):
    rng_s = np.random.default_rng(0).spawn(train.n_sets)
    return LightGBMClassifier(**options).fit(WORLD.embedding_rd, train, validation, rng_s=rng_s)


def rows(pairs, s):
    """Embeddings of the first response of each pair above those of the second, and whether each was chosen."""
    size = pairs.sizes_s[s]
    chosen_m, rejected_m = pairs.chosen_sm[s, :size], pairs.rejected_sm[s, :size]
    label_n = np.r_[chosen_m < rejected_m, rejected_m < chosen_m].astype(float)
    position_n = np.r_[np.minimum(chosen_m, rejected_m), np.maximum(chosen_m, rejected_m)]
    return WORLD.embedding_rd[position_n].astype(np.float32), label_n


@pytest.mark.parametrize("s", [0, 1])
def test_the_defaults_are_those_of_lightgbm(s):
    """Nothing is set here but the objective, and validation rows that stop the rounds."""
    silent = {"objective": "binary", "verbosity": -1, "num_threads": 1}
    direct = lightgbm.train(
        {**silent, "early_stopping_round": 10},
        train := lightgbm.Dataset(*rows(TRAIN, s), params=silent),
        valid_sets=[lightgbm.Dataset(*rows(VALIDATION, s), reference=train, params=silent)],
    )
    model = fitted()
    assert model.rounds_s_[s] == direct.best_iteration
    np.testing.assert_allclose(
        model.score(WORLD.embedding_rd)[s], direct.predict(WORLD.embedding_rd.astype(float), raw_score=True), rtol=1e-6
    )


def test_the_rounds_kept_are_those_with_the_smallest_log_loss_of_the_validation_rows():
    model = fitted()
    row_nd, label_n = rows(VALIDATION, 1)
    log_loss = {}
    for n_rounds in range(1, 40):
        shorter = fitted(n_rounds=n_rounds, patience=1000)
        if shorter.rounds_s_[1] == n_rounds:  # the last was the best so far
            log_odds_n = shorter.score(row_nd)[1]
            log_loss[n_rounds] = np.logaddexp(0, np.where(label_n == 1, -log_odds_n, log_odds_n)).mean()
    best = min(log_loss, key=log_loss.get)
    assert model.rounds_s_[1] == best
    np.testing.assert_allclose(model.validation_log_loss_s_[1], log_loss[best], rtol=1e-5)


def test_published_keeps_every_round_and_learns_from_the_training_rows_alone():
    silent = {"objective": "binary", "verbosity": -1, "num_threads": 1}
    direct = lightgbm.train(silent, lightgbm.Dataset(*rows(TRAIN, 1), params=silent), num_boost_round=60)
    model = fitted(n_rounds=60, procedure="published")
    assert model.rounds_s_.tolist() == [60, 60]
    assert fitted().rounds_s_[1] < 60
    np.testing.assert_allclose(
        model.score(WORLD.embedding_rd)[1], direct.predict(WORLD.embedding_rd.astype(float), raw_score=True), rtol=1e-6
    )
    misled = fitted(TRAIN, swapped(VALIDATION), n_rounds=60, procedure="published")
    np.testing.assert_array_equal(misled.score(WORLD.embedding_rd), model.score(WORLD.embedding_rd))
    row_nd, label_n = rows(VALIDATION, 1)
    log_odds_n = model.score(row_nd)[1]
    log_loss = np.logaddexp(0, np.where(label_n == 1, -log_odds_n, log_odds_n)).mean()
    np.testing.assert_allclose(model.validation_log_loss_s_[1], log_loss, rtol=1e-5)


def test_a_row_of_weight_0_is_not_there():
    """Set 1 without the rejected responses of its first half: as LightGBM fits the rows that are left."""
    row_sm2 = TRAIN.rows_sm2
    row_sm2[1, :100, 1] = 0
    divided = PairSets.of_rows(TRAIN.chosen_sm, TRAIN.rejected_sm, row_sm2)
    silent = {"objective": "binary", "verbosity": -1, "num_threads": 1}
    row_nd, label_n = rows(TRAIN, 1)
    there_n = (label_n == 1) | (np.tile(np.arange(200), 2) >= 100)
    direct = lightgbm.train(silent, lightgbm.Dataset(row_nd[there_n], label_n[there_n]), num_boost_round=20)
    model = fitted(divided, n_rounds=20, procedure="published")
    np.testing.assert_allclose(
        model.score(WORLD.embedding_rd)[1], direct.predict(WORLD.embedding_rd.astype(float), raw_score=True), rtol=1e-6
    )


def test_validation_pairs_that_mislead_leave_one_round():
    assert (fitted(TRAIN, swapped(VALIDATION)).rounds_s_ == 1).all()
    assert (fitted().rounds_s_ > 5).all()


@pytest.mark.parametrize(
    "option",
    [
        {"n_rounds": 3},
        {"patience": 1},
        {"procedure": "published"},
        {"n_leaves": 3},
        {"learning_rate": 0.3},
        {"min_rows_a_leaf": 5},
        {"n_bins": 8},
    ],
    ids=lambda option: next(iter(option)),
)
def test_every_option_changes_the_result(option):
    assert not np.allclose(fitted(**option).score(WORLD.embedding_rd), fitted().score(WORLD.embedding_rd))


def test_too_few_rows_for_two_leaves_give_equal_rewards_and_the_log_loss_of_knowing_nothing():
    sizes = (1, 19, 60)
    train = PairSets.padded([WORLD.pairs(size, size) for size in sizes])
    validation = PairSets.padded([WORLD.pairs(30, seed) for seed in range(3)])
    model = fitted(train, validation)
    reward_sr = model.score(WORLD.embedding_rd)
    assert (np.ptp(reward_sr, axis=1) > 0).tolist() == [False, False, True]
    np.testing.assert_allclose(model.validation_log_loss_s_[:2], np.log(2))


def test_equal_embeddings_are_no_reason_to_fail():
    same_rd = np.ones((600, 8), np.float16)
    model = LightGBMClassifier().fit(same_rd, TRAIN, VALIDATION, rng_s=np.random.default_rng(0).spawn(2))
    assert not model.score(same_rd).any()


def test_nothing_is_printed(capfd, tmp_path):
    few = PairSets.padded([WORLD.pairs(2, 0), WORLD.pairs(2, 1)])
    for train in (TRAIN, few):
        model = fitted(train)
        model.save(tmp_path)
        LightGBMClassifier.load(tmp_path).score(WORLD.embedding_rd)
    assert capfd.readouterr() == ("", "")


def test_each_fit_reports_when_it_is_done():
    seen = []
    rng_s = np.random.default_rng(0).spawn(2)
    LightGBMClassifier().fit(
        WORLD.embedding_rd, TRAIN, VALIDATION, rng_s=rng_s, progress=lambda *step: seen.append(step)
    )
    assert seen == [(1, 2), (2, 2)]


def test_the_seed_in_the_saved_text_comes_from_the_fits_own_generator(tmp_path):
    fitted().save(tmp_path)
    seeds = [
        int(re.search(r"\[seed: (\d+)\]", (tmp_path / f"trees_{s}.txt").read_text(encoding="utf-8"))[1])
        for s in range(2)
    ]
    assert seeds == [int(rng.integers(2**31)) for rng in np.random.default_rng(0).spawn(2)]


def test_a_text_that_is_missing_or_cut_short_is_refused(tmp_path):
    fitted().save(tmp_path)
    path = tmp_path / "trees_1.txt"
    whole = path.read_text(encoding="utf-8")
    for broken in (
        whole[: len(whole) // 2],
        whole[: whole.index("end of trees")],
        "",
        whole.replace("max_feature_idx", "x"),
    ):
        path.write_text(broken, encoding="utf-8")
        with pytest.raises(DataError, match="cannot be read as a saved reward model"):
            LightGBMClassifier.load(tmp_path)
    path.unlink()
    with pytest.raises(DataError, match=r"trees_1.txt: cannot be read as a saved reward model: .*No such file"):
        LightGBMClassifier.load(tmp_path)


def test_a_forked_process_can_fit_and_score_after_its_parent_has():
    """A pool of threads does not survive a fork; with one thread there is none to wait for."""
    fork = multiprocessing.get_context("fork")
    receive, send = fork.Pipe(duplex=False)
    parent_sr = fitted().score(WORLD.embedding_rd)
    child = fork.Process(target=lambda: send.send(fitted().score(WORLD.embedding_rd)))
    child.start()
    try:
        assert receive.poll(20), "the forked process did not answer"
        np.testing.assert_array_equal(receive.recv(), parent_sr)
    finally:
        child.kill()
        child.join()
