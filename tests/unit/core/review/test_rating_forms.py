from __future__ import annotations

from dataclasses import replace

import pytest

from core.chat.conversations import Conversations
from core.errors import Conflict, InvalidInput, NotAllowed
from core.people.audit_records import AuditFilter
from core.people.records import User
from core.review.cases.records import CaseFilter, CaseQuery
from core.review.feedback import FeedbackQueue
from core.review.rating_forms import MAX_REASONS, RatingForms
from core.review.records import RatingDetails, RatingForm
from core.unit_of_work import UnitOfWorkFactory
from tests.unit.core.conftest import MovingClock
from tests.unit.core.review.test_feedback import answered, conversations, index, queue  # noqa: F401

ANSWER = "The rate is **0.9452 EUR**, says the [ECB](https://ecb.example/rates), on Friday."
DETAILS = RatingDetails(reasons=("Wrong fact", "Out of date"), score=2, passage="0.9452 EUR, says the ECB", better_answer="0.9615 EUR")


@pytest.fixture
def forms(unit_of_work: UnitOfWorkFactory, clock: MovingClock) -> RatingForms:
    return RatingForms(unit_of_work, clock)


@pytest.fixture
def reply(unit_of_work: UnitOfWorkFactory, conversations: Conversations, ana: User) -> str:  # noqa: F811
    return answered(unit_of_work, conversations, ana, "1", "What is the rate?", ANSWER)


def test_a_rating_keeps_what_the_form_asked_and_the_version_of_the_form(
    queue: FeedbackQueue, unit_of_work: UnitOfWorkFactory, reply: str, ana: User  # noqa: F811
) -> None:
    queue.rate(ana, reply, -1, "Last year's", DETAILS)
    own = queue.own(ana, reply)
    assert own is not None
    assert own.details == replace(DETAILS, form_version=0) and own.comment == "Last year's"
    with unit_of_work() as work:
        case = work.cases.of_feedback(own.id)
    assert case is not None
    assert case.tags == ("Out of date", "Wrong fact") and case.complaint
    queue.rate(ana, reply, -1, "", replace(DETAILS, reasons=("Unsafe",)))
    with unit_of_work() as work:
        case = work.cases.of_feedback(own.id)
    assert case is not None
    assert case.tags == ("Unsafe",)


def test_a_thumb_alone_answers_no_form_and_a_new_one_forgets_the_old_answers(queue: FeedbackQueue, reply: str, ana: User) -> None:  # noqa: F811
    queue.rate(ana, reply, -1, "", DETAILS)
    queue.rate(ana, reply, 1)
    own = queue.own(ana, reply)
    assert own is not None
    assert own.details == RatingDetails() and own.details.form_version is None


@pytest.mark.parametrize(
    "wrong",
    [
        RatingDetails(reasons=("Nobody defined this",)), RatingDetails(reasons=("Correct",)),
        RatingDetails(score=0), RatingDetails(score=6),
        RatingDetails(passage="1.0000 EUR"), RatingDetails(passage="x" * 1001), RatingDetails(better_answer="x" * 20_001),
        RatingDetails(score=1, form_version=7),
    ],
    ids=["unknown", "of_the_other_thumb", "too_low", "too_high", "not_in_the_answer", "too_long", "too_much", "no_such_form"],
)  # fmt: skip
def test_what_the_form_does_not_offer_is_refused(queue: FeedbackQueue, reply: str, ana: User, wrong: RatingDetails) -> None:  # noqa: F811
    with pytest.raises(InvalidInput):
        queue.rate(ana, reply, -1, "", wrong)
    assert queue.own(ana, reply) is None


def test_an_admin_defines_the_form_and_each_version_stays(
    queue: FeedbackQueue, forms: RatingForms, unit_of_work: UnitOfWorkFactory, reply: str, ana: User, admin: User  # noqa: F811
) -> None:
    first = forms.current(ana)
    assert first == RatingForm()
    saved = forms.save(admin, replace(first, poor_reasons=(" Wrong  number ", "wrong number", "Unsafe", ""), asks_score=False))
    assert (saved.version, saved.poor_reasons, saved.saved_by) == (1, ("Wrong number", "Unsafe"), "root")
    assert forms.current(ana) == saved and forms.save(admin, saved) == saved
    with pytest.raises(Conflict):
        forms.save(admin, first)
    with pytest.raises(InvalidInput):
        queue.rate(ana, reply, -1, "", RatingDetails(score=2))
    # The form that a rater has open may be the one before.
    queue.rate(ana, reply, -1, "", replace(DETAILS, form_version=0))
    queue.rate(ana, reply, -1, "", RatingDetails(reasons=("Wrong number",)))
    own = queue.own(ana, reply)
    assert own is not None
    assert own.details.form_version == 1
    assert [each.version for each in forms.versions(admin)] == [1]
    with unit_of_work() as work:
        events = work.audit.find(AuditFilter(action="rating_form.save"), 10)
    assert [each.event.subject for each in events] == ["1"]


def test_only_who_sets_up_review_changes_the_form(forms: RatingForms, ana: User, admin: User) -> None:
    for attempt in (lambda: forms.save(ana, replace(RatingForm(), asks_score=False)), lambda: forms.versions(ana)):
        with pytest.raises(NotAllowed):
            attempt()
    for wrong in (tuple(f"reason {n}" for n in range(MAX_REASONS + 1)), ("x" * 41,)):
        with pytest.raises(InvalidInput):
            forms.save(admin, RatingForm(good_reasons=wrong))


def test_passage_and_better_answer_go_with_the_chat_and_the_rating_stays(
    queue: FeedbackQueue, conversations: Conversations, unit_of_work: UnitOfWorkFactory, reply: str, ana: User  # noqa: F811
) -> None:
    queue.rate(ana, reply, -1, "Last year's", DETAILS)
    own = queue.own(ana, reply)
    assert own is not None
    with unit_of_work() as work:
        work.conversations.remove(own.conversation_id)
        work.commit()
    left = queue.own(ana, reply)
    assert left is not None
    assert (left.details.passage, left.details.better_answer, left.answer) == ("", "", None)
    assert left.details.reasons == DETAILS.reasons and left.comment == "Last year's"
    with unit_of_work() as work:
        assert len(work.cases.find(CaseFilter(query=CaseQuery(tag="Wrong fact")), 5)) == 1
