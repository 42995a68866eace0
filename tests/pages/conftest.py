from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def one_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """AppTest waits until nothing wants to run any more, and a page that follows an answer goes on until the answer ends."""
    monkeypatch.setattr("pages.widgets.transcript.go_on", lambda: None)
