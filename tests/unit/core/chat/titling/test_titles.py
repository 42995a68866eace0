"""Titles of conversations."""

from __future__ import annotations

import pytest

from core.chat.titling.titles import TITLE_CHARS, better_title, title_of


def test_a_title_is_the_first_line_cut_at_a_word() -> None:
    assert title_of("Quarterly figures\nmore") == "Quarterly figures"
    long = title_of("word " * 40)
    assert long.endswith("word…") and len(long) <= TITLE_CHARS
    assert len(title_of("长" * 200)) == TITLE_CHARS
    assert title_of("word, " * 40).endswith("word…")


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("Hello,\nCan you please explain netting to me?", "Explain netting to me?"),
        ("Hi! Could you compare both funds", "Compare both funds"),
        ("please", "please"),
        ("Hello there", "Hello there"),
        ("Hi tech funds in Asia", "Hi tech funds in Asia"),
        ("你好，请帮我写一封邮件", "写一封邮件"),
        ("Pleased customers by region", "Pleased customers by region"),
        ("canyon", "canyon"),
    ],
)
def test_a_title_leaves_greetings_and_politeness_out(question: str, title: str) -> None:
    assert title_of(question) == title


@pytest.mark.parametrize(
    ("question", "answer", "title"),
    [
        ("Summarize this", "# Supplier contract, clause 7\n\nThe notice period grows.", "Supplier contract, clause 7"),
        ("Continue", "The **notice period** grows to 90 days. It was 30.", "The notice period grows to 90 days"),
        ("总结一下这个", "供应商合同第七条的变化。其他不变。", "供应商合同第七条的变化"),
        ("A loan of 5", "The **loan** grows. Yes.", "A loan of 5"),
        ("Why?", "```python\nprint(1)\n```", "Why?"),
        ("Compare fixed and floating rates", "# Rates\n\nFixed ones stay.", "Compare fixed and floating rates"),
    ],
)
def test_a_question_that_says_little_is_named_after_its_answer(question: str, answer: str, title: str) -> None:
    assert better_title(title_of(question), question, answer, []) == title


def test_of_two_equal_questions_the_second_is_named_after_its_answer() -> None:
    question, answer = "Draft a reply to the supplier", "Dear Ms Chen, we can deliver by Thursday."
    title = title_of(question)
    assert better_title(title, question, answer, ["Other"]) == title
    assert better_title(title, question, answer, [title.upper()]) == "Dear Ms Chen, we can deliver by Thursday"
    assert better_title(title, question, answer, [title, "dear ms chen, we can deliver by thursday"]) == title
