"""Memory across chats: proposed by the model, accepted by the person, read by later answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from core.access.groups import Groups
from core.chat.context.assembly import Assembly
from core.chat.context.records import PartKind
from core.chat.context.service import ChatContext
from core.chat.conversations import Conversations
from core.chat.flags import ConversationFlags
from core.chat.memory.facts import facts_in, says_the_same
from core.chat.memory.proposals import KIND, MemoryProposals
from core.chat.memory.recall import Recall
from core.chat.memory.records import MAX_DISMISSED, UNDECIDED_DAYS, Memory, MemoryMode, MemoryState
from core.chat.memory.service import Memories
from core.chat.records import Message
from core.chat.temporary import TemporaryChats
from core.chat.turn_runner import TurnOptions
from core.chat.turns import Turns
from core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.inference.gateway import Gateway
from core.inference.records import ServedModel, Source, Task
from core.inference.requests import ChatRole
from core.inference.vectors import EmbeddingRequest
from core.models.records import ModelKind
from core.operations.records import RetentionKind
from core.operations.retention import Retention
from core.people.accounts import Accounts
from core.people.permissions import Permission
from core.people.records import Role, User
from core.privacy.filter import PrivacyFilter
from core.privacy.records import Action, PrivacyPolicy
from core.tasks.handlers import JobKind
from core.tasks.jobs import Jobs
from core.tasks.records import JobFilter
from core.tasks.worker import JobWorker
from core.unit_of_work import UnitOfWorkFactory
from samples.fakes import FakeRouter, FakeVectors, answer, served
from tests.unit.core.chat.test_turns import finished, messages, until
from tests.unit.core.conftest import MovingClock, NoIndex
from tests.unit.core.operations.test_retention import audit

TOPICS = ("bond", "tea", "go", "berlin")


@dataclass
class KnowingRouter(FakeRouter):
    """A chat model, and on demand an embedding model for which texts about the same topic are near."""

    embeds: bool = False
    asked: list[EmbeddingRequest] = field(default_factory=list)

    def models(self) -> Sequence[ServedModel]:
        chat = [served(model) for model in self.available]
        return [*chat, replace(chat[0], name="near", kind=ModelKind.EMBEDDING, default=False)] if self.embeds else chat

    def embed(self, request: EmbeddingRequest) -> FakeVectors:
        self.asked.append(request)
        return self._vectors(request, [[float(topic in str(each).casefold()) for topic in TOPICS] for each in request.inputs])


class Bench:
    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: MovingClock, jobs: Jobs, mode: MemoryMode, budget: int) -> None:
        self.router = KnowingRouter()
        self.unit_of_work = unit_of_work
        self.gateway = Gateway(unit_of_work, self.router, clock)
        self.memories = Memories(unit_of_work, PrivacyFilter(unit_of_work, clock), clock, mode)
        self.proposals = MemoryProposals(unit_of_work, self.gateway, jobs, clock, mode, lambda: self.turns.count(), timedelta(0))
        recall = Recall(unit_of_work, mode, budget)
        assembly = Assembly(unit_of_work, self.gateway, recall=recall)
        self.turns = Turns(unit_of_work, self.gateway, clock, 32_000, 1_000_000, assembly=assembly, memories=self.proposals)
        self.conversations = Conversations(unit_of_work, NoIndex(), clock)
        self.marks = ConversationFlags(unit_of_work, clock)
        self.context = ChatContext(unit_of_work, self.gateway, clock, recall)
        self._asked = 0

    def ask(self, user: User, chat: str, text: str) -> Message:
        self._asked += 1
        finished(self.turns, user, self.turns.start(user, chat, text, TurnOptions(), f"r{self._asked}"))
        return messages(self.conversations, user, chat)[-1]

    def prompt(self) -> tuple[str, str]:
        """Return the system message and the question of the newest request of a chat."""
        request = next(each for each in reversed(self.router.requests) if each.task is Task.CHAT and each.prompt is None)
        first, last = request.messages[0], request.messages[-1]
        return first.content if first.role is ChatRole.SYSTEM else "", last.content


Made = Callable[..., Bench]


@pytest.fixture
def make(unit_of_work: UnitOfWorkFactory, clock: MovingClock, jobs: Jobs) -> Iterator[Made]:
    made: list[Bench] = []

    def build(mode: MemoryMode = MemoryMode.ON, budget: int = 500) -> Bench:
        made.append(Bench(unit_of_work, clock, jobs, mode, budget))
        return made[-1]

    yield build
    for each in made:
        each.turns.close()


@pytest.fixture
def proposing(make: Made, working: Callable[[Sequence[JobKind]], JobWorker]) -> Callable[[], Bench]:
    """Yield a bench whose worker has begun; its wait() waits until no chat is left to be read."""

    def build() -> Bench:
        bench = make()
        working(bench.proposals.job_kinds())
        return bench

    return build


def looked(bench: Bench) -> None:
    def ended() -> bool:
        with bench.unit_of_work() as work:
            return not work.jobs.find(JobFilter(kinds=(KIND,)), 1)

    until(ended)


def texts(found: Sequence[Memory]) -> list[str]:
    return [each.text for each in found]


def test_the_model_proposes_and_the_person_accepts_and_only_then_it_is_read(proposing: Callable[[], Bench], ana: User) -> None:
    bench = proposing()
    chat = bench.conversations.new(ana).id
    bench.router.next_answers.put(answer("Noted."))
    bench.router.next_answers.put(answer("- The user trades bonds.\n- The user lives on the moon.\nNONE"))
    bench.ask(ana, chat, "I trade bonds. What is a coupon?")
    looked(bench)
    request = next(each for each in bench.router.requests if each.task is Task.MEMORY)
    assert request.batch and request.model is None, "nobody waits for it, and the route of memories may choose"
    [proposed] = bench.memories.proposed(ana)
    assert proposed.text == "The user trades bonds." and bench.memories.accepted(ana) == []
    bench.ask(ana, bench.conversations.new(ana).id, "Hello?")
    assert bench.prompt()[0] == "", "nothing is used before it is accepted"
    looked(bench)

    bench.memories.accept(ana, proposed.id)
    for chat in (None, bench.conversations.new(ana).id):
        use = bench.context.use(ana, chat, None, parts=True)
        assert use is not None and [part.kind for part in use.parts] == [PartKind.MEMORY], "counted before the first answer"
        assert use.tokens >= use.parts[0].tokens > 0
    without = bench.context.use(ana, None, None, parts=True, memory=False)
    assert without is not None and (without.tokens, without.parts) == (0, ())
    told = bench.ask(ana, bench.conversations.new(ana).id, "Hello again?")
    assert "The user trades bonds." in bench.prompt()[0]
    assert told.context is not None and [each.id for each in told.context.memories] == [proposed.id]
    use = bench.context.use(ana, told.conversation_id, None, parts=True)
    assert use is not None and PartKind.MEMORY in {part.kind for part in use.parts}
    with bench.unit_of_work() as work:
        day = told.created_at.date()
        assert Source.MEMORY.value in {part.source for part in work.generations.parts(day, day)}


def test_what_is_known_or_was_dismissed_is_not_proposed_again(proposing: Callable[[], Bench], ana: User) -> None:
    bench = proposing()
    bench.memories.add(ana, "The user trades bonds.")
    chat = bench.conversations.new(ana).id
    for written in ("The user trades the bonds\nThe user likes tea", "The user likes the tea."):
        bench.router.next_answers.put(answer("Noted."))
        bench.router.next_answers.put(answer(written))
        bench.ask(ana, chat, "I trade bonds and like tea.")
        looked(bench)
        for each in bench.memories.proposed(ana):
            assert each.text == "The user likes tea"
            bench.memories.dismiss(ana, each.id)
    assert bench.memories.proposed(ana) == []
    asked = [each for each in bench.router.requests if each.task is Task.MEMORY]
    assert "The user likes tea" in asked[-1].messages[0].content, "the model is told what is known"


def test_secrets_and_personal_data_are_never_proposed(proposing: Callable[[], Bench], ana: User) -> None:
    bench = proposing()
    chat = bench.conversations.new(ana).id
    bench.router.next_answers.put(answer("Noted."))
    bench.router.next_answers.put(answer("Their mail is ana@example.com\nTheir password=hunter2-hunter2\nThe user has a mail server"))
    bench.ask(ana, chat, "My mail is ana@example.com, password=hunter2-hunter2, on my server.")
    looked(bench)
    assert texts(bench.memories.proposed(ana)) == ["The user has a mail server"]


def test_nothing_is_proposed_where_the_person_or_the_chat_leaves_memory_out(proposing: Callable[[], Bench], ana: User) -> None:
    bench = proposing()
    bench.memories.add(ana, "The user trades bonds.")
    chat = bench.conversations.new(ana, uses_memory=False).id
    assert bench.ask(ana, chat, "I like tea.").context is None and bench.prompt()[0] == ""
    assert bench.marks.use_memory(ana, chat, True).uses_memory
    bench.ask(ana, chat, "And now?")
    assert "bonds" in bench.prompt()[0] and bench.conversations.get(ana, chat).uses_memory
    bench.memories.set_use(ana, False)
    bench.ask(ana, chat, "And then?")
    assert bench.prompt()[0] == ""
    looked(bench)
    assert sum(each.task is Task.MEMORY for each in bench.router.requests) <= 1, "only the second answer was looked at"


def test_it_is_off_until_the_person_switches_it_on_and_for_nobody_where_it_is_forbidden(
    make: Made, ana: User, admin: User, unit_of_work: UnitOfWorkFactory, clock: MovingClock
) -> None:
    bench = make(MemoryMode.ASK)
    chat = bench.conversations.new(ana).id
    bench.memories.add(ana, "The user trades bonds.")
    assert not bench.memories.use(ana).on
    bench.ask(ana, chat, "Hello?")
    assert bench.prompt()[0] == ""
    bench.memories.set_use(ana, True)
    bench.ask(ana, chat, "Hello?")
    assert bench.memories.use(ana).on and "bonds" in bench.prompt()[0]

    groups = Groups(unit_of_work, clock)
    risk = next(each.group.id for each in groups.all(admin) if each.group.name == "Risk")
    groups.change(admin, risk, withheld=[Permission.MEMORY])
    with unit_of_work() as work:
        ana = work.users.get(ana.id) or ana
    use = bench.memories.use(ana)
    assert (use.available, use.on) == (False, False)
    bench.ask(ana, chat, "Hello?")
    assert bench.prompt()[0] == ""
    with pytest.raises(NotAllowed):
        bench.memories.add(ana, "The user likes tea.")
    assert bench.memories.clear(ana) == 1, "deleting stays possible"
    off = make(MemoryMode.OFF)
    assert not off.memories.use(admin).available
    with pytest.raises(NotAllowed, match="PORTAL_MEMORY"):
        off.memories.set_use(admin, True)


def test_a_temporary_chat_reads_no_memories(make: Made, ana: User, unit_of_work: UnitOfWorkFactory, clock: MovingClock) -> None:
    bench = make()
    bench.memories.add(ana, "The user trades bonds.")
    temporary = TemporaryChats(unit_of_work, bench.gateway, clock, 1_000)
    chat = temporary.ask(ana, None, "Hello?", TurnOptions(), "t1")
    until(lambda: temporary.running(ana, chat) is None)
    assert bench.prompt()[0] == ""
    temporary.close()


def test_of_many_memories_those_near_the_question_open_the_chat_and_stay(make: Made, ana: User, clock: MovingClock) -> None:
    bench = make(budget=60)  # The fake model counts a token for each letter.
    for fact in ("The user trades bonds.", "The user drinks tea.", "The user writes Go.", "The user lives in Berlin."):
        bench.memories.add(ana, fact)
        clock.forward(minutes=1)
    bench.router.embeds = True
    chat = bench.conversations.new(ana).id
    bench.ask(ana, chat, "Which tea is best?")
    opened, question = bench.prompt()
    assert "drinks tea" in opened and "trades bonds" not in opened and question == "Which tea is best?"
    told = bench.ask(ana, chat, "And which bond?")
    again, question = bench.prompt()
    assert again == opened, "the prefix stays, so that the KV cache is reused"
    bench.router.embeds = False
    bench.ask(ana, bench.conversations.new(ana).id, "Which tea is best?")
    assert "Berlin" in bench.prompt()[0] and "tea" not in bench.prompt()[0], "without an embedding model, the newest ones"
    assert told.context is not None


def test_what_only_a_later_question_needs_is_read_with_that_question(make: Made, ana: User, clock: MovingClock) -> None:
    bench = make(budget=200)
    for number in range(9):
        bench.memories.add(ana, f"The user drinks tea number {number}.")
    bench.memories.add(ana, "The user trades bonds.")
    bench.router.embeds = True
    chat = bench.conversations.new(ana).id
    bench.ask(ana, chat, "Which tea is best?")
    opened, _ = bench.prompt()
    assert "bonds" not in opened
    told = bench.ask(ana, chat, "And which bond?")
    again, question = bench.prompt()
    assert again == opened and question.startswith("And which bond?") and "The user trades bonds." in question
    assert told.context is not None and [each.asked for each in told.context.memories].count(True) >= 1


def test_a_person_edits_deletes_exports_and_sees_nothing_of_others(
    make: Made, ana: User, admin: User, unit_of_work: UnitOfWorkFactory
) -> None:
    bench = make()
    fact = bench.memories.add(ana, "  The user trades\nbonds. ")
    assert fact.text == "The user trades bonds."
    for call in (bench.memories.remove, bench.memories.dismiss, bench.memories.accept):
        with pytest.raises(NotFound):
            call(admin, fact.id)
    assert bench.memories.texts(admin, [fact.id]) == [] and bench.memories.accepted(admin) == []
    assert bench.memories.edit(ana, fact.id, "The user trades swaps.").text == "The user trades swaps."
    assert texts(bench.memories.accepted(ana, "SWAPS trades")) == ["The user trades swaps."]
    with pytest.raises(Conflict, match="already"):
        bench.memories.add(ana, "The user trades swaps")
    for odd in ("", " \n ", "x" * 301, "My password=hunter2-hunter2"):
        with pytest.raises(InvalidInput):
            bench.memories.add(ana, odd)
    exported = json.loads(bench.memories.export(ana))
    assert [(each["state"], each["text"]) for each in exported["memories"]] == [("accepted", "The user trades swaps.")]
    bench.memories.remove(ana, fact.id)
    with unit_of_work() as work:
        assert work.memories.get(fact.id) is None
    noted = [event for event in audit(unit_of_work) if event.action.startswith("memory.")]
    assert {event.action for event in noted} == {"memory.delete", "memory.export"}
    assert "swaps" not in str([event.details for event in noted])


def test_the_policy_of_the_group_masks_what_a_person_writes(
    make: Made, ana: User, admin: User, unit_of_work: UnitOfWorkFactory, clock: MovingClock
) -> None:
    PrivacyFilter(unit_of_work, clock).put(admin, PrivacyPolicy(group="*", input=Action.MASK))
    assert make().memories.add(ana, "Write to ana@example.com").text == "Write to [E-MAIL]"


def test_a_legal_hold_keeps_memories_and_time_ends_what_nobody_decided(
    make: Made, ana: User, admin: User, unit_of_work: UnitOfWorkFactory, clock: MovingClock, accounts: Accounts
) -> None:
    bench, retention = make(), Retention(unit_of_work, clock)
    bob = accounts.add(None, "bob", Role.ANALYST, password="correct horse")
    for person in (ana, bob):
        bench.memories.add(person, "The user trades bonds.")
        for number in range(2):
            with unit_of_work() as work:
                chat = bench.conversations.new(person)
                work.memories.add(Memory(
                    id=f"{person.id}-{number}", user_id=person.id, text="The user likes tea.", state=MemoryState.PROPOSED,
                    created_at=clock(), updated_at=clock(), conversation_id=chat.id,
                ))  # fmt: skip
                work.commit()
            if number:
                bench.conversations.delete(person, chat.id)
    assert len(bench.memories.proposed(bob)) == 1, "a proposal is deleted with its chat"
    retention.place_hold(admin, "ana", "A case.")
    with pytest.raises(Conflict, match="legal hold"):
        bench.memories.clear(ana)
    clock.forward(days=UNDECIDED_DAYS + 1)
    assert retention.remove_undecided_memories() == 1
    assert len(bench.memories.proposed(ana)) == 1 and bench.memories.proposed(bob) == []
    assert len(bench.memories.accepted(bob)) == 1
    retention.set_rule(admin, RetentionKind.MEMORIES, "*", 30)
    assert retention.apply(admin) == 1, "a rule ends accepted facts, too, except those under a hold"
    assert bench.memories.accepted(bob) == [] and len(bench.memories.accepted(ana)) == 1


def test_only_so_many_dismissed_proposals_are_kept(make: Made, ana: User, unit_of_work: UnitOfWorkFactory, clock: MovingClock) -> None:
    bench = make()
    with unit_of_work() as work:
        for number in range(MAX_DISMISSED + 1):
            state = MemoryState.DISMISSED if number else MemoryState.PROPOSED
            at = clock() + timedelta(seconds=number)
            work.memories.add(Memory(id=f"m{number}", user_id=ana.id, text=f"Fact {number}", state=state, created_at=at, updated_at=at))
        work.commit()
    bench.memories.dismiss(ana, "m0")
    with unit_of_work() as work:
        assert work.memories.count_of(ana.id, MemoryState.DISMISSED) == MAX_DISMISSED


@pytest.mark.parametrize(
    "one, other, same",
    [
        ("The user trades bonds.", "User trades the bonds", True),
        ("The user likes R.", "The user likes Go.", False),
        ("The user is a vegetarian.", "The user is not a vegetarian.", False),
        ("用户在柏林工作。", "用户在柏林工作", True),
        ("用户喜欢喝茶", "用户不喜欢喝茶", False),
    ],
)
def test_facts_that_say_the_same_are_told_from_those_that_differ(one: str, other: str, same: bool) -> None:
    assert says_the_same(one, other) is says_the_same(other, one) is same


@pytest.mark.parametrize("written", ["NONE", "None.", "- none", "无", "There is nothing?", "", "Facts:", "x" * 400, "No new facts."])
def test_a_model_that_has_nothing_to_say_proposes_nothing(written: str) -> None:
    assert facts_in(written, "I trade bonds and there is nothing else, none at all.", ()) == []
