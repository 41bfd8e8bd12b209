"""Correlations of test-set designs with policies: by their definition, and where designs must differ."""

import numpy as np
import pytest

from rmkit.errors import DataError
from rmkit.evaluation.design_contrasts import adjusted, contrast_rows, explained, rows_of, slope_rows
from rmkit.evaluation.design_correlations import Replication, design_correlations, measured_tables
from rmkit.evaluation.design_outcomes import Earned, exact_outcomes
from rmkit.evaluation.design_rows import correlation_rows, difference_rows
from rmkit.evaluation.design_settings import OWN, Responses, settings_of
from rmkit.evaluation.population import MEASURES
from rmkit.evaluation.test_sets.design import draw_test_set
from rmkit.evaluation.test_sets.judged import JudgedResponses
from rmkit.evaluation.test_sets.measured import measured_on
from rmkit.intervals.correlations import CORRELATIONS
from rmkit.study.notebook_side.result_rows import wrong_with
from tests.evaluation.judged_population import ASKED, CATEGORY_Q, REPLICATION, F, P, Population

POPULATION = Population()


@pytest.fixture(scope="module")
def found():
    return POPULATION.found()


@pytest.fixture(scope="module")
def rows(found):
    return rows_of(found, "kendall", n_draws=2)


def of(found, letter, policy="best_of_8", measure="accuracy"):
    return [
        one
        for one in found
        if (one.setting.letter, one.outcome.columns["policy"], one.measure) == (letter, policy, measure)
        and not one.outcome.columns["policy_category"]
    ]


def test_a_correlation_is_the_mean_over_test_sets_of_that_with_the_policy(found):
    (one,) = [each for each in of(found, "F") if each.setting.values["n_responses"] == 4]
    earned_f = one.outcome.value_fq.mean(axis=1)
    seeds = _seeds()
    each = []
    for seed in seeds:
        test_set = draw_test_set(one.setting.design, POPULATION.of[OWN].judged, np.random.default_rng(seed))
        value_fq = measured_on(test_set, POPULATION.of[OWN].score_fvpk, measures=MEASURES)["accuracy"]
        each.append(CORRELATIONS["kendall"](np.round(value_fq.mean(axis=1), 12), earned_f))
    assert float(one.correlation.full) == pytest.approx(np.mean(each))
    assert one.spread == pytest.approx(np.std(each, ddof=1))


def _seeds():
    """Those of the population's test sets, after what resampling draws from the same generator."""
    kept = []

    class Watched(np.random.Generator):
        def integers(self, *args, **given):
            kept.append(super().integers(*args, **given))
            return kept[-1]

    settings = settings_of(ASKED, POPULATION.of)[:1]
    rng = Watched(np.random.default_rng(1).bit_generator)
    given = {"policy_categories": POPULATION.by_category, "replication": REPLICATION}
    design_correlations(settings, POPULATION.of, POPULATION.outcomes, rng=rng, **given)
    return [int(seed) for seed in kept[0]]


def test_errors_have_their_sign_turned_round(found):
    assert all(float(one.correlation.full) > 0 for one in of(found, "I", measure="log_loss"))


def test_measures_are_against_gold_but_where_annotations_are_paid_for_or_err():
    """Wins are gold's order without its distances, and no accuracy can tell."""
    own = POPULATION.of[OWN]
    for setting in settings_of(ASKED, {OWN: own}):
        if setting.letter not in "FGH" or setting.values["n_responses"] != 4:
            continue
        by_gold, by_labels = (
            measured_on(
                draw_test_set(setting.design, own.judged, np.random.default_rng(3)),
                own.score_fvpk, measures=MEASURES, by_labels=told,
            )["best_of_all"].mean(axis=1)
            for told in (False, True)
        )  # fmt: skip
        table_fp = measured_tables(setting, own, [3])["best_of_all"][0]
        wanted = by_labels if setting.letter in "GH" else by_gold
        np.testing.assert_allclose(np.nanmean(table_fp, axis=1), wanted)


def test_a_prompt_with_several_pairs_counts_once():
    (setting,) = [one for one in settings_of(ASKED, POPULATION.of) if str(one).startswith("E") and "48" in str(one)]
    (table_fp,) = measured_tables(setting, POPULATION.of[OWN], [3])["accuracy"]
    test_set = draw_test_set(setting.design, POPULATION.of[OWN].judged, np.random.default_rng(3))
    value_fq = measured_on(test_set, POPULATION.of[OWN].score_fvpk, measures=MEASURES)["accuracy"]
    for prompt in range(P):
        np.testing.assert_allclose(table_fp[:, prompt], value_fq[:, test_set.rows.prompt_q == prompt].mean(axis=1))


def test_scores_that_know_nothing_in_other_words_make_the_correlation_fall(found, rows):
    slope = rows[(rows["metric"] == "slope") & (rows["along"] == "share") & (rows["measure"] == "accuracy")]
    assert (slope["high"] < 0).all()
    by_share = {one.setting.values["share"]: float(one.correlation.full) for one in of(found, "D")}
    line = np.polyfit(list(by_share), list(by_share.values()), 1)
    found_slope = slope.loc[slope["policy"] == "best_of_8", "value"].item()
    assert found_slope == pytest.approx(line[0])


