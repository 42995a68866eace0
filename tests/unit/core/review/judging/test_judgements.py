from __future__ import annotations

from dataclasses import replace

import pytest

from core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.people.accounts import Accounts
from core.people.audit_records import AuditFilter
from core.people.records import Role, User
from core.review.cases.records import CaseEventKind, CaseQuery, Judging
from core.review.judging.defaults import DEFAULT
from core.review.judging.guidelines import ReviewGuidelines
from core.review.judging.judgements import ReviewJudgements, sampled
from core.review.judging.questions import ReviewQuestions
from core.review.judging.records import Choice, Question, QuestionKind, Seat
from tests.unit.core.review.cases.test_cases import Desk
from tests.unit.core.review.cases.test_cases import desk as desk
from tests.unit.core.review.test_feedback import answered
from tests.unit.core.review.test_feedback import index as index

FACT = {"cause": "wrong_fact", "severity": 3}
STYLE = {"cause": "style", "severity": 3}


@pytest.fixture
def jonas(accounts: Accounts) -> User:
    return accounts.add(None, "jonas", Role.REVIEWER, password="correct horse battery")


@pytest.fixture
def judgements(desk: Desk) -> ReviewJudgements:
    return ReviewJudgements(desk.unit_of_work, desk.clock, second_percent=0)


@pytest.fixture
def questions(desk: Desk) -> ReviewQuestions:
    return ReviewQuestions(desk.unit_of_work, desk.clock)


def state(desk: Desk, number: int) -> Judging:
    return desk.queue.get(desk.sara, number).judging


def test_a_judgement_keeps_the_versions_it_was_made_under_and_may_be_changed(
    desk: Desk, judgements: ReviewJudgements, questions: ReviewQuestions
) -> None:
    number = desk.rated().number
    ReviewGuidelines(desk.unit_of_work, desk.clock).save(desk.admin, "Look twice", 0)
    judged = judgements.judge(desk.sara, number, FACT)
    assert judged.own is not None and judged.own.answers == {"cause": "wrong_fact", "severity": "3"} == judged.result
    assert (judged.own.questions_version, judged.own.guidelines_version) == (0, 1)
    questions.save(desk.admin, DEFAULT.questions[:1], 0)
    again = judgements.judge(desk.sara, number, STYLE)
    assert again.own is not None and (again.own.id, again.own.answers["cause"]) == (judged.own.id, "style")
    assert again.questions == DEFAULT, "a case keeps the questions of its first judgement"
    assert state(desk, number) is Judging.DONE
    assert [case.number for case in desk.cases(CaseQuery(judging=Judging.DONE))] == [number]
    kinds = [(each.kind, each.before, each.after) for each in desk.queue.history(desk.sara, number)]
    assert kinds[1:] == [(CaseEventKind.JUDGED, "", "")] * 2, "the history shows no answers"
    with desk.unit_of_work() as work:
        actions = [each.event.action for each in work.audit.find(AuditFilter(), 10)]
    assert actions.count("case.judge") == 2


def test_the_second_reviewer_judges_blind_and_a_third_decides_what_differs(desk: Desk, judgements: ReviewJudgements, jonas: User) -> None:
    number = desk.rated().number
    judgements.ask_second(desk.admin, number, asked=True)
    judgements.judge(desk.sara, number, FACT)
    for other in (jonas, desk.admin):
        blind = judgements.of_case(other, number)
        assert (blind.shown, blind.hidden, blind.result, blind.seat) == ((), True, {}, Seat.SECOND)
    assert judgements.of_case(desk.sara, number).shown[0].answers["cause"] == "wrong_fact"
    assert state(desk, number) is Judging.SECOND

    judged = judgements.judge(jonas, number, STYLE)
    assert [(each.question.id, each.first, each.second, each.agree) for each in judged.compared] == [
        ("cause", "wrong_fact", "style", False), ("severity", "3", "3", True),
    ]  # fmt: skip
    assert (judged.result, len(judged.shown), judged.seat, state(desk, number)) == ({}, 2, None, Judging.DECISION)
    for author in (desk.sara, jonas):
        with pytest.raises(Conflict, match="third person decides"):
            judgements.decide(author, number, {"cause": "style"})
        with pytest.raises(Conflict, match="Two reviewers have judged"):
            judgements.judge(author, number, FACT)
    with pytest.raises(InvalidInput, match="Answer this question first: Cause"):
        judgements.decide(desk.admin, number, {})
    with pytest.raises(InvalidInput, match="no question severity"):
        judgements.decide(desk.admin, number, {"cause": "style", "severity": 1})
    decided = judgements.decide(desk.admin, number, {"cause": "unsafe"})
    assert decided.result == {"cause": "unsafe", "severity": "3"} and state(desk, number) is Judging.DONE
    with pytest.raises(Conflict, match="nothing to decide"):
        judgements.decide(desk.admin, number, {"cause": "style"})


