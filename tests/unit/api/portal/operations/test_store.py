"""The store and its backups by REST."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.portal.knowledge.open_file import OpenFileResponse
from bootstrap.portal import Portal
from core.people.records import User
from data.backup.restore import examine

SignIn = Callable[[str], httpx.Client]
BACKUPS = "/api/v1/store/backups"


@pytest.fixture
def ada(signed_in: SignIn) -> httpx.Client:
    return signed_in("ada")


def ended(client: httpx.Client) -> dict[str, Any]:
    """Wait until the task has ended, and return it."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        task: dict[str, Any] = client.get(BACKUPS).json()["task"]
        if task["ended"]:
            return task
        time.sleep(0.02)
    raise AssertionError("the task does not end")


def make(client: httpx.Client, **body: str) -> str:
    """Make a backup; return its name."""
    assert client.post(BACKUPS, json=body).status_code == 202
    task = ended(client)
    assert (task["action"], task["progress"], task["error"]) == ("make", 1.0, None)
    return str(task["name"])


def test_the_store_tells_what_it_holds(ada: httpx.Client) -> None:
    facts = ada.get("/api/v1/store").json()
    assert (facts["kind"], facts["rows"]["users"], facts["rows"]["messages"]) == ("SQLite", 5, 0)
    assert facts["size_bytes"] > 10_000 and "name" not in facts


def test_a_backup_is_made_listed_downloaded_and_removed(ada: httpx.Client, portal: Portal) -> None:
    name = make(ada)
    [listed] = ada.get(BACKUPS).json()["items"]
    assert (listed["name"], listed["encrypted"]) == (name, False)
    sent = ada.get(f"{BACKUPS}/{name}")
    assert sent.status_code == 200 and len(sent.content) == listed["size_bytes"]
    assert sent.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert sent.headers["cache-control"] == "no-store"
    assert examine(BytesIO(sent.content), None).rows["users"] == 5
    rest = ada.get(f"{BACKUPS}/{name}", headers={"Range": "bytes=100-"})
    assert rest.status_code == 206 and rest.content == sent.content[100:]
    assert ada.delete(f"{BACKUPS}/{name}").status_code == 204
    assert ada.get(BACKUPS).json()["items"] == []
    with portal.database.connect() as connection:
        noted = connection.exec_driver_sql("SELECT action FROM audit_events WHERE action LIKE 'backup.%' ORDER BY number").scalars().all()
    assert noted == ["backup.make", "backup.download", "backup.download", "backup.remove"]


def test_a_backup_that_is_deleted_while_somebody_asks_for_it_is_not_there(
    ada: httpx.Client, portal: Portal, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    name = make(ada)
    find = portal.backups.download

    def found_and_deleted(user: User, name: str) -> Path:
        path = find(user, name)
        path.unlink()
        return path

    monkeypatch.setattr(portal.backups, "download", found_and_deleted)
    answer = ada.get(f"{BACKUPS}/{name}")
    assert answer.status_code == 404 and answer.json()["error"]["message"] == "This backup does not exist."
    assert [record.message for record in caplog.records if record.exc_info] == []


@pytest.mark.parametrize("headers", [{}, {"range": "bytes=2-"}])
def test_one_that_is_deleted_after_that_arrives_whole(tmp_path: Path, headers: dict[str, str]) -> None:
    file = tmp_path / "a.backup"
    file.write_bytes(b"content")
    opened = len(list(Path("/dev/fd").iterdir()))
    response = OpenFileResponse(file, "a.backup", {})
    file.unlink()
    came: list[bytes] = []

    async def send(message: Any) -> None:
        came.append(message.get("body", b""))

    async def receive() -> Any:
        await asyncio.Event().wait()

    scope = {"type": "http", "method": "GET", "headers": [(name.encode(), value.encode()) for name, value in headers.items()]}
    asyncio.run(response(scope, receive, send))
    assert b"".join(came) == (b"ntent" if headers else b"content")
    del response
    assert len(list(Path("/dev/fd").iterdir())) == opened


def test_an_encrypted_backup_is_checked_with_its_passphrase(ada: httpx.Client) -> None:
    name = make(ada, passphrase="a long passphrase")
    assert ada.get(BACKUPS).json()["items"][0]["encrypted"] is True
    assert ada.post(f"{BACKUPS}/{name}/check").status_code == 202
    assert "is encrypted" in ended(ada)["error"]
    ada.post(f"{BACKUPS}/{name}/check", json={"passphrase": "a long passphrase"})
    task = ended(ada)
    assert task["error"] is None and task["contents"]["rows"]["users"] == 5
    assert ada.post(BACKUPS, json={"passphrase": "short"}).status_code == 422


def test_a_name_leads_nowhere_but_to_a_backup(ada: httpx.Client, portal: Portal) -> None:
    make(ada)
    folder = portal.settings.home / "backups"
    (folder / "notes.txt").write_text("x")
    (folder / "fake.backup").write_text("no backup")
    (folder / "link.backup").symlink_to(portal.settings.home / "portal.db")
    for name in ("notes.txt", "fake.backup", "link.backup", "..%2Fportal.db", "%2Fetc%2Fpasswd", "..%5Cportal.db", "%00.backup", ".backup"):
        for answer in (ada.get(f"{BACKUPS}/{name}"), ada.delete(f"{BACKUPS}/{name}"), ada.post(f"{BACKUPS}/{name}/check")):
            assert answer.status_code in (404, 405, 422), f"{name}: {answer.status_code}"
    assert len(ada.get(BACKUPS).json()["items"]) == 1
    assert (folder / "link.backup").is_symlink()
