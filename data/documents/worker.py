"""Read one PDF or Word document in a separate process that can be killed. The reader runs it and never imports it.

Documents come from strangers: they can be damaged, a decompression bomb, or written to keep a reader busy forever. So the process has
little memory and time, may write no file and start no other process, and knows nothing of the portal.

Protocol: the document on stdin; one argument, {"cpu_s", "memory_bytes", "most_chars"}; on stdout {"text"} or {"error"}, which is
"damaged", "encrypted", "no text", "fonts", "long" or "heavy".
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
from typing import Any
from xml.etree.ElementTree import XMLParser
from zipfile import ZipFile

from pypdf import PdfReader, _cmap, apply_configuration
from pypdf.errors import FileNotDecryptedError, LimitReachedError
from pypdf.generic import DictionaryObject, _font

_BODY = re.compile(r"word/document\d*\.xml")
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


# Encodings of CJK fonts that pypdf does not know, by the names of the PDF standard.
_CODECS = {
    "gbk": "GBKp-EUC", "euc_kr": "KSC-EUC KSCpc-EUC", "cp949": "KSCms-UHC KSCms-UHC-HW", "johab": "KSC-Johab", "cp950": "B5pc",
    "big5hkscs": "HKscs-B5", "cp932": "83pv-RKSJ 90msp-RKSJ 90pv-RKSJ Add-RKSJ Ext-RKSJ", "euc_jp": "EUC",
    "utf-16-be": "UniKS-UTF16 UniJIS2004-UTF16", "utf-8": "UniGB-UTF8 UniCNS-UTF8 UniJIS-UTF8 UniJIS2004-UTF8 UniKS-UTF8",
    "utf-32-be": "UniGB-UTF32 UniCNS-UTF32 UniJIS-UTF32 UniJIS2004-UTF32 UniKS-UTF32",
}  # fmt: skip
_KNOWN = {f"/{name}-{way}": codec for codec, names in _CODECS.items() for name in names.split() for way in "HV"}
_IDENTITY = ("/Identity-H", "/Identity-V")
_COLLECTIONS = ("GB1", "CNS1", "Japan1", "Japan2", "Korea1", "KR")
"""Of glyphs, by Adobe: their numbers are no characters."""
_UNKNOWN = "\ufffd"
_MOST_UNKNOWN = 5
"""A document is refused where one in so many characters, or more, cannot be told."""


class _Refused(Exception):
    """Raised with the error of the protocol."""


@dataclass(slots=True)
class _Paragraph:
    prefix: str = ""
    hidden: bool = False
    pieces: list[str] = field(default_factory=list)


class _Relations:
    """Hears a .rels part: the targets by the last word of their type, such as styles or header."""

    def __init__(self) -> None:
        self.targets: dict[str, list[str]] = {}

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name, values = _local(tag, attributes)
        if name == "Relationship" and values.get("TargetMode") != "External":
            self.targets.setdefault(values.get("Type", "").rpartition("/")[2], []).append(values.get("Target", ""))


class _Styles:
    """Parses styles.xml: which styles are headings, of which level, which are lists, and which hide their text. 0 is a list."""

    def __init__(self) -> None:
        self.levels: dict[str, int] = {}
        self._style = ""
        self._hides: dict[str, bool] = {}
        self._based: dict[str, str] = {}

    def hides(self, style: str) -> bool:
        """What a style does not say, the one says that it is based on; at last the defaults of the document, whose name is ""."""
        for _ in range(20):
            if style in self._hides or not style:
                return self._hides.get(style, False)
            style = self._based.get(style, "")
        return False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name, values = _local(tag, attributes)
        heading = _HEADING.fullmatch(values.get("val", "")) if name == "name" else None
        if name == "style":
            self._style = values.get("styleId", "")
        elif name == "basedOn":
            self._based[self._style] = values.get("val", "")
        elif hidden := _hidden(name, values):
            self._hides[self._style] = hidden == "yes"
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

    def __init__(self, styles: _Styles, room: int) -> None:
        """room: how many characters are allowed."""
        self.lines: list[str] = []
        self.room = room
        self._styles = styles
        self._runs: list[bool] = []
        """Whether each run that is open is hidden; a drawing within a run holds others."""
        self._of_paragraph = False
        """Whether properties are those of a paragraph, and of the sign at its end."""
        self._rows_hidden: list[bool] = []
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
            self._paragraphs.append(_Paragraph(hidden=self._styles.hides("")))
        elif name == "pPr":
            self._of_paragraph = True
        elif name == "r":
            self._runs.append(any(self._runs) or (self._paragraphs[-1].hidden if self._paragraphs else False))
        elif name == "tr":
            self._rows.append([])
            self._rows_hidden.append(False)
        elif name == "hidden" and self._rows_hidden and _hidden("vanish", values) == "yes":
            self._rows_hidden[-1] = True
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
        if self._runs and not self._of_paragraph and (hidden := _hidden(name, values)):
            self._runs[-1] = hidden == "yes"
        elif self._runs and name == "rStyle":
            self._runs[-1] = self._runs[-1] or self._styles.hides(values.get("val", ""))
        elif name in _SIGNS:
            self.put(_SIGNS[name])
        elif name in _NOTES:
            self.put(f"[^{_NOTES[name]}{values.get('id', '')}]")
        elif name == "pStyle":
            style = values.get("val", "")
            level, paragraph.hidden = self._styles.levels.get(style, -1), self._styles.hides(style)
            paragraph.prefix = "#" * level + " " if level > 0 else "- " if level == 0 else ""
        elif name == "ilvl" and not paragraph.prefix.startswith("#"):
            level = int(found) if (found := values.get("val", "").strip()).isdecimal() and len(found) < 3 else 0
            paragraph.prefix = "  " * min(level, 8) + "- "
        elif name == "numId" and not paragraph.prefix.startswith("#"):
            paragraph.prefix = (paragraph.prefix or "- ") if values.get("val") != "0" else ""

    def data(self, text: str) -> None:
        if self._in_text and not self._unread:
            self.put(text)

    def put(self, text: str) -> None:
        if self._runs and self._runs[-1]:
            return
        self._take(len(text))
        self._paragraphs[-1].pieces.append(text)

    def end(self, tag: str) -> None:
        name = tag.rpartition("}")[2]
        if self._unread:
            self._unread -= 1
        elif name == "t":
            self._in_text = False
        elif name == "pPr":
            self._of_paragraph = False
        elif name == "r":
            self._runs.pop()
        elif name == "p":
            paragraph = self._paragraphs.pop()
            text = "".join(paragraph.pieces).rstrip()
            if text:
                text, self._note = self._note + paragraph.prefix + text, ""
            self._keep(["", text] if text and paragraph.prefix.startswith("#") else [text])
        elif name == "tc":
            self._rows[-1].append(" ".join(" ".join(self._cells.pop()).split()))
        elif name == "tr":
            row = self._rows.pop()
            if not self._rows_hidden.pop():
                self._keep(["\t".join(row)])
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


def _hidden(name: str, values: dict[str, str]) -> str:
    """ "yes" or "no" where this property says whether text is hidden, else "". Text of one point is hidden too: nobody can read it."""
    if name == "vanish":
        return "no" if values.get("val", "1").lower() in ("0", "false", "off") else "yes"
    return "yes" if name == "sz" and values.get("val", "").strip() in ("0", "1", "2") else ""


def _hear(archive: ZipFile, part: str, target: _Styles | _Lines | _Relations) -> None:
    parser = XMLParser(target=target)
    with archive.open(part) as file:
        while chunk := file.read(1 << 16):
            parser.feed(chunk)
    parser.close()


def _word(content: bytes, most_chars: int) -> str:
    """Return the text of a Word document: headers once each, then the body, then the notes. Nothing is unpacked to disk.

    The relations say which part is which; a document that lacks them is read by the usual names.
    """
    archive = ZipFile(BytesIO(content))
    names = {_plain(name): name for name in archive.namelist()}
    body = next(iter(_related(archive, names, "", "officeDocument")), "") or min(name for name in names if _BODY.fullmatch(name))
    if any(info.flag_bits & 1 for info in archive.infolist()):
        raise _Refused("encrypted")
    styles = _Styles()
    for part in _related(archive, names, body, "styles"):
        _hear(archive, names[part], styles)
    texts: list[str] = []
    headers = sorted(_related(archive, names, body, "header"))
    notes = [part for kind in ("footnotes", "endnotes") for part in _related(archive, names, body, kind)]
    for part in [*headers, body, *notes]:
        heard = _Lines(styles, most_chars)
        _hear(archive, names[part], heard)
        most_chars = heard.room
        text = _normal("\n".join(heard.lines)).strip("\n")
        if text.strip() and text not in texts:
            texts.append(text)
    return "\n\n".join(texts)


def _plain(name: str) -> str:
    """Parts are named without regard to case; some programs write the slashes of Windows, or one at the beginning."""
    return name.replace("\\", "/").lstrip("/").lower()


def _related(archive: ZipFile, names: dict[str, str], part: str, kind: str) -> list[str]:
    """The parts that are related to this one in this way ("" is the whole document), else those with the usual names beside it."""
    folder, _, name = part.rpartition("/")
    beside = f"{folder}/" if folder else ""
    relations = _Relations()
    if (described := f"{beside}_rels/{name}.rels") in names:
        _hear(archive, names[described], relations)
    targets = [_plain(each) if each.startswith(("/", "\\")) else beside + _plain(each) for each in relations.targets.get(kind, [])]
    usual = re.compile(rf"{re.escape(beside)}{kind.lower()}\d*\.xml")
    return list(dict.fromkeys([each for each in targets if each in names] or [each for each in names if usual.fullmatch(each)]))


_get_encoding = _cmap.get_encoding


def _encoding(font: DictionaryObject) -> tuple[Any, dict[Any, Any]]:
    """As pypdf reads a font, but for one that says nothing of its characters: they become U+FFFD, where pypdf would make them up."""
    encoding, characters = _get_encoding(font)
    return encoding, characters if _tells(font) else _Unknown(characters)


def _tells(font: DictionaryObject) -> bool:
    if font.get("/Subtype") != "/Type0" or "/ToUnicode" in font:
        return True
    encoding, parts = font.get("/Encoding"), font.get("/DescendantFonts")
    if encoding in _IDENTITY:
        info = parts[0].get_object().get("/CIDSystemInfo") if parts else None
        return info is None or str(info.get_object().get("/Ordering")) not in _COLLECTIONS
    return isinstance(encoding, str) and (encoding in _cmap._predefined_cmap or "-UCS2-" in encoding)


class _Unknown(dict[Any, Any]):
    """Characters that nobody can tell."""

    def get(self, key: Any, default: Any = None) -> Any:
        return _UNKNOWN if isinstance(key, str) and not key.isspace() else super().get(key, default)


def _pdf(content: bytes, most_chars: int) -> str:
    """Return the text of a PDF. Time bounds nested drawings; pypdf's own limit would silently leave out the rest."""
    pages: list[str] = []
    _cmap._predefined_cmap |= _KNOWN
    vars(_font)["get_encoding"] = _encoding
    with apply_configuration(xform_maximum_invocations_per_extraction=sys.maxsize, jbig2dec_binary=None):
        for page in PdfReader(BytesIO(content)).pages:
            pages.append(_normal(page.extract_text()).strip("\n"))
            most_chars -= len(pages[-1]) + 1
            if most_chars < 0:
                raise _Refused("long")
    if sum(page.count(_UNKNOWN) for page in pages) * _MOST_UNKNOWN > sum(len("".join(page.split())) for page in pages):
        raise _Refused("fonts")
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
