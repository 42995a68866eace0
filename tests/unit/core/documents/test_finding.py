"""Twenty questions about a small company's documents, in English and Chinese, whose passages are known."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.documents.finding import Finder
from core.people.records import User
from samples.company_documents import DOCUMENTS, QUESTIONS
from tests.unit.core.documents.conftest import Library


@pytest.fixture
def collection_id(library: Library, ana: User) -> str:
    made = library.collections.add(ana, "Company")
    for path in DOCUMENTS:
        library.documents.add(ana, made.id, path.name, path.read_bytes())
    library.read()
    return made.id


def test_words_alone_find_the_passage_of_each_question_and_nothing_for_others(library: Library, ana: User, collection_id: str) -> None:
    asked = json.loads(Path(QUESTIONS).read_text("utf-8"))
    finder: Finder = library.finder
    missed = [
        question
        for question, words in asked["answered"]
        if not any(words in each.text for each in finder.find(ana, [collection_id], question).passages[:3])
    ]
    assert missed == ["Which courts decide disputes?"], "its passage shares one word of three"
    assert [question for question in asked["unanswered"] if finder.find(ana, [collection_id], question).passages] == []


def test_a_passage_says_where_it_is(library: Library, ana: User, collection_id: str) -> None:
    found = library.finder.find(ana, [collection_id], "How long is the warranty on a replaced valve?").passages[0]
    assert (found.document, found.heading) == ("Supplier contract 2024-118.md", "Supplier contract 2024-118 › 7 Warranty")
    assert found.score == 1.0 and found.first_line < found.last_line
