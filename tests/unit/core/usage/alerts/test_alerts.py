"""Alerts over a real store: checks, telling, acknowledging, silencing, history, previews and rights."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from core.access.groups import Groups
from core.access.limits import Limits
from core.access.records import Holder, LimitRule, Period
from core.access.records import Measure as Limited
from core.errors import Conflict, InvalidInput, NotAllowed, NotFound, Unavailable
from core.notices.records import NoticeKind
from core.notices.service import Notices
from core.operations.retention import Retention
from core.people.accounts import Accounts
from core.people.records import Role, User
from core.tasks.handlers import Report
from core.usage.alerts.gauges import Gauges
from core.usage.alerts.measures import Reading
from core.usage.alerts.records import DeliveryState, Ending, Event, Phase, Shown
from core.usage.alerts.rule_records import AlertRule, Comparison, Measure, Severity
from core.usage.alerts.telling.delivery import DELIVERY, MOST_TRIES, SIGNATURE, TIMESTAMP, signature
from core.usage.alerts.telling.messages import NAMES
from core.usage.alerts.telling.words import CHINESE
from core.usage.records import Language
from tests.unit.core.usage.alerts.conftest import ERRORS, House


def notices(house: House, user: User) -> list[tuple[NoticeKind, str]]:
    return [(each.kind, each.subject) for each in Notices(house.unit_of_work, house.clock).list(user)]


def test_a_rule_fires_is_reported_and_recovers(house: House) -> None:
    hook = house.webhooks.add(house.boss, "Pager", "https://pager.example/x")
    stored = house.rules.add(house.boss, replace(ERRORS, people=(house.boss.id,), mails=("ops@corp.example",), webhooks=(hook.id,)))
    house.answers(20, failed=8)
    house.check()
    assert notices(house, house.boss) == [(NoticeKind.ALERT_FIRING, "Errors")]
    assert house.deliver() == []
    [(to, subject, text)] = house.mails.sent
    assert to == "ops@corp.example" and subject == "[Normal] Errors fires"
    assert "failed answers over 5 % in 5 min" in text and "Now: 40.0 %" in text and "https://portal.example/alerts" in text
    [(address, body, headers)] = house.posts.sent
    message = json.loads(body)
    assert address == "https://pager.example/x" and message["event"] == "firing" and message["value"] == 40.0
    assert message["rule"]["id"] == stored.id and message["id"] == headers[DELIVERY]
    assert headers[SIGNATURE] == "sha256=" + signature(hook.secret, headers[TIMESTAMP], body)
    assert house.handling.firing()[Severity.NORMAL] == 1
    house.check(minutes=6)
    assert (NoticeKind.ALERT_OVER, "Errors") in notices(house, house.boss)
    house.deliver()
    assert house.mails.sent[-1][1] == "[Normal] Errors no longer has data", "nobody asked since, which is not a recovery"
    [episode] = house.handling.history(house.boss).episodes
    assert episode.ending is Ending.NO_DATA and episode.worst == 40.0
    assert {each.state for each in house.handling.history(house.boss).deliveries[episode.id]} == {DeliveryState.SENT}
    assert house.handling.firing()[Severity.NORMAL] == 0


def test_two_servers_that_check_at_once_tell_once(house: House) -> None:
    house.rules.add(house.boss, replace(ERRORS, mails=("ops@corp.example",)))
    house.answers(20, failed=8)
    house.check()
    house.clock.forward(seconds=30)
    house.checks.check_all()
    house.checks.check_all()
    assert len(house.waiting()) == 1


def test_a_scope_counts_only_its_model_and_group(house: House) -> None:
    of_model = house.rules.add(house.boss, replace(ERRORS, name="One model", model="glm-air"))
    of_group = house.rules.add(house.boss, replace(ERRORS, name="One group", group="Sales"))
    house.answers(20, failed=20)
    house.answers(20, model="glm-air", group="Sales")
    house.check()
    assert house.rules.get(house.boss, of_model.id).status.value == 0.0
    assert house.rules.get(house.boss, of_group.id).status.value == 0.0


@pytest.mark.parametrize(
    ("measure", "value"),
    [
        (Measure.ANSWERS, 20.0), (Measure.ERRORS, 25.0), (Measure.TTFT, 0.4), (Measure.SPEED, 38.0), (Measure.QUEUE, 0.1),
        (Measure.PEOPLE, 1.0), (Measure.TOKENS, 20 * 160.0), (Measure.POOR, None), (Measure.JOBS, 0.0),
    ],
)  # fmt: skip
def test_measures_over_answers_say_what_usage_reports_say(house: House, measure: Measure, value: float | None) -> None:
    stored = house.rules.add(house.boss, AlertRule(name="Rule", measure=measure, threshold=1e9))
    house.answers(20, failed=5)
    house.check()
    found = house.rules.get(house.boss, stored.id).status.value
    if measure in (Measure.TTFT, Measure.SPEED, Measure.QUEUE):
        now = house.clock().date()
        with house.unit_of_work() as work:
            total = work.generations.counted(now, now).total()
        value = {Measure.TTFT: total.ttft_p95, Measure.SPEED: total.tokens_per_second, Measure.QUEUE: total.queue_p95}[measure]
    assert found == (value if value is None else pytest.approx(value))


def test_a_rule_that_cannot_be_measured_has_no_data_and_stops_no_other(house: House) -> None:
    house.gauge = Unavailable("The index is down.")
    broken = house.rules.add(house.boss, AlertRule(name="Index", measure=Measure.INDEX, threshold=60))
    fine = house.rules.add(house.boss, ERRORS)
    house.answers(20, failed=8)
    house.check()
    assert house.rules.get(house.boss, broken.id).shown(house.clock()) is Shown.NO_DATA
    assert house.rules.get(house.boss, fine.id).shown(house.clock()) is Shown.FIRING


def test_a_restart_in_the_middle_keeps_state_in_the_store(house: House) -> None:
    index = AlertRule(name="Index", measure=Measure.INDEX, comparison=Comparison.UNDER, threshold=10, hold_s=120)
    stored = house.rules.add(house.boss, index)
    house.gauge = 3.0
    house.check(minutes=1)
    again = House(unit_of_work=house.unit_of_work, clock=house.clock, jobs=house.jobs, boss=house.boss, gauge=3.0)
    again.clock.forward(hours=2)
    again.checks.check_all()
    assert again.rules.get(house.boss, stored.id).status.phase is Phase.PENDING, "the two hours were not observed"
    again.check(minutes=2)
    assert again.rules.get(house.boss, stored.id).status.phase is Phase.FIRING


def test_a_failed_delivery_tries_again_and_then_says_why(house: House) -> None:
    house.rules.add(house.boss, replace(ERRORS, mails=("ops@corp.example",)))
    house.answers(20, failed=8)
    house.check()
    house.mails.fails = [Unavailable("The mail server is busy ({code}).", code=451) for _ in range(2)]
    assert len(house.deliver(tries=1)) == 1
    [[sent]] = house.handling.history(house.boss).deliveries.values()
    assert sent.state is DeliveryState.WAITING and sent.tries == 1 and str(sent.error) == "The mail server is busy (451)."
    house.deliver(tries=MOST_TRIES)
    [[sent]] = house.handling.history(house.boss).deliveries.values()
    assert sent.state is DeliveryState.FAILED and sent.ended_at is not None
    house.check()
    assert house.rules.overview(house.boss).rules[0].status.phase is Phase.FIRING, "the checks go on"


def test_an_address_that_is_refused_for_good_is_not_tried_again(house: House) -> None:
    stored = house.rules.add(house.boss, replace(ERRORS, mails=("gone@corp.example",)))
    house.delivery.test(house.boss, stored.id)
    house.mails.fails = [InvalidInput("The mail server refused the mail ({code}). Check the address.", code=550)]
    assert len(house.deliver()) == 1 and house.deliver() == []
    [sent] = house.delivery.tests(house.boss, stored.id)
    assert sent.state is DeliveryState.FAILED and sent.event is Event.TEST


def test_mails_are_written_in_the_language_of_the_rule(house: House) -> None:
    assert set(NAMES.values()) <= set(CHINESE)
    house.rules.add(house.boss, replace(ERRORS, mails=("ops@corp.example",), hold_s=60, language=Language.ZH))
    for _ in range(6):
        house.answers(20, failed=10)
        house.check(0.5)
    assert house.deliver() == []
    [(_, subject, text)] = house.mails.sent
    assert subject == "[普通] Errors 正在告警" and "条件：失败的回答高于 5 %（5 min 内），持续 1 min" in text and "当前：50.0 %" in text


def test_a_test_reaches_mails_and_webhooks_without_an_alert(house: House) -> None:
    stored = house.rules.add(house.boss, ERRORS)
    with pytest.raises(InvalidInput, match="no mail address and no webhook"):
        house.delivery.test(house.boss, stored.id)
    house.rules.change(house.boss, stored.id, replace(ERRORS, mails=("ops@corp.example",)))
    house.delivery.test(house.boss, stored.id)
    house.deliver()
    assert "Nothing is wrong." in house.mails.sent[0][2] and house.handling.history(house.boss).episodes == ()


def test_acknowledging_says_who_and_why_and_stops_repeats(house: House) -> None:
    stored = house.rules.add(house.boss, replace(ERRORS, mails=("ops@corp.example",), repeat_s=300, window_s=3600))
    with pytest.raises(Conflict):
        house.handling.acknowledge(house.boss, stored.id)
    house.answers(20, failed=8)
    house.check(minutes=3)
    house.handling.acknowledge(house.boss, stored.id, "  driver restarted ")
    house.check(minutes=30)
    assert len(house.waiting()) == 1
    overview = house.rules.overview(house.boss)
    episode = overview.rules[0].status.episode
    assert episode is not None and episode.note == "driver restarted" and overview.names[episode.acknowledged_by or ""] == "Mei Lin"
    assert overview.fired == {stored.id: 1}


def test_a_silence_needs_an_end_within_reason(house: House) -> None:
    stored = house.rules.add(house.boss, ERRORS)
    for until in (house.clock(), house.clock() + timedelta(days=91)):
        with pytest.raises(InvalidInput, match="within 90 days"):
            house.handling.silence(house.boss, stored.id, until)
    with pytest.raises(Conflict):
        house.handling.silence(house.boss, stored.id, None)
    silenced = house.handling.silence(house.boss, stored.id, house.clock() + timedelta(hours=1), "Maintenance")
    assert silenced.shown(house.clock()) is Shown.SILENCED
    assert house.handling.end_silence(house.boss, stored.id).shown(house.clock()) is Shown.QUIET


def test_a_changed_condition_begins_anew_and_other_changes_do_not(house: House) -> None:
    stored = house.rules.add(house.boss, ERRORS)
    house.answers(20, failed=8)
    house.check()
    house.rules.change(house.boss, stored.id, replace(ERRORS, name="Failures", severity=Severity.HIGH))
    assert house.rules.get(house.boss, stored.id).status.phase is Phase.FIRING
    house.rules.change(house.boss, stored.id, replace(ERRORS, threshold=50))
    assert house.rules.get(house.boss, stored.id).status.phase is Phase.QUIET
    assert house.handling.history(house.boss).episodes[0].ending is Ending.CHANGED
    house.rules.change(house.boss, stored.id, enabled=False)
    house.check()
    assert house.rules.get(house.boss, stored.id).status.checked_at is None
    house.rules.remove(house.boss, stored.id)
    assert len(house.handling.history(house.boss).episodes) == 1, "the history stays"
    with pytest.raises(NotFound):
        house.rules.get(house.boss, stored.id)


def test_rules_have_different_names_and_people_who_may_be_told(house: House, ana: User) -> None:
    house.rules.add(house.boss, ERRORS)
    with pytest.raises(InvalidInput, match="already an alert rule named Errors"):
        house.rules.add(house.boss, ERRORS)
    with pytest.raises(InvalidInput, match="may see usage"):
        house.rules.add(house.boss, replace(ERRORS, name="To Ana", people=(ana.id,)))
    with pytest.raises(InvalidInput, match="does not exist any more"):
        house.rules.add(house.boss, replace(ERRORS, name="To nobody", webhooks=("none",)))
    assert [each.name for each in house.rules.choices(house.boss).people] == ["Mei Lin", "root"]


def test_who_may_no_longer_see_usage_is_not_told(house: House, accounts: Accounts, admin: User) -> None:
    house.rules.add(house.boss, replace(ERRORS, people=(house.boss.id,)))
    accounts.change(admin, "mei", role=Role.ANALYST)
    house.answers(20, failed=8)
    house.check()
    assert notices(house, house.boss) == []


def test_a_removed_webhook_leaves_the_rules(house: House) -> None:
    hook = house.webhooks.add(house.boss, "Pager", "https://pager.example/x")
    stored = house.rules.add(house.boss, replace(ERRORS, webhooks=(hook.id,)))
    assert house.webhooks.list(house.boss)[0].secret == ""
    with pytest.raises(Conflict):
        house.webhooks.add(house.boss, "Pager", "https://pager.example/y")
    house.webhooks.remove(house.boss, hook.id)
    assert house.rules.get(house.boss, stored.id).rule.webhooks == ()


def test_an_analyst_sees_and_does_nothing(house: House, ana: User) -> None:
    stored = house.rules.add(house.boss, ERRORS)
    asks: list[Callable[[], object]] = [
        lambda: house.rules.overview(ana), lambda: house.rules.get(ana, stored.id), lambda: house.rules.choices(ana),
        lambda: house.rules.add(ana, ERRORS), lambda: house.rules.change(ana, stored.id), lambda: house.rules.remove(ana, stored.id),
        lambda: house.handling.history(ana), lambda: house.handling.acknowledge(ana, stored.id),
        lambda: house.handling.silence(ana, stored.id, None), lambda: house.handling.end_silence(ana, stored.id),
        lambda: house.webhooks.list(ana), lambda: house.webhooks.add(ana, "x", "https://x.example"),
        lambda: house.webhooks.remove(ana, "x"), lambda: house.previews.preview(ana, ERRORS),
        lambda: house.delivery.test(ana, stored.id), lambda: house.delivery.tests(ana, stored.id),
    ]  # fmt: skip
    for ask in asks:
        with pytest.raises(NotAllowed):
            ask()


def test_a_preview_says_when_it_would_have_fired(house: House) -> None:
    for failed in (0, 0, 8, 8, 0):
        house.answers(20, failed=failed)
        house.clock.forward(minutes=10)
    preview = house.previews.preview(house.boss, replace(ERRORS, window_s=600))
    assert preview.kept and len(preview.fired) == 1 and timedelta(minutes=18) <= preview.lasted <= timedelta(minutes=22)
    assert max(point.value or 0 for point in preview.points) == 40.0 and len(preview.points) <= 336
    house.gauge = 12.5
    now = house.previews.preview(house.boss, AlertRule(name="Index", measure=Measure.INDEX, threshold=5))
    assert not now.kept and now.now == 12.5 and now.points == ()


def test_a_preview_advises_a_longer_hold_that_halves_the_alerts(house: House) -> None:
    for number in range(6):
        house.answers(20, failed=8)
        house.clock.forward(minutes=2)
        for _ in range(14 if number == 3 else 1):
            house.answers(1, failed=1 if number == 3 else 0)
            house.clock.forward(minutes=1)
        house.clock.forward(minutes=20)
    preview = house.previews.preview(house.boss, replace(ERRORS, least=1, window_s=60))
    assert len(preview.fired) >= 6 and preview.advice is not None and preview.advice.times * 2 <= len(preview.fired)


def test_a_renamed_group_takes_its_rules_along(house: House, admin: User) -> None:
    groups = Groups(house.unit_of_work, house.clock)
    with house.unit_of_work() as work:
        known = {each.name: each.id for each in work.groups.all()}
    group = known.get("Risk") or groups.add(admin, "Risk").id
    stored = house.rules.add(house.boss, replace(ERRORS, group="Risk"))
    groups.change(admin, group, name="Risk and limits")
    assert house.rules.get(house.boss, stored.id).rule.group == "Risk and limits"


def test_the_most_used_limit_is_measured(house: House, admin: User) -> None:
    limits = Limits(house.unit_of_work, house.clock)
    for amount, measure in ((1000, Limited.TOKENS), (4, Limited.REQUESTS)):
        rule = LimitRule(id="", holder=Holder.GROUP, subject="Risk", measure=measure, period=Period.DAY, amount=amount)
        with house.unit_of_work() as work:
            work.limits.put(replace(rule, id=f"limit-{amount}"))
            work.commit()
    limits.admit(house.boss, "glm")
    gauges = Gauges(house.clock, None, None, None)  # type: ignore[arg-type]
    with house.unit_of_work() as work:
        quota = AlertRule(name="Limits", measure=Measure.QUOTA, threshold=80)
        assert gauges.read(work, quota) == Reading(25.0)
        assert gauges.read(work, replace(quota, group="Sales")) == Reading(None)


def test_ended_alerts_leave_the_history_after_the_days_of_the_setting(house: House) -> None:
    stored = house.rules.add(house.boss, replace(ERRORS, mails=("ops@corp.example",)))
    house.answers(20, failed=8)
    house.check(minutes=10)
    house.delivery.test(house.boss, stored.id)
    retention = Retention(house.unit_of_work, house.clock, alert_days=10)
    assert retention.remove_old_alerts() == 0
    house.clock.forward(days=11)
    assert retention.remove_old_alerts() == 1
    assert house.handling.history(house.boss).episodes == () and house.delivery.tests(house.boss, stored.id) == []


def test_the_job_of_the_checks_recurs_and_can_be_stopped(house: House) -> None:
    [kind] = house.checks.job_kinds()
    assert kind.every == timedelta(seconds=30) and kind.resumable and not kind.listed
    house.rules.add(house.boss, ERRORS)
    house.checks.check_all(Report(threading.Event()))
    assert house.rules.overview(house.boss).rules[0].status.checked_at == house.clock()
