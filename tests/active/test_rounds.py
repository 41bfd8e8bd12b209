"""The rounds of active labelling: what strategies share, what they do not, and that labels help."""

import itertools
import re

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from rmkit.active.budget import Budget
from rmkit.active.pools import not_among
from rmkit.active.registry import STRATEGIES, strategy
from rmkit.active.setting import Labelled, as_seen, typical_difference
from rmkit.annotation.annotators import Annotator
from rmkit.errors import DataError
from rmkit.measures.ranking import spearman
from rmkit.reward_models.registry import build
from rmkit.training_sets.pair_sets import PairSets
from tests.active.small_settings import (
    BUDGET,
    EMBEDDING,
    GOLD,
    N_RESPONSES,
    TEST_EMBEDDING,
    TEST_GOLD,
    THREE,
    head_of,
    history,
    label_actively,
    setting,
    world,
)

POOLS = ("within_prompt", "cross_prompt")


@pytest.fixture(scope="module", params=POOLS)
def run(request):
    return request.param, history(pool=request.param)


def test_there_is_a_fit_for_every_strategy_after_the_start_and_after_each_round(run):
    pool, made = run
    assert list(made.fits.columns) == ["fit", "reward_model", "pool", "strategy", "annotations"]
    expected = list(itertools.product([15, 25, 35, 45], THREE))
    assert list(zip(made.fits["annotations"], made.fits["strategy"], strict=True)) == expected
    assert made.fits["fit"].is_unique
    assert set(made.fits["pool"]) == {pool}
    assert (made.reward_fr.dtype, made.reward_fr.shape) == (np.float32, (12, len(TEST_EMBEDDING)))


def test_all_strategies_of_a_pool_start_from_one_model(run):
    start_sr = run[1].reward_fr[:3]
    np.testing.assert_array_equal(start_sr, np.repeat(start_sr[:1], 3, axis=0))
    assert len({tuple(reward_r) for reward_r in run[1].reward_fr}) == 10  # and then each goes its own way


