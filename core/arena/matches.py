"""Ask two contenders the same question, blind, and take the vote. Question and answers stay in memory only; the vote is stored."""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import uuid4

from core.arena.records import ArenaVote, Choice, Contender, Match, MatchState, Side, VoteCount, VoteFilter, VoteTask, file_version
from core.arena.standings import next_pair
from core.chat.questions import check_question
from core.clock import Clock
from core.comparing.questions import BUILT_IN
from core.errors import Conflict, NotFound, NotSignedIn, PortalError, StoredError, Unavailable
from core.inference.gateway import Gateway
from core.inference.records import Generation, Source
from core.inference.requests import ChatMessage, ChatRole, Delta, GenerationRequest
from core.inference.running.answer import Answer
from core.people.active_account import ActiveAccount
from core.people.permissions import Permission, allows, require
from core.people.records import User
from core.people.session_watch import ENDED
from core.unit_of_work import UnitOfWorkFactory

IDLE = timedelta(minutes=30)
"""How long a match is kept after it began."""
MAX_OFFERED = 60
FRESH = timedelta(seconds=30)
"""How long counted votes are used to choose pairs and to say how many agree: counting a hundred thousand takes seconds."""
GONE = "This match is gone. Ask another question."


@dataclass(slots=True)
class _Lane:
    contender: Contender
    text: str = ""
    answer: Answer | None = None
    row: Generation | None = None
    error: StoredError | None = None
    stopped: bool = False


@dataclass(slots=True)
class _Running:
    id: str
    user: User
    question: str
    task: VoteTask | None
    lanes: tuple[_Lane, _Lane]
    until: datetime
    choice: Choice | None = None
    threads: list[threading.Thread] = field(default_factory=list)


