"""Small records to put into a store."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from core.chat.records import Author, Conversation, Folder, Message, MessageStatus, Turn
from core.comparing.records import ComparedFile, Comparison
from core.documents.records import Collection, Document, DocumentState, Passage
from core.errors import StoredError
from core.experiments.records import Design, Experiment, Guard, Guardrail, State
from core.grounding.records import Box, GroundImage, GroundRun
from core.images.records import PixelMapping
from core.inference.caching.records import CachedResult
from core.inference.offers import Preset
from core.inference.records import FinishReason, Generation, Source, Timings, Usage
from core.inference.requests import SamplingParams, Tool, ToolCall
from core.knowledge.records import StoredFile
from core.models.load_settings import Adapter, KvType, LoadSettings
from core.models.swaps.records import Swap, SwapOptions, Trial, VersionStats, planned_steps
from core.people.records import Role, User
from core.prompts.records import Share as PromptShare
from core.review.datasets.records import Dataset, DatasetFile, DatasetSettings, DatasetVersion, Format, Report
from core.review.datasets.records import Source as DatasetSource
from core.review.records import Feedback, ReviewState
from core.sharing.records import Share
from core.tasks.records import Every, Timing
from core.usage.alerts.records import Channel, Delivery, Episode, Event, Phase, RuleStatus, Silence, StoredRule, Webhook
from core.usage.alerts.rule_records import AlertRule, Measure, Severity
from core.usage.records import Language
from core.usage.reporting.records import MadeReport, ReportMail, ReportPlan, StoredPlan
from core.workflows.records import Output, Run, RunState, Step, StepKind, StepResult, StepState, TaskFile, WorkflowTask
from core.workflows.schedules.records import Rule, TaskSchedule
from core.workflows.templates.records import FileSlot, TaskTemplate
from data.database import Database
from data.unit_of_work import SqlUnitOfWork
from tests.fake_comparer import result as compared

TIMINGS = Timings(0.1, 0.4, 2.5, 38.25, 1.5, 0.02, 0.06, 41, 20, 0.25, 8, 6, 1)
NOW = datetime(2026, 11, 2, 9, 30, 0, 123456, tzinfo=UTC)


def new_id() -> str:
    return uuid4().hex


def later(**amount: float) -> datetime:
    return NOW + timedelta(**amount)


def user(name: str = "ana", role: Role = Role.ANALYST, group: str = "risk", active: bool = True) -> User:
    return User(new_id(), name, name.title(), role, group, active, NOW)


def ground_image(owner: User, name: str = "street.png", at: datetime = NOW, batch_id: str | None = None) -> GroundImage:
    return GroundImage(
        id=new_id(),
        user_id=owner.id,
        name=name,
        media_type="image/png",
        sha256="a" * 64,
        size_bytes=3,
        mapping=PixelMapping(400, 300, 6, 300, 400),
        created_at=at,
        batch_id=batch_id,
    )


def ground_run(image: GroundImage, phrase: str = "a red car", at: datetime = NOW) -> GroundRun:
    return GroundRun(
        id=new_id(),
        image_id=image.id,
        user_id=image.user_id,
        session="tab",
        model="finder@boxes",
        model_version="boxes/finder/1",
        phrases=(phrase, "a dog"),
        boxes=(Box(1.5, 2, 30, 40.25, phrase, 0.5, 0), Box(1, 2, 3, 4, phrase=1)),
        created_at=at,
        duration_s=0.25,
    )


def conversation(owner: User, title: str = "Rates", at: datetime = NOW) -> Conversation:
    return Conversation(new_id(), owner.id, title, at, at)


def folder(owner: User, name: str = "Plans") -> Folder:
    return Folder(new_id(), owner.id, name, NOW)


def question(of: Conversation, text: str = "What is a bond?", parent: str | None = None, at: datetime = NOW) -> Message:
    return Message(new_id(), of.id, parent, Author.USER, text, MessageStatus.DONE, at)


def answer(to: Message, text: str = "", status: MessageStatus = MessageStatus.STREAMING, at: datetime = NOW) -> Message:
    return Message(new_id(), to.conversation_id, to.id, Author.ASSISTANT, text, status, at)


def turn(owner: User, asked: Message, answered: Message, request_id: str | None = None, lease_until: datetime | None = None) -> Turn:
    lease = lease_until or later(seconds=30)
    return Turn(
        new_id(), owner.id, request_id or new_id(), asked.conversation_id, asked.id, answered.id, MessageStatus.STREAMING, NOW, lease
    )  # fmt: skip


def generation(
    owner: User, message: Message | None = None, at: datetime = NOW, model: str = "glm-4-9b", group: str | None = None
) -> Generation:
    return Generation(
        id=new_id(),
        user_id=owner.id,
        group=group or owner.group,
        created_at=at,
        model=model,
        model_version="f00d",
        platform="local",
        usage=Usage(120, 40, 100),
        timings=TIMINGS,
        finish_reason=FinishReason.STOP,
        source=Source.CHAT,
        conversation_id=message.conversation_id if message else None,
        message_id=message.id if message else None,
    )


def feedback(rater: User, message: Message, rating: int = 1, comment: str = "", at: datetime = NOW, model: str = "glm-4-9b") -> Feedback:
    return Feedback(
        id=new_id(),
        user_id=rater.id,
        user_name=rater.name,
        group=rater.group,
        conversation_id=message.conversation_id,
        message_id=message.id,
        model=model,
        rating=rating,
        comment=comment,
        state=ReviewState.NEW,
        note="",
        created_at=at,
        updated_at=at,
    )


def file(owner: User, size_bytes: int = 5, name: str = "rates.csv", at: datetime = NOW) -> StoredFile:
    return StoredFile(new_id(), owner.id, name, size_bytes, at)


def share(owner: User, conversation_id: str, title: str = "Rates", expires_at: datetime | None = None) -> Share:
    return Share(
        id=new_id(), conversation_id=conversation_id, user_id=owner.id, title=title, created_at=NOW, expires_at=expires_at
    )  # fmt: skip


def put_file(database: Database, owner: User, content: bytes = b"1;2;3", shown_by: Message | None = None, at: datetime = NOW) -> StoredFile:
    """Store a file; return it as it is read back: of the message's conversation, if a message shows it."""
    added = file(owner, len(content), at=at)
    with SqlUnitOfWork(database) as work:
        work.files.add(added, content)
        if shown_by is not None:
            work.files.attach(shown_by.id, shown_by.conversation_id, [added.id])
        work.commit()
    return replace(added, conversation_id=shown_by.conversation_id if shown_by else None)