def test_reviewers_who_agree_need_no_decision(desk: Desk, judgements: ReviewJudgements, jonas: User) -> None:
    number = desk.rated().number
    judgements.ask_second(desk.sara, number, asked=True)
    judgements.judge(desk.sara, number, FACT)
    assert judgements.judge(jonas, number, FACT).result == {"cause": "wrong_fact", "severity": "3"}
    assert state(desk, number) is Judging.DONE
    with pytest.raises(Conflict, match="nothing to decide"):
        judgements.decide(desk.admin, number, STYLE)
    with pytest.raises(Conflict, match="Two reviewers"):
        judgements.ask_second(desk.sara, number, asked=False)


def test_nobody_gives_both_judgements_or_a_second_that_was_not_asked_for(desk: Desk, judgements: ReviewJudgements, jonas: User) -> None:
    number = desk.rated().number
    judgements.judge(desk.sara, number, FACT)
    with pytest.raises(Conflict, match="Ask for a second judgement"):
        judgements.judge(jonas, number, STYLE)
    judgements.ask_second(jonas, number, asked=True)
    assert judgements.judge(desk.sara, number, STYLE).own.seat is Seat.FIRST  # type: ignore[union-attr]
    with pytest.raises(Conflict, match="Only sara can take this back"):
        judgements.ask_second(jonas, number, asked=False)
    assert judgements.ask_second(desk.sara, number, asked=False).second is False
    assert judgements.of_case(jonas, number).shown[0].answers["cause"] == "style"


def test_a_share_of_the_cases_gets_a_second_judgement(desk: Desk, jonas: User) -> None:
    always = ReviewJudgements(desk.unit_of_work, desk.clock, second_percent=100)
    number = desk.rated().number
    assert always.judge(desk.sara, number, FACT).second and state(desk, number) is Judging.SECOND
    chosen = sum(sampled(f"case {n}", 10) for n in range(1000))
    assert 60 < chosen < 140 and all(sampled(f"case {n}", 20) for n in range(1000) if sampled(f"case {n}", 10))


def test_nobody_judges_or_decides_the_case_of_their_own_rating(desk: Desk, judgements: ReviewJudgements, jonas: User) -> None:
    answer = answered(desk.unit_of_work, desk.conversations, desk.sara, "own", "A question of Sara", "5")
    desk.feedback.rate(desk.sara, answer, -1, "")
    number = desk.cases()[0].number
    judged = judgements.of_case(desk.sara, number)
    assert judged.own_rating and judged.seat is None
    judgements.ask_second(desk.sara, number, asked=True)
    for give in (judgements.judge, judgements.decide):
        with pytest.raises(Conflict, match="You gave this rating"):
            give(desk.sara, number, FACT)
    judgements.judge(jonas, number, FACT)
    with pytest.raises(Conflict, match="You gave this rating"):
        judgements.judge(desk.sara, number, STYLE)
    judgements.judge(desk.admin, number, STYLE)
    assert state(desk, number) is Judging.DECISION and judgements.of_case(desk.sara, number).seat is None


