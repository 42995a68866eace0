from __future__ import annotations

import pytest

from core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.notices.records import NoticeKind
from core.people.accounts import Accounts
from core.people.records import Role
from core.review.cases.proposals import Proposal, hit_rate
from core.review.cases.records import CaseEventKind, CaseState
from core.review.progress.records import Fixes
from core.review.progress.service import ReviewProgress
from tests.unit.core.review.cases.test_cases import Desk
from tests.unit.core.review.cases.test_cases import desk as desk
from tests.unit.core.review.test_feedback import index as index


def test_cases_with_the_same_question_are_closed_alike_and_their_raters_are_told(desk: Desk, accounts: Accounts) -> None:
    first, second, good, other = desk.rated(question="What is LIBOR?"), desk.rated(question="what is  LIBOR"), None, desk.rated()
    good = desk.rated(1, question="What is LIBOR?")
    with pytest.raises(Conflict, match="Close this case first"):
        desk.work.close_alike(desk.sara, first.number)
    desk.change(first, state=CaseState.FIXED, fix="Rates v4", fix_model="rates", reply="The rates are new.")
    before = len(desk.notices())
    result = desk.work.close_alike(desk.sara, first.number)
    assert (result.changed, result.left) == ((second.number,), {})
    closed = desk.queue.get(desk.sara, second.number)
    assert (closed.state, closed.fix, closed.fix_model, closed.reply) == (CaseState.FIXED, "Rates v4", "rates", "The rates are new.")
    assert desk.notices()[0] is NoticeKind.FEEDBACK_RESOLVED and len(desk.notices()) == before + 1
    assert {desk.queue.get(desk.sara, each.number).state for each in (good, other)} == {CaseState.NEW}
    with pytest.raises(NotAllowed):
        desk.work.close_alike(desk.ana, first.number)


def test_a_case_that_another_reviewer_works_on_is_left(desk: Desk, accounts: Accounts) -> None:
    jonas = accounts.add(None, "jonas", Role.REVIEWER, password="correct horse battery")
    first, second = desk.rated(question="What is LIBOR?"), desk.rated(question="What is LIBOR?")
    desk.work.start(jonas, second.number)
    desk.change(first, state=CaseState.NOT_CHANGED)
    result = desk.work.close_alike(desk.sara, first.number)
    assert result.changed == () and "jonas is working on this case" in str(result.left[second.number])


def test_a_rater_says_whether_the_fix_helped_and_opens_the_case_again_if_not(desk: Desk, accounts: Accounts) -> None:
    case, other = desk.rated(), desk.rated()
    with pytest.raises(Conflict, match="not led to a fix"):
        desk.own.judge_fix(desk.ana, case.feedback.message_id, satisfied=True)
    fixed = desk.change(case, state=CaseState.FIXED, fix="Rates v4")
    desk.change(other, state=CaseState.FIXED)
    desk.own.note_asked(desk.ana, case.feedback.message_id, "c1")
    with pytest.raises(NotFound, match="does not exist"):
        desk.own.judge_fix(desk.sara, case.feedback.message_id, satisfied=False)
    assert desk.own.judge_fix(desk.ana, other.feedback.message_id, satisfied=True).state is CaseState.FIXED
    own = desk.own.judge_fix(desk.ana, case.feedback.message_id, satisfied=False)
    assert (own.state, own.satisfied, own.again_id) == (CaseState.NEW, False, "c1")
    again = desk.queue.get(desk.sara, case.number)
    assert (again.state, again.closed_at, again.version) == (CaseState.NEW, None, fixed.version + 1)
    history = desk.queue.history(desk.sara, case.number)
    assert [(each.kind, each.actor_id) for each in history[-2:]] == [(CaseEventKind.SATISFIED, None), (CaseEventKind.STATE, None)]
    report = ReviewProgress(desk.unit_of_work, desk.clock).report(desk.sara)
    assert report.fixes == Fixes(fixed=2, asked_again=1, satisfied=1, not_satisfied=1)
    desk.change(again, state=CaseState.FIXED)
    tried = desk.own.get(desk.ana, case.feedback.message_id)
    assert (tried.satisfied, tried.again_id) == (None, None), "the rater has not tried the new fix"


def test_a_case_is_proposed_the_outcome_of_the_newest_like_case_with_its_hit_rate(desk: Desk) -> None:
    first, second, third = (desk.rated(question="What is LIBOR?") for _ in range(3))
    assert desk.queue.open(desk.sara, third.number).proposal is None
    desk.change(first, state=CaseState.NOT_CHANGED)
    desk.clock.forward(seconds=1)
    desk.change(second, state=CaseState.FIXED, fix="Rates v4", fix_model="r")
    found = desk.queue.open(desk.sara, third.number).proposal
    assert found == Proposal(state=CaseState.FIXED, fix="Rates v4", fix_model="r", fix_prompt="", number=second.number, hits=0, total=1)
    praise = desk.rated(1, question="What is LIBOR?")
    assert desk.queue.open(desk.sara, praise.number).proposal is None, "poor ratings say nothing of good ones"
    assert desk.queue.open(desk.sara, second.number).proposal is None, "it is closed"


def test_the_hit_rate_counts_cases_that_ended_as_the_one_before() -> None:
    fixed, kept = CaseState.FIXED, CaseState.KEPT
    assert hit_rate([("a", fixed), ("b", kept), ("a", fixed), ("a", kept), ("b", kept)]) == (2, 3)
    assert hit_rate([]) == (0, 0)


def test_the_name_of_a_model_is_bounded(desk: Desk) -> None:
    with pytest.raises(InvalidInput, match="at most 300 characters"):
        desk.change(desk.rated(), fix_model="x" * 301)
