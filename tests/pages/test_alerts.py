"""The Alerts page: ready-made rules, the form with its outcome, what fires, and who may change what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.people.permissions import Permission
from core.people.records import Role
from core.usage.alerts.records import Episode, Phase, RuleStatus
from core.usage.alerts.rule_records import AlertRule, Comparison, Measure, Severity
from data.unit_of_work import SqlUnitOfWork
from tests.pages.seeded import Stage, as_role, page, stage, texts

ERRORS = AlertRule(name="Errors *of* all", measure=Measure.ERRORS, threshold=1, window_s=86_400, mails=("ops@corp.example",))


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    room = stage(tmp_path_factory.mktemp("home") / "home")
    yield room
    room.portal.close()


@pytest.fixture
def firing(seeded: Stage) -> Iterator[str]:
    """The id of a rule that fires."""
    made = seeded.portal.alert_rules.add(seeded.admin, ERRORS)
    now = datetime.now(UTC)
    episode = Episode(
        id=made.id, rule_id=made.id, rule_name=ERRORS.name, measure=ERRORS.measure, severity=Severity.HIGH, started_at=now, worst=40.0,
        told_at=now,
    )  # fmt: skip
    with SqlUnitOfWork(seeded.portal.database) as work:
        work.alerts.save_status(made.id, RuleStatus(phase=Phase.FIRING, since=now, value=38.5, checked_at=now, episode=episode))
        work.commit()
    yield made.id
    seeded.portal.alert_rules.remove(seeded.admin, made.id)


def test_a_portal_without_rules_offers_ready_made_ones(tmp_path: Path) -> None:
    room = stage(tmp_path / "home", empty=True)
    try:
        drawn = page("alerts", room)
        assert not drawn.exception and "No alert rules yet" in texts(drawn)
        drawn.button(key="alert-start-disk").click().run()
        assert not drawn.exception and "Free disk space, last 7 days" in texts(drawn)
        drawn.button(key="alert-save").click().run()
        assert not drawn.exception
        [stored] = room.portal.alert_rules.overview(room.admin).rules
        assert (stored.rule.name, stored.rule.comparison, stored.rule.threshold) == ("Disk almost full", Comparison.UNDER, 10)
    finally:
        room.portal.close()


def test_a_rule_on_slots_offers_models_and_one_on_queue_wait_platforms_too(seeded: Stage) -> None:
    drawn = page("alerts", seeded, query={"rule": "new"})
    drawn.selectbox(key="alert-window-False").set_value(60).run()
    for measure, labels in ((Measure.SLOTS, {"Model"}), (Measure.QUEUE, {"Model", "Group", "Platform"}), (Measure.GPU_MEMORY, set())):
        drawn.selectbox(key="alert-measure").set_value(measure).run()
        assert not drawn.exception
        assert {each.label for each in drawn.selectbox} & {"Model", "Group", "Platform"} == labels


def test_the_form_says_what_the_rule_would_have_done_and_saves_it(seeded: Stage) -> None:
    drawn = page("alerts", seeded, query={"rule": "new"})
    assert not drawn.exception
    drawn.text_input(key="alert-name").set_value("Failures").run()
    drawn.selectbox(key="alert-measure").set_value(Measure.ANSWERS).run()
    drawn.selectbox(key="alert-window-False").set_value(86_400).run()
    drawn.selectbox(key="alert-hold").set_value(0).run()
    drawn.number_input(key="alert-threshold").set_value(0.5).run()
    assert not drawn.exception and "It would have fired" in texts(drawn)
    drawn.number_input(key="alert-recovery").set_value(9.0).run()
    assert "must recover at" in texts(drawn) and drawn.button(key="alert-save").disabled
    drawn.number_input(key="alert-recovery").set_value(0.0).run()
    drawn.text_input(key="alert-mails").set_value("ops@corp.example; night@corp.example").run()
    assert "No mail server is set" in texts(drawn)
    drawn.button(key="alert-save").click().run()
    [stored] = [each for each in seeded.portal.alert_rules.overview(seeded.admin).rules if each.rule.name == "Failures"]
    assert stored.rule.mails == ("ops@corp.example", "night@corp.example") and stored.rule.recovery == 0.0
    seeded.portal.alert_rules.remove(seeded.admin, stored.id)


def test_what_fires_is_on_top_and_is_acknowledged(seeded: Stage, firing: str) -> None:
    drawn = page("alerts", seeded)
    assert not drawn.exception and "38.5\u00a0%" in texts(drawn) and "people were told" in texts(drawn)
    drawn.text_input(key=f"alert-note-{firing}").set_value("driver restarted").run()
    drawn.button(key=f"alert-acknow-{firing}").click().run()
    assert not drawn.exception and "driver restarted" in texts(drawn)
    drawn.button(key=f"alert-quiet-{firing}").click().run()
    assert not drawn.exception and "Silenced, " in texts(drawn)
    drawn.button_group(key="alerts-shown").set_value("history").run()
    assert not drawn.exception and "Errors *of* all" in texts(drawn) and "goes on" in texts(drawn)


def test_who_may_only_see_usage_changes_nothing(seeded: Stage, firing: str) -> None:
    reader = replace(seeded.admin, role="reader", granted=frozenset({Permission.CHAT, Permission.VIEW_USAGE}))
    drawn = page("alerts", seeded, reader, query={"rule": "new"})
    assert not drawn.exception and "Errors" in texts(drawn)
    assert not [each.key for each in drawn.button if each.key and each.key.startswith("alert")]
    assert page("alerts", seeded, as_role(seeded.admin, Role.ANALYST)).exception


def test_a_rule_that_is_gone_says_so(seeded: Stage) -> None:
    drawn = page("alerts", seeded, query={"rule": "0" * 32})
    assert not drawn.exception and "does not exist" in texts(drawn)
