"""Normalize the text of documents."""

from __future__ import annotations

import re
import unicodedata

# Ligatures, and the radicals that PDFs often use in place of Chinese characters of the same shape; Unicode itself maps most of them. Other
# compatibility characters stay, because authors choose them.
_SHAPES = {code: unicodedata.normalize("NFKC", chr(code)) for code in [*range(0xFB00, 0xFB07), *range(0x2E80, 0x2FD6)]}
_RADICALS, _MEANT = "⺠⻁⻄⻅⻆⻉⻋⻓⻔⻘⻙⻚⻛⻜⻝⻢⻣⻤⻥⻦⻧⻨⻩⻬⻮⻰", "民虎西见角贝车长门青韦页风飞食马骨鬼鱼鸟卤麦黄齐齿龙"
_SHAPES |= dict(zip(map(ord, _RADICALS), _MEANT, strict=True))
_SPACES = {0xA0: " ", 0x202F: " ", 0x2007: " ", 0xAD: None, 0x200B: None, 0xFEFF: None, 0x0B: "\n", 0x0C: "\n", 0x85: "\n", 0x2028: "\n"}
_TRAILING = re.compile(r"[ \t]+$", re.MULTILINE)
_BLANK = re.compile(r"\n{3,}")


def normal(text: str) -> str:
    """Normalize text: composed characters, plain spaces and line ends, no control characters or lone surrogates, at most one blank line
    in a row.
    """
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n").translate(_SPACES).translate(_SHAPES))
    odd = {ord(each): None for each in set(text) if each not in "\n\t" and unicodedata.category(each) in ("Cc", "Cs")}
    return _BLANK.sub("\n\n", _TRAILING.sub("", text.translate(odd)))
