from __future__ import annotations

import ast
import csv
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from streamlit.testing.v1 import AppTest

from core.errors import NotAllowed, Unavailable
from core.people.audit_records import THE_PORTAL, AuditEntry, AuditEvent, AuditFilter
from core.people.records import Role, SessionKind
from core.people.sessions import Proof
from core.review.records import FeedbackFilter, ReviewState
from data.unit_of_work import SqlUnitOfWork
from pages.shell.words import catalogue
from pages.system.audit import PAGE, audit_csv
from pages.widgets.common.audit_words import EVENTS
from tests.pages.drawn import House, build
from tests.pages.seeded import texts


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = build(tmp_path)
    yield made
    made.portal.close()


def audit(house: House, role: Role = Role.ADMIN) -> AppTest:
    def page(portal: object, user: object) -> None:
        from pages.system import audit

        audit.render(portal, user)

    assert house.portal.index_worker.drain(10)
    return AppTest.from_function(page, default_timeout=60, args=(house.portal, house.person(role))).run()


def subjects(drawn: AppTest) -> list[str]:
    return list(drawn.dataframe[0].value["subject"]) if drawn.dataframe else []


def note(house: House, action: str, subject: str, at: datetime | None = None) -> None:
    with SqlUnitOfWork(house.portal.database) as work:
        work.audit.add(AuditEvent(at or datetime.now(UTC), house.person(Role.ADMIN).id, action, subject, {"reason": "none"}))
        work.commit()


def test_events_are_listed_newest_first(house: House) -> None:
    note(house, "model.load", "glm.gguf")
    drawn = audit(house)
    assert not drawn.exception
    assert subjects(drawn) == ["glm.gguf", "admin", "manager", "reviewer", "analyst"]
    table = drawn.dataframe[0].value
    assert list(table["who"])[:2] == ["admin", "The portal itself"] and table["details"][0] == "Reason: none"
    assert list(table["action"])[:2] == ["Model loaded", "Person added"]
    assert [each.key for each in drawn.button] == ["audit-verify"], "one page has no other to turn to"


def test_every_event_that_is_noted_anywhere_has_words_in_both_languages_and_an_unknown_one_is_readable(house: House) -> None:
    root = Path(__file__).resolve().parents[2]
    noted = set()
    for path in [*root.glob("core/**/*.py"), *root.glob("bootstrap/*.py"), *root.glob("api/**/*.py")]:
        for call in (node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)):
            if getattr(call.func, "id", getattr(call.func, "attr", "")) in ("AuditEvent", "record", "record_alone", "_note", "_audit"):
                inside = (each for argument in call.args for each in ast.walk(argument))
                values = (each.value for each in inside if isinstance(each, ast.Constant) and isinstance(each.value, str))
                noted |= {value for value in values if re.fullmatch(r"[a-z]+\.[a-z_]+", value)}
    assert {"session.open", "feedback.open", "backup.make", "user.add"} <= noted
    assert noted <= set(EVENTS)
    assert set(EVENTS.values()) <= set(catalogue("zh"))
    note(house, "probe.run_twice", "x")
    assert audit(house).dataframe[0].value["action"][0] == "Probe: run twice"


def test_targets_and_details_are_words(house: House) -> None:
    admin, analyst = house.person(Role.ADMIN), house.person(Role.ANALYST)
    chat = house.ask(analyst, "Rate me")
    answer = house.portal.conversations.transcript(analyst, chat)[-1].message
    house.portal.feedback.rate(analyst, answer.id, -1)
    [case] = house.portal.feedback.find(admin, FeedbackFilter())[0]
    house.portal.feedback.open(admin, case.id)
    house.portal.feedback.open(admin, case.id)
    house.portal.case_work.change_rating(admin, case.id, state=ReviewState.IN_REVIEW)
    list(house.portal.feedback.all(admin, FeedbackFilter()))
    table = audit(house).dataframe[0].value
    assert list(table["action"])[:3] == ["Feedback exported", "Review case changed", "Case opened"]
    assert list(table["subject"])[:3] == ["Feedback", "Case 1", "A rating, its name hidden"]
    assert list(table["details"])[:3] == ["Rows: 1", "State: In review", ""]
    house.portal.feedback.rate(analyst, answer.id, 0)
    assert list(audit(house).dataframe[0].value["subject"])[2] == "A withdrawn rating"