def put_alert(work: SqlUnitOfWork, owner: User, text: str) -> StoredRule:
    """Store a rule that fires, is silenced, and has called a webhook."""
    episode = Episode(
        id=new_id(), rule_id=new_id(), rule_name=text, measure=Measure.ERRORS, severity=Severity.HIGH, started_at=NOW, worst=40.0,
        acknowledged_at=NOW, acknowledged_by=owner.id, note=text,
    )  # fmt: skip
    silence = Silence(until=None, reason=text, by=owner.id)
    status = RuleStatus(phase=Phase.FIRING, since=NOW, value=38.5, checked_at=NOW, silence=silence, episode=episode)
    made = StoredRule(
        id=episode.rule_id, rule=AlertRule(name=text[:80], measure=Measure.ERRORS, threshold=5), enabled=True, status=status,
        created_at=NOW, created_by=owner.id, updated_at=NOW, updated_by=owner.id,
    )  # fmt: skip
    work.alerts.add_rule(made)
    work.alerts.save_status(made.id, status)
    work.alerts.add_webhook(Webhook(id=new_id(), name=text, address=text, secret=text, created_at=NOW, created_by=owner.id))
    sent = Delivery(
        id=new_id(), rule_id=made.id, rule_name=text, episode_id=episode.id, event=Event.FIRING, channel=Channel.MAIL, target=text,
        name=text, content=text, created_at=NOW,
    )  # fmt: skip
    work.alerts.add_delivery(sent)
    return made


