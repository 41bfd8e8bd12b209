"""Times and sizes as people type them: 90s, 30m, 2h; 500MB, 4GB.

Knows units; not what is measured.
"""

import re

from rmkit.errors import ParamsError, quoted

SECONDS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}
MOST = 1e9  # of any unit: beyond it, a number was meant otherwise
BYTES = {"MB": 1e6, "GB": 1e9, "TB": 1e12, "MiB": 2.0**20, "GiB": 2.0**30, "TiB": 2.0**40}


def seconds(text: str, where: str) -> float:
    """Seconds from a number and a unit, as 30m; ParamsError that lists the units."""
    return _quantity(text, SECONDS, where)


def size(text: str, where: str) -> int:
    """Bytes from a number and a unit, as 4GB; ParamsError that lists the units."""
    return int(_quantity(text, BYTES, where))


def size_text(size: float) -> str:
    """4.2 GB, 310 MB, 12 kB."""
    for unit, bytes_ in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if size >= bytes_:
            return f"{size / bytes_:.{1 if size < 100 * bytes_ and unit != 'MB' else 0}f} {unit}"
    return f"{size / 1e3:.0f} kB"


def _quantity(text: str, units: dict[str, float], where: str) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([A-Za-z]+)", text.strip())
    known = {unit.lower(): factor for unit, factor in units.items()}
    if not found or found[2].lower() not in known or not 0 < float(found[1]) < MOST:
        example = "30m" if units is SECONDS else "4GB"
        raise ParamsError(
            f"{where}: {quoted(text)} is not a number above 0 with a unit ({', '.join(units)}), as {example}"
        )
    return float(found[1]) * known[found[2].lower()]
