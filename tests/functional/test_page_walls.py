"""What a raw websocket gets from a fresh process: the sign-in form without a session, with one only the pages of its role."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

import httpx
import pytest
from streamlit.proto.AutoRerun_pb2 import AutoRerun
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from bench.portal_parts.page_socket import PageSocket
from bench.portal_parts.portal import Measured, running_portal
from bootstrap.servers.profiles import MOVED
from core.people.sessions import SESSION_COOKIE
from pages.shell.navigation import ENTRIES

PAGES = [
    *("", *(entry.path for entry in ENTRIES[1:]), *MOVED),
    *("chat", "memory", "my-feedback", "notices", "account", "sign_in", "navigation", "shell", "key_rows", "words"),
]
"""Every page, and names of modules that are none."""
ADMIN = {
    *("Chat", "Search", "Documents", "Prompts", "Tasks", "Images", "Cases", "Arena", "Leaderboard", "Datasets"),
    *("Boards", "Reports", "Alerts"),
    *("Experiments", "Serving", "Get a model", "Compare", "Presets", "Platforms"),
    *("People", "Access", "Storage", "Jobs", "Plugins", "Audit", "Logs"),
}
OWN = {"Account", "My feedback", "Help", "Keyboard", "Sign out"}
PROTECTED = ADMIN | OWN


@pytest.fixture(scope="module")
def portal() -> Iterator[Measured]:
    with running_portal() as running:
        yield running


@pytest.fixture(scope="module")
def people(portal: Measured) -> None:
    with portal.sign_in() as admin:
        for name, role in (("ann", "analyst"), ("max", "manager")):
            admin.post("/api/v1/people", json={"name": name, "role": role, "password": "bench password 1"}).raise_for_status()


def host(portal: Measured) -> str:
    return urlsplit(portal.url).netloc


def token(portal: Measured, name: str) -> str:
    with portal.sign_in(name) as client:
        return client.headers["Authorization"].removeprefix("Bearer ")


def said(messages: Sequence[ForwardMsg]) -> str:
    return "\n".join(str(message.delta) for message in messages if message.WhichOneof("type") == "delta")


def listed(messages: Sequence[ForwardMsg]) -> set[str]:
    """Titles of the pages that the browser is told of and may show in its menu."""
    return {
        page.page_name
        for message in messages
        if message.WhichOneof("type") == "navigation"
        for page in message.navigation.app_pages
        if not page.is_hidden
    }


def dialogs_of_streamlit(messages: Sequence[ForwardMsg]) -> list[ForwardMsg]:
    """Streamlit's own dialog, in English only, over what the page shows."""
    return [message for message in messages if message.WhichOneof("type") == "page_not_found"]


@pytest.mark.parametrize("page", PAGES)
def test_a_visitor_sees_the_sign_in_form_whatever_the_address(portal: Measured, page: str) -> None:
    # The first of these is the first page anyone asks of this process: the leak there was happens only then.
    with PageSocket(host(portal), None) as tab:
        messages = tab.run(page=page)
    assert "User name" in said(messages) and "type: PASSWORD" in said(messages)
    assert not PROTECTED & listed(messages)
    assert "chat_input" not in said(messages) and "bidi_component" not in said(messages)
    assert not dialogs_of_streamlit(messages)


def test_the_first_page_of_a_fresh_process_is_no_way_in() -> None:
    with running_portal() as fresh, PageSocket(host(fresh), None) as tab:
        messages = tab.run(page="people")
    assert "type: PASSWORD" in said(messages) and not PROTECTED & listed(messages)


def test_a_cookie_made_up_is_no_session(portal: Measured) -> None:
    with PageSocket(host(portal), "made-up") as tab:
        assert "type: PASSWORD" in said(tab.run())


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize(
    ("name", "pages"),
    [
        ("ann", {"Chat", "Search", "Documents", "Prompts", "Tasks", "Images", "Arena"}),
        ("max", {"Chat", "Search", "Documents", "Prompts", "Tasks", "Images", "Arena", "Boards", "Reports", "Alerts"}),
        ("admin", ADMIN),
    ],
)
def test_each_role_is_offered_its_own_pages(portal: Measured, name: str, pages: set[str]) -> None:
    with PageSocket(host(portal), token(portal, name)) as tab:
        assert listed(tab.run()) == pages | OWN


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize("page", ["models", "cases", "usage", "people"])
def test_a_page_of_another_role_says_so_and_shows_nothing(portal: Measured, page: str) -> None:
    with PageSocket(host(portal), token(portal, "ann")) as tab:
        words = said(tab.run(page=page))
    assert f"You cannot open {page.title()}" in words
    assert "text_input" not in words and "arrow_data_frame" not in words and "plotly" not in words


