"""A score is the classifier's logit for prompt and response, and a scorer is told by its source."""

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from rmkit.errors import DataError
from rmkit.lm.loading import load_reward_model
from rmkit.lm.reading.score import score, source_of
from rmkit.lm.templates import TEMPLATES, fingerprint


@pytest.mark.parametrize("template", ["plain", "next_turn", "published"])
def test_a_score_is_what_transformers_gives_for_the_text_alone(gold_model, scorer, said, template):
    model = AutoModelForSequenceClassification.from_pretrained(gold_model.path)
    tokenizer = AutoTokenizer.from_pretrained(gold_model.path)
    expected = []
    for prompt, response in zip(said.prompts[:8], said.responses[:8], strict=True):
        with torch.no_grad():
            ids = tokenizer(TEMPLATES[template](prompt, response, tokenizer), return_tensors="pt")
            expected.append(model(**ids).logits.item())
    score_r, _ = score(*scorer, said.prompts[:8], said.responses[:8], template=template)
    assert score_r.dtype == np.float32
    np.testing.assert_allclose(score_r, expected, atol=1e-4 * np.std(expected))


def test_the_template_changes_the_score(scorer, said):
    plain_r, other_r = (
        score(*scorer, said.prompts, said.responses, template=name)[0] for name in ("plain", "next_turn")
    )
    assert np.abs(plain_r - other_r).max() > 0.01 * plain_r.std()


def test_a_model_that_gives_no_number_is_one_line(gold_model):
    model, tokenizer = load_reward_model(gold_model)
    with torch.no_grad():
        model.score.weight.fill_(torch.nan)
    with pytest.raises(DataError, match=r"^score of response 0: is no finite number; is the model sound"):
        score(model, tokenizer, ["a"], ["b"])


def test_a_source_names_model_revision_and_template(scorer):
    model, tokenizer = scorer
    assert source_of("gold", model, tokenizer, "plain") == {
        "model": "gold",
        "revision": None,
        "template": fingerprint("plain", tokenizer),
    }
    model.config._commit_hash = "9cf48e5"  # as transformers notes it for a model of the hub
    try:
        assert source_of("gold", model, tokenizer, "plain")["revision"] == "9cf48e5"
    finally:
        model.config._commit_hash = None
