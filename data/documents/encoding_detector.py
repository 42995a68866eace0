"""Guess the encoding of a text from its bytes, by charset-normalizer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

SAMPLE = 64 * 1024
"""Most bytes that are examined, of the lines with more than ASCII."""
LINES = 20
"""Most lines that are guessed separately, if the whole fits no encoding."""
SHORT = 1024
"""A sample with fewer bytes is repeated: the frequencies of a few characters carry too little information."""
_NAMES = {
    "gb18030": "GB18030", "big5": "Big5", "cp949": "EUC-KR", "shift_jis": "Shift_JIS", "euc_jp": "EUC-JP", "cp1250": "Windows-1250",
    "cp1251": "Windows-1251", "cp1252": "Windows-1252", "cp1253": "Windows-1253", "cp1254": "Windows-1254", "cp1255": "Windows-1255",
    "cp1256": "Windows-1256", "cp874": "Windows-874", "koi8_r": "KOI8-R",
}  # fmt: skip


class CharsetDetector:
    """Implements core.knowledge.ports.EncodingDetector."""

    def guess(self, content: bytes) -> str | None:
        lines = _lines(content)
        whole = b"".join(lines)
        # If the sample is cut within a character or a line has a bad byte, the whole fits no encoding: then the majority of its lines
        # decides.
        return _best(whole) or _best(whole[:-2]) or _most(_best(line) for line in lines[:LINES])


def _best(sample: bytes) -> str | None:
    from charset_normalizer import from_bytes  # The first file that needs it loads it, not the start.

    found = from_bytes(sample * (SHORT // len(sample) + 1), cp_isolation=list(_NAMES)).best() if sample else None
    return _NAMES.get(found.encoding) if found else None


def _most(guesses: Iterable[str | None]) -> str | None:
    counted = Counter(guess for guess in guesses if guess)
    return counted.most_common(1)[0][0] if counted else None


def _lines(content: bytes) -> list[bytes]:
    """Return the lines with more than ASCII, up to SAMPLE bytes. In none of these encodings is a line feed part of a character."""
    lines: list[bytes] = []
    size = 0
    for line in content.split(b"\n"):
        if not line.isascii():
            line = line[: SAMPLE - size].rstrip(b"\r\n") + b"\n"
            lines.append(line)
            size += len(line)
            if size >= SAMPLE:
                break
    return lines
