"""Check the questions that an admin saves, and the answers that a reviewer gives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from uuid import uuid4

from core.characters import cut, one_line, without_controls
from core.errors import Conflict, InvalidInput
from core.review.judging.records import Answers, Choice, Question, QuestionKind

MAX_QUESTIONS = 12
MAX_CHOICES = 12
MAX_LABEL = 120
MAX_CHOICE_LABEL = 60
MAX_DESCRIPTION = 500
MAX_ANSWER_LENGTH = 4000
TOPS = range(2, 11)
"""What the highest number of a rating may be."""


def checked_questions(given: Sequence[Question], known: Mapping[str, Question]) -> tuple[Question, ...]:
    """Return the questions as they are stored, new ones with ids. known: every question of all versions, its newest form by id.

    Raises InvalidInput, and Conflict for a known question that would change its kind or its scale.
    """
    if not 0 < len(given) <= MAX_QUESTIONS:
        raise InvalidInput("Ask between 1 and {limit} questions.", limit=MAX_QUESTIONS)
    questions = tuple(_question(each, known) for each in given)
    if _has_doubles(each.label for each in questions) or _has_doubles(each.id for each in questions):
        raise InvalidInput("Each question needs a name of its own.")
    return questions


def _question(given: Question, known: Mapping[str, Question]) -> Question:
    label = _line(given.label, MAX_LABEL, "A question can have at most {limit} characters.")
    if not label:
        raise InvalidInput("A question needs a name.")
    before = known.get(given.id)
    if given.id and before is None:
        raise InvalidInput("Leave the id of a new question empty. The portal chooses it.")
    if before and (before.kind, before.top) != (given.kind, given.top):
        raise Conflict("{name} may have been answered, so its kind and scale stay. Remove it, and add a new question.", name=before.label)
    if (given.kind is QuestionKind.RATING) != (given.top in TOPS) or (given.top and given.kind is not QuestionKind.RATING):
        raise InvalidInput("A rating goes from 1 to a number between {least} and {most}.", least=TOPS[0], most=TOPS[-1])
    return replace(
        given, id=given.id or uuid4().hex, label=label, choices=_choices(given, before),
        description=_line(given.description, MAX_DESCRIPTION, "A description can have at most {limit} characters."),
    )  # fmt: skip


def _choices(given: Question, before: Question | None) -> tuple[Choice, ...]:
    """Return the choices. A choice with the label of a known one is that one; any other label is a new choice."""
    if given.kind not in (QuestionKind.SINGLE, QuestionKind.SEVERAL):
        if given.choices:
            raise InvalidInput("Only questions with choices can have choices.")
        return ()
    if not 2 <= len(given.choices) <= MAX_CHOICES:
        raise InvalidInput("Give between 2 and {limit} choices.", limit=MAX_CHOICES)
    ids = {each.label.casefold(): each.id for each in (before.choices if before else ())}
    labels = [_line(each.label, MAX_CHOICE_LABEL, "A choice can have at most {limit} characters.") for each in given.choices]
    if not all(labels) or _has_doubles(labels):
        raise InvalidInput("Each choice needs a name of its own.")
    return tuple(Choice(ids.get(label.casefold()) or uuid4().hex, label) for label in labels)


def checked_answers(questions: Iterable[Question], given: Mapping[str, str | int | Sequence[str]]) -> Answers:
    """Return the answers as they are stored, without empty ones. Raises InvalidInput."""
    asked = {each.id: each for each in questions}
    if unknown := sorted(given.keys() - asked.keys()):
        raise InvalidInput("There is no question {name}. The questions may have changed; look at the case again.", name=unknown[0])
    answers = {id: answer for id, question in asked.items() if (answer := _answer(question, given.get(id)))}
    for question in asked.values():
        if question.required and question.id not in answers:
            raise InvalidInput("Answer this question first: {name}", name=question.label)
    return answers


def _answer(question: Question, given: str | int | Sequence[str] | None) -> str:
    if given is None or given in ("", []):
        return ""
    if question.kind is QuestionKind.TEXT and isinstance(given, str):
        if len(given) > MAX_ANSWER_LENGTH:
            raise InvalidInput("An answer can have at most {limit} characters.", limit=MAX_ANSWER_LENGTH)
        return without_controls(given).strip()
    known = [each.id for each in question.choices]
    if question.kind is QuestionKind.SINGLE and given in known:
        return str(given)
    if question.kind is QuestionKind.SEVERAL and isinstance(given, list | tuple) and set(given) <= set(known):
        return ",".join(each for each in known if each in given)
    if question.kind is QuestionKind.RATING and type(given) is int and 1 <= given <= question.top:
        return str(given)
    raise InvalidInput("This is no answer to the question: {name}", name=question.label)


def _line(text: str, limit: int, too_long: str) -> str:
    if len(text) > limit:
        raise InvalidInput(too_long, limit=limit)
    return cut(one_line(text), limit).strip()


def _has_doubles(names: Iterable[str]) -> bool:
    found = [each.casefold() for each in names]
    return len(set(found)) < len(found)
