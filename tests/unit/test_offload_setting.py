"""PORTAL_OFFLOAD_DISK_MB, as bootstrap/models.py reads it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bootstrap.models import open_offload_files
from settings import Settings

TOKENS = np.arange(100, dtype=np.int32)


def test_zero_switches_the_disk_off(tmp_path: Path) -> None:
    assert open_offload_files(Settings(home=tmp_path, offload_disk_mb=0)) is None
    assert not (tmp_path / "parked").exists()


def test_a_number_is_the_budget_in_megabytes(tmp_path: Path) -> None:
    files = open_offload_files(Settings(home=tmp_path, offload_disk_mb=1))
    assert files is not None
    files.add("glm", TOKENS, np.zeros(2_000_000, np.uint8))
    assert files.held("glm")[0] == 0, "too large"
    files.add("glm", TOKENS, np.zeros(500_000, np.uint8))
    assert files.held("glm")[0] == 1
    files.close()
    assert list((tmp_path / "parked").iterdir()) == []


def test_the_default_takes_a_share_of_what_is_free(tmp_path: Path) -> None:
    files = open_offload_files(Settings(home=tmp_path))
    assert files is not None
    assert 0 < files.lend() <= 4 * 1024**3, "half of it"
    files.close()


def test_a_portal_without_room_for_the_folder_runs_on(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "parked").write_bytes(b"a file is in the way")
    assert open_offload_files(Settings(home=tmp_path)) is None
    assert "cannot be offloaded" in caplog.text
