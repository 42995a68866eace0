"""Both implementations of the portal's port, in this process and over the internal API, give the same results for the same calls."""

from __future__ import annotations

import threading
import time
from collections.abc import Set
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bootstrap.portal import Portal
from core.access.records import Holder, LimitRule, Measure, Period
from core.arena.records import Choice, VoteFilter, VoteTask
from core.asking.asking import Question
from core.chat.records import NewQuestion
from core.chat.tools.records import Decision
from core.chat.turns import TurnOptions
from core.documents.records import DocumentState
from core.errors import Conflict, PortalError
from core.experiments.records import Design
from core.grounding.exports.exports import ExportFormat
from core.grounding.records import Box
from core.inference.offers import Preset
from core.models.load_settings import LoadSettings
from core.notices.records import NoticeChoices
from core.operations.logs.records import LogQuery
from core.operations.records import RetentionKind
from core.people.api_keys import KeyTerms
from core.people.audit_records import AuditFilter
from core.people.permissions import Permission, Role
from core.people.records import Origin, Scope, SessionKind
from core.people.signing_in.sign_in import Caller
from core.plugins.records import SectionPage
from core.prompts.records import Share
from core.review.cases.changes import CaseChange
from core.review.cases.records import OPEN, CaseQuery, CaseState, Priority, Whose
from core.review.datasets.records import DatasetSettings, Format, Source
from core.review.judging.records import Question as ReviewQuestion
from core.review.judging.records import QuestionKind
from core.review.names import RevealReason
from core.review.own_feedback import OwnRatings
from core.review.records import RatingDetails, Vote
from core.search.records import DocumentKind
from core.tasks.records import Every, Timing
from core.usage.alerts.rule_records import AlertRule, NoData
from core.usage.alerts.rule_records import Measure as Measured
from core.usage.money.records import Budget, Price
from core.usage.records import Language
from core.usage.reporting.records import ReportPlan
from core.usage.reporting.writer import ReportFormat
from core.usage.reports import UsageQuery
from core.workflows.records import DrawnColumns, RunState, Step, StepKind
from core.workflows.results import ResultFormat
from data.unit_of_work import SqlUnitOfWork
from remote.services import SERVICES
from samples.fakes import FILE, FakePool, FakeRouter
from samples.image_files import picture, written
from tests.unit.api.conftest import PASSWORD, open_portal
from tests.unit.remote.conftest import AdminServer
from tests.unit.remote.recorder import Recorder

VOLATILE = frozenset({
    *("backups.task", "backups.make", "backups.check", "backups.backups", "backups.facts"),
    "table_queries.run", "report_writer.shown",
    *("workflow_runs.get", "workflow_runs.list", "workflow_tasks.list"),
    *("jobs.list", "index_maintenance.state", "disk.free", "memories.export"),
    *("api_keys.make", "api_keys.own", "api_keys.rename", "api_keys.of_person", "api_keys.find"),
})  # fmt: skip
"""What depends on the time, a background job, the disk or chance (the beginning of a key): only its types are compared."""
RACING = frozenset({
    *("turns.find", "turns.running", "turns.running_conversations", "turns.stop", "temporary.running", "temporary.stop"),
    *("ground_batches.start", "ground_batches.get", "ground_batches.list", "ground_batches.items", "ground_batches.export"),
    *("ground_batches.pause", "ground_batches.resume", "ground_batches.cancel", "ground_batches.retry", "ground_batches.remove"),
})  # fmt: skip
"""What depends on how far an answer or a batch has come, even whether it is refused. test_remote_portal.py follows an answer."""

NOW = datetime(2026, 11, 29, tzinfo=UTC)


def walk(portal: Any) -> None:
    """Call every registered method and value, as pages do, and some of them wrongly."""
    ann, ada = _people(portal)
    _conversations(portal, ann)
    _temporary(portal, ann)
    _files(portal, ann, ada)
    _review(portal, ann, ada)
    _models(portal, ann, ada)
    _store(portal, ada)
    _access(portal, ann, ada)
    _accounts(portal, ann, ada)


def _people(portal: Any) -> tuple[Any, Any]:
    with suppress(PortalError):
        portal.sign_in.check("ann", "wrong", Caller("127.0.0.1"))
    token = portal.sessions.open(portal.sign_in.check("ann", PASSWORD, Caller("127.0.0.1")), SessionKind.BROWSER)
    ticket = portal.sessions.issue_ticket(portal.sign_in.check("ada", PASSWORD, Caller("127.0.0.1", "a device")))
    ada = portal.sessions.user(portal.sessions.redeem_ticket(ticket))
    with suppress(PortalError):
        portal.sessions.redeem_ticket(ticket)
    portal.sessions.user("made up")
    portal.sessions.user(None)
    portal.devices.remember(ada, None)
    assert portal.single_sign_on.name == ""
    for ask in (portal.single_sign_on.begin, lambda: portal.single_sign_on.finish("kept", "state", "code", Origin("127.0.0.1"))):
        with suppress(PortalError):
            ask()
    assert portal.sessions.lifetime
    return portal.sessions.user(token), ada


