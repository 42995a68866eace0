"""Conversations that outgrow the context of their model: nothing is refused, and nothing is cut silently."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import count, pairwise

import pytest

from core.chat.context.assembly import Assembly
from core.chat.context.service import ChatContext
from core.chat.context.summaries.background import KIND, BackgroundSummaries
from core.chat.context.summaries.summaries import SummaryWriter
from core.chat.conversations import Conversations
from core.chat.records import Author, Message, MessageStatus
from core.chat.temporary import TemporaryChats
from core.chat.turn_runner import TurnOptions
from core.chat.turns import Turns
from core.errors import InvalidInput, NotFound
from core.inference.gateway import Gateway
from core.inference.records import Source, Task, Usage
from core.inference.requests import ChatRole
from core.knowledge.files import Files
from core.people.accounts import Accounts
from core.people.records import Role, User
from core.tasks.handlers import JobKind
from core.tasks.jobs import Jobs
from core.tasks.records import JobFilter
from core.tasks.worker import JobWorker
from core.unit_of_work import UnitOfWorkFactory
from samples.fakes import FakeReader
from tests.unit.core.chat.context.scripted import ScriptedRouter
from tests.unit.core.chat.test_turns import finished, messages, until
from tests.unit.core.conftest import MovingClock, NoIndex

FILLER = "We talked about the weather in the office and about lunch. " * 2
_NUMBERS = count()


class Bench:
    """A chat service over a scripted model with a small context."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: MovingClock, jobs: Jobs, context: int) -> None:
        self.router = ScriptedRouter(context=context)
        self.unit_of_work = unit_of_work
        self.gateway = gateway = Gateway(unit_of_work, self.router, clock)
        writer = SummaryWriter(unit_of_work, clock)
        assembly = Assembly(unit_of_work, gateway, writer)
        self.background = BackgroundSummaries(unit_of_work, gateway, assembly, writer, jobs, lambda: self.turns.count())
        self.turns = Turns(unit_of_work, gateway, clock, 32_000, 1_000_000, assembly=assembly, summaries=self.background)
        self.conversations = Conversations(unit_of_work, NoIndex(), clock)
        self.context = ChatContext(unit_of_work, gateway, clock)

    def seed(self, user: User, turns: int, facts: dict[int, str]) -> str:
        """Store a conversation of so many turns; facts: what the question of a turn says beside small talk."""
        chat = self.conversations.new(user)
        before: str | None = None
        with self.unit_of_work() as work:
            for number in range(1, turns + 1):
                for author in (Author.USER, Author.ASSISTANT):
                    text = f"{facts.get(number, '')} Turn {number}. {FILLER}" if author is Author.USER else f"Noted {number}. {FILLER}"
                    made = Message(
                        id=f"{chat.id}-{number}-{author.value}", conversation_id=chat.id, parent_id=before, author=author, text=text,
                        status=MessageStatus.DONE, created_at=chat.created_at,
                    )  # fmt: skip
                    work.messages.add(made)
                    before = made.id
            work.conversations.save(replace(chat, title="Long", head_id=before))
            work.commit()
        return chat.id

    def ask(self, user: User, chat: str, text: str) -> Message:
        finished(self.turns, user, self.turns.start(user, chat, text, TurnOptions(), f"r{next(_NUMBERS)}"))
        return messages(self.conversations, user, chat)[-1]


@pytest.fixture
def bench(unit_of_work: UnitOfWorkFactory, clock: MovingClock, jobs: Jobs) -> Iterator[Bench]:
    made = Bench(unit_of_work, clock, jobs, context=8192)
    yield made
    made.turns.close()


@pytest.fixture
def narrow(unit_of_work: UnitOfWorkFactory, clock: MovingClock, jobs: Jobs) -> Iterator[Bench]:
    made = Bench(unit_of_work, clock, jobs, context=1024)
    yield made
    made.turns.close()


def test_two_hundred_turns_in_a_small_window_forget_no_summarized_and_no_pinned_fact(bench: Bench, ana: User) -> None:
    chat = bench.seed(ana, 200, {3: "FACT budget is seven.", 60: "FACT owner is Mira.", 199: "FACT room is blue."})
    pinned = f"{chat}-5-assistant"
    bench.context.pin(ana, pinned, True)
    for name, value in (("budget", "seven"), ("owner", "Mira"), ("room", "blue")):
        told = bench.ask(ana, chat, f"Recall {name}")
        assert (told.text, told.status) == (value, MessageStatus.DONE)
        assert told.context is not None and told.context.summarized > 60 and told.context.left_out == ()
    request = bench.router.requests[-1]
    assert len(bench.router.prompt_tokens(request).tokens) <= 8192 - 1024, "there is room for the answer"
    assert [each.role for each in request.messages[:2]] == [ChatRole.SYSTEM, ChatRole.USER]
    assert any("Noted 5. " in each.content for each in request.messages), "the pinned turn is read whole"
    summary = bench.context.summary(ana, chat)
    assert summary is not None and "FACT budget is seven" in summary.text


