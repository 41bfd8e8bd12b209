"""A term is explained where a page uses it first, by mouse, keyboard and in print, and nowhere else."""

import re

import pytest

from rmkit.figures.looks import called
from rmkit.report.glossary import TERMS, Glossary, Term, anchor, anchors
from rmkit.report.wording import sentence

TWO = {"Policy": Term("polic(?:y|ies)", 'how to "choose"'), "KL optimum": Term("KL optimum", "a policy")}
# A way in which each term is written in texts of a page, where that is not its name.
WRITTEN = {
    "Best-of-n": "Best-of-32",
    "KL optimum": "KL-regularised optima",
    "Held out": "held-out",
    "Spread": "spread (0.4)",
}
WRITTEN |= {
    "These fits": "new prompts, these fits",
    "Released procedure": "as released",
    "Mirrored split": "mirrored rows",
}
WRITTEN |= {"Mild and strong policies": "mild", "Bradley–Terry": "BT", "Classifier": "CLF"}


def test_the_first_use_is_a_link_with_the_meaning_and_the_second_is_text():
    glossary = Glossary(TWO)
    assert glossary.marked("policies & a policy") == (
        '<a class="term" href="#term-policy" title="how to &quot;choose&quot;">policies</a> &amp; a policy'
    )
    assert glossary.marked("a policy") == "a policy"
    assert glossary.used() == [("term-policy", "Policy", 'how to "choose"')]


def test_what_people_wrote_is_escaped():
    assert Glossary(TWO).marked("<b>") == "&lt;b&gt;"


@pytest.mark.parametrize("text", ["policymaker", "mypolicy", "KL optimums"])
def test_a_part_of_a_word_is_no_term(text):
    assert Glossary(TWO).marked(text) == text


def test_of_two_terms_that_overlap_the_longer_one_is_explained():
    glossary = Glossary({"A": Term("best", "good"), "B": Term("best of n", "all")})
    assert re.findall(">([^<]+)</a>", glossary.marked("the best of n, the best")) == ["best of n"]
    assert re.findall(">([^<]+)</a>", glossary.marked("the best")) == ["best"]


@pytest.mark.parametrize("name", TERMS)
def test_every_term_is_found_as_it_is_written(name):
    glossary = Glossary({name: TERMS[name]})
    lower = name if name[1:2].isupper() or not name[0].isascii() else name[0].lower() + name[1:]
    text = WRITTEN.get(name, lower)
    found = [one for one in (text, name) if "<a " in glossary.marked(f"so {one}.")]
    assert found, f"{TERMS[name].pattern!r} finds neither {text!r} nor {name!r}"
    assert TERMS[name].meaning.endswith(".")


@pytest.mark.parametrize(
    ("name", "term"),
    [("linear_bt", "linear-bt"), ("mlp_bt", "bt-mlp"), ("mlp_clf", "clf-mlp"), ("shorter", "shorter-answer")],
)
def test_a_reward_model_is_explained_by_the_name_that_figures_give_it(name, term):
    assert f'href="#term-{term}"' in Glossary().marked(called(name))
    assert f'href="#term-{term}"' in Glossary().marked(sentence(called(name)))


def test_anchors_are_letters_digits_and_hyphens_and_none_comes_twice():
    assert anchor("Which pairs, next? β = 1") == "which-pairs-next-β-1"
    assert anchors(["One", "Two", "one?", "One!"]) == ["one", "two", "one-2", "one-3"]