def _conversations(portal: Any, ann: Any) -> None:
    folder = portal.folders.new(ann, "Contracts")
    with suppress(PortalError):
        portal.folders.new(ann, "contracts")
    portal.folders.rename(ann, folder.id, "Offers")
    chat = portal.conversations.new(ann, folder_id=folder.id)
    portal.conversations.rename(ann, chat.id, "Überschrift 标题")
    portal.conversations.move(ann, chat.id, None)
    with suppress(PortalError):
        portal.conversations.get(ann, "missing")
    portal.gateway.chat_models(ann)
    portal.gateway.next_target(ann, "fake@elsewhere")
    turn = portal.turns.start(ann, chat.id, "Hello?", TurnOptions(), "request-1")
    portal.turns.find(ann, turn.id)
    with suppress(PortalError):
        portal.turns.start(ann, chat.id, "x" * 40_000, TurnOptions(), "request-2")
    with suppress(PortalError):
        portal.turns.start(ann, chat.id, "Hello?", TurnOptions(model="missing"), "")
    _settled(portal, ann, chat.id)
    asked = portal.asking.ask(ann, None, Question(text="Hello?", options=[TurnOptions()], request_id="request-6"))
    with suppress(PortalError):
        portal.asking.ask(ann, None, Question(text=" ", options=[TurnOptions()], request_id="request-7"))
    _settled(portal, ann, asked.conversation_id)
    second = portal.turns.regenerate(ann, turn.answer_id, TurnOptions(), "request-4")
    _settled(portal, ann, chat.id)
    with suppress(PortalError):
        portal.turns.go_on(ann, turn.answer_id, TurnOptions(), "request-5")
    portal.turns.running(ann, chat.id)
    portal.turns.running_conversations(ann)
    portal.turns.stop(ann, chat.id)
    with pytest.raises(Conflict):
        portal.turns.decide(ann, turn.answer_id, "call_1", Decision.ALLOW)
    portal.conversations.show_version(ann, chat.id, turn.answer_id)
    portal.conversations.reveal(ann, chat.id, second.answer_id)
    portal.conversations.transcript(ann, chat.id)
    portal.conversations.get(ann, chat.id)
    portal.conversations.message(ann, turn.answer_id)
    portal.conversations.list(ann, limit=10)
    _indexed(portal, ann, "标题")
    portal.conversations.find(ann, "标题")
    portal.feedback.rate(ann, second.answer_id, -1, "Not so good", RatingDetails(score=2, reasons=("Too long",)))
    portal.feedback.own(ann, second.answer_id)
    portal.rating_forms.current(ann)
    portal.search.find(ann, "nothing like it", DocumentKind.MESSAGE, since=datetime(2020, 1, 1, tzinfo=UTC))
    portal.search.models(ann)
    portal.suggestions.suggest(ann, "Üb")
    gone = portal.conversations.new(ann, "To be deleted")
    portal.conversations.delete_soon(ann, gone.id)
    portal.conversations.deleted_just_now(ann)
    portal.conversations.restore(ann, gone.id)
    portal.conversations.delete_many_soon(ann, [gone.id])
    portal.conversations.restore(ann, gone.id)
    portal.context.use(ann, chat.id, None, parts=True)
    portal.context.summary(ann, chat.id)
    portal.context.pin(ann, second.answer_id, True)
    with suppress(PortalError):
        portal.context.edit_summary(ann, chat.id, "none", "Nothing")
    collection = portal.collections.add(ann, "Contracts 合同")
    portal.collections.rename(ann, collection.id, "Offers")
    with suppress(PortalError):
        portal.collections.share(ann, collection.id, Share.EVERYONE)
    document = portal.documents.add(ann, collection.id, "a.md", "# 价格\n\nFixed until May.".encode())
    _read(portal, ann, document.id)
    portal.collections.get(ann, collection.id)
    portal.collections.list(ann)
    portal.collections.choices(ann)
    portal.documents.get(ann, document.id)
    portal.documents.list(ann, collection.id)
    portal.documents.read(ann, document.id)
    found = portal.finder.find(ann, [collection.id], "until May").passages[0]
    portal.documents.page(ann, document.id, found.start, found.end)
    portal.documents.read_again(ann, document.id)
    portal.documents.remove(ann, document.id)
    portal.collections.remove(ann, collection.id)
    prompt = portal.prompts.add(ann, "Summary", "Summarize the meeting with [client].")
    portal.prompts.change(ann, prompt.id, text="Summarize the meeting with {{client}}. 总结。")
    portal.prompts.restore(ann, prompt.id, 1)
    portal.prompts.versions(ann, prompt.id)
    portal.prompts.get(ann, prompt.id)
    portal.prompts.list(ann, "meeting")
    portal.prompts.starters(ann)
    for ask in (lambda: portal.prompts.share(ann, prompt.id, Share.GROUP), lambda: portal.prompts.set_starter(ann, prompt.id, True)):
        with suppress(PortalError):
            ask()
    portal.prompts.remove(ann, prompt.id)
    portal.memories.set_use(ann, True)
    portal.memories.use(ann)
    portal.memories.available(ann)
    portal.memories.proposed(ann)
    fact = portal.memories.add(ann, "The user likes tables. 表格。")
    portal.memories.edit(ann, fact.id, "The user likes short tables.")
    portal.memories.accept(ann, fact.id)
    portal.memories.accepted(ann, "tables")
    portal.memories.texts(ann, [fact.id])
    portal.memories.export(ann)
    with suppress(PortalError):
        portal.memories.dismiss(ann, fact.id)
    portal.memories.remove(ann, fact.id)
    portal.memories.clear(ann)
    portal.conversation_flags.use_memory(ann, chat.id, True)
    portal.chat_tools.list(ann, chat.id)
    portal.chat_tools.switch_off(ann, chat.id, ["search_chats"])
    portal.chat_tools.allow(ann, chat.id, ["search_chats"])
    portal.instructions.set_own(ann, "Answer briefly. 简短回答。")
    portal.instructions.own(ann)
    portal.instructions.applying(ann)
    portal.conversation_flags.use_instructions(ann, chat.id, False)
    portal.conversation_flags.pin(ann, chat.id, True)
    portal.conversation_flags.set_unread(ann, chat.id, True)
    portal.conversation_flags.archive(ann, chat.id, True)
    portal.conversation_flags.archive(ann, chat.id, False)
    portal.follow_ups.put(ann, chat.id, "And then?", TurnOptions())
    _settled(portal, ann, chat.id)
    portal.follow_ups.get(ann, chat.id)
    portal.follow_ups.send(ann, chat.id)
    with suppress(PortalError):
        portal.follow_ups.take_back(ann, chat.id)
    both = [TurnOptions(), TurnOptions(thinking=False)]
    same = portal.side_by_side.ask(ann, NewQuestion(conversation_id=chat.id, text="Which?", options=both, request_id="request-6"))
    _settled(portal, ann, chat.id)
    _settled(portal, ann, chat.id)
    portal.side_by_side.open(ann, chat.id)
    portal.side_by_side.rounds(ann, chat.id)
    portal.side_by_side.vote(ann, same.question_id, Vote.ALIKE)
    with suppress(PortalError):
        portal.accepted_answers.accept(ann, same.question_id)
    with suppress(PortalError):
        portal.chat_imports.start(ann, "", b"")
    portal.note("no imports", len(portal.real.chat_imports.recent(ann)))
    portal.chat_imports.recent(ann)
    _arena(portal, ann)
    portal.shares.audiences(ann)
    link = portal.shares.create(ann, chat.id, days=7, masked=True)
    portal.shares.of_conversation(ann, chat.id)
    portal.shares.open(ann, link.id)
    portal.shares.revoke(ann, link.id)
    with suppress(PortalError):
        portal.shares.open(ann, link.id)
    portal.folders.list(ann)
    portal.folders.remove(ann, folder.id)


