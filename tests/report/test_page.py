import html
import re
import shlex
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from rmkit.report.page import jobs_folder
from rmkit.study.planning.study_file import Study
from rmkit.study.store.store import Store
from tests.checkout import execute

RUN = [sys.executable, "-m", "rmkit.cli", "run", "smoke"]
PAGE = "runs/reports/smoke.html"
HEADINGS = (  # in the order of the page
    "<h1>Smoke</h1>",
    '<h2 id="in-short">',
    '<h2 id="which-reward-model-should-learn-from-which-labels">',
    '<h2 id="does-the-accuracy-that-one-measures-predict-the-policy-that-one-gets">',
    '<h2 id="contents">',
    '<h2 id="every-statement-by-question">',
    '<h2 id="terms">',
)


@pytest.fixture(scope="module")
def reported(smoke, tmp_path_factory):
    """A finished smoke study whose run has made its report."""
    project = shutil.copytree(smoke, tmp_path_factory.mktemp("reported") / "project")
    execute(RUN, project, project)
    return project


def test_the_report_stands_alone_and_says_what_was_found(reported):
    project, page = reported, (reported / PAGE).read_text(encoding="utf-8")
    assert not re.findall(r'(?:src|href)="(?!#)', page.replace("xlink:href", "")), "the page fetches something"
    for expected in (
        "<svg",
        " annotations, and ",
        "mlp_bt",
        "5 chosen and rejected answer different prompts",
        "09_human_preferences world=hh_rlhf seed=1",
        "Every statement, by question",
        "is better than a random pick.",
        "no verdict from 2 seeds; it takes 5",
        "not registered",
        "How good is the best of n?",
        "Does the validation split decide?",
        "Differences in accuracy (share of pairs)",
        "as released: pair − mirrored row",
        "Which pairs should be labelled next?",
        "What do chosen labels buy?",
        "10_validation_split, world = hh_rlhf",
        "at least one ran during",
    ):
        assert expected in page, expected
    assert "jobs are finished; what follows" not in page
    assert "are answered here once" not in page
    assert not re.findall("\\bNone\\b", without_figures(page))
    assert [page.index(heading) for heading in HEADINGS] == sorted(page.index(heading) for heading in HEADINGS)
    names = ("learning-curves", "annotation-noise", "best-of-n", "accuracy-and-policy")
    names = (*names, *(f"active-labelling-world-{world}" for world in ("grammar", "hh-rlhf")))
    for name in (*names, "split-ablation-grammar-spearman", "split-ablation-hh_rlhf-log_loss"):
        assert (project / f"runs/reports/smoke-{name}.png").stat().st_size > 10_000


def without_figures(page):
    return re.sub("<svg.*?</svg>", "", page, flags=re.S)


def test_a_page_can_be_walked_without_a_mouse(reported):
    """Every link leads to one place; tables name their rows and columns, figures their subjects."""
    page = without_figures((reported / PAGE).read_text(encoding="utf-8"))
    places, links = re.findall(r'\bid="([^"]+)"', page), re.findall(r'href="#([^"]+)"', page)
    assert len(set(places)) == len(places)
    assert set(links) <= set(places)
    assert page.count("<main>") == page.count("<nav ") == 1
    assert not re.findall(r"<th(?! scope=| *ead)[ >]", page)
    assert len(re.findall("<figure>", page)) == len(re.findall("<figcaption>.", page)) > 5


def test_a_term_is_explained_where_it_is_used_first_and_in_the_list(reported):
    page = without_figures((reported / PAGE).read_text(encoding="utf-8"))
    for term, use in {
        "bradley-terry": "Bradley–Terry",
        "d-optimal": "D-optimal",
        "best-of-n": "Best-of-",
        "β": "β",
    }.items():
        assert len(re.findall(f'<a class="term" href="#term-{term}" title="[^"]+">', page)) == 1
        assert f'<dt id="term-{term}"><dfn>' in page
        body = page[page.index("<main>") :].replace("<h2", "\n<h2")
        before = body[: body.index(f'href="#term-{term}"')]
        assert use not in re.sub(r'title="[^"]*"|<h2.*?</h2>|<a href=.*?</a>', "", before)


