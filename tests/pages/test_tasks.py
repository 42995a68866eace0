"""The Tasks page: steps before they run, results of each, and who may order tasks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from core.people.permissions import Permission
from core.people.records import Role
from core.prompts.records import Share
from core.tasks.records import Every
from core.workflows.records import RUN_ENDED, Run, RunState, Step, StepKind, WorkflowTask
from core.workflows.schedules.records import Rule
from tests.pages.seeded import Stage, page, stage, texts

SALES = b"desk,usd\nRates,381\nCredit,192\n"
STEPS = (
    Step(id="s1", kind=StepKind.QUERY, title="Sales *by* desk", inputs=("file1",), text='SELECT * FROM "sales" ORDER BY 2'),
    Step(id="s2", kind=StepKind.WRITE, title="Say it", inputs=("s1",), text="One sentence."),
)
WAIT_S = 60.0


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    built = stage(tmp_path_factory.mktemp("home") / "home", empty=True)
    yield built
    built.portal.close()


@pytest.fixture
def task(room: Stage) -> WorkflowTask:
    file = room.portal.files.upload(room.admin, "sales.csv", SALES)
    return room.portal.workflow_tasks.add(room.admin, "Which desk sold most?", [file.id], steps=STEPS)


def ended(room: Stage, run: Run, *states: RunState) -> Run:
    ends = time.monotonic() + WAIT_S
    while (found := room.portal.workflow_runs.get(room.admin, run.id)[0]).state not in (states or RUN_ENDED):
        assert time.monotonic() < ends, found
        time.sleep(0.02)
    return found


def errors(drawn: AppTest) -> list[str]:
    """Return the errors of a page without escapes."""
    return [each.value.replace("\\", "") for each in drawn.error]


def test_a_task_is_begun_by_hand_and_its_steps_wait_for_approval(room: Stage) -> None:
    drawn = page("tasks", room)
    assert not drawn.exception and "There are none yet" in texts(drawn)
    drawn.button(key="task-by-hand").click().run()
    assert errors(drawn) == ["Describe what should be done."]
    drawn.text_area(key="task-request").set_value("What did we say about bonds?")
    drawn.button(key="task-by-hand").click().run()
    assert not drawn.exception and "searches your chats" in texts(drawn)
    [(made, run)] = room.portal.workflow_tasks.list(room.admin)
    assert [each.kind for each in made.steps] == [StepKind.SEARCH, StepKind.WRITE] and run is None
    room.portal.workflow_tasks.remove(room.admin, made.id)


def test_steps_are_approved_run_and_inspected(room: Stage, task: WorkflowTask) -> None:
    drawn = page("tasks", room, query={"task": task.id})
    assert not drawn.exception and "Sales \\*by\\* desk" in texts(drawn) and drawn.button(key="task-run").label == "Approve and run"
    drawn.button(key="task-run").click().run()
    [run] = room.portal.workflow_runs.list(room.admin, task.id)
    ended(room, run)
    drawn = page("tasks", room, query={"task": task.id})
    assert not drawn.exception and "Hello from the fake model" in texts(drawn) and drawn.button(key="task-run").label == "Run again"
    assert "2 rows · 2 columns" in texts(drawn) and drawn.dataframe[0].value.shape == (2, 2)
    assert any('SELECT * FROM "sales"' in each.value for each in drawn.code)


def test_a_step_is_edited_moved_and_refused_where_it_cannot_stand(room: Stage, task: WorkflowTask) -> None:
    drawn = page("tasks", room, query={"task": task.id})
    drawn.button(key="task-move-1-s2").click().run()
    assert errors(drawn) == ["Step 1 reads the result of step 2, which comes later. Move it."]
    drawn.button(key="task-edit-s2").click().run()
    drawn.text_area(key=f"task-text-write-{task.id}-s2-1").set_value("Two sentences.")
    drawn.button(key="task-step-keep").click().run()
    assert not drawn.exception and "Nothing has run yet." in drawn.success[0].value.replace("\\", "")
    assert room.portal.workflow_tasks.get(room.admin, task.id).steps[1].text == "Two sentences."
    drawn.button(key="task-drop-s2").click().run()
    assert [each.id for each in room.portal.workflow_tasks.get(room.admin, task.id).steps] == ["s1"]


def test_a_failed_step_says_why_and_offers_a_retry(room: Stage, task: WorkflowTask) -> None:
    wrong = replace(STEPS[0], text='SELECT "euros" FROM "sales"')
    changed = room.portal.workflow_tasks.change(room.admin, task.id, steps=(wrong, STEPS[1]), version=1)
    run = ended(room, room.portal.workflow_runs.start(room.admin, task.id, changed.version))
    assert run.state is RunState.FAILED
    drawn = page("tasks", room, query={"task": task.id})
    assert not drawn.exception and drawn.button(key="task-run").label == "Retry from step 1"
    assert any("euros" in each for each in errors(drawn))


def test_a_question_is_answered_on_the_page(room: Stage) -> None:
    ask = Step(id="s1", kind=StepKind.ASK, title="Ask", text="Which quarter?")
    task = room.portal.workflow_tasks.add(room.admin, "Ask me", steps=(ask,))
    run = ended(room, room.portal.workflow_runs.start(room.admin, task.id, 1), RunState.ASKING)
    drawn = page("tasks", room, query={"task": task.id})
    drawn.text_area(key=f"task-answer-{run.id}-s1").set_value("The fourth.")
    drawn.button(key="task-answer-send").click().run()
    assert not drawn.exception and ended(room, run).state is RunState.DONE


def test_nobody_opens_another_persons_task_and_a_group_can_withhold_tasks(room: Stage, task: WorkflowTask) -> None:
    other = replace(room.admin, id="0" * 32)
    drawn = page("tasks", room, user=other, query={"task": task.id})
    assert not drawn.exception and "This task does not exist" in texts(drawn).replace("\\", "")
    drawn = page("tasks", room, user=replace(room.admin, withheld=frozenset({Permission.RUN_TASKS})))
    assert drawn.exception


def test_a_task_is_saved_as_a_template_and_run_with_other_words(room: Stage) -> None:
    portal, ask = room.portal, Step(id="s1", kind=StepKind.SEARCH, title="Look", text="bonds in May")
    task = portal.workflow_tasks.add(room.admin, "What about bonds?", steps=(ask,))
    drawn = page("tasks", room, query={"task": task.id})
    drawn.button(key="task-template").click().run()
    [listed] = portal.task_templates.list(room.admin)
    key = f"{listed.template.id}-1"
    drawn.text_area(key=f"template-text-{key}-s1").set_value("[topic] in [month]")
    drawn.button(key="template-save").click().run()
    assert not drawn.exception and ":blue-badge[topic] in :blue-badge[month]" in texts(drawn)
    drawn.button(key="template-run").click().run()
    assert errors(drawn) == ["Fill in topic."]
    for name, value in (("topic", "Rates"), ("month", "June")):
        drawn.text_input(key=f"template-value-{listed.template.id}-{name}").set_value(value)
    drawn.button(key="template-run").click().run()
    [(made, run)] = portal.workflow_tasks.list(room.admin, 10, listed.template.id)
    assert not drawn.exception and made.steps[0].text == "Rates in June" and run is not None
    ended(room, run)
    portal.task_templates.share(room.admin, listed.template.id, Share.EVERYONE)
    other = replace(room.admin, id="0" * 32, role=Role.ANALYST)
    drawn = page("tasks", room, user=other, query={"template": listed.template.id})
    assert not drawn.exception and "by Mei Lin" in texts(drawn) and not drawn.get("popover")
    drawn = page("tasks", room, query={"template": listed.template.id})
    drawn.button(key="template-delete-sure").click().run()
    assert not drawn.exception and portal.task_templates.list(room.admin) == []


@pytest.mark.parametrize(("name", "values", "file"), [
    ("document", {"reader": "the board", "number": "3"}, ("note.txt", b"Rates fell in May.")),
    ("table", {"figure": "the sum of usd", "group": "desk"}, ("sales.csv", SALES)),
    ("chats", {"topic": "bonds"}, None),
])  # fmt: skip
def test_each_ready_made_template_runs(room: Stage, name: str, values: dict[str, str], file: tuple[str, bytes] | None) -> None:
    portal = room.portal
    drawn = page("tasks", room)
    drawn.button(key=f"template-take-{name}").click().run()
    [listed] = portal.task_templates.list(room.admin)
    assert not drawn.exception and listed.blanks == tuple(values) and "Change it as you like" in drawn.success[0].value
    files = [portal.files.upload(room.admin, *file).id] if file is not None else []
    run = ended(room, portal.template_runs.run(room.admin, listed.template.id, 1, values, files))
    # The fake model writes no SQL, so a query in words ends there.
    assert run.state is (RunState.FAILED if name == "table" else RunState.DONE), run.error
    portal.task_templates.remove(room.admin, listed.template.id)


def test_a_schedule_is_set_shown_and_removed(room: Stage) -> None:
    portal, ask = room.portal, Step(id="s1", kind=StepKind.ASK, title="Ask", text="About [month], [who]?")
    made = portal.task_templates.add(room.admin, "Weekly question", "Ask me", (ask,))
    drawn = page("tasks", room, query={"template": made.id})
    assert not drawn.exception and drawn.selectbox(key="schedule-every").value is Every.NEVER
    drawn.selectbox(key="schedule-every").select(Every.WEEK).run()
    drawn.selectbox(key=f"schedule-rule-{made.id}-month").select(Rule.MONTH_BEFORE).run()
    drawn.button(key="schedule-save").click().run()
    assert "Fill in who." in errors(drawn)
    drawn.text_input(key=f"schedule-value-{made.id}-who").set_value("Ana")
    drawn.button(key="schedule-save").click().run()
    view = portal.task_schedules.of(room.admin, made.id)
    assert not drawn.exception and view is not None and view.schedule.rules == {"month": Rule.MONTH_BEFORE} and view.schedule.waits
    assert "Next start:" in texts(drawn)
    drawn.button(key="schedule-switch").click().run()
    assert "It is switched off." in texts(drawn)
    drawn.selectbox(key="schedule-every").select(Every.NEVER).run()
    drawn.button(key="schedule-remove").click().run()
    assert not drawn.exception and portal.task_schedules.of(room.admin, made.id) is None
    portal.task_templates.remove(room.admin, made.id)


def test_a_step_that_failed_is_skipped_on_the_page(room: Stage) -> None:
    steps = (
        Step(id="s1", kind=StepKind.WRITE, title="Write", text="Hello."),
        Step(id="s2", kind=StepKind.QUERY, title="Broken", inputs=("file1",), text='SELECT "no" FROM "sales"'),
    )
    file = room.portal.files.upload(room.admin, "sales.csv", SALES)
    task = room.portal.workflow_tasks.add(room.admin, "Try it", [file.id], steps=steps)
    ended(room, room.portal.workflow_runs.start(room.admin, task.id, 1))
    drawn = page("tasks", room, query={"task": task.id})
    drawn.button(key="task-skip-s2").click().run()
    run = ended(room, room.portal.workflow_runs.list(room.admin, task.id, 1)[0])
    drawn = page("tasks", room, query={"task": task.id})
    assert not drawn.exception and run.state is RunState.DONE and "left out" in texts(drawn)
    room.portal.workflow_tasks.remove(room.admin, task.id)
