"""The log over REST: lines, kinds of errors and one turn, masked, for admins alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from bootstrap.portal import Portal

SignIn = Callable[[str], httpx.Client]
TURN = "8f2c" * 8


@pytest.fixture
def logged(portal: Portal) -> datetime:
    """Write three lines of one turn, and return the time of the newest."""
    folder = portal.settings.home / "logs"
    folder.mkdir(exist_ok=True)
    now = datetime.now(UTC)
    lines = [(3, "ERROR", "timeout after 120 s"), (2, "WARNING", "sk-portal-0123456789abcdefghij refused"), (1, "INFO", "answer stored")]
    with (folder / "portal.log").open("a", encoding="utf-8") as file:
        for ago, level, message in lines:
            at = (now - timedelta(minutes=ago)).isoformat()
            file.write(json.dumps({"time": at, "level": level, "logger": "core.chat.turns", "message": message, "turn_id": TURN}) + "\n")
    return now


def test_lines_errors_and_a_turn_are_read(logged: datetime, signed_in: SignIn) -> None:
    ada = signed_in("ada")
    page = ada.get("/api/v1/logs", params={"q": f"turn:{TURN}"}).json()
    assert [each["message"] for each in page["items"]][::2] == ["answer stored", "timeout after 120 s"]
    assert (page["total"], page["warnings"], page["errors"], page["cut"]) == (3, 1, 1, False) and "core.chat" in page["areas"]
    assert len(ada.get("/api/v1/logs", params={"q": f"turn:{TURN}", "level": "WARNING", "limit": 1}).json()["items"]) == 1
    [kind] = [each for each in ada.get("/api/v1/logs/errors?area=core.chat").json()["items"] if "timeout" in each["message"]]
    assert (kind["count"], kind["logger"]) == (1, "core.chat.turns")
    turn = ada.get(f"/api/v1/logs/turns/{TURN}").json()
    assert [each["level"] for each in turn["items"]] == ["ERROR", "WARNING", "INFO"] and turn["parts"] == []


def test_secrets_are_masked_and_wrong_questions_are_refused(logged: datetime, signed_in: SignIn) -> None:
    ada = signed_in("ada")
    for path in ("/api/v1/logs", f"/api/v1/logs/turns/{TURN}"):
        text = ada.get(path).text
        assert "refused" in text and "0123456789abcdefghij" not in text, path
    assert ada.get("/api/v1/logs?q=level:loud").status_code == 422
    for params in ({"since": "0001-01-01T00:00:00Z", "until": "0001-01-01T00:00:00Z"}, {"until": "0001-01-01T00:00:00Z"}):
        assert ada.get("/api/v1/logs", params=params).status_code == 422
    assert ada.get(f"/api/v1/logs/turns/{'0' * 32}").status_code == 404
    assert signed_in("rita").get("/api/v1/logs").status_code == signed_in("max").get(f"/api/v1/logs/turns/{TURN}").status_code == 403