class ArenaMatches:
    """Runs one match a person at a time. The limits and filters of every question apply, as the gateway sees to."""

    def __init__(
        self, unit_of_work: UnitOfWorkFactory, gateway: Gateway, clock: Clock, max_question_chars: int, chance: random.Random | None = None
    ) -> None:
        """chance: decides the sides, and between equally uncertain pairs; None: the system's own."""
        self._unit_of_work = unit_of_work
        self._gateway = gateway
        self._clock = clock
        self._max_chars = max_question_chars
        self._chance = chance or random.SystemRandom()
        self._matches: dict[str, _Running] = {}
        """By the person's id."""
        self._lock = threading.Lock()
        self._closed = False
        self._counted: tuple[datetime, Sequence[VoteCount]] | None = None

    def offered(self, user: User) -> list[str]:
        """Return questions to take: built-in ones, and those with accepted answers for people who may read cases.

        Accepted answers can come from other people's chats, so only reviewers and those who run the models are offered their questions.
        """
        require(user, Permission.CHAT)
        found = [each.question for each in BUILT_IN]
        if allows(user, Permission.REVIEW_FEEDBACK) or allows(user, Permission.RUN_MODELS):
            with self._unit_of_work() as work:
                found = [*(each.question for each in work.swaps.replays()), *found]
        return list(dict.fromkeys(found))[:MAX_OFFERED]

    def ready(self, user: User) -> bool:
        """Tell whether there are two models or presets that this person may use."""
        require(user, Permission.CHAT)
        return len(self._contenders(user)) > 1

    def start(self, user: User, question: str, task: VoteTask | None = None) -> Match:
        """Ask the two contenders whose order is the least certain. An earlier match of this person ends.

        Raises InvalidInput, and Conflict if the person may use fewer than two models and presets.
        """
        require(user, Permission.CHAT)
        words = check_question(question, self._max_chars)
        contenders = self._contenders(user)
        if len(contenders) < 2:
            raise Conflict("The Arena needs two models or presets that you may use. Ask an admin to load another one.")
        pair = next_pair(self._counts(), contenders, self._chance)
        new = _Running(
            id=uuid4().hex, user=user, question=words, task=task, lanes=(_Lane(pair[0]), _Lane(pair[1])), until=self._clock() + IDLE
        )
        with self._lock:
            if self._closed:
                raise Unavailable("The portal is stopping. Try again in a minute.")
            self._forget_old(user.id)
            self._matches[user.id] = new
        for lane in new.lanes:
            thread = threading.Thread(target=copy_context().run, args=(self._answer, new, lane), name=f"arena-{new.id[:8]}", daemon=True)
            new.threads.append(thread)
            thread.start()
        return self._shown(new)

    def get(self, user: User, match_id: str) -> Match:
        """Return the person's match. Raises NotFound."""
        require(user, Permission.CHAT)
        found = self._own(user, match_id)
        return self._shown(found, self._counts() if found.choice is not None else ())

    def vote(self, user: User, match_id: str, choice: Choice) -> Match:
        """Vote, and see the names. A new vote replaces the old one. Raises NotFound, and Conflict before both answers have ended."""
        require(user, Permission.RATE)
        found = self._own(user, match_id)
        if self._shown(found).state not in (MatchState.READY, MatchState.VOTED):
            raise Conflict("Vote once both answers have ended.")
        left, right = (lane.contender for lane in found.lanes)
        vote = ArenaVote(
            id=found.id, user_id=user.id, left=left, right=right, choice=choice, voted_at=self._clock(), task=found.task
        )  # fmt: skip
        with self._unit_of_work() as work:
            work.votes.put(vote)
            work.commit()
        found.choice = choice
        return self._shown(found, self._counts())

    def take_back(self, user: User, match_id: str) -> None:
        """Delete the vote and end the match: its names are known now. Raises NotFound."""
        require(user, Permission.RATE)
        found = self._own(user, match_id)
        with self._unit_of_work() as work:
            work.votes.remove(found.id, user.id)
            work.commit()
        self.leave(user, match_id)

    def leave(self, user: User, match_id: str) -> None:
        """End a match and stop its answers; a vote stays. Has no effect if it is gone."""
        with self._lock:
            found = self._matches.get(user.id)
            if found is not None and found.id == match_id:
                del self._matches[user.id]
                _stop(found)

    def count(self) -> int:
        """Count the answers that are being written."""
        with self._lock:
            return sum(thread.is_alive() for each in self._matches.values() for thread in each.threads)

    def close(self) -> None:
        """Stop all answers, and wait for their threads."""
        with self._lock:
            self._closed = True
            running = list(self._matches.values())
            self._matches.clear()
        for each in running:
            _stop(each)
        for each in running:
            for thread in each.threads:
                thread.join(timeout=5)

    def _contenders(self, user: User) -> list[Contender]:
        found = [model for model in self._gateway.chat_models(user) if not model.guide]
        return [Contender(model.name, "" if model.preset_of else file_version(model.version, model.platform)) for model in found]

    def _own(self, user: User, match_id: str) -> _Running:
        with self._lock:
            found = self._matches.get(user.id)
        if found is None or found.id != match_id:
            raise NotFound(GONE)
        return found

    def _forget_old(self, user_id: str) -> None:
        now = self._clock()
        for each in [*self._matches.values()]:
            if each.user.id == user_id or each.until < now:
                del self._matches[each.user.id]
                _stop(each)

    def _answer(self, match: _Running, lane: _Lane) -> None:
        message = ChatMessage(ChatRole.USER, match.question)
        request = GenerationRequest(messages=(message,), user_id=match.user.id, model=lane.contender.name)
        text: list[str] = []
        account = ActiveAccount(self._unit_of_work, match.user.id)
        try:
            answer = lane.answer = self._gateway.answer(match.user, request, Source.CHAT)
            if lane.stopped:
                answer.cancel()
            for event in self._gateway.recorded(answer):
                if account.was_disabled():
                    raise NotSignedIn(ENDED)
                if isinstance(event, Delta):
                    text.append(event.text)
            lane.text = "".join(text).strip()
            lane.error = None if lane.text else StoredError("An answer was empty.")
            lane.row = answer.row()
        except PortalError as problem:
            lane.error = StoredError.of(problem)

    def _counts(self) -> Sequence[VoteCount]:
        now, counted = self._clock(), self._counted
        if counted is None or now - counted[0] > FRESH:
            with self._unit_of_work() as work:
                counted = self._counted = (now, work.votes.counts(VoteFilter()))
        return counted[1]

    def _shown(self, match: _Running, counts: Sequence[VoteCount] = ()) -> Match:
        error = next((lane.error for lane in match.lanes if lane.error is not None), None)
        ended = all(lane.row is not None for lane in match.lanes)
        state = MatchState.VOTED if match.choice else MatchState.FAILED if error else MatchState.READY if ended else MatchState.ANSWERING
        left, right = (_side(lane, state) for lane in match.lanes)
        agreed, others = _others(match, counts)
        return Match(
            id=match.id, question=match.question, task=match.task, state=state, left=left, right=right, choice=match.choice,
            error=error, agreed=agreed, others=others,
        )  # fmt: skip


def _stop(match: _Running) -> None:
    for lane in match.lanes:
        lane.stopped = True
        if lane.answer is not None:
            lane.answer.cancel()


def _side(lane: _Lane, state: MatchState) -> Side:
    if state not in (MatchState.READY, MatchState.VOTED):
        return Side()
    shown = Side(text=lane.text)
    if state is MatchState.READY or lane.row is None:
        return shown
    return replace(
        shown, name=lane.contender.label, tokens=lane.row.usage.completion_tokens, tokens_per_second=lane.row.timings.tokens_per_second
    )


def _others(match: _Running, counts: Sequence[VoteCount]) -> tuple[int, int]:
    """Return how many votes of other people on this pair agree with this vote, and how many there are."""
    left, right = (lane.contender for lane in match.lanes)
    pair = sorted((left, right))
    of_pair = [each for each in counts if [each.first, each.second] == pair and each.user_id != match.user.id]
    preferred = {Choice.LEFT: left, Choice.RIGHT: right}.get(match.choice) if match.choice else None
    if preferred is None:
        agreed = sum(each.ties for each in of_pair)
    else:
        agreed = sum(each.first_wins if preferred == pair[0] else each.second_wins for each in of_pair)
    return agreed, sum(each.votes for each in of_pair)
