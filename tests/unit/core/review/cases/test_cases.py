from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from core.chat.conversations import Conversations
from core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.notices.records import NoticeKind
from core.people.accounts import Accounts
from core.people.audit_records import AuditFilter
from core.people.records import Role, User
from core.review.cases.changes import LEASE, MAX_TAGS, CaseChange
from core.review.cases.opening import question_key
from core.review.cases.queue import CaseQueue
from core.review.cases.records import CaseEventKind, CaseQuery, CaseState, Priority, ReviewCase, Whose
from core.review.cases.upkeep import CaseUpkeep
from core.review.cases.views import MOST_VIEWS, CaseViews
from core.review.cases.work import MOST_AT_ONCE, CaseWork
from core.review.own_feedback import OwnFeedback, OwnRatings
from core.review.records import ReviewState
from core.unit_of_work import UnitOfWorkFactory
from tests.store import things
from tests.unit.core.conftest import MovingClock, feedback_queue, review_names
from tests.unit.core.review.test_feedback import answered
from tests.unit.core.review.test_feedback import index as index


class Desk:
    """The review of ratings, with one rater and two reviewers."""

    def __init__(
        self, unit_of_work: UnitOfWorkFactory, index: object, clock: MovingClock, accounts: Accounts, ana: User, admin: User
    ) -> None:
        self.unit_of_work, self.clock, self.ana, self.admin = unit_of_work, clock, ana, admin
        self.sara = accounts.add(None, "sara", Role.REVIEWER, password="correct horse battery", full_name="Sara Novak")
        self.names = review_names(unit_of_work, clock)
        self.feedback = feedback_queue(unit_of_work, index, clock, self.names)  # type: ignore[arg-type]
        self.queue = CaseQueue(unit_of_work, index, self.feedback, clock, self.names)  # type: ignore[arg-type]
        self.work = CaseWork(unit_of_work, clock, self.names)
        self.views = CaseViews(unit_of_work, clock)
        self.own = OwnFeedback(unit_of_work, clock)
        self.conversations = Conversations(unit_of_work, index, clock)  # type: ignore[arg-type]
        self._made = 0

    def rated(self, rating: int = -1, comment: str = "", question: str = "") -> ReviewCase:
        """Return the case of a new rating by Ana."""
        self._made += 1
        answer = answered(self.unit_of_work, self.conversations, self.ana, str(self._made), question or f"Question {self._made}", "5")
        self.feedback.rate(self.ana, answer, rating, comment)
        self.clock.forward(seconds=1)
        return max(self.cases(), key=lambda case: case.number)

    def cases(self, query: CaseQuery | None = None) -> list[ReviewCase]:
        return list(self.queue.find(self.sara, query or CaseQuery()).cases)

    def change(self, case: ReviewCase, user: User | None = None, **fields: object) -> ReviewCase:
        change = CaseChange(**fields)  # type: ignore[arg-type]
        return self.work.change(user or self.sara, case.number, case.version, change)

    def notices(self) -> list[NoticeKind]:
        with self.unit_of_work() as work:
            return [each.kind for each in work.notices.of_user(self.ana.id, 10)]


@pytest.fixture
def desk(unit_of_work: UnitOfWorkFactory, index: object, clock: MovingClock, accounts: Accounts, ana: User, admin: User) -> Desk:
    return Desk(unit_of_work, index, clock, accounts, ana, admin)


def test_a_poor_rating_and_a_comment_are_complaints_and_a_bare_good_rating_is_not(desk: Desk) -> None:
    poor, said, good = desk.rated(-1), desk.rated(1, "But slow"), desk.rated(1)
    assert [case.number for case in (poor, said, good)] == [1, 2, 3]
    assert [case.complaint for case in (poor, said, good)] == [True, True, False]
    assert [case.priority for case in (poor, said, good)] == [Priority.NORMAL, Priority.LOW, Priority.LOW]
    assert desk.cases(CaseQuery(complaint=True)) == [poor, said]
    assert [each.kind for each in desk.queue.history(desk.sara, 1)] == [CaseEventKind.OPENED]


