"""YAML as people write it: one reader for studies, `--set`, findings and grammar files; every mistake one sentence.

Takes what JSON can say, in YAML's notation: text, numbers, true, false, null, lists, and mappings from names. Anchors
and merge keys are taken, as long as what they expand to stays small. Knows YAML; not what a value is for. Source of
what is refused: YAML 1.1 (tags, aliases), and the attack of nested aliases known as billion laughs.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from rmkit.errors import ParamsError, RmkitError, cut, quoted
from rmkit.files.regular import YAML_BYTES, read_bytes

MOST_VALUES = 20_000  # in one text, each counted as often as aliases repeat it
DEEPEST = 20  # lists and mappings inside each other
MOST_DIGITS = 300  # of a number
NO_CHARACTER = re.compile("[\x00\ud800-\udfff]")  # no file name, no UTF-8 and no page can hold it
LONGEST_KEY = 200  # characters
PLAIN = {f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float", "str", "merge")}
NUMBERS = {"tag:yaml.org,2002:int": "a whole number", "tag:yaml.org,2002:float": "a number"}


def read_yaml(path: Path, where: str, error: type[RmkitError] = ParamsError) -> Any:
    """The value of a regular YAML file, or `error` in one line; what the system says of the file is an OSError."""
    content = read_bytes(path, YAML_BYTES)
    try:
        return parsed_yaml(content.decode("utf-8-sig"), where, error)
    except UnicodeDecodeError as fault:
        line = content[: fault.start].count(b"\n") + 1
        raise error(f"{where}: line {line}: is not UTF-8 text; save the file as UTF-8") from None


def parsed_yaml(text: str, where: str, error: type[RmkitError] = ParamsError) -> Any:
    """A YAML text's value, or `error` in one line that begins with `where` and the line of the text."""
    if len(text) > YAML_BYTES:
        raise error(f"{where}: holds more than {YAML_BYTES / 2**20:g} MB; no YAML that rmkit takes does")
    try:
        return yaml.load(text, Loader=lambda stream: Loader(stream, where, error))  # type: ignore[arg-type]
    except yaml.reader.ReaderError as fault:
        line = text[: fault.position].count("\n") + 1
        raise error(f"{where}: line {line}: holds U+{fault.character:04X}, which no YAML text may hold") from None
    except yaml.MarkedYAMLError as fault:
        mark = fault.problem_mark or fault.context_mark
        at = f" line {mark.line + 1}:" if mark else ""
        problem = " ".join(str(fault.problem).split())
        said = f"{fault.context}, {problem}" if problem.startswith("but ") else problem
        raise error(f"{where}:{at} not YAML: {cut(said)}") from None


class Loader(yaml.SafeLoader):
    """PyYAML's safe loader, which here refuses what no file of rmkit needs: tags, dates, odd keys, and any excess."""

    def __init__(self, stream: str, where: str, error: type[RmkitError]) -> None:
        super().__init__(stream)
        self.where, self.error = where, error
        self.values, self.depth = 0, 0
        self.sizes: dict[int, int] = {}  # of each finished node: the values in it, aliases written out

    def refuse(self, mark: Any, problem: str) -> RmkitError:
        """The error to raise: where, which line, what. mark: PyYAML's, with a line from 0."""
        return self.error(f"{self.where}: line {mark.line + 1}: {problem}")

    def scan_flow_scalar(self, style: str) -> yaml.ScalarToken:
        try:
            return super().scan_flow_scalar(style)
        except (ValueError, OverflowError):  # of `chr`: PyYAML looks at all that is spelt but at this
            problem = "text spells a character beyond the last one, \\U0010ffff"
            raise self.refuse(self.get_mark(), problem) from None

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()
        if isinstance(event, yaml.AliasEvent):
            node = super().compose_node(parent, index)
            if id(node) not in self.sizes:
                raise self.refuse(event.start_mark, f"*{quoted_name(str(event.anchor))} lies inside what it stands for")
            self._count(self.sizes[id(node)], event.start_mark)
            return node
        if event.tag is not None and event.tag != "!":
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            raise self.refuse(
                event.start_mark, f"the tag {quoted_name(tag)}; write the value without one, text in quotes"
            )
        before, self.depth = self.values, self.depth + 1
        self._count(1, event.start_mark)
        if self.depth > DEEPEST:
            raise self.refuse(event.start_mark, f"lists and mappings lie over {DEEPEST} deep; write fewer levels")
        node = super().compose_node(parent, index)
        self.depth -= 1
        self.sizes[id(node)] = self.values - before
        return node

    def compose_scalar_node(self, anchor: Any) -> yaml.ScalarNode:
        node = super().compose_scalar_node(anchor)
        if node.tag not in PLAIN:  # a date, `=`: no kind of value here
            node.tag = "tag:yaml.org,2002:str"
        if found := NO_CHARACTER.search(node.value):
            raise self.refuse(node.start_mark, f"text holds U+{ord(found[0]):04X}, which is no character; take it out")
        return node

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise self.refuse(key.start_mark, "a key must be a name")
            if len(key.value) > LONGEST_KEY:
                raise self.refuse(key.start_mark, f"a key of {len(key.value):,} characters; {LONGEST_KEY} are the most")
            if key.tag not in ("tag:yaml.org,2002:str", "tag:yaml.org,2002:merge"):
                kind = key.tag.rpartition(":")[2]
                raise self.refuse(
                    key.start_mark, f"the key {key.value} reads as {kind}, not as a name; put it in quotes"
                )
            if key.value in seen:
                raise self.refuse(key.start_mark, f"{key.value} is listed twice; keep one")
            seen.add(key.value)
        return node

    def _count(self, values: int, mark: Any) -> None:
        self.values += values
        if self.values > MOST_VALUES:
            raise self.refuse(mark, f"over {MOST_VALUES:,} values, those of aliases counted each time; write fewer")


def quoted_name(name: str) -> str:
    """A tag's or an anchor's name as messages show it."""
    return quoted(name)[1:-1]


def _number(read: Callable[[Loader, yaml.ScalarNode], Any]) -> Callable[[Loader, yaml.ScalarNode], Any]:
    """A reader of numbers that refuses what only looks like one, as `0x_`, and a number of thousands of digits."""

    def number(loader: Loader, node: yaml.ScalarNode) -> Any:
        if len(node.value) > MOST_DIGITS:
            found = f"a number of {len(node.value):,} characters; {MOST_DIGITS} are the most"
            raise loader.refuse(node.start_mark, found)
        try:
            return read(loader, node)
        except (ValueError, OverflowError):
            what = f"{quoted(node.value)} is not {NUMBERS[node.tag]}; put it in quotes if it is text"
            raise loader.refuse(node.start_mark, what) from None

    return number


Loader.add_constructor("tag:yaml.org,2002:int", _number(yaml.SafeLoader.construct_yaml_int))
Loader.add_constructor("tag:yaml.org,2002:float", _number(yaml.SafeLoader.construct_yaml_float))