def test_a_strategy_asks_no_question_twice_and_all_from_its_pool(run):
    pool, made = run
    for _, asked in made.asked.groupby("strategy"):
        pair_m2 = asked[["first", "second"]].to_numpy()
        assert len(np.unique(pair_m2, axis=0)) == len(asked) == 45
        assert ((pair_m2[:, 0] // N_RESPONSES == pair_m2[:, 1] // N_RESPONSES) == (pool == "within_prompt")).all()
        assert list(asked["annotations"]) == [15] * 15 + [25] * 10 + [35] * 10 + [45] * 10


def test_the_same_question_gets_the_same_answer_whichever_strategy_or_pool_asks():
    asked = pd.concat(
        [history(pool=pool, seed=3, answer_seed=1).asked for pool in POOLS] + [history(seed=4, answer_seed=1).asked]
    )
    answers = asked.groupby(["first", "second"])["label"]
    assert (answers.size() > 1).sum() > 15
    assert (answers.nunique() == 1).all()


def test_strategies_of_a_round_choose_from_the_same_prompts():
    """At most n_prompts prompts are asked about in a round, over all strategies together."""
    asked = history(pool="within_prompt").asked
    for _, here in asked.groupby("annotations"):
        assert len(np.unique(here["first"] // N_RESPONSES)) <= BUDGET.n_prompts
    assert len(np.unique(asked["first"] // N_RESPONSES)) > BUDGET.n_prompts  # but another round has others


@pytest.mark.parametrize("head", [head_of("linear_bt", 1.0), build("mlp_bt", max_steps=60)])
def test_a_strategy_does_the_same_alone_as_beside_the_others(head):
    """Of a network the products of another shape sum in another order, so its rewards agree nearly."""
    budget = Budget(n_start=15, n_rounds=1, n_batch=10, n_prompts=12, n_candidates=60)
    together, alone = (history(strategies=names, head=head, budget=budget) for names in (list(THREE), ["d_optimal"]))
    own = together.fits["strategy"] == "d_optimal"
    np.testing.assert_allclose(alone.reward_fr, together.reward_fr[own], rtol=1e-3, atol=1e-3)
    assert list(alone.fits["fit"]) == list(together.fits.loc[own, "fit"])
    own_asked = together.asked.query("strategy == 'd_optimal'").reset_index(drop=True)
    pd.testing.assert_frame_equal(alone.asked, own_asked)


def test_rewards_are_those_of_a_fit_on_what_was_asked_with_each_fifth_to_validate():
    made = history()
    for name in THREE:
        asked = made.asked.query("strategy == @name and annotations <= 35")
        won = np.where(asked["label"] == 1, asked["first"], asked["second"])
        lost = asked["first"].to_numpy() + asked["second"].to_numpy() - won
        fifth = [m for m in range(35) if m in (4, 9, 14, 19, 24, 29, 34)]
        others = [m for m in range(35) if m not in fifth]
        train, validation = (PairSets.padded([(won[some], lost[some])]) for some in (others, fifth))
        head = build("linear_bt", l2_grid=(1.0,), scale=typical_difference(EMBEDDING))
        head.fit(EMBEDDING, train, validation, rng_s=[np.random.default_rng(0)])
        of_fit = (made.fits["strategy"] == name) & (made.fits["annotations"] == 35)
        np.testing.assert_array_equal(made.reward_fr[of_fit], head.score(TEST_EMBEDDING))


def test_a_strategy_of_ones_own_is_an_object_beside_the_others():
    class Last:
        def select(self, candidates, n_pairs, rng):
            return len(candidates) - 1 - np.arange(n_pairs)

    made, without = history(strategies={"random": strategy("random"), "last": Last()}), history(strategies=["random"])
    pd.testing.assert_frame_equal(made.asked.query("strategy == 'random'"), without.asked)
    experiment = setting()
    expected_m2 = experiment.offered(1)[::-1]
    expected_m2 = expected_m2[not_among(expected_m2, experiment.start().pair_m2)][: BUDGET.n_batch]
    mine = made.asked.query("strategy == 'last' and annotations == 25")
    np.testing.assert_array_equal(mine[["first", "second"]], expected_m2)


def test_every_fit_is_of_a_copy_so_that_an_earlier_model_stays_what_it_was():
    experiment = setting()
    start = experiment.start()
    model = experiment.fit([start], 0)
    before_sr = model.score(TEST_EMBEDDING)
    experiment.fit([Labelled(start.pair_m2, 1 - start.label_m)], 1)
    np.testing.assert_array_equal(model.score(TEST_EMBEDDING), before_sr)
    assert not hasattr(experiment.head, "weight_sd_")


def test_the_same_seed_gives_the_same_history_and_another_gives_another():
    one, same, other = history(), history(), history(seed=1)
    np.testing.assert_array_equal(one.reward_fr, same.reward_fr)
    pd.testing.assert_frame_equal(one.asked, same.asked)
    assert not one.asked["first"].equals(other.asked["first"])


def test_gold_reaches_a_choice_through_the_answers_alone():
    """An annotator without noise answers alike for every gold of one order; so all that is asked is the same."""
    sharp, bent = (history(gold_pk=gold_pk, annotator=Annotator(np.inf)) for gold_pk in (GOLD, np.expm1(GOLD)))
    pd.testing.assert_frame_equal(sharp.asked, bent.asked)


def test_a_batch_is_described_as_its_own_model_saw_it():
    made, experiment = history(), setting()
    start = experiment.start()
    model = experiment.fit([start], 0)
    for batch in made.batches.query("annotations == 25").itertuples():
        pair_m2 = made.asked.query("strategy == @batch.strategy and annotations == 25")[["first", "second"]].to_numpy()
        seen = as_seen(model, 0, EMBEDDING, pair_m2, start.pair_m2, prior=1.0)
        v_m = expit(seen.margin_sm[0]) * (1 - expit(seen.margin_sm[0]))
        assert batch.mean_p_variance == pytest.approx(v_m.mean())
        assert batch.distinct_prompts == len({position // N_RESPONSES for pair in pair_m2 for position in pair})
        told_dd = seen.known_dd + sum(v * np.outer(x_d, x_d) for v, x_d in zip(v_m, seen.feature_md, strict=True))
        gain = np.linalg.slogdet(told_dd)[1] - np.linalg.slogdet(seen.known_dd)[1]
        assert batch.log_det_gain == pytest.approx(gain)


def test_the_prior_is_the_linear_heads_penalty_and_the_networks_design_alone():
    """A strong one holds all margins down, and then open pairs are no longer told from sure ones."""
    weak, strong = (history(prior=prior).batches.groupby("strategy")["mean_p_variance"].mean() for prior in (0.1, 1e4))
    assert strong["random"] > 0.249 > weak["random"]
    experiments = [setting(reward_model="mlp_bt", prior=prior, strategies=["random"]) for prior in (0.1, 1e4)]
    known, pool_m2 = experiments[0].start(), experiments[0].offered(1)
    models = [experiment.fit([known], 0) for experiment in experiments]
    np.testing.assert_array_equal(*(model.score(TEST_EMBEDDING) for model in models))
    low, high = (as_seen(models[0], 0, EMBEDDING, pool_m2, known.pair_m2, prior=prior).known_dd for prior in (0.1, 1e4))
    np.testing.assert_allclose(high - low, (1e4 - 0.1) * np.eye(len(low)), atol=1e-8)


def test_each_strategy_is_ahead_in_what_it_asks_for(run):
    """In the first round, where all choose by one model from one pool, so that the numbers compare."""
    first = run[1].batches.query("annotations == 25").set_index("strategy")
    assert first["log_det_gain"].idxmax() == "d_optimal"
    assert first["mean_p_variance"].idxmax() == "entropy"


def test_candidates_that_were_labelled_before_are_left_out_and_counted(run):
    pool, made = run
    for batch in made.batches.itertuples():
        done = BUDGET.annotations.index(batch.annotations)
        pairs = set(map(tuple, setting(pool=pool).offered(done).tolist()))
        before = made.asked.query("strategy == @batch.strategy and annotations < @batch.annotations")
        before = set(zip(before["first"], before["second"], strict=True))
        assert (batch.offered, batch.repeated) == (len(pairs - before), len(pairs & before))
    assert made.batches["repeated"].sum() > 0


def orders(seed, test=(TEST_EMBEDDING, TEST_GOLD), **change):
    """(rounds, strategies) mean within-prompt Spearman correlation with gold on the test prompts."""
    made = label_actively(setting(seed=seed, **change), test[0])
    order_f = spearman(made.reward_fr.reshape(-1, *test[1].shape), test[1]).mean(axis=1)
    return order_f.reshape(-1, made.fits["strategy"].nunique())


def test_labels_help():
    """Ten labels against seventy, over six seeds."""
    budget = Budget(n_start=10, n_rounds=1, n_batch=60, n_prompts=30, n_candidates=300)
    gain_s = np.array([np.diff(orders(seed, budget=budget), axis=0).mean() for seed in range(6)])
    assert gain_s.mean() - 3 * gain_s.std(ddof=1) / np.sqrt(6) > 0


def test_where_the_theory_is_exact_d_optimal_labels_are_worth_more_than_random_ones():
    """A linear reward, under a prior that allows its large weights; embeddings differ in length, so pairs tell unequally."""
    budget = Budget(n_start=30, n_rounds=2, n_batch=100, n_prompts=100, n_candidates=1500)
    names = ["random", "d_optimal"]
    ahead = []
    for seed in range(16):
        (embedding_rd, gold_pk), test = (world(seed, n, n_dimensions=16, length_sd=0.7) for n in (100, 250))
        asked = {"embedding_rd": embedding_rd, "gold_pk": gold_pk, "annotator": Annotator(2.0, float(gold_pk.std()))}
        order_ns = orders(seed, test, pool="within_prompt", strategies=names, budget=budget, prior=0.03, **asked)
        ahead.append(order_ns[-1, 1] - order_ns[-1, 0])
    assert np.mean(ahead) - 3 * np.std(ahead, ddof=1) / np.sqrt(16) > 0


def small(**change):
    numbers = {"n_start": 5, "n_rounds": 1, "n_batch": 5, "n_prompts": 1, "n_candidates": 100}
    return Budget(**numbers | change)


def test_too_little_to_choose_from_is_one_line():
    for change, says in {
        "n_start": "start: 16 pairs are to be labelled, and the within_prompt pool of 1 prompts has 15; ask for fewer",
        "n_batch": "random, round 1: 16 pairs are to be chosen, and after 5 labels 15 of the within_prompt pool's candidates are "
        "left that it has not labelled; lower n_batch or n_rounds, or raise n_candidates or n_prompts",
    }.items():
        with pytest.raises(DataError, match=f"^{re.escape(says)}$"):
            history(pool="within_prompt", budget=small(**{change: 16}))
    with pytest.raises(DataError, match=r"^n_prompts: 41 prompts for within_prompt pairs; give 1 to 40$"):
        setting(pool="within_prompt", budget=small(n_prompts=41)).offered(1)


def test_every_strategy_goes_through_its_rounds_within_prompts():
    budget = Budget(n_start=15, n_rounds=1, n_batch=10, n_prompts=12, n_candidates=100)
    made = history(strategies=tuple(STRATEGIES), pool="within_prompt", budget=budget)
    assert set(made.asked.groupby("strategy").size()) == {25}
    start = made.reward_fr[: len(STRATEGIES)]
    np.testing.assert_array_equal(start, np.repeat(start[:1], len(STRATEGIES), axis=0))
    gain = made.batches.set_index("strategy")["log_det_gain"]
    assert gain["d_optimal_exchange"] >= gain["d_optimal"] - 1e-9
    assert gain["d_optimal"] >= gain.drop("d_optimal_exchange").max() - 1e-9