def test_only_reviewers_judge_and_nobody_while_another_works_on_the_case(
    desk: Desk, judgements: ReviewJudgements, questions: ReviewQuestions, jonas: User
) -> None:
    number = desk.rated().number
    for call in (lambda: judgements.judge(desk.ana, number, FACT), lambda: judgements.of_case(desk.ana, number),
                 lambda: judgements.decide(desk.ana, number, FACT), lambda: judgements.ask_second(desk.ana, number, asked=True),
                 lambda: questions.current(desk.ana), lambda: questions.save(desk.sara, DEFAULT.questions[:1], 0)):  # fmt: skip
        with pytest.raises(NotAllowed):
            call()
    desk.work.start(jonas, number)
    with pytest.raises(Conflict, match="jonas is working"):
        judgements.judge(desk.sara, number, FACT)
    with pytest.raises(NotFound):
        judgements.of_case(desk.sara, 99)


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ({}, "Answer this question first: Cause"),
        ({"cause": "nonsense", "severity": 1}, "no answer to the question: Cause"),
        ({"cause": ["style"], "severity": 1}, "no answer to the question: Cause"),
        ({"cause": "style", "severity": 5}, "no answer to the question: Severity"),
        ({"cause": "style", "severity": True}, "no answer to the question: Severity"),
        ({"cause": "style", "severity": 1, "mood": "x"}, "no question mood"),
    ],
)
def test_answers_that_do_not_fit_are_refused(desk: Desk, judgements: ReviewJudgements, answers: dict[str, object], why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        judgements.judge(desk.sara, desk.rated().number, answers)  # type: ignore[arg-type]


def test_answered_questions_keep_their_kind_and_a_new_label_is_a_new_choice(
    desk: Desk, judgements: ReviewJudgements, questions: ReviewQuestions
) -> None:
    cause, severity = DEFAULT.questions
    parts = Question(label="Parts", kind=QuestionKind.SEVERAL, choices=(Choice("", "Start"), Choice("", "End")))
    why = Question(label="Why", kind=QuestionKind.TEXT)
    reworded = replace(cause, choices=(Choice("", "style"), Choice("", "Wrong currency")))
    saved = questions.save(desk.admin, (reworded, parts, why), 0)
    assert saved.version == 1 and questions.current(desk.sara) == saved
    assert saved.questions[0].choices[0].id == "style" and saved.questions[0].choices[1].id not in {each.id for each in cause.choices}
    assert questions.save(desk.admin, saved.questions, 1) == saved, "nothing changed, so there is no new version"
    start, end = (each.id for each in saved.questions[1].choices)
    given = {"cause": "style", saved.questions[1].id: [end, start], saved.questions[2].id: " It is late. "}
    judged = judgements.judge(desk.sara, desk.rated().number, given)
    assert judged.result == {"cause": "style", saved.questions[1].id: f"{start},{end}", saved.questions[2].id: "It is late."}
    with pytest.raises(Conflict, match="kind and scale stay"):
        questions.save(desk.admin, (replace(severity, top=5),), 1)
    with pytest.raises(Conflict, match="Another person has changed this"):
        questions.save(desk.admin, (cause,), 0)
    assert [each.version for each in questions.versions(desk.sara)] == [1] and questions.version(desk.sara, 0) == DEFAULT


@pytest.mark.parametrize(
    ("question", "why"),
    [
        (Question(label=" ", kind=QuestionKind.TEXT), "needs a name"),
        (Question(label="One", kind=QuestionKind.SINGLE, choices=(Choice("", "Only"),)), "between 2 and 12 choices"),
        (Question(label="Two", kind=QuestionKind.SINGLE, choices=(Choice("", "A"), Choice("", "a"))), "name of its own"),
        (Question(label="Scale", kind=QuestionKind.RATING, top=1), "from 1 to a number"),
        (Question(label="Scale", kind=QuestionKind.TEXT, top=4), "from 1 to a number"),
        (Question(label="Text", kind=QuestionKind.TEXT, choices=(Choice("", "A"), Choice("", "B"))), "Only questions with choices"),
        (Question(id="mine", label="Own id", kind=QuestionKind.TEXT), "Leave the id"),
    ],
)
def test_questions_that_cannot_be_asked_are_refused(desk: Desk, questions: ReviewQuestions, question: Question, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        questions.save(desk.admin, (question,), 0)
