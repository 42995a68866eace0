"""What a page reads is asked for together: when, and when not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import pytest

from bootstrap.portal import Portal
from core.errors import NotFound, NotSignedIn
from remote import connection, read_ahead
from remote.identity import SessionUser
from remote.portal import RemotePortal
from remote.read_ahead import MOST, Answer, Read, ReadAhead

Person = Callable[[str], SessionUser]
A, B, C = (Read.of("folders", name, "token", {}) for name in ("a", "b", "c"))


class Asked:
    """Answers every read with its name, and notes what was asked for together."""

    def __init__(self) -> None:
        self.together: list[list[str]] = []

    def __call__(self, reads: Sequence[Read]) -> list[Answer]:
        self.together.append([each.name for each in reads])
        return [{"value": each.name} for each in reads]


def test_the_second_run_asks_once_for_all_that_the_first_read() -> None:
    ahead, ask = ReadAhead(), Asked()
    ahead.begin()
    assert [ahead.answer(each, ask) for each in (A, B, A)] == [None, None, None] and ask.together == []
    ahead.begin()
    assert [ahead.answer(each, ask) for each in (A, B, A)] == [{"value": "a"}, {"value": "b"}, {"value": "a"}]
    assert ask.together == [["a", "b", "a"]]
    assert ahead.answer(A, ask) is None, "each result serves one read"


def test_after_a_change_only_what_follows_is_asked_for_again() -> None:
    ahead, ask = ReadAhead(), Asked()
    ahead.begin()
    for each in (A, B, C):
        ahead.answer(each, ask)
    ahead.begin()
    assert ahead.answer(A, ask) == {"value": "a"}
    ahead.forget()
    assert ahead.answer(B, ask) == {"value": "b"} and ahead.answer(C, ask) == {"value": "c"}
    assert ask.together == [["a", "b", "c"], ["b", "c"]]


def test_what_is_old_or_unknown_is_asked_for_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    ahead, ask = ReadAhead(), Asked()
    ahead.begin()
    ahead.answer(A, ask), ahead.answer(B, ask)
    ahead.begin()
    assert ahead.answer(C, ask) is None and ask.together == [], "a page that reads something else asks for nothing ahead"
    assert ahead.answer(A, ask) == {"value": "a"}
    monkeypatch.setattr(read_ahead, "FRESH_S", -1.0)
    assert ahead.answer(B, ask) is None


def test_the_reads_of_another_session_are_left_out() -> None:
    ahead, ask = ReadAhead(), Asked()
    other, anyone = Read.of("folders", "other", "another token", {}), Read.of("disk", "check", None, {})
    ahead.begin()
    for each in (anyone, A, other, B):
        ahead.answer(each, ask)
    ahead.begin()
    ahead.answer(anyone, ask)
    assert ask.together == [["check", "a", "b"]]


def test_a_long_run_is_not_remembered_without_end() -> None:
    ahead, ask = ReadAhead(), Asked()
    ahead.begin()
    for _ in range(3 * MOST):
        ahead.answer(A, ask)
    ahead.begin()
    ahead.answer(A, ask)
    assert len(ask.together[0]) == MOST


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of all calls of the user server."""
    paths: list[str] = []
    post = connection.Connection.post

    def noted(self: connection.Connection, path: str, *arguments: Any, **named: Any) -> Any:
        paths.append(path.removeprefix("/internal/v1/"))
        return post(self, path, *arguments, **named)

    monkeypatch.setattr(connection.Connection, "post", noted)
    return paths


@contextmanager
def never() -> Iterator[Callable[[], object]]:
    raise AssertionError("the admin server is there")
    yield


def test_a_page_that_is_drawn_again_makes_one_call_and_sees_what_changed(
    user_server: Portal, portal: Portal, person: Person, requests: list[str]
) -> None:
    ann, kept = person("ann"), cast(dict[str, Any], {})

    def draw() -> tuple[object, ...]:
        page = cast(RemotePortal, user_server).patient(never, kept)
        user = page.sessions.user(ann.token)
        try:
            page.conversations.get(user, "missing")
        except NotFound as problem:
            return user.name, [each.name for each in page.folders.list(user)], str(problem)
        raise AssertionError("there is none")

    first = draw()
    requests.clear()
    assert draw() == first and requests == ["calls"]
    portal.folders.new(ann, "Contracts")
    assert draw()[1] == ["Contracts"] and requests == ["calls"] * 2
    page = cast(RemotePortal, user_server).patient(never, kept)
    user = page.sessions.user(ann.token)
    page.folders.new(user, "Offers")
    assert len(page.folders.list(user)) == 2, "what was read before the change is not shown after it"


def test_a_session_that_was_closed_reads_nothing_ahead(user_server: Portal, portal: Portal, person: Person) -> None:
    ann, kept = person("ann"), cast(dict[str, Any], {})
    for _ in range(2):
        page = cast(RemotePortal, user_server).patient(never, kept)
        assert page.sessions.user(ann.token) is not None and page.folders.list(ann) == []
    portal.sessions.close(ann.token)
    page = cast(RemotePortal, user_server).patient(never, kept)
    assert page.sessions.user(ann.token) is None
    with pytest.raises(NotSignedIn):
        page.folders.list(ann)