def test_a_rating_taken_back_takes_its_case_along(desk: Desk) -> None:
    case = desk.rated()
    desk.feedback.rate(desk.ana, case.feedback.message_id, 0)
    assert desk.cases() == []
    with pytest.raises(NotFound, match="may have been withdrawn"):
        desk.queue.get(desk.sara, case.number)


def test_a_changed_rating_opens_its_closed_case_again(desk: Desk) -> None:
    case = desk.rated(1)
    desk.change(case, state=CaseState.KEPT)
    desk.feedback.rate(desk.ana, case.feedback.message_id, -1, "I looked again: it is wrong")
    again = desk.queue.get(desk.sara, case.number)
    assert (again.state, again.priority, again.complaint, again.closed_at) == (CaseState.NEW, Priority.NORMAL, True, None)
    assert [each.kind for each in desk.queue.history(desk.sara, 1)][-2:] == [CaseEventKind.RATED_AGAIN, CaseEventKind.STATE]
    same = again.version
    desk.feedback.rate(desk.ana, case.feedback.message_id, -1, "I looked again: it is wrong")
    assert desk.queue.get(desk.sara, case.number).version == same


@pytest.mark.parametrize("state", list(CaseState))
def test_an_open_case_may_become_anything_and_a_closed_one_only_open(state: CaseState) -> None:
    allowed = {each for each in CaseState if state.may_become(each)}
    if state in (CaseState.NEW, CaseState.TRIAGED, CaseState.IN_REVIEW):
        assert allowed == set(CaseState) - {state}
    else:
        assert allowed == {CaseState.NEW, CaseState.TRIAGED, CaseState.IN_REVIEW}


def test_a_corrected_answer_is_kept_without_its_text_in_the_history_and_goes_with_the_chat(desk: Desk) -> None:
    corrected = desk.change(desk.rated(), correction="It is 5 %.\n")
    assert corrected.correction == "It is 5 %."
    event = desk.queue.history(desk.sara, corrected.number)[-1]
    assert (event.kind, event.before, event.after) == (CaseEventKind.CORRECTED, "", "true")
    with pytest.raises(InvalidInput, match="at most 20000 characters"):
        desk.change(corrected, correction="x" * 20_001)
    with pytest.raises(InvalidInput, match="belong to one case"):
        desk.work.change_many(desk.sara, {corrected.number: corrected.version}, CaseChange(correction="x"))
    desk.conversations.delete(desk.ana, corrected.feedback.conversation_id)
    gone = desk.queue.get(desk.sara, corrected.number)
    assert gone.correction == ""
    with pytest.raises(Conflict, match="no answer to correct"):
        desk.change(gone, correction="It is 5 %.")


def test_a_shared_view_is_seen_by_other_reviewers_and_changed_by_its_owner_alone(desk: Desk, accounts: Accounts) -> None:
    jonas = accounts.add(None, "jonas", Role.REVIEWER, password="correct horse battery")
    desk.views.save(desk.sara, "Rates", CaseQuery(tag="Rates"), shared=True)
    desk.views.save(desk.sara, "My own", CaseQuery())
    desk.views.save(jonas, "Rates", CaseQuery(rating=-1))
    assert [(each.name, each.owner_name, each.shared) for each in desk.views.list(jonas)] == [("Rates", "", False), ("Rates", "sara", True)]
    desk.views.remove(jonas, "Rates")
    assert [each.owner_name for each in desk.views.list(jonas)] == ["sara"]
    with pytest.raises(NotFound):
        desk.views.remove(jonas, "Rates")
    desk.views.save(desk.sara, "Rates", CaseQuery(tag="Rates"))
    assert desk.views.list(jonas) == []


