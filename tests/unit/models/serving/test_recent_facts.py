"""A header is read once, and again when its file changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import InvalidInput
from models.serving import recent_facts
from models.serving.recent_facts import RecentFacts
from samples.gguf_maker import make_gguf


def test_a_file_is_read_again_only_after_it_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, facts, read = make_gguf(tmp_path / "glm.gguf"), RecentFacts(), []
    real = recent_facts.read_facts
    monkeypatch.setattr(recent_facts, "read_facts", lambda path: read.append(path) or real(path))
    assert facts.of(path) is facts.of(path) and len(read) == 1
    make_gguf(path, layers=3)
    assert facts.of(path).file.layers == 3 and len(read) == 2
    path.unlink()
    with pytest.raises(InvalidInput, match="does not exist"):
        facts.of(path)


def test_the_files_used_longest_ago_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent_facts, "MAX_FILES", 1)
    facts, (one, other) = RecentFacts(), (make_gguf(tmp_path / f"{n}.gguf") for n in "ab")
    first = facts.of(one)
    facts.of(other)
    assert facts.of(one) is not first
