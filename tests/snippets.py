"""What README.md and the pages of docs/ show to be typed or pasted: fenced blocks, and code within a sentence.

A dated log (docs/log) says what was done then, and is not read here.
"""

import ast
import json
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from tests.small_project import REPOSITORY

PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
ASSIGNMENT = re.compile(r"[A-Z_]+=\S*")


@dataclass(frozen=True)
class Snippet:
    """One block, or one piece of code within a sentence."""

    page: Path
    line: int
    kind: str  # a fence's language, "" for a fence without one, "span" within a sentence
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(REPOSITORY)}:{self.line}"


def snippets() -> list[Snippet]:
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        blank = FENCE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)  # keeps the lines' numbers
        for match in FENCE.finditer(text):
            found.append(Snippet(page, text.count("\n", 0, match.start()) + 2, match.group(1), match.group(2)))
        for match in SPAN.finditer(blank):
            found.append(Snippet(page, blank.count("\n", 0, match.start()) + 1, "span", match.group(1)))
    return found


def of_kind(*kinds: str) -> list[Snippet]:
    return [snippet for snippet in snippets() if snippet.kind in kinds]


def command_lines() -> list[tuple[Snippet, list[str]]]:
    """(where, words) of each line that a shell would read, its comment, `&` and assignments before it taken away."""
    lines = [(each, line) for each in of_kind("sh") for line in each.text.splitlines() if line.strip()]
    lines += [
        (each, each.text) for each in of_kind("span") if re.match(r"([A-Z_]+=\S+ )*(rmkit|make|papermill) ", each.text)
    ]
    found = []
    for snippet, line in lines:
        words = shlex.split(line.removesuffix("&"), comments=True)
        while words and ASSIGNMENT.fullmatch(words[0]):
            words = words[1:]
        found.append((snippet, words))
    return found


def said_elsewhere() -> list[tuple[str, str]]:
    """(place, code) of each piece of code in what notebooks say, in the texts of rmkit's own code, and in its pages.

    What is filled in when a text is made stands here as `FILLED`.
    """
    found = []
    for path in sorted((REPOSITORY / "notebooks").glob("*.ipynb")):
        for number, cell in enumerate(json.loads(path.read_text(encoding="utf-8"))["cells"], 1):
            if cell["cell_type"] == "markdown":
                found += [(f"{path.name}, cell {number}", text) for text in SPAN.findall("".join(cell["source"]))]
    for path in sorted((REPOSITORY / "rmkit").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                text = "".join(part.value if isinstance(part, ast.Constant) else "FILLED" for part in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                text = node.value
            else:
                continue
            found += [(f"{path.relative_to(REPOSITORY)}:{node.lineno}", code) for code in SPAN.findall(text)]
    for path in sorted((REPOSITORY / "rmkit").rglob("*.j2")):
        text = re.sub(r"{{.*?}}", "FILLED", path.read_text(encoding="utf-8"))
        found += [(str(path.relative_to(REPOSITORY)), code) for code in re.findall(r"<code>(.*?)</code>", text)]
    return found
