"""Decode text files, whose encoding nobody wrote down: Unicode where it can be, else what their bytes look like."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from core.knowledge.ports import EncodingDetector

ENCODINGS: dict[str, tuple[str, ...]] = {
    "UTF-8": ("utf-8-sig",),
    "UTF-16": ("utf-16",),
    "GB18030": ("gb18030",),
    "Big5": ("cp950", "big5hkscs"),
    "EUC-KR": ("cp949",),
    "Shift_JIS": ("cp932", "shift_jis_2004"),
    "EUC-JP": ("euc_jp", "euc_jis_2004"),
    "Windows-1250": ("cp1250",),
    "Windows-1251": ("cp1251",),
    "Windows-1252": ("cp1252",),
    "Windows-1253": ("cp1253",),
    "Windows-1254": ("cp1254",),
    "Windows-1255": ("cp1255",),
    "Windows-1256": ("cp1256",),
    "Windows-874": ("cp874",),
    "KOI8-R": ("koi8_r",),
}
"""Names that people know, and the codecs that are tried for each. GB18030 holds GBK and GB2312, Windows-1252 holds Latin-1."""
UTF_8, UTF_16, WESTERN, CHINESE = "UTF-8", "UTF-16", "Windows-1252", "GB18030"
_MARKS = ((codecs.BOM_UTF8, UTF_8), (codecs.BOM_UTF16_LE, UTF_16), (codecs.BOM_UTF16_BE, UTF_16))
_BAD = "\ufffd"
_BAD_SHARE = 20
"""One bad character, and one more for so many good ones, make a file nearly valid."""
_FEW = 8
"""Different high bytes, in runs, that say nothing about the language; they are taken for Chinese where they may be."""
_HIGH = re.compile(rb"[\x80-\xff]+")
_PAIR = re.compile(rb"[\x81-\xfe][\x40-\xfe]")
_COMMON_PAIR = re.compile(rb"[\xa1-\xf7][\xa1-\xfe]")
_WESTERN = re.compile(r"[ÀÁÂÃÄÅÆÇÈÉÊËÍÎÏÑÒÓÔÕÖØÙÚÛÜßàáâãäåæçèéêëìíîïñòóôõöøùúûüœŒŸ¡¿«»„“”‘’‚–—…€£§°·•©®™¢ªº\xa0]+")
_TOGETHER = re.compile(r"[À-ÿ][À-Þ]|[À-ÿ]{3}")
_LETTER, _HIGH_LETTER = re.compile(r"[A-Za-z]"), re.compile(r"[À-ÿœŒŸ]")


@dataclass(frozen=True, slots=True)
class Decoded:
    text: str
    encoding: str
    """A key of ENCODINGS."""


def decoded(content: bytes, detector: EncodingDetector | None = None) -> Decoded | None:
    """The text of the file; None if it is none in any encoding. detector: asked where the bytes are not Unicode.

    A few bad bytes, as of a file that was cut within a character, become U+FFFD and change nothing for the others.
    """
    marked = next((encoding for mark, encoding in _MARKS if content.startswith(mark)), None)
    if marked:
        return decoded_as(content, marked)
    if _wide(content):
        return decoded_as(content, UTF_16)
    if (text := _strictly(content, "utf-8")) is not None:
        return Decoded(text, UTF_8)
    if (text := _nearly(content, "utf-8")) is not None:
        return Decoded(text, UTF_8)
    if _looks_western(content):
        return Decoded(content.decode("cp1252"), WESTERN)
    likely = _likely(content)
    few = likely == CHINESE and sum(map(len, set(_HIGH.findall(content)))) <= _FEW
    for guess in (detector.guess(content) if detector and not few else None, likely):
        if guess and (found := decoded_as(content, guess)):
            return found
    return None


def decoded_as(content: bytes, encoding: str) -> Decoded | None:
    """The text in this encoding, a key of ENCODINGS; None if the bytes do not fit it."""
    tried = (wide,) if encoding == UTF_16 and (wide := _wide(content)) else ENCODINGS[encoding]
    for read in (_strictly, _nearly):
        for codec in tried:
            if (text := read(content, codec)) is not None:
                return Decoded(text, encoding)
    return None


def _strictly(content: bytes, codec: str) -> str | None:
    try:
        return content.decode(codec)
    except UnicodeDecodeError:
        return None


def _nearly(content: bytes, codec: str) -> str | None:
    """The text with U+FFFD for what is bad in it; None if that is more than a few."""
    text = content.decode(codec, "replace")
    bad = text.count(_BAD)
    good = sum(not c.isascii() for c in text) - bad if not codec.startswith("utf-16") else len(text) - bad
    return text if bad <= min(good, 1 + good // _BAD_SHARE) else None


def _wide(content: bytes) -> str | None:
    """The codec of UTF-16 without a mark: many of the first or second bytes of its characters are zero."""
    if b"\0" not in content or content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return None
    low, high = content[0::2], content[1::2]
    for codec, zeros, others in (("utf-16-le", high, low), ("utf-16-be", low, high)):
        if zeros and zeros.count(0) * 5 > len(zeros) * 2 and others.count(0) * 100 < len(others):
            return codec
    return None


def _looks_western(content: bytes) -> bool:
    """Single accented letters and typographic marks among plain ones. Other alphabets are nearly all high bytes, CJK pairs of them."""
    text = _strictly(content, "cp1252")
    if text is None or _TOGETHER.search(text):
        return False
    if any(not c.isascii() for c in _WESTERN.sub("", text)):
        return False
    return len(_HIGH_LETTER.findall(text)) <= len(_LETTER.findall(text))


def _likely(content: bytes) -> str:
    """Chinese in GB18030 is nearly all pairs of two high bytes; a Western text has single ones among its letters."""
    pairs = _PAIR.findall(content)
    return CHINESE if sum(_COMMON_PAIR.match(pair) is not None for pair in pairs) * 10 > 9 * len(pairs) else WESTERN
