"""A table that one stage hands to another: rows of texts and numbers in one Parquet file.

Knows the file's format; what the columns mean is said where the table is made.
"""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from rmkit.errors import DataError


@dataclass(frozen=True, eq=False)
class Table:
    """Rows with named columns; the index is not kept."""

    rows: pd.DataFrame

    def save(self, folder: str | Path) -> None:
        """Write the table into a folder, made if need be; equal tables give equal bytes."""
        Path(folder).mkdir(parents=True, exist_ok=True)
        self.rows.to_parquet(Path(folder) / "table.parquet", index=False)

    @classmethod
    def load(cls, folder: str | Path) -> "Table":
        """The table of a folder that `save` wrote, or DataError."""
        path = Path(folder) / "table.parquet"
        if not path.exists():
            raise DataError(f"{folder}: holds no table.parquet; it must be a folder that Table.save wrote")
        try:
            return cls(pd.read_parquet(path))
        except (OSError, ValueError) as fault:  # pyarrow's errors are ValueErrors
            raise DataError(f"{path}: cannot be read ({str(fault).splitlines()[0]}); make it again") from None
