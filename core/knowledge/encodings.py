"""Decode text files of unknown encoding: as Unicode if possible, else by the pattern of their bytes."""

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
"""Encodings by their common names, and the codecs tried for each. GB18030 includes GBK and GB2312; Windows-1252 includes Latin-1."""
UTF_8, UTF_16, WESTERN, CHINESE = "UTF-8", "UTF-16", "Windows-1252", "GB18030"
_MARKS = ((codecs.BOM_UTF8, UTF_8), (codecs.BOM_UTF16_LE, UTF_16), (codecs.BOM_UTF16_BE, UTF_16))
_BAD = "\ufffd"
_BAD_SHARE = 20
"""A file is nearly valid with one bad character, and one more for each `_BAD_SHARE` good ones."""
_FEW = 8
"""Number of different high bytes in runs that is too small to show the language. Such files are read as Chinese if possible."""
_HIGH = re.compile(rb"[\x80-\xff]+")
_PAIR = re.compile(rb"[\x81-\xfe][\x40-\xfe]")
_COMMON_PAIR = re.compile(rb"[\xa1-\xf7][\xa1-\xfe]")
_WESTERN = re.compile(r"[ÀÁÂÃÄÅÆÇÈÉÊËÍÎÏÑÒÓÔÕÖØÙÚÛÜßàáâãäåæçèéêëìíîïñòóôõöøùúûüœŒŸ¡¿«»„“”‘’‚–—…€£§°·•©®™¢ªº\xa0]+")
_TOGETHER = re.compile(r"[À-ÿ][À-Þ]|[À-ÿ]{3}")
_LETTER, _HIGH_LETTER = re.compile(r"[A-Za-z]"), re.compile(r"[À-ÿœŒŸ]")


@dataclass(frozen=True, slots=True)
class Decoded:
    """The text of a file, and the encoding that it was decoded with."""

    text: str
    encoding: str
    """A key of ENCODINGS."""


def decoded(content: bytes, detector: EncodingDetector | None = None) -> Decoded | None:
    """Return the text of a file; None if it is no text in any encoding. detector: used if the bytes are not Unicode.

    A few bad bytes, for example at the end of a truncated file, become U+FFFD and do not affect the others.
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
    """Return the text in this encoding, a key of ENCODINGS; None if the bytes do not fit."""
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
    """Return the text with U+FFFD for each bad byte sequence; None if there are more than a few."""
    text = content.decode(codec, "replace")
    bad = text.count(_BAD)
    good = sum(not c.isascii() for c in text) - bad if not codec.startswith("utf-16") else len(text) - bad
    return text if bad <= min(good, 1 + good // _BAD_SHARE) else None


def _wide(content: bytes) -> str | None:
    """Return the codec of UTF-16 without a byte order mark, recognized by many zero bytes at even or odd positions; else None."""
    if b"\0" not in content or content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return None
    low, high = content[0::2], content[1::2]
    for codec, zeros, others in (("utf-16-le", high, low), ("utf-16-be", low, high)):
        if zeros and zeros.count(0) * 5 > len(zeros) * 2 and others.count(0) * 100 < len(others):
            return codec
    return None


def _looks_western(content: bytes) -> bool:
    """Tell whether high bytes stand alone among ASCII letters. Other alphabets are nearly all high bytes, and CJK has pairs of them."""
    text = _strictly(content, "cp1252")
    if text is None or _TOGETHER.search(text):
        return False
    if any(not c.isascii() for c in _WESTERN.sub("", text)):
        return False
    return len(_HIGH_LETTER.findall(text)) <= len(_LETTER.findall(text))


def _likely(content: bytes) -> str:
    """Return the likely encoding: Chinese in GB18030 is nearly all pairs of high bytes; Western text has single ones among letters."""
    pairs = _PAIR.findall(content)
    return CHINESE if sum(_COMMON_PAIR.match(pair) is not None for pair in pairs) * 10 > 9 * len(pairs) else WESTERN