def test_a_change_is_stored_and_recorded_field_by_field(desk: Desk) -> None:
    case = desk.rated()
    due = desk.clock() + timedelta(days=2)
    changed = desk.change(
        case, state=CaseState.TRIAGED, priority=Priority.HIGH, assignee="sara", tags=("Wrong number", "wrong number ", "Rates"), due_at=due,
        note="Check the rates",
    )  # fmt: skip
    stored = desk.queue.get(desk.admin, case.number)
    assert stored == replace(changed, alike=stored.alike, feedback=stored.feedback)
    assert (stored.assignee_name, stored.tags, stored.due_at) == ("sara", ("Rates", "Wrong number"), due)
    assert (stored.feedback.note, stored.feedback.reviewer_name, stored.feedback.state) == ("Check the rates", "sara", ReviewState.NEW)
    history = {each.kind: (each.before, each.after, each.actor_name) for each in desk.queue.history(desk.sara, case.number)}
    assert history[CaseEventKind.STATE] == ("new", "triaged", "sara")
    assert history[CaseEventKind.TAGS] == ("", "Rates, Wrong number", "sara")
    assert history[CaseEventKind.NOTE] == ("", "Check the rates", "sara")
    assert len(history) == 7
    assert desk.queue.tags(desk.sara) == {"Rates": 1, "Wrong number": 1}


def test_a_change_that_changes_nothing_leaves_no_trace(desk: Desk) -> None:
    case = desk.rated()
    assert desk.change(case, state=CaseState.NEW, tags=()).version == case.version
    assert len(desk.queue.history(desk.sara, case.number)) == 1
    with pytest.raises(InvalidInput, match="at least one field"):
        desk.change(case)


def test_what_cannot_be_stored_is_refused_with_a_sentence(desk: Desk) -> None:
    case = desk.rated()
    with pytest.raises(NotFound, match="No account is named nobody"):
        desk.change(case, assignee="nobody")
    with pytest.raises(InvalidInput, match="ana cannot work on cases"):
        desk.change(case, assignee="ana")
    with pytest.raises(InvalidInput, match="at most 12 tags"):
        desk.change(case, tags=tuple(f"tag {n}" for n in range(MAX_TAGS + 1)))
    with pytest.raises(InvalidInput, match="at most 40 characters"):
        desk.change(case, tags=("x" * 41,))
    with pytest.raises(InvalidInput, match="at most 4000 characters"):
        desk.change(case, note="x" * 4001)
    closed = desk.change(case, state=CaseState.FIXED)
    with pytest.raises(Conflict, match="Reopen it first"):
        desk.change(closed, state=CaseState.NOT_CHANGED)


def test_a_change_from_an_old_version_is_refused_and_overwrites_nothing(desk: Desk) -> None:
    case = desk.rated()
    desk.change(case, note="First")
    with pytest.raises(Conflict, match="Another reviewer has changed this case"):
        desk.change(case, note="Second")
    assert desk.queue.get(desk.sara, case.number).feedback.note == "First"


def test_only_one_reviewer_works_on_a_case_until_the_lease_ends_or_is_taken_over(desk: Desk) -> None:
    case = desk.rated()
    began = desk.clock()
    desk.work.start(desk.sara, case.number)
    desk.clock.forward(minutes=5)
    renewed = desk.work.start(desk.sara, case.number)
    assert renewed.lock is not None and (renewed.lock.since, renewed.lock.until) == (began, desk.clock() + LEASE)
    with pytest.raises(Conflict, match="sara is working on this case since 12:00 UTC"):
        desk.change(case, desk.admin, note="Mine")
    with pytest.raises(Conflict, match="Take it over first"):
        desk.work.change_rating(desk.admin, case.feedback.id, note="Mine")
    with pytest.raises(Conflict):
        desk.work.start(desk.admin, case.number)
    desk.work.start(desk.admin, case.number, take_over=True)
    assert desk.change(case, desk.admin, note="Mine").feedback.note == "Mine"
    taken = next(each for each in desk.queue.history(desk.sara, case.number) if each.kind is CaseEventKind.TAKEN_OVER)
    assert (taken.before, taken.actor_name) == ("sara", "root")
    desk.work.leave(desk.sara, case.number)
    assert desk.queue.get(desk.sara, case.number).held_by_other(desk.sara.id, desk.clock()) is not None, "it is not hers to leave"
    desk.clock.forward(minutes=11)
    assert desk.work.start(desk.sara, case.number).lock is not None


