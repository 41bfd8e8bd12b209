"""papermill, imported in a third of the time.

jsonschema, which papermill needs, compiles a grammar of internationalised addresses when it is imported (2 s of 3), if
JupyterLab brought `rfc3987_syntax` along. No notebook holds such an address. jsonschema does without where the package
cannot be imported, so it is kept from it here, and from nobody else.
"""

import sys

GRAMMAR = "rfc3987_syntax"

_hidden = GRAMMAR not in sys.modules and "jsonschema" not in sys.modules
if _hidden:
    sys.modules[GRAMMAR] = None  # type: ignore[assignment]  # an import of it raises ImportError
try:
    import papermill as papermill
    from nbclient.exceptions import DeadKernelError as DeadKernelError
finally:
    if _hidden:
        del sys.modules[GRAMMAR]
