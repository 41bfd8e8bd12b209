"""A name of a person is what every file of labels can hold."""

import pytest

from rmkit.annotation.people.names import check_annotator
from rmkit.errors import ParamsError


@pytest.mark.parametrize("name", ["ann", "Zoë", "a.b@c-d+e_f", "x" * 40, "7", "Ann B"])
def test_names_of_people_are_kept(name):
    assert check_annotator(name) == name


@pytest.mark.parametrize("name", ["", " ann", "ann ", "a\nb", "a,b", "x" * 41, "1.0", "=cmd", 7])
def test_what_is_no_name_of_a_person_is_refused(name):
    with pytest.raises(ParamsError, match="is no name; give 1 to 40 letters or digits"):
        check_annotator(name)
