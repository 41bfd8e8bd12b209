"""Paths that name what is no file, or have names that nobody expects, wherever rmkit takes a path."""

import os
import random
import socket
from contextlib import suppress
from pathlib import Path

from tests.fuzzing import odd
from tests.fuzzing.places import Place
from tests.fuzzing.trial import Trial

ROLES = {  # a parameter that names a file or folder: a study whose jobs take it, and endings that it may have
    "pairs_file": ("pairs", (".jsonl", ".jsonl.gz", ".json", "")),
    "preferences_folder": ("pairs", ("",)),
    "embeddings_folder": ("arrays", ("",)),
    "grammar_folder": ("world", ("",)),
    "findings_folder": ("statements", ("",)),
    "base_model": ("models", ("",)),
    "gold_model": ("models", ("",)),
    "encoder": ("models", ("",)),
}
INSIDE = {  # files that are read inside a folder that a parameter names
    "preferences_folder": ("about.json", "features.safetensors", "prompts.csv"),
    "embeddings_folder": ("embd_train.npy", "reward_train.npy", "embd_test.npy", "reward_test.npy"),
    "grammar_folder": ("helpful.yaml", "answers.yaml", "gold.yaml"),
    "findings_folder": ("a.yaml", "b.yaml"),
    "base_model": ("config.json",),
    "gold_model": ("config.json",),
    "encoder": ("config.json",),
}
NO_FILES = (
    "fifo",
    "socket",
    "zero",
    "full",
    "null",
    "tty",
    "stdin",
    "broken",
    "loop",
    "folder",
    "empty",
    "self",
    "mem",
    "large",
    "locked",
)
DEVICES = {
    "zero": "/dev/zero",
    "full": "/dev/full",
    "null": "/dev/null",
    "tty": "/dev/tty",
    "stdin": "/dev/stdin",
    "mem": "/proc/self/mem",
}
PLAIN = (
    "/",
    "/dev/zero",
    "/dev/stdin",
    "/dev/fd/0",
    "/proc/self/mem",
    "/proc/kmsg",
    "..",
    ".",
    "~",
    "~root/x",
    "//",
    "/tmp/",
    "x/" * 2000,
    "data/",
)


def some_path(draw: random.Random, place: Place) -> Trial:
    """A parameter, a study's own path, an output or the environment names something odd."""
    role = draw.choice((*ROLES, *ROLES, "study", "home", "store", "source"))
    if role in ROLES:
        study, endings = ROLES[role]
        if role in INSIDE and draw.random() < 0.35:
            folder = place.input / "folder"
            folder.mkdir()
            made(draw.choice(NO_FILES), folder / draw.choice(INSIDE[role]))
            name = str(folder)
        else:
            name = odd_path(draw, place, draw.choice(endings))
        return Trial(("check", study, *set_to(draw, place, role, name)), place, (0, 2))
    if role == "study":
        return Trial(
            (draw.choice(("check", "status")), _argument(odd_path(draw, place, draw.choice((".yaml", ".yml", ""))))),
            place,
            (0, 2),
        )
    if role == "source":
        option = draw.choice(("--source", "--url", "--encoder"))
        path = _argument(odd_path(draw, place, ".jsonl.gz"))
        given = (f"{option}={'file://' * (option == '--url')}{path}",)
        given += (f"--source={place.input}/none",) if option != "--source" else ()
        return Trial(("data", "hh-rlhf", "--url=file:///nothing", *given), place)
    variable = {"home": "RMKIT_HOME", "store": "RMKIT_STORE"}[role]
    return Trial(("status", "pairs"), place, environment={variable: _argument(odd_path(draw, place, ""))})


def set_to(draw: random.Random, place: Place, parameter: str, name: str) -> tuple[str, ...]:
    """How a study is told the name: on the command line, in quotes of YAML; with what makes the parameter count."""
    quoted = (
        '"' + "".join(f"\\U{ord(sign):08x}" if not sign.isalnum() or ord(sign) > 126 else sign for sign in name) + '"'
    )
    also = ("--set", "features=all-MiniLM-L6-v2") if parameter == "encoder" else ()
    return ("--set", f"{parameter}={quoted}", *also)


def odd_path(draw: random.Random, place: Place, ending: str) -> str:
    """A path: of something that is no regular file, with an odd name, or of nothing."""
    way = draw.random()
    if way < 0.5:
        path = place.input / f"thing{ending}"
        made(draw.choice(NO_FILES), path)
        return draw.choice((str(path), str(path), f"{path}/", f"{path}/x{ending}"))
    if way < 0.65:
        return draw.choice(PLAIN)
    name = (
        draw.choice(
            (odd.name(draw), "\x00", "a\x00b", "\udcff", "x" * 255, "é" * 200, "{x} y", "a\r\nb", "-", "--set", " ")
        )
        + ending
    )
    path = place.input / name.replace("/", "_")
    with suppress(OSError, ValueError):  # a name that this system refuses is tried all the same
        kind = draw.choice(("file", "folder", "fifo", "nothing"))
        path.write_bytes(b"{}\n") if kind == "file" else made(kind, path)
    return str(place.input / name) if draw.random() < 0.8 else name


def made(kind: str, path: Path) -> None:
    """Make something at a path; `nothing` and what it does not know make nothing."""
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as held, suppress(OSError):  # a path of over 108 bytes has none
            held.bind(str(path))
    elif kind in DEVICES:
        path.symlink_to(DEVICES[kind])
    elif kind in ("broken", "loop", "self"):
        path.symlink_to({"broken": "nowhere", "loop": path.name, "self": "."}[kind])
    elif kind in ("folder", "empty"):
        path.mkdir()
        if kind == "folder":
            os.mkfifo(path / "fifo.yaml")
            (path / "file").write_bytes(b"x")
            (path / "loop").symlink_to("..")
    elif kind == "large":
        with path.open("wb") as file:
            file.truncate(2 * 10**9)
    elif kind == "locked":
        path.write_bytes(b"x\n")
        path.chmod(0)


def _argument(text: str) -> str:
    """What a command line can carry: no NUL."""
    return text.replace("\x00", "")