def _arena(portal: Any, ann: Any) -> None:
    portal.arena.offered(ann)
    portal.arena.ready(ann)
    with suppress(PortalError):
        portal.arena.start(ann, "Which?", VoteTask.CODE)
    for ask in (portal.arena.get, partial(portal.arena.vote, choice=Choice.LEFT), portal.arena.take_back, portal.arena.leave):
        with suppress(PortalError):
            ask(ann, "no-match")


def _settled(portal: Any, ann: Any, chat: str) -> None:
    """Wait for the end of the answer without noting how often it is asked."""
    running = portal.real.turns.running(ann, chat)
    if running is not None:
        running.wait_finished(10)


def _read(portal: Any, ann: Any, document_id: str) -> None:
    """Wait until a document is read, without noting how often it is asked."""
    deadline = time.monotonic() + 60
    while portal.real.documents.get(ann, document_id).state is not DocumentState.READY:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _indexed(portal: Any, ann: Any, words: str) -> None:
    """Wait until the index finds a conversation, without noting how often it is asked."""
    deadline = time.monotonic() + 60
    while not portal.real.conversations.find(ann, words):
        assert time.monotonic() < deadline, "the conversation was not indexed"
        time.sleep(0.05)


def _files(portal: Any, ann: Any, ada: Any) -> None:
    places: list[int] = []
    content = "Größe\n".encode() * 100_000
    file = portal.files.upload(ann, "large.txt", content, places.append)
    with suppress(PortalError):
        portal.files.upload(ann, "report.pdf", b"%PDF-1.4 text", places.append)
    with suppress(PortalError):
        portal.files.upload(ann, "tool.exe", b"MZ\x00\x01", None)
    assert portal.files.read(ann, file.id)[1] == content
    portal.files.get(ann, file.id)
    with suppress(PortalError):
        portal.files.read_as(ann, file.id, "utf-16")
    portal.files.discard(ann, file.id)
    table = portal.files.upload(ann, "desks.csv", b"desk,usd\nRates,1\n", places.append)
    portal.table_queries.run(ann, [table.id], "SELECT sum(usd) AS usd FROM desks")
    portal.files.discard(ann, table.id)
    assert portal.files.max_bytes
    _tasks(portal, ann)
    _images(portal, ann, ada)
    portal.disk.check()
    portal.note("the disk", (type(portal.disk.low), isinstance(portal.disk.free, int | None)))
    portal.note("the limits", (portal.real.settings.max_question_chars, portal.real.settings.max_file_mb))


