"""`gc` and `data`: what the store no longer needs, and texts that are no part of rmkit."""

import argparse
import sys

from rmkit.commands.request import says_yes
from rmkit.errors import ParamsError
from rmkit.study.monitoring.output import say
from rmkit.study.planning.project import find_project
from rmkit.study.store.disk import disk_faults
from rmkit.study.store.store import Store


def gc(options: argparse.Namespace) -> int:
    """List, and remove, what no study under params/ refers to any more."""
    project = find_project()
    from rmkit.study.housekeeping.garbage import EXPORTS, TRIALS, clean

    ask = (lambda _: True) if options.yes else says_yes if sys.stdin.isatty() else None
    store = Store(project.store)
    also = [name for name in (TRIALS, EXPORTS) if getattr(options, name)]
    for line in clean(project, store, older_than=options.older_than, dry_run=options.dry_run, ask=ask, also=also):
        say(line)
    return 0


def data(options: argparse.Namespace) -> int:
    """Download the texts behind stored preferences, or compute what is stored from them again."""
    from rmkit.worlds.human_preferences import texts

    if options.encoder is None and (given := next((name for name in ("source", "out") if getattr(options, name)), "")):
        raise ParamsError(f"--{given}: is for --encoder, which computes from the texts; give both, or neither")
    if options.source and options.url:
        raise ParamsError("--url: nothing is downloaded where --source gives the texts; give one of them")
    root = find_project().root
    folder, source = root / "data" / options.name, options.source or root / texts.DOWNLOADED
    if options.source is None:
        say(texts.download(source, url=options.url or texts.URL))
    if options.encoder is None:
        return 0
    from rmkit.machine.hardware import limit_threads
    from rmkit.worlds.human_preferences.computed_features import make_stored

    limit_threads(1)  # as the jobs that compute them anew: sums are added in one order
    say(f"{options.encoder}: reads every response after its prompt, a few minutes")
    with disk_faults(folder):
        say(make_stored(source, options.encoder, options.out or folder))
    return 0
