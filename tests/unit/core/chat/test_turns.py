from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from core.chat.conversations import Conversations
from core.chat.lifecycle.leases import LEASE
from core.chat.records import Author, Message, MessageStatus, Turn
from core.chat.running_turn import Snapshot
from core.chat.turn_runner import TurnOptions
from core.chat.turns import Turns
from core.errors import Busy, Conflict, InvalidInput, NotFound, PromptTooLong, Unavailable
from core.inference.records import FinishReason, Timings, Usage
from core.inference.requests import Delta, Finished, Queued
from core.knowledge.files import MAX_WAITING, Files
from core.people.accounts import Accounts
from core.people.records import Role, User
from core.unit_of_work import UnitOfWorkFactory
from samples.fakes import FakeReader, FakeRouter, answer
from tests.unit.core.conftest import MovingClock


@pytest.fixture
def chat(conversations: Conversations, ana: User) -> str:
    return conversations.new(ana).id


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.005)


def finished(turns: Turns, user: User, turn: Turn) -> None:
    running = turns.find(user, turn.id)
    if running is not None:
        running.wait_finished(5)
    until(lambda: turns.find(user, turn.id) is None)


def messages(conversations: Conversations, user: User, chat: str) -> list[Message]:
    return [each.message for each in conversations.transcript(user, chat)]


def test_a_question_gets_a_stored_answer_with_its_measurements(
    turns: Turns, conversations: Conversations, router: FakeRouter, ana: User, chat: str
) -> None:
    router.next_answers.put(answer("Hello from the fake model", reasoning="Hm"))
    finished(turns, ana, turns.start(ana, chat, "Who are you?", TurnOptions(), "r1"))
    question, reply = messages(conversations, ana, chat)
    assert (question.text, reply.text, reply.status) == ("Who are you?", "Hello from the fake model", MessageStatus.DONE)
    assert reply.generation is not None
    assert (reply.generation.finish_reason, reply.generation.usage.completion_tokens) == (FinishReason.STOP, 6)
    assert reply.generation.timings.thinking_s is not None and reply.reasoning == "Hm"
    assert conversations.get(ana, chat).title == "Who are you?"


def test_a_title_out_of_an_answer_is_a_clean_line(
    turns: Turns, conversations: Conversations, router: FakeRouter, ana: User, chat: str
) -> None:
    router.next_answers.put(answer("# Rates\x0b and\u200b bonds\x01 in May"))
    finished(turns, ana, turns.start(ana, chat, "Explain", TurnOptions(), "r1"))
    assert conversations.get(ana, chat).title == "Rates and bonds in May"


def test_the_same_request_twice_is_one_turn(turns: Turns, conversations: Conversations, router: FakeRouter, ana: User, chat: str) -> None:
    first = turns.start(ana, chat, "Hello", TurnOptions(), "same")
    assert turns.start(ana, chat, "Hello", TurnOptions(), "same").id == first.id
    finished(turns, ana, first)
    assert turns.start(ana, chat, "Hello", TurnOptions(), "same").id == first.id
    assert len(messages(conversations, ana, chat)) == 2 and len(router.requests) == 1


def test_ten_clicks_at_once_are_one_turn(turns: Turns, conversations: Conversations, ana: User, chat: str) -> None:
    started: list[str] = []
    clicks = [threading.Thread(target=lambda: started.append(turns.start(ana, chat, "Hello", TurnOptions(), "same").id)) for _ in range(10)]
    for click in clicks:
        click.start()
    for click in clicks:
        click.join()
    assert len(started) == 10 and len(set(started)) == 1
    until(lambda: turns.count() == 0)
    assert len(messages(conversations, ana, chat)) == 2


def test_a_second_question_waits_until_the_answer_is_finished(turns: Turns, router: FakeRouter, ana: User, chat: str) -> None:
    router.hold()
    first = turns.start(ana, chat, "One", TurnOptions(), "r1")
    with pytest.raises(Conflict, match="still running"):
        turns.start(ana, chat, "Two", TurnOptions(), "r2")
    router.release()
    finished(turns, ana, first)
    finished(turns, ana, turns.start(ana, chat, "Two", TurnOptions(), "r2"))