def _review(portal: Any, ann: Any, ada: Any) -> None:
    query = CaseQuery(states=OPEN, whose=Whose.NOBODY, rating=-1, since=datetime(2020, 1, 1, tzinfo=UTC))
    portal.case_queue.count(ada, query)
    [case] = portal.case_queue.find(ada, query).cases
    with suppress(PortalError):
        portal.case_queue.find(ann, query)
    portal.case_queue.open(ada, case.number)
    portal.case_work.start(ada, case.number)
    portal.case_work.leave(ada, case.number)
    due = datetime(2030, 1, 1, tzinfo=UTC)
    wanted = CaseChange(priority=Priority.HIGH, assignee=ada.name, tags=("Rates",), due_at=due, note="Look", reply="Thank you")
    portal.case_work.change(ada, case.number, case.version, wanted)
    with suppress(PortalError):
        portal.case_work.change(ada, case.number, case.version, wanted)
    portal.case_work.change_many(ada, {case.number: case.version + 1, 99: 1}, CaseChange(state=CaseState.FIXED))
    portal.case_queue.get(ada, case.number)
    portal.case_queue.progress(ada)
    portal.case_queue.reviewers(ada)
    portal.case_queue.tags(ada)
    portal.case_views.save(ada, "Rates", query)
    portal.case_views.list(ada)
    portal.case_views.remove(ada, "Rates")
    portal.case_export.all(ada, CaseQuery())
    portal.review_guidelines.save(ada, "# Look twice", 0)
    with suppress(PortalError):
        portal.review_guidelines.save(ada, "Late", 0)
    portal.review_guidelines.current(ada)
    portal.review_guidelines.versions(ada)
    portal.review_guidelines.version(ada, 1)
    asked = portal.review_questions.current(ada)
    note = ReviewQuestion(label="What else?", kind=QuestionKind.TEXT)
    saved = portal.review_questions.save(ada, (*asked.questions, note), 0)
    portal.review_judgements.ask_second(ada, case.number, asked=True)
    portal.review_judgements.judge(ada, case.number, {"cause": "style", "severity": 2, saved.questions[-1].id: "Late"})
    with suppress(PortalError):
        portal.review_judgements.decide(ada, case.number, {"cause": "style"})
    portal.review_judgements.of_case(ada, case.number)
    portal.review_progress.report(ada, 1)
    design = Design(name="Newer", subject="fake", other="formal")
    portal.experiments.size(ada, design)
    portal.experiments.list(ada)
    with suppress(PortalError):
        portal.experiments.start(ada, design)
    for ask in (portal.experiments.get, portal.experiments.promote, portal.experiments.stop):
        with suppress(PortalError):
            ask(ada, "no-experiment")
    with suppress(PortalError):
        portal.experiments.raise_split(ada, "no-experiment", 90)
    portal.leaderboard.groups(ada)
    portal.leaderboard.read(ada, VoteFilter(group="Risk"))
    portal.leaderboard.csv(ada, VoteFilter())
    portal.case_work.close_alike(ada, case.number)
    portal.own_feedback.find(ann, OwnRatings.FIXED)
    again = portal.asking_again.ask(ann, case.feedback.message_id, "request-again")
    _settled(portal, ann, again)
    portal.own_feedback.judge_fix(ann, case.feedback.message_id, satisfied=False)
    with suppress(PortalError):
        portal.asking_again.ask(ann, case.feedback.message_id, "request-too-late")
    portal.review_names.reveal(ada, case.number, RevealReason.CHECK, "The rate")
    portal.review_names.looks(ann)
    portal.rating_forms.save(ada, replace(portal.rating_forms.current(ada), asks_score=False))
    portal.rating_forms.versions(ada)
    portal.own_feedback.take_back(ann, case.feedback.message_id)
    _datasets(portal, ann, ada)
    query = UsageQuery(date(2020, 1, 1), date(2029, 1, 1))
    for ask in (portal.usage.report, portal.usage.parts, portal.usage.rows):
        ask(ada, query)
    portal.usage.choices(ada)
    boards = portal.boards
    boards.choices(ada)
    portal.own_usage.read(ann)
    price = Price(model="glm", currency="USD", input=1.0, valid_from=datetime(2026, 1, 1, tzinfo=UTC))
    portal.money.set_price(ada, price)
    portal.money.prices(ada)
    portal.money.remove_price(ada, "glm", price.valid_from)
    portal.money.set_budget(ada, Budget(group="*", month=date(2026, 1, 1), amount=5.0, currency="USD"))
    portal.repricing.start(ada, "glm", date(2020, 1, 1), date(2020, 1, 2))
    portal.money.board(ada, UsageQuery(date(2020, 1, 1), date(2020, 1, 31)))
    for board in (boards.overview, boards.adoption, boards.quality, boards.speed, boards.capacity, portal.answer_lines.of_days):
        board(ada, query)
    with suppress(PortalError):
        portal.usage.report(ann, query)
    _alerts(portal, ada)
    _reports(portal, ada)


