"""What can be typed behind `rmkit`: stages, selections, plan ids, numbers and limits, in commands that only look."""

import random

from tests.fuzzing import odd
from tests.fuzzing.places import STUDIES, Place
from tests.fuzzing.studies import ACCEPTS_OR_REFUSES, an_assignment, declared
from tests.fuzzing.trial import Trial

IDS = ("04_reward_models-0123456789abcdef", "x-0", "0" * 16, "../jobs", "*", "04")
QUANTITIES = (
    "30m",
    "4GB",
    "1h",
    "-1",
    "0",
    "0s",
    "1e999",
    "nan",
    "inf",
    "9" * 400,
    "5 parsecs",
    "٣m",
    "1.5h",
    "",
    "GB",
    "1e400GB",
)
NUMBERS = ("0", "-1", "1", "2", "9" * 400, "9" * 5000, "٣", "²", "1.5", "x", "", "1_0", " 3", "+3")
SMALL = ("00_numbers", "01_sums")


def stage(draw: random.Random, place: Place) -> str:
    """A stage as somebody may write it: whole, its number, misspelt, or no stage at all."""
    name = draw.choice(list(declared()) if place.is_checkout else SMALL)
    short = (name.partition("_")[0], name.partition("_")[2], str(int(name[:2])))
    return draw.choice((name, name, *short, odd.misspelt(draw, name), odd.name(draw), odd.fragment(draw)[:3000]))


def selection(draw: random.Random, place: Place) -> Trial:
    """`run --dry-run` with --only, --until, --select and --job."""
    given: list[str] = []
    for _ in range(draw.choice((1, 1, 2, 3))):
        option = draw.choice(("--only", "--until", "--select", "--select", "--job"))
        value = {"--select": an_assignment, "--job": an_id}.get(option, lambda draw: stage(draw, place))(draw)
        given.append(f"{option}={value}".replace("\x00", ""))
    study = draw.choice(("models", "people", "world")) if place.is_checkout else "small"
    return Trial(("run", "--dry-run", study, *given), place, ACCEPTS_OR_REFUSES)


def an_id(draw: random.Random) -> str:
    return draw.choice((*IDS, odd.name(draw), odd.fragment(draw)[:3000]))


def rows_and_reasons(draw: random.Random, place: Place) -> Trial:
    """`results` and `why` of odd stages and studies."""
    study = draw.choice(("small", "small", "small", odd.name(draw), odd.misspelt(draw, "small")))
    studies = () if draw.random() < 0.1 else (study,)
    given = [f"--set=powers={odd.fragment(draw)}"] if draw.random() < 0.2 else []
    if draw.random() < 0.5:
        arguments = ("why", stage(draw, place), *studies, *given)
    else:
        options = [f"--rows={draw.choice(NUMBERS)}", f"--out={draw.choice(outs(place))}", f"--select={of_rows(draw)}"]
        options.append(f"--metric={draw.choice(('total', 'sum', 'reason', odd.name(draw), odd.fragment(draw)[:300]))}")
        options = draw.sample(options, draw.choice((0, 1, 1, 2, 3)))
        arguments = ("results", stage(draw, place), *studies, *given, *options)
    return Trial(tuple(text.replace("\x00", "") for text in arguments), place)


def of_rows(draw: random.Random) -> str:
    """An assignment to a column of result rows."""
    name = draw.choice(("power", "seed", "param_seed", "powers", "metric", "value", "units", "fit", odd.name(draw)))
    value = draw.choice(
        ("1", "[0, 1]", "0..5", "0.5..2", "5..0", "null", "nan..inf", "9e999", odd.fragment(draw)[:300])
    )
    return draw.choice((f"{name}={value}", f"{name}={value}", an_assignment(draw)))


def outs(place: Place) -> tuple[str, ...]:
    """Where a table may be asked to go."""
    folder = str(place.input)
    names = (
        "a.csv",
        "a.parquet",
        "a.CSV",
        "a.xlsx",
        "a",
        "",
        ".csv",
        "no/a.csv",
        f"{'x' * 300}.csv",
        "{x} y.csv",
        "\x1b[31m.csv",
    )
    return (*(f"{folder}/{name}" for name in names), "/dev/full", "/dev/null", "/proc/a.csv", "/", "")


def command_line(draw: random.Random, place: Place) -> Trial:
    """Any command with any options; none of them writes."""
    study = draw.choice((*STUDIES, odd.name(draw), "small", "")) if place.is_checkout else "small"
    options = {
        "run": (
            *(f"--workers={draw.choice(NUMBERS)}", f"--time-limit={draw.choice(QUANTITIES)}", "--retry-failed"),
            *(f"--memory-limit={draw.choice(QUANTITIES)}", "--fail-fast", "--fresh-kernels", "--no-report", "--nope"),
        ),
        "check": ("--set", "--only=x", "-h", "--set=", "--"),
        "status": ("--watch", "-x", "--rows=3"),
        "results": (f"--rows={draw.choice(NUMBERS)}", "--out"),
        "why": ("--watch",),
        "gc": (f"--older-than={draw.choice(NUMBERS)}", "--yess"),
        "data": (
            f"--url={odd.name(draw)}",
            "--url=http://127.0.0.1:1/",
            "--url=file:///nothing",
            "--url=http://[",
            "--url=x://y",
        ),
        odd.name(draw): (),
        draw.choice(("chekc", "--version", "-h", "--help", "ru", "")): (),
    }
    command = draw.choice(list(options))
    given = draw.sample(options[command], min(len(options[command]), draw.randrange(3)))
    fixed = {
        "run": ("--dry-run", study),
        "gc": ("--dry-run",),
        "data": (draw.choice(("hh-rlhf", odd.name(draw))), f"--source={place.input}/x"),
    }
    arguments = (command, *given, *fixed.get(command, (study,)))
    return Trial(tuple(text.replace("\x00", "") for text in arguments), place)
