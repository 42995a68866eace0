"""A portal on a small disk that fills: a sentence at the start, no loss later, and normal work once there is space again."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from bench.portal_parts.portal import running_portal
from cli.paths import REPOSITORY
from samples.servers.ports import free_port
from tests.small_disk import MB, fill


@pytest.mark.parametrize("left", [0, 100_000, 400_000, 4 * MB])
def test_a_fresh_home_on_a_full_disk_is_one_sentence(small_disk: Path, left: int) -> None:
    fill(small_disk, left)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}
    environment |= {"PORTAL_HOME": str(small_disk / "home"), "PORTAL_PORT": str(free_port())}
    command = [sys.executable, "-m", "cli.serving.serve"]
    ended = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 1, ended.stderr
    [sentence] = ended.stderr.splitlines()
    assert "PORTAL_HOME" in sentence and ("MB left" in sentence or "No space left" in sentence)


def test_a_disk_that_fills_later_loses_nothing(small_disk: Path) -> None:
    home = small_disk / "home"
    home.mkdir()
    with running_portal(home, start_s=180, PORTAL_DISK_RESERVE_MB="8") as portal, portal.sign_in() as admin:
        chat = admin.post("/api/v1/conversations", json={}).raise_for_status().json()["id"]
        assert _ask(admin, chat, "How do I change my password?", "r-first").status_code == 200
        before = _messages(admin, chat)
        filler = fill(small_disk, 4 * MB)
        _until(lambda: _upload(admin).status_code == 503)
        for refused in (
            _ask(admin, chat, "And what is a slot?", "r-second"),
            _upload(admin),
            admin.post("/api/v1/store/backups", json={}),
        ):
            assert refused.status_code == 503, refused.text
            assert "almost full" in refused.text
        assert _messages(admin, chat) == before
        assert b"portal_disk_free_bytes" in admin.get("/metrics").content
        # Someone else takes the rest, too: what is there can still be read, and signing in may fail, but only in words.
        fill(small_disk, 0)
        assert _messages(admin, chat) == before
        assert _ask(admin, chat, "And what is a slot?", "r-second").status_code == 503
        filler.unlink()
        _until(lambda: _ask(admin, chat, "And what is a slot?", "r-second").status_code == 200)
        assert portal.process.poll() is None
    with running_portal(home, start_s=180) as portal, portal.sign_in() as admin:
        found = str(_messages(admin, chat))
        assert "How do I change my password?" in found and "And what is a slot?" in found


def _ask(client: httpx.Client, chat: str, text: str, request: str) -> httpx.Response:
    path = f"/api/v1/conversations/{chat}/messages"
    return client.post(path, json={"text": text, "request_id": request, "stream": False})


def _messages(client: httpx.Client, chat: str) -> object:
    return client.get(f"/api/v1/conversations/{chat}/messages").raise_for_status().json()


def _until(condition: Callable[[], bool]) -> None:
    """Wait until it is so: the portal checks the disk once a second."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.1)


def _upload(client: httpx.Client) -> httpx.Response:
    return client.post("/api/v1/files", params={"name": "notes.txt"}, content=b"some text")


@pytest.mark.parametrize("command", [["-m", "cli.serving.serve"], [str(REPOSITORY / "portal"), "run"]], ids=["serve", "portal run"])
def test_a_home_on_a_read_only_disk_is_one_sentence(small_disk: Path, command: list[str]) -> None:
    (small_disk / "home").mkdir()
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}
    environment |= {"PORTAL_HOME": str(small_disk / "home"), "PORTAL_PORT": str(free_port())}
    typed = [sys.executable, *command]
    ended = subprocess.run(typed, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 1, ended.stderr
    [sentence] = ended.stderr.splitlines()
    assert "Read-only file system" in sentence and "PORTAL_HOME" in sentence
