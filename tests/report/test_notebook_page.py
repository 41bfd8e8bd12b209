"""An executed notebook as a page: what it shows, and that nothing in it runs, loads or hides."""

import base64
import io
import json
from html.parser import HTMLParser

import matplotlib

matplotlib.use("Agg")
import nbformat
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from rmkit.characters import HIDDEN, visible
from rmkit.report.equations import equation_svg
from rmkit.report.notebook_page import POLICY, inert, notebook_page, plain, reader
from tests.browser.hostile import HOSTILE
from tests.small_project import REPOSITORY

FACTS = {"title": "04 – Trial", "study": "Trial", "what": "04 seed=0", "seconds": "2 s", "key": "04-0123"}
ACTIVE = {"script", "iframe", "object", "embed", "form", "base", "link", "video", "audio", "frame", "button"}
PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()


class Read(HTMLParser):
    """The elements, attributes and text of a page."""

    def __init__(self, page):
        super().__init__()
        self.elements, self.attributes, self.text, self.ids = [], [], "", []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data):
        self.text += data


def page_of(tmp_path, *cells, target=lambda url: None):
    path = tmp_path / "notebook.ipynb"
    nbformat.write(new_notebook(cells=list(cells)), path)
    return notebook_page(path, path, FACTS, target)


@pytest.mark.parametrize(("code", "prose"), [("x = 1", "today"), ("x = 2", "then")])
def test_prose_is_todays_where_the_code_is_the_same(code, prose, tmp_path):
    injected = new_code_cell("x = 9", metadata={"tags": ["injected-parameters"]})
    executed = [new_code_cell("x = 1"), injected, new_markdown_cell("It was then.")]
    nbformat.write(new_notebook(cells=executed), tmp_path / "executed.ipynb")
    nbformat.write(new_notebook(cells=[new_code_cell(code), new_markdown_cell("It is today.")]), tmp_path / "now.ipynb")
    page = notebook_page(tmp_path / "executed.ipynb", tmp_path / "now.ipynb", FACTS, lambda url: None)
    assert prose in Read(page).text
    assert ({"today", "then"} - {prose}).pop() not in Read(page).text


def data(kind, text):
    return new_output("display_data", data={kind: text, "text/plain": "<Figure>"})


def hostile_cells(text):
    """A text in every place in which a notebook can show one."""
    outputs = [
        new_output("stream", name="stdout", text=text),
        new_output("stream", name="stderr", text=text),
        new_output("execute_result", data={"text/plain": text}, execution_count=1),
        *(data(kind, text) for kind in ("text/html", "text/markdown", "text/latex", "application/javascript")),
        data("image/svg+xml", f"<svg>{text}</svg>"),
        new_output("error", ename="E", evalue=text, traceback=[text]),
    ]
    return new_markdown_cell(f"# T\n\n{text}"), new_code_cell(f"# {text}", outputs=outputs)


@pytest.mark.parametrize("text", HOSTILE)
def test_what_others_wrote_stays_letters_and_signs_everywhere(tmp_path, text):
    page = page_of(tmp_path, *hostile_cells(text))
    read = Read(page)
    assert not ACTIVE & set(read.elements)
    assert not [name for _, name, _ in read.attributes if name.startswith("on")]
    for tag, name, value in read.attributes:
        if name in ("href", "src", "action", "srcset"):
            assert value.startswith(("data:image/", "index.html", "#")), (tag, value)
    assert not HIDDEN.search(read.text)
    said = " ".join(visible(plain_text(text)).split())
    assert " ".join(read.text.split()).count(said) >= 4  # printed twice, as a value, in the traceback


def plain_text(text):
    """What `plain` leaves of a text, as a reader sees it."""
    return Read(plain(text)).text


def test_a_page_forbids_scripts_and_requests_before_anything_else_is_read(tmp_path):
    page = page_of(tmp_path, new_markdown_cell("# T"))
    assert page.index("Content-Security-Policy") < page.index("<style")
    assert ("meta", "content", POLICY) in Read(page).attributes
    assert "default-src 'none'" in POLICY
    assert "script-src" not in POLICY


def test_tables_pictures_and_printed_text_are_shown(tmp_path):
    table = "<div>\n<style scoped>\n .dataframe tbody {}\n</style>\n<table border='1'><thead><tr><th>a</th></tr></thead><tbody><tr><td>7.5</td></tr></tbody></table></div>"
    code = new_code_cell(
        "x = 1  # one",
        outputs=[
            new_output("stream", name="stdout", text="\x1b[31mred\x1b[0m 5 < 6"),
            new_output("execute_result", data={"text/html": table, "text/plain": "a"}, execution_count=1),
            data("image/png", PIXEL),
        ],
    )
    read = Read(page_of(tmp_path, new_markdown_cell("# T\n\nLook for the *dip* at the end."), code))
    assert {"table", "td", "img", "em", "h1"} <= set(read.elements)
    for said in ("red 5 < 6", "7.5", "# one", "04 seed=0", "2 s"):
        assert said in read.text
    assert "dataframe" not in read.text
    (alt,) = [value for tag, name, value in read.attributes if (tag, name) == ("img", "alt")]
    assert "Look for the dip at the end." in alt


