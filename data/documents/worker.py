"""Read one PDF or Word document in a separate process that can be killed. The reader runs it and never imports it.

Documents come from strangers: they can be damaged, a decompression bomb, or written to keep a reader busy forever. So the process has
little memory and time, may write no file and start no other process, and knows nothing of the portal.

Protocol: the document on stdin; one argument, {"cpu_s", "memory_bytes", "most_chars"}; on stdout {"text"} or {"error"}, which is "damaged",
"encrypted", "no text", "long" or "heavy".
"""

from __future__ import annotations

import json
import logging
import re
import resource
import sys
import unicodedata
import warnings
from dataclasses import dataclass, field
from io import BytesIO
from xml.etree.ElementTree import XMLParser
from zipfile import ZipFile

from pypdf import PdfReader, apply_configuration
from pypdf.errors import FileNotDecryptedError, LimitReachedError

_BODY = re.compile(r"word/document\d*\.xml")
_HEADER = re.compile(r"word/header\d*\.xml")
_HEADING = re.compile(r"heading ([1-9])", re.IGNORECASE)
_LEFT_OUT = {"del", "moveFrom", "Fallback", "tabs", "pPrChange", "rPrChange"}
"""Deleted and moved text, the second form of a drawing for old programs, tab stops, and the formatting before a tracked change."""
_NOTES = {"footnoteReference": "", "endnoteReference": "e", "footnote": "", "endnote": "e"}
_SIGNS = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}
# Ligatures, and the radicals that PDFs often use in place of Chinese characters of the same shape; Unicode itself relates most of
# them. Other compatibility characters are meant.
_SHAPES = {code: unicodedata.normalize("NFKC", chr(code)) for code in [*range(0xFB00, 0xFB07), *range(0x2E80, 0x2FD6)]}
_RADICALS, _MEANT = "⺠⻁⻄⻅⻆⻉⻋⻓⻔⻘⻙⻚⻛⻜⻝⻢⻣⻤⻥⻦⻧⻨⻩⻬⻮⻰", "民虎西见角贝车长门青韦页风飞食马骨鬼鱼鸟卤麦黄齐齿龙"
_SHAPES |= dict(zip(map(ord, _RADICALS), _MEANT, strict=True))
_SPACES = {0xA0: " ", 0x202F: " ", 0x2007: " ", 0xAD: None, 0x200B: None, 0xFEFF: None, 0x0B: "\n", 0x0C: "\n", 0x85: "\n", 0x2028: "\n"}
_TRAILING = re.compile(r"[ \t]+$", re.MULTILINE)
_BLANK = re.compile(r"\n{3,}")


class _Refused(Exception):
    """Raised with the error of the protocol."""


@dataclass(slots=True)
class _Paragraph:
    prefix: str = ""
    pieces: list[str] = field(default_factory=list)


class _Styles:
    """Parses styles.xml: which styles are headings, of which level, and which are lists. 0 is a list."""

    def __init__(self) -> None:
        self.levels: dict[str, int] = {}
        self._style = ""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name, values = _local(tag, attributes)
        heading = _HEADING.fullmatch(values.get("val", "")) if name == "name" else None
        if name == "style":
            self._style = values.get("styleId", "")
        elif heading:
            self.levels[self._style] = int(heading[1])
        elif name == "name" and values.get("val") == "Title":
            self.levels[self._style] = 1
        elif name == "numPr":
            self.levels.setdefault(self._style, 0)


class _Lines:
    """Parses a part of a Word document into lines: one for each paragraph, and for each row of a table.

    Names are compared without their namespace, of which the format has two. No tree is built, so depth costs nothing.
    """

    def __init__(self, levels: dict[str, int], room: int) -> None:
        """levels: of the styles. room: how many characters are allowed."""
        self.lines: list[str] = []
        self.room = room
        self._levels = levels
        self._paragraphs: list[_Paragraph] = []
        self._rows: list[list[str]] = []
        self._cells: list[list[str]] = []
        self._unread = 0
        self._in_text = False
        self._note = ""

    def doctype(self, *_declared: str | None) -> None:
        """Refuse document types: Word writes none, and one could define entities."""
        raise _Refused("damaged")

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name, values = _local(tag, attributes)
        if self._unread or name in _LEFT_OUT:
            self._unread += 1
        elif name == "p":
            self._take(1)
            self._paragraphs.append(_Paragraph())
        elif name == "tr":
            self._rows.append([])
        elif name == "tc":
            self._take(1)
            self._cells.append([])
        elif name == "t":
            self._in_text = True
        elif name in ("footnote", "endnote"):
            self._note = f"[^{_NOTES[name]}{values.get('id', '')}] "
        elif self._paragraphs:
            self._within(self._paragraphs[-1], name, values)

    def _within(self, paragraph: _Paragraph, name: str, values: dict[str, str]) -> None:
        if name in _SIGNS:
            self.put(_SIGNS[name])
        elif name in _NOTES:
            self.put(f"[^{_NOTES[name]}{values.get('id', '')}]")
        elif name == "pStyle":
            level = self._levels.get(values.get("val", ""), -1)
            paragraph.prefix = "#" * level + " " if level > 0 else "- " if level == 0 else ""
        elif name == "ilvl" and not paragraph.prefix.startswith("#"):
            paragraph.prefix = "  " * min(int(values.get("val", "0")), 8) + "- "
        elif name == "numId" and not paragraph.prefix.startswith("#"):
            paragraph.prefix = (paragraph.prefix or "- ") if values.get("val") != "0" else ""

    def data(self, text: str) -> None:
        if self._in_text and not self._unread:
            self.put(text)

    def put(self, text: str) -> None:
        self._take(len(text))
        self._paragraphs[-1].pieces.append(text)

    def end(self, tag: str) -> None:
        name = tag.rpartition("}")[2]
        if self._unread:
            self._unread -= 1
        elif name == "t":
            self._in_text = False
        elif name == "p":
            paragraph = self._paragraphs.pop()
            text = "".join(paragraph.pieces).rstrip()
            if text:
                text, self._note = self._note + paragraph.prefix + text, ""
            self._keep(["", text] if text and paragraph.prefix.startswith("#") else [text])
        elif name == "tc":
            self._rows[-1].append(" ".join(" ".join(self._cells.pop()).split()))
        elif name == "tr":
            self._keep(["\t".join(self._rows.pop())])
        elif name == "tbl":
            self._keep([""])

    def _keep(self, lines: list[str]) -> None:
        (self._cells[-1] if self._cells else self.lines).extend(lines)

    def _take(self, chars: int) -> None:
        self.room -= chars
        if self.room < 0:
            raise _Refused("long")