def test_stop_keeps_the_text_so_far_and_frees_the_model(
    turns: Turns, conversations: Conversations, router: FakeRouter, ana: User, chat: str
) -> None:
    router.hold()
    turn = turns.start(ana, chat, "Hello", TurnOptions(), "r1")
    router.release(2)
    running = turns.find(ana, turn.id)
    assert running is not None
    until(lambda: running.snapshot().text == "Hello from ")
    assert turns.stop(ana, chat)
    finished(turns, ana, turn)
    reply = messages(conversations, ana, chat)[-1]
    assert (reply.text, reply.status) == ("Hello from ", MessageStatus.STOPPED)
    assert router.generations[0].cancelled.is_set()
    assert not turns.stop(ana, chat)


def test_a_failing_model_keeps_the_text_and_says_why(
    turns: Turns, conversations: Conversations, router: FakeRouter, ana: User, chat: str
) -> None:
    router.next_answers.put([*answer("Half an")[:2], Unavailable("The model ran out of memory.")])
    finished(turns, ana, turns.start(ana, chat, "Hello", TurnOptions(), "r1"))
    reply = messages(conversations, ana, chat)[-1]
    assert (reply.text, reply.status, str(reply.error)) == ("Half an", MessageStatus.FAILED, "The model ran out of memory.")
    assert reply.generation is not None and reply.generation.finish_reason is FinishReason.ERROR


def test_a_busy_model_leaves_a_failed_answer_that_can_be_tried_again(
    turns: Turns, conversations: Conversations, router: FakeRouter, ana: User, chat: str
) -> None:
    router.refuse.append(Busy("Too many are waiting. Try again in {seconds} s.", seconds=9, retry_after=9))
    finished(turns, ana, turns.start(ana, chat, "Hello", TurnOptions(), "r1"))
    failed = messages(conversations, ana, chat)[-1]
    assert failed.status is MessageStatus.FAILED and "9 s" in str(failed.error)
    finished(turns, ana, turns.regenerate(ana, failed.id, TurnOptions(), "r2"))
    shown = conversations.transcript(ana, chat)
    assert shown[-1].message.status is MessageStatus.DONE and (shown[-1].version, len(shown[-1].versions)) == (2, 2)


def test_a_message_on_another_branch_is_revealed_and_one_that_is_shown_stays(
    turns: Turns, conversations: Conversations, router: FakeRouter, accounts: Accounts, ana: User, chat: str
) -> None:
    finished(turns, ana, turns.start(ana, chat, "One", TurnOptions(), "r1"))
    finished(turns, ana, turns.start(ana, chat, "Two", TurnOptions(), "r2"))
    one, first, two, _ = messages(conversations, ana, chat)
    finished(turns, ana, turns.regenerate(ana, first.id, TurnOptions(), "r3"))
    assert len(messages(conversations, ana, chat)) == 2
    conversations.reveal(ana, chat, one.id)
    assert len(messages(conversations, ana, chat)) == 2
    conversations.reveal(ana, chat, two.id)
    assert [each.text for each in messages(conversations, ana, chat)][::2] == ["One", "Two"]
    elsewhere = conversations.new(ana).id
    with pytest.raises(NotFound):
        conversations.reveal(ana, elsewhere, two.id)
    with pytest.raises(NotFound):
        conversations.reveal(accounts.add(None, "bo", Role.ANALYST, password="correct horse"), chat, two.id)


def test_regenerating_keeps_the_old_answer_and_asks_with_the_same_history(
    turns: Turns, conversations: Conversations, router: FakeRouter, ana: User, chat: str
) -> None:
    finished(turns, ana, turns.start(ana, chat, "One", TurnOptions(), "r1"))
    finished(turns, ana, turns.start(ana, chat, "Two", TurnOptions(), "r2"))
    first = messages(conversations, ana, chat)[1]
    router.next_answers.put(answer("Another answer"))
    finished(turns, ana, turns.regenerate(ana, first.id, TurnOptions(), "r3"))
    assert [each.text for each in messages(conversations, ana, chat)] == ["One", "Another answer"]
    assert [each.content for each in router.requests[-1].messages] == ["One"]
    conversations.show_version(ana, chat, first.id)
    assert [each.text for each in messages(conversations, ana, chat)] == ["One", first.text, "Two", first.text]