def test_what_prose_quotes_is_read_without_its_markers(tmp_path):
    prose = "# T\n\nA gain of <!-- finding d-optimal: both signed 3 -->+0.04 (0.01 to 0.07)<!-- . -->.<!-- finding x is shown -->"
    text = Read(page_of(tmp_path, new_markdown_cell(f"{prose} <!-- mine -->"))).text
    assert "A gain of +0.04 (0.01 to 0.07). <!-- mine -->" in text


@pytest.mark.parametrize("path", sorted((REPOSITORY / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_no_notebook_shows_a_marker(path, tmp_path):
    assert "<!--" not in Read(notebook_page(path, path, FACTS, lambda url: None)).text


def test_an_output_of_html_keeps_its_table_and_shows_the_rest_as_letters():
    shown = inert('<table><tr><td onclick="x()" colspan="2">a<script>b</script></td></tr></table>')
    read = Read(shown)
    assert ("td", "colspan", "2") in read.attributes
    assert "onclick" not in shown
    assert "<script>b</script>" in read.text
    assert "⟨RLO⟩" in inert("<b>&#x202e;abc &rlm; &lt;</b>")
    assert "&lt;" in inert("<b>&#x202e;abc &rlm; &lt;</b>")


def test_a_styled_table_of_pandas_keeps_its_styles_without_a_style_block():
    table = pd.DataFrame({"a": [1.25], "b": ["</td><script>x</script>"]}).style.format(precision=1, escape="html")
    shown = inert(table.map(lambda cell: "text-align: left; background-image: url(x)", subset=["a"]).to_html())
    read = Read(shown)
    assert not {"style", "script"} & set(read.elements)
    assert "#T_" not in shown
    (style,) = [value for tag, name, value in read.attributes if (tag, name) == ("td", "style") and value]
    assert style.strip() == "text-align: left;"
    assert "</td><script>x</script>" in read.text
    assert "<style>b {}</style>" in Read(inert("<style>b {}</style>")).text


def test_links_lead_to_the_web_or_where_they_are_told_to_and_otherwise_nowhere(tmp_path):
    places = {"04.ipynb": "04-page.html"}
    read = reader(tmp_path, places.get)
    assert 'href="04-page.html"' in read("[a](04.ipynb)")
    assert 'href="https://arxiv.org/abs/1"' in read("[a](https://arxiv.org/abs/1)")
    for gone in ("gone.md", "javascript:alert(1)", "file:///etc/passwd", "data:text/html,x"):
        assert "<a" not in read(f"[a]({gone})"), gone


def test_a_picture_beside_the_notebook_is_put_into_the_page_and_others_are_named(tmp_path):
    (tmp_path / "dot.png").write_bytes(b"\x89PNG")
    read = reader(tmp_path, lambda url: None)
    assert 'src="data:image/png;base64,' in read("![a dot](dot.png)")
    assert "<img" not in read("![far](https://example.org/far.png)")
    assert "[picture: far]" in read("![far](https://example.org/far.png)")


def equations():
    """Every equation of the repository's notebooks, read as the page reads them."""
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    found = {}

    class Collect(IPythonRenderer):
        def block_math(self, body):
            return found.setdefault(body, "")

        inline_math = block_math

    for path in sorted((REPOSITORY / "notebooks").glob("*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "markdown":
                MarkdownWithMath(renderer=Collect()).render("".join(cell["source"]))
    return list(found)


def test_every_equation_of_the_notebooks_is_drawn_and_named():
    found = equations()
    assert len(found) > 50
    for latex in found:
        drawn = equation_svg(latex)
        assert drawn.startswith("<svg aria-label="), latex
        assert 'd="M' in drawn, latex


def test_what_mathtext_cannot_read_stays_as_it_was_written():
    assert equation_svg(r"\begin{cases} x<1 \end{cases}") == r"<code>\begin{cases} x&lt;1 \end{cases}</code>"


def test_an_equation_is_as_high_as_its_text_and_taller_where_it_has_its_own_line():
    def height(svg):
        return float(svg.partition("height:")[2].partition("em")[0])

    assert 0.7 < height(equation_svg("n")) < 1.2
    assert height(equation_svg(r"\frac{a}{b}", block=True)) > height(equation_svg(r"\frac{a}{b}")) > 1


def test_what_a_page_needs_is_inside_it(tmp_path):
    """A figure drawn by matplotlib, an equation, code: no address but those of links."""
    import matplotlib.pyplot as plt

    figure, buffer = plt.figure(), io.BytesIO()
    figure.savefig(buffer, format="png")
    plt.close(figure)
    picture = data("image/png", base64.b64encode(buffer.getvalue()).decode())
    page = page_of(
        tmp_path, new_markdown_cell(r"$\beta$ and [a](https://arxiv.org)"), new_code_cell("1", outputs=[picture])
    )
    assert "@import" not in page
    assert "url(" not in page
    fetched = [value for _, name, value in Read(page).attributes if name in ("src", "srcset", "data", "poster")]
    assert len(fetched) == 1
    assert fetched[0].startswith("data:image/png;base64,")
