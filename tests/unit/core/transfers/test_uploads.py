"""Uploads arrive piece by piece, resume where they stopped, and overwrite nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core.errors import Conflict, InvalidInput, NotAllowed
from core.people.records import User
from core.transfers.model_folder import KEEP_UPLOADS_S, STAGING, ModelFolder
from core.transfers.uploads import Uploads
from core.unit_of_work import UnitOfWorkFactory
from tests.unit.core.conftest import MovingClock

NAME = "智谱 模型 🚀.gguf"
CONTENT = b"GGUF" + bytes(range(256)) * 40


@pytest.fixture
def folder(tmp_path: Path) -> ModelFolder:
    (tmp_path / "models").mkdir()
    return ModelFolder(tmp_path / "models")


@pytest.fixture
def uploads(unit_of_work: UnitOfWorkFactory, folder: ModelFolder, clock: MovingClock) -> Uploads:
    return Uploads(unit_of_work, folder, clock)


def test_pieces_become_the_file(uploads: Uploads, folder: ModelFolder, admin: User) -> None:
    total = len(CONTENT)
    assert uploads.received(admin, NAME, total) == 0
    for start in range(0, total, 4000):
        assert not (folder.path / NAME).exists()
        uploads.write(admin, NAME, start, total, CONTENT[start : start + 4000])
    assert (folder.path / NAME).read_bytes() == CONTENT
    assert [path.name for path in (folder.path / STAGING).iterdir() if path.is_dir()] == []
    with pytest.raises(Conflict, match="another file named"):
        uploads.received(admin, NAME, total)


def test_an_upload_goes_on_where_it_stopped(uploads: Uploads, folder: ModelFolder, admin: User) -> None:
    total = len(CONTENT)
    uploads.write(admin, NAME, 0, total, CONTENT[:100])
    with pytest.raises(Conflict, match="100 bytes"):
        uploads.write(admin, NAME, 0, total, CONTENT[:100])
    folder.sweep(set())
    assert uploads.received(admin, NAME, total) == 100, "a recent upload is not swept away"
    assert uploads.write(admin, NAME, 100, total, CONTENT[100:]) == total
    assert (folder.path / NAME).read_bytes() == CONTENT


def test_an_upload_that_stopped_long_ago_is_removed(uploads: Uploads, folder: ModelFolder, admin: User) -> None:
    uploads.write(admin, NAME, 0, len(CONTENT), CONTENT[:100])
    for path in (folder.path / STAGING).iterdir():
        if path.is_dir():
            long_ago = path.stat().st_mtime - KEEP_UPLOADS_S - 60
            os.utime(path, (long_ago, long_ago))
    folder.sweep(set())
    assert uploads.received(admin, NAME, len(CONTENT)) == 0


def test_what_is_no_gguf_or_too_much_is_refused(uploads: Uploads, admin: User, ana: User) -> None:
    with pytest.raises(InvalidInput, match="not a GGUF"):
        uploads.write(admin, NAME, 0, 10, b"PK\3\4 a zip")
    with pytest.raises(InvalidInput):
        uploads.write(admin, "../evil.gguf", 0, 10, b"GGUF")
    with pytest.raises(InvalidInput, match="empty or too large"):
        uploads.received(admin, NAME, 0)
    with pytest.raises(Conflict):
        uploads.write(admin, NAME, 0, 6, b"GGUF and more")
    with pytest.raises(NotAllowed):
        uploads.received(ana, NAME, 5)