def test_who_signed_in_and_out_and_who_tried_is_recorded(house: House) -> None:
    admin = house.person(Role.ADMIN)
    token = house.portal.sessions.open(Proof(admin), SessionKind.API)
    house.portal.sessions.close(token)
    table = audit(house).dataframe[0].value
    assert list(table["action"])[:2] == ["Signed out", "Signed in"] and list(table["subject"])[:2] == ["admin", "admin"]
    assert table["details"][1] == "Method: API"


def test_nobody_but_admins_reads_it(house: House) -> None:
    for role in (Role.ANALYST, Role.MANAGER):
        drawn = audit(house, role)
        assert drawn.exception and not subjects(drawn)
        with pytest.raises(NotAllowed):
            house.portal.audit.find(house.person(role), AuditFilter())


def test_words_event_person_and_days_narrow_the_list(house: House) -> None:
    note(house, "model.load", "glm.gguf")
    note(house, "hold.place", "analyst", datetime(2026, 1, 5, 23, 59, tzinfo=UTC))
    drawn = audit(house)
    drawn.text_input(key="audit-search").set_value("gguf").run()
    assert subjects(drawn) == ["glm.gguf"]
    drawn.text_input(key="audit-search").set_value("zzyzx").run()
    assert not subjects(drawn) and "No events match" in texts(drawn)
    drawn.text_input(key="audit-search").set_value("").run()
    drawn.selectbox(key="audit-action").set_value("hold.place").run()
    assert subjects(drawn) == ["analyst"]
    drawn.selectbox(key="audit-action").set_value(None).run()
    drawn.selectbox(key="audit-actor").set_value(THE_PORTAL).run()
    assert subjects(drawn) == ["admin", "manager", "reviewer", "analyst"]
    drawn.selectbox(key="audit-actor").set_value(None).run()
    day = datetime(2026, 1, 5, tzinfo=UTC).date()
    drawn.date_input(key="audit-dates").set_value((day, day)).run()
    assert subjects(drawn) == ["analyst"]


def test_older_and_newer_walk_the_pages_and_a_filter_starts_again(house: House) -> None:
    for n in range(PAGE + 2):
        note(house, "x.y", f"n{n}", datetime.now(UTC) + timedelta(seconds=n))
    drawn = audit(house)
    assert subjects(drawn)[0] == f"n{PAGE + 1}" and drawn.button(key="audit-newer").disabled
    drawn.button(key="audit-older").click().run()
    assert subjects(drawn) == ["n1", "n0", "admin", "manager", "reviewer", "analyst"] and drawn.button(key="audit-older").disabled
    drawn.selectbox(key="audit-action").set_value("user.add").run()
    assert subjects(drawn) == ["admin", "manager", "reviewer", "analyst"]
    drawn.selectbox(key="audit-action").set_value(None).run()
    drawn.button(key="audit-older").click().run()
    assert subjects(drawn.button(key="audit-newer").click().run())[0] == f"n{PAGE + 1}"


def test_without_an_index_the_list_is_there_and_the_search_says_why_not(house: House) -> None:
    def down(query: object) -> object:
        raise Unavailable("The search index is unavailable. Try again in a minute, or ask an admin.")

    house.portal.index.page = down  # type: ignore[method-assign,assignment]
    drawn = audit(house)
    assert subjects(drawn)
    drawn.text_input(key="audit-search").set_value("gguf").run()
    assert not drawn.exception and "Audit search is unavailable" in texts(drawn)


def test_the_export_opens_in_a_spreadsheet_without_running_anything() -> None:
    event = AuditEvent(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "u1", "user.add", "=cmd|' /C calc'!A0", {"group": "风险"})
    content = audit_csv([AuditEntry("0000000000000007", event, "root")])
    [header, row] = csv.reader(io.StringIO(content.decode("utf-8-sig")))
    assert header == ["number", "at", "actor", "action", "subject", "details"]
    assert row == ["7", "2026-01-02T03:04:05+00:00", "root", "user.add", "'=cmd|' /C calc'!A0", "group: 风险"]


def test_the_chain_is_verified_on_the_page_and_a_changed_event_is_named(house: House, tmp_path: Path) -> None:
    drawn = audit(house)
    drawn = drawn.button(key="audit-verify").click().run()
    assert "none changed or removed" in texts(drawn)
    with house.portal.database.engine.begin() as connection:
        connection.execute(text("UPDATE audit_events SET subject = 'other' WHERE number = 2"))
    assert "Event 2 was changed" in texts(drawn.button(key="audit-verify").click().run())
