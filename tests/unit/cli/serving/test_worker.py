from __future__ import annotations

from pathlib import Path

import pytest

from cli.serving import worker


def test_a_worker_on_sqlite_is_refused_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PORTAL_HOME", str(tmp_path))
    monkeypatch.delenv("PORTAL_DATABASE_URL", raising=False)
    assert worker.main([]) == 1
    said = capsys.readouterr()
    assert said.out == "" and len(said.err.splitlines()) == 1
    assert said.err.startswith("A worker needs PostgreSQL")
    assert not list(tmp_path.iterdir()), "nothing was made"
