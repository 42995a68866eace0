"""Read the text of a Word document."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from io import BytesIO
from xml.etree.ElementTree import XMLParser
from zipfile import ZipFile

from core.zip_files import lists_more_than
from data.documents.formats.normal_text import normal
from data.documents.formats.refusal import Refused
from data.documents.limits import MAX_UNPACKED

MAX_PARTS = 20_000
_BODY = re.compile(r"word/document\d*\.xml")
_HEADING = re.compile(r"heading ([1-9])", re.IGNORECASE)
_LEFT_OUT = {"del", "moveFrom", "Fallback", "tabs", "pPrChange", "rPrChange"}
"""Deleted and moved text, the second form of a drawing for old programs, tab stops, and the formatting before a tracked change."""
_NOTES = {"footnoteReference": "", "endnoteReference": "e", "footnote": "", "endnote": "e"}
_SIGNS = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}


@dataclass(slots=True)
class _Paragraph:
    prefix: str = ""
    hidden: bool = False
    pieces: list[str] = field(default_factory=list)


class _Relations:
    """Parses a .rels part: the targets by the last word of their type, such as styles or header."""

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
        """Tell whether a style hides its text. Missing properties are inherited, finally from the document's defaults, named ""."""
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

    Names are compared without their namespace, since the format has two. No tree is built, so depth costs nothing.
    """

    def __init__(self, styles: _Styles, chars_left: int) -> None:
        """room: the number of characters allowed."""
        self.lines: list[str] = []
        self.chars_left = chars_left
        self._styles = styles
        self._runs: list[bool] = []
        """Whether each open run is hidden; a drawing within a run contains further runs."""
        self._of_paragraph = False
        """Whether properties belong to a paragraph and its end mark."""
        self._rows_hidden: list[bool] = []
        self._paragraphs: list[_Paragraph] = []
        self._rows: list[list[str]] = []
        self._cells: list[list[str]] = []
        self._unread = 0
        self._in_text = False
        self._note = ""

    def doctype(self, *_declared: str | None) -> None:
        """Refuse document types: Word writes none, and one could define entities."""
        raise Refused("damaged")

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
        self.chars_left -= chars
        if self.chars_left < 0:
            raise Refused("long")


def _local(tag: str, attributes: dict[str, str]) -> tuple[str, dict[str, str]]:
    return tag.rpartition("}")[2], {key.rpartition("}")[2]: value for key, value in attributes.items()}


def _hidden(name: str, values: dict[str, str]) -> str:
    """Return "yes" or "no" if this property says whether text is hidden, else "". Text of one point counts as hidden: nobody can read it.
    """
    if name == "vanish":
        return "no" if values.get("val", "1").lower() in ("0", "false", "off") else "yes"
    return "yes" if name == "sz" and values.get("val", "").strip() in ("0", "1", "2") else ""


class _Parts:
    """The parts of a document that are read. Their declared sizes count before they are unpacked: zipfile unpacks no more than that."""

    def __init__(self, content: bytes) -> None:
        if lists_more_than(content, MAX_PARTS):
            raise Refused("unpacked")
        self.archive = ZipFile(BytesIO(content))
        self.names = {_part_name(name): name for name in self.archive.namelist()}
        self._left = MAX_UNPACKED

    def parse(self, part: str, target: _Styles | _Lines | _Relations) -> None:
        entry = self.archive.getinfo(self.names[part])
        self._left -= entry.file_size
        if self._left < 0:
            raise Refused("unpacked")
        parser = XMLParser(target=target)
        with self.archive.open(entry) as file:
            while chunk := file.read(1 << 16):
                parser.feed(chunk)
        parser.close()


def word_text(content: bytes, most_chars: int) -> str:
    """Return the text of a Word document: headers once each, then the body, then the notes. Nothing is unpacked to disk.

    The relations say which part is which; a document without them is read by the usual names.
    """
    parts = _Parts(content)
    body = next(iter(_related(parts, "", "officeDocument")), "") or min(name for name in parts.names if _BODY.fullmatch(name))
    if any(info.flag_bits & 1 for info in parts.archive.infolist()):
        raise Refused("encrypted")
    styles = _Styles()
    for part in _related(parts, body, "styles"):
        parts.parse(part, styles)
    texts: list[str] = []
    headers = sorted(_related(parts, body, "header"))
    notes = [part for kind in ("footnotes", "endnotes") for part in _related(parts, body, kind)]
    for part in [*headers, body, *notes]:
        lines = _Lines(styles, most_chars)
        parts.parse(part, lines)
        most_chars = lines.chars_left
        text = normal("\n".join(lines.lines)).strip("\n")
        if text.strip() and text not in texts:
            texts.append(text)
    return "\n\n".join(texts)


def _part_name(name: str) -> str:
    """Normalize the name of a part: ignore case, and accept backslashes and a leading slash, which some programs write."""
    return name.replace("\\", "/").lstrip("/").lower()


def _related(parts: _Parts, part: str, kind: str) -> list[str]:
    """Return the parts that a part ("" is the whole document) relates to with this kind, else those with the usual names beside it."""
    folder, _, name = part.rpartition("/")
    beside = f"{folder}/" if folder else ""
    relations = _Relations()
    if (described := f"{beside}_rels/{name}.rels") in parts.names:
        parts.parse(described, relations)
    targets = [_part_name(each) if each.startswith(("/", "\\")) else beside + _part_name(each) for each in relations.targets.get(kind, [])]
    usual = re.compile(rf"{re.escape(beside)}{kind.lower()}\d*\.xml")
    return list(dict.fromkeys([each for each in targets if each in parts.names] or [each for each in parts.names if usual.fullmatch(each)]))
