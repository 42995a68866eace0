"""The result cache: the same deterministic request is answered without asking the model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from core.access.groups import Groups
from core.chat.conversations import Conversations
from core.chat.records import Message
from core.chat.turn_runner import TurnOptions
from core.chat.turns import Turns
from core.errors import Busy, NotAllowed, Unavailable
from core.inference.caching.result_cache import ResultCache
from core.inference.gateway import Gateway
from core.inference.records import FinishReason, Source, Timings, Usage
from core.inference.requests import ChatMessage, ChatRole, Delta, Finished, GenerationRequest, SamplingParams, ToolCall
from core.inference.running.answer import Answer
from core.people.accounts import Accounts
from core.people.records import Role, User
from core.privacy.filter import PrivacyFilter
from core.privacy.records import Action, PrivacyPolicy
from core.unit_of_work import UnitOfWorkFactory
from samples.fakes import FakeRouter, answer
from tests.unit.core.chat.test_turns import finished, messages
from tests.unit.core.conftest import MovingClock

GREEDY = SamplingParams(temperature=0.0)


class Bench:
    def __init__(self, unit_of_work: UnitOfWorkFactory, router: FakeRouter, clock: MovingClock) -> None:
        self.router = router
        self.cache = ResultCache(unit_of_work, clock, 1_000_000, days=7)
        self.gateway = Gateway(unit_of_work, router, clock, results=self.cache)

    def begin(self, user: User, text: str = "Hello?", source: Source = Source.API, **fields: Any) -> Answer:
        request = GenerationRequest(messages=(ChatMessage(ChatRole.USER, text),), user_id=user.id, params=GREEDY)
        return self.gateway.answer(user, replace(request, **fields), source)

    def ask(self, user: User, text: str = "Hello?", source: Source = Source.API, **fields: Any) -> tuple[str, datetime | None]:
        """Return the answer, and when it was written if it came from the cache."""
        begun = self.begin(user, text, source, **fields)
        events = list(self.gateway.recorded(begun))
        return "".join(each.text for each in events if isinstance(each, Delta)), begun.cached_at


@pytest.fixture
def bench(unit_of_work: UnitOfWorkFactory, router: FakeRouter, clock: MovingClock) -> Bench:
    return Bench(unit_of_work, router, clock)


@pytest.fixture
def turns(unit_of_work: UnitOfWorkFactory, bench: Bench, clock: MovingClock) -> Iterator[Turns]:
    service = Turns(unit_of_work, bench.gateway, clock, 32_000, 1_000_000)
    yield service
    service.close()


def test_the_same_deterministic_request_is_answered_once_by_the_model(
    bench: Bench, ana: User, clock: MovingClock, unit_of_work: UnitOfWorkFactory
) -> None:
    written = clock()
    bench.router.next_answers.put(answer("It is seven.", reasoning="Hm"))
    assert bench.ask(ana) == ("It is seven.", None)
    clock.forward(days=1)
    again = bench.begin(ana)
    events = list(bench.gateway.recorded(again))
    assert "".join(each.text for each in events if isinstance(each, Delta)) == "It is seven."
    assert "".join(each.reasoning for each in events if isinstance(each, Delta)) == "Hm"
    row = again.row()
    assert again.cached_at == row.cached_at == written and row.usage == Usage() and row.cost is None
    end = events[-1]
    assert isinstance(end, Finished) and end.usage.completion_tokens > 0, "the caller reads the usage as it was"
    assert len(bench.router.generations) == 1 and bench.cache.counted() == (2, 1)
    with unit_of_work() as work:
        parts = work.generations.parts(clock().date(), clock().date())
    assert [part.completion_tokens for part in parts] == [0], "the usage report counts the answer, and no tokens"


@pytest.mark.parametrize(
    "fields",
    [
        {"params": SamplingParams(temperature=0.7)},
        {"params": SamplingParams()},
        {"params": SamplingParams(temperature=0.0, logprobs=1)},
        {"source": Source.TITLE},
        {"source": Source.CHAT},
        {"fresh": True},
    ],
)
def test_what_is_not_repeatable_is_asked_again(bench: Bench, ana: User, fields: dict[str, Any]) -> None:
    assert [bench.ask(ana, **fields)[1] for _ in range(2)] == [None, None]
    assert len(bench.router.generations) == 2


@pytest.mark.parametrize(
    "other",
    [
        {"text": "Hello!"},
        {"params": SamplingParams(temperature=0.0, max_tokens=5)},
        {"params": SamplingParams(seed=1)},
        {"thinking": False},
        {"prompt": "Hello?"},
        {"messages": (ChatMessage(ChatRole.SYSTEM, "Be brief."), ChatMessage(ChatRole.USER, "Hello?"))},
    ],
)
def test_another_request_is_another_answer(bench: Bench, ana: User, other: dict[str, Any]) -> None:
    bench.ask(ana)
    assert bench.ask(ana, **other)[1] is None and bench.ask(ana, **other)[1] is not None


def test_a_changed_file_an_old_answer_and_an_emptied_cache_ask_the_model(
    bench: Bench, ana: User, admin: User, clock: MovingClock
) -> None:
    bench.ask(ana)
    bench.router.available = [replace(bench.router.available[0], version="v2")]
    assert bench.ask(ana)[1] is None
    assert bench.ask(ana)[1] is None, "the model that answered was not the one that was announced, so nothing was kept"
    bench.router.available = [replace(bench.router.available[0], version="v1")]
    assert bench.ask(ana)[1] is not None
    clock.forward(days=8)
    assert bench.ask(ana)[1] is None
    assert bench.ask(ana)[1] is not None
    with pytest.raises(NotAllowed):
        bench.cache.clear(ana)
    assert bench.cache.clear(admin) == 1 and bench.ask(ana)[1] is None
    assert bench.cache.stats(admin).stored == 1


def test_answers_that_failed_or_were_stopped_are_not_kept(bench: Bench, ana: User) -> None:
    bench.router.next_answers.put([Delta(text="It is", tokens=1), Unavailable("Gone.")])
    with pytest.raises(Unavailable):
        bench.ask(ana)
    odd = Finished(FinishReason.STOP, Usage(5, 1), Timings(), note="It repeated itself.")
    bench.router.next_answers.put([Delta(text="It it it", tokens=1), odd])
    assert bench.ask(ana) == ("It it it", None)
    begun = bench.begin(ana)
    begun.cancel()
    list(bench.gateway.recorded(begun))
    assert bench.ask(ana)[1] is None and bench.ask(ana)[1] is not None


def test_tool_calls_and_structured_answers_come_back_whole(bench: Bench, ana: User) -> None:
    call = ToolCall("call_1", "rate", '{"currency": "CHF"}')
    end = Finished(FinishReason.STOP, Usage(5, 3), Timings(), stop="END")
    bench.router.next_answers.put([Delta(text="Wait", tokens=1), Delta(tool_calls=(call,), tokens=3), end])
    bench.ask(ana)
    events = list(bench.begin(ana).events())
    assert [each.tool_calls for each in events if isinstance(each, Delta) and each.tool_calls] == [(call,)]
    assert isinstance(events[-1], Finished) and events[-1].stop == "END"
    schema = SamplingParams(temperature=0.0, json_schema='{"type": "object"}')
    assert [bench.ask(ana, params=schema)[1] is None for _ in range(2)] == [True, False]


def test_people_share_answers_only_where_their_group_does(
    bench: Bench, ana: User, admin: User, accounts: Accounts, unit_of_work: UnitOfWorkFactory, clock: MovingClock
) -> None:
    bob = accounts.add(None, "bob", Role.ANALYST, password="correct horse", group="Risk")
    groups = Groups(unit_of_work, clock)
    risk = next(each.group.id for each in groups.all(admin) if each.group.name == "Risk")
    bench.ask(ana)
    assert bench.ask(bob)[1] is None
    groups.change(admin, risk, shares_results=True)
    bench.ask(ana, "Shared?")
    assert bench.ask(bob, "Shared?")[1] is not None
    assert bench.ask(admin, "Shared?")[1] is None, "who is not in the group gets nothing of it"
    groups.change(admin, risk, shares_results=False)
    assert bench.ask(bob, "Shared?")[1] is None
    assert bench.cache.stats(admin).stored == 4, "what was shared is gone; everybody's own answers stay"


def test_what_the_policy_of_the_group_masks_is_masked_in_kept_answers(
    bench: Bench, ana: User, admin: User, unit_of_work: UnitOfWorkFactory, clock: MovingClock
) -> None:
    bench.router.next_answers.put(answer("Write to ana@example.com now."))
    bench.ask(ana)
    PrivacyFilter(unit_of_work, clock).put(admin, PrivacyPolicy(group="*", output=Action.MASK))
    assert bench.ask(ana)[0].strip() == "Write to [E-MAIL] now."


def test_the_room_is_bounded_and_the_oldest_give_way(
    unit_of_work: UnitOfWorkFactory, router: FakeRouter, clock: MovingClock, ana: User, admin: User
) -> None:
    bench = Bench(unit_of_work, router, clock)
    bench.cache = ResultCache(unit_of_work, clock, 6_000, days=7)
    bench.gateway = Gateway(unit_of_work, router, clock, results=bench.cache)
    for number in range(20):
        bench.ask(ana, f"Question {number}?")
        clock.forward(minutes=1)
    figures = bench.cache.stats(admin)
    assert 0 < figures.bytes <= 6_000 and figures.stored < 20
    assert bench.ask(ana, "Question 19?")[1] is not None and bench.ask(ana, "Question 0?")[1] is None


def test_a_chat_gets_the_kept_answer_regenerate_asks_the_model_and_deletion_deletes(
    bench: Bench, turns: Turns, conversations: Conversations, ana: User, admin: User
) -> None:
    options, number = TurnOptions(params=GREEDY), iter(range(9))

    def asked(chat: str) -> Message:
        finished(turns, ana, turns.start(ana, chat, "Hello?", options, f"r{next(number)}"))
        return messages(conversations, ana, chat)[-1]

    first, second = conversations.new(ana).id, conversations.new(ana).id
    kept = asked(first)
    assert kept.generation is not None and kept.generation.cached_at is None
    given = asked(second)
    assert given.generation is not None and given.generation.cached_at is not None and given.text == kept.text
    finished(turns, ana, turns.regenerate(ana, given.id, options, "again"))
    anew = messages(conversations, ana, second)[-1]
    assert anew.generation is not None and anew.generation.cached_at is None and len(bench.router.generations) == 2
    for chat in (first, second):
        conversations.delete(ana, chat)
    assert bench.cache.stats(admin).stored == 0, "cached answers are deleted with their chat"


def test_a_full_model_keeps_nobody_from_a_cached_answer(bench: Bench, ana: User) -> None:
    text, _ = bench.ask(ana)
    bench.router.full = Busy("The model is busy.", retry_after=3)
    again, cached_at = bench.ask(ana)
    assert again == text and cached_at is not None