def _tasks(portal: Any, ann: Any) -> None:
    table = portal.files.upload(ann, "sales.csv", b"desk,usd\nRates,3\nCredit,4\n")
    portal.workflow_tasks.planner_for(ann)
    assert portal.workflow_tasks.limits
    query = Step(id="s1", kind=StepKind.QUERY, title="Sales", inputs=("file1",), text='SELECT * FROM "sales"')
    chart = Step(id="s2", kind=StepKind.CHART, title="Draw", inputs=("s1",), chart=DrawnColumns())
    ask = Step(id="s3", kind=StepKind.ASK, title="Ask", text="Which quarter?")
    task = portal.workflow_tasks.add(ann, "Sales by desk", [table.id], None, (query, chart))
    task = portal.workflow_tasks.change(ann, task.id, steps=(*task.steps, ask), version=task.version)
    portal.workflow_tasks.get(ann, task.id)
    run = portal.workflow_runs.start(ann, task.id, task.version)
    _ran(portal, ann, run.id, RunState.ASKING)
    portal.workflow_runs.get(ann, run.id)
    portal.workflow_runs.list(ann, task.id)
    portal.workflow_runs.answer(ann, run.id, "The fourth.")
    _ran(portal, ann, run.id, RunState.DONE)
    portal.workflow_tasks.list(ann)
    portal.workflow_results.export(ann, run.id, ResultFormat.CSV)
    portal.workflow_results.open_as_chat(ann, run.id)
    with suppress(PortalError):
        portal.workflow_runs.cancel(ann, run.id)
    with suppress(PortalError):
        portal.workflow_tasks.plan(ann, "missing")  # A real plan would count an answer or not, by chance.
    portal.workflow_tasks.cancel_plan(ann, task.id)
    _templates(portal, ann, task.id)
    portal.workflow_tasks.remove(ann, task.id)


def _templates(portal: Any, ann: Any, task_id: str) -> None:
    portal.task_templates.save_task(ann, task_id)
    ask = Step(id="s1", kind=StepKind.ASK, title="Ask", text="Which [what]?")
    made = portal.task_templates.add(ann, "Ask", "Ask me", (ask,))
    made = portal.task_templates.change(ann, made.id, version=1, request="Ask [who]")
    portal.task_templates.list(ann)
    portal.task_templates.get(ann, made.id)
    with suppress(PortalError):
        portal.task_templates.share(ann, made.id, Share.GROUP)
    run = portal.template_runs.run(ann, made.id, made.version, {"what": "quarter", "who": "me"})
    _ran(portal, ann, run.id, RunState.ASKING)
    assert portal.task_schedules.time_zone
    portal.task_schedules.put(ann, made.id, made.version, Timing(every=Every.DAY), values={"what": "x", "who": "y"})
    portal.task_schedules.of(ann, made.id)
    portal.task_schedules.switch(ann, made.id, False)
    portal.task_schedules.remove(ann, made.id)
    portal.workflow_runs.cost(ann, run.id)
    with suppress(PortalError):
        portal.workflow_runs.let_leave(ann, run.id)
    with suppress(PortalError):
        portal.workflow_runs.skip(ann, run.id, "s1")
    portal.task_templates.remove(ann, made.id)


def _ran(portal: Any, ann: Any, run_id: str, state: RunState) -> None:
    """Wait until a run is in this state, without noting how often it is asked."""
    deadline = time.monotonic() + 60
    while portal.real.workflow_runs.get(ann, run_id)[0].state is not state:
        assert time.monotonic() < deadline, "the run does not go on"
        time.sleep(0.02)