def test_a_lock_ends_with_the_case_or_with_its_holder_leaving(desk: Desk) -> None:
    case = desk.change(desk.rated(), note="Looking")
    assert case.held_by_other(desk.admin.id, desk.clock()) is not None, "a change starts the work"
    desk.work.leave(desk.sara, case.number)
    assert desk.queue.get(desk.sara, case.number).lock is None
    assert desk.change(case, state=CaseState.FIXED).lock is None


def test_many_cases_change_at_once_and_those_that_cannot_say_why(desk: Desk) -> None:
    first, second, third = (desk.rated() for _ in range(3))
    desk.work.start(desk.admin, second.number)
    desk.change(third, note="Newer")
    versions = {case.number: case.version for case in (first, second, third)} | {99: 1}
    result = desk.work.change_many(desk.sara, versions, CaseChange(assignee="sara", add_tags=("Rates",), state=CaseState.TRIAGED))
    assert result.changed == (first.number,)
    assert {number: str(why).split(".")[0][:30] for number, why in result.left.items()} == {
        second.number: "root is working on this case s", third.number: "Another reviewer has changed t", 99: "This case does not exist",
    }  # fmt: skip
    assert desk.queue.get(desk.sara, first.number).tags == ("Rates",)
    for wrong in ({}, dict.fromkeys(range(1, MOST_AT_ONCE + 2), 1)):
        with pytest.raises(InvalidInput, match="between 1 and 200"):
            desk.work.change_many(desk.sara, wrong, CaseChange(state=CaseState.TRIAGED))
    with pytest.raises(InvalidInput, match="belong to one case"):
        desk.work.change_many(desk.sara, versions, CaseChange(reply="Hello"))


def test_pages_follow_one_another_by_priority_and_age_without_gaps(desk: Desk) -> None:
    made = [desk.rated(-1 if n % 3 else 1) for n in range(11)]
    desk.change(made[4], priority=Priority.HIGH)
    expected = [case.number for case in sorted(desk.cases(), key=lambda case: (-case.priority.rank, -case.number))]
    assert expected[0] == made[4].number
    listed, cursor = [], None
    while True:
        page = desk.queue.find(desk.sara, CaseQuery(), 4, cursor)
        listed += [case.number for case in page.cases]
        assert page.total == 11
        if (cursor := page.next_cursor) is None:
            break
    assert listed == expected
    for wrong in ("1", "x.2", "1.2.3", "１.2", "1." + "9" * 10):
        with pytest.raises(InvalidInput, match="cursor"):
            desk.queue.find(desk.sara, CaseQuery(), 4, wrong)


def test_each_condition_narrows_the_queue(desk: Desk) -> None:
    poor, good = desk.rated(-1), desk.rated(1)
    mine = desk.change(desk.rated(-1), assignee="sara", tags=("Rates",), due_at=desk.clock() - timedelta(hours=1))
    replied = desk.change(desk.rated(-1), state=CaseState.FIXED, reply="Thank you")

    def numbers(**given: object) -> set[int]:
        return {case.number for case in desk.cases(CaseQuery(**given))}  # type: ignore[arg-type]

    assert numbers(rating=1) == {good.number}
    assert numbers(whose=Whose.MINE) == numbers(assignee="sara") == numbers(tag="Rates") == numbers(overdue=True) == {mine.number}
    assert numbers(whose=Whose.NOBODY) == {poor.number, good.number, replied.number}
    assert numbers(states=(CaseState.FIXED,)) == {replied.number}
    assert numbers(unanswered=True) == {poor.number, good.number, mine.number}
    assert numbers(priority=Priority.LOW) == {good.number}
    assert numbers(group="Nobody's") == numbers(model="none") == numbers(until=desk.clock() - timedelta(days=1)) == set()
    assert desk.queue.count(desk.sara, CaseQuery(rating=-1)) == 3
    with pytest.raises(NotFound, match="No account is named zed"):
        desk.cases(CaseQuery(assignee="zed"))


