"""Studies that are wrong in some place: the shipped ones and short ones, changed as trees or as bytes; `--set`."""

import random
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.fuzzing import odd
from tests.fuzzing.places import STUDIES, Place
from tests.fuzzing.trial import Trial

COMMANDS = (("check",), ("check",), ("check",), ("run", "--dry-run"), ("status",))
ACCEPTS_OR_REFUSES = (0, 2)


@cache
def texts(params: Path) -> Mapping[str, str]:
    """The studies of a folder, by name."""
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(params.glob("*.yaml"))}


@cache
def declared() -> Mapping[str, Mapping[str, Any]]:
    """The parameters that each notebook of the checkout declares, by stage and name."""
    from rmkit.study.planning.notebook import declared, read_notebook
    from tests.small_project import REPOSITORY

    notebooks = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))
    return {path.stem: declared(read_notebook(path)) for path in notebooks}


def some_study(draw: random.Random, place: Place) -> str:
    """A study's name, a short one nine times of ten: a check of a long one takes a second."""
    if place.is_checkout and draw.random() < 0.9:
        return draw.choice(list(STUDIES))
    return draw.choice(list(texts(place.root / "params")))


def study(draw: random.Random, place: Place) -> Trial:
    """One to four places of a study's tree changed."""
    name = some_study(draw, place)
    tree = yaml.safe_load(texts(place.root / "params")[name])
    for _ in range(draw.choice((1, 1, 2, 4))):
        tree = _changed(draw, tree)
    return _tried(draw, place, written(tree).encode("utf-8", "surrogatepass"))


def study_bytes(draw: random.Random, place: Place) -> Trial:
    """The text of a study with some bytes changed."""
    return _tried(draw, place, odd.changed_bytes(draw, texts(place.root / "params")[some_study(draw, place)].encode()))


def assignment(draw: random.Random, place: Place) -> Trial:
    """`--set` with odd names and values, once or twice."""
    given: list[str] = []
    for _ in range(draw.choice((1, 1, 1, 2))):
        given += ["--set", an_assignment(draw)]
    command = draw.choice(COMMANDS)
    return Trial((*command, some_study(draw, place), *given), place, ACCEPTS_OR_REFUSES)


def fitting(draw: random.Random, name: str) -> Any:
    """A value that some notebook takes for a parameter, most likely."""
    parameter = draw.choice([parameters[name] for parameters in declared().values() if name in parameters])
    choices = (parameter.kind.of or parameter.kind).choices
    default = parameter.default
    if choices:
        some = draw.sample(choices, draw.randrange(1, len(choices) + 1))
        return some if parameter.kind.of or draw.random() < 0.2 else some[0]
    if isinstance(default, list) and default:
        return draw.sample(default, draw.randrange(1, len(default) + 1))
    if isinstance(default, int | float) and not isinstance(default, bool):
        return draw.choice((default, default * 2, default + 1, [default, default + 1], "3..5"))
    return default


def an_assignment(draw: random.Random) -> str:
    """KEY=VALUE, mostly of a name that some notebook declares."""
    names = sorted({name for some in declared().values() for name in some})
    if draw.random() < 0.3:
        name = draw.choice(names)
        return f"{name}={written(fitting(draw, name), 9)}"
    name = draw.choice(names) if draw.random() < 0.85 else draw.choice((odd.name(draw), odd.misspelt(draw, "seed")))
    value = odd.fragment(draw) if draw.random() < 0.8 else written(draw.choice(odd.VALUES)).strip()
    text = f"{name}={value}" if draw.random() < 0.97 else draw.choice((name, value, "=", f"={value}", ""))
    return text.replace("\x00", "")[:100_000]


def _tried(draw: random.Random, place: Place, content: bytes) -> Trial:
    path = place.input / "study.yaml"
    path.write_bytes(content)
    return Trial((*draw.choice(COMMANDS), str(path)), place, ACCEPTS_OR_REFUSES, shown=repr(content[:300]))


def _changed(draw: random.Random, tree: Any) -> Any:
    """The tree with one place changed: a fragment of YAML, another value, a parameter more, a long list or grid."""
    if not isinstance(tree, dict):
        return odd.changed_tree(draw, tree, odd.VALUES)
    values = (odd.Raw(odd.fragment(draw)), odd.Raw(odd.fragment(draw)), *odd.VALUES)
    names = sorted({name for some in declared().values() for name in some})
    stages = tree.get("stages")
    if (
        draw.random() < 0.35
        and isinstance(stages, dict)
        and (known := [stage for stage in stages if stage in declared()])
    ):
        stage = draw.choice(known)
        block = {name: fitting(draw, name) for name in draw.sample(list(declared()[stage]), 1)}
        return tree | {"stages": stages | {stage: block}}
    match draw.randrange(8):
        case 0:
            section = draw.choice(("parameters", "axes"))
            given = tree.get(section) if isinstance(tree.get(section), dict) else {}
            value = draw.choice(values) if section == "parameters" else [draw.choice(values)]
            return tree | {section: given | {draw.choice(names): value}}
        case 1:
            points = list(range(draw.choice((2, 40, 600, 5000))))
            axes = dict.fromkeys(draw.sample(("seed", "world_seed", "n_labels", "n_folds", "flip"), 3), points)
            return tree | {"axes": axes}
        case 2 if isinstance(stages, dict):
            stage = draw.choice(list(declared()))
            block = {draw.choice(list(declared()[stage])): draw.choice(values)}
            return tree | {
                "stages": stages | {stage: [block] * draw.choice((1, 2, 50)) if draw.random() < 0.3 else block}
            }
        case 3:
            return tree | {draw.choice(("title", "question", odd.name(draw))): draw.choice(values)}
        case _:
            return odd.changed_tree(draw, tree, values)


def written(tree: Any, depth: int = 0) -> str:
    """A tree as YAML, fragments as they are: the first levels in lines of their own, what is below in brackets."""
    if isinstance(tree, odd.Raw):
        return tree.text
    if isinstance(tree, dict) and depth < 3 and tree:
        lines = [f"\n{'  ' * depth}{_scalar(key)}: {written(value, depth + 1)}" for key, value in tree.items()]
        return "".join(lines)
    if isinstance(tree, dict):
        return "{" + ", ".join(f"{_scalar(key)}: {written(value, 9)}" for key, value in tree.items()) + "}"
    if isinstance(tree, list):
        return "[" + ", ".join(written(value, 9) for value in tree) + "]"
    return _scalar(tree)


def _scalar(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str) and not value.isidentifier():
        return yaml.dump(value, default_style='"', width=10**6, allow_unicode=True).strip()
    return str(value)
