"""Import an export of another portal as a job, and report what could not be imported."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from uuid import uuid4

from core.chat.imports.reading import read_export
from core.chat.imports.records import ImportedChat, Losses, Lost
from core.chat.records import Conversation, Message, MessageStatus
from core.chat.titling.titles import title_of
from core.clock import Clock
from core.errors import NotFound
from core.people.audit_events import record
from core.people.permissions import Permission, require
from core.people.records import User
from core.programs.files import ProgramFiles
from core.tasks.handlers import JobKind, Report
from core.tasks.jobs import Jobs
from core.tasks.records import Job, JobFilter, Json
from core.unit_of_work import UnitOfWorkFactory

KIND = "conversation.import"
KEEP_S = 24 * 3600
"""Seconds after which an upload that no job has read is removed."""


class ChatImports:
    """Imports exports of ChatGPT, Open WebUI and LibreChat into a person's conversations. Each chat is imported only once."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock, jobs: Jobs, files: ProgramFiles) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._jobs = jobs
        self._files = files

    def start(self, user: User, name: str, content: bytes) -> Job:
        """Store an export and begin to import it. Raises InvalidInput if it is too large, and Conflict while an import is running."""
        require(user, Permission.UPLOAD)
        file = self._files.upload(user, name, [content], KEEP_S)
        return self._begin(user, file.id, file.name)

    def start_from(self, user: User, file_id: str) -> Job:
        """Begin to import a file from /v1/files. Raises NotFound, and Conflict while an import is running."""
        require(user, Permission.UPLOAD)
        return self._begin(user, file_id, self._files.get(user, file_id).name)

    def recent(self, user: User) -> Sequence[Job]:
        """List this person's most recent imports, newest first."""
        require(user, Permission.CHAT)
        with self._unit_of_work() as work:
            return work.jobs.find(JobFilter(owner_id=user.id, kinds=(KIND,)), 5)

    def job_kinds(self) -> list[JobKind]:
        return [JobKind(KIND, self._run, resumable=True, at_once=1)]

    def _begin(self, user: User, file_id: str, name: str) -> Job:
        with self._unit_of_work() as work:
            job = self._jobs.add(work, KIND, {"file": file_id, "name": name}, owner=user, key=f"{KIND}:{user.id}")
            record(work, self._clock(), user.id, "conversation.import", name)
            work.commit()
        self._jobs.wake()
        return job

    def _run(self, job: Job, report: Report) -> Mapping[str, Json]:
        file_id = str(job.payload["file"])
        with self._unit_of_work() as work:
            user = work.users.get(job.owner_id or "")
        if user is None or not user.active:
            raise NotFound("This account does not exist or is disabled.")
        losses = Losses()
        origin, chats = read_export(b"".join(self._files.content(user, file_id)), losses)
        taken = messages = 0
        for number, chat in enumerate(chats):
            report(1 - 1 / (1 + number / 100), chats=taken)
            if added := self._add(user, origin.value, chat, losses):
                taken, messages = taken + 1, messages + added
        with self._unit_of_work() as work:
            if not work.retention.is_held(user.id):
                work.program_files.remove(file_id)
            work.commit()
        lost: dict[str, Json] = {what: count for what, count in losses.counts.items() if count}
        return {"from": origin.value, "chats": taken, "messages": messages, "lost": lost}

    def _add(self, user: User, origin: str, chat: ImportedChat, losses: Losses) -> int:
        """Store one conversation; returns its number of messages, or 0 if it is not imported."""
        if not chat.messages:
            losses.add(Lost.EMPTY)
            return 0
        # The id is derived from the export, so that a repeated or resumed import finds what already exists.
        id = _id(user.id, origin, chat.id or uuid4().hex)
        made = min(chat.created_at or self._clock(), self._clock())
        last = max((each.created_at for each in chat.messages if each.created_at), default=made)
        ids = {each.id: _id(id, each.id) for each in chat.messages}
        with self._unit_of_work() as work:
            if work.conversations.get(id) is not None:
                losses.add(Lost.TWICE)
                return 0
            conversation = Conversation(
                id=id, user_id=user.id, title=chat.title or title_of(chat.messages[0].text), created_at=made,
                updated_at=min(last, self._clock()), head_id=ids.get(chat.head_id or "") or ids[chat.messages[-1].id],
            )  # fmt: skip
            work.conversations.add(conversation)
            for each in chat.messages:
                work.messages.add(
                    Message(
                        id=ids[each.id], conversation_id=id, parent_id=ids.get(each.parent_id or ""), author=each.author,
                        text=each.text, status=MessageStatus.DONE, created_at=each.created_at or made,
                    )
                )
            work.commit()
        return len(chat.messages)


def _id(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode("utf-8", "replace")).hexdigest()[:32]
