"""Records of Label Studio and Argilla: written, read back, as those tools export them, and one sentence for bad ones."""

import json

import pandas as pd
import pytest

from rmkit.active.labelling_session import Session
from rmkit.errors import DataError, ParamsError
from rmkit.worlds.human_preferences.label_files import import_labels, write_labels
from rmkit.worlds.human_preferences.label_queue import pool_of, read_to_label
from rmkit.worlds.human_preferences.tool_records import LABEL_STUDIO_CONFIG, TOOLS
from tests.worlds.human_preferences.test_label_files import HARD, QUICK, ROWS, labelled, said
from tests.worlds.human_preferences.test_label_queue import embed, written

every_tool = pytest.mark.parametrize("tool", TOOLS)


@pytest.fixture
def pool(tmp_path):
    return pool_of(read_to_label(written(tmp_path, ROWS)), embed)


@pytest.fixture
def window(pool, tmp_path):
    """An empty log."""
    return Session(pool, tmp_path / "new.jsonl", "x", QUICK)


def kept(path, records):
    path.write_text(json.dumps(records), encoding="utf-8")
    return path


def task(*annotations, left=0, right=1, **data):
    """A task of Label Studio, of two responses to the first question."""
    texts = {"prompt": "question, 0", "response_a": f"{HARD[left]} 0", "response_b": f"{HARD[right]} 0"}
    return {"id": 7, "data": texts | data, "annotations": list(annotations), "predictions": []}


def pairwise(selected, by=1, **more):
    result = {"id": "x1", "from_name": "pw", "to_name": "pw", "type": "pairwise", "value": {"selected": selected}}
    return {"id": 11, "completed_by": by, "was_cancelled": False, "result": [result], "lead_time": 4.2} | more


def chosen(*choices, **more):
    result = {"from_name": "tie", "to_name": "prompt", "type": "choices", "value": {"choices": list(choices)}}
    return pairwise("left", **more) | {"result": [result]}


def record(*responses, question="preference", **more):
    """A record of Argilla, of two responses to the first question."""
    fields = {"prompt": "question, 0", "response_a": f"{HARD[0]} 0", "response_b": f"{HARD[1]} 0"}
    return {"id": "r1", "fields": fields, "metadata": {}, "responses": {question: list(responses)}} | more


def counted(pool, window):
    """The labels of a log: the text that won, or tie, by annotator."""
    text = dict(zip(pool.response_ids, pool.bank.responses["response"], strict=True))
    labels = pool.labels(window.queue.standing())
    return {label.annotator: text[label.winner] if label.winner else "tie" for label in labels}


@every_tool
def test_what_is_written_comes_back_with_its_sides_and_a_second_time_changes_nothing(pool, tmp_path, window, tool):
    first, out = labelled(pool, tmp_path / "labels.jsonl"), tmp_path / "out.json"
    labels = pool.labels(first.queue.standing())
    assert write_labels(out, pool, labels, tool) == len(labels) == 18
    assert import_labels(out, pool, window.queue).told == "18 labels imported"
    assert said(pool, window) == said(pool, first)
    left = {(label.pick.pair, label.annotator): label.shown_left for label in labels}
    again = [label for label in pool.labels(window.queue.standing()) if label.answer != "tie"]
    assert all(label.shown_left == left[label.pick.pair, label.annotator] for label in again)
    assert import_labels(out, pool, window.queue).told == "0 labels imported; 18 were there already"
    assert write_labels(out, pool, labels[:3], tool) == 3  # an older file of ours is replaced


