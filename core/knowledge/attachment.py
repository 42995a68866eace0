"""Check attached files and extract the text that a model reads."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from pathlib import PurePosixPath

from core.characters import cut, halves, is_blank, one_line, without_controls
from core.errors import InvalidInput
from core.knowledge.encodings import ENCODINGS, Decoded, decoded, decoded_as
from core.knowledge.ports import EncodingDetector
from core.knowledge.unreadable import is_word

NAME_CHARS = 120
MAX_FILES = 10
"""Most files in one question."""
_SEPARATORS = re.compile(r"[/\\]")
_PDF, _ZIP = b"%PDF-", b"PK\x03\x04"
_RANGES = ((0x02, 0x08), (0x0E, 0x1A), (0x7F, 0x85), (0x86, 0x9B), (0x9C, 0xA0))
_STRANGE = [chr(code) for start, end in _RANGES for code in range(start, end)]
"""Control characters that neither terminals nor tables use."""
_MANY = 5
"""A file is binary if at least one character in this many is such a control character."""
UNREADABLE = "{name} cannot be read. Attach PDF or Word documents, text, CSV or code."


def clean_name(name: str) -> str:
    """Return the file name alone, without folders, on one line.

    Long names are cut before the extension. Raises InvalidInput if nothing is left.
    """
    bare = _SEPARATORS.split(unicodedata.normalize("NFC", name))[-1]
    line = one_line(bare)
    if not line.strip(". "):
        raise InvalidInput("A file needs a name.")
    if len(line) <= NAME_CHARS:
        return line
    ending = PurePosixPath(line).suffix[:20]
    return cut(line, NAME_CHARS - 1 - len(ending)) + "…" + ending


def is_document(name: str, content: bytes) -> bool:
    """Tell whether this is a PDF or Word document (.docx), by its content rather than its name.

    Some PDFs have bytes before their signature. Then the name must say PDF too, because a text may mention the signature.
    """
    if content.startswith(_ZIP):
        return is_word(name, content)
    return content.startswith(_PDF) or (_PDF in content[:1024] and name.lower().endswith(".pdf"))


def text_of(name: str, content: bytes, encoding: str = "") -> str:
    """Decode a text file, in `encoding` if given. Raises as `read_text` does."""
    return (read_as(name, content, encoding) if encoding else read_text(name, content)).text


def read_text(name: str, content: bytes, detector: EncodingDetector | None = None) -> Decoded:
    """Decode a text file, normalize its line ends and detect its encoding.

    Control characters, which logs contain for colours, are removed: see `without_controls`. Raises InvalidInput for binary and empty files.
    """
    return _readable(name, decoded(content, detector))


def read_as(name: str, content: bytes, encoding: str) -> Decoded:
    """Decode a text file in a chosen encoding. Raises InvalidInput, also if the encoding is unknown or does not fit."""
    if encoding not in ENCODINGS:
        raise InvalidInput("Choose one of these encodings: {names}.", names=", ".join(ENCODINGS))
    found = decoded_as(content, encoding)
    if found is None:
        raise InvalidInput("{name} cannot be read as {encoding}. Choose another encoding.", name=name, encoding=encoding)
    return _readable(name, found)


def _readable(name: str, found: Decoded | None) -> Decoded:
    if found is None or _is_binary(found.text):
        raise InvalidInput(UNREADABLE, name=name)
    text = without_controls(found.text).replace("\r\n", "\n").replace("\r", "\n")
    if is_blank(text):
        raise InvalidInput("{name} is empty.", name=name)
    return Decoded(text, found.encoding)


def _is_binary(text: str) -> bool:
    """Tell whether a text has null characters, unpaired surrogates, or many control characters that terminals do not use."""
    return "\0" in text or halves(text) > 0 or sum(map(text.count, _STRANGE)) * _MANY > len(text)


def with_files(question: str, files: Iterable[tuple[str, str]]) -> str:
    """Return a question with files as the model reads it: each file's name and text, then the question."""
    parts = [f"[file: {name}]\n{text.rstrip()}\n[end of {name}]" for name, text in files]
    return "\n\n".join([*parts, question] if question else parts)
