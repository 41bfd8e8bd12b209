import pytest

from rmkit.errors import DataError
from rmkit.findings.questions import QUESTIONS
from rmkit.report.markers import filled, markers, without_markers

SHOWN = {"value": 0.0429, "low": -0.0087, "high": 0.0953, "detectable": 0.0699, "verdict": "cannot tell",
         "survives": "", "unit": "gold reward", "estimand": "new seeds, new prompts", "no_interval": ""}  # fmt: skip
SILENT = SHOWN | {"value": None, "low": None, "high": None, "detectable": None, "verdict": "not answered",
                  "no_interval": "no verdict from 2 seeds; it takes 5"}  # fmt: skip
AHEAD = SHOWN | {"low": 0.0031, "verdict": "shown", "survives": "shown"}
RESULTS = {
    "findings": {"one-beats-two": SHOWN, "silent": SILENT, "ahead": AHEAD},
    "rows": {"04_reward_models accuracy n=2": {"mean": 0.6287, "least": 0.6, "most": 0.65, "rows": 72}},
}


@pytest.mark.parametrize(
    ("marker", "reads"),
    [
        ("finding one-beats-two: effect signed 3", "+0.043"),
        ("finding one-beats-two: interval signed 3", "−0.009 to 0.095"),
        ("finding one-beats-two: both signed 3", "+0.043 (−0.009 to 0.095)"),
        ("finding one-beats-two: whole signed 3", "+0.043 (−0.009 to 0.095; cannot tell)"),
        ("finding one-beats-two: both points 1", "+4.3 points (−0.9 to 9.5)"),
        ("finding one-beats-two: both number 2 opposite", "−0.04 (−0.10 to 0.01)"),
        ("finding one-beats-two: detectable number 3", "0.070"),
        ("finding one-beats-two: verdict", "cannot tell"),
        ("finding one-beats-two: judgement", "cannot tell; 0.070 could have been seen"),
        ("finding ahead: judgement", "shown; survives Holm's correction"),
        ("finding silent: judgement", "not answered: no verdict from 2 seeds; it takes 5"),
        ("findings: count", "3"),
        ("findings: verdicts", "1 shown, 1 cannot tell and 1 not answered"),
        ("findings: surviving", "1"),
        ("findings: surviving_checks", "0"),
        ("findings: estimands", "3 for new seeds, new prompts"),
        ("rows 04_reward_models accuracy n=2: mean percent 0", "63%"),
        ("rows 04_reward_models accuracy n=2: range number 2", "0.60 to 0.65"),
        ("rows 04_reward_models accuracy n=2: most percent 1", "65.0%"),
        ("rows 04_reward_models accuracy n=2: rows", "72"),
    ],
)
def test_a_marker_reads_as_it_says(marker, reads):
    text = f"So it is <!-- {marker} -->old<!-- . -->, and not <!-- finding silent: verdict --><!-- . -->."
    faults = []
    assert filled(text, "README.md", {"tiny": RESULTS}, faults) == text.replace("old", reads).replace(
        "verdict --><", "verdict -->not answered<"
    )
    assert not faults


def test_every_statement_stands_by_its_question_beside_what_the_seeds_before_gave():
    said = {"statement": "One beats two.", "question": QUESTIONS[1].heading, "matters": 0.05}
    findings = {"b": SHOWN | said, "a": SILENT | said | {"question": QUESTIONS[0].heading}, "c": SHOWN | said}
    results = {"findings": findings, "earlier": {"c": AHEAD, "gone": SHOWN}}
    lines = filled("<!-- findings: every --><!-- . -->", "docs/results.md", {"tiny": results}, []).splitlines()
    one, two = (f"| **{question.heading}** | | | |" for question in QUESTIONS[:2])
    assert [line for line in lines[3:] if line.startswith("| **")] == [one, two]
    assert lines.index(one) + 2 == lines.index(two)
    before = [
        line.split(" | ")[-1].removesuffix(" |") for line in lines if line.startswith("| [One beats two.](findings/")
    ]
    assert before == ["–", "–", "+0.043 (0.003 to 0.095): shown"]
    assert all("0.05 would matter" in line for line in lines if line.startswith("| [One beats two.](findings/"))


