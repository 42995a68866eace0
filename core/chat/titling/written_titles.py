"""Have the model write the title of a conversation, as a background job that yields to every answer."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace

from core.chat.lifecycle.yielding_request import YieldingRequest
from core.chat.records import Author, Conversation
from core.chat.titling.titles import written_title
from core.errors import Conflict, PortalError
from core.inference.gateway import Gateway
from core.inference.records import Source, Task
from core.people.records import User
from core.tasks.handlers import JobKind, Report
from core.tasks.jobs import Jobs
from core.tasks.records import Job
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory

log = logging.getLogger(__name__)

KIND = "conversation.title"
SHOWN_CHARS = 1_500
"""Most characters of the question, and of the answer, that the model reads."""
MAX_TOKENS = 40
_TASK = (
    "Write a short title, at most six words, for the conversation below. Write it in the language of the question. "
    "Reply with the title only, without quotes.\n\nQuestion: {question}\n\nAnswer: {answer}\n\nTitle:"
)


def ask_for_title(work: UnitOfWork, jobs: Jobs, user: User, conversation: Conversation, model: str | None) -> None:
    """Add the job in the transaction that sets the conversation's first title. The caller wakes the worker after the commit."""
    payload = {"conversation": conversation.id, "title": conversation.title, "model": model}
    try:
        jobs.add(work, KIND, payload, owner=user, key=f"title:{conversation.id}")
    except Conflict:
        return  # A job is already waiting.


class TitleWriter:
    """Runs the jobs. Keeps the title if the person has changed it, or if the model writes nothing useful."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, gateway: Gateway, running_answers: Callable[[], int]) -> None:
        """running_answers: returns how many answers this server is writing. No title is written while there are any."""
        self._unit_of_work = unit_of_work
        self._request = YieldingRequest(gateway, running_answers, task=Task.TITLE, source=Source.TITLE, most_tokens=MAX_TOKENS)

    def job_kinds(self) -> list[JobKind]:
        return [JobKind(KIND, self._write, resumable=True, at_once=1, listed=False, needs_model=True)]

    def _write(self, job: Job, report: Report) -> None:
        conversation_id, title = str(job.payload["conversation"]), str(job.payload["title"])
        model = job.payload["model"]
        with self._unit_of_work() as work:
            user = work.users.get(job.owner_id or "")
            conversation = work.conversations.get(conversation_id)
            messages = work.messages.of_conversation(conversation_id)[:2]
        if user is None or not user.active or conversation is None or conversation.title != title:
            return
        if [each.author for each in messages] != [Author.USER, Author.ASSISTANT]:
            return
        try:
            words = _TASK.format(question=messages[0].text[:SHOWN_CHARS], answer=messages[1].text[:SHOWN_CHARS])
            written = self._request.ask(user, words, None if model is None else str(model), report)
        except PortalError as problem:
            log.info("the model wrote no title for the conversation %s: %s", conversation_id, problem)
            return
        better = written_title(written, messages[0].text, messages[1].text)
        if better is not None:
            self._put(conversation_id, title, better)

    def _put(self, conversation_id: str, before: str, title: str) -> None:
        with self._unit_of_work() as work:
            conversation = work.conversations.for_change(conversation_id)
            if conversation is not None and conversation.title == before:
                work.conversations.save(replace(conversation, title=title))
                work.commit()
