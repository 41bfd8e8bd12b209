"""Rules that know no label: each against the same thing counted by hand."""

import numpy as np
import pytest

from rmkit.errors import DataError
from rmkit.evaluation.rulers import RULERS, ruler_margins
from rmkit.seeding import generator
from rmkit.training_sets.cross_fitting import cross_fitting
from rmkit.worlds.human_preferences.computed_features import read_texts
from tests.worlds.human_preferences.dialogues import made_up, row, written

MARKED = [row(" **Yes**, and\n- this\n- that.", " No.", ask="Marks?"), row(" Plain.", " `code`", ask="Again?")]


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    path = written(tmp_path_factory.mktemp("rulers") / "pairs.jsonl", [*made_up(60), *MARKED])
    found = read_texts(path, features="ngrams", embedded="response", n_dimensions=8, min_df=2, ngrams=[2, 3])
    sets = cross_fitting(
        found.comparisons, found.bank.prompt_id_r, annotations=None, n_folds=5, validation_share=0.2,
        rng_of=lambda purpose: generator(0, purpose),
    )  # fmt: skip
    return found.bank, sets


def test_every_ruler_orders_every_pair_as_by_hand(pairs):
    bank, sets = pairs
    margins = ruler_margins(RULERS, bank, sets, generator(0, "random"))
    assert list(margins) == list(RULERS)
    texts = bank.responses["response"].tolist()
    embedding_rd = bank.embedding_rd.astype(float)
    for at, m in enumerate(sets.scored_m):
        chosen, rejected = sets.chosen_m[m], sets.rejected_m[m]
        longer = len(texts[chosen]) - len(texts[rejected])
        assert margins["longer"][at] == longer == -margins["shorter"][at]
        others = [sets.chosen_m[other] for other in sets.scored_m if sets.fold_m[other] != sets.fold_m[m]]
        mean_d = embedding_rd[others].mean(axis=0)
        far, near = (((embedding_rd[each] - mean_d) ** 2).sum() for each in (rejected, chosen))
        assert margins["nearest_to_chosen"][at] == pytest.approx(far - near)
        if "**Yes**" in texts[chosen]:
            assert margins["more_formatted"][at] > 0
        if "`code`" in texts[rejected]:
            assert margins["more_formatted"][at] < 0
    reward_r = generator(0, "random").normal(size=bank.n_responses)
    np.testing.assert_array_equal(
        margins["random"], (reward_r[sets.chosen_m] - reward_r[sets.rejected_m])[sets.scored_m]
    )


def test_a_ruler_of_texts_needs_them_and_an_unknown_one_is_named(pairs):
    bank, sets = pairs
    bare = type(bank)(bank.prompts, bank.responses.drop(columns="response"), bank.embedding_rd, bank.embedding_source)
    with pytest.raises(DataError, match="more_formatted counts marks in texts, and the bank has none; leave it out"):
        ruler_margins(["more_formatted"], bare, sets, generator(0, "random"))
    with pytest.raises(DataError, match="baselines: 'best' is not one of random, shorter"):
        ruler_margins(["best"], bank, sets, generator(0, "random"))