def _alerts(portal: Any, ada: Any) -> None:
    rule = AlertRule(name="Errors", measure=Measured.ERRORS, threshold=5.0, no_data=NoData.FIRE, mails=("ops@corp.example",))
    made = portal.alert_rules.add(ada, rule)
    portal.alert_rules.change(ada, made.id, replace(rule, threshold=6.0))
    portal.alert_rules.get(ada, made.id)
    portal.alert_rules.overview(ada)
    portal.alert_rules.choices(ada)
    portal.alert_previews.preview(ada, rule)
    portal.alert_handling.silence(ada, made.id, datetime.now(UTC) + timedelta(hours=1), "Maintenance")
    portal.alert_handling.end_silence(ada, made.id)
    portal.alert_handling.history(ada)
    with suppress(PortalError):
        portal.alert_handling.acknowledge(ada, made.id)
    portal.alert_delivery.tests(ada, made.id)  # Before one is sent, which the worker changes at any moment.
    portal.alert_delivery.test(ada, made.id)
    hook = portal.alert_webhooks.add(ada, "Pager", "https://pager.example/x")
    portal.alert_webhooks.list(ada)
    portal.alert_webhooks.remove(ada, hook.id)
    portal.alert_rules.remove(ada, made.id)


def _reports(portal: Any, ada: Any) -> None:
    plan = ReportPlan(name="Board", cards=("overview.figures", "overview.answers_per_day"))
    plans, writer = portal.report_plans, portal.report_writer
    made = plans.add(ada, plan)
    plans.change(ada, made.id, replace(plan, name="Week"))
    plans.get(ada, made.id)
    plans.overview(ada)
    plans.people(ada)
    plans.sent(ada, made.id)
    writer.formats(ada)
    with suppress(PortalError):
        writer.shown(ada, plan, Language.ZH)
    with suppress(PortalError):
        writer.write(ada, plan, ReportFormat.CSV, Language.EN)
    with suppress(PortalError):
        writer.made(ada, "no-report", ReportFormat.HTML, Language.EN)
    with suppress(PortalError):
        writer.shown_made(ada, "no-report", Language.EN)
    plans.remove(ada, made.id)
    with suppress(PortalError):
        plans.send_now(ada, made.id)


def _datasets(portal: Any, ann: Any, ada: Any) -> None:
    portal.training_consent.choose(ann, True)
    portal.training_consent.get(ann)
    settings = DatasetSettings(format=Format.SFT, sources=(Source.GOOD,))
    portal.datasets.preview(ada, settings)
    made = portal.datasets.add(ada, "Answers", settings)
    portal.datasets.change(ada, made.id, "Good answers")
    portal.datasets.get(ada, made.id)
    portal.datasets.list(ada)
    for ask in (portal.datasets.remove_version, partial(portal.datasets.note_use, used_by=""), partial(portal.datasets.download, name="x")):
        with suppress(PortalError):
            ask(ada, made.id, 9)
    with suppress(PortalError):
        portal.dataset_builds.start(ada, "no-dataset")
    portal.datasets.remove(ada, made.id)


def _models(portal: Any, ann: Any, ada: Any) -> None:
    with suppress(PortalError):
        portal.models.loaded(ann)
    for ask in (portal.models.loaded, portal.models.files, portal.models.adapters, portal.models.memory, portal.models.names_at_start):
        ask(ada)
    portal.models.last_crash(ada)
    portal.models.start_problems(ada)
    file = portal.models.read_file(ada, FILE.path)
    portal.models.plan(ada, file, LoadSettings(slots=2, gpu_shares=(1.0, 3.0)))
    portal.models.remembered(ada, file)
    with suppress(PortalError):
        portal.models.read_file(ada, Path("/models/missing.gguf"))
    portal.models.load(ada, FILE.path, LoadSettings(context=2048), default=True)
    portal.models.keep(ada, "fake", at_start=True)
    portal.models.make_default(ada, "fake")
    portal.models.unload(ada, "fake")
    assert portal.models.folder


def _store(portal: Any, ada: Any) -> None:
    portal.result_cache.stats(ada)
    portal.result_cache.clear(ada)
    portal.retention.set_rule(ada, RetentionKind.CHATS, "", 400)
    portal.retention.rules(ada)
    asked = LogQuery(since=datetime(2020, 1, 1, tzinfo=UTC), until=datetime(2030, 1, 1, tzinfo=UTC), words="level:error")
    portal.logs.find(ada, asked, 5)
    portal.logs.errors(ada, asked)
    with suppress(PortalError):
        portal.logs.turn(ada, "f" * 32)
    portal.retention.place_hold(ada, "bob", "A lawsuit")
    portal.retention.holds(ada)
    portal.retention.lift_hold(ada, "bob")
    portal.backups.facts(ada)
    assert portal.backups.folder and portal.backups.has_passphrase is False
    portal.backups.make(ada, "a long passphrase")
    portal.backups.task(ada)
    portal.backups.backups(ada)
    with suppress(PortalError):
        portal.backups.check(ada, "missing")
    with suppress(PortalError):
        portal.backups.remove(ada, "missing")
    portal.jobs.list(ada)
    with suppress(PortalError):
        portal.jobs.cancel(ada, "missing")
    with suppress(PortalError):
        portal.jobs.retry(ada, "missing")
    portal.index_maintenance.rejected_jobs(ada)
    portal.index_maintenance.retry(ada)
    portal.index_maintenance.state(ada)
    with suppress(PortalError):
        portal.index_maintenance.reconcile(ada)
    with suppress(PortalError):
        portal.index_maintenance.rebuild(ada)


