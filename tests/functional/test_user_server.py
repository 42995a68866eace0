"""A user server and its admin server as processes: what the user server loads, serves and refuses, and how it signs people in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from bench.portal_parts.page_socket import PageSocket
from bench.portal_parts.portal import Measured, running_portal
from bench.portal_parts.tls import TLS
from bootstrap.servers.profiles import PROFILES
from pages.shell.navigation import ENTRIES
from samples.image_files import picture, written
from tests.functional.test_page_walls import listed, said, token

KEY = "a-service-key-of-the-tests-0123456789"
MAX_MEMORY = 200_000_000
OWN_ROUTES = ("/api/v1/session", "/api/v1/oidc", "/api/v1/files", "/api/v1/ground-images", "/health", "/readyz")
PAGES = {"Chat", "Search", "Documents", "Prompts", "Tasks", "Images", "Arena", "My feedback", "Account", "Help", "Keyboard", "Sign out"}
NEVER_LOADED = {"data", "models", "sqlalchemy", "alembic", "psycopg", "llama_cpp", "elasticsearch", "pypdf", "huggingface_hub"}


@pytest.fixture(scope="module")
def admin_server() -> Iterator[Measured]:
    with running_portal(PORTAL_PROFILE="admin", PORTAL_SERVICE_KEYS=KEY) as running:
        running.add_people(["ann"])
        yield running


@pytest.fixture(scope="module")
def user_server(admin_server: Measured) -> Iterator[Measured]:
    settings = {"PORTAL_PROFILE": "user", "PORTAL_SERVER": admin_server.url, "PORTAL_SERVICE_KEYS": KEY}
    # Python then logs every module that it imports.
    with running_portal(**settings, PYTHONPROFILEIMPORTTIME="1") as running:
        yield running


@pytest.fixture(scope="module")
def admin_token(user_server: Measured) -> str:
    return token(user_server, "admin")


def host(server: Measured) -> str:
    return urlsplit(server.url).netloc


def test_a_page_is_drawn_with_what_the_admin_server_knows(user_server: Measured) -> None:
    with PageSocket(host(user_server), None) as visitor:
        assert "type: PASSWORD" in said(visitor.run())
    with PageSocket(host(user_server), token(user_server, "ann")) as tab:
        messages = tab.run()
    assert "chat_input" in said(messages)
    assert listed(messages) == PAGES


def test_an_uploaded_image_is_shown_through_it(user_server: Measured, admin_server: Measured) -> None:
    picked = written(picture(60, 40))
    message = json.dumps({"data": {"name": "a.png", "content": 0}, "blobs": [len(picked)]}).encode() + b"\n" + picked
    headers = {"Authorization": f"Bearer {KEY}", "X-Portal-Session": token(user_server, "ann")}
    upload = httpx.post(f"{admin_server.url}/internal/v1/call/grounding/upload", content=message, headers=headers, timeout=60)
    address = f"/api/v1/ground-images/{json.loads(upload.raise_for_status().content)['data']['id']}/content"
    with admin_server.sign_in("ann") as there, user_server.sign_in("ann") as here:
        assert here.get(address).raise_for_status().content == there.get(address).raise_for_status().content
    with user_server.sign_in("admin") as somebody:
        assert somebody.get(address).status_code == 404


def test_a_session_holds_on_both_servers_and_ends_on_both(user_server: Measured, admin_server: Measured) -> None:
    held = token(user_server, "ann")
    with httpx.Client(verify=TLS, base_url=admin_server.url, headers={"Authorization": f"Bearer {held}"}, timeout=60) as client:
        assert client.get("/api/v1/session").json()["name"] == "ann"
        client.delete("/api/v1/session").raise_for_status()
    with PageSocket(host(user_server), held) as tab:
        assert "type: PASSWORD" in said(tab.run())


@pytest.mark.parametrize("page", [entry.path for entry in ENTRIES if entry.path not in (PROFILES["user"].pages or ())])
def test_even_an_admin_finds_no_page_of_managers_or_admins_on_it(user_server: Measured, admin_token: str, page: str) -> None:
    with PageSocket(host(user_server), admin_token) as tab:
        messages = tab.run(page=page)
    assert "This page is on another server" in said(messages)
    assert listed(messages) == PAGES


def test_it_refuses_every_route_but_those_of_its_pages(user_server: Measured, admin_server: Measured, admin_token: str) -> None:
    def routes(server: Measured) -> set[tuple[str, str]]:
        """Return the method and path of every route, with something in place of the ids."""
        paths = httpx.get(f"{server.url}/api/v1/openapi.json", timeout=120).raise_for_status().json()["paths"]
        return {(method.upper(), re.sub(r"\{[^}]+\}", "1", path)) for path, methods in paths.items() for method in methods}

    own = routes(user_server)
    assert ("POST", "/api/v1/session") in own and all(path.startswith(OWN_ROUTES) for _, path in own)
    others = routes(admin_server) - own | {("GET", "/internal/v1/values"), ("POST", "/internal/v1/call/folders/list")}
    assert len(others) > 100 and {("GET", "/api/v1/people"), ("POST", "/v1/chat/completions"), ("GET", "/metrics")} <= others
    headers = {"Authorization": f"Bearer {admin_token}", "Connection": "close"}
    with httpx.Client(verify=TLS, base_url=user_server.url, headers=headers, timeout=60) as admin:
        answered = {f"{method} {path}": admin.request(method, path).status_code for method, path in sorted(others)}
    # Another method of a path of its own is 405; /metrics may be known, but is not for other machines.
    assert {each: status for each, status in answered.items() if status not in (403, 404, 405)} == {}


def test_a_file_is_downloaded_through_it(user_server: Measured, admin_server: Measured) -> None:
    content = bytes(range(32, 127)) * 1000
    with admin_server.sign_in("ann") as ann:
        file = ann.post("/api/v1/files", params={"name": "a.txt"}, content=content).raise_for_status().json()
    with user_server.sign_in("ann") as ann:
        assert ann.get(f"/api/v1/files/{file['id']}/content").content == content


def test_images_are_dropped_on_a_page_of_its_own(user_server: Measured, admin_token: str) -> None:
    with PageSocket(host(user_server), admin_token) as tab:
        drawn = said(tab.run(page="images"))
    assert "Drop an image here" in drawn


@pytest.mark.usefixtures("admin_server")
def test_what_its_profile_leaves_out_is_never_imported(user_server: Measured) -> None:
    # Pages were drawn and files downloaded in it by now.
    with PageSocket(host(user_server), token(user_server, "admin")) as tab:
        tab.run(), tab.run(page="search")
    log = (user_server.home / "bench.log").read_text("utf-8", "replace")
    loaded = set(re.findall(r"^import time:[\s\d|]+\|\s+([\w.]+)$", log, flags=re.MULTILINE))
    assert {"pages.widgets.chat.composer.composer", "pages.chat.search", "remote.portal", "streamlit"} <= loaded
    assert sorted(name for name in loaded if name.partition(".")[0] in NEVER_LOADED) == []
    # The log leaves out modules that import_module() loads, such as pages/usage/usage.py, but not what those import.
    assert sorted(loaded & {"bootstrap.portal", "bootstrap.models", "pages.widgets.store.backups", "pages.widgets.usage.charts"}) == []


def test_it_is_small(user_server: Measured) -> None:
    status = Path(f"/proc/{user_server.process.pid}/status").read_text("utf-8")
    resident = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert resident is not None and int(resident[1]) * 1024 < MAX_MEMORY