def test_claims_stand_beside_what_the_world_before_gave():
    said = {"statement": "One beats two.", "question": QUESTIONS[1].heading, "matters": 0.05}
    findings = {"c1-one": SHOWN | said, "c1-two": AHEAD | said}
    results = {"findings": findings, "earlier": {"c1-two": AHEAD}, "earlier_on": "world"}
    lines = filled("<!-- findings: claims --><!-- . -->", "docs/results.md", {"tiny": results}, []).splitlines()
    assert "| statement | effect, 95% interval | verdict | on the world before |" in lines
    assert {line.count("|") for line in lines if line.startswith("|")} == {5}
    assert [line.split(" | ")[-1] for line in lines if "One beats" in line] == [
        "– |",
        "+0.043 (0.003 to 0.095): shown |",
    ]


def test_a_study_without_seeds_before_has_no_column_for_them():
    said = {"statement": "One beats two.", "question": QUESTIONS[1].heading, "matters": 0.05}
    results = {"findings": {"b": SHOWN | said}, "statements": "docs/findings-active"}
    text = filled("<!-- findings: every --><!-- . -->", "docs/results.md", {"tiny": results}, [])
    assert "seeds before" not in text
    assert "| [One beats two.](findings-active/b.yaml) | +0.043 gold reward" in text


def test_a_marker_quotes_the_study_that_it_names():
    by_study = {"tiny": RESULTS, "other": {"findings": {"ahead": AHEAD | {"value": 0.5}}, "rows": {}}}
    text = (
        "<!-- finding ahead of other: effect signed 1 --><!-- . -->, <!-- finding ahead: effect signed 3 --><!-- . -->"
    )
    faults = []
    said = filled(f"a {text}.<!-- finding ahead of other is shown -->", "README.md", by_study, faults)
    assert without_markers(said) == "a +0.5, +0.043."
    assert not faults


def test_the_table_of_claims_has_the_statements_of_each_and_says_where_others_are_answered():
    said = {"statement": "One beats two.", "question": QUESTIONS[1].heading, "matters": 0.05}
    worlds = {"by_world": '{"21": 0.05, "22": null, "23": -0.01}', "estimand": "these worlds"}
    findings = {"a1-one": SHOWN | said | worlds, "contest-two": AHEAD | said, "more-annotations-help": SHOWN | said}
    results = {"other": {"findings": findings, "statements": "docs/findings-active"}}
    lines = filled("<!-- findings of other: claims --><!-- . -->", "docs/a.md", results, []).splitlines()
    assert [line.split(". ")[0] for line in lines if line.startswith("| **")] == [
        "| **A1", *(f"| **A{number}" for number in range(2, 13)), "| **Contest",
    ]  # fmt: skip
    (first,) = [line for line in lines if line.startswith("| [One beats two.](findings-active/a1-one.yaml)")]
    assert "for these worlds; 0.05 would matter; by world +0.050, –, −0.010 |" in first
    assert "not asked here, but in benchmarks/active.py" in next(line for line in lines if line.startswith("| **A5"))
    assert not [line for line in lines if "more-annotations-help" in line]


