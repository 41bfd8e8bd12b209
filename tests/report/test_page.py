import re
import shutil
import sys

import pytest

from tests.checkout import execute

RUN = [sys.executable, "-m", "rmkit.cli", "run", "smoke"]
PAGE = "runs/reports/smoke.html"


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
        "Linear BT orders",
        "mlp_bt",
        "5 chosen and rejected answer different prompts",
        "09_human_preferences world=hh_rlhf seed=1",
        "What was asked, and what the rows answer",
        "A fitted reward model&#39;s Best-of-32 is better than a random pick.",
        "no verdict from 2 seeds; it takes 5",
        "not registered",
        "How good is the best of n?",
        "Does the validation split decide?",
        "Differences in accuracy (share of pairs)",
        "BT MLP as released: pair − mirrored row",
        "Which pairs should be labelled next?",
        "Which measure predicts which policy?",
        "at least one ran during",
    ):
        assert expected in page, expected
    assert "jobs are finished; what follows" not in page
    names = ("learning-curves", "annotation-noise", "best-of-n", "active-labelling", "accuracy-and-policy")
    for name in (*names, "split-ablation-grammar-spearman", "split-ablation-hh_rlhf-log_loss"):
        assert (project / f"runs/reports/smoke-{name}.png").stat().st_size > 10_000


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
    assert "18 of 25 jobs are finished; what follows rests on those alone" in page
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_any_locale_will_do(reported):
    """Files are UTF-8 whatever the locale says; a terminal that lacks a sign shows a question mark."""
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    before = (reported / PAGE).read_bytes()
    execute([sys.executable, "-m", "rmkit.cli", "report", "smoke"], reported, reported, **plain)
    assert (reported / PAGE).read_bytes() == before
    assert "?" in execute([sys.executable, "-m", "rmkit.cli", "status", "smoke"], reported, reported, **plain)


def test_a_report_is_made_again_only_when_something_changed(reported):
    path, theme = reported / PAGE, reported / "rmkit/figures/theme.py"
    first = path.stat().st_mtime_ns
    execute(RUN, reported, reported)
    assert path.stat().st_mtime_ns == first
    theme.write_text(theme.read_text(encoding="utf-8").replace("#0072B2", "#0072B3"), encoding="utf-8")
    execute(RUN, reported, reported)
    assert path.stat().st_mtime_ns > first
