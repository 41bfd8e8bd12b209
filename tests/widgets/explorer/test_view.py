"""A view as text and back; a stranger's text is bounded, and is a view or a sentence."""

from urllib.parse import parse_qs, quote

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmkit.errors import ResultError, RmkitError, StoreError
from rmkit.widgets.explorer import saved_views
from rmkit.widgets.explorer.saved_views import (
    asked_view,
    load_view,
    query_of,
    remove_view,
    save_view,
)
from rmkit.widgets.explorer.view import LONGEST, View, kept_or_dropped, missing_text, parsed_view, text_of, value_text
from tests.widgets.explorer.made_store import HOSTILE

LETTERS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NAMES = LETTERS.filter(bool)
SOME = View("tiny", "04_reward_models", "best_of_n", "annotations", "reward_model", "beta", keep={"n": ("32",)})


@given(
    st.tuples(*[LETTERS] * 6),
    *[st.dictionaries(NAMES, st.lists(LETTERS, min_size=1, max_size=4).map(tuple), max_size=3)] * 2,
    *[st.one_of(st.just(()), st.tuples(*[LETTERS] * size)) for size in (3, 4)],
)
def test_a_view_comes_back_from_its_text(plain, keep, drop, fit, pinned):
    view = View(*plain, keep=keep, drop=drop, sort=("-value",), fit=fit, pinned=pinned)
    text = text_of(view)
    assert parsed_view(text) == view
    assert parse_qs(query_of(text)[1:])["view"] == [text]
    assert text.isascii()
    assert not set(text) & set("\"'\\ <>&")


@given(st.text(st.sampled_from("studykeep.fit:;,%2B<> \x00é"), max_size=60))
def test_any_text_is_a_view_or_a_sentence(text):
    try:
        said = text_of(parsed_view(text))[:0]
    except ResultError as error:
        said = str(error)
    assert len(said) < 250
    assert "\n" not in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("stge:04", "'stge:04' is not key:value"),
        ("study", "'study' is not key:value"),
        ("keep.:1", "not key:value"),
        ("__class__:1", "not key:value"),
        ("keep.__class__.x:1;x:a,b", "2 values"),
        ("study:a;study:b", "'study' is listed twice"),
        ("fit:a", "1 values"),
        ("x:" + "a" * LONGEST, "at most 8,000 characters"),
    ],
)
def test_a_wrong_text_says_what_is_wrong(text, said):
    with pytest.raises(ResultError, match=said):
        parsed_view(text)


@pytest.mark.parametrize("value", [0.5, np.inf, 100.0, 1 / 3, 7, "mlp_bt", "0.5 "])
def test_values_are_named_so_that_no_two_are_the_same(value):
    text = value_text(value)
    assert text == value if isinstance(value, str) else float(text) == value


def test_the_shorter_list_is_told():
    assert kept_or_dropped((32.0,), (1.0, 2.0, 32.0)) == ("keep.", ("32",))
    assert kept_or_dropped((0, 1, 2), (0, 1, 2, 3)) == ("drop.", ("3",))
    assert kept_or_dropped((0, 1), (0, 1)) == ("drop.", ("",))
    assert kept_or_dropped(("a", "b"), ("", "a", "b")) == ("keep.", ("a", "b"))


def test_what_is_missing_is_one_line():
    assert missing_text([]) == ""
    assert missing_text([("metric", "new")]) == "This view also asks for metric new, which is not there."
    many = missing_text([("column", f"c{number}") for number in range(9)])
    assert many == "This view also asks for column c0, column c1, column c2, column c3 and 5 more, which are not there."


def test_a_saved_view_is_listed_loaded_replaced_and_removed(tmp_path):
    assert saved_views.saved_views(tmp_path) == []
    save_view(tmp_path, "worst of all", text_of(SOME))
    save_view(tmp_path, "Ä 2", "stage:04_reward_models")
    save_view(tmp_path, "Ä 2", "stage:05_active_labeling")
    assert saved_views.saved_views(tmp_path) == ["worst of all", "Ä 2"]
    assert parsed_view(load_view(tmp_path, "worst of all")) == SOME
    assert load_view(tmp_path, "Ä 2") == "stage:05_active_labeling"
    remove_view(tmp_path, "Ä 2")
    assert saved_views.saved_views(tmp_path) == ["worst of all"]


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "a" * 61, "end.", "new\nline", HOSTILE, "a\x00"])
def test_a_name_stays_in_its_folder(tmp_path, name):
    for act in (lambda: save_view(tmp_path, name, "stage:04"), lambda: load_view(tmp_path, name)):
        with pytest.raises(ResultError, match="is no name for a view"):
            act()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "held",
    [b"", b"{}", b"0", b"[1]", b'{"view": 3}', b'{"view": "foo"}', b"\xff", b"[" * 50_000, b'{"view": "x:1"} ' * 9],
)
def test_a_file_that_is_no_view_is_a_sentence(tmp_path, held):
    (tmp_path / "views").mkdir()
    (tmp_path / "views/odd.json").write_bytes(held)
    with pytest.raises(RmkitError, match=r"no saved view 'odd' that can be read|not a view"):
        load_view(tmp_path, "odd")


def test_what_is_no_regular_file_is_never_opened(tmp_path):
    import os

    (tmp_path / "views").mkdir()
    os.mkfifo(tmp_path / "views/pipe.json")
    (tmp_path / "views/endless.json").symlink_to("/dev/zero")
    assert saved_views.saved_views(tmp_path) == []
    for name in ("pipe", "endless", "gone"):
        with pytest.raises(StoreError, match="no saved view"):
            load_view(tmp_path, name)


def test_a_disk_that_refuses_is_a_sentence(tmp_path):
    (tmp_path / "views").write_text("a file in the way", encoding="utf-8")
    with pytest.raises(StoreError, match=r"not saved: .*views.*; move the file in the way and try again"):
        save_view(tmp_path, "mine", "stage:04")


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ("", ""),
        ("theme=dark", ""),
        ("theme=dark&view=best", "best"),
        (query_of(text_of(SOME))[1:], text_of(SOME)),
        (f"view={quote(text_of(SOME), safe='')}", text_of(SOME)),
        ("&" * 500, ""),
        ("view=" + "a" * 10**6, "a" * (4 * LONGEST - 5)),
    ],
)
def test_a_link_asks_for_a_view(monkeypatch, query, asked):
    monkeypatch.setenv("QUERY_STRING", query)
    assert asked_view() == asked
