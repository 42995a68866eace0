from __future__ import annotations

from pages.widgets.models.swaps.word_differences import MAX_WORDS, marked


def test_what_only_one_text_has_is_marked() -> None:
    assert marked("A tax on sales.", "A duty on sales!") == (
        "A <mark>tax</mark> on sales<mark>.</mark>", "A <mark>duty</mark> on sales<mark>!</mark>"
    )  # fmt: skip
    assert marked("Same.", "Same.") == ("Same.", "Same.")


def test_chinese_is_compared_by_character() -> None:
    assert marked("增值税是税", "增值税是费") == ("增值税是<mark>税</mark>", "增值税是<mark>费</mark>")


def test_markup_of_an_answer_stays_text() -> None:
    assert marked("<b>1</b>", "<b>2</b>") == ("&lt;b&gt;<mark>1</mark>&lt;/b&gt;", "&lt;b&gt;<mark>2</mark>&lt;/b&gt;")


def test_answers_with_next_to_nothing_in_common_are_not_marked() -> None:
    assert marked("Paris.", "I am here to help you with many other things.") == ("Paris.", "I am here to help you with many other things.")


def test_very_long_answers_are_shown_without_marks() -> None:
    old = "a " * MAX_WORDS
    assert marked(old, "b") == (old, "b")
