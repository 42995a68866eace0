"""Summarize conversations in the background, before they outgrow the context of their model."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from core.chat.context.assembly import Assembly
from core.chat.context.reading import Asking, open_branch, texts_of
from core.chat.context.summaries.summaries import Stopped, SummaryWriter
from core.chat.context.window import Window
from core.errors import Conflict, PortalError
from core.inference.gateway import Gateway
from core.inference.records import ServedModel, Usage
from core.people.records import User
from core.tasks.handlers import JobKind, Report
from core.tasks.jobs import Jobs
from core.tasks.records import Job
from core.unit_of_work import UnitOfWorkFactory

log = logging.getLogger(__name__)

KIND = "conversation.summarize"
EARLY = 0.6
"""Share of the context from which the next summary is written."""
MAX_TRIES = 5
"""How often answers may interrupt the writing of one summary before the job gives up and leaves it until it is needed."""
POLL_S = 0.2


class BackgroundSummaries:
    """Adds a job after an answer, and runs it while no answer is being written."""

    def __init__(
        self,
        unit_of_work: UnitOfWorkFactory,
        gateway: Gateway,
        assembly: Assembly,
        writer: SummaryWriter,
        jobs: Jobs,
        running_answers: Callable[[], int],
    ) -> None:
        """running_answers: returns how many answers this server is writing. No summary is written in advance while there are any."""
        self._unit_of_work = unit_of_work
        self._gateway = gateway
        self._assembly = assembly
        self._writer = writer
        self._jobs = jobs
        self._running_answers = running_answers

    def job_kinds(self) -> list[JobKind]:
        return [JobKind(KIND, self._run, resumable=True, at_once=1, listed=False)]

    def after_answer(self, user: User, conversation_id: str, model: str | None, chosen: ServedModel, usage: Usage) -> None:
        """Add a job if the conversation has become long. chosen: the model that `model` means for this person."""
        if chosen.guide or usage.prompt_tokens + usage.completion_tokens < EARLY * chosen.context:
            return
        try:
            with self._unit_of_work() as work:
                payload = {"conversation": conversation_id, "model": model}
                self._jobs.add(work, KIND, payload, owner=user, key=f"summary:{conversation_id}")
                work.commit()
            self._jobs.wake()
        except Conflict:
            return  # A job is already waiting.
        except PortalError as problem:
            log.warning("the conversation %s is not summarized ahead: %s", conversation_id, problem)

    def _run(self, job: Job, report: Report) -> None:
        conversation_id, model = str(job.payload["conversation"]), job.payload["model"]
        with self._unit_of_work() as work:
            user = work.users.get(job.owner_id or "")
            conversation = work.conversations.get(conversation_id)
            if user is None or not user.active or conversation is None:
                return
            branch = open_branch(work.messages.of_conversation(conversation_id), conversation)
            read = texts_of(work, branch)
        name = None if model is None else str(model)
        chosen = self._gateway.chat_model(user, name)
        if len(branch) < 2 or chosen is None or chosen.guide:
            return
        asking = Asking(
            user=user, branch=branch, read=read, model=name, instructed=conversation.uses_instructions, conversation_id=conversation_id
        )
        window = Window(gateway=self._gateway, user=user, model=chosen, name=name)

        def lower_priority() -> None:
            report.check()
            if self._running_answers():
                raise Stopped

        for _ in range(MAX_TRIES):
            while self._running_answers():
                report.check()
                time.sleep(POLL_S)
            covering = self._assembly.covering(window, asking, EARLY)
            if covering is None:
                return
            try:
                self._writer.write(window, covering, lower_priority, batch=True)
                return
            except Stopped:
                continue