def put_task(work: SqlUnitOfWork, owner: User, text: str, file: StoredFile | None = None, *, ended: bool = True) -> Run:
    """A task with one run, whose only step failed."""
    step = Step(id="s1", kind=StepKind.WRITE, title=text[:100], text=text)
    files = (TaskFile(position=1, id=file.id, name=file.name),) if file is not None else ()
    error = StoredError("{text}", {"text": text})
    task = WorkflowTask(
        id=new_id(), user_id=owner.id, title=text[:100], request=text, model=None, steps=(step,), files=files, problem=error,
        created_at=NOW, updated_at=NOW,
    )  # fmt: skip
    run = Run(
        id=new_id(), task_id=task.id, user_id=owner.id, title=task.title, job_id=new_id(), state=RunState.RUNNING, steps=task.steps,
        files=files, model=None, version=1, created_at=NOW,
    )  # fmt: skip
    work.workflows.add(task)
    result = StepResult(
        step_id="s1", state=StepState.FAILED, started_at=NOW, made_of="0" * 64, output=Output(text=text), asked=text, error=error
    )  # fmt: skip
    work.workflows.add_run(run, [result])
    if ended:
        work.workflows.set_run(run.id, RunState.FAILED, NOW, error)
    return run


def put_template(work: SqlUnitOfWork, owner: User, text: str, group: str = "") -> TaskTemplate:
    """A template with one step, one blank and one file."""
    step = Step(id="s1", kind=StepKind.WRITE, title=text[:100], text=f"{text} in [month]", inputs=("file1",))
    made = TaskTemplate(
        id=new_id(), owner_id=owner.id, title=text[:100], request=text, model=None, steps=(step,), created_at=NOW, updated_at=NOW,
        files=(FileSlot(position=1, name=text[:100], tables=("sales",)),), group=group,
        share=PromptShare.GROUP if group else PromptShare.OWN,
    )  # fmt: skip
    work.task_templates.add(made)
    return made


def put_schedule(work: SqlUnitOfWork, owner: User, template: TaskTemplate, text: str) -> TaskSchedule:
    """A weekly schedule that stopped."""
    made = TaskSchedule(
        id=new_id(), template_id=template.id, user_id=owner.id, version=1, timing=Timing(every=Every.WEEK, weekday=2, hour=9),
        values={"who": text}, rules={"month": Rule.MONTH_BEFORE}, covered_until=NOW, missed_at=NOW, files=("0" * 32,),
        problem=StoredError("{text}", {"text": text}), created_at=NOW, updated_at=NOW,
    )  # fmt: skip
    work.task_schedules.add(made)
    return made


def put_report(work: SqlUnitOfWork, owner: User, text: str) -> StoredPlan:
    """Store a plan that made a report, and mailed it."""
    plan = ReportPlan(name=text[:80], cards=("overview.figures",))
    made = StoredPlan(id=new_id(), plan=plan, owner_id=owner.id, enabled=True, covered_until=NOW, created_at=NOW, updated_at=NOW)
    work.reports.add_plan(made)
    report = MadeReport(
        id=new_id(), plan_id=made.id, name=text, owner_id=owner.id, first=NOW.date(), last=NOW.date(), made_at=NOW
    )  # fmt: skip
    work.reports.add_report(report, text, keep=10)
    work.reports.add_mail(ReportMail(id=new_id(), report_id=report.id, address=text, language=Language.EN, created_at=NOW))
    return made


def put_dataset(work: SqlUnitOfWork, owner: User, name: str = "Answers", content: bytes = b"{}\n") -> Dataset:
    """Store a dataset with one version of one file."""
    settings = DatasetSettings(format=Format.SFT, sources=(DatasetSource.GOOD,), tag=name[:40])
    made = Dataset(id=new_id(), name=name, settings=settings, created_at=NOW, created_by=owner.id, updated_at=NOW, versions=1)
    report = Report(found=1, left_out={}, train=1, holdout=0, holdout_percent=10, people=1, by_tag={name: 1})
    version = DatasetVersion(
        id=new_id(), dataset_id=made.id, number=1, settings=settings, report=report, built_at=NOW, built_by=owner.id, used_by=name,
    )  # fmt: skip
    work.datasets.add(made)
    work.datasets.add_version(version, [])
    file = DatasetFile(id=new_id(), name="train.jsonl", lines=1, size_bytes=len(content), sha256="a" * 64)
    work.datasets.add_file(version.id, file, [content])
    return made


def put_user(database: Database, person: User | None = None) -> User:
    person = person or user()
    with SqlUnitOfWork(database) as work:
        work.users.add(person, "hash")
        work.commit()
    return person