@every_tool
def test_people_who_saw_the_same_two_share_a_record_and_pairs_to_ask_about_have_no_answer(pool, tmp_path, window, tool):
    rows = [{"prompt": "question, 0", "response_a": f"{HARD[0]} 0", "response_b": f"{HARD[1]} 0", "label": said_of,
             "annotator": by} for by, said_of in (("ann@x.org", "b"), ("7", "tie"))]  # fmt: skip
    import_labels(written(tmp_path, rows, "in.jsonl"), pool, window.queue)
    labels, out = pool.labels(window.queue.standing()), tmp_path / "out.json"
    judged = {label.pick.pair for label in labels}
    to_ask = [name for name in pool.pair_of if name not in judged][:5]
    write_labels(out, pool, labels, tool, to_ask=to_ask)
    records = json.loads(out.read_text(encoding="utf-8"))
    assert len(records) == 1 + len(to_ask)
    if tool == "label_studio":
        assert [one["completed_by"] for one in records[0]["annotations"]] == [{"email": "ann@x.org"}, 7]
        assert [one["data"]["pair"] for one in records[1:]] == to_ask
    else:
        assert [one["user_id"] for one in records[0]["responses"]["preference"]] == ["ann@x.org", "7"]
        assert [one["id"] for one in records[1:]] == to_ask
    other = Session(pool, tmp_path / "other.jsonl", "x", QUICK)
    assert import_labels(out, pool, other.queue).told == f"2 labels imported; {len(to_ask)} rows have no label yet"
    assert said(pool, other) == said(pool, window)


def test_which_response_is_on_the_left_of_a_pair_to_ask_about_is_drawn_and_stays(pool, tmp_path):
    firsts = []
    for name in ("a.json", "b.json"):
        write_labels(tmp_path / name, pool, [], "label_studio", to_ask=list(pool.pair_of))
        firsts.append([one["data"]["response_a"] for one in json.loads((tmp_path / name).read_text(encoding="utf-8"))])
    text = pool.bank.responses["response"]
    as_listed = [one == text[i] for one, (i, _) in zip(firsts[0], pool.pair_of.values(), strict=True)]
    assert firsts[0] == firsts[1]
    assert 0 < sum(as_listed) < len(as_listed)


def test_tasks_as_label_studio_exports_them(pool, tmp_path, window):
    annotations = [pairwise("right", 3), pairwise("left", {"id": 4, "email": "bob@x.org"}), chosen("Tie", by=5)]
    skipped = [pairwise("left", 6, was_cancelled=True), pairwise("left", 8, result=[]), chosen("unclear", by=9)]
    import_labels(kept(tmp_path / "in.json", [task(*annotations, *skipped)]), pool, window.queue)
    wins = {"3": f"{HARD[1]} 0", "bob@x.org": f"{HARD[0]} 0", "5": "tie"}
    assert counted(pool, window) == wins


def test_tasks_with_the_names_of_label_studios_own_template(pool, tmp_path, window):
    made = task(pairwise("left", 3), text1=f"{HARD[3]} 0", text2=f"{HARD[4]} 0")
    del made["data"]["response_a"], made["data"]["response_b"]
    import_labels(kept(tmp_path / "in.json", [made]), pool, window.queue)
    assert list(counted(pool, window).values()) == [f"{HARD[3]} 0"]


@pytest.mark.parametrize("question", ["preference", "label"])
def test_records_as_argilla_exports_them(pool, tmp_path, window, question):
    users = ["4c0b7e9c-0a8a-4c5e-9d0e-7f1c9a3b2d11", "u2", "u3", "u4"]
    answers, states = ["response_b", "response_a", "tie", "response_a"], ["submitted", None, "submitted", "draft"]
    responses = [{"value": value, "user_id": by, "status": state} for value, by, state in zip(answers, users, states, strict=True)]  # fmt: skip
    import_labels(kept(tmp_path / "in.json", [record(*responses, question=question)]), pool, window.queue)
    wins = {users[0]: f"{HARD[1]} 0", "u2": f"{HARD[0]} 0", "u3": "tie"}
    assert counted(pool, window) == wins
    flat = record()["fields"] | {f"{question}.responses": answers, f"{question}.responses.users": users}
    flat |= {f"{question}.responses.status": states, "id": "r1"}
    pd.DataFrame([flat]).to_parquet(tmp_path / "in.parquet")
    assert import_labels(tmp_path / "in.parquet", pool, window.queue).told == "0 labels imported; 3 were there already"


