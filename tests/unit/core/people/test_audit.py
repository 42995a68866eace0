"""The audit as admins read it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from core.errors import InvalidInput, NotAllowed, Unavailable
from core.people.audit import MAX_FOUND, AuditTrail
from core.people.audit_records import THE_PORTAL, AuditEvent, AuditFilter
from core.people.records import User
from core.search.records import SearchHit, SearchPage, SearchQuery
from core.unit_of_work import UnitOfWorkFactory
from tests.store import things
from tests.unit.core.conftest import MovingClock


class Index:
    """Finds the events of these numbers, in whatever is looked for."""

    engine = "fake"

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.total = 0
        self.asked: list[SearchQuery] = []
        self.down = False

    def search(self, query: SearchQuery) -> list[SearchHit]:
        return []

    def page(self, query: SearchQuery) -> SearchPage:
        if self.down:
            raise Unavailable("The search index is unavailable. Try again in a minute, or ask an admin.")
        self.asked.append(query)
        return SearchPage([SearchHit("audit", f"{each:016}", "", "", things.NOW) for each in self.numbers], self.total or len(self.numbers))


class Jobs:
    def pending(self) -> int:
        return 0

    def behind(self, now: datetime) -> float:
        return 12.5


@pytest.fixture
def index() -> Index:
    return Index()


@pytest.fixture
def trail(unit_of_work: UnitOfWorkFactory, index: Index, clock: MovingClock) -> AuditTrail:
    return AuditTrail(unit_of_work, index, Jobs(), clock)


@pytest.fixture
def note(unit_of_work: UnitOfWorkFactory) -> Callable[..., None]:
    def note(action: str, actor: User | None = None, day: int = 0) -> None:
        with unit_of_work() as work:
            work.audit.add(AuditEvent(things.later(days=day), actor.id if actor else None, action, "target", {"day": str(day)}))
            work.commit()

    return note


@pytest.fixture
def numbers(unit_of_work: UnitOfWorkFactory) -> Callable[[str], list[int]]:
    """Return the numbers of all events of an action."""

    def numbers(action: str) -> list[int]:
        with unit_of_work() as work:
            return [int(each.id) for each in work.audit.find(AuditFilter(action=action), 100)]

    return numbers


def actions(trail: AuditTrail, admin: User, **filter: object) -> list[str]:
    return [each.event.action for each in trail.find(admin, AuditFilter(**filter)).entries]  # type: ignore[arg-type]


def test_events_come_newest_first_with_the_name_of_who_did_it(trail: AuditTrail, admin: User, note: Callable[..., None]) -> None:
    note("first.thing", admin)
    note("second.thing")
    page = trail.find(admin, AuditFilter())
    assert [(each.event.action, each.actor_name) for each in page.entries[:2]] == [("second.thing", None), ("first.thing", "root")]
    assert page.total == len(page.entries) and page.next_cursor is None and page.behind_seconds == 0


def test_nobody_but_admins_reads_it(trail: AuditTrail, ana: User) -> None:
    for read in (
        lambda: trail.find(ana, AuditFilter()),
        lambda: list(trail.all(ana, AuditFilter())),
        lambda: trail.choices(ana),
    ):
        with pytest.raises(NotAllowed):
            read()


def test_filters_hold_together(trail: AuditTrail, admin: User, note: Callable[..., None]) -> None:
    note("a.one", admin, 1)
    note("a.one", None, 2)
    note("b.two", admin, 3)
    assert actions(trail, admin, action="a.one") == ["a.one", "a.one"]
    assert actions(trail, admin, actor_id=admin.id) == ["b.two", "a.one"]
    assert "b.two" not in actions(trail, admin, actor_id=THE_PORTAL)
    assert actions(trail, admin, since=things.later(days=2), until=things.later(days=3)) == ["a.one"]
    assert actions(trail, admin, action="a.one", actor_id=admin.id) == ["a.one"]


def test_pages_follow_one_another_and_an_export_reads_them_all(trail: AuditTrail, admin: User, note: Callable[..., None]) -> None:
    for day in range(7):
        note("x.y", None, day)
    wanted = AuditFilter(action="x.y")
    read: list[str] = []
    cursor = None
    while True:
        page = trail.find(admin, wanted, limit=3, cursor=cursor)
        assert page.total == 7
        read += [each.event.details["day"] for each in page.entries]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert read == [str(day) for day in reversed(range(7))]
    assert [each.event.details["day"] for each in trail.all(admin, wanted)] == read


def test_words_are_asked_of_the_index_and_rows_of_the_store(
    trail: AuditTrail, admin: User, index: Index, note: Callable[..., None], numbers: Callable[[str], list[int]]
) -> None:
    note("a.one", admin)
    note("b.two", admin)
    index.numbers = [*numbers("a.one"), *numbers("b.two"), 999_999]
    found = trail.find(admin, AuditFilter(action="b.two", since=things.NOW), "words")
    assert [each.event.action for each in found.entries] == ["b.two"]
    assert (found.total, found.behind_seconds, found.cut) == (1, 12.5, False)
    assert (index.asked[0].text, index.asked[0].kind, index.asked[0].since) == ("words", "audit", things.NOW)


def test_more_than_is_looked_at_is_reported(trail: AuditTrail, admin: User, index: Index) -> None:
    index.numbers, index.total = [1], MAX_FOUND + 1
    assert trail.find(admin, AuditFilter(), "words").cut


def test_without_an_index_the_list_still_works(trail: AuditTrail, admin: User, index: Index, note: Callable[..., None]) -> None:
    note("a.one")
    index.down = True
    assert "a.one" in actions(trail, admin)
    with pytest.raises(Unavailable):
        trail.find(admin, AuditFilter(), "words")


def test_what_can_be_chosen_is_what_occurs(trail: AuditTrail, admin: User, ana: User, note: Callable[..., None]) -> None:
    note("b.two")
    note("a.one")
    kinds, people = trail.choices(admin)
    assert list(kinds) == ["a.one", "b.two", "group.add", "user.add"]
    assert {each.name for each in people} == {"root", "ana"}


@pytest.mark.parametrize("cursor", ["", "x", "-1", "1" * 40, "１"])
def test_a_made_up_cursor_is_refused(trail: AuditTrail, admin: User, cursor: str) -> None:
    with pytest.raises(InvalidInput):
        trail.find(admin, AuditFilter(), cursor=cursor)


def test_an_event_at_the_last_moment_of_a_range_is_outside(trail: AuditTrail, admin: User, note: Callable[..., None]) -> None:
    note("x.y", None, 1)
    until = things.later(days=1)
    assert actions(trail, admin, action="x.y", until=until) == []
    assert actions(trail, admin, action="x.y", until=until + timedelta(microseconds=1)) == ["x.y"]
