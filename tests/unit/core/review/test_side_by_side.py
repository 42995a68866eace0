"""Several models answer one question, and a vote says which answer is best."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import pytest

from core.chat.conversations import Conversations
from core.chat.records import MessageStatus, NewQuestion, TurnOptions
from core.chat.turns import Turns
from core.errors import Conflict, InvalidInput, NotFound
from core.people.records import User
from core.review.records import Comparison, Vote
from core.review.side_by_side import SideBySide
from core.unit_of_work import UnitOfWorkFactory
from samples.fakes import FakeRouter, answer
from tests.unit.core.conftest import MovingClock, NoIndex, feedback_queue

BOTH = [TurnOptions("fake"), TurnOptions("fake", thinking=False)]


@pytest.fixture
def both(unit_of_work: UnitOfWorkFactory, clock: MovingClock, turns: Turns) -> SideBySide:
    return SideBySide(unit_of_work, clock, turns, feedback_queue(unit_of_work, NoIndex(), clock))


def which(chat: str, request: str, options: Sequence[TurnOptions] = BOTH, text: str = "Which?") -> NewQuestion:
    return NewQuestion(conversation_id=chat, text=text, options=options, request_id=request)


def ended(turns: Turns) -> None:
    deadline = time.monotonic() + 60
    while turns.count():
        assert time.monotonic() < deadline, "the answers never ended"
        time.sleep(0.01)


def asked(both: SideBySide, turns: Turns, conversations: Conversations, user: User, request: str = "r1") -> Comparison:
    chat = conversations.new(user).id
    made = both.ask(user, which(chat, request))
    ended(turns)
    return made


def test_each_model_answers_and_the_first_answer_is_shown(
    both: SideBySide, turns: Turns, conversations: Conversations, router: FakeRouter, ana: User
) -> None:
    router.hold()
    chat = conversations.new(ana).id
    made = both.ask(ana, which(chat, "r1"))
    assert turns.count() == 2
    assert both.ask(ana, which(chat, "r1")) == made
    with pytest.raises(Conflict):
        turns.start(ana, chat, "Another", TurnOptions(), "r2")
    with pytest.raises(Conflict):
        both.vote(ana, made.question_id, Vote.ALIKE)
    router.release()
    ended(turns)
    assert sorted(each.thinking for each in router.requests) == [False, True]
    shown = conversations.transcript(ana, chat)
    assert [each.message.id for each in shown] == [made.question_id, made.lanes[0].answer_id]
    assert shown[1].versions == tuple(lane.answer_id for lane in made.lanes)
    assert both.open(ana, chat) == made


def test_stop_stops_them_all(both: SideBySide, turns: Turns, conversations: Conversations, router: FakeRouter, ana: User) -> None:
    router.hold()
    chat = conversations.new(ana).id
    made = both.ask(ana, which(chat, "r1"))
    assert turns.stop(ana, chat)
    router.release()
    ended(turns)
    assert {conversations.message(ana, lane.answer_id).status for lane in made.lanes} == {MessageStatus.STOPPED}


def test_the_preferred_answer_is_rated_and_continues_the_chat(
    both: SideBySide, turns: Turns, conversations: Conversations, router: FakeRouter, ana: User
) -> None:
    made = asked(both, turns, conversations, ana)
    best, other = made.lanes[1].answer_id, made.lanes[0].answer_id
    voted = both.vote(ana, made.question_id, Vote.ONE, best)
    assert (voted.vote, voted.preferred_id) == (Vote.ONE, best)
    assert (conversations.message(ana, best).rating, conversations.message(ana, other).rating) == (1, None)
    assert conversations.transcript(ana, made.conversation_id)[-1].message.id == best
    assert both.open(ana, made.conversation_id) is None
    router.next_answers.put(answer("On"))
    turns.start(ana, made.conversation_id, "And then?", TurnOptions(), "r2")
    ended(turns)
    assert len(conversations.transcript(ana, made.conversation_id)) == 4


def test_answers_that_are_all_poor_are_rated_so_and_a_new_vote_replaces_them(
    both: SideBySide, turns: Turns, conversations: Conversations, ana: User
) -> None:
    made = asked(both, turns, conversations, ana)
    both.vote(ana, made.question_id, Vote.POOR)
    assert [conversations.message(ana, lane.answer_id).rating for lane in made.lanes] == [-1, -1]
    both.vote(ana, made.question_id, Vote.ALIKE)
    assert [conversations.message(ana, lane.answer_id).rating for lane in made.lanes] == [None, None]


def test_a_vote_names_an_answer_of_its_question_and_is_the_owners(
    both: SideBySide, turns: Turns, conversations: Conversations, admin: User, ana: User
) -> None:
    made = asked(both, turns, conversations, ana)
    for vote, preferred in ((Vote.ONE, None), (Vote.ONE, "0" * 32), (Vote.ALIKE, made.lanes[0].answer_id)):
        with pytest.raises(InvalidInput):
            both.vote(ana, made.question_id, vote, preferred)
    for question in (made.question_id, "0" * 32):
        with pytest.raises(NotFound):
            both.vote(admin, question, Vote.ALIKE)
    for number in (1, 5):
        with pytest.raises(InvalidInput, match="models"):
            both.ask(ana, which(made.conversation_id, "r9", [TurnOptions()] * number))


def test_a_question_passes_over_the_vote(both: SideBySide, turns: Turns, conversations: Conversations, ana: User) -> None:
    made = asked(both, turns, conversations, ana)
    turns.start(ana, made.conversation_id, "And then?", TurnOptions(), "r2")
    ended(turns)
    assert both.open(ana, made.conversation_id) is None


SEPARATE = [replace(each, own_thread=True) for each in BOTH]


def test_with_separate_threads_each_model_reads_its_own_answers_and_the_preferred_thread_continues(
    both: SideBySide, turns: Turns, conversations: Conversations, router: FakeRouter, ana: User
) -> None:
    chat = conversations.new(ana).id
    for words in ("Yes", "No"):
        router.next_answers.put(answer(words))
    first = both.ask(ana, which(chat, "r1", SEPARATE))
    ended(turns)
    one, other = (conversations.message(ana, lane.answer_id).text for lane in first.lanes)
    assert {one, other} == {"Yes", "No"}
    second = both.ask(ana, which(chat, "r2", SEPARATE, "And then?"))
    ended(turns)
    read = {each.thinking: [message.content for message in each.messages][-2] for each in router.requests[-2:]}
    assert read == {True: one, False: other}
    assert both.rounds(ana, chat) == [first, second]
    both.vote(ana, second.question_id, Vote.ONE, second.lanes[1].answer_id)
    shown = [each.message.id for each in conversations.transcript(ana, chat)]
    assert shown == [first.question_id, first.lanes[1].answer_id, second.question_id, second.lanes[1].answer_id]
    assert both.rounds(ana, chat) == []


def test_separate_threads_go_on_with_the_same_models_alone(
    both: SideBySide, turns: Turns, conversations: Conversations, ana: User
) -> None:
    chat = conversations.new(ana).id
    first = both.ask(ana, which(chat, "r1", SEPARATE))
    ended(turns)
    assert both.ask(ana, which(chat, "r1", SEPARATE)) == first
    with pytest.raises(InvalidInput, match="same models"):
        both.ask(ana, which(chat, "r2", [*SEPARATE, TurnOptions("fake", own_thread=True)]))
    shared = both.ask(ana, which(chat, "r3"))
    ended(turns)
    assert both.rounds(ana, chat) == [shared]