def test_responses_by_user_as_argillas_server_has_them(pool, tmp_path, window):
    said_by = [{"values": {"preference": {"value": "response_b"}}, "user_id": "u1", "status": "submitted"}]
    import_labels(kept(tmp_path / "in.json", [record(responses=said_by)]), pool, window.queue)
    assert counted(pool, window) == {"u1": f"{HARD[1]} 0"}


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ([task(pairwise("left")), task(pairwise("middle"))], "row 2, annotation 1: selected is 'middle'; it must be"),
        ([task(pairwise(None))], "row 1, annotation 1: selected is None"),
        ([task(pairwise("left") | {"result": chosen("tie")["result"] + pairwise("left")["result"]})], "has one answer"),
        ([task(pairwise("left", None))], "row 1: does not say who judged"),
        ([task(pairwise("left", [1]))], "is by [1]; it must be a user's number, e-mail or id"),
        ([task(pairwise("left", "a,b"))], "annotator: 'a,b' is no name"),
        ([task("left")], "annotation 1: is 'left'; it must be an object"),
        ([task() | {"annotations": {"a": 1}}], "'annotations' is {'a': 1}; it must be a list"),
        ([task(pairwise("left", result="left"))], "'result' is 'left'; it must be a list"),
        ([{"data": {"prompt": "p"}, "annotations": []}], "row 1: has no 'response_a' and 'response_b'"),
        ([task(pairwise("left"), prompt=None)], "its 'prompt' is None; it must be a text"),
        ([task(pairwise("left"), response_b="unheard of")], "row 1: its two responses are no pair of this queue"),
        ([task(pairwise("left"), pair="f00-ba4")], "its pair 'f00-ba4' is no pair of this queue; import it where"),
        ([task(pairwise("left"), pairwise("right"))], "row 1: contradicts what 1 said in"),
        ([record({"value": "response_c", "user_id": "u"})], "'label' is 'response_c'; it must be one of response_a"),
        ([record({"value": 3, "user_id": "u"})], "response 1: says 3; it must be response_a, response_b, tie"),
        ([record({"value": "tie"})], "row 1: does not say who judged"),
        ([record("tie")], "response 1: is 'tie'; it must be an object"),
        ([record(question="quality")], "has no question called winner, preference, label; those that it has are"),
        ([record(responses=3)], "'responses' is 3; it must be a list"),
        ([record() | {"fields": {"text": "a"}}], "row 1: has no 'response_a' and 'response_b'"),
        ([record()["fields"] | {"label.responses": ["tie"], "label.responses.users": ["a", "b"]}], "one of each for"),
    ],
)
def test_bad_records_are_one_sentence_and_nothing_is_imported(pool, tmp_path, window, records, message):
    with pytest.raises(DataError) as raised:
        import_labels(kept(tmp_path / "in.json", records), pool, window.queue)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)
    assert window.counts().labels == 0


def test_a_file_that_is_no_json_is_one_sentence(pool, tmp_path, window):
    (tmp_path / "in.json").write_text('[{"data": {"prompt"', encoding="utf-8")
    with pytest.raises(DataError, match=r"in\.json: is not JSON"):
        import_labels(tmp_path / "in.json", pool, window.queue)


def test_what_cannot_be_written_is_told_and_nothing_is_left(pool, tmp_path):
    labels = pool.labels(labelled(pool, tmp_path / "labels.jsonl").queue.standing())
    with pytest.raises(ParamsError, match=r"labels for argilla are written as \.json$"):
        write_labels(tmp_path / "out.jsonl", pool, labels, "argilla")
    with pytest.raises(ParamsError, match=r"labels are written as \.jsonl or \.csv$"):
        write_labels(tmp_path / "out.json", pool, labels)
    with pytest.raises(ParamsError, match="pairs to ask about go to label_studio or argilla"):
        write_labels(tmp_path / "out.csv", pool, labels, to_ask=list(pool.pair_of))
    with pytest.raises(DataError, match="to_ask: 'x-y' is no pair of this queue"):
        write_labels(tmp_path / "out.json", pool, labels, "argilla", to_ask=["x-y"])
    mine = kept(tmp_path / "mine.json", [{"data": {"prompt": "p"}, "annotations": []}])
    with pytest.raises(ParamsError, match="holds no labels that rmkit wrote"):
        write_labels(mine, pool, labels, "label_studio")
    assert not [path for path in tmp_path.iterdir() if path.name.startswith((".", "out"))]


def test_the_labelling_interface_asks_for_the_columns_of_a_task(pool, tmp_path):
    write_labels(tmp_path / "out.json", pool, [], "label_studio", to_ask=list(pool.pair_of)[:1])
    (only,) = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert all(f'"${name}"' in LABEL_STUDIO_CONFIG for name in only["data"] if name != "pair")
