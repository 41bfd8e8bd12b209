"""`rmkit gallery`: which notebooks become pages, the index, and what the report says of it."""

import re
import shutil

import pytest

REPORT, FOLDER = "runs/reports/small.html", "runs/reports/small-notebooks"
LINK = '<a href="small-notebooks/index.html">'


def read(project, path):
    return (project.root / path).read_text(encoding="utf-8")


def pages(project, folder=FOLDER):
    return sorted(re.sub(r"-[0-9a-f]{16}\.html", "", path.name) for path in (project.root / folder).iterdir())


@pytest.fixture
def shown(finished):
    ended = finished.rmkit("gallery", "small")
    assert ended.stdout.splitlines()[-1].endswith("small.html, written again, so that it links them")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[0].endswith(f"{FOLDER}/index.html")
    return finished


def test_one_seed_of_each_setting_is_shown_and_all_when_asked(shown):
    assert pages(shown) == ["00_numbers", "01_sums", "index.html"]
    index = read(shown, f"{FOLDER}/index.html")
    assert "2 of 3 finished jobs are shown, one seed of each setting" in index
    (page,) = re.findall(r'href="(01_sums-[0-9a-f]{16}\.html)">01_sums seed=0</a>', index)
    assert "print(bars(sums))" in re.sub(r"<[^>]+>", "", read(shown, f"{FOLDER}/{page}"))
    assert shown.rmkit("gallery", "small", "--all").returncode == 0
    assert pages(shown) == ["00_numbers", "01_sums", "01_sums", "index.html"]
    assert "3 of 3 finished jobs are shown" in read(shown, f"{FOLDER}/index.html")


@pytest.mark.slow
def test_settings_that_differ_in_more_than_the_seed_are_all_shown_with_what_sets_them_apart(finished):
    finished.study("two", axes={"seed": [0, 1], "powers": [[1.0], [2.0]]}, stages={"00_numbers": None, "01_sums": None})
    assert finished.rmkit("run", "two", "--no-report").returncode == 0
    assert finished.rmkit("gallery", "two").returncode == 0
    assert pages(finished, "runs/reports/two-notebooks") == ["00_numbers", "01_sums", "01_sums", "index.html"]
    index = read(finished, "runs/reports/two-notebooks/index.html")
    assert '<th scope="col">powers</th>' in index
    assert '<th scope="col">seed</th>' not in index
    assert index.count("[2.0]</bdi>") == 1


@pytest.mark.slow
def test_the_report_links_the_gallery_once_it_is_there_and_says_when_it_is_old(finished):
    assert finished.rmkit("report", "small").returncode == 0
    before = read(finished, REPORT)
    assert LINK not in before
    assert "rmkit gallery params/small.yaml" in before
    assert finished.rmkit("gallery", "small").returncode == 0
    assert LINK in read(finished, REPORT)
    assert "of an earlier state" not in read(finished, REPORT)
    finished.edit("data/numbers.json", "3]", "4]")
    assert finished.rmkit("run", "small").returncode == 0
    assert LINK in read(finished, REPORT)
    assert "of an earlier state of this study" in read(finished, REPORT)
    assert finished.rmkit("gallery", "small").returncode == 0
    assert "of an earlier state" not in read(finished, REPORT)
    shutil.rmtree(finished.root / FOLDER)
    assert finished.rmkit("run", "small").returncode == 0
    assert LINK not in read(finished, REPORT)


@pytest.mark.slow
def test_a_trial_has_a_gallery_of_its_own(shown):
    assert shown.rmkit("run", "small", "--set", "powers=[5.0]", "--no-report").returncode == 0
    ended = shown.rmkit("gallery", "small", "--set", "powers=[5.0]")
    assert ended.returncode == 0, ended.stderr
    assert pages(shown, "runs/reports/small+powers=_5.0_-notebooks") == ["00_numbers", "01_sums", "index.html"]
    assert 'href="small%2Bpowers%3D_5.0_-notebooks/index.html"' in read(shown, "runs/reports/small+powers=_5.0_.html")


def test_without_a_finished_job_or_a_study_there_is_one_line(small):
    ended = small.rmkit("gallery", "small")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        "params/small.yaml: no job is finished, so no notebook is there; `rmkit run params/small.yaml` executes them\n"
    )
    ended = small.rmkit("gallery", "smal")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert len(ended.stderr.splitlines()) == 1
    assert "did you mean" in ended.stderr
    assert not (small.root / FOLDER).exists()


def test_the_gallery_stays_while_its_study_is_there_and_goes_with_it(shown):
    shown.study("other", stages={"00_numbers": None})
    assert shown.rmkit("gc", "--yes").returncode == 0
    assert (shown.root / FOLDER / "index.html").exists()
    (shown.root / "params/small.yaml").unlink()
    assert shown.rmkit("gc", "--yes").returncode == 0
    assert not (shown.root / FOLDER).exists()


@pytest.mark.slow
def test_pages_of_jobs_that_are_gone_do_not_stay(shown):
    old = pages(shown)
    names = {path.name for path in (shown.root / FOLDER).iterdir()}
    shown.edit("data/numbers.json", "3]", "4]")
    assert shown.rmkit("run", "small", "--no-report").returncode == 0
    assert shown.rmkit("gallery", "small").returncode == 0
    assert pages(shown) == old
    assert {path.name for path in (shown.root / FOLDER).iterdir()} & names == {"index.html"}
    assert not list((shown.root / "runs/reports").glob(".*"))
