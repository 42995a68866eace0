"""The reads of a page are sent together: when, and when not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import pytest

from bootstrap.portal import Portal
from core.asking.asking import Question
from core.chat.turns import TurnOptions
from core.errors import NotFound, NotSignedIn
from remote import connection, read_prefetch
from remote.identity import SessionUser
from remote.portal import RemotePortal
from remote.read_prefetch import CONVERSATION, MAX_READS, Answer, Drawing, Patterns, Read, ReadPrefetch

Person = Callable[[str], SessionUser]
A, B, C = (Read.of("folders", name, "token", {}) for name in ("a", "b", "c"))


class Asked:
    """Answers every read with its name, and notes what was asked for together."""

    def __init__(self) -> None:
        self.together: list[list[str]] = []

    def __call__(self, reads: Sequence[Read]) -> list[Answer]:
        self.together.append([each.name for each in reads])
        return [{"value": each.name} for each in reads]


DRAWN = Drawing("/", token="token")


def ahead_of(*reads: Read, everybody: Patterns | None = None) -> ReadPrefetch:
    """Return a tab that has drawn a page with these reads."""
    ahead = ReadPrefetch(everybody)
    ahead.begin(DRAWN)
    for each in reads:
        assert ahead.answer(each, Asked()) is None
    ahead.end()
    return ahead


def test_the_second_run_asks_once_for_all_that_the_first_read() -> None:
    ahead, ask = ahead_of(A, B, A), Asked()
    ahead.begin(DRAWN)
    assert [ahead.answer(each, ask) for each in (A, B, A)] == [{"value": "a"}, {"value": "b"}, {"value": "a"}]
    assert ask.together == [["a", "b", "a"]]
    assert ahead.answer(A, ask) is None, "each result serves one read"


def test_after_the_run_nothing_is_read_early() -> None:
    ahead, ask = ahead_of(A, B), Asked()
    assert ahead.answer(A, ask) is None and ask.together == [], "fragments run long after their page"
    ahead.begin(DRAWN)
    ahead.answer(A, ask)
    ahead.end()
    assert ahead.answer(B, ask) is None


def test_what_follows_a_change_is_sent_with_the_change() -> None:
    ahead, ask = ReadPrefetch(), Asked()
    for _ in range(2):
        ahead.begin(DRAWN)
        ahead.answer(A, ask)
        sent = ahead.before_change("folders.new", "token")
        ahead.after_change(sent, ask(sent) if sent else (), None)
        told = [ahead.answer(each, ask) for each in (A, B, C)]
        ahead.end()
    assert sent == [A, B, C] and told == [{"value": "a"}, {"value": "b"}, {"value": "c"}]
    assert ask.together == [["a"], ["a", "b", "c"]], "before the change only what is read before it"


def test_what_was_read_before_a_change_is_not_shown_after_it() -> None:
    ahead, ask = ahead_of(A, B), Asked()
    ahead.begin(DRAWN)
    ahead.answer(A, ask)
    assert list(ahead.before_change("folders.new", "token")) == []
    ahead.after_change((), (), None)
    assert ahead.answer(B, ask) is None


def test_nothing_is_sent_with_a_change_by_somebody_else() -> None:
    ahead = ReadPrefetch()
    sent = {}
    for token in ("token", None, "another", "token"):
        ahead.begin(DRAWN)
        sent[token] = list(ahead.before_change("sessions.close", token))
        ahead.answer(A, Asked())
        ahead.end()
    assert sent == {"token": [A], None: [], "another": []}


def test_a_pattern_serves_every_conversation_and_the_one_that_a_change_opens() -> None:
    def transcript(conversation: str) -> Read:
        return Read.of("conversations", "transcript", "token", {"conversation_id": conversation})

    ahead, ask = ReadPrefetch(), Asked()
    for conversation in ("one", "two"):
        ahead.begin(Drawing("/", token="token", conversation=conversation))
        found = [ahead.answer(transcript(conversation), ask), ahead.answer(A, ask)]
        ahead.end()
    assert found == [{"value": "transcript"}, {"value": "a"}]
    for conversation in ("three", "four"):
        ahead.begin(DRAWN)
        sent = ahead.before_change("asking.ask", "token")
        ahead.after_change(sent, ask(sent), conversation)
        found = [ahead.answer(transcript(conversation), ask), ahead.answer(A, ask)]
        ahead.end()
    assert [json.loads(each.data) for each in sent] == [{"conversation_id": CONVERSATION}, {}]
    assert found == [{"value": "transcript"}, {"value": "a"}]


def test_other_tabs_use_patterns_without_anything_of_one_person() -> None:
    session = Read.of("sessions", "user", None, {"token": "token"})
    typed, another = Read.of("search", "find", "token", {"words": "my secret"}), Read.of("folders", "get", "token", {"folder_id": 32 * "a"})
    everybody, ask = Patterns(), Asked()
    ahead_of(session, A, typed, another, B, everybody=everybody)
    tab = ReadPrefetch(everybody)
    tab.begin(Drawing("/", token="theirs"))
    theirs = Read.of("sessions", "user", None, {"token": "theirs"})
    assert tab.answer(theirs, ask) == {"value": "user"} and ask.together == [["user", "a", "b"]]
    assert all("secret" not in each.data for each in everybody.get("/", " "))


def test_a_run_that_broke_off_does_not_shorten_the_pattern() -> None:
    ahead, ask = ahead_of(A, B, C), Asked()
    ahead.begin(DRAWN)
    ahead.answer(A, ask)
    ahead.end()
    ahead.begin(DRAWN)
    ahead.answer(A, ask)
    assert ask.together == [["a", "b", "c"]] * 2


def test_what_is_old_or_unknown_is_asked_for_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    ahead, ask = ahead_of(A, B), Asked()
    ahead.begin(DRAWN)
    assert ahead.answer(C, ask) is None and ask.together == [], "a page that reads something else asks for nothing ahead"
    assert ahead.answer(A, ask) == {"value": "a"}
    monkeypatch.setattr(read_prefetch, "FRESH_S", -1.0)
    assert ahead.answer(B, ask) is None


def test_the_reads_of_another_session_are_left_out() -> None:
    other, anyone = Read.of("folders", "other", "another token", {}), Read.of("disk", "check", None, {})
    ahead, ask = ahead_of(anyone, A, other, B), Asked()
    ahead.begin(DRAWN)
    ahead.answer(anyone, ask)
    assert ask.together == [["check", "a", "b"]]


def test_a_long_run_is_not_remembered_without_end() -> None:
    ahead, ask = ahead_of(*(3 * MAX_READS * [A])), Asked()
    ahead.begin(DRAWN)
    ahead.answer(A, ask)
    assert len(ask.together[0]) == MAX_READS


def test_patterns_are_not_collected_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_prefetch, "MAX_PATTERNS", 3)
    patterns = Patterns()
    for number in range(10):
        patterns.remember(f"/made-up-{number}", "", [A])
    assert sum(bool(patterns.get(f"/made-up-{number}", "")) for number in range(10)) <= 3


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the paths of all calls of the user server."""
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