def test_a_difference_is_that_of_its_two_correlations(found, rows):
    values = {str(one.setting): float(one.correlation.full) for one in of(found, "F")}
    differences = rows[(rows["metric"] == "correlation_difference") & (rows["design"] == "F")]
    differences = differences[(differences["policy"] == "best_of_8") & (differences["measure"] == "accuracy")]
    assert set(differences["second"]) == {"F n_responses=2"}
    for row in differences.itertuples():
        assert row.value == pytest.approx(values[row.first] - values[row.second])
        assert row.low < row.value < row.high


def test_design_i_compares_every_measure_with_accuracy(found):
    of_i = difference_rows([one for one in found if one.setting.letter == "I"], "kendall")
    assert set(of_i["second"]) == {"accuracy"}
    measures = {one.measure for one in found if one.setting.letter == "I"}
    assert set(of_i["first"]) == measures - {"accuracy"}
    assert (of_i["family"] == len(measures) - 1).all()


def test_simultaneous_intervals_are_wider_than_single_ones(rows):
    several = rows[(rows["metric"] == "correlation") & rows["low"].notna()]
    assert (several["simultaneous_low"] < several["low"]).all()
    assert (several["simultaneous_high"] > several["high"]).all()


def test_the_category_contrast_is_the_diagonal_less_the_rest(found):
    contrast = contrast_rows(found, "kendall")
    contrast = contrast[(contrast["along"] == "category") & (contrast["measure"] == "accuracy")]
    value = contrast.loc[contrast["policy"] == "kl_0.5", "value"].item()
    cells = [one for one in found if one.setting.letter == "C" and one.outcome.columns["policy_category"]]
    cells = [one for one in cells if (one.measure, one.outcome.columns["policy"]) == ("accuracy", "kl_0.5")]
    assert len(cells) == len(np.unique(CATEGORY_Q)) ** 2
    same = [one.setting.values["category"] == one.outcome.columns["policy_category"] for one in cells]
    full = np.array([float(one.correlation.full) for one in cells])
    assert value == pytest.approx(full[same].mean() - full[~np.array(same)].mean())
    assert contrast["low"].notna().all()  # its prompts are those of all categories together


def test_shares_of_variance_are_those_of_an_analysis_of_variance(rows):
    shares = rows[(rows["metric"] == "contrast") & (rows["design"] == "B") & (rows["measure"] == "accuracy")]
    shares = shares[shares["policy"] == "best_of_2"].set_index("along")["value"]
    assert shares["bins_less_source"] == pytest.approx(shares["bins"] - shares["source"])
    assert ((shares[["bins", "source"]] >= 0) & (shares[["bins", "source"]] <= 1)).all()
    value_kb = np.array([[1.0], [1.0], [3.0], [3.0]])
    np.testing.assert_allclose(explained(["a", "a", "b", "b"], value_kb), [1.0])
    np.testing.assert_allclose(explained(["a", "b", "a", "b"], value_kb), [0.0])