def _local(tag: str, attributes: dict[str, str]) -> tuple[str, dict[str, str]]:
    return tag.rpartition("}")[2], {key.rpartition("}")[2]: value for key, value in attributes.items()}


def _hear(archive: ZipFile, part: str, target: _Styles | _Lines) -> None:
    parser = XMLParser(target=target)
    with archive.open(part) as file:
        while chunk := file.read(1 << 16):
            parser.feed(chunk)
    parser.close()


def _word(content: bytes, most_chars: int) -> str:
    """Return the text of a Word document: headers once each, then the body, then the notes. Nothing is unpacked to disk."""
    archive = ZipFile(BytesIO(content))
    names = archive.namelist()
    body = min(name for name in names if _BODY.fullmatch(name))
    if any(info.flag_bits & 1 for info in archive.infolist()):
        raise _Refused("encrypted")
    styles = _Styles()
    if "word/styles.xml" in names:
        _hear(archive, "word/styles.xml", styles)
    texts: list[str] = []
    notes = [name for name in ("word/footnotes.xml", "word/endnotes.xml") if name in names]
    for part in [*sorted({name for name in names if _HEADER.fullmatch(name)}), body, *notes]:
        heard = _Lines(styles.levels, most_chars)
        _hear(archive, part, heard)
        most_chars = heard.room
        text = _normal("\n".join(heard.lines)).strip("\n")
        if text.strip() and text not in texts:
            texts.append(text)
    return "\n\n".join(texts)


def _pdf(content: bytes, most_chars: int) -> str:
    """Return the text of a PDF. Time bounds nested drawings; pypdf's own limit would silently leave out the rest."""
    pages: list[str] = []
    with apply_configuration(xform_maximum_invocations_per_extraction=sys.maxsize, jbig2dec_binary=None):
        for page in PdfReader(BytesIO(content)).pages:
            pages.append(_normal(page.extract_text()).strip("\n"))
            most_chars -= len(pages[-1]) + 1
            if most_chars < 0:
                raise _Refused("long")
    return "\n\f".join(pages) if any(page.strip() for page in pages) else ""


def _normal(text: str) -> str:
    """Normalize text: composed characters, plain spaces and line ends, no control characters or lone surrogates, at most one blank line
    in a row.
    """
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n").translate(_SPACES).translate(_SHAPES))
    odd = {ord(each): None for each in set(text) if each not in "\n\t" and unicodedata.category(each) in ("Cc", "Cs")}
    return _BLANK.sub("\n\n", _TRAILING.sub("", text.translate(odd)))


def _answer(content: bytes, most_chars: int) -> str:
    try:
        text = (_word if content.startswith(b"PK") else _pdf)(content, most_chars)
        return json.dumps({"text": text} if text else {"error": "no text"})
    except _Refused as refused:
        error = str(refused)
    except FileNotDecryptedError:
        error = "encrypted"
    except (MemoryError, LimitReachedError):
        error = "heavy"
    except Exception:  # noqa: BLE001 - whatever a document does to its reader, it cannot be read
        error = "damaged"
    return json.dumps({"error": error})


def main() -> None:
    limits = json.loads(sys.argv[1])
    for kind, most in {
        resource.RLIMIT_AS: limits["memory_bytes"],
        resource.RLIMIT_CPU: limits["cpu_s"],
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NPROC: 0,
        resource.RLIMIT_NOFILE: 16,
    }.items():
        resource.setrlimit(kind, (most, most))
    logging.disable()
    warnings.simplefilter("ignore")
    sys.stdout.write(_answer(sys.stdin.buffer.read(), limits["most_chars"]))


if __name__ == "__main__":
    main()