def test_equal_questions_are_counted_and_listed(desk: Desk) -> None:
    first, second = desk.rated(question="What is 2+2?"), desk.rated(question="  what IS 2+2 ")
    other = desk.rated(question="And now?")
    assert [desk.queue.get(desk.sara, case.number).alike for case in (first, second, other)] == [1, 1, 0]
    assert [case.number for case in desk.queue.open(desk.sara, first.number).alike] == [second.number]
    assert question_key("你好？") == question_key(" 你好") != question_key("你") and question_key(" ? ") is None


def test_progress_counts_what_a_reviewer_did_today(desk: Desk) -> None:
    cases = [desk.rated() for _ in range(3)]
    desk.change(desk.change(cases[0], priority=Priority.HIGH), state=CaseState.FIXED)
    desk.change(cases[1], note="Later")
    progress = desk.queue.progress(desk.sara)
    assert (progress.open, progress.touched, progress.closed) == (2, 2, 1)
    assert desk.queue.progress(desk.admin).touched == 0
    desk.clock.forward(days=1)
    assert desk.queue.progress(desk.sara).touched == 0


def test_opening_a_case_shows_its_chat_and_history_and_is_audited(desk: Desk) -> None:
    case = desk.rated(comment="Wrong")
    opened = desk.queue.open(desk.sara, case.number)
    assert [message.text for message in opened.branch] == ["Question 1", "5"] and len(opened.history) == 1
    desk.change(case, state=CaseState.FIXED)
    with desk.unit_of_work() as work:
        actions = [each.event.action for each in work.audit.find(AuditFilter(), 10)]
    assert {"feedback.open", "case.change"} <= set(actions)


def test_a_view_is_the_reviewers_own_and_keeps_its_query(desk: Desk) -> None:
    query = CaseQuery(words="rates", states=(CaseState.NEW,), whose=Whose.MINE, priority=Priority.HIGH, since=desk.clock(), complaint=False)
    view = desk.views.save(desk.sara, " My  rates ", query)
    assert desk.views.list(desk.sara) == [view] and (view.name, view.query) == ("My rates", query)
    assert desk.views.list(desk.admin) == []
    again = desk.views.save(desk.sara, "MY RATES", CaseQuery())
    assert again.id == view.id and desk.views.list(desk.sara) == [again]
    with pytest.raises(NotFound):
        desk.views.remove(desk.admin, view.name)
    desk.views.remove(desk.sara, "my Rates")
    assert desk.views.list(desk.sara) == []
    with pytest.raises(InvalidInput, match="needs a name"):
        desk.views.save(desk.sara, " ", query)
    for n in range(MOST_VIEWS):
        desk.views.save(desk.sara, f"View {n}", query)
    with pytest.raises(Conflict, match="Delete one first"):
        desk.views.save(desk.sara, "One more", query)


def test_upkeep_opens_missing_cases_and_finds_equal_questions(desk: Desk) -> None:
    known = desk.rated()
    with desk.unit_of_work() as work:
        old = work.messages.get("a-1")
        assert old is not None
        work.messages.add(replace(old, id="a-old"))
        work.feedback.put(replace(things.feedback(desk.ana, replace(old, id="a-old"), -1, at=desk.clock()), state=ReviewState.RESOLVED))
        work.cases.save(replace(known, question_key=None))
        work.commit()
    assert CaseUpkeep(desk.unit_of_work).run() == 2
    assert [(case.state, case.alike) for case in desk.cases()] == [(CaseState.CLOSED, 1), (CaseState.NEW, 1)]
    assert CaseUpkeep(desk.unit_of_work).run() == 0


