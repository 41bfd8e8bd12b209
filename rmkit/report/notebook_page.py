"""One executed notebook as one HTML page: prose, code and output, for a browser that runs and fetches nothing.

Texts of models and people, and markup in prose and output, stay letters; a content policy in the page's head forbids
scripts and requests whatever else is in it. Equations and pictures are inside the page. Source: nbconvert's templates;
W3C, Content Security Policy Level 3.
"""

import html
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rmkit.characters import HIDDEN, visible
from rmkit.machine.address_grammar import no_address_grammar
from rmkit.report.equations import equation_svg
from rmkit.report.markers import without_markers
from rmkit.report.templates import template
from rmkit.study.notebook_side.gathered import read_stored

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
# What an output of HTML may be made of; all other markup is shown as letters.
TEXT_TAGS = [
    "div",
    "span",
    "p",
    "br",
    "hr",
    "pre",
    "code",
    "b",
    "strong",
    "i",
    "em",
    "u",
    "s",
    "small",
    "sub",
    "sup",
    "a",
]
BLOCK_TAGS = [
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "ul",
    "ol",
    "li",
    "dl",
    "dt",
    "dd",
    "blockquote",
    "details",
    "summary",
]
TABLE_TAGS = ["table", "thead", "tbody", "tfoot", "tr", "th", "td", "caption", "colgroup", "col", "bdi"]
SPANS = ["colspan", "rowspan", "scope"]
ATTRIBUTES = {"*": ["style", "title", "dir"], "a": ["href"], "th": SPANS, "td": SPANS}
STYLES = ["text-align", "vertical-align", "white-space", "overflow-wrap", "width", "min-width", "max-width", "padding"]
STYLES += ["color", "background-color", "font-weight", "font-style", "font-variant-numeric", "border", "direction"]
PANDAS_STYLE = re.compile(r'<style(?: scoped| type="text/css")>(.*?)</style>', re.S)  # what pandas puts before a table
PANDAS_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
LONGEST_ALT = 160  # characters


def whole_notebook(path: Path) -> Any:
    """A notebook in the format of today; ValueError where it is none."""
    with no_address_grammar():
        import nbformat

    try:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
    except nbformat.ValidationError as fault:
        raise ValueError(str(fault)) from None
    return notebook


def notebook_page(path: Path, written: Path, facts: Mapping[str, str], target: Callable[[str], str | None]) -> str:
    """The page of the executed notebook at `path`, with today's prose of the notebook as it is `written`.

    facts: title, study, what (the job in words), seconds, key. target: where a relative link of the notebook leads from
    the page, None if nowhere.
    """
    with no_address_grammar():
        import nbformat
        from nbconvert import HTMLExporter
        from nbconvert.filters import Highlight2HTML

    notebook = read_stored(path, whole_notebook)
    today = nbformat.read(written, as_version=4)
    take_prose(notebook, today)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = without_markers(cell.source)
    name_figures(notebook)
    exporter = HTMLExporter(template_name="basic", raw_template=template("notebook.html.j2"))
    highlight = Highlight2HTML(pygments_lexer="python3")
    safe = {
        "plain": plain,
        "inert": inert,
        "read": reader(path.parent, target),
        "code": lambda text: highlight(visible(text)),
    }
    for name, show in safe.items():
        exporter.register_filter(name, show)
    shown = {"policy": POLICY, "style": template("gallery.css.j2"), **facts}
    page, _ = exporter.from_notebook_node(notebook, resources=shown)
    return str(page)


def take_prose(executed: Any, written: Any) -> None:
    """Give an executed notebook the prose that is written now, if both have the same code in the same places.

    Prose does not count in a job's key: what was stored may quote results of an earlier study.
    """
    cells = [cell for cell in executed.cells if "injected-parameters" not in cell.metadata.get("tags", [])]
    here, there = (
        [cell.source if cell.cell_type == "code" else None for cell in some] for some in (cells, written.cells)
    )
    if here == there:
        for cell, now in zip(cells, written.cells, strict=True):
            cell.source = now.source


def plain(text: str) -> str:
    """Printed text as HTML that holds no element: colours of a terminal left out, hidden characters as signs."""
    from nbconvert.filters import strip_ansi

    return html.escape(visible(strip_ansi(text)), quote=True)


def inert(text: str) -> str:
    """An output of HTML with its tables and emphasis; anything that could act, load or cover is shown as letters."""
    from nbconvert.preprocessors.sanitize import SanitizeHTML

    tags = [*TEXT_TAGS, *BLOCK_TAGS, *TABLE_TAGS]
    cleaner = SanitizeHTML(tags=tags, attributes=ATTRIBUTES, styles=STYLES, strip=False)
    kept = cleaner.sanitize_html_tags(with_styles_in_place(text))
    return visible(re.sub(r"&#?\w+;?", _hidden_entity, kept))


def with_styles_in_place(text: str) -> str:
    """A table of pandas with the rules of its style block written into the cells that they are for."""
    rules: dict[str, str] = {}
    for block in PANDAS_STYLE.findall(text):
        for selectors, declared in PANDAS_RULE.findall(block):
            for selector in selectors.split(","):
                rules[selector.strip()] = rules.get(selector.strip(), "") + " ".join(declared.split()) + " "

    def styled(match: re.Match[str]) -> str:
        return f'style="{html.escape(rules.get("#" + match.group(1), ""))}"'

    return re.sub(r'\bid="(T_\w+)"', styled, PANDAS_STYLE.sub("", text))


def reader(folder: Path, target: Callable[[str], str | None]) -> Callable[[str], str]:
    """What turns Markdown into HTML, its own markup shown as letters and its equations drawn.

    folder: where pictures that the prose names lie. target: as in `notebook_page`.
    """
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    class Renderer(IPythonRenderer):
        def block_math(self, body: str) -> str:
            return equation_svg(body, block=True)

        def inline_math(self, body: str) -> str:
            return equation_svg(body)

        def latex_environment(self, name: str, body: str) -> str:
            return equation_svg(body, block=True)

        def link(self, text: str, url: str, title: str | None = None) -> str:
            outside = url.startswith(("http://", "https://", "mailto:", "#"))
            leads = url if outside else None if ":" in url else target(url)
            return text if leads is None else str(super().link(text, leads, title))

        def image(self, text: str, url: str, title: str | None = None) -> str:
            shown = str(super().image(text, url, title))
            return shown if 'src="data:image/' in shown else f"[picture: {text}]"

    def read(text: str) -> str:
        renderer = Renderer(
            escape=True, allow_harmful_protocols=False, embed_images=True, exclude_anchor_links=True, path=str(folder)
        )
        return MarkdownWithMath(renderer=renderer).render(visible(text))

    return read


def name_figures(notebook: Any) -> None:
    """Give each picture what is said before it as its name, for those who do not see it."""
    said = ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            said = " ".join(re.sub(r"[*`#$]|\]\([^)]*\)|\[", "", cell.source.strip().split("\n\n")[-1]).split())
        for output in cell.get("outputs", []):
            if any(kind.startswith("image/") for kind in output.get("data", {})):
                cut = said if len(said) <= LONGEST_ALT else said[: LONGEST_ALT - 1] + "…"
                output.metadata.alt = visible(f"Figure. Said before it: {cut}" if cut else "Figure")


def _hidden_entity(match: re.Match[str]) -> str:
    """An entity, or what is shown for it where it stands for a character that hides or reorders."""
    meant = html.unescape(match.group())
    return meant if HIDDEN.search(meant) else match.group()