def test_the_table_has_every_statement_that_leads_a_question():
    rules = [leading.rule for question in QUESTIONS for leading in question.leading]
    findings = dict.fromkeys(rules, SHOWN) | {rules[1]: AHEAD | {"survives": ""}, rules[2]: SILENT, "other": SHOWN}
    text = filled("All:\n\n<!-- findings: table --><!-- . -->\n", "README.md", {"tiny": {"findings": findings}}, [])
    lines = text.splitlines()
    seen = "new seeds, new prompts |"
    assert lines[4:7] == [
        "| statement | effect, 95% interval | verdict | interval for |",
        "|---|---|---|---|",
        f"| **{QUESTIONS[0].heading}** | | | |",
    ]
    assert lines[7].endswith(
        f"| +0.043 gold reward (−0.009 to 0.095) | cannot tell; 0.070 could have been seen | {seen}"
    )
    assert lines[8].endswith(
        f"| +0.043 gold reward (0.003 to 0.095) | shown; does not survive Holm's correction | {seen}"
    )
    assert lines[9].endswith(f"| – | not answered: no verdict from 2 seeds; it takes 5 | {seen}")
    twins = [leading.rule for question in QUESTIONS for leading in question.leading if leading.unless in rules]
    assert len([line for line in lines if line.startswith("| ")]) == 1 + len(QUESTIONS) + len(rules) - len(twins)
    assert filled(text, "README.md", {"tiny": {"findings": findings}}, []) == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a <!-- findings: every 3 -->b<!-- . -->", "every has no style and no digits; write every alone"),
        ("a <!-- finding one-beats-two: verdict signed -->b<!-- . -->", "verdict has no style and no digits"),
        ("a <!-- TODO -->", "'TODO' is not one of finding, findings, rows"),
        ("a <!-- findin x: verdict -->b<!-- . -->", "'findin' is not one of finding, findings, rows; did you mean 'finding'?"),
        ("a <!-- finding x: efect signed 3 -->b<!-- . -->", "'efect' is not one of effect"),
        ("a <!-- finding x: effect sined 3 -->b<!-- . -->", "'sined' is not one of number, signed"),
        ("a <!-- finding x: effect signed -->b<!-- . -->", "as in `effect signed 3`"),
        ("a <!-- rows s m: mean percent 0 opposite -->b<!-- . -->", "as in `mean signed 3`"),
        ("a <!-- finding x -->b<!-- . -->", "does not say after a colon how"),
        ("a <!-- finding x is showing -->", "does not say after a colon how"),
        ("a <!-- finding x: verdict -->b", "is not followed by its end"),
        ("a <!-- finding x: verdict -->b <!-- finding y: verdict -->c<!-- . -->", "is not followed by its end"),
        ("a <!-- . -->", "ends no marker"),
        ("<!-- finding x: verdict -->b<!-- . -->", "begins its line"),
    ],
)  # fmt: skip
def test_what_is_no_marker_is_one_sentence_with_file_and_line(text, said):
    with pytest.raises(DataError) as fault:
        markers(f"first\n\n{text}\n", "docs/a.md")
    assert str(fault.value).startswith("docs/a.md:3: <!-- ")
    assert said in str(fault.value)
    assert "\n" not in str(fault.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a <!-- finding one-beat-two: verdict -->b<!-- . -->", "did you mean 'one-beats-two'?"),
        ("a <!-- rows 04_reward_models accuracy n=4: mean percent 0 -->b<!-- . -->", "never quoted"),
        ("a <!-- finding silent: both signed 3 -->b<!-- . -->", "there is no value; no verdict from 2 seeds"),
        ("a <!-- finding one-beats-two is shown -->", "the verdict is cannot tell"),
        (
            "a <!-- finding one-beats-two of tny is cannot tell -->",
            "study: 'tny' is not one of tiny; did you mean 'tiny'?",
        ),
    ],
)
def test_what_the_results_lack_is_a_fault_and_leaves_the_text(text, said):
    faults = []
    assert filled(text, "README.md", {"tiny": RESULTS}, faults) == text
    assert len(faults) == 1
    assert faults[0].startswith("README.md:1: ")
    assert said in faults[0]


def test_a_sentence_that_holds_for_its_verdict_stays():
    faults = []
    text = "It cannot be told.<!-- finding one-beats-two is cannot tell -->"
    assert filled(text, "README.md", {"tiny": RESULTS}, faults) == text
    assert not faults
