from __future__ import annotations

import pytest

from core.chat.questions import check_question, check_request_id
from core.errors import InvalidInput


@pytest.mark.parametrize("text", ["", "   ", "\n\t\r\n"])
def test_an_empty_question_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="empty"):
        check_question(text, 100)


def test_a_question_over_the_limit_is_refused_with_both_numbers() -> None:
    with pytest.raises(InvalidInput, match=r"100,000 characters; the limit is 32,000"):
        check_question("x" * 100_000, 32_000)


@pytest.mark.parametrize(("text", "code"), [("a\x00b", "U+0000"), ("\x1b[31mred", "U+001B"), ("a\x7f", "U+007F"), ("a\ud800", "U+D800")])
def test_a_control_character_is_refused_and_named(text: str, code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_question(text, 100)
    assert code in str(caught.value)


def test_line_ends_become_plain_and_tabs_stay() -> None:
    assert check_question(" a\r\nb\rc\td \n", 100) == "a\nb\nc\td"


def test_scripts_and_emoji_pass_unchanged() -> None:
    text = "季度经营分析 👩‍💻 naïve العربية"
    assert check_question(text, 100) == text


@pytest.mark.parametrize("request_id", ["", "a" * 101, "a b", "a\n", "é"])
def test_an_unusable_request_id_is_refused(request_id: str) -> None:
    with pytest.raises(InvalidInput):
        check_request_id(request_id)
