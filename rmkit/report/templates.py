"""The templates of the pages: their texts, and how they are filled in. Knows no page."""

from importlib import resources
from typing import Any


def template(name: str) -> str:
    """The text of a template."""
    return resources.files("rmkit.report").joinpath(name).read_text(encoding="utf-8")


def rendered(name: str, **values: Any) -> str:
    """A template filled in with values, whose texts are escaped."""
    import jinja2

    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(template(name)).render(**values)