class Tab:
    """A tab on a user server. `drawn` runs its page."""

    def __init__(self, user_server: Portal, token: str) -> None:
        self._portal = cast(RemotePortal, user_server)
        self._token = token
        self._kept: dict[str, Any] = {}

    @contextmanager
    def drawn(self, conversation: str | None = None, actions: str = "") -> Iterator[Any]:
        named = {"page": "/", "actions": actions, "token": self._token, "conversation": conversation}
        with self._portal.for_page(never, self._kept, **named) as page:  # type: ignore[arg-type]
            yield page


def test_a_page_that_is_drawn_again_makes_one_call_and_sees_what_changed(
    user_server: Portal, portal: Portal, person: Person, requests: list[str]
) -> None:
    ann = person("ann")
    tab = Tab(user_server, ann.token)

    def draw() -> tuple[object, ...]:
        with tab.drawn() as page:
            user = page.sessions.user(ann.token)
            with pytest.raises(NotFound) as caught:
                page.conversations.get(user, "missing")
            return user.name, [each.name for each in page.folders.list(user)], str(caught.value)

    first = draw()
    requests.clear()
    assert draw() == first and requests == ["calls"]
    portal.folders.new(ann, "Contracts")
    assert draw()[1] == ["Contracts"] and requests == ["calls"] * 2
    with tab.drawn() as page:
        user = page.sessions.user(ann.token)
        page.folders.new(user, "Offers")
        assert len(page.folders.list(user)) == 2, "what was read before the change is not shown after it"


def test_a_question_and_all_that_its_page_shows_take_two_calls(user_server: Portal, person: Person, requests: list[str]) -> None:
    """Also for the first question of another person: what a page reads is known from others."""
    told = []
    for name in ("ann", "bob"):
        user = person(name)
        tab = Tab(user_server, user.token)
        requests.clear()
        with tab.drawn(actions="ask") as page:
            user = page.sessions.user(user.token)
            page.gateway.chat_models(user)
            asked = page.asking.ask(user, None, Question(text=f"Hello from {name}?", options=[TurnOptions()], request_id=f"request-{name}"))
            page.turns.running(user, asked.conversation_id)
            told.append(page.conversations.transcript(user, asked.conversation_id)[0].message.text)
            page.folders.list(user)
    assert requests == ["calls", "call/asking/ask"] and told == ["Hello from ann?", "Hello from bob?"]


def test_what_is_sent_with_a_change_is_read_with_the_rights_after_it(user_server: Portal, person: Person) -> None:
    ann = person("ann")
    for _ in range(2):
        with Tab(user_server, ann.token).drawn() as page:
            user = page.sessions.user(ann.token)
            for each in page.sessions.own(user):
                page.sessions.revoke(user, each.id)
            with pytest.raises(NotSignedIn):
                page.folders.list(user)
        ann = person("ann")


def test_a_session_that_was_closed_reads_nothing_ahead(user_server: Portal, portal: Portal, person: Person) -> None:
    ann = person("ann")
    tab = Tab(user_server, ann.token)
    for _ in range(2):
        with tab.drawn() as page:
            assert page.sessions.user(ann.token) is not None and page.folders.list(ann) == []
    portal.sessions.close(ann.token)
    with tab.drawn() as page:
        assert page.sessions.user(ann.token) is None
        with pytest.raises(NotSignedIn):
            page.folders.list(ann)
