from __future__ import annotations

import pytest

from core.search.records import MARK_END, MARK_START
from data.search.words import FILE_NAMES, MAX_TERMS, SNIPPET, Term, letters, relevance, snippet, spread, terms


def marked(text: str) -> str:
    return text.replace(MARK_START, "[").replace(MARK_END, "]")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("Two words", [Term("two", False), Term("words", False)]),
        ("机器学习", [Term("机器学习", True)]),
        ("GLM模型 v4", [Term("glm", False), Term("模型", True), Term("v4", False)]),
        ("ＧＬＭ", [Term("glm", False)]),
        ("don't open settings.py 3.5", [Term(each, False) for each in ("don't", "open", "settings.py", "3.5")]),
        ('"quoted" AND (x) -y* ^z', [Term(each, False) for each in ("quoted", "and", "x", "y", "z")]),
        ("same same", [Term("same", False)]),
        ("  _ — … * ", []),
    ],
)
def test_a_query_is_words_and_nothing_else(query: str, expected: list[Term]) -> None:
    assert terms(query) == expected


def test_a_query_has_a_bounded_number_of_words() -> None:
    assert len(terms(" ".join(f"word{n}" for n in range(1000)))) == MAX_TERMS


def test_runs_of_chinese_become_pairs() -> None:
    assert spread("用GLM做机器学习。").split() == ["用", "glm", "做机", "机器", "器学", "学习", "习", "。"]


def test_a_snippet_lies_around_the_first_word_found_and_shows_the_original_text() -> None:
    text = "start " + "filler " * 100 + "the Chinese word 机器学习 stands here " + "filler " * 100
    shown = snippet(text, terms("学习"))
    assert "word 机器[学习] stands" in marked(shown)
    assert (shown[0], shown[-1]) == ("…", "…")
    assert len(shown) < SNIPPET + 50


def test_a_snippet_marks_another_form_of_the_word_when_the_word_itself_is_not_there() -> None:
    assert marked(snippet("Running models", terms("model run"))) == "[Running] [models]"
    assert marked(snippet("one model, two models", terms("model"))) == "one [model], two models"


def test_a_snippet_has_the_names_of_files_where_the_text_before_them_lacks_the_words() -> None:
    text = f"What do the bonds cost?\n{FILE_NAMES}bond prices.csv\n报告.pdf"
    assert marked(snippet(text, terms("bonds prices"))) == "What do the [bonds] cost?"
    assert marked(snippet(text, terms("prices.csv"))) == "What do the bonds cost? bond [prices.csv] 报告.pdf"
    assert marked(snippet(text, terms("报告"))) == "What do the bonds cost? bond prices.csv [报告].pdf"
    assert marked(snippet(f"{FILE_NAMES}bond.csv", terms("bond"))) == "[bond].csv"


def test_a_snippet_is_one_line_without_foreign_marks() -> None:
    assert snippet("a\n\n  b \ufdd0c\ufdd1", []) == "a b c"


def test_a_short_text_is_shown_whole() -> None:
    assert marked(snippet("Bond prices fall", terms("bond"))) == "[Bond] prices fall"


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ("bond, bond and bond", "bond and much else"),
        ("a bond", "a bond and " + "much else " * 100),
        ("bonds, bonds", "bonds"),
        ("债券和债券", "债券和股票"),
    ],
)
def test_a_text_that_says_a_word_oftener_or_is_shorter_fits_better(better: str, worse: str) -> None:
    query = terms("债券" if "债" in better else "bond")
    assert relevance(better, query) > relevance(worse, query) > 0
    assert relevance("no such thing", query) == 0


def test_a_word_counts_in_its_other_forms() -> None:
    assert relevance("one model of many", terms("models")) > 0


def test_letters_are_the_different_characters_of_scripts_without_spaces() -> None:
    assert sorted(letters("机器学机 machine 한 カ １")) == sorted("机器学한カ")
    assert letters("only words") == []
