"""The texts over a study that has really run: filters, search, and a click on a fit that was not saved."""

import html
import re
from dataclasses import replace

import numpy as np

from rmkit.reward_models.collection import RewardModels
from rmkit.widgets.explorer.details import Fit
from rmkit.widgets.explorer.explorer import Explorer
from rmkit.widgets.responses.saved import fit_label

STAGE = "04_reward_models"


def texts(responses):
    return html.unescape(re.sub("<[^>]*>", "", responses.still()["text/html"].partition("</style>")[2]))


def visible(widget):
    return widget.layout.display != "none"


def test_prompts_are_gone_through_and_searched(responses):
    total = len(responses.reading.prompt_p)
    assert f"1 of {total} prompts" in texts(responses)
    responses.move(-1)
    assert f"{total} of {total} prompts" in texts(responses)
    responses.filters.order.value = "worst"
    assert responses.prompt == 0
    first = responses.reading.by_prompt(responses.fit)["lost"]
    assert first[responses._found[0]] == first.max()
    word = responses.reading.prompt_p[2].split()[3]
    responses.filters.search.value = word.upper()
    assert len(responses._found) < total
    assert f"1 of {len(responses._found)} that pass, of {total} prompts · “{word.upper()}” in" in texts(responses)
    assert f'<mark class="rmkit-found">{word}</mark>' in responses.still()["text/html"]
    assert visible(responses.reset)


def test_words_are_searched_in_responses_too(responses):
    only_in_responses = "soil helps nobody here"
    at = int(responses.reading.bounds_p[4]) + 1
    responses.reading.text_r[at] = only_in_responses
    responses.filters.search.value = only_in_responses
    assert list(responses._found) == [4]
    assert f"“{only_in_responses}” in response 2" in texts(responses)


def test_filters_leave_what_they_ask_for_and_say_how_many(responses):
    by_prompt, filters = responses.reading.by_prompt(responses.fit), responses.filters
    filters.label.value = "not gold's best"
    wrong = by_prompt["label"] == "not gold's best"
    assert 0 < wrong.sum() < len(wrong)
    assert set(responses._found) == set(np.flatnonzero(wrong))
    low = float(by_prompt["gold"].median())
    filters.gold.value = (low, filters.gold.max)
    assert set(responses._found) == set(np.flatnonzero(wrong & (by_prompt["gold"] >= low)))
    middle = float(by_prompt["margin"].median())
    filters.margin.value = (filters.margin.min, middle)
    asked = wrong & (by_prompt["gold"] >= low) & (by_prompt["margin"] <= middle)
    assert set(responses._found) == set(np.flatnonzero(asked))


def test_where_nothing_passes_it_is_said_and_a_button_leads_back(responses):
    responses.filters.search.value = "<no prompt holds this>"
    gold = responses.filters.gold
    gold.value = (gold.min, (gold.min + gold.max) / 2)
    said = texts(responses)
    assert f"None of the {len(responses.reading.prompt_p)} prompts passes: “<no prompt holds this>”, gold of" in said
    responses.move(1)
    assert texts(responses) == said
    assert visible(responses.reset)
    responses.reset.click()
    assert f"1 of {len(responses.reading.prompt_p)} prompts" in texts(responses)
    assert not visible(responses.reset)


def test_ranges_hold_every_value_of_every_fit(responses):
    for _, key in responses.choosing.job.options:
        responses.choosing.job.value = key
        for _, head in responses.choosing.choices["reward_model"].options:
            responses.choosing.choices["reward_model"].value = head
            assert len(responses._found) == len(responses.reading.prompt_p)
            assert responses.filters.said(responses.reading) == ""


def test_another_fit_shows_the_same_prompt(responses):
    responses.filters.order.value = "worst"
    responses.move(2)
    prompt = responses._found[responses.prompt]
    responses.choosing.choices["reward_model"].value = "linear_bt"
    responses.choosing.choices["reward_model"].value = "lightgbm_clf"
    assert responses._found[responses.prompt] == prompt
    assert f"{responses.prompt + 1} of" in texts(responses)


def test_of_people_the_label_and_the_margin_are_asked_for(stored, responses):
    responses.filters.gold.value = (0.0, 0.1)
    responses.choosing.job.value = next(iter(stored.finished("smoke", "09_human_preferences")))
    margin_p = responses.reading.margins(responses.fit)
    assert len(responses._found) == len(margin_p)
    assert not visible(responses.filters.boxes["gold"])
    assert responses.filters.search.disabled  # lengths stand for the texts here
    for label, right in (("agrees", margin_p > 0), ("contradicts", margin_p < 0)):
        responses.filters.label.value = label
        assert set(responses._found) == set(np.flatnonzero(right))
        assert f"1 of {right.sum()} that pass, of {len(margin_p)} pairs" in texts(responses)
    assert "The fit contradicts the label" in texts(responses)


