"""Files enter the models folder verified, and overwrite nothing."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import pytest

from core.errors import Conflict, InvalidInput, ModelFailed, Unavailable
from core.transfers.model_folder import ModelFolder, verify

CONTENT = b"GGUF" * 1000
SHA = hashlib.sha256(CONTENT).hexdigest()


def nothing(_done: int) -> None:
    return None


@pytest.fixture
def folder(tmp_path: Path) -> ModelFolder:
    (tmp_path / "models").mkdir()
    return ModelFolder(tmp_path / "models", reserve=10, free=lambda path: 1000)


def written(path: Path, content: bytes = CONTENT) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_a_file_belongs_into_the_folder_of_its_repository(folder: ModelFolder) -> None:
    assert folder.target("GLM 4/GGUF", "智谱 🚀.gguf") == folder.path / "GLM-4-GGUF" / "智谱 🚀.gguf"


def test_a_link_that_leads_out_of_the_folder_is_refused(folder: ModelFolder, tmp_path: Path) -> None:
    (folder.path / "repo").symlink_to(tmp_path)
    with pytest.raises(InvalidInput, match="leads out of the models folder"):
        folder.target("repo", "a.gguf")
    (folder.path / "a.gguf").symlink_to(tmp_path / "b.gguf")
    with pytest.raises(InvalidInput, match="is a link"):
        folder.target("", "a.gguf")


def test_the_same_file_is_found_and_another_of_its_name_is_a_conflict(folder: ModelFolder) -> None:
    target = folder.target("repo", "a.gguf")
    assert not folder.has(target, len(CONTENT), SHA, nothing)
    written(target)
    assert folder.has(target, len(CONTENT), SHA, nothing)
    for content in (CONTENT[:-1], CONTENT[:-1] + b"x"):
        written(target, content)
        with pytest.raises(Conflict, match=r"another file named repo/a\.gguf"):
            folder.has(target, len(CONTENT), SHA, nothing)


def test_placing_a_file_never_overwrites_one(folder: ModelFolder) -> None:
    target = written(folder.target("repo", "a.gguf"), b"old")
    file = written(folder.staging("x") / "a.gguf")
    with pytest.raises(Conflict):
        folder.install(file, target)
    assert target.read_bytes() == b"old" and file.exists()
    target.unlink()
    folder.install(file, target)
    assert target.read_bytes() == CONTENT and not file.exists()


def test_a_wrong_hash_deletes_the_file_and_says_so(tmp_path: Path) -> None:
    file = written(tmp_path / "a.gguf")
    verify(file, len(CONTENT), SHA.upper(), nothing)
    with pytest.raises(ModelFailed, match=r"SHA-256 differs.*deleted"):
        verify(file, len(CONTENT), "0" * 64, nothing)
    assert not file.exists()
    with pytest.raises(ModelFailed):
        verify(written(tmp_path / "b.gguf"), len(CONTENT) + 1, None, nothing)


def test_too_little_space_is_said_with_how_much_is_missing(folder: ModelFolder) -> None:
    folder.check_space(990)
    with pytest.raises(Conflict, match=r"has 0.0 MB free, but 3.0 MB are needed. Free 3.0 MB"):
        folder.check_space(3_000_000)


def test_a_disk_that_cannot_be_measured_is_unavailable(tmp_path: Path) -> None:
    def broken(_path: Path) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with pytest.raises(Unavailable, match="cannot be written"):
        ModelFolder(tmp_path, free=broken).check_space(1)


def test_sweeping_keeps_what_may_go_on(folder: ModelFolder) -> None:
    written(folder.staging("old") / "a.gguf")
    written(folder.staging("paused") / "a.gguf")
    folder.sweep({"paused"})
    assert folder.staged_bytes("old") == 0 and folder.staged_bytes("paused") == len(CONTENT)
