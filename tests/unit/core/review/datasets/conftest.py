"""People with rated answers, from which datasets are built."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import uuid4

import pytest

from core.chat.context.records import AnswerContext
from core.chat.records import Author, Conversation, Message, MessageStatus
from core.chat.tools.records import ToolStep
from core.people.records import Group, User
from core.privacy.filter import PrivacyFilter
from core.review.cases.opening import put_rating
from core.review.cases.records import CaseState
from core.review.datasets.builds import DatasetBuilds
from core.review.datasets.datasets import Datasets
from core.review.datasets.records import DatasetSettings, DatasetVersion, Format, Source
from core.review.datasets.selection import Selection
from core.review.records import Comparison, Lane, Vote
from core.review.training_consent import TrainingConsent
from core.tasks.handlers import Report
from core.tasks.jobs import Jobs
from core.tasks.records import Job
from core.unit_of_work import UnitOfWorkFactory
from tests.store import things
from tests.unit.core.conftest import MovingClock

SFT = DatasetSettings(format=Format.SFT, sources=(Source.GOOD,))


@dataclass
class House:
    """Stores chats and ratings, and builds versions without a worker."""

    unit_of_work: UnitOfWorkFactory
    clock: MovingClock
    jobs: Jobs
    holdout_percent: int = 0

    def __post_init__(self) -> None:
        self.selection = Selection(self.unit_of_work, PrivacyFilter(self.unit_of_work, self.clock), self.holdout_percent)
        self.datasets = Datasets(self.unit_of_work, self.selection, self.clock)
        self.builds = DatasetBuilds(self.unit_of_work, self.jobs, self.selection, self.clock)
        self.consent = TrainingConsent(self.unit_of_work, self.clock)

    def chat(self, owner: User, id: str = "") -> Conversation:
        chat = things.conversation(owner, at=self.clock())
        chat = replace(chat, id=id or chat.id)
        with self.unit_of_work() as work:
            work.conversations.add(chat)
            work.commit()
        return chat

    def ask(self, chat: Conversation, text: str, parent: Message | None = None) -> Message:
        asked = things.question(chat, text, parent.id if parent else None, self.clock())
        with self.unit_of_work() as work:
            work.messages.add(asked)
            work.commit()
        return asked

    def answer(
        self, owner: User, to: Message, text: str, status: MessageStatus = MessageStatus.DONE, *, steps: Sequence[ToolStep] = (),
        context: AnswerContext | None = None,
    ) -> Message:  # fmt: skip
        answer = Message(uuid4().hex, to.conversation_id, to.id, Author.ASSISTANT, text, status, self.clock())
        with self.unit_of_work() as work:
            work.messages.add(replace(answer, status=MessageStatus.STREAMING))
            work.messages.finish(answer.id, status, text, "", context=context, steps=steps)
            work.generations.add(things.generation(owner, answer))
            work.commit()
        return answer

    def rate(
        self, owner: User, answer: Message, rating: int = 1, state: CaseState | None = None, tags: Sequence[str] = (), better: str = ""
    ) -> None:
        """better: the better answer that the person writes."""
        self.clock.forward(seconds=1)
        with self.unit_of_work() as work:
            given = things.feedback(owner, answer, rating, at=self.clock())
            put_rating(work, replace(given, details=replace(given.details, better_answer=better)))
            rated = work.feedback.of_message(owner.id, answer.id)
            assert rated is not None
            case = work.cases.of_feedback(rated.id)
            assert case is not None
            work.cases.save(replace(case, state=state or case.state, tags=tuple(tags)))
            work.commit()

    def rated(self, owner: User, question: str, answer: str, rating: int = 1, tags: Sequence[str] = ()) -> Message:
        """Store a chat with one rated answer."""
        given = self.answer(owner, self.ask(self.chat(owner), question), answer)
        self.rate(owner, given, rating, tags=tags)
        return given

    def prefer(self, owner: User, preferred: Message, *others: Message) -> None:
        """Vote for one of several answers side by side, which rates it good."""
        ids = [preferred.id, *(each.id for each in others)]
        compared = Comparison(
            id=uuid4().hex, user_id=owner.id, group=owner.group, conversation_id=preferred.conversation_id,
            question_id=preferred.parent_id or "", lanes=tuple(Lane(each, each) for each in ids), created_at=self.clock(),
        )  # fmt: skip
        with self.unit_of_work() as work:
            work.comparisons.add(compared)
            work.comparisons.vote(compared.id, Vote.ONE, preferred.id, self.clock())
            work.commit()
        self.rate(owner, preferred)

    def group(self, name: str, *, improves_models: bool) -> None:
        with self.unit_of_work() as work:
            work.groups.ensure(Group(id=uuid4().hex, name=name, created_at=self.clock()))
            found = next(each for each in work.groups.all() if each.name == name)
            work.groups.save(replace(found, improves_models=improves_models))
            work.commit()

    def build(self, user: User, settings: DatasetSettings = SFT, name: str = "") -> DatasetVersion:
        """Build the first version of a new dataset."""
        return self.build_again(user, self.datasets.add(user, name or uuid4().hex, settings).id)

    def build_again(self, user: User, dataset_id: str) -> DatasetVersion:
        job = self.builds.start(user, dataset_id)
        self.run(job)
        self.end(job)
        return self.datasets.get(user, dataset_id).versions[0].version

    def run(self, job: Job, report: Report | None = None) -> None:
        [kind] = self.builds.job_kinds()
        kind.run(job, report or Report(threading.Event()))

    def end(self, job: Job) -> None:
        with self.unit_of_work() as work:
            work.jobs.request_cancel(job.id, self.clock())
            work.commit()

    def text(self, user: User, version: DatasetVersion, name: str = "train.jsonl") -> str:
        return b"".join(self.datasets.download(user, version.dataset_id, version.number, name)).decode()


@pytest.fixture
def house(unit_of_work: UnitOfWorkFactory, clock: MovingClock, jobs: Jobs) -> House:
    return House(unit_of_work, clock, jobs)


@pytest.fixture
def willing(house: House, ana: User) -> User:
    """Somebody who agreed."""
    house.consent.choose(ana, True)
    return ana
