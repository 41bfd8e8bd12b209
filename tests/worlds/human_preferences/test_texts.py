import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from rmkit.cli import main
from rmkit.errors import DataError
from rmkit.files.digests import file_digest
from rmkit.worlds.human_preferences import texts
from rmkit.worlds.human_preferences.computed_features import read_texts
from rmkit.worlds.human_preferences.stored_features import NGRAMS, STORED, read_stored
from rmkit.worlds.human_preferences.texts import HOW_TO_GET, download, texts_of
from tests.worlds.human_preferences.dialogues import made_up, written


@pytest.fixture
def address(dialogues):
    """Where the dialogues can be fetched by HTTP; every other path is not found."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/pairs.jsonl.gz" else 404)
            self.end_headers()
            self.wfile.write(dialogues.read_bytes() if self.path == "/pairs.jsonl.gz" else b"")

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/pairs.jsonl.gz"
        server.shutdown()
        thread.join()


def test_what_was_downloaded_is_the_file_and_is_not_fetched_twice(address, dialogues, tmp_path):
    path = tmp_path / "new folder/pairs.jsonl.gz"
    said = download(path, url=address, sha256=file_digest(dialogues))
    assert path.read_bytes() == dialogues.read_bytes()
    assert said == f"{path}: {len(dialogues.read_bytes()):,} bytes, sha256 as published"
    assert "is there already" in download(path, url="http://127.0.0.1:9/", sha256=file_digest(dialogues))
    path.write_bytes(b"cut short")
    download(path, url=address, sha256=file_digest(dialogues))
    assert [each.read_bytes() for each in path.parent.iterdir()] == [dialogues.read_bytes()]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://127.0.0.1:{port}/pairs.jsonl.gz", r"cannot be fetched \(.*refused\); try again with a network"),
        ("http://no-such-host.invalid/pairs.jsonl.gz", r"cannot be fetched \(.*\); try again with a network"),
        ("nonsense", r"cannot be fetched \(unknown url type: 'nonsense'\); .* name another place by --url, or put"),
    ],
)
def test_where_there_is_no_network_one_line_says_what_to_do(url, said, tmp_path):
    url = url.format(port=free_port())
    with pytest.raises(DataError, match=f"^{url}: {said}.* at {tmp_path}/pairs.jsonl.gz$") as caught:
        download(tmp_path / "pairs.jsonl.gz", url=url)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_page_that_is_missing_and_another_file_are_refused(address, tmp_path):
    path = tmp_path / "pairs.jsonl.gz"
    with pytest.raises(DataError, match=r"cannot be fetched \(Not Found\)"):
        download(path, url=f"{address}.zip")
    with pytest.raises(DataError, match=f"bytes of sha256 .*…, and the features were made from {texts.SHA256[:12]}"):
        download(path, url=address)
    assert not list(tmp_path.iterdir())


def test_the_command_line_fetches_and_computes(address, dialogues, tiny_encoder, small, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(small.root)
    assert main(["data", "hh-rlhf", "--url", address]) == 2
    assert capsys.readouterr().err.startswith(f"{address}: ")
    monkeypatch.setattr(texts, "SHA256", file_digest(dialogues))
    options = ["--encoder", str(tiny_encoder), "--source", str(dialogues), "--out", str(tmp_path / "made")]
    assert main(["data", "hh-rlhf", *options]) == 0
    assert "200 of 203 pairs kept" in capsys.readouterr().out
    assert read_stored(tmp_path / "made", features=NGRAMS).kept == 200


def test_texts_lie_beside_what_was_computed_from_them(stored, dialogues):
    with_texts = read_texts(dialogues, features=NGRAMS, **STORED[NGRAMS]).bank
    own, joined = (texts_of(bank, dialogues) for bank in (with_texts, read_stored(stored, features=NGRAMS).bank))
    assert own == joined
    assert joined.missing == ""
    assert joined.response_r == with_texts.responses["response"].tolist()
    assert joined.prompt_r == with_texts.prompts["prompt"].loc[with_texts.prompt_id_r].tolist()


def test_without_the_texts_lengths_stand_for_them_and_one_line_says_how_to_get_them(
    stored, dialogues, tmp_path, monkeypatch
):
    bank = read_stored(stored, features=NGRAMS).bank
    assert texts_of(bank, tmp_path / "pairs.jsonl.gz").missing == "These responses came without their texts"
    monkeypatch.setattr(texts, "SHA256", file_digest(dialogues))  # as if these had been published
    found = texts_of(bank, tmp_path / "pairs.jsonl.gz")
    assert found.missing == HOW_TO_GET
    assert "\n" not in HOW_TO_GET
    words, characters = bank.responses[["words", "characters"]].iloc[7]
    assert found.response_r[7] == f"(response of {words} words, {characters} characters)"
    assert len(found.prompt_r) == len(found.response_r) == bank.n_responses
    other = written(tmp_path / "pairs.jsonl.gz", made_up(seed=1))
    assert texts_of(bank, other).missing == f"pairs.jsonl.gz is another file than the published one; {HOW_TO_GET}"
    assert texts_of(bank, other).response_r == found.response_r
