"""How lines are broken in a PDF, and which font writes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.plugins.hookspecs import PluginRefusal
from plugins.pdf_export import fonts
from plugins.pdf_export.lines import Run, Style, broken


def lines(*runs: Run, room: float = 10) -> list[str]:
    return ["".join(run.text for run in line) for line in broken(runs, room, lambda run: len(run.text))]


def test_lines_are_broken_between_words_and_between_chinese_characters() -> None:
    assert lines(Run("one two three four")) == ["one two ", "three four"]
    assert lines(Run("收入增长了百分之十二点五,很好")) == ["收入增长了百分之十二", "点五,很好"]
    assert lines(Run("GLM 模型回答问题的速度")) == ["GLM 模型回答问题", "的速度"]


def test_no_line_begins_with_a_closing_mark() -> None:
    assert lines(Run("一二三四五六七八九十。好")) == ["一二三四五六七八九十。", "好"]


def test_a_line_break_in_the_text_ends_the_line() -> None:
    assert lines(Run("one\n\ntwo")) == ["one", "", "two"]


def test_a_word_that_is_wider_than_a_line_is_cut() -> None:
    assert lines(Run("x" * 25)) == ["x" * 10, "x" * 10, "x" * 5]


def test_styles_stay_with_their_words() -> None:
    [line] = broken([Run("a "), Run("b", Style.BOLD), Run(" c")], 10, lambda run: len(run.text))
    assert line == [Run("a "), Run("b", Style.BOLD), Run(" c")]


def test_without_a_font_with_its_characters_the_chat_is_refused_in_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(fonts, "PLACES", (str(tmp_path / "none.ttf"),))
    with pytest.raises(PluginRefusal, match="PORTAL_PDF_FONT"):
        fonts.find_fonts("Hello")
    latin = next(Path(each) for each in ("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",))
    monkeypatch.setenv(fonts.SETTING, str(latin))
    if latin.is_file():
        assert fonts.find_fonts("Hello").text.path == latin
        with pytest.raises(PluginRefusal, match="fonts-noto-cjk"):
            fonts.find_fonts("你好")