def test_while_a_summary_lasts_each_prompt_begins_with_the_whole_one_before(bench: Bench, ana: User) -> None:
    chat = bench.seed(ana, 200, {3: "FACT budget is seven."})
    first = bench.ask(ana, chat, "Recall budget")
    prompts = []
    for number in range(3):
        bench.ask(ana, chat, f"Small talk {number}. {FILLER}")
        prompts.append([each for each in bench.router.requests if each.task is Task.CHAT][-1].messages)
    for before, after in pairwise(prompts):
        assert after[: len(before)] == before
    assert bench.router.summaries > 0 and first.context is not None
    assert messages(bench.conversations, ana, chat)[-1].context == first.context


def test_a_chat_that_grows_is_summarized_again_and_again(narrow: Bench, ana: User) -> None:
    chat = narrow.conversations.new(ana).id
    narrow.ask(ana, chat, "FACT budget is seven. Please remember it.")
    covered = set()
    for number in range(20):
        told = narrow.ask(ana, chat, f"Small talk {number}. {FILLER * 3}")
        assert told.status is MessageStatus.DONE
        if told.context is not None:
            assert told.context.left_out == ()
            covered.add(told.context.summarized)
    assert len(covered) >= 2, "one summary was followed by another"
    assert narrow.ask(ana, chat, "Recall budget").text == "seven"


def test_the_background_writes_the_summary_before_it_is_needed(
    narrow: Bench, ana: User, working: Callable[[Sequence[JobKind]], JobWorker]
) -> None:
    chat = narrow.seed(ana, 9, {1: "FACT budget is seven."})
    working(narrow.background.job_kinds())
    row = narrow.turns.start(ana, chat, "Recall budget", TurnOptions(), "first")
    finished(narrow.turns, ana, row)
    narrow.background.after_answer(ana, chat, None, narrow.gateway.chat_model(ana, None), Usage(prompt_tokens=1_000))

    def written() -> bool:
        with narrow.unit_of_work() as work:
            return bool(work.summaries.of_conversation(chat)) and not work.jobs.find(JobFilter(kinds=(KIND,)), 1)

    until(written)
    request = next(each for each in narrow.router.requests if each.task is Task.SUMMARIZE)
    assert request.batch and request.model is None, "nobody waits for it, and the route of summaries may choose"
    with narrow.unit_of_work() as work:
        sources = {part.source for part in work.generations.parts(row.created_at.date(), row.created_at.date())}
    assert Source.SUMMARY.value in sources
    made = narrow.router.summaries
    answered = narrow.ask(ana, chat, FILLER * 4)
    assert answered.context is not None and answered.context.summarized > 0 and narrow.router.summaries == made, "it was ready"


def test_without_a_summary_the_oldest_turns_are_left_out_and_the_answer_says_which(narrow: Bench, ana: User) -> None:
    chat = narrow.seed(ana, 30, {2: "FACT budget is seven."})
    narrow.router.breaks_summaries = True
    narrow.context.pin(ana, f"{chat}-2-user", True)
    told = narrow.ask(ana, chat, "Recall budget")
    assert told.text == "seven", "the pinned turn is read"
    assert told.context is not None and told.context.summarized == 0
    left = told.context.left_out
    assert left and 2 not in left and set(left) <= set(range(1, 31))
    read = "\n".join(each.content for each in narrow.router.requests[-1].messages)
    assert all((f"Turn {number}. " in read) is (number not in left) for number in range(1, 31))


def test_an_edited_summary_is_what_the_model_reads(narrow: Bench, accounts: Accounts, ana: User) -> None:
    chat = narrow.seed(ana, 30, {2: "FACT budget is seven."})
    narrow.ask(ana, chat, "Recall budget")
    summary = narrow.context.summary(ana, chat)
    assert summary is not None
    changed = narrow.context.edit_summary(ana, chat, summary.id, "FACT budget is eight")
    assert changed.edited_at is not None
    assert narrow.ask(ana, chat, "Recall budget").text == "eight"
    with pytest.raises(InvalidInput):
        narrow.context.edit_summary(ana, chat, summary.id, " ")
    eve = accounts.add(None, "eve", Role.ANALYST, password="correct horse")
    with pytest.raises(NotFound):
        narrow.context.edit_summary(eve, chat, summary.id, "Mine")
    with pytest.raises(NotFound):
        narrow.context.summary(eve, chat)
    with pytest.raises(NotFound):
        narrow.context.pin(eve, f"{chat}-2-user", True)


