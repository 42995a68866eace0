"""Words for questions, choices and answers."""

from __future__ import annotations

from core.review.judging.records import Question, QuestionKind
from pages.shell.words import listed, t
from pages.widgets.common.formats import MISSING


def kind_word(kind: QuestionKind) -> str:
    return {
        QuestionKind.SINGLE: t("One choice"),
        QuestionKind.SEVERAL: t("Several choices"),
        QuestionKind.RATING: t("Rating"),
        QuestionKind.TEXT: t("Text"),
    }[kind]


def asked_word(text: str) -> str:
    """Return a name or description of a question in the reader's language if the portal wrote it, and else as it is."""
    return {
        "Cause": t("Cause"),
        "What is wrong with the answer, above all.": t("What is wrong with the answer, above all."),
        "Wrong fact": t("Wrong fact"),
        "Did not follow the question": t("Did not follow the question"),
        "Outdated source": t("Outdated source"),
        "Style": t("Style"),
        "Unsafe": t("Unsafe"),
        "Not the model's fault": t("Not the model's fault"),
        "Severity": t("Severity"),
        "1: hardly matters. 4: could cause damage.": t("1: hardly matters. 4: could cause damage."),
    }.get(text, text)


def answer_word(question: Question, answer: str) -> str:
    """Return an answer as its reader reads it."""
    if not answer:
        return MISSING
    if question.kind is QuestionKind.RATING:
        return t("{n} of {top}", n=answer, top=question.top)
    labels = {each.id: asked_word(each.label) for each in question.choices}
    if question.kind is QuestionKind.SEVERAL:
        return listed(labels.get(each, each) for each in answer.split(","))
    return labels.get(answer, answer)
