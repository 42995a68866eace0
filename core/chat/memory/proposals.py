"""Have the model propose memories after a chat, as a background job that yields to every answer."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from uuid import uuid4

from core.chat.context.reading import branch_to
from core.chat.lifecycle.yielding_request import YieldingRequest
from core.chat.memory.facts import MAX_FACTS, facts_in
from core.chat.memory.recall import is_on
from core.chat.memory.records import MAX_PROPOSED, Memory, MemoryMode, MemoryState
from core.chat.records import Author, Message
from core.clock import Clock
from core.errors import Conflict, PortalError
from core.inference.gateway import Gateway
from core.inference.records import Source, Task
from core.people.records import User
from core.tasks.handlers import JobKind, Report
from core.tasks.jobs import Jobs
from core.tasks.records import Job
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory

log = logging.getLogger(__name__)

KIND = "conversation.remember"
AFTER = timedelta(minutes=2)
"""Delay between an answer and the reading of its chat. Answers within the delay are read together."""
QUESTION_CHARS, ANSWER_CHARS, CHARS = 1_500, 400, 6_000
"""Most characters that the model reads of a question, of an answer, and in total."""
KNOWN_SHOWN = 30
MAX_TOKENS = 150
_TASK = (
    "Below is a part of a conversation. List what is worth remembering about the user in other conversations: who they are, what they "
    "work on, what they prefer. Write at most {most} facts, each as one short sentence on a line of its own, about \"the user\", in the "
    "language of the user. Leave out passwords and other sensitive matters, what matters in this conversation only, and what is known "
    "already. If there is nothing, reply NONE.\n\n{known}Conversation:\n{turns}\n\nFacts:"
)  # fmt: skip
_KNOWN = "Known already:\n{facts}\n\n"


class MemoryProposals:
    """Adds a job after an answer, and runs it while no answer is being written."""

    def __init__(
        self,
        unit_of_work: UnitOfWorkFactory,
        gateway: Gateway,
        jobs: Jobs,
        clock: Clock,
        mode: MemoryMode,
        running_answers: Callable[[], int],
        after: timedelta = AFTER,
    ) -> None:
        """running_answers: returns how many answers this server is writing. No chat is read while there are any."""
        self._unit_of_work = unit_of_work
        self._gateway = gateway
        self._jobs = jobs
        self._clock = clock
        self._mode = mode
        self._request = YieldingRequest(gateway, running_answers, task=Task.MEMORY, source=Source.MEMORY, most_tokens=MAX_TOKENS)
        self._after = after

    def job_kinds(self) -> list[JobKind]:
        return [JobKind(KIND, self._run, resumable=True, at_once=1, listed=False, needs_model=True)]

    def after_answer(self, user: User, conversation_id: str, answer_id: str, model: str | None) -> None:
        """Add a job if the person has memory switched on and this chat uses it."""
        if self._mode is MemoryMode.OFF:
            return
        try:
            with self._unit_of_work() as work:
                if not is_on(work, user, self._mode):
                    return
                conversation = work.conversations.get(conversation_id)
                if conversation is None or not conversation.uses_memory:
                    return
                payload = {"conversation": conversation_id, "from": answer_id, "model": model}
                self._jobs.add(work, KIND, payload, owner=user, key=f"memory:{conversation_id}", after=self._after)
                work.commit()
            self._jobs.wake()
        except Conflict:
            return  # A waiting job will also read this answer.
        except PortalError as problem:
            log.warning("nothing is proposed from the conversation %s: %s", conversation_id, problem)

    def _run(self, job: Job, report: Report) -> None:
        conversation_id, model = str(job.payload["conversation"]), job.payload["model"]
        with self._unit_of_work() as work:
            user = work.users.get(job.owner_id or "")
            turns = self._turns(work, user, conversation_id, str(job.payload["from"]))
            known = work.memories.of_user(user.id, tuple(MemoryState)) if user else ()
        if user is None or not turns or sum(each.state is MemoryState.PROPOSED for each in known) >= MAX_PROPOSED:
            return
        texts = [each.text for each in known]
        try:
            written = self._request.ask(user, _words(turns, texts), None if model is None else str(model), report)
        except PortalError as problem:
            log.info("the model proposed nothing from the conversation %s: %s", conversation_id, problem)
            return
        found = facts_in(written, "\n".join(each.text for each in turns if each.author is Author.USER), texts)
        mask = self._gateway.privacy.shared(user)
        # Drop facts with personal data or a secret: masked, they would be useless.
        self._store(user, conversation_id, [fact for fact in found if mask(fact) == fact])

    def _turns(self, work: UnitOfWork, user: User | None, conversation_id: str, answer_id: str) -> Sequence[Message]:
        """Return the messages from the turn before this answer onwards; none if memory is now off here."""
        conversation = work.conversations.get(conversation_id)
        if user is None or not user.active or conversation is None or not conversation.uses_memory:
            return ()
        if not is_on(work, user, self._mode):
            return ()
        branch = branch_to(work.messages.of_conversation(conversation_id), conversation.head_id)
        at = next((index for index, each in enumerate(branch) if each.id == answer_id), len(branch) - 1)
        return branch[max(0, at - 3) :]

    def _store(self, user: User, conversation_id: str, facts: Sequence[str]) -> None:
        if not facts:
            return
        now = self._clock()
        with self._unit_of_work() as work:
            if work.conversations.for_change(conversation_id) is None or not is_on(work, user, self._mode):
                return  # The chat was deleted, or memory switched off, in the meantime.
            for fact in facts:
                proposed = Memory(
                    id=uuid4().hex, user_id=user.id, text=fact, state=MemoryState.PROPOSED, created_at=now, updated_at=now,
                    conversation_id=conversation_id,
                )  # fmt: skip
                work.memories.add(proposed)
            work.commit()


def _words(turns: Sequence[Message], known: Sequence[str]) -> str:
    """Return the request to the model."""
    shown = [f"User: {each.text[:QUESTION_CHARS]}" if each.author is Author.USER else f"Assistant: {each.text[:ANSWER_CHARS]}"
             for each in turns if each.text]  # fmt: skip
    facts = "\n".join(f"- {each}" for each in known[-KNOWN_SHOWN:])
    return _TASK.format(most=MAX_FACTS, known=_KNOWN.format(facts=facts) if facts else "", turns="\n".join(shown)[-CHARS:])
