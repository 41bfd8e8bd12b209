"""Model folders come back by name, byte for byte, and what is no model is one line."""

import os

import pytest

from rmkit.artifacts.model_folders import ModelFolders
from rmkit.errors import DataError

FILES = {
    "config.json": b'{"model_type": "llama"}',
    "model.safetensors": bytes(range(256)),
    "deep/tokenizer.json": b"{}",
}


@pytest.fixture
def models(tmp_path):
    def make(name):
        folder = tmp_path / "made" / f"some {name}"
        for path, content in FILES.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content + name.encode())
        return folder

    return ModelFolders({name: make(name) for name in ("grammar-s", "grammar-m")})


def content(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_models_come_back_by_name_with_every_byte(models, tmp_path):
    models.save(tmp_path / "saved")
    loaded = ModelFolders.load(tmp_path / "saved")
    assert loaded.folders == {name: tmp_path / "saved" / name for name in ("grammar-m", "grammar-s")}
    for name, folder in models.folders.items():
        assert (
            content(loaded.folders[name])
            == content(folder)
            == {path: FILES[path] + name.encode() for path in sorted(FILES)}
        )


def test_equal_models_are_saved_as_equal_bytes_in_any_order(models, tmp_path):
    models.save(tmp_path / "first")
    turned = ModelFolders(dict(reversed(models.folders.items())))
    turned.save(tmp_path / "second")
    ModelFolders.load(tmp_path / "second").save(tmp_path / "third")
    assert content(tmp_path / "first") == content(tmp_path / "second") == content(tmp_path / "third")


def test_a_disk_without_links_gets_copies(models, tmp_path, monkeypatch):
    models.save(tmp_path / "linked")
    weights = models.folders["grammar-s"] / "model.safetensors"
    assert (tmp_path / "linked/grammar-s/model.safetensors").samefile(weights)

    def refuse(source, target):
        raise OSError("no links here")

    monkeypatch.setattr(os, "link", refuse)
    models.save(tmp_path / "copied")
    assert not (tmp_path / "copied/grammar-s/model.safetensors").samefile(weights)
    assert content(tmp_path / "copied") == content(tmp_path / "linked")


def test_what_was_saved_outlives_the_folder_that_it_came_from(models, tmp_path):
    models.save(tmp_path / "saved")
    expected = content(tmp_path / "saved")
    for folder in models.folders.values():
        for path in folder.rglob("*"):
            if path.is_file():
                path.unlink()
    assert content(tmp_path / "saved") == expected


def test_a_folder_without_a_configuration_is_named(models, tmp_path):
    (models.folders["grammar-m"] / "config.json").unlink()
    said = "^grammar-m: .*/some grammar-m holds no config.json; a model is a folder that save_pretrained wrote$"
    with pytest.raises(DataError, match=said):
        ModelFolders(models.folders)
    with pytest.raises(DataError, match=r"^mine: .*/none holds no config.json"):
        ModelFolders({"mine": tmp_path / "none"})


def test_loading_from_where_no_model_is_is_one_line(models, tmp_path):
    said = "holds no model; it must be a folder that ModelFolders.save wrote$"
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=f"/empty: {said}"):
        ModelFolders.load(tmp_path / "empty")
    (tmp_path / "empty" / "notes.txt").write_text("x", encoding="utf-8")
    with pytest.raises(DataError, match=f"/empty: {said}"):
        ModelFolders.load(tmp_path / "empty")
    with pytest.raises(DataError, match=f"/none: {said}"):
        ModelFolders.load(tmp_path / "none")


def test_loading_a_model_that_lost_its_configuration_names_it(models, tmp_path):
    models.save(tmp_path / "saved")
    (tmp_path / "saved/grammar-s/config.json").unlink()
    with pytest.raises(DataError, match=r"^grammar-s: .*/saved/grammar-s holds no config.json"):
        ModelFolders.load(tmp_path / "saved")