def test_an_edited_question_is_a_version_of_it(turns: Turns, conversations: Conversations, ana: User, chat: str) -> None:
    finished(turns, ana, turns.start(ana, chat, "Wun", TurnOptions(), "r1"))
    question = messages(conversations, ana, chat)[0]
    finished(turns, ana, turns.start(ana, chat, "One", TurnOptions(), "r2", replaces=question.id))
    shown = conversations.transcript(ana, chat)
    assert shown[0].message.text == "One" and shown[0].version == 2


def test_the_oldest_turns_give_way_when_the_model_cannot_read_them_all(turns: Turns, router: FakeRouter, ana: User, chat: str) -> None:
    for n in range(3):
        finished(turns, ana, turns.start(ana, chat, f"Question {n}", TurnOptions(), f"r{n}"))
    router.refuse += [PromptTooLong(9000, 4096), PromptTooLong(5000, 4096)]
    finished(turns, ana, turns.start(ana, chat, "Last", TurnOptions(), "r9"))
    assert [each.content for each in router.requests[-1].messages if each.role == "user"] == ["Question 2", "Last"]


def test_a_question_that_is_too_long_alone_fails_in_words(
    turns: Turns, conversations: Conversations, router: FakeRouter, ana: User, chat: str
) -> None:
    router.refuse.append(PromptTooLong(9000, 4096))
    finished(turns, ana, turns.start(ana, chat, "Long", TurnOptions(), "r1"))
    assert "9000" in str(messages(conversations, ana, chat)[-1].error)


@pytest.mark.parametrize("text", ["", " \n", "x" * 100_000, "a\ud800b"])
def test_a_question_that_cannot_be_asked_stores_nothing(
    turns: Turns, conversations: Conversations, ana: User, chat: str, text: str
) -> None:
    with pytest.raises(InvalidInput):
        turns.start(ana, chat, text, TurnOptions(), "r1")
    assert messages(conversations, ana, chat) == [] and conversations.get(ana, chat).title == ""


def test_somebody_elses_conversation_does_not_exist(turns: Turns, conversations: Conversations, admin: User, chat: str) -> None:
    with pytest.raises(NotFound):
        turns.start(admin, chat, "Hello", TurnOptions(), "r1")
    with pytest.raises(NotFound):
        conversations.transcript(admin, chat)
    assert admin.role is Role.ADMIN


def test_watchers_see_every_step_in_order(turns: Turns, router: FakeRouter, ana: User, chat: str) -> None:
    router.hold()
    router.next_answers.put([Queued(2, 4.0), *answer("One two", reasoning="Hm")])
    turn = turns.start(ana, chat, "Hello", TurnOptions(), "r1")
    running = turns.find(ana, turn.id)
    assert running is not None
    seen: list[Snapshot] = []
    running.listen(seen.append)
    router.release(1)
    until(lambda: running.snapshot().position == 2)
    router.release()
    running.wait_finished(5)
    assert [each.version for each in seen] == sorted({each.version for each in seen})
    assert seen[-1].text == "One two" and seen[-1].reasoning == "Hm" and seen[-1].status is MessageStatus.DONE
    assert any(each.position == 2 and each.wait_s == 4.0 for each in seen) and seen[-1].position is None


def test_closing_marks_running_answers_interrupted_with_their_text(
    turns: Turns, conversations: Conversations, router: FakeRouter, ana: User, chat: str
) -> None:
    router.hold()
    turn = turns.start(ana, chat, "Hello", TurnOptions(), "r1")
    router.release(1)
    running = turns.find(ana, turn.id)
    assert running is not None
    until(lambda: running.snapshot().text != "")
    turns.close()
    reply = messages(conversations, ana, chat)[-1]
    assert (reply.text, reply.status) == ("Hello ", MessageStatus.INTERRUPTED)
    with pytest.raises(Unavailable):
        turns.start(ana, chat, "More", TurnOptions(), "r2")


