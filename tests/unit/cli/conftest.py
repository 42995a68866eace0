from __future__ import annotations

from pathlib import Path

import pytest

from cli.places import Places


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """A home and a cache of its own, prepared."""
    made = Places(tmp_path / "home", tmp_path / "cache")
    made.prepare()
    return made
