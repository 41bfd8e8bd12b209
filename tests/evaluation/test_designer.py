"""The designer's widths are those of closed forms, its advice follows what is true, and what it cannot tell it says."""

from dataclasses import fields

import numpy as np
import pytest

from rmkit.errors import DataError
from rmkit.evaluation.design_question import Outcome, Question, Resampling
from rmkit.evaluation.designer import advise, cost_for, plain_designs
from rmkit.evaluation.population import MEASURES, policy_values
from rmkit.evaluation.test_sets.annotation import Annotation
from rmkit.evaluation.test_sets.category import InCategory
from rmkit.evaluation.test_sets.design import draw_test_set
from rmkit.evaluation.test_sets.judged import JudgedResponses
from rmkit.evaluation.test_sets.measured import measured_on
from rmkit.evaluation.test_sets.paraphrase_share import ParaphraseShare
from rmkit.evaluation.test_sets.rank_bins import RankBins
from rmkit.evaluation.test_sets.responses_a_prompt import ResponsesAPrompt
from rmkit.measures.best_of_n import best_of_n
from rmkit.measures.bivariate_normal import accuracy_variance
from rmkit.measures.sample_size import detectable_difference

RNG = np.random.default_rng(0)
N_PROMPTS, K = 400, 8
GOLD_PK = RNG.normal(size=(N_PROMPTS, K))
NOISE_F = np.array([0.3, 0.6, 1.0, 1.7, 3.0])
SCORE_FPK = GOLD_PK + NOISE_F[:, None, None] * RNG.normal(size=(5, N_PROMPTS, K))
JUDGED = JudgedResponses(GOLD_PK, category_p=np.where(np.arange(N_PROMPTS) < 100, "chat", "code"))
OUTCOME = Outcome(n=4)
ASKED = {"budget": 400, "outcome": OUTCOME}
QUICK = {"resamples": 60, "n_draws": 4}
QUESTION, RESAMPLING = ({field.name for field in fields(kind)} for kind in (Question, Resampling))
EITHER = pytest.mark.parametrize("criterion", ["selection_regret", "right_choice"])


def advice(designs, judged=JUDGED, score_fpk=SCORE_FPK, seed=0, **changed):
    """What is said of designs: each keyword goes to the question, to the resampling, or to `advise` itself."""
    question = Question(**(ASKED | {name: changed.pop(name) for name in QUESTION & set(changed)}))
    resampling = Resampling(**(QUICK | {name: changed.pop(name) for name in RESAMPLING & set(changed)}))
    rng = np.random.default_rng(seed)
    return advise(judged, score_fpk, designs, question, rng=rng, resampling=resampling, **changed)


def test_half_widths_are_those_of_normal_responses_whichever_unit_is_paid():
    """All models alike in noise, so that the median is anyone's: a correlation of 1/2 with gold."""
    score_fpk = GOLD_PK + np.sqrt(3) * np.random.default_rng(1).normal(size=(6, N_PROMPTS, K))
    best = {}
    for unit in ("comparison", "response"):
        table = advice(plain_designs(K, Annotation(unit)), score_fpk=score_fpk, measures=["accuracy"], n_draws=8).table
        expected = [
            1.96 * np.sqrt(accuracy_variance(0.5, row.n_responses) / row.n_prompts) for row in table.itertuples()
        ]
        np.testing.assert_allclose(table["half_width"], expected, rtol=0.06)
        best[unit] = table["n_responses"][table["half_width"].argmin()]
        assert (table["cost"] <= 400).all()
    assert best == {"comparison": 2, "response": 8}


def test_the_detectable_difference_is_mcnemars():
    models = (1, 3)
    found = advice({"pairs": ResponsesAPrompt(2)}, measures=["accuracy"], models=models, n_draws=40).table
    pairs = draw_test_set(ResponsesAPrompt(2), JUDGED, np.random.default_rng(0))
    right_fq = measured_on(pairs, SCORE_FPK[list(models)], measures={"accuracy": MEASURES["accuracy"]})["accuracy"]
    discordant = (right_fq[0] != right_fq[1]).mean()
    assert found["detectable"][0] == pytest.approx(detectable_difference(400, discordant), rel=0.1)


@EITHER
def test_clean_labels_are_better_than_many_that_are_noisy_and_the_best_is_named(criterion):
    designs = {
        "clean": ResponsesAPrompt(2),
        "flipped": ResponsesAPrompt(2, annotation=Annotation(flip=0.45)),
    }
    found = advice(designs, measures=["accuracy"], criterion=criterion, budget=200)
    assert found.best == "clean by accuracy"
    assert not found.alike
    assert found.sentence.startswith("For Best-of-4, clean by accuracy has the ")
    assert list(found.table["design"]) == ["clean", "flipped"]