def test_those_who_may_not_review_reach_no_case(desk: Desk) -> None:
    case = desk.rated()
    for attempt in (
        lambda: desk.queue.find(desk.ana, CaseQuery()),
        lambda: desk.queue.count(desk.ana, CaseQuery()),
        lambda: desk.queue.get(desk.ana, case.number),
        lambda: desk.queue.open(desk.ana, case.number),
        lambda: desk.queue.history(desk.ana, case.number),
        lambda: desk.queue.progress(desk.ana),
        lambda: desk.queue.tags(desk.ana),
        lambda: desk.queue.reviewers(desk.ana),
        lambda: desk.change(case, desk.ana, note="x"),
        lambda: desk.work.change_many(desk.ana, {1: 1}, CaseChange(state=CaseState.FIXED)),
        lambda: desk.work.start(desk.ana, case.number),
        lambda: desk.work.leave(desk.ana, case.number),
        lambda: desk.views.list(desk.ana),
        lambda: desk.views.save(desk.ana, "x", CaseQuery()),
        lambda: desk.views.remove(desk.ana, "x"),
    ):
        with pytest.raises(NotAllowed):
            attempt()
    assert desk.queue.reviewers(desk.sara) == ["root", "sara"]


def test_the_rater_reads_outcome_fix_and_reply_and_gets_one_notice_for_them(desk: Desk) -> None:
    case = desk.rated(comment="Last year's rate")
    desk.change(case, state=CaseState.FIXED, fix="Treasury rates v4", reply="Thank you, you were right.")
    [own] = desk.own.find(desk.ana).ratings
    assert (own.state, own.question) == (CaseState.FIXED, "Question 1")
    assert (own.fix, own.reply) == ("Treasury rates v4", "Thank you, you were right.")
    assert desk.notices() == [NoticeKind.FEEDBACK_RESOLVED]
    assert not any("sara" in str(value) for value in (own.reply, own.fix, own.comment))


def test_a_reply_without_an_outcome_gives_a_notice_of_its_own(desk: Desk) -> None:
    case = desk.change(desk.rated(), reply="Which day did you mean?")
    assert desk.notices() == [NoticeKind.FEEDBACK_REPLIED]
    case = desk.change(case, priority=Priority.HIGH)
    assert len(desk.notices()) == 1
    gone = desk.change(case, reply="")
    assert gone.replied_at is None and len(desk.notices()) == 1, "a reply taken back gives no notice"


def test_people_see_and_take_back_only_their_own_ratings(desk: Desk) -> None:
    poor, good = desk.rated(-1), desk.rated(1)
    fixed = desk.change(desk.rated(-1), state=CaseState.FIXED)
    page = desk.own.find(desk.ana)
    assert [each.number for each in page.ratings] == [fixed.number, good.number, poor.number]
    assert page.counts == {OwnRatings.ALL: 3, OwnRatings.OPEN: 1, OwnRatings.FIXED: 1, OwnRatings.GOOD: 1} and page.poor == 2
    assert [each.number for each in desk.own.find(desk.ana, OwnRatings.OPEN).ratings] == [poor.number]
    first = desk.own.find(desk.ana, limit=2)
    assert [each.number for each in desk.own.find(desk.ana, limit=2, cursor=first.next_cursor).ratings] == [poor.number]
    with pytest.raises(InvalidInput, match="cursor"):
        desk.own.find(desk.ana, cursor="x")
    assert desk.own.find(desk.sara).ratings == ()
    with pytest.raises(NotFound):
        desk.own.take_back(desk.sara, poor.feedback.message_id)
    desk.own.take_back(desk.ana, poor.feedback.message_id)
    assert [case.number for case in desk.cases()] == [fixed.number, good.number]


def test_a_rating_can_be_taken_back_after_its_chat_was_deleted(desk: Desk) -> None:
    case = desk.rated()
    desk.conversations.delete(desk.ana, case.feedback.conversation_id)
    [own] = desk.own.find(desk.ana).ratings
    assert (own.question, own.conversation_id) == (None, None)
    desk.own.take_back(desk.ana, case.feedback.message_id)
    assert desk.cases() == []