def test_parameters_are_told_by_world_without_what_does_not_count_there(reported):
    page = (reported / PAGE).read_text(encoding="utf-8")
    grammar, people = (
        page.split(f"<caption><span>10_validation_split, world = {world}</span></caption>")[1].split("</table>")[0]
        for world in ("grammar", "hh_rlhf")
    )
    assert "<code>betas</code>" in grammar
    assert "<code>betas</code>" not in people
    assert "<code>n_folds</code>" in people
    assert "<code>n_folds</code>" not in grammar


PEOPLE = """
title: People
parameters: {world: hh_rlhf, betas: [0.5, null], ns: [1, 2, 4]}
axes: {seed: [0, 1]}
stages:
  00_human_preferences:
  09_human_preferences: {annotations: [40, 150], n_folds: 2, kept: all}
  10_validation_split: {annotations: [40, 150], n_folds: 2}
  07_figures:
"""


@pytest.mark.slow
def test_a_report_about_people_says_nothing_of_other_worlds(smoke, tmp_path):
    project = shutil.copytree(smoke, tmp_path / "project")
    (project / "params/people.yaml").write_text(PEOPLE, encoding="utf-8")
    assert "6 jobs: 1 executed, 5 already there" in execute([*RUN[:-1], "people"], project, project)
    page = without_figures((project / "runs/reports/people.html").read_text(encoding="utf-8"))
    assert not re.findall("grammar|annotation_noise|D-optimal|Best-of-|policies", page)
    assert "orders more of people's preferences correctly as a classifier" in html.unescape(page)
    assert "30 statements on what this study does not run are left out." in page


def test_a_trials_report_needs_no_quoting_in_a_shell():
    study = Study(Path("params/tiny.yaml"), "tiny", set=("pairs_file=my own/pairs (1).jsonl", "annotations=[50, 100]"))
    name = f"{study.report_name}.html"
    assert shlex.quote(name) == name
    assert name.startswith("tiny")  # `rmkit gc` knows reports by the study's name


@pytest.mark.slow
def test_the_report_of_an_unfinished_study_says_so_and_escapes_what_people_wrote(smoke, tmp_path):
    project = shutil.copytree(smoke, tmp_path / "project")
    study = project / "params/smoke.yaml"
    study.write_text(
        study.read_text(encoding="utf-8")
        .replace("title: Smoke", 'title: "<script>alert(1)</script>"')
        .replace("[0, 1]", "[0, 1, 2]"),
        encoding="utf-8",
    )
    execute([sys.executable, "-m", "rmkit.cli", "report", "smoke"], project, project)
    page = (project / PAGE).read_text(encoding="utf-8")
    assert "23 of 31 jobs are finished; what follows rests on those alone" in page
    assert "The questions are answered here once <code>07_figures</code> is finished." in page
    assert 'id="in-short"' not in page
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


@pytest.mark.slow
def test_any_locale_will_do(reported):
    """Files are UTF-8 whatever the locale says; a terminal that lacks a sign shows a question mark."""
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    before = (reported / PAGE).read_bytes()
    execute([sys.executable, "-m", "rmkit.cli", "report", "smoke"], reported, reported, **plain)
    assert (reported / PAGE).read_bytes() == before
    assert "?" in execute([sys.executable, "-m", "rmkit.cli", "status", "smoke"], reported, reported, **plain)


@pytest.mark.slow
def test_a_report_is_made_again_only_when_something_changed(reported):
    path, theme = reported / PAGE, reported / "rmkit/figures/theme.py"
    first = path.stat().st_mtime_ns
    execute(RUN, reported, reported)
    assert path.stat().st_mtime_ns == first
    theme.write_text(theme.read_text(encoding="utf-8").replace("#0072B2", "#0072B3"), encoding="utf-8")
    execute(RUN, reported, reported)
    assert path.stat().st_mtime_ns > first


def test_the_foot_names_the_folder_of_jobs_as_the_store_has_it(tmp_path):
    inside, elsewhere = (
        jobs_folder(Store(root), SimpleNamespace(root=tmp_path / "project"))
        for root in (tmp_path / "project/runs", tmp_path / "other")
    )
    assert (inside, elsewhere) == ("runs/jobs", f"{tmp_path}/other/jobs")
