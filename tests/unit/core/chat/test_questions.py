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


@pytest.mark.parametrize("text", ["\u200b", "\ufeff\u2060 ", "\x00", "\x1b[0m"])
def test_a_question_that_nobody_could_see_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="empty"):
        check_question(text, 100)
    assert check_question(text, 100, files=True) == ""


@pytest.mark.parametrize(("text", "kept"), [("a\x00b", "ab"), ("\x1b[31mred", "red"), ("a\x7f", "a"), ("on\x0boff\x1a", "on\noff")])
def test_control_characters_are_dropped(text: str, kept: str) -> None:
    assert check_question(text, 100) == kept


def test_half_a_character_is_refused() -> None:
    with pytest.raises(InvalidInput, match="half a character"):
        check_question("a\ud800", 100)


def test_line_ends_become_plain_and_tabs_stay() -> None:
    assert check_question(" a\r\nb\rc\td \n", 100) == "a\nb\nc\td"


def test_scripts_and_emoji_pass_unchanged() -> None:
    text = "季度经营分析 👩‍💻 naïve العربية"
    assert check_question(text, 100) == text


@pytest.mark.parametrize("request_id", ["", "a" * 101, "a b", "a\n", "é"])
def test_an_unusable_request_id_is_refused(request_id: str) -> None:
    with pytest.raises(InvalidInput):
        check_request_id(request_id)