@EITHER
def test_the_same_design_twice_cannot_be_told_apart(criterion):
    designs = {name: ResponsesAPrompt(2, annotation=Annotation(flip=0.2)) for name in ("one", "other")}
    found = advice(designs, measures=["accuracy"], criterion=criterion)
    assert len(found.alike) == 1
    assert found.sentence.startswith("Cannot tell which design is best for Best-of-4: ")
    assert found.alike[0] in found.sentence


def test_two_measures_of_one_pair_are_the_same_choice_and_not_a_doubt():
    found = advice({"pairs": ResponsesAPrompt(2)}, measures=["accuracy", "spearman"])
    assert found.same == ("pairs by spearman",)
    assert not found.alike
    assert "as has pairs by spearman" in found.sentence


def test_the_correlation_is_of_the_right_choices_and_ends_lie_about_their_estimates():
    table = advice(plain_designs(K)).table
    answered = table[table["reason"].isna()]
    for name in ("selection_regret", "right_choice", "correlation"):
        assert (answered[f"{name}_low"] <= answered[name]).all()
        assert (answered[name] <= answered[f"{name}_high"]).all()
    np.testing.assert_allclose(table["correlation"], 2 * table["right_choice"] - 1)
    assert (answered["selection_regret_low"] >= 0).all()
    assert (answered["right_choice_high"] <= 1).all()


def test_estimates_are_what_test_sets_drawn_from_the_bank_do():
    """Prompts with replacement, rows anew: no normal law, no moments."""
    n_prompts, rng = 40, np.random.default_rng(4)
    earned_f = policy_values(SCORE_FPK, GOLD_PK, ns=[4], kls=[])["best_of_n"][..., 0].mean(axis=1)
    row = advice({"pairs": ResponsesAPrompt(2)}, measures=["accuracy"], budget=n_prompts, n_draws=60).table.iloc[0]
    right, regret = [], []
    for _ in range(500):
        drawn_p = rng.integers(N_PROMPTS, size=n_prompts)
        test_set = draw_test_set(ResponsesAPrompt(2), JUDGED.only(drawn_p), rng)
        mean_f = measured_on(test_set, SCORE_FPK[:, drawn_p], measures={"accuracy": MEASURES["accuracy"]})[
            "accuracy"
        ].mean(axis=1)
        first_c, second_c = np.triu_indices(5, 1)
        agrees_c = np.sign(mean_f[first_c] - mean_f[second_c]) * np.sign(earned_f[first_c] - earned_f[second_c])
        right.append((1 + agrees_c.mean()) / 2)
        regret.append(earned_f.max() - earned_f[rng.permutation(np.flatnonzero(mean_f == mean_f.max()))[0]])
    assert row["right_choice"] == pytest.approx(np.mean(right), abs=0.012)
    assert row["selection_regret"] == pytest.approx(np.mean(regret), abs=4 * np.std(regret) / np.sqrt(500) + 0.003)


def test_what_an_interval_of_a_given_width_takes():
    table = advice(
        {"pairs": ResponsesAPrompt(2), "rated": ResponsesAPrompt(4, annotation=Annotation("response"))}
    ).table
    for of in ("half_width", "detectable"):
        needed = cost_for(table, 0.02, of=of)
        again = {
            row.design: advice(
                {row.design: ResponsesAPrompt(row.n_responses, annotation=Annotation(row.unit))},
                measures=[row.measure],
                budget=int(cost),
                n_draws=20,
            ).table
            for row, cost in zip(table.itertuples(), needed["cost"], strict=True)
            if row.measure == "accuracy"
        }
        assert len(again) == 2
        for one in again.values():
            assert one[of][0] == pytest.approx(0.02, rel=0.05)


def test_two_models_are_chosen_between_unless_their_policies_cannot_be_told_apart():
    apart = advice({"pairs": ResponsesAPrompt(2)}, measures=["accuracy"], models=(0, 4)).table.iloc[0]
    assert apart["right_choice"] > 0.99
    assert np.isnan(apart["correlation"])
    twins_fpk = np.stack([SCORE_FPK[2], GOLD_PK + np.random.default_rng(8).normal(size=GOLD_PK.shape)])
    twins = advice({"pairs": ResponsesAPrompt(2)}, score_fpk=twins_fpk, measures=["accuracy"], models=(0, 1))
    assert twins.table["reason"][0] == "the bank cannot tell which of the two models has the better policy at Best-of-4"
    assert twins.sentence.endswith("the better policy at Best-of-4.")
    assert np.isnan(twins.table["right_choice_low"][0])


