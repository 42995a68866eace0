"""Schedules: what is due starts once, with the rights of then; what cannot start says so; what leaves the portal waits."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.notices.records import NoticeKind
from core.people.accounts import Accounts
from core.people.records import KeyInUse, Scope, User
from core.tasks.records import Every, Timing
from core.tasks.worker import JobWorker
from core.workflows.model_work import ModelWork
from core.workflows.records import RunState, StepState
from core.workflows.schedules.records import Rule, TaskSchedule
from core.workflows.schedules.rules import ruled
from core.workflows.templates.records import TaskTemplate
from tests.unit.core.workflows.conftest import House, step, steps, until

DAILY = Timing(every=Every.DAY, hour=7)
ASK = steps(step("s1", "ask", "About [month], [who]?"))


def template(house: House) -> TaskTemplate:
    return house.templates.add(house.user, "Ask", "Ask about [month]", ASK)


def scheduled(house: House, *, version: int = 1) -> TaskTemplate:
    made = template(house)
    house.schedules.put(house.user, made.id, version, DAILY, values={"who": "Ana"}, rules={"month": Rule.MONTH_BEFORE})
    return made


def schedule(house: House, made: TaskTemplate) -> TaskSchedule:
    view = house.schedules.of(house.user, made.id)
    assert view is not None
    return view.schedule


def stopped(house: House, made: TaskTemplate) -> str:
    """Start what is due tomorrow, and return why it stopped."""
    house.clock.forward(days=1)
    assert house.starts.begin_due() == 1
    found = until(lambda: schedule(house, made), lambda now: not now.enabled)
    with house.unit_of_work() as work:
        [notice] = work.notices.of_user(house.user.id, 10)
    assert (notice.kind, notice.target) == (NoticeKind.SCHEDULE_STOPPED, made.id)
    assert house.tasks.list(house.user, 10, made.id) == []
    return str(found.problem)


@pytest.mark.parametrize(("rule", "text"), [
    (Rule.DAY, "2027-01-01"), (Rule.DAY_BEFORE, "2026-12-31"), (Rule.WEEK_BEFORE, "2026-W52"), (Rule.MONTH, "2027-01"),
    (Rule.MONTH_BEFORE, "2026-12"),
])  # fmt: skip
def test_a_rule_fills_a_blank_with_a_date(rule: Rule, text: str) -> None:
    assert ruled(rule, date(2027, 1, 1)) == text


def test_a_due_start_runs_once_and_several_missed_ones_are_made_up_once(house: House, at_work: JobWorker) -> None:
    made = scheduled(house)
    assert house.starts.begin_due() == 0
    house.clock.forward(days=3, hours=4)
    due = house.clock()
    assert (house.starts.begin_due(), house.starts.begin_due()) == (1, 0)
    [(task, run)] = until(lambda: house.tasks.list(house.user, 10, made.id), lambda found: found and found[0][1] is not None)
    month = ruled(Rule.MONTH_BEFORE, due.date())
    assert task.request == f"Ask about {month}" and run is not None and run.steps[0].text == f"About {month}, Ana?" and run.waits
    found = until(lambda: schedule(house, made), lambda now: now.last_task_id is not None)
    assert found.last_task_id == task.id and found.missed_at is not None and found.missed_at < due - timedelta(minutes=10)
    assert found.enabled and found.problem is None


def test_a_change_of_the_template_must_be_approved_again(house: House, at_work: JobWorker) -> None:
    made = scheduled(house)
    house.templates.change(house.user, made.id, title="Ask again")
    assert "changed meanwhile" in stopped(house, made)
    with pytest.raises(Conflict, match="save the schedule again"):
        house.schedules.switch(house.user, made.id, True)
    view = house.schedules.put(house.user, made.id, 2, DAILY, values={"who": "Bo"}, rules={"month": Rule.MONTH})
    assert view.schedule.problem is None and view.next is not None and view.next > house.clock()


def test_the_schedule_of_a_disabled_person_stops_and_says_so(
    house: House, at_work: JobWorker, accounts: Accounts, admin: User
) -> None:  # fmt: skip
    made = scheduled(house)
    accounts.change(admin, house.user.name, active=False)
    assert "may no longer run tasks" in stopped(house, made)


def test_a_schedule_that_is_off_makes_nothing_up(house: House) -> None:
    made = scheduled(house)
    assert house.schedules.switch(house.user, made.id, False).next is None
    house.clock.forward(days=2)
    assert house.starts.begin_due() == 0
    house.schedules.switch(house.user, made.id, True)
    assert house.starts.begin_due() == 0
    house.clock.forward(days=1)
    house.schedules.remove(house.user, made.id)
    assert house.starts.begin_due() == 0 and house.schedules.of(house.user, made.id) is None
    with pytest.raises(NotFound):
        house.schedules.switch(house.user, made.id, True)


def test_a_schedule_is_checked_when_it_is_saved(house: House) -> None:
    made = template(house)
    month = {"month": Rule.DAY}
    for timing, values, problem in (
        (Timing(), {"who": "x"}, "how often"), (DAILY, {}, "Fill in who"), (DAILY, {"who": "x", "month": "y"}, "not both"),
    ):  # fmt: skip
        with pytest.raises(InvalidInput, match=problem):
            house.schedules.put(house.user, made.id, 1, timing, values=values, rules=month)
    with pytest.raises(InvalidInput, match="reads no files"):
        house.schedules.put(house.user, made.id, 1, DAILY, values={"who": "x"}, rules=month, files=["0" * 32])
    with pytest.raises(Conflict, match="changed meanwhile"):
        house.schedules.put(house.user, made.id, 2, DAILY, values={"who": "x"}, rules=month)


def test_a_run_waits_before_a_step_asks_a_model_outside(
    house: House, at_work: JobWorker, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    outside = iter(["glm@elsewhere"])
    monkeypatch.setattr(ModelWork, "asks_outside", lambda self, user, name: next(outside, None))
    task = house.order(step("s1", "write", "A greeting."))
    run, results = house.ended(house.runs.start(house.user, task.id, 1, waits=True), RunState.ASKING)
    assert results["s1"].state is StepState.ASKING and results["s1"].asked == "glm@elsewhere" and house.router.requests == []
    with pytest.raises(Conflict, match="asks nothing"):
        house.runs.answer(house.user, run.id, "Yes.")
    house.says("Hello.")
    house.runs.let_leave(house.user, run.id)
    done, results = house.ended(run)
    assert done.state is RunState.DONE and results["s1"].output.text == "Hello." and not done.waits
    with pytest.raises(Conflict, match="does not wait"):
        house.runs.let_leave(house.user, run.id)


def test_an_api_key_sets_no_schedule(house: House) -> None:
    made = template(house)
    program = replace(house.user, key=KeyInUse(id="k", scopes=frozenset({Scope.CHAT})))
    with pytest.raises(NotAllowed, match="API key"):
        house.schedules.put(program, made.id, 1, DAILY, values={"who": "x"}, rules={"month": Rule.DAY})
