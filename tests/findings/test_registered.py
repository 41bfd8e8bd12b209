import pytest

from rmkit.errors import ParamsError
from rmkit.findings.registered import check_registered, names_and_digests


def test_names_and_digests_are_read_in_their_order():
    assert list(names_and_digests(["b@01234567", "a@89abcdef"]).items()) == [("b", "01234567"), ("a", "89abcdef")]


@pytest.mark.parametrize("entry", ["x", "", "@01234567", "x@1234567", "x@0123456g", "x@y@01234567"])
def test_what_is_no_name_and_digest_is_refused_by_check(entry):
    with pytest.raises(ParamsError, match=r"^here: registered\[1\]: '.*' is not a statement's name@digest"):
        check_registered({"registered": ["a@01234567", entry]}, {}, "here")


def test_a_statement_is_registered_once():
    with pytest.raises(ParamsError, match=r"^here: registered: 'a' is listed twice; give each statement once$"):
        check_registered({"registered": ["a@01234567", "a@89abcdef"]}, {}, "here")