def test_a_category_is_measured_and_another_is_what_policies_answer():
    """In code prompts the models' order is turned round: what is measured in chat misleads."""
    turned_fpk = np.where((JUDGED.category_p == "code")[:, None], SCORE_FPK[::-1], SCORE_FPK)
    right = {}
    for policy in ("chat", "code"):
        found = advice({"chat": InCategory("chat")}, score_fpk=turned_fpk, measures=["accuracy"], budget=100,
                       policy_p=JUDGED.is_in(policy))  # fmt: skip
        right[policy] = found.table["right_choice"][0]
    assert right["chat"] > 0.8
    assert right["code"] < 0.2


def test_paraphrases_that_a_model_reads_as_noise_make_choices_worse():
    noisy_fpk = SCORE_FPK + 5 * np.random.default_rng(3).normal(size=SCORE_FPK.shape)
    judged = JudgedResponses(GOLD_PK, n_wordings=2)
    designs = {f"{share:.0%}": ParaphraseShare(ResponsesAPrompt(2), share) for share in (0.0, 1.0)}
    table = advice(designs, judged, np.stack([SCORE_FPK, noisy_fpk], axis=1), measures=["accuracy"], budget=100).table
    assert list(table["design"]) == ["0%", "100%"]
    assert table["right_choice"][0] > table["right_choice"][1] + 0.1


def test_a_measure_that_is_better_the_less_it_is_chooses_by_its_opposite_and_needs_its_responses():
    designs = {f"{m} responses": ResponsesAPrompt(m, annotation=Annotation("response")) for m in (2, 5)}
    table = advice(designs, measures=["brier", "best_of_four"]).table
    assert sorted(table["design"] + table["measure"]) == [
        "2 responsesbrier",
        "5 responsesbest_of_four",
        "5 responsesbrier",
    ]
    assert (table["right_choice"] > 0.7).all()


def test_a_kl_optimum_and_rank_bins_are_advised_on_too():
    found = advice({"top and bottom": RankBins(2, 0), "pairs": ResponsesAPrompt(2)}, outcome=Outcome(kl=0.5))
    assert set(found.table["design"]) == {"top and bottom", "pairs"}
    assert "the KL optimum at 0.5 nats" in found.sentence


def test_of_samples_best_of_n_is_the_mean_over_subsets_and_a_kl_that_few_samples_carry_is_refused():
    sampled = Outcome(n=4, samples=True).earned(SCORE_FPK, GOLD_PK)
    np.testing.assert_allclose(sampled, np.stack([best_of_n(one, GOLD_PK, [4])[:, 0] for one in SCORE_FPK]))
    assert np.abs(sampled - OUTCOME.earned(SCORE_FPK, GOLD_PK)).max() > 0.01
    rng = np.random.default_rng(6)
    gold_pk = rng.normal(size=(30, 64))
    score_fpk = gold_pk + rng.normal(size=(2, 30, 64))
    as_samples, as_all = (Outcome(kl=0.5, samples=samples).earned(score_fpk, gold_pk) for samples in (True, False))
    np.testing.assert_allclose(as_samples, as_all)
    with pytest.raises(DataError, match=r"reward model 0: a mean KL of 3 nats: of 64 responses to a prompt \S+ count"):
        Outcome(kl=3.0, samples=True).earned(score_fpk, gold_pk)
    assert np.isfinite(Outcome(kl=3.0).earned(score_fpk, gold_pk)).all()


def test_equal_generators_give_equal_advice():
    one, again, other = (advice(plain_designs(3), seed=seed).table for seed in (1, 1, 2))
    assert one.equals(again)
    assert not one.equals(other)


def test_few_prompts_and_a_bank_that_is_too_small_for_the_test_set_have_no_interval():
    few = advice({"eight": ResponsesAPrompt(8)}, budget=200)
    assert set(few.table["reason"]) == {"the budget pays for 7 prompts, too few for the normal law, which takes 20"}
    assert few.best == ""
    assert few.sentence.startswith("Cannot tell which design is best for Best-of-4: the budget pays for 7 prompts")
    far = advice({"pairs": ResponsesAPrompt(2)}, budget=801, measures=["accuracy"]).table
    assert far["reason"][0] == "801 prompts are more than 2 times the 400 of the bank: too far to see"
    assert np.isfinite(far["right_choice"][0])
    assert far["right_choice"].notna().all()
    tied = JudgedResponses(np.where(np.arange(N_PROMPTS)[:, None] < 390, 0.0, GOLD_PK))
    told = advice({"pairs": ResponsesAPrompt(2)}, tied, measures=["accuracy"]).table["reason"][0]
    assert told == "10 prompts of the bank have a value, too few to see how prompts vary, which takes 20"


