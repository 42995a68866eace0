"""A file that somebody attaches to a question, and the text that a model reads of it."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Iterable
from pathlib import PurePosixPath

from core.characters import cut, one_line
from core.errors import InvalidInput

NAME_CHARS = 120
MOST_FILES = 10
"""Of one question."""
_SEPARATORS = re.compile(r"[/\\]")
_PDF, _ZIP = b"%PDF-", b"PK\x03\x04"
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_PAIR = re.compile(rb"[\x81-\xfe][\x40-\xfe]")
_COMMON_PAIR = re.compile(rb"[\xa1-\xf7][\xa1-\xfe]")


def clean_name(name: str) -> str:
    """The name alone, without folders, on one line; a long one is cut before its ending. Raises InvalidInput if nothing is left."""
    bare = _SEPARATORS.split(unicodedata.normalize("NFC", name))[-1]
    line = one_line(bare)
    if not line.strip(". "):
        raise InvalidInput("A file needs a name.")
    if len(line) <= NAME_CHARS:
        return line
    ending = PurePosixPath(line).suffix[:20]
    return cut(line, NAME_CHARS - 1 - len(ending)) + "…" + ending


def is_document(name: str, content: bytes) -> bool:
    """Whether this is a PDF or a Word document (.docx), which a DocumentReader reads. Its content tells, whatever it is called.

    Some PDFs have something before their mark; there the name must say so too, for a text may speak of PDFs.
    """
    if content.startswith(_ZIP):
        return b"word/document" in content
    return content.startswith(_PDF) or (_PDF in content[:1024] and name.lower().endswith(".pdf"))


def text_of(name: str, content: bytes) -> str:
    """What is written in a text file, with normal line ends. Raises InvalidInput for what is no text, and for nothing.

    Files of Windows without a mark may be in GB18030 or in the Western code page: Chinese is taken for the former.
    """
    text = _decoded(content)
    if text is None or any(unicodedata.category(c) == "Cc" and c not in "\n\r\t\f" for c in set(text)):
        raise InvalidInput("{name} cannot be read. Attach PDF or Word documents, text, tables as CSV, or code.", name=name)
    if not text.strip():
        raise InvalidInput("{name} is empty.", name=name)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def with_files(question: str, files: Iterable[tuple[str, str]]) -> str:
    """What the model reads of a question with files: each name with its text, then the question."""
    parts = [f"[file: {name}]\n{text.rstrip()}\n[end of {name}]" for name, text in files]
    return "\n\n".join([*parts, question] if question else parts)


def _decoded(content: bytes) -> str | None:
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return _in(content, encoding)
    return next((text for encoding in ("utf-8", _windows(content)) if (text := _in(content, encoding)) is not None), None)


def _windows(content: bytes) -> str:
    """Chinese in GB18030 is nearly all pairs of two high bytes; a Western text has single ones among its letters."""
    pairs = _PAIR.findall(content)
    return "gb18030" if sum(_COMMON_PAIR.match(pair) is not None for pair in pairs) * 10 > 9 * len(pairs) else "cp1252"


def _in(content: bytes, encoding: str) -> str | None:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        return None
