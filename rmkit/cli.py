"""The command line: run, check, status, results, fit, score, export, compare, report, gallery, why, gc and data.

Exit codes: 0 all jobs are done; 1 some failed, and the last line says why; 2 the request itself is wrong; 130
interrupted. Only this floor turns an exception into a line and a code. The commands themselves are in `commands/`, and
import nothing heavy until they need it. They are imported by `main`, so that Ctrl-C is a line from the first moment on.
"""

import argparse
import io
import os
import re
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from rmkit.characters import in_one_line
from rmkit.errors import RmkitError, cut, quoted
from rmkit.study.monitoring.output import say
from rmkit.study.store.disk import REMEDIES, disk_sentence

MOST_SAID = 2_000  # characters of an error: a last bound, as a path may have 4,000
NUMBER = re.compile(r"[0-9]{1,9}")  # as an option takes one


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    _open_streams()
    try:
        options = _parser().parse_args(arguments)
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # a polite end is an interruption: jobs are ended too
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # a closed terminal is one too, but under `nohup`
            signal.signal(signal.SIGHUP, signal.default_int_handler)
        return options.command(options)
    except RmkitError as error:
        say(cut(str(error), MOST_SAID), error=True)
        return error.exit_code
    except KeyboardInterrupt:
        say("interrupted; finished jobs are kept: run the same command again to go on", error=True)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as fault:  # of a store, or a project, that is somebody else's
        if fault.errno not in REMEDIES or fault.filename is None:
            raise
        say(cut(disk_sentence(fault, Path(fault.filename)), MOST_SAID), error=True)
        return 1


