"""Characters that people and programs type and paste."""

from __future__ import annotations

import time

import pytest

from core.characters import cut, is_blank, may_stand_on_a_line, one_line, without_controls

FAMILY, FLAG, NEWER = "👨\u200d👩\u200d👧", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "\U0001fae8\U0001f6dc"
PERSIAN = "می\u200cخواهم"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("季度\u3000报告", "季度 报告"),
        ("12\u00a0000\u202f€", "12 000 €"),
        ("Screenshot 2026-11-29 at 9.41.00\u202fAM.png", "Screenshot 2026-11-29 at 9.41.00 AM.png"),
        (f"Trip {FAMILY}", f"Trip {FAMILY}"),
        ("❤️\u200d🔥", "❤️\u200d🔥"),
        (FLAG, FLAG),
        (NEWER, NEWER),
        (PERSIAN, PERSIAN),
        ("\ue000 logo", "\ue000 logo"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("Ad\u200dmin\u200c", "Admin"),
        ("\u202a+49 30\u202c", "+49 30"),
        ("hidden\U000e0041\U000e0042 words", "hidden words"),
        ("\u200b \ufeff", ""),
        ("a\x00b\tc\nd\u2028e", "a b c d e"),
        ("x\ufdd0y\uffff", "x y"),
    ],
)
def test_a_line_keeps_what_people_see(written: str, kept: str) -> None:
    assert one_line(written) == kept
    assert one_line(kept) == kept


@pytest.mark.parametrize("text", ["a\u3000b", "a\u00a0b\u202fc", FAMILY, FLAG, NEWER, PERSIAN, "\u202a+49\u202c", "\u200b", "汉字", ""])
def test_what_machines_and_keyboards_write_may_be_sent_as_a_line(text: str) -> None:
    assert may_stand_on_a_line(text)


@pytest.mark.parametrize("text", ["a\x00", "\x1b[31m", "a\nb", "a\tb", "a\u2028b", "\ud800", "\ufdd0", "\U0001ffff", "\x85"])
def test_control_characters_halves_and_noncharacters_may_not(text: str) -> None:
    assert not may_stand_on_a_line(text)


def test_a_cut_leaves_no_joiner_behind() -> None:
    assert cut(FAMILY, 2) == "👨"
    assert cut("abc", 3) == "abc"


@pytest.mark.parametrize("text", ["", " \n", "\u200b", "\ufeff\u2060", "\u3164", "\u00ad\ufe0f", "\u200d\U000e0041", "\u2800"])
def test_what_nobody_can_see_is_blank(text: str) -> None:
    assert is_blank(text)
    assert not is_blank(text + "1")


@pytest.mark.parametrize(
    ("pasted", "kept"),
    [
        ("\x1b[31mERROR\x1b[0m failed", "ERROR failed"),
        ("\x1b[1;38;5;208mwarn\x1b[m\x1b[K", "warn"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]0;title\x07$ ls", "$ ls"),
        ("\x1b(B\x1b7text\x1b8\x1b=", "text"),
        ("\x9b1mbold", "bold"),
        ("N\bNA\bAM\bME\bE", "NAME"),
        ("_\bu_\bn", "un"),
        ("passx\b\bs ok\b\b\b", "pass"),
        ("\b\bstart\n\bnext", "start\nnext"),
        ("end\x1a", "end"),
        ("one\x0btwo\x85three", "one\ntwo\nthree"),
        ("8=FIX.4.2\x0135=D\x01", "8=FIX.4.2 35=D "),
        ("bell\x07 \x0eline\x0f \x7f", "bell line "),
        ("tab\tform\ffeed\r\n", "tab\tform\ffeed\r\n"),
        ("\x1b", ""),
        ("\x1b[never ended\n\x1b]nor this", "ever ended\n]nor this"),
        ("naïve 汉字 👩\u200d💻", "naïve 汉字 👩\u200d💻"),
    ],
)
def test_a_log_is_read_as_a_terminal_shows_it(pasted: str, kept: str) -> None:
    assert without_controls(pasted) == kept


@pytest.mark.parametrize("piece", ["\x1b]", "\x1b[", "\x1b[0", "\x1bP", "\x1b ", "\b", "a\b", "\x1b]\x1b"])
def test_hostile_escapes_take_no_longer_than_their_length(piece: str) -> None:
    began = time.thread_time()
    without_controls(piece * 300_000)
    assert time.thread_time() - began < 3.0
