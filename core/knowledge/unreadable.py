"""Recognize file types that no model can read, so that the error can say what to do instead."""

from __future__ import annotations

import re

from core.errors import InvalidInput

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MEDIA = (
    b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"ID3", b"OggS", b"fLaC", b"\x1aE\xdf\xa3",
)  # fmt: skip
_PACKED = (b"\x1f\x8b", b"BZh", b"7z\xbc\xaf\x27\x1c", b"Rar!", b"\xfd7zXZ\0")
SPREADSHEET = "{name} is a spreadsheet, which cannot be read. Save the sheet as CSV and attach the CSV."
SLIDES = "{name} is a presentation, which cannot be read. Save it as PDF and attach the PDF."
OLD_WORD = "{name} is in the Word format from before 2007, which cannot be read. Save it as .docx or PDF and attach that file."
OTHER_DOCUMENT = "{name} is a document that cannot be read. Save it as .docx or PDF and attach that file."
ARCHIVE = "{name} is an archive. Unpack it and attach the files you need."
PICTURE_OR_SOUND = (
    "{name} is an image, audio or video file that cannot be read. Attach PNG, JPEG, WebP, GIF or HEIC images, documents or text."
)


_WORD_BODY = re.compile(rb"word[/\\]document", re.IGNORECASE)
_WORD_NAMES = (".docx", ".docm", ".dotx", ".dotm")


def is_word(name: str, content: bytes) -> bool:
    """Tell whether this is a Word document in a ZIP archive: by Word's main part, or by its name if it is no other Office document."""
    if not content.startswith(b"PK"):
        return False
    others = b"xl/workbook" in content or b"ppt/presentation" in content
    called = name.lower().endswith(_WORD_NAMES) and b"[Content_Types].xml" in content and not others
    return called or _WORD_BODY.search(content) is not None


def refuse_known(name: str, content: bytes) -> None:
    """Raise InvalidInput for a known file type without readable text. Other files pass."""
    if sentence := _refusal(name, content):
        raise InvalidInput(sentence, name=name)


def _refusal(name: str, content: bytes) -> str | None:
    ending = name.lower().rpartition(".")[2]
    if content.startswith(_OLE):
        return {"xls": SPREADSHEET, "ppt": SLIDES, "pps": SLIDES, "doc": OLD_WORD}.get(ending, OTHER_DOCUMENT)
    if content.startswith(b"PK"):
        return None if is_word(name, content) else _refusal_of_zip(content)
    if content.startswith(_PACKED) or content[257:262] == b"ustar":
        return ARCHIVE
    riff = content[:4] == b"RIFF" and content[8:12] in (b"WEBP", b"WAVE", b"AVI ")
    is_media = riff or content.startswith(_MEDIA) or content[4:8] == b"ftyp"
    return PICTURE_OR_SOUND if is_media and b"\0" in content[:4096] else None


def _refusal_of_zip(content: bytes) -> str | None:
    """Recognize Office documents, which are ZIP files with the names of their parts uncompressed."""
    if b"xl/workbook" in content or b"opendocument.spreadsheet" in content[:200]:
        return SPREADSHEET
    if b"ppt/presentation" in content or b"opendocument.presentation" in content[:200]:
        return SLIDES
    return OTHER_DOCUMENT if b"opendocument" in content[:200] or b"epub" in content[:200] else ARCHIVE
