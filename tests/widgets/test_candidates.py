import numpy as np

from rmkit.widgets.candidates import SHOWN, printed_candidates

PROMPTS, RESPONSES = ["How?", "How?", "Why?"], ["so", "x" * (SHOWN + 50), "because\nof it"]
PAIRS, MARGINS = np.array([[0, 1], [0, 2]]), np.array([0.0, np.log(3.0)])


def test_a_pair_shows_its_texts_its_margin_and_what_is_known_of_its_label():
    said = printed_candidates(
        PROMPTS, RESPONSES, PAIRS, MARGINS, gold_r=np.array([1.5, -0.25, 0.0]), prefers_first_m=np.array([0.9, 0.5])
    )
    first, second = said.split("\n\n")
    assert first.splitlines()[:3] == ["+1.50  How?", "         so", "-0.25  How?"]
    assert "".join(first.splitlines()[3:-1]).replace(" ", "") == "x" * SHOWN
    assert first.splitlines()[-1] == "       margin +0, p(1-p) 0.250; the annotator: 90%"
    assert second.splitlines()[2:] == [  # p = 3/4 by hand; a line break is a sign
        "+0.00  Why?",
        "         because↵ of it",
        "       margin +1.1, p(1-p) 0.188; the annotator: 50%",
    ]


def test_where_people_judged_there_is_no_gold_and_no_probability():
    said = printed_candidates(PROMPTS, RESPONSES, PAIRS[1:], MARGINS[1:])
    assert said.splitlines() == [
        "How?",
        "         so",
        "Why?",
        "         because↵ of it",
        "       margin +1.1, p(1-p) 0.188; people: hidden until asked",
    ]
