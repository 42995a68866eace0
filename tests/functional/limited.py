"""A limit that is lifted as soon as a client begins to wait for its next attempt."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace

import httpx
import pytest

ONE_A_MINUTE = {"holder": "everyone", "measure": "requests", "period": "minute", "amount": 1}
TRIES = 5
"""A limit of a minute may end between two requests."""


def waits_of_retries(client_module: str, ask: Callable[[], object], program: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Ask until a client is refused and tries again; returns the waits that it chose. In place of the first one, the limit is lifted."""
    waits: list[float] = []

    def lift(seconds: float) -> None:
        waits.append(seconds)
        for limit in program.get("/api/v1/limits").raise_for_status().json()["items"]:
            program.delete(f"/api/v1/limits/{limit['id']}").raise_for_status()

    monkeypatch.setattr(f"{client_module}._base_client.time", SimpleNamespace(**{**vars(time), "sleep": lift}))
    program.put("/api/v1/limits", json=ONE_A_MINUTE).raise_for_status()
    for _ in range(TRIES):
        ask()
        if waits:
            break
    return waits
