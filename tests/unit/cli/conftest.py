from __future__ import annotations

from pathlib import Path

import pytest

from cli.paths import Paths


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """Return a home and a cache of its own, prepared."""
    made = Paths(tmp_path / "home", tmp_path / "cache")
    made.prepare()
    return made
