"""What an annotator may be called: a name that every file of labels can hold, and gives back as it was."""

import re

from rmkit.errors import ParamsError, quoted

NAME = re.compile(r"\w(?:[\w .@+-]{0,38}[\w])?")


def check_annotator(name: str) -> str:
    """The name, or ParamsError for what no file of labels could hold."""
    if not isinstance(name, str) or not NAME.fullmatch(name) or name.endswith(".0"):
        raise ParamsError(
            f"annotator: {quoted(name)} is no name; give 1 to 40 letters or digits, inside also blanks and .@+-_"
        )
    return name