def leftover(unit_of_work: UnitOfWorkFactory, user: User, chat: str, clock: MovingClock) -> str:
    """Return what a killed process leaves behind: a streaming answer with a checkpoint."""
    now = clock()
    with unit_of_work() as work:
        conversation = work.conversations.get(chat)
        assert conversation is not None
        work.messages.add(Message("q", chat, None, Author.USER, "Hello", MessageStatus.DONE, now))
        work.messages.add(Message("a", chat, "q", Author.ASSISTANT, "", MessageStatus.STREAMING, now))
        work.turns.add(Turn("t", user.id, "r1", chat, "q", "a", MessageStatus.STREAMING, now, now + LEASE))
        work.conversations.save(replace(conversation, head_id="a"))
        work.messages.checkpoint("a", "Half an", "")
        work.commit()
    return "a"


def test_a_crashed_turn_is_interrupted_after_its_lease_and_keeps_its_text(
    turns: Turns, conversations: Conversations, unit_of_work: UnitOfWorkFactory, ana: User, chat: str, clock: MovingClock
) -> None:
    leftover(unit_of_work, ana, chat, clock)
    assert turns.recover(everything=False) == 0
    clock.forward(seconds=(LEASE + timedelta(seconds=1)).total_seconds())
    assert turns.recover(everything=False) == 1
    reply = messages(conversations, ana, chat)[-1]
    assert (reply.text, reply.status) == ("Half an", MessageStatus.INTERRUPTED)
    finished(turns, ana, turns.start(ana, chat, "Go on", TurnOptions(), "r2"))


def test_a_process_alone_with_its_store_recovers_at_once_and_spares_what_it_runs(
    turns: Turns,
    conversations: Conversations,
    router: FakeRouter,
    unit_of_work: UnitOfWorkFactory,
    ana: User,
    chat: str,
    clock: MovingClock,
) -> None:
    leftover(unit_of_work, ana, chat, clock)
    router.hold()
    other = conversations.new(ana).id
    turn = turns.start(ana, other, "Hello", TurnOptions(), "r7")
    assert turns.recover(everything=True) == 1
    router.release()
    finished(turns, ana, turn)
    assert messages(conversations, ana, other)[-1].status is MessageStatus.DONE


def test_a_conversation_with_a_running_answer_is_not_deleted(
    turns: Turns, conversations: Conversations, router: FakeRouter, ana: User, chat: str
) -> None:
    router.hold()
    turn = turns.start(ana, chat, "Hello", TurnOptions(), "r1")
    with pytest.raises(Conflict):
        conversations.delete(ana, chat)
    router.release()
    finished(turns, ana, turn)
    conversations.delete(ana, chat)
    with pytest.raises(NotFound):
        conversations.transcript(ana, chat)


# Files


@pytest.fixture
def files(unit_of_work: UnitOfWorkFactory, clock: MovingClock) -> Files:
    return Files(unit_of_work, clock, FakeReader(), 1_000_000)


def test_the_model_reads_the_files_of_a_question_then_and_later(
    turns: Turns, files: Files, conversations: Conversations, router: FakeRouter, ana: User, chat: str
) -> None:
    table, note = files.upload(ana, "a.csv", b"x\n1\n"), files.upload(ana, "note.txt", b"Mind this")
    finished(turns, ana, turns.start(ana, chat, "Sum?", TurnOptions(), "r1", files=[note.id, table.id]))
    finished(turns, ana, turns.start(ana, chat, "And now?", TurnOptions(), "r2"))
    read = "[file: note.txt]\nMind this\n[end of note.txt]\n\n[file: a.csv]\nx\n1\n[end of a.csv]\n\nSum?"
    assert router.requests[0].messages[-1].content == read
    assert [message.content for message in router.requests[1].messages][::2] == [read, "And now?"]
    shown = messages(conversations, ana, chat)
    assert [[file.name for file in message.files] for message in shown] == [["note.txt", "a.csv"], [], [], []]
    assert files.read(ana, table.id)[1] == b"x\n1\n" and files.get(ana, table.id).conversation_id == chat


