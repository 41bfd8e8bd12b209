"""A language model is cross-fitted as the other heads are: no fit sees a prompt that it scores, or validates on its own."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from rmkit.artifacts.bank import ResponseBank
from rmkit.artifacts.comparisons import Comparisons
from rmkit.errors import DataError
from rmkit.lm.training import preference_folds
from rmkit.lm.training.preference_folds import cross_fitted, on_all_pairs
from rmkit.lm.training.preference_model import PreferenceTraining
from rmkit.seeding import generator
from rmkit.training_sets.cross_fitting import cross_fitting

N_PROMPTS = 20
TRAINING = PreferenceTraining("a/model")


def rng_of(purpose):
    return generator(0, purpose)


def silent(what):
    return lambda done, total: None


def pairs_of(weighted=False):
    """(bank, comparisons): two pairs of each prompt; responses are their own numbers."""
    n = 4 * N_PROMPTS
    bank = ResponseBank(
        pd.DataFrame({"prompt_id": range(N_PROMPTS), "prompt": [f"prompt {at}" for at in range(N_PROMPTS)]}),
        pd.DataFrame(
            {
                "prompt_id": np.repeat(np.arange(N_PROMPTS), 4),
                "response_id": range(n),
                "response": [str(at) for at in range(n)],
            }
        ),
        np.zeros((n, 2), np.float16),
        {},
    )
    first = np.arange(0, n, 2)
    table = pd.DataFrame({"first": first, "second": first + 1, "label": np.tile([1, 0], N_PROMPTS).astype(np.int8)})
    return bank, Comparisons(table.assign(weight=np.tile([1.0, 0.5], N_PROMPTS)) if weighted else table)


@pytest.fixture
def fits(monkeypatch):
    """The trainings that were asked for; each gives the score of a response as its number times that of the fit."""
    asked = []

    def fit(training, train, validation, *, seed, progress):
        asked.append(SimpleNamespace(train=train, validation=validation, seed=seed))
        factor = len(asked)

        def score(prompts, responses):
            return np.array([factor * float(response) for response in responses], np.float32)

        return SimpleNamespace(score=score, epoch=1, n_cut=1)

    monkeypatch.setattr(preference_folds, "fit_preference_model", fit)
    return asked


def sets_of(bank, comparisons, **changed):
    options = {"annotations": None, "n_folds": 4, "validation_share": 0.2, "validation_split": "pair", **changed}
    return cross_fitting(comparisons, bank.prompt_id_r, rng_of=rng_of, **options)


def ran(fits, weighted=False, **changed):
    bank, comparisons = pairs_of(weighted)
    sets = sets_of(bank, comparisons, **changed)
    made = cross_fitted(TRAINING, bank, sets, validation_share=0.2, rng_of=rng_of, progress=silent)
    return bank, comparisons, sets, made


def test_every_pair_is_scored_by_a_fit_that_saw_no_pair_of_its_prompt(fits):
    bank, comparisons, sets, made = ran(fits)
    assert len(fits) == 4
    assert made.margins.shape == (1, len(comparisons))
    for at in range(len(comparisons)):
        chosen, rejected = int(sets.chosen_m[at]), int(sets.rejected_m[at])
        number = round(float(made.margins[at].iloc[0]) / (chosen - rejected))
        fit = fits[number - 1]
        prompt = f"prompt {bank.prompt_id_r[chosen]}"
        assert prompt not in {*fit.train.prompt_m, *fit.validation.prompt_m}
        assert sets.fold_m[at] == number - 1


def test_the_epoch_is_chosen_by_pairs_of_other_prompts_and_all_annotations_are_used(fits):
    *_, sets, made = ran(fits)
    most = sets.fits["annotations"].max()
    assert made.margins.index.tolist() == [most]
    for fit in fits:
        assert set(fit.train.prompt_m).isdisjoint(fit.validation.prompt_m)
        assert len(fit.train.prompt_m) + len(fit.validation.prompt_m) == most
        for part in (fit.train, fit.validation):
            assert all(int(a) // 4 == int(b) // 4 for a, b in zip(part.chosen_m, part.rejected_m, strict=True))
    assert len({fit.seed for fit in fits}) == 4
    assert str(made) == f"epochs kept, fold by fold: 1, 1, 1, 1; of 4 of {8 * most} texts, too long, the end was read"


def test_the_chosen_response_is_the_labels_and_weights_go_with_their_pairs(fits):
    bank, comparisons, *_ = ran(fits, weighted=True)
    expected = {
        str(chosen): (str(rejected), weight)
        for chosen, rejected, weight in zip(
            comparisons.chosen_m, comparisons.rejected_m, comparisons.weight_m, strict=True
        )
    }
    on_all_pairs(TRAINING, bank, comparisons, validation_share=0.2, rng_of=rng_of, progress=silent)
    for fit in fits:
        for part in (fit.train, fit.validation):
            found = dict(zip(part.chosen_m, zip(part.rejected_m, part.weight_m, strict=True), strict=True))
            assert all(expected[chosen] == said for chosen, said in found.items())
    assert len(fits[-1].train.prompt_m) + len(fits[-1].validation.prompt_m) == len(comparisons)


def test_pairs_that_all_count_alike_have_no_weights(fits):
    ran(fits)
    assert all(part.weight_m is None for fit in fits for part in (fit.train, fit.validation))


def test_what_cannot_be_is_one_line(fits):
    bank, comparisons = pairs_of()
    mirrored = sets_of(bank, comparisons, validation_split="mirrored_row")
    with pytest.raises(DataError, match="mirrored_row divides pairs; for a language model use pair or prompt"):
        cross_fitted(TRAINING, bank, mirrored, validation_share=0.2, rng_of=rng_of, progress=silent)
    with pytest.raises(DataError, match=r"language_model: the prompts of all pairs leave .* 0 to validate on"):
        on_all_pairs(TRAINING, bank, comparisons, validation_share=0.01, rng_of=rng_of, progress=silent)
    bare = ResponseBank(bank.prompts, bank.responses.drop(columns="response"), bank.embedding_rd, {})
    with pytest.raises(DataError, match="has no texts for a language model to read"):
        on_all_pairs(TRAINING, bare, comparisons, validation_share=0.2, rng_of=rng_of, progress=silent)