PAIRS = {"pairs": ResponsesAPrompt(2)}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"budget": 0}, "a budget of 0 comparisons: one prompt with 2 responses takes 1"),
        ({"designs": {}}, "designs and measures: give at least one of each"),
        ({"measures": []}, "designs and measures: give at least one of each"),
        ({"measures": ["acuracy"]}, "measures: 'acuracy' is not one of .*did you mean 'accuracy'"),
        ({"measures": ["best_of_four"]}, "every one takes more responses to a prompt than any of the designs has"),
        ({"criterion": "luck"}, "criterion: 'luck' is not one of selection_regret, right_choice"),
        ({"models": (0, 0)}, r"models: \(0, 0\); give two different ones of 0 to 4"),
        ({"models": (0, 5)}, "give two different ones of 0 to 4"),
        ({"score_fpk": SCORE_FPK[:1]}, "a bank of 1 reward models on 400 prompts"),
        ({"score_fpk": SCORE_FPK[:, :9]}, r"scores: shape \(5, 1, 9, 8\); it must be \(models, 1, 400, 8\)"),
        ({"score_fpk": np.where(GOLD_PK > 3, np.nan, SCORE_FPK)}, "the score at .* is nan"),
        ({"judged": JUDGED.only(np.arange(5)), "score_fpk": SCORE_FPK[:, :5]}, "5 reward models on 5 prompts"),
        ({"outcome": Outcome(n=9)}, "best of 9: a prompt has 8 responses"),
        ({"outcome": Outcome(kl=5.0)}, "reward model 0: its scores are too alike for the KL optimum at 5 nats"),
        ({"score_fpk": np.stack([GOLD_PK, 2 * GOLD_PK])}, "the policies of all 2 reward models earn the same"),
        ({"policy_p": np.zeros(N_PROMPTS, bool)}, "policy_p: it must mark 20 or more of the 400 prompts"),
        ({"level": 1.0}, "level 1.0 must lie between 0 and 1"),
        ({"resamples": 0}, "n_resamples 0 must be at least 1"),
        ({"score_fpk": np.broadcast_to(SCORE_FPK[:1], (600, N_PROMPTS, K))}, "take fewer models"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_one_sentence(changed, said):
    with pytest.raises(DataError, match=said):
        advice(**({"designs": PAIRS} | changed))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: Outcome(), "give n of Best-of-n or a mean KL in nats, one of the two"),
        (lambda: Outcome(n=2, kl=1.0), "one of the two"),
        (lambda: cost_for(advice(PAIRS).table, 0.0), "half_width: 0.0; it must be above 0"),
        (lambda: cost_for(advice(PAIRS).table, 0.1, of="width"), "of: 'width' is not one of half_width"),
    ],
)
def test_what_makes_no_sense_elsewhere_is_one_sentence(call, said):
    with pytest.raises(DataError, match=said):
        call()


@pytest.mark.slow
def test_intervals_hold_what_fresh_banks_hold():
    """The benchmark's question on one small world: what the criteria of a bank of 6,000 prompts are, 80 banks foretell."""

    def drawn(rng, n_prompts):
        gold_pk = rng.normal(size=(n_prompts, K)) * rng.uniform(0.5, 1.5, size=(n_prompts, 1))
        return gold_pk, gold_pk + NOISE_F[:, None, None] * rng.normal(size=(5, n_prompts, K))

    designs = plain_designs(3)
    gold_pk, score_fpk = drawn(np.random.default_rng(9), 6000)
    truth = advice(designs, JudgedResponses(gold_pk), score_fpk, budget=120, measures=["accuracy"], resamples=2)
    true = truth.table.set_index("design")
    covered = {name: [] for name in ("selection_regret", "right_choice")}
    for seed in range(80):
        rng = np.random.default_rng(seed)
        gold_pk, score_fpk = drawn(rng, 150)
        found = advise(JudgedResponses(gold_pk), score_fpk, designs, Question(120, OUTCOME), rng=rng,
                       measures=["accuracy"], resampling=Resampling(**QUICK))  # fmt: skip
        for row in found.table.to_dict("records"):
            for name, held in covered.items():
                held.append(row[f"{name}_low"] <= true.loc[row["design"], name] <= row[f"{name}_high"])
    for name, held in covered.items():
        assert 0.88 <= np.mean(held) <= 1, name
