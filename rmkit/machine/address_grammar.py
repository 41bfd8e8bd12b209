"""jsonschema, imported without its grammar of addresses: seconds less wherever notebooks are read.

If JupyterLab brought `rfc3987_syntax` along, jsonschema compiles a grammar of internationalised addresses when it is
imported. No notebook holds such an address. jsonschema does without where the package cannot be imported, so it is kept
from it here, and from nobody else.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

GRAMMAR = "rfc3987_syntax"


@contextmanager
def no_address_grammar() -> Iterator[None]:
    """What is imported in here finds no such grammar; where it, or jsonschema, is loaded already, nothing changes."""
    hidden = GRAMMAR not in sys.modules and "jsonschema" not in sys.modules
    if hidden:
        sys.modules[GRAMMAR] = None  # type: ignore[assignment]  # an import of it raises ImportError
    try:
        yield
    finally:
        if hidden:
            del sys.modules[GRAMMAR]