def test_of_a_document_the_model_reads_the_text_and_its_owner_gets_the_document(
    turns: Turns, files: Files, router: FakeRouter, ana: User, chat: str
) -> None:
    document = files.upload(ana, "plan.pdf", b"%PDF-1.7 \x00\x01")
    finished(turns, ana, turns.start(ana, chat, "Read", TurnOptions(), "r1", files=[document.id]))
    assert router.requests[0].messages[-1].content == "[file: plan.pdf]\nThe text of plan.pdf\n[end of plan.pdf]\n\nRead"
    assert files.read(ana, document.id)[1] == b"%PDF-1.7 \x00\x01"
    with pytest.raises(InvalidInput, match="scan"):
        files.upload(ana, "scan.pdf", b"%PDF-1.7 \x00\x01")


def test_files_alone_are_a_question_and_name_the_chat(
    turns: Turns, files: Files, conversations: Conversations, router: FakeRouter, ana: User, chat: str
) -> None:
    file = files.upload(ana, "plan.md", b"# Plan")
    finished(turns, ana, turns.start(ana, chat, "  ", TurnOptions(), "r1", files=[file.id]))
    assert conversations.get(ana, chat).title == "plan.md"
    assert router.requests[0].messages[-1].content == "[file: plan.md]\n# Plan\n[end of plan.md]"
    with pytest.raises(InvalidInput, match="empty"):
        turns.start(ana, chat, " ", TurnOptions(), "r2")


def test_a_new_version_of_a_question_keeps_its_files_and_takes_more(
    turns: Turns, files: Files, conversations: Conversations, router: FakeRouter, ana: User, chat: str
) -> None:
    first, more = files.upload(ana, "a.txt", b"A"), files.upload(ana, "b.txt", b"B")
    turn = turns.start(ana, chat, "Old", TurnOptions(), "r1", files=[first.id])
    finished(turns, ana, turn)
    finished(turns, ana, turns.start(ana, chat, "New", TurnOptions(), "r2", replaces=turn.question_id, files=[more.id]))
    assert [file.name for file in messages(conversations, ana, chat)[0].files] == ["a.txt", "b.txt"]
    conversations.show_version(ana, chat, turn.question_id)
    assert [file.name for file in messages(conversations, ana, chat)[0].files] == ["a.txt"]
    conversations.delete(ana, chat)
    for file in (first, more):
        with pytest.raises(NotFound):
            files.read(ana, file.id)


def test_files_of_others_or_of_another_chat_cannot_be_asked_with(
    turns: Turns, files: Files, conversations: Conversations, accounts: Accounts, ana: User, chat: str
) -> None:
    bob = accounts.add(None, "bob", Role.ANALYST, password="correct horse")
    theirs, mine = files.upload(bob, "b.txt", b"secret"), files.upload(ana, "a.txt", b"A")
    for call in (files.get, files.read, files.discard):
        with pytest.raises(NotFound):
            call(ana, theirs.id)
    with pytest.raises(NotFound, match="This file does not exist"):
        turns.start(ana, chat, "Read it", TurnOptions(), "r1", files=[mine.id, theirs.id])
    assert files.get(ana, mine.id).conversation_id is None and conversations.transcript(ana, chat) == []
    finished(turns, ana, turns.start(ana, chat, "Mine", TurnOptions(), "r2", files=[mine.id]))
    with pytest.raises(Conflict, match="another chat"):
        turns.start(ana, conversations.new(ana).id, "Again", TurnOptions(), "r3", files=[mine.id])
    with pytest.raises(Conflict, match="deleted with it"):
        files.discard(ana, mine.id)


