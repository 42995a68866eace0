"""A realistic store: a company's people, sixty days of chats in two languages, ratings and reviews. For screenshots and page tests.

Everything is made from one seed, so that two runs give the same people, figures and texts.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from core.chat.records import Author, Conversation, Message, MessageStatus
from core.chat.titling.titles import title_of
from core.errors import StoredError
from core.inference.records import FinishReason, Generation, Source, Timings, Usage
from core.people.records import Role, User
from core.review.cases.records import CaseFilter, CaseQuery, CaseState
from core.review.cases.upkeep import CaseUpkeep
from core.review.records import Feedback, FeedbackFilter, ReviewState
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory
from samples.talks import COMMENTS_GOOD, COMMENTS_POOR, NOTES, TALKS, Talk

PEOPLE = (
    ("mei", "Mei Lin", Role.ADMIN, "Risk"),
    ("jonas", "Jonas Weber", Role.MANAGER, "Treasury"),
    ("ana", "Ana Costa", Role.ANALYST, "Treasury"),
    ("li.wei", "李伟", Role.ANALYST, "Risk"),
    ("zhang.min", "张敏", Role.ANALYST, "Operations"),
    ("tom", "Tom Becker", Role.ANALYST, "Legal"),
    ("sara", "Sara Novak", Role.ANALYST, "Legal"),
    ("ravi", "Ravi Menon", Role.ANALYST, "Risk"),
    ("wang.fang", "王芳", Role.ANALYST, "Risk"),
    ("eva", "Eva Lindholm", Role.ANALYST, "Treasury"),
    ("paul", "Paul Marchetti", Role.ANALYST, "Operations"),
    ("chen.jie", "陈洁", Role.ANALYST, "Operations"),
    ("nora", "Nora Haddad", Role.ANALYST, "Audit"),
    ("ben", "Ben Okafor", Role.ANALYST, ""),
)
MODELS = (
    # name, fingerprint, first and last day of use (days before now), tokens per second, share rated good
    ("glm-4-9b-chat-Q4_K_M", "3f9a1c27", 60, 21, 31.0, 0.76),
    ("GLM-4.5-Air-Q4_K_M", "a77d02e4", 24, 0, 44.0, 0.86),
    ("GLM-Z1-9B-0414-Q5_K_M", "c0518b9e", 38, 0, 28.0, 0.81),
)
RATED, FOLLOW_UP, OLD_CHATS_KEPT = 0.17, 0.4, 0.5
"""Shares: of answers that get a rating, of questions that continue with a chat of the day, of older chats that are not deleted."""
QUIET_DAYS = (33, 34)
"""Days before now on which nobody could ask: the reports must show them as missing."""


@dataclass(frozen=True, slots=True)
class Seeded:
    people: dict[str, User]
    answers: int
    ratings: int


REPLIES = {
    CaseState.FIXED: "Thank you, you were right: the collection still held the rates of 2025. They are gone now.",
    CaseState.NOT_CHANGED: "The question had no date, so the model chose the latest rate and said so. Naming the date helps.",
}


def seed(
    unit_of_work: UnitOfWorkFactory, now: datetime, password_hash: str, *, days: int = 60, per_day: int = 46, kept_days: int = 21,
    any_day: bool = False,
) -> Seeded:  # fmt: skip
    """Fill an empty store. password_hash: of everybody's password. Of chats older than kept_days some are deleted; their figures stay.

    any_day: make the same rows on every weekday and at every hour, so that no test depends on when it runs.
    """
    dice = random.Random(20260)
    people = _people(unit_of_work, now, password_hash, days, dice)
    answers = ratings = 0
    for ago in range(days - 1, -1, -1):
        day = (now - timedelta(days=ago)).replace(hour=0, minute=0, second=0, microsecond=0)
        if any_day:
            day = now - timedelta(days=ago + 1)
        if ago in QUIET_DAYS:
            continue
        weekend = ago % 7 in (3, 4) if any_day else day.weekday() >= 5
        busy = per_day * (0.16 if weekend else 1.0) * (1.25 - 0.5 * ago / days) * dice.uniform(0.85, 1.15)
        present = dice.sample(list(people.values()), dice.randint(2, 5) if weekend else dice.randint(8, len(people)))
        hours = sorted(min(20.0, max(6.0, dice.gauss(12.5, 3.0))) for _ in range(max(2, round(busy))))
        open_chats: dict[str, _Chat] = {}
        with unit_of_work() as work:
            for hour in hours:
                at = day + timedelta(hours=hour, seconds=dice.uniform(0, 59))
                if at < now - timedelta(minutes=12):
                    user = dice.choices(present, [1 / (1 + place) ** 0.6 for place in range(len(present))], k=1)[0]
                    kept = ago < kept_days or dice.random() < OLD_CHATS_KEPT
                    rated = _answer(work, dice, user, at, ago, now, open_chats, kept=kept)
                    answers, ratings = answers + 1, ratings + rated
            work.commit()
    _review(unit_of_work, people["mei"], now, dice)
    CaseUpkeep(unit_of_work).run()
    _outcomes(unit_of_work, people["mei"], dice)
    return Seeded(people, answers, ratings)


def _people(unit_of_work: UnitOfWorkFactory, now: datetime, password_hash: str, days: int, dice: random.Random) -> dict[str, User]:
    people: dict[str, User] = {}
    with unit_of_work() as work:
        for name, full_name, role, group in PEOPLE:
            created, seen = now - timedelta(days=days + dice.randint(1, 30)), now - timedelta(minutes=dice.randint(1, 4000))
            user = User(_id(dice), name, full_name, role, group, name != "ben", created, None, seen)
            work.users.add(user, password_hash)
            people[name] = user
        work.commit()
    return people


@dataclass(slots=True)
class _Chat:
    conversation: Conversation
    stored: bool


def _answer(
    work: UnitOfWork, dice: random.Random, user: User, at: datetime, ago: int, now: datetime, open_chats: dict[str, _Chat], *, kept: bool
) -> bool:
    """Store a question with its answer, its generation row and perhaps a rating; tell whether it was rated."""
    name, version, _, _, tokens_per_second, good = dice.choice([model for model in MODELS if model[3] <= ago <= model[2]])
    own = [talk for talk in TALKS if talk.chinese == (not user.full_name.isascii())]
    talk = dice.choice(own if dice.random() < 0.85 else TALKS)
    chat = open_chats.get(user.id)
    if chat is None or dice.random() > FOLLOW_UP:
        chat = open_chats[user.id] = _Chat(Conversation(_id(dice), user.id, title_of(talk.question), at, at), kept)
    row = _generation(dice, user, at, name, version, tokens_per_second, ago, chat.conversation.id, _id(dice))
    work.generations.add(row)
    if chat.stored:
        _store_turn(work, chat, talk, _id(dice), row)
    if row.finish_reason is FinishReason.ERROR or dice.random() > RATED:
        return False
    rating = 1 if dice.random() < good else -1
    words = _words(dice, talk, rating)
    rated_at = min(at + timedelta(minutes=dice.randint(1, 9)), now)
    work.feedback.put(
        Feedback(
            _id(dice), user.id, user.name, user.group, chat.conversation.id, row.message_id or "", name, rating, words,
            ReviewState.NEW, "", rated_at, rated_at,
        )
    )  # fmt: skip
    return True


def _words(dice: random.Random, talk: Talk, rating: int) -> str:
    """Return what the person writes with the rating; complaints mostly say something, praise seldom."""
    if rating < 0:
        return talk.complaint or dice.choice(COMMENTS_POOR)[talk.chinese] if dice.random() < 0.85 else ""
    return dice.choice(COMMENTS_GOOD)[talk.chinese] if dice.random() < 0.4 else ""


def _store_turn(work: UnitOfWork, chat: _Chat, talk: Talk, question_id: str, row: Generation) -> None:
    status, text = MessageStatus.DONE, talk.answer
    if row.error:
        status, text = MessageStatus.FAILED, ""
    elif row.finish_reason is FinishReason.CANCELLED:
        status, text = MessageStatus.STOPPED, talk.answer[: len(talk.answer) // 2]
    conversation, at, answer_id = chat.conversation, row.created_at, row.message_id or ""
    if conversation.head_id is None:
        work.conversations.add(conversation)
    work.messages.add(Message(question_id, conversation.id, conversation.head_id, Author.USER, talk.question, MessageStatus.DONE, at))
    reasoning = "" if row.error else talk.reasoning
    work.messages.add(Message(answer_id, conversation.id, question_id, Author.ASSISTANT, text, status, at, reasoning, row.error))
    chat.conversation = replace(conversation, head_id=answer_id, updated_at=at + timedelta(seconds=row.timings.duration_s))
    work.conversations.save(chat.conversation)


def _generation(
    dice: random.Random, user: User, at: datetime, model: str, version: str, speed: float, ago: int, conversation_id: str, answer_id: str
) -> Generation:
    tokens = max(20, round(dice.lognormvariate(5.6, 0.6)))
    queue = max(0.0, dice.gauss(0.5, 0.6) if at.hour in (9, 10, 14, 15) else dice.gauss(0.05, 0.1))
    if ago > 24:
        queue *= 2.5  # before the second model shared the load
    first = queue + dice.lognormvariate(math.log(0.45), 0.35)
    rate = max(8.0, dice.gauss(speed, speed * 0.12))
    outcome = dice.random()
    ends = ((0.006, FinishReason.ERROR), (0.03, FinishReason.CANCELLED), (0.05, FinishReason.LENGTH), (1.0, FinishReason.STOP))
    reason = next(reason for most, reason in ends if outcome <= most)
    failed = reason is FinishReason.ERROR
    usage = Usage(dice.randint(60, 2600), 0 if failed else tokens, dice.randint(0, 60))
    timings = Timings(queue, None, first)
    if not failed:
        timings = Timings(
            queue, first, first + tokens / rate, rate, tokens / rate / 3, inter_token_p50_s=1 / rate, inter_token_p95_s=1.6 / rate,
            prefill_s=first - queue,
        )  # fmt: skip
    error = StoredError("The model stopped in the middle of the answer. Try again.") if failed else None
    source = Source.API if dice.random() < 0.12 else Source.CHAT
    return Generation(
        _id(dice), user.id, user.group, at, model, version, "local", usage, timings, reason, source, conversation_id, answer_id, error
    )


def _review(unit_of_work: UnitOfWorkFactory, reviewer: User, now: datetime, dice: random.Random) -> None:
    """Older cases are mostly worked, the newest are new."""
    with unit_of_work() as work:
        for case in work.feedback.find(FeedbackFilter(), 100_000):
            days = (now - case.created_at).total_seconds() / 86400
            if dice.random() < min(0.92, days / 9):
                note = dice.choice(NOTES) if case.rating < 0 and dice.random() < 0.6 else ""
                at = min(now, case.created_at + timedelta(hours=dice.uniform(1, 30)))
                work.feedback.review(case.id, ReviewState.RESOLVED, note, reviewer.id, at)
            elif dice.random() < 0.15:
                work.feedback.review(case.id, ReviewState.IN_REVIEW, "", reviewer.id, now - timedelta(hours=1))
        work.commit()


def _outcomes(unit_of_work: UnitOfWorkFactory, reviewer: User, dice: random.Random) -> None:
    """Closed cases have outcomes, and cases in review a reviewer."""
    with unit_of_work() as work:
        for case in work.cases.find(CaseFilter(query=CaseQuery()), 100_000):
            if case.state is CaseState.IN_REVIEW:
                work.cases.save(replace(case, assignee_id=reviewer.id))
            elif case.state is CaseState.CLOSED and dice.random() < 0.8:
                kept = case.feedback.rating > 0
                state = CaseState.KEPT if kept else dice.choice((CaseState.FIXED, CaseState.NOT_CHANGED))
                reply = "" if kept else REPLIES[state]
                fix = "Treasury rates v4" if state is CaseState.FIXED else ""
                replied_at = case.updated_at if reply else None
                work.cases.save(replace(case, state=state, assignee_id=reviewer.id, reply=reply, fix=fix, replied_at=replied_at))
        work.commit()


def _id(dice: random.Random) -> str:
    return f"{dice.getrandbits(128):032x}"