def _open_streams() -> None:
    """Nothing, where the shell closed a stream (`<&-`): what is opened next would else take its number and its text."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            os.dup2(os.open(os.devnull, os.O_RDWR), number)
            setattr(sys, name, os.fdopen(number, mode, closefd=False))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that lacks a sign shows a question mark


class _Parser(argparse.ArgumentParser):
    """argparse, whose mistakes are one line, as all others are, and quote what was typed as it is shown elsewhere."""

    def error(self, message: str) -> NoReturn:
        said = in_one_line(cut(message, 700))
        self.exit(2, f"{self.prog}: {said}; `{self.prog} --help` says what it takes\n")


def _parser() -> argparse.ArgumentParser:
    from rmkit.commands.compare import compare
    from rmkit.commands.export import export
    from rmkit.commands.fit import fit
    from rmkit.commands.keeping import data, gc
    from rmkit.commands.looking import status, why
    from rmkit.commands.pages import gallery, report
    from rmkit.commands.results import results
    from rmkit.commands.running import check, run
    from rmkit.commands.score import score

    parser = _Parser(prog="rmkit", description="A notebook-first research bench for reward models.")
    parser.add_argument("--version", action=_Version, nargs=0, help="which rmkit this is, and which Python")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, function: object, *, positional: str = "study") -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=(function.__doc__ or "").split("\n")[0], description=function.__doc__)
        if positional == "stage":
            added.add_argument("stage", help="a stage: its number, its name or the beginning of it")
            added.add_argument("study", nargs="?", help="the study, by file or name (default: RMKIT_STUDY, else tiny)")
            added.add_argument("--study", dest="study_option", help=argparse.SUPPRESS)
        else:
            added.add_argument("study", nargs="?", help="the study, by file or name (default: RMKIT_STUDY, else tiny)")
        added.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="KEY=VALUE",
            help="set a parameter in every stage, and in each block of it",
        )
        added.set_defaults(command=function)
        return added

    runs = command("run", run)
    runs.add_argument("--only", metavar="STAGE", help="only this stage's jobs, and what they need: 04, or a name")
    runs.add_argument("--until", metavar="STAGE", help="no stage after this one")
    runs.add_argument(
        "--select",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="only jobs with this parameter; several: 5..9, [5, 9]",
    )
    runs.add_argument("--workers", type=_positive, metavar="N", help="processor threads to share (default: all cores)")
    runs.add_argument("--fail-fast", action="store_true", help="start no more jobs once one has failed")
    runs.add_argument("--time-limit", metavar="30m", help="end a job that runs longer (s, m, h; default: none)")
    runs.add_argument(
        "--memory-limit", metavar="4GB", help="end a job that uses more (MB, GB; default: 80%% of the machine's)"
    )
    runs.add_argument(
        "--fresh-kernels", action="store_true", help="start every kernel anew instead of forking it with its imports"
    )
    runs.add_argument("--dry-run", action="store_true", help="say what would run and what it would cost; run nothing")
    runs.add_argument(
        "--retry-failed", action="store_true", help="only jobs that failed last time, what they need and held up"
    )
    runs.add_argument("--yes", action="store_true", help="run more than 1,000 jobs without asking")
    runs.add_argument("--no-report", action="store_true", help="write no report at the end")
    runs.add_argument("--job", action="append", default=[], metavar="PLAN_ID", help="only this job, and what it needs")
    command("check", check)
    state = command("status", status)
    state.add_argument("--watch", action="store_true", help="follow the run that is going on, until it ends")
    table = command("results", results, positional="stage")
    table.add_argument(
        "--out",
        type=_path,
        metavar="FILE",
        help="a .csv or .parquet file of all rows, or of those that --select and --metric ask for",
    )
    table.add_argument("--rows", type=_positive, default=40, metavar="N", help="rows of a table to show (default: 40)")
    table.add_argument("--metric", action="append", default=[], metavar="NAME", help="this metric, at all settings")
    table.add_argument(
        "--select",
        action="append",
        default=[],
        metavar="COLUMN=VALUE",
        help="only rows with this value of a parameter or another column; several: 0.5..2, [1, 32]; null: no noise",
    )
    fits = commands.add_parser("fit", help=(fit.__doc__ or "").split("\n")[0], description=fit.__doc__)
    fits.add_argument(
        "pairs", nargs="+", type=_path, metavar="PAIRS", help="a file or folder of preference pairs, or several files"
    )
    fits.add_argument(
        "--encoder", metavar="NAME", help="a model that reads the texts: a folder or hub name (default: n-grams)"
    )
    fits.add_argument(
        "--language-model",
        metavar="NAME",
        help="a causal model that is fine-tuned as one more head: a folder or hub name (default: none)",
    )
    fits.add_argument("--out", type=_path, metavar="FOLDER", help="where the reward model goes")
    fits.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="set a parameter of the notebooks"
    )
    fits.add_argument("--workers", type=_positive, metavar="N", help="processor threads to share (default: all cores)")
    fits.add_argument("--dry-run", action="store_true", help="say how the rows are read and what it would cost")
    fits.set_defaults(command=fit)
    texts_scored = commands.add_parser("score", help=(score.__doc__ or "").split("\n")[0], description=score.__doc__)
    texts_scored.add_argument("model", type=_path, metavar="MODEL", help="a folder that `rmkit fit` wrote")
    texts_scored.add_argument("file", type=_path, metavar="FILE", help="a file or folder of responses, or of pairs")
    texts_scored.add_argument("--out", type=_path, metavar="FILE", help="a .csv or .parquet file of all scores")
    texts_scored.add_argument(
        "--rewardbench", type=_path, metavar="FOLDER", help="write RewardBench's files of pairs with a subset there"
    )
    texts_scored.add_argument("--rows", type=_positive, default=10, metavar="N", help="rows to show (default: 10)")
    texts_scored.set_defaults(command=score)
    whole = commands.add_parser("export", help=(export.__doc__ or "").split("\n")[0], description=export.__doc__)
    whole.add_argument("model", type=_path, metavar="MODEL|STUDY", help="a folder that `rmkit fit` wrote, or a study")
    whole.add_argument("--out", type=_path, metavar="FOLDER", required=True, help="where the model, or the data, go")
    whole.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="of a study: as for `run`")
    whole.set_defaults(command=export)
    scores = commands.add_parser("compare", help=(compare.__doc__ or "").split("\n")[0], description=compare.__doc__)
    scores.add_argument(
        "files", nargs="+", metavar="FILE", help="a score file, or NAME=FILE (.parquet, .csv, .json, .jsonl)"
    )
    scores.add_argument("--out", type=_path, metavar="FILE", help="a .csv, .parquet or .json file of all numbers")
    scores.add_argument("--rows", type=_positive, default=40, metavar="N", help="rows of a table to show (default: 40)")
    scores.set_defaults(command=compare)
    command("report", report)
    pages = command("gallery", gallery)
    pages.add_argument("--all", action="store_true", help="all finished jobs (default: one seed of each setting)")
    command("why", why, positional="stage")
    collect = commands.add_parser("gc", help=(gc.__doc__ or ""), description=gc.__doc__)
    collect.add_argument("--dry-run", action="store_true", help="list what would be removed; remove nothing")
    collect.add_argument("--yes", action="store_true", help="remove without asking")
    collect.add_argument(
        "--trials", action="store_true", help="remove trials too: what --set made (default: list them)"
    )
    collect.add_argument("--exports", action="store_true", help="remove files too that 08 exported")
    collect.add_argument(
        "--older-than", type=_days, default=7, metavar="DAYS", help="of drafts and damaged jobs only these (default: 7)"
    )
    collect.set_defaults(command=gc)
    texts = commands.add_parser("data", help=(data.__doc__ or ""), description=data.__doc__)
    texts.add_argument("name", choices=["hh-rlhf"], help="which preferences: a folder of data/")
    texts.add_argument("--url", metavar="URL", help="another place of the same file (default: the hub of Hugging Face)")
    texts.add_argument(
        "--encoder", metavar="FOLDER", help="compute features and lengths with all-MiniLM-L6-v2 from here"
    )
    texts.add_argument("--source", type=_path, metavar="FILE", help="the texts, if they are here already")
    texts.add_argument(
        "--out", type=_path, metavar="FOLDER", help="where what is computed goes (default: data/hh-rlhf)"
    )
    texts.set_defaults(command=data)
    return parser


class _Version(argparse.Action):
    """Says which rmkit this is, and ends: git is asked for no other command."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from rmkit.commands.version import version

        say(version())
        parser.exit()


def _days(text: str) -> int:
    if not NUMBER.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{quoted(text)} is not a whole number of days")
    return int(text)


def _path(text: str) -> Path:
    if not text:  # would name the folder one is in
        raise argparse.ArgumentTypeError("is empty; name a file or a folder")
    return Path(text)


def _positive(text: str) -> int:
    if not NUMBER.fullmatch(text) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{quoted(text)} is not a whole number from 1 to 999,999,999")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
