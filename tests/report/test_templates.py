from rmkit.characters import HIDDEN
from rmkit.report import templates
from rmkit.report.glossary import Glossary

HOSTILE = "\x1b[31mred\u202egnol <b>\x00\ud800"


def test_texts_of_a_page_show_hidden_characters_as_signs_and_markup_as_letters(monkeypatch):
    monkeypatch.setattr(templates, "template", lambda _: "<h1>{{ title }}</h1>{{ terms.marked(title) }}{{ 1.5 }}")
    page = templates.rendered("any", title=HOSTILE, terms=Glossary())
    assert not HIDDEN.search(page)
    shown = "␛[31mred⟨RLO⟩gnol &lt;b&gt;␀�"
    assert page == f"<h1>{shown}</h1>{shown}1.5"
