"""Answers are filtered line by line."""

from __future__ import annotations

from core.plugins.message_filters import MAX_LINE_LENGTH, MessageFilters


def test_a_line_is_held_back_until_it_ends() -> None:
    seen: list[str] = []

    def shout(texts: object) -> list[str]:
        assert isinstance(texts, list)
        seen.extend(texts)
        return [each.upper() for each in texts]

    mask = MessageFilters([], [shout]).of_answer()
    assert [mask.feed(each) for each in ("one ", "line\nand", " more\n\nre", "st")] == ["", "ONE LINE\n", "AND MORE\n\n", ""]
    assert mask.finish() == "REST" and mask.finish() == ""
    assert seen == ["one line\n", "and more\n\n", "rest"]


def test_a_very_long_line_is_let_through_in_pieces() -> None:
    mask = MessageFilters([], [lambda texts: texts]).of_answer()
    assert mask.feed("x" * MAX_LINE_LENGTH) == ""
    assert mask.feed("y") == "x" * MAX_LINE_LENGTH + "y"