def _access(portal: Any, ann: Any, ada: Any) -> None:
    made = portal.api_keys.make(ann, KeyTerms(name="A script", scopes=frozenset({Scope.CHAT}), days=3))
    [key] = portal.api_keys.own(ann)
    portal.note("the new key", type(made).__name__)
    portal.api_keys.rename(ann, key.id, "Another script")
    portal.api_keys.of_person(ada, "ann")
    portal.api_keys.find(ada, "script")
    portal.api_keys.revoke(ann, key.id)
    portal.gateway.served()
    portal.privacy.check(ann, "Call me at 13800138000")
    portal.privacy.policies(ada)
    group = portal.groups.add(ada, "Sales")
    portal.groups.put_member(ada, group.id, "ann")
    portal.groups.change(ada, group.id, name="Selling", managers=frozenset({"max"}))
    portal.instructions.set_for_group(ada, group.id, "Quote no prices.")
    portal.instructions.of_group(ada, group.id)
    portal.groups.all(ada)
    portal.groups.names(ada)
    portal.groups.remove_member(ada, group.id, "ann")
    portal.groups.remove(ada, group.id)
    rule = LimitRule(id="", holder=Holder.EVERYONE, measure=Measure.TOKENS, period=Period.DAY, amount=10**9)
    portal.limits.remove(ada, portal.limits.put(ada, rule).id)
    portal.limits.rules(ada)
    portal.limits.nearly_used(ann)
    portal.limits.states(ann)
    portal.model_access.restrict(ada, "fake", [Role.ADMIN], [])
    portal.model_access.rules(ada)
    portal.model_access.restrict(ada, "fake", [], [])
    portal.model_access.groups(ada)
    with suppress(PortalError):
        portal.model_access.set_group_model(ada, "Nobody", "fake")
    portal.model_access.group_models(ada)
    preset = Preset(name="short", model="fake", created_at=NOW, updated_at=NOW, system_prompt="Answer in one sentence.")
    portal.presets.save(ada, preset, new=True)
    portal.presets.publish(ada, "short", published=True)
    portal.notices.mark_all_read(ann)
    portal.notices.unread(ann)
    portal.notices.list(ann, 10, datetime(2020, 1, 1, tzinfo=UTC))  # What came meanwhile depends on when jobs end.
    with suppress(PortalError):
        portal.notices.mark_read(ann, "missing")
    portal.notices.choose(ann, NoticeChoices(browser=True, titles=False))
    portal.notices.choices(ann)
    portal.plugins.list(ada)
    portal.plugins.groups(ada)
    with suppress(PortalError):
        portal.plugins.change(ada, "missing", everyone=True)
    portal.plugins.sections(ann, SectionPage.ACCOUNT)
    portal.exports.formats(ann)
    portal.presets.list(ada)
    portal.presets.remove(ada, "short")
    portal.roles.add(ada, "proofreader", frozenset({Permission.CHAT, Permission.REVIEW_FEEDBACK}))
    portal.roles.change(ada, "proofreader", frozenset({Permission.CHAT}))
    portal.roles.all(ada)
    portal.roles.names(ada)
    portal.roles.remove(ada, "proofreader")
    with suppress(PortalError):
        portal.jobs.resume(ada, "missing")


def _images(portal: Any, ann: Any, ada: Any) -> None:
    """Nobody finds boxes here, so that runs are their errors."""
    image = portal.grounding.upload(ann, "street.png", written(picture(60, 40)))
    portal.grounding.grounders(ann)
    with suppress(PortalError):
        portal.grounding.find(ann, image.id, ["a car"])
    [[run, _]] = portal.grounding.history(ann)
    portal.grounding.image(ann, image.id)
    portal.grounding.content(ann, image.id)
    with suppress(PortalError):
        portal.box_corrections.correct(ann, run.id, [Box(1, 2, 3, 4)], "wrong")
    portal.box_exports.export(ann, [run.id], ExportFormat.CSV)
    portal.box_exports.drawn(ann, run.id)
    portal.grounding.remove(ann, image.id)
    portal.ground_evaluations.list(ann)
    portal.ground_evaluations.started(ada)
    with suppress(PortalError):
        portal.ground_evaluations.start(ada, "nobody")
    batches = portal.ground_batches
    assert batches.max_bytes
    batch = batches.start(ann, "images", [("street.png", written(picture(60, 40)))], ["a car"])[0]
    batches.get(ann, batch.id)
    batches.list(ann)
    batches.items(ann, batch.id)
    batches.export(ann, batch.id, ExportFormat.CSV)
    for act in (batches.pause, batches.resume, batches.cancel, batches.retry, batches.remove):
        with suppress(PortalError):
            act(ann, batch.id)