def test_a_former_address_opens_the_page_that_has_moved(portal: Measured) -> None:
    with PageSocket(host(portal), token(portal, "admin")) as tab:
        words = said([*tab.run(page="feedback"), *tab.messages()])  # The first run goes to the other page, the second draws it.
    assert "No ratings yet" in words and "There is nothing here" not in words


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize("page", ["nonsense", "sign_in", "%E8%B4%A6", "start"])
def test_an_address_that_names_no_page_says_so_and_shows_nothing(portal: Measured, page: str) -> None:
    with PageSocket(host(portal), token(portal, "ann")) as tab:
        messages = tab.run(page=page)
        assert "There is nothing here" in said(messages) and "chat_input" not in said(messages)
        assert not dialogs_of_streamlit(messages)
        assert listed(messages) == {"Chat", "Search", "Documents", "Prompts", "Tasks", "Images", "Arena"} | OWN
        assert "There is nothing here" in said(tab.run()), "at a rerun too"


@pytest.mark.usefixtures("people")
def test_a_session_that_ended_shows_the_sign_in_form_at_the_next_rerun(portal: Measured) -> None:
    held = token(portal, "ann")
    with PageSocket(host(portal), held) as tab:
        assert "chat_input" in said(tab.run())
        with portal.sign_in("ann") as client:
            client.delete("/api/v1/session", headers={"Authorization": f"Bearer {held}"}).raise_for_status()
        assert "type: PASSWORD" in said(tab.run())


def timed(messages: Sequence[ForwardMsg]) -> list[AutoRerun]:
    """Return the parts of the page that the browser runs again by a timer."""
    return [message.auto_rerun for message in messages if message.WhichOneof("type") == "auto_rerun"]


@pytest.mark.parametrize(
    "change", [{"role": "analyst"}, {"active": False}, {"password": "another password"}], ids=["role", "active", "password"]
)
def test_a_part_of_an_open_page_asks_for_the_rights_of_now(portal: Measured, change: dict[str, object]) -> None:
    # With `_unchanged` in pages/shell/live_part.py taken out, the list of jobs is drawn on and on.
    with portal.sign_in() as admin:
        given = {"role": "admin", "active": True, "password": "bench password 1"}
        if admin.post("/api/v1/people", json={"name": "eve", "role": "admin", "password": "bench password 1"}).status_code == 409:
            admin.patch("/api/v1/people/eve", json=given).raise_for_status()
        with PageSocket(host(portal), token(portal, "eve")) as tab:
            *_, jobs = timed(tab.run(page="jobs"))
            assert "jobrow" in said(tab.run_part(jobs))
            admin.patch("/api/v1/people/eve", json=change).raise_for_status()
            words = said(tab.run_part(jobs))
    assert "jobrow" not in words
    assert ("You cannot open Jobs" if "role" in change else "type: PASSWORD") in words


def put_file(portal: Measured, cookie: str | None, content: bytes) -> httpx.Response:
    """As Streamlit's page does it; a session id that it does not know is refused only after the walls."""
    cookies = {SESSION_COOKIE: cookie} if cookie else {}
    with httpx.Client(base_url=portal.url, cookies=cookies, timeout=60) as client:
        xsrf = client.get("/_stcore/health").cookies.get("_streamlit_xsrf", "")
        return client.put("/_stcore/upload_file/no-session/file", files={"file": ("a.txt", content)}, headers={"X-Xsrftoken": xsrf})


def test_only_somebody_who_is_signed_in_can_fill_the_memory_with_files_and_only_to_the_limit(portal: Measured) -> None:
    assert put_file(portal, None, b"text").status_code == 401
    assert put_file(portal, "made-up", b"text").status_code == 401
    cookie = token(portal, "admin")
    assert put_file(portal, cookie, b"x" * 30_000_000).status_code == 413
    passed = put_file(portal, cookie, b"text")
    assert passed.status_code in (400, 403) and "Sign in" not in passed.text, passed.text
