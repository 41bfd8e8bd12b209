"""Drawn figures come back as they were, in their order; equal figures are equal bytes, whoever drew them and when."""

import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import matplotlib
import numpy as np
import pytest
from matplotlib import image
from matplotlib.figure import Figure

from rmkit.errors import DataError
from rmkit.figure_files import FigureFile, FigureFiles
from tests.small_project import REPOSITORY

WORDS = "What to look for.", "σ < 1 & rising\nto the end"


def drawn(height):
    figure = Figure(figsize=(3, 2), layout="constrained")
    ax = figure.subplots()
    ax.plot([0, 1, 2], [0, 1, height], marker="o")
    ax.fill_between([0, 1, 2], [0, 0, 0], [1, 1, 1], alpha=0.2)
    ax.set_title("a < b & gold reward in σ")
    return figure


def drawn_now(first=WORDS[0], second=WORDS[1]):
    return FigureFiles.of({"second": (drawn(2.0), first), "a-1": (drawn(3.0), second)})


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def figures():
    return drawn_now()


def test_figures_come_back_as_they_were_and_in_their_order(figures, tmp_path):
    figures.save(tmp_path / "deep/folder")
    again = FigureFiles.load(tmp_path / "deep/folder")
    assert again == figures
    assert list(again.figures) == ["second", "a-1"]
    assert again.figures["a-1"].caption == WORDS[1]
    names = {"second.svg", "second.png", "a-1.svg", "a-1.png", "figures.json"}
    assert files(tmp_path / "deep/folder").keys() == names
    again.save(tmp_path / "again")
    assert files(tmp_path / "again") == files(tmp_path / "deep/folder")


def test_both_files_of_a_figure_can_be_read_and_show_it(figures, tmp_path):
    figures.save(tmp_path)
    svg = ElementTree.parse(tmp_path / "second.svg").getroot()
    assert svg.tag == "{http://www.w3.org/2000/svg}svg"
    pixels = image.imread(tmp_path / "second.png")[..., :3]
    assert pixels.shape == (320, 480, 3)  # 2 by 3 inches at 160 dots each
    assert 0.01 < (pixels < 0.9).any(axis=-1).mean() < 0.99
    assert not np.array_equal(pixels, image.imread(tmp_path / "a-1.png")[..., :3])


def test_equal_figures_are_equal_bytes_in_any_process_and_under_any_defaults(figures, tmp_path):
    figures.save(tmp_path / "one")
    with matplotlib.rc_context({"svg.hashsalt": "other", "savefig.dpi": 40}):
        drawn_now().save(tmp_path / "two")
    code = "import sys; from tests.test_figure_files import drawn_now; drawn_now().save(sys.argv[1])"
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "three")], cwd=REPOSITORY, check=True)
    assert files(tmp_path / "one") == files(tmp_path / "two") == files(tmp_path / "three")


def test_a_caption_changes_the_index_alone(figures, tmp_path):
    figures.save(tmp_path / "one")
    drawn_now("Other words.").save(tmp_path / "two")
    one, two = files(tmp_path / "one"), files(tmp_path / "two")
    assert [name for name in one if one[name] != two[name]] == ["figures.json"]


def test_another_figure_is_other_bytes(figures):
    second, first = figures.figures.values()
    assert second.svg != first.svg
    assert second.png != first.png


def test_no_figures_are_a_folder_with_an_index(tmp_path):
    FigureFiles({}).save(tmp_path)
    assert FigureFiles.load(tmp_path) == FigureFiles({})


@pytest.mark.parametrize("name", ["Gold", "a b", "../a", "", "ä", "a.b", "a\n"])
def test_a_name_that_cannot_name_a_file_is_refused(name):
    with pytest.raises(DataError, match=r"cannot name a file; use small letters, digits, - and _$"):
        FigureFiles({name: FigureFile("<svg/>", b"", "Words.")})


def test_a_figure_without_a_caption_is_refused():
    with pytest.raises(DataError, match=r"^figures: gold has no caption; say what the figure shows$"):
        FigureFiles({"gold": FigureFile("<svg/>", b"", " ")})


def test_a_folder_that_is_none_of_ours_is_one_line(figures, tmp_path):
    with pytest.raises(DataError, match=r"holds no figures.json; it must be a folder that FigureFiles.save wrote$"):
        FigureFiles.load(tmp_path)
    figures.save(tmp_path)
    (tmp_path / "second.png").unlink()
    with pytest.raises(DataError, match=r"second.png: No such file or directory; figures.json names it, so make"):
        FigureFiles.load(tmp_path)
    (tmp_path / "figures.json").write_text('{"format": 2}')
    with pytest.raises(DataError, match=r"figures.json: is of format 2; this rmkit reads format 1$"):
        FigureFiles.load(tmp_path)
