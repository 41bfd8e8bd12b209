"""Models in transformers' folder format, by name: what trains one hands it over, what uses one finds its folder.

Knows folders; loads no model. A folder that is saved is linked file by file where the disk allows it, else copied.
"""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rmkit.errors import DataError


@dataclass(frozen=True)
class ModelFolders:
    """Named folders, each with a config.json, weights and a tokenizer."""

    folders: Mapping[str, Path]

    def __post_init__(self) -> None:
        for name, folder in self.folders.items():
            if not (folder / "config.json").exists():
                raise DataError(
                    f"{name}: {folder} holds no config.json; a model is a folder that save_pretrained wrote"
                )

    def save(self, folder: str | Path) -> None:
        """Put every model into a folder of its name under `folder`."""
        for name, source in self.folders.items():
            shutil.copytree(source, Path(folder) / name, copy_function=_link_or_copy)

    @classmethod
    def load(cls, folder: str | Path) -> "ModelFolders":
        """The models of a folder that `save` wrote, or DataError if there are none."""
        found = {path.name: path for path in sorted(Path(folder).glob("*")) if path.is_dir()}
        if not found:
            raise DataError(f"{folder}: holds no model; it must be a folder that ModelFolders.save wrote")
        return cls(found)


def _link_or_copy(source: str, target: str) -> str:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
    return target