def test_another_version_of_the_conversation_does_not_use_its_summary(narrow: Bench, ana: User) -> None:
    chat = narrow.seed(ana, 30, {2: "FACT budget is seven."})
    narrow.ask(ana, chat, "Recall budget")
    edited = narrow.turns.start(ana, chat, "Recall budget", TurnOptions(), "edited", replaces=f"{chat}-2-user")
    finished(narrow.turns, ana, edited)
    told = messages(narrow.conversations, ana, chat)[-1]
    assert told.text == "I have not read that." and told.context is None and narrow.context.summary(ana, chat) is None


def test_a_summary_goes_with_its_conversation(narrow: Bench, ana: User) -> None:
    chat = narrow.seed(ana, 30, {})
    narrow.ask(ana, chat, "Recall budget")
    narrow.conversations.delete(ana, chat)
    with narrow.unit_of_work() as work:
        assert work.summaries.of_conversation(chat) == []


def test_the_meter_counts_what_fills_the_context(narrow: Bench, ana: User) -> None:
    empty = narrow.context.use(ana, None, None)
    assert empty is not None and (empty.tokens, empty.context, empty.reserve) == (0, 1024, 256)
    chat = narrow.seed(ana, 30, {})
    told = narrow.ask(ana, chat, "Recall budget")
    assert told.generation is not None
    use = narrow.context.use(ana, chat, None, parts=True)
    assert use is not None and use.tokens == told.generation.usage.prompt_tokens + told.generation.usage.completion_tokens
    tokens = {part.kind.value: part.tokens for part in use.parts}
    assert set(tokens) == {"summary", "turns"} and sum(tokens.values()) < use.context - use.reserve + 100


def test_the_meter_says_what_a_smaller_model_will_not_read_whole(bench: Bench, ana: User) -> None:
    chat = bench.seed(ana, 30, {1: "FACT budget is seven."})
    bench.ask(ana, chat, "Recall budget")
    whole = bench.context.use(ana, chat, None, parts=True)
    assert whole is not None and not whole.too_long and whole.cut == 0
    bench.router.context = 1024
    bench.router.available = [replace(bench.router.available[0], context=1024)]
    use = bench.context.use(ana, chat, None, parts=True)
    assert use is not None and use.too_long and use.tokens > use.context and use.cut > 0
    told = bench.ask(ana, chat, "Recall budget")
    assert told.text == "seven" and told.context is not None and told.context.left_out == ()
    assert told.context.summarized >= use.cut - 1, "the next answer read a summary in place of these turns"
    after = bench.context.use(ana, chat, None, parts=True)
    assert after is not None and not after.too_long and after.cut == 0


def test_a_temporary_chat_is_summarized_in_memory_alone(
    narrow: Bench, ana: User, unit_of_work: UnitOfWorkFactory, clock: MovingClock
) -> None:
    temporary = TemporaryChats(unit_of_work, Gateway(unit_of_work, narrow.router, clock), clock, 32_000)
    chat: str | None = None
    for number, text in enumerate(["FACT budget is seven.", *(f"Small talk. {FILLER * 3}" for _ in range(8)), "Recall budget"]):
        chat = temporary.ask(ana, chat, text, TurnOptions(), f"t{number}")
        until(lambda chat=chat: temporary.running(ana, chat) is None)  # type: ignore[misc]
    assert chat is not None
    told = temporary.transcript(ana, chat)[-1].message
    assert told.text == "seven" and told.context is not None and told.context.summarized > 0 and told.context.left_out == ()
    with unit_of_work() as work:
        assert work.summaries.of_conversation(chat) == []
    temporary.close()


def test_a_long_file_is_read_in_the_parts_that_matter_and_the_answer_says_which(
    narrow: Bench, ana: User, unit_of_work: UnitOfWorkFactory, clock: MovingClock
) -> None:
    files = Files(unit_of_work, clock, FakeReader(), 1_000_000)
    lines = [f"Line {number}: nothing of note was said that day." for number in range(1, 401)]
    lines[249] = "Line 250: FACT penalty is four, by the clause on delays."
    file = files.upload(ana, "contract.txt", "\n".join(lines).encode())
    chat = narrow.conversations.new(ana).id
    question = "Recall penalty: what does the clause on delays say?"
    finished(narrow.turns, ana, narrow.turns.start(ana, chat, question, TurnOptions(), "file", files=[file.id]))
    told = messages(narrow.conversations, ana, chat)[-1]
    assert (told.status, told.text) == (MessageStatus.DONE, "four"), "it is not refused"
    assert told.context is not None
    [part] = told.context.parts
    assert (part.name, part.lines) == ("contract.txt", 400) and any(first <= 250 <= last for first, last in part.read)
    assert not any(first <= 350 <= last for first, last in part.read), "not all of it"
    again = narrow.ask(ana, chat, "Recall penalty once more, from the clause on delays")
    assert again.text == "four" and again.context is not None and again.context.parts, "the next question chooses anew"
    request = narrow.router.requests[-1]
    assert "FACT penalty" in request.messages[-1].content and "FACT penalty" not in request.messages[0].content
    assert len(narrow.router.prompt_tokens(request).tokens) <= 1024 - 256