def test_adjusted_shares_differ_by_nothing_on_average_where_neither_label_matters(rows):
    """20 cells as of design B, ten pairs of bins and two writers, their numbers shuffled."""
    bins, sources = [cell % 10 for cell in range(20)], [cell // 10 for cell in range(20)]
    rng = np.random.default_rng(0)
    shuffled_kb = np.stack([rng.permutation(np.arange(20.0) ** 2) for _ in range(4000)], axis=1)
    differences = {share: share(bins, shuffled_kb) - share(sources, shuffled_kb) for share in (adjusted, explained)}
    assert differences[adjusted].mean() == pytest.approx(0, abs=0.02)
    assert differences[explained].mean() == pytest.approx((9 - 1) / 19, abs=0.01)
    np.testing.assert_allclose(adjusted([*"aabb"], np.array([[1.0], [1.0], [3.0], [3.0]])), [1.0])
    assert np.isnan(adjusted([*"abcd"], np.arange(4.0)[:, None])).all()


def test_the_adjusted_contrast_is_that_of_the_design_with_its_interval(found, rows):
    cells = of(found, "B", policy="best_of_2")
    value_kb = np.array([[float(one.correlation.full)] for one in cells])
    bins = [(one.setting.values["chosen_bin"], one.setting.values["rejected_bin"]) for one in cells]
    shares = [adjusted(label, value_kb)[0] for label in (bins, [one.setting.values["source"] for one in cells])]
    row = rows[(rows["along"] == "bins_less_source_adjusted") & (rows["measure"] == "accuracy")]
    row = row.set_index("policy").loc["best_of_2"]
    assert row["value"] == pytest.approx(shares[0] - shares[1])
    assert row["low"] < row["value"] < row["high"]


def test_all_rows_can_be_recorded_and_each_is_told_from_the_others(rows):
    assert wrong_with(rows) is None
    assert not rows.duplicated(["metric", "fit", "first", "along"]).any()
    without = rows["low"].isna() & rows["metric"].ne("selection_regret")
    assert (rows.loc[without, "no_interval"] != "").all()
    told = rows[rows["metric"] == "correlation"]
    assert set(told["estimand"]) == {"new reward models, new prompts"}
    assert told["method"].str.contains("models, whose 2 draws stay as they are,").all()


def test_models_without_a_policy_are_left_out_and_few_have_no_interval():
    first = POPULATION.outcomes[0]
    value_fq = first.value_fq.copy()
    value_fq[10:] = np.nan
    some, none = (
        Earned(first.columns, value, first.prompt_q, "not trained") for value in (value_fq, value_fq * np.nan)
    )
    settings = [one for one in settings_of(ASKED, POPULATION.of) if one.letter == "F"]
    for outcome, n_models in ((some, 10), (none, 0)):
        found = design_correlations(
            settings, POPULATION.of, [outcome], replication=REPLICATION, rng=np.random.default_rng(0)
        )
        rows = correlation_rows(found, "kendall")
        assert (rows["left_out"] == F - n_models).all()
        assert rows["low"].isna().all()
        assert rows["value"].notna().all() == (n_models > 2)
    assert rows["reason"].str.endswith("an order takes 3: not trained").all()
    assert wrong_with(rows_of(found, "kendall")) is None


def test_designs_on_too_few_prompts_have_a_value_and_no_interval(found):
    (few,) = [
        one
        for one in of(found, "G")
        if (one.setting.values["unit"], one.setting.values["n_responses"], one.setting.values["budget"])
        == ("comparison", 4, 72)
    ]
    assert few.n_prompts == 12
    row = correlation_rows([few], "kendall").iloc[0]
    assert "12 prompts are too few" in row["no_interval"]
    assert np.isfinite(row["value"])


def test_a_slope_leaves_out_what_has_too_few_prompts_where_the_rest_is_a_line(found):
    lines = slope_rows(found, "kendall")
    assert set(lines["along"]) == {"share", "log_pairs", "log_responses", "flip"}
    assert (lines[lines["design"] == "E"]["n_prompts"] == lines[lines["design"] == "E"]["n_prompts"].min()).all()


def test_a_policy_that_earns_the_same_for_all_has_no_correlation_whatever_rounding_leaves():
    """Best-of-1 is the base policy for every reward model."""
    (same,) = exact_outcomes(POPULATION.score_fqk, POPULATION.gold_qk, np.arange(26), ns=[1], kls=[])
    settings = [one for one in settings_of(ASKED, POPULATION.of) if one.letter == "F"]
    rng = np.random.default_rng(0)
    rows = rows_of(design_correlations(settings, POPULATION.of, [same], replication=REPLICATION, rng=rng), "kendall")
    assert wrong_with(rows) is None
    told = rows[rows["metric"].isin(["correlation", "correlation_difference", "slope", "decision_accuracy"])]
    assert told["value"].isna().all()
    assert told["low"].isna().all()


def test_a_setting_that_cannot_be_drawn_has_no_value_and_says_why():
    """Of gold that is 0 or 1, a bin of two responses may hold no better one."""
    own = POPULATION.of[OWN]
    gold_pk = np.tile([0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0], (P, 1))
    tied = {OWN: Responses(JudgedResponses(gold_pk), own.score_fvpk)}
    settings = [one for one in settings_of(ASKED, tied) if one.letter in "BF"]
    found = design_correlations(
        settings, tied, POPULATION.outcomes, replication=REPLICATION, rng=np.random.default_rng(0)
    )
    rows = rows_of(found, "kendall")
    assert wrong_with(rows) is None
    correlations = rows[(rows["metric"] == "correlation") & (rows["design"] == "B")]
    same_bin = correlations["chosen_bin"] == correlations["rejected_bin"]
    assert correlations.loc[same_bin, "value"].isna().all()
    assert correlations.loc[same_bin, "reason"].str.contains("0 of 24 prompts have as many").all()
    assert correlations.loc[~same_bin, "value"].notna().all()


def test_two_models_or_responses_that_do_not_fit_together_are_refused():
    own = POPULATION.of[OWN]
    two = {OWN: Responses(own.judged, own.score_fvpk[:2])}
    settings = [one for one in settings_of(ASKED, {OWN: own}) if one.letter == "F"]
    given = {"replication": REPLICATION, "rng": np.random.default_rng(0)}
    with pytest.raises(DataError, match="2 reward models: a test set orders 3 or more"):
        design_correlations(settings, two, POPULATION.outcomes, **given)
    other = {OWN: own, "base": Responses(JudgedResponses(own.judged.gold_pk[1:]), own.score_fvpk[:, 1:])}
    with pytest.raises(DataError, match="all must be of the same"):
        design_correlations(settings, other, POPULATION.outcomes, **given)
    with pytest.raises(DataError, match="0 draws of a test set and 30 resamples"):
        Replication(0, 30)
