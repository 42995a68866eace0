from __future__ import annotations

from pathlib import Path

from core.file_sizes import size_of


def test_a_file_has_its_size_and_what_is_none_has_none(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"abc")
    (tmp_path / "link").symlink_to(file)
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    sizes = {name: size_of(tmp_path / name) for name in ("file", "link", "nowhere", "gone", ".", "file/below")}
    assert sizes == {"file": 3, "link": 3, "nowhere": 0, "gone": 0, ".": 0, "file/below": 0}
