"""Names that no file, no page and no UTF-8 can hold are one line; long ones are cut where they name a report."""

import os

import pytest

from rmkit.errors import QUOTED, ParamsError
from rmkit.study.planning.parameter_types import Kind
from rmkit.study.planning.study_file import Study, load_study


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "a\udcff"])
@pytest.mark.parametrize("kind", [Kind("str"), Kind("list", of=Kind("str"))])
def test_a_text_without_characters_is_refused_whoever_gives_it(text, kind):
    with pytest.raises(
        ParamsError, match=r"^here(\[0\])?: '.*' holds U\+[0-9A-F]{4}, which is no character; take it out$"
    ):
        kind.conform([text] if kind.of else text, "here")


def test_a_study_whose_name_is_no_text_is_refused(tmp_path):
    path = tmp_path / os.fsdecode(b"a\xff.yaml")
    path.write_text("stages: {01_sft: }", encoding="utf-8")
    with pytest.raises(ParamsError, match=r"its name is no UTF-8 text; rename the file$"):
        load_study(path)


@pytest.mark.parametrize("name", ["x" * 300, "x/" * 3000])
def test_a_name_that_no_file_can_have_is_one_short_line(tmp_path, name):
    with pytest.raises(ParamsError) as caught:
        load_study(tmp_path / f"{name}.yaml")
    assert len(str(caught.value)) < 3 * QUOTED


def test_a_long_name_of_a_study_gives_its_report_a_name_that_a_file_can_have(tmp_path):
    one, other = (Study(tmp_path / f"{'é' * 120}{end}.yaml", "here", set=("a=" + "b" * 999,)) for end in "xy")
    assert len(f"{one.report_name}-notebooks".encode()) < 256
    assert one.report_name != other.report_name
    assert Study(tmp_path / "tiny.yaml", "here").report_name == "tiny"
