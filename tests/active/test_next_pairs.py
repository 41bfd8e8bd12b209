"""What is asked next and what it is worth: the picks of to_judge.py, the information by brute force, promises kept."""

import numpy as np
import pandas as pd
import pytest

from rmkit.active.next_pairs import FEWEST, Fitted
from rmkit.active.setting import as_seen
from rmkit.active.to_judge import HEAD, PRIOR, to_judge, unjudged_pairs
from rmkit.artifacts.comparisons import Comparisons
from rmkit.measures.information import log_det
from rmkit.reward_models.protocol import HasLastLayer
from rmkit.reward_models.registry import build_heads
from tests.active.label_pools import linear_pool


def labelled(pool, reward_r, n, seed=0):
    pair_m2 = pool.pair_m2[np.random.default_rng(seed).permutation(len(pool.pair_m2))[:n]]
    label_m = (reward_r[pair_m2[:, 0]] > reward_r[pair_m2[:, 1]]).astype(np.int8)
    return Comparisons(pd.DataFrame({"first": pair_m2[:, 0], "second": pair_m2[:, 1], "label": label_m}))


@pytest.fixture(scope="module")
def fitted():
    pool, reward_r = linear_pool()
    known = labelled(pool, reward_r, 40)
    return pool, reward_r, known, Fitted.of(pool.bank, known, seed=0)


def pick(fitted, n=12, batch=5, seed=0):
    pool, _, known, model = fitted
    judged_m2 = np.stack([known.first_m, known.second_m], axis=1)
    candidate_m2 = unjudged_pairs(pool.bank.prompt_id_r, judged_m2)
    return candidate_m2, model.pick(candidate_m2, pool.pair_m2, n, batch, np.random.default_rng(seed))


def test_each_pick_is_the_one_that_adds_most_to_what_is_known(fitted):
    """By brute force: log det of the information of all candidates, one after another."""
    candidate_m2, picked = pick(fitted)
    model = fitted[3]
    seen = as_seen(model.head, 0, model.embedding_rd, candidate_m2, model.known_m2, prior=PRIOR)
    scaled_md, known_dd = seen.scaled_md, seen.known_dd.astype(float)
    free = set(range(len(candidate_m2)))
    for pair, score in zip(picked.pair_n2.tolist(), picked.score_n, strict=True):
        gains = {m: log_det(known_dd + np.outer(scaled_md[m], scaled_md[m])) - log_det(known_dd) for m in free}
        best = max(gains, key=gains.get)
        free.remove(best)
        assert candidate_m2[best].tolist() == pair
        assert score == pytest.approx(gains[best])
        known_dd = known_dd + np.outer(scaled_md[best], scaled_md[best])


def test_a_gain_is_the_information_of_a_label_by_draws(fitted):
    _, picked = pick(fitted)
    model, rng = fitted[3], np.random.default_rng(1)
    seen = model.believed(picked.pair_n2[:1])
    spread = float(seen.feature_md[0] @ np.linalg.solve(seen.known_dd, seen.feature_md[0]))
    p = 1 / (1 + np.exp(-(seen.margin_sm[0, 0] + np.sqrt(spread) * rng.normal(size=400_000))))

    def entropy(chance):
        return -chance * np.log(chance) - (1 - chance) * np.log(1 - chance)

    assert picked.gain_n[0] == pytest.approx(entropy(p.mean()) - entropy(p).mean(), abs=2e-3)
    assert (picked.gain_n <= np.log(2)).all()
    assert (picked.gain_n >= 0).all()
    assert picked.worth.nats == pytest.approx(picked.gain_n[:5].sum())
    assert picked.worth.labels == 5


def test_the_promise_is_kept_on_average_where_the_model_is_right():
    """A reward drawn from the model's prior, labels by its likelihood: the share of wrong pairs is what is promised."""
    pool, _ = linear_pool(n_prompts=40)
    told, true = [], []
    for seed in range(25):
        rng = np.random.default_rng(seed)
        reward_r = pool.bank.embedding_rd.astype(float) @ rng.normal(size=6) / np.sqrt(12)
        pair_m2 = pool.pair_m2[rng.permutation(len(pool.pair_m2))[:60]]
        margin_m = reward_r[pair_m2[:, 0]] - reward_r[pair_m2[:, 1]]
        label_m = (rng.random(60) < 1 / (1 + np.exp(-margin_m))).astype(np.int8)
        known = Comparisons(pd.DataFrame({"first": pair_m2[:, 0], "second": pair_m2[:, 1], "label": label_m}))
        model = Fitted.of(pool.bank, known, seed=seed)
        worth = model.pick(pool.pair_m2, pool.pair_m2, 10, 10, rng).worth
        margin_m = model.seen(pool.pair_m2).margin_sm[0]
        truth_m = reward_r[pool.pair_m2[:, 0]] - reward_r[pool.pair_m2[:, 1]]
        told.append(worth.wrong_now)
        true.append(np.mean(np.sign(margin_m) != np.sign(truth_m)))
        assert worth.wrong_after < worth.wrong_now <= 0.5
    difference = np.subtract(told, true)
    assert abs(difference.mean()) < 0.03 + 2 * difference.std(ddof=1) / 5


def test_nothing_is_fitted_of_few_labels_or_of_embeddings_that_are_alike():
    pool, reward_r = linear_pool()
    assert Fitted.of(pool.bank, labelled(pool, reward_r, FEWEST - 1), seed=0) is None
    same = linear_pool()[0].bank
    same.embedding_rd[:] = 1
    alike = Fitted.of(same, labelled(pool, reward_r, 30), seed=0)
    if alike is not None:  # a head that knows nothing: every pair is a coin
        assert alike.foretold(pool.pair_m2)[0] == pytest.approx(0.5)


def test_the_head_is_the_one_of_the_pairs_to_judge_next(fitted):
    assert isinstance(build_heads([HEAD])[HEAD], HasLastLayer)
    pool, _, known, _ = fitted
    rng = np.random.default_rng(0)
    found = to_judge(
        pool.bank, known, n_pairs=5, validation_share=0.2, rng_of=lambda _: rng, progress=lambda _: lambda *_: None
    )
    _, picked = pick(fitted, n=5)
    near = {tuple(sorted(pair)) for pair in found.pair_n2.tolist()} & set(map(tuple, picked.pair_n2.tolist()))
    assert len(near) >= 3  # another share validates, so that penalties differ a little
