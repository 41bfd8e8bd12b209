"""The templates of the pages: their texts, and how they are filled in. Knows no page."""

from importlib import resources
from typing import Any

from rmkit.characters import visible


def template(name: str) -> str:
    """The text of a template."""
    return resources.files("rmkit.report").joinpath(name).read_text(encoding="utf-8")


def rendered(name: str, **values: Any) -> str:
    """A template filled in with values, whose texts are escaped and shown with hidden characters as signs."""
    import jinja2

    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, finalize=_shown)
    return environment.from_string(template(name)).render(**values)


def _shown(value: Any) -> Any:
    """What a template sets in: a text without hidden characters; markup, which its maker answers for, as it is."""
    return visible(value) if type(value) is str else value