def test_a_fit_that_was_not_saved_is_said_and_the_nearest_are_offered(stored, responses):
    key, other = stored.finished("smoke", STAGE)
    varied = {"reward_model": "mlp_bt", "annotations": 7, "beta": 0.5}
    responses.show(Fit("smoke", STAGE, key, "mlp_bt-0.5-7", varied))
    assert "The weights of mlp_bt · 7 annotations · beta 0.5 were not saved" in texts(responses)
    assert not visible(responses.view.text)
    assert not visible(responses.filters.box)
    assert {control.value for control in responses.choosing.choices.values()} == {None}
    assert [one.key for one in responses.offer.offered] == [key] * 16 + [other] * 16 + [
        one.key for one in responses.offer.offered[32:]
    ]
    assert responses.offer.buttons[0].description == "mlp_bt · 40 annotations · beta 0.5"
    responses.move(1)
    assert not visible(responses.view.text)  # no other fit's texts come in silently
    responses.offer.buttons[0].click()
    chosen = responses.reading.fits.loc[responses.fit]
    assert (chosen["reward_model"], chosen["annotations"], chosen["beta"]) == ("mlp_bt", 40, 0.5)
    assert not visible(responses.offer)
    assert "1 of" in texts(responses)


def test_another_jobs_fit_is_in_the_list_and_one_is_chosen_by_hand_too(stored, responses):
    key, other = stored.finished("smoke", STAGE)
    for choose in ("list", "hand"):
        responses.show(Fit("smoke", STAGE, key, "mlp_bt-0.5-7", {"reward_model": "mlp_bt", "annotations": 7}))
        if choose == "list":
            wanted = next(one for _, one in responses.offer.others.options if one and one.key == other)
            responses.offer.others.value = wanted
            assert responses.choosing.job.value == other
        else:
            responses.choosing.choices["reward_model"].value = "mlp_clf"
            assert responses.reading.fits.loc[responses.fit, "reward_model"] == "mlp_clf"
            assert responses.choosing.choices["beta"].value is not None
        assert not visible(responses.offer)
        assert "1 of" in texts(responses)


def test_a_baseline_and_a_stage_that_saves_nothing_are_said(stored, responses):
    explorer = Explorer(stored, "smoke")
    explorer.on_fit(responses.show)
    explorer.choose(explorer.table[explorer.table["reward_model"] == "random"].index[0])
    assert "random is a baseline" in texts(responses)
    explorer.stage.value = "05_active_labeling"
    explorer.choose(explorer.table.index[0])
    assert "05_active_labeling saves no weights" in texts(responses)
    responses.offer.buttons[0].click()
    shown = texts(responses)
    explorer.stage.value = "02_sampling"  # fits nothing
    explorer.choose(explorer.table.index[0])
    assert texts(responses) == shown


def test_a_job_that_is_gone_is_said(stored, responses):
    responses.show(Fit("smoke", STAGE, f"{STAGE}-0123", "mlp_bt-0.5-40", {"reward_model": "mlp_bt"}))
    assert "is no longer among the finished jobs of smoke" in texts(responses)
    assert responses.offer.offered


def test_a_head_from_a_cell_is_named_and_said_to_have_no_weights(stored, responses, monkeypatch):
    """Loaded from a copy of a stored folder, as a job leaves it whose notebook had a head of its own."""
    load, job = RewardModels.load, responses.choosing.job
    monkeypatch.setattr(RewardModels, "load", lambda folder: replace(load(folder), not_saved=("mine",)))
    job.value = job.options[1][1]
    sentence = (
        "mine was defined in a notebook's cell, so its weights were not saved; its rows and evaluations are there"
    )
    assert sentence in texts(responses)
    assert "1 of" in texts(responses)
    responses.show(Fit("smoke", STAGE, job.value, "mine-0.5-150", {"reward_model": "mine"}))
    assert sentence in html.unescape(responses.offer.sentence.value)
    monkeypatch.setattr(RewardModels, "load", lambda folder: RewardModels(load(folder).fits[:0], {}, ("mine", "other")))
    job.value = job.options[2][1]
    assert "mine, other were defined in a notebook's cell" in texts(responses)


def test_the_curve_is_drawn_anew_only_where_it_differs(responses, monkeypatch):
    drawn = []
    monkeypatch.setattr("rmkit.widgets.responses.one_prompt.png_of", lambda figure: drawn.append(figure) or b"png")
    responses.filters.search.value = "the"
    before, at = len(drawn), responses._found[responses.prompt]
    responses.filters.search.value = "th"
    assert len(drawn) == before + (at != responses._found[responses.prompt])
    responses.move(1)
    responses.view.n.value -= 1
    assert len(drawn) >= before + 2


def test_a_fit_of_a_population_is_chosen_by_its_draw_too(stored, responses):
    explorer = Explorer(stored, "smoke")
    explorer.on_fit(responses.show)
    explorer.stage.value = "06_accuracy_vs_policy"
    table = explorer.table
    for draw in (0, 1):
        explorer.choose(table[(table["reward_model"] == "mlp_bt") & (table["draw"] == draw)].index[0])
        assert responses.reading.fits.loc[responses.fit, "draw"] == draw
        assert "1 of" in texts(responses)
    assert visible(responses.choosing.boxes["draw"])
    assert not visible(responses.choosing.boxes["flip"])  # one value


def test_a_population_says_of_its_axes_what_is_not_plain():
    plain = {"reward_model": "mlp_bt", "annotations": 40, "beta": 0.5, "draw": 1}
    said = "mlp_bt · 40 annotations · beta 0.5 · draw 1"
    assert fit_label(plain | {"flip": 0.0, "length_bias": 0.0, "kept_dimensions": 1.0}) == said
    assert fit_label(plain | {"flip": 0.1, "kept_dimensions": 0.5}) == f"{said} · flip 0.1 · kept dimensions 0.5"