def test_too_many_and_too_large_files_are_refused_with_their_limit(turns: Turns, files: Files, ana: User, chat: str) -> None:
    with pytest.raises(InvalidInput, match=r"big.txt has 1.5 MB; the limit for one question is 1 MB"):
        files.upload(ana, "big.txt", b"x" * 1_500_000)
    halves = [files.upload(ana, f"{n}.txt", b"x" * 600_000).id for n in range(2)]
    with pytest.raises(InvalidInput, match=r"1.2 MB in total; the limit for one question is 1 MB"):
        turns.start(ana, chat, "Read", TurnOptions(), "r1", files=halves)
    small = [files.upload(ana, f"s{n}.txt", b"x").id for n in range(11)]
    with pytest.raises(InvalidInput, match="at most 10 files; this one has 11"):
        turns.start(ana, chat, "Read", TurnOptions(), "r2", files=small)
    for n in range(MAX_WAITING - 13):
        files.upload(ana, f"w{n}.txt", b"x")
    with pytest.raises(Conflict, match="Too many of your uploaded files are unused"):
        files.upload(ana, "one more.txt", b"x")
    for file in small:
        files.discard(ana, file)
    files.upload(ana, "one more.txt", b"x")
    for n in range(4):
        files.upload(ana, f"large{n}.txt", b"x" * 900_000)
    with pytest.raises(Conflict, match="Too many of your uploaded files are unused"):
        files.upload(ana, "large.txt", b"x" * 900_000)


def test_a_long_file_pushes_old_turns_out_without_counting_each(
    turns: Turns, files: Files, conversations: Conversations, router: FakeRouter, ana: User, chat: str
) -> None:
    for n in range(12):
        finished(turns, ana, turns.start(ana, chat, f"Q{n} " + "x" * 1000, TurnOptions(), f"r{n}"))
    file = files.upload(ana, "long.txt", b"y " * 40_000)
    router.requests.clear()
    router.refuse += [PromptTooLong(30_000, 25_000), PromptTooLong(26_000, 25_000)]
    finished(turns, ana, turns.start(ana, chat, "Read it", TurnOptions(), "last", files=[file.id]))
    lengths = [len(request.messages) for request in router.requests if request.messages]
    assert lengths[0] == 25 and lengths[-1] >= 1 and len(lengths) < 8 and lengths == sorted(lengths, reverse=True)
    assert router.requests[-1].messages[-1].content.endswith("Read it")


def test_a_cut_answer_is_continued_as_a_version_that_begins_with_its_text(
    turns: Turns, conversations: Conversations, router: FakeRouter, ana: User, chat: str
) -> None:
    router.next_answers.put([Delta("One and", tokens=2), Finished(FinishReason.LENGTH, Usage(5, 2), Timings(duration_s=0.1))])
    first = turns.start(ana, chat, "Count", TurnOptions(), "r1")
    finished(turns, ana, first)
    router.next_answers.put(answer(" two and three"))
    second = turns.go_on(ana, first.answer_id, TurnOptions(), "r2")
    assert turns.go_on(ana, first.answer_id, TurnOptions(), "r2").id == second.id
    finished(turns, ana, second)
    asked = router.requests[-1]
    assert asked.continued and [(each.role, each.content) for each in asked.messages] == [("user", "Count"), ("assistant", "One and")]
    last = conversations.transcript(ana, chat)[-1]
    assert (last.message.text, last.version, len(last.versions)) == ("One and two and three", 2, 2)
    with pytest.raises(InvalidInput, match="cut off"):
        turns.go_on(ana, second.answer_id, TurnOptions(), "r3")


def test_a_cut_answer_keeps_its_turn_where_older_ones_give_way(
    turns: Turns, conversations: Conversations, router: FakeRouter, ana: User, chat: str
) -> None:
    finished(turns, ana, turns.start(ana, chat, "Before", TurnOptions(), "r0"))
    router.next_answers.put([Delta("One", tokens=1), Finished(FinishReason.LENGTH, Usage(5, 1), Timings(duration_s=0.1))])
    cut = turns.start(ana, chat, "Count", TurnOptions(), "r1")
    finished(turns, ana, cut)
    router.refuse.append(PromptTooLong(2_000, 100))
    finished(turns, ana, turns.go_on(ana, cut.answer_id, TurnOptions(), "r2"))
    assert [each.content for each in router.requests[-1].messages] == ["Count", "One"]
    router.refuse += [PromptTooLong(2_000, 100), PromptTooLong(2_000, 100)]
    again = turns.go_on(ana, cut.answer_id, TurnOptions(), "r3")
    finished(turns, ana, again)
    last = conversations.message(ana, again.answer_id)
    assert last.status is MessageStatus.FAILED and last.text == "One"