def put_exchange(
    database: Database, owner: User, asked: str = "What is a bond?", answered: str = "A loan that can be sold.", title: str = "Rates"
) -> tuple[Conversation, Message, Message]:
    """Store a conversation with one finished turn."""
    talk = conversation(owner, title)
    first = question(talk, asked)
    second = answer(first)
    with SqlUnitOfWork(database) as work:
        work.conversations.add(talk)
        work.messages.add(first)
        work.messages.add(second)
        work.messages.finish(second.id, MessageStatus.DONE, answered, "")
        work.generations.add(generation(owner, second))
        work.commit()
    return talk, first, second


def preset(name: str, text: str = "You know contracts.") -> Preset:
    return Preset(
        name=name, model="glm", title=text[:80], description=text, system_prompt=text, params=SamplingParams(temperature=0.2, stop=(text,)),
        tools=(Tool(text, text, "{}"),), collections=("a" * 32,), thinking=False, published=True, created_at=NOW, updated_at=NOW,
        updated_by="ana",
    )  # fmt: skip


def experiment(name: str, started_by: str) -> Experiment:
    guardrails = (Guardrail(guard=Guard.POOR, limit=0.5),)
    design = Design(name=name, question=name, subject="old", other="new", groups=("risk",), guardrails=guardrails)
    return Experiment(
        id=new_id(), design=design, salt="salt", planned=9, state=State.RUNNING, started_at=NOW, started_by=started_by,
        ends_at=later(days=9),
    )  # fmt: skip


def comparison(comparison_id: str, text: str = "Fine.", started_by: str = "ana") -> Comparison:
    results = (replace(compared(text), texts=(text, text)),)
    return Comparison(
        id=comparison_id, started_by=started_by, created_at=NOW, server="here", questions=1, results=results,
        reference=ComparedFile(path=Path("/m/Q8_0.gguf"), quantization="Q8_0", size_bytes=2),
        candidate=ComparedFile(path=Path("/m/Q4_0.gguf"), quantization="Q4_0", size_bytes=1, memory_bytes=3),
    )  # fmt: skip


def swap(swap_id: str, text: str = "Fine.", model: str = "glm", server: str = "here") -> Swap:
    steps = planned_steps(SwapOptions(shares=(5,), replay=True), beside=True, replays=True)
    return Swap(
        id=swap_id, model=model, started_by="ana", created_at=NOW, server=server, old_path=Path("/m/old.gguf"), old_version="v1",
        new_path=Path("/m/new.gguf"), new_version="v2", beside=True, options=SwapOptions(shares=(5,), replay=True), steps=steps,
        settings=LoadSettings(context=4096, kv_type=KvType.Q8_0, gpu_shares=(1.0, 2.0), adapters=(Adapter("legal", Path("/m/a.gguf")),)),
        canary=(Trial(question=text, text=text, verdict=StoredError("{why}", {"why": text})),),
        replay=(Trial(question=text, text=text, accepted=text),), new_figures=VersionStats(answers=3, tokens_per_second=9.5),
    )  # fmt: skip


def kept_result(owner: User, text: str) -> CachedResult:
    return CachedResult(
        key=new_id(), user_id=owner.id, group="", conversation_id="", model="m", model_version="v", platform="local", engine="fake",
        text=text, reasoning=text, tool_calls=(ToolCall("c1", "f", text),), ignored=(), finish_reason=FinishReason.STOP, stop=None,
        prompt_tokens=1, completion_tokens=2, created_at=NOW,
    )  # fmt: skip


def put_collection(work: SqlUnitOfWork, owner: User, text: str) -> Document:
    """Insert a collection of this name with a document that was read, of the same name and text."""
    collection = Collection(
        id=new_id(), owner_id=owner.id, name=text, share=PromptShare.OWN, group="", version=0, created_at=NOW, updated_at=NOW
    )  # fmt: skip
    document = Document(
        id=new_id(), collection_id=collection.id, name=text, size_bytes=len(text.encode()), sha256="a" * 64,
        state=DocumentState.READY, created_at=NOW, passages=1, read_at=NOW, error=StoredError("{name} is damaged.", {"name": text}),
    )  # fmt: skip
    passage = Passage(
        position=0, start=0, end=len(text), page=0, first_line=1, last_line=1, heading=text, text=text
    )  # fmt: skip
    work.collections.add(collection)
    work.collections.add_document(document, text.encode())
    work.collections.put_passages(document, text, [passage], text.encode())
    work.collections.put_vectors(document, "bge v1", text.encode())
    return document