def _accounts(portal: Any, ann: Any, ada: Any) -> None:
    with suppress(PortalError):
        portal.accounts.people(ann)
    with suppress(PortalError):
        portal.accounts.add(ada, "ann", Role.ANALYST, password=PASSWORD)
    portal.accounts.add(ada, "eve", Role.ANALYST, password="a longer password", full_name="Eve", group="Sales")
    portal.accounts.change(ada, "eve", role=Role.MANAGER, active=False)
    portal.accounts.set_review_groups(ada, "eve", ["Sales"])
    portal.accounts.reset_password(ada, "eve", "yet another password")
    portal.accounts.people(ada)
    portal.accounts.set_language(ann, "zh")
    with suppress(PortalError):
        portal.accounts.change_password(ann, "wrong", "a new password 1")
    portal.audit.find(ada, AuditFilter(since=datetime(2020, 1, 1, tzinfo=UTC)), limit=3)
    portal.audit.choices(ada)
    portal.audit.all(ada, AuditFilter(action="user.add"))
    portal.audit.refused(ann, "people")
    _second_factor(portal, ann)
    portal.sessions.own(ann)
    with suppress(PortalError):
        portal.sessions.revoke(ann, "missing")
    portal.sessions.revoke_others(ann, getattr(ann, "token", "made up"))
    for user in (ann, ada):
        portal.sessions.close(getattr(user, "token", "made up"))


class CountsCommits(Recorder):
    """Notes too which calls changed the database."""

    def __init__(self, portal: Any, home: Path, racing: Set[str], monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(portal, home, racing)
        self.changing: set[str] = set()
        self._commits, here, commit = 0, threading.get_ident(), SqlUnitOfWork.commit

        def counted(work: SqlUnitOfWork) -> None:
            self._commits += threading.get_ident() == here
            commit(work)

        monkeypatch.setattr(SqlUnitOfWork, "commit", counted)

    def note(self, what: str, result: object) -> None:
        super().note(what, result)
        if self._commits:
            self.changing.add(what)
        self._commits = 0


def test_every_registered_method_does_the_same_in_process_and_over_http(
    tmp_path: Path, empty_home: Path, user_server: Portal, admin_server: AdminServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = open_portal(empty_home, tmp_path / "local", FakeRouter(), FakePool())
    here = CountsCommits(local, tmp_path / "local", VOLATILE | RACING, monkeypatch)
    there = Recorder(user_server, tmp_path / "home", VOLATILE | RACING)
    try:
        walk(here)
        walk(there)
    finally:
        local.close()
    for (what, expected), (again, came) in zip(here.told, there.told, strict=True):
        assert what == again
        if what in RACING:
            continue
        assert (what, came) == (what, expected)
    called = {what for what, _ in here.told}
    registered = {f"{each.name}.{name}" for each in SERVICES for name in (*each.anyone, *each.user)}
    reads = {f"{each.name}.{name}" for each in SERVICES for name in each.reads}
    assert here.changing & reads == set(), "these change something: they are not reads"
    assert {"folders.new", "asking.ask"} <= here.changing, "changes are noticed"
    assert registered - called == {"second_factors.set_up"}, "walk() leaves these out; a user server calls them"


def _temporary(portal: Any, ann: Any) -> None:
    assert portal.temporary.offered(ann)
    chat = portal.temporary.ask(ann, None, "Between us?", TurnOptions(), "temporary-1")
    with suppress(PortalError):
        portal.temporary.ask(ann, None, " ", TurnOptions(), "temporary-2")
    with suppress(PortalError):
        portal.temporary.running(ann, "missing")
    running = portal.real.temporary.running(ann, chat)
    if running is not None:
        running.wait_finished(10)
    portal.temporary.running(ann, chat)
    portal.temporary.stop(ann, chat)
    portal.temporary.transcript(ann, chat)
    with pytest.raises(Conflict):
        portal.temporary.decide(ann, chat, "call_1", Decision.REFUSE)
    assert portal.conversations.get(ann, portal.kept_chats.keep(ann, chat)).title
    portal.temporary.leave(ann, chat)
    with suppress(PortalError):
        portal.temporary.transcript(ann, chat)


def _second_factor(portal: Any, ann: Any) -> None:
    portal.second_factors.state(ann)
    proof = portal.sign_in.check("ann", PASSWORD, Caller("127.0.0.1"))
    portal.second_factors.needed(proof.user)
    for ask in (portal.second_factors.confirm, portal.second_factors.renew_codes, portal.second_factors.turn_off):
        with suppress(PortalError):
            ask(ann, "000000")
    with suppress(PortalError):
        portal.second_factors.prove(proof, "000000")
    portal.note("what a second factor is set up with", type(portal.real.second_factors.set_up(ann)).__name__)
