import os
import subprocess
import sys

import pytest

from rmkit.cli import main


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["gc", "--yess"], "rmkit: unrecognized arguments: --yess; `rmkit --help` says what it takes"),
        (
            ["results", "04", "--rows", "²"],
            "'²' is not a whole number from 1 to 999,999,999; `rmkit results --help` says",
        ),
        (["gc", "--older-than", "9" * 5000], "is not a whole number of days; `rmkit gc --help` says"),
        (["chekc"], "invalid choice: 'chekc' (choose from"),
        (["a\n\x1b[31mb"], "invalid choice: 'a"),
        ([], "the following arguments are required: COMMAND"),
    ],
)
def test_a_command_that_cannot_be_read_is_one_line(arguments, said, capsys):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.endswith("says what it takes\n")
    assert (err.count("\n"), "\x1b" in err) == (1, False)
    assert len(err) < 900


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1, 2)], ids=str)
@pytest.mark.parametrize(
    ("command", "code"),
    [(["results", "01", "small"], 0), (["gc"], 0), (["check", "nosuch"], 2)],
    ids=lambda given: given[0] if isinstance(given, list) else str(given),
)
def test_a_stream_that_the_shell_closed_is_nobody(finished, closed, command, code):
    """As with `rmkit gc <&-`: nothing that is opened later may take the place of a stream."""
    ended = subprocess.run(
        [sys.executable, "-m", "rmkit.cli", *command],
        cwd=finished.root,
        env=finished.environment(),
        capture_output=True,
        text=True,
        preexec_fn=lambda: [os.close(number) for number in closed],
    )
    assert ended.returncode == code
    assert "Traceback" not in ended.stdout + ended.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no device that is always full")  # noqa: PTH110
def test_a_disk_that_takes_no_more_of_what_is_printed_is_one_line(finished):
    for command in (["status", "small"], ["check", "small"], ["run", "small"]):
        with open("/dev/full", "w", encoding="utf-8") as full:  # noqa: PTH123
            ended = subprocess.run(
                [sys.executable, "-m", "rmkit.cli", *command],
                cwd=finished.root,
                env=finished.environment(),
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
            )
        assert ended.returncode == 1
        assert ended.stderr == (
            "what is printed: No space left on device; free some space and run again, finished jobs are kept\n"
        )


def test_ctrl_c_is_one_line_while_the_commands_are_imported(monkeypatch, capsys):
    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr("rmkit.cli._parser", interrupted)
    assert main(["status"]) == 130
    assert capsys.readouterr().err.startswith("interrupted; ")
    imported = "import sys, rmkit.cli; sys.exit(any(name.startswith('rmkit.commands') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", imported]).returncode == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ["--source", "texts.jsonl"],
            "--source: is for --encoder, which computes from the texts; give both, or neither",
        ),
        (["--out", "there"], "--out: is for --encoder, which computes from the texts; give both, or neither"),
        (
            ["--source", "texts.jsonl", "--encoder", "here", "--url", "http://x"],
            "--url: nothing is downloaded where --source gives the texts; give one of them",
        ),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(options, said, capsys):
    assert main(["data", "hh-rlhf", *options]) == 2
    assert capsys.readouterr().err == f"{said}\n"


@pytest.mark.parametrize(("number", "remedy"), [(13, "make it readable and writable"), (5, "check the disk")])
def test_what_may_not_be_read_is_one_line(number, remedy, monkeypatch, capsys):
    """As in a store of somebody else, wherever it is read."""

    def refuse(_):
        raise OSError(number, "No", "/store/jobs")

    monkeypatch.setattr("rmkit.commands.looking.planned", refuse)
    assert main(["status", "small"]) == 1
    assert capsys.readouterr().err == f"/store/jobs: No; {remedy} and run again, finished jobs are kept\n"


def test_a_fault_of_ours_keeps_its_traceback(monkeypatch):
    def refuse(_):
        raise FileNotFoundError(2, "No", "/store/jobs")

    monkeypatch.setattr("rmkit.commands.looking.planned", refuse)
    with pytest.raises(FileNotFoundError):
        main(["status", "small"])
