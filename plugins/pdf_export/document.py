"""Lay out a chat on pages: title, questions, answers with their Markdown, page numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fpdf import FPDF
from fpdf.errors import FPDFException
from markdown_it import MarkdownIt
from markdown_it.token import Token

from core.plugins.hookspecs import Chat, ChatMessage
from plugins.pdf_export.fonts import find_fonts
from plugins.pdf_export.lines import Run, Style, broken

_MARGIN, _INDENT = 20.0, 6.0
_SIZE, _SMALL, _CODE = 10.5, 8.5, 9.0
_HEADINGS = {1: 15.0, 2: 13.5, 3: 12.0}
_LEADING = 1.55
_PAD = 0.8
"""Beside code in a line."""
_POINT = 25.4 / 72
_GREY, _BLACK, _BLUE, _SHADE = (110, 110, 110), (20, 20, 20), (20, 80, 160), (243, 243, 244)
_STYLES = {Style.TEXT: ("text", ""), Style.BOLD: ("text", "B"), Style.CODE: ("code", "")}
_CODE_SIGNS = ("`", "    ", "\t", "~~~")
"""Without one of them an answer has no code."""
_MOST_NESTED = 40


def write(chat: Chat) -> bytes:
    """Return a chat as PDF. Raises PluginRefusal if no font has its characters."""
    fonts = find_fonts("".join([chat.title, *(text for each in chat.messages for text in (each.text, each.model, *each.files))]))
    pdf = FPDF(format="A4")
    faces = [("text", "", fonts.text), ("text", "B", fonts.bold)]
    if any(sign in each.text for each in chat.messages for sign in _CODE_SIGNS):  # Reading a font takes a second.
        faces.append(("code", "", fonts.code))
    for family, style, face in faces:
        pdf.add_font(family, style, face.path, collection_font_number=face.number)
    pdf.c_margin = 0
    pdf.set_margins(_MARGIN, _MARGIN, _MARGIN)
    pdf.set_auto_page_break(False)
    pdf.set_title(chat.title)
    pdf.set_creator("GLM Portal")
    pdf.set_creation_date(chat.updated_at)
    layout = _Layout(pdf)
    layout.text([Run(chat.title, Style.BOLD)], size=18)
    layout.text([Run(f"{chat.updated_at:%Y-%m-%d %H:%M} UTC")], size=_SMALL, colour=_GREY)
    for message in chat.messages:
        _message(layout, message)
    layout.page_numbers()
    return bytes(pdf.output())


def _message(layout: _Layout, message: ChatMessage) -> None:
    who = "Question" if message.author == "user" else "Answer"
    model = f" · {message.model}" if message.model else ""
    layout.gap(5)
    layout.text([Run(f"{who}{model} · {message.created_at:%Y-%m-%d %H:%M} UTC")], size=_SMALL, colour=_GREY, keep=12)
    layout.gap(1)
    for name in message.files:
        layout.text([Run(f"• {name}")], size=_SMALL, colour=_GREY)
    if message.author == "user":
        layout.text([Run(message.text)], shade=True)
        return
    parser = MarkdownIt("commonmark", {"maxNesting": _MOST_NESTED, "html": False}).enable(["table", "strikethrough"])
    try:
        tokens = parser.parse(message.text)
    except (RecursionError, ValueError, IndexError):
        layout.text([Run(message.text)])
        return
    _blocks(layout, tokens)


def _blocks(layout: _Layout, tokens: Sequence[Token]) -> None:
    """Draw the blocks of an answer."""
    lists: list[int | None] = []
    mark, size = "", _SIZE
    place = 0
    while place < len(tokens):
        token = tokens[place]
        match token.type:
            case "heading_open":
                size = _HEADINGS.get(int(token.tag[1:]), _SIZE + 0.5)
                layout.gap(2)
            case "heading_close":
                size = _SIZE
            case "paragraph_close":
                layout.gap(0.6 if token.hidden else 2)
            case "bullet_list_open" | "ordered_list_open":
                lists.append(int(token.attrs.get("start", 1)) if token.type[0] == "o" else None)
                layout.indent += _INDENT
            case "bullet_list_close" | "ordered_list_close":
                lists.pop()
                layout.indent -= _INDENT
                layout.gap(0 if lists else 1.5)
            case "list_item_open":
                number = lists[-1]
                mark = "•" if number is None else f"{number}."
                lists[-1] = None if number is None else number + 1
            case "blockquote_open":
                layout.indent += _INDENT
                layout.quoted += 1
            case "blockquote_close":
                layout.indent -= _INDENT
                layout.quoted -= 1
            case "inline":
                bold = size != _SIZE
                layout.text(_runs(token.children or (), bold=bold), size=size, mark=mark, keep=14 if bold else 0)
                mark = ""
                if bold:
                    layout.gap(1.5)
            case "fence" | "code_block":
                layout.code(token.content.rstrip("\n"))
            case "hr":
                layout.rule()
            case "table_open":
                end = next(n for n in range(place, len(tokens)) if tokens[n].type == "table_close")
                layout.table(_rows(tokens[place:end]))
                place = end
        place += 1


def _runs(children: Iterable[Token], *, bold: bool = False) -> list[Run]:
    """Return the text of a line of Markdown with its styles."""
    runs: list[Run] = []
    strong, link = 1 if bold else 0, ""
    for token in children:
        match token.type:
            case "strong_open":
                strong += 1
            case "strong_close":
                strong -= 1
            case "link_open":
                link = str(token.attrs.get("href", ""))
                link = link if link.startswith(("https://", "http://", "mailto:")) else ""
            case "link_close":
                link = ""
            case "softbreak":
                runs.append(Run(" "))
            case "hardbreak":
                runs.append(Run("\n"))
            case "code_inline":
                runs.append(Run(token.content, Style.CODE))
            case _:
                if token.content:
                    runs.append(Run(token.content, Style.BOLD if strong else Style.TEXT, link))
    return runs


def _rows(tokens: Sequence[Token]) -> list[list[str]]:
    rows: list[list[str]] = []
    for token in tokens:
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            rows[-1].append("".join(run.text for run in _runs(token.children or ())))
    return rows


class _Layout:
    """Places lines, code and tables one below the other, on as many pages as they take."""

    def __init__(self, pdf: FPDF) -> None:
        self._pdf = pdf
        self.indent = 0.0
        self.quoted = 0
        pdf.add_page()
        pdf.set_y(_MARGIN)

    def gap(self, height: float) -> None:
        self._pdf.set_y(self._pdf.get_y() + height)

    def text(
        self, runs: Sequence[Run], *, size: float = _SIZE, colour: tuple[int, int, int] = _BLACK, mark: str = "", shade: bool = False,
        keep: float = 0,
    ) -> None:  # fmt: skip
        """Draw a paragraph. mark: stands before its first line. shade: on grey. keep: room below it that must be on the same page."""
        pdf, height = self._pdf, size * _LEADING * _POINT
        left = _MARGIN + self.indent
        pad = 2.5 if shade else 0.0
        room = pdf.w - _MARGIN - left - 2 * pad
        for number, line in enumerate(broken(runs, room, lambda run: self._width(run, size))):
            self._make_room(height + (keep if number == 0 else 0))
            if shade:
                pdf.set_fill_color(*_SHADE)
                pdf.rect(left, pdf.get_y(), room + 2 * pad, height, style="F")
            for depth in range(self.quoted):
                pdf.set_draw_color(200, 200, 200)
                x = left - _INDENT * (self.quoted - depth) + 2
                pdf.line(x, pdf.get_y(), x, pdf.get_y() + height)
            if mark and number == 0:
                self._font(Style.TEXT, size)
                pdf.set_text_color(*_BLACK)
                pdf.set_x(left - _INDENT)
                pdf.cell(_INDENT - 1.5, height, mark, align="R")
            pdf.set_x(left + pad)
            for run in line:
                self._font(run.style, size)
                pdf.set_text_color(*(_BLUE if run.link else colour))
                if run.style is Style.CODE:
                    pdf.set_fill_color(*_SHADE)
                    pdf.rect(pdf.get_x(), pdf.get_y() + 0.6, self._width(run, size), height - 1.2, style="F")
                    pdf.set_x(pdf.get_x() + _PAD)
                pdf.cell(self._width(run, size) - _PAD * (run.style is Style.CODE), height, run.text, link=run.link)
            pdf.set_xy(_MARGIN, pdf.get_y() + height)

    def code(self, text: str) -> None:
        """Draw a block of code; a long line goes on below itself."""
        self.gap(1)
        pdf, height = self._pdf, _CODE * 1.4 * _POINT
        left, pad = _MARGIN + self.indent, 3.0
        room = pdf.w - _MARGIN - left - 2 * pad
        for source in text.expandtabs(4).split("\n"):
            rest = source
            while True:
                fits = self._fitting(rest, room)
                self._make_room(height)
                pdf.set_fill_color(*_SHADE)
                pdf.rect(left, pdf.get_y(), room + 2 * pad, height, style="F")
                self._font(Style.CODE, _CODE)
                pdf.set_text_color(*_BLACK)
                pdf.set_x(left + pad)
                pdf.cell(room, height, rest[:fits])
                pdf.set_xy(_MARGIN, pdf.get_y() + height)
                rest = rest[fits:]
                if not rest:
                    break
        self.gap(3)

    def table(self, rows: Sequence[Sequence[str]]) -> None:
        """Draw a table; one that does not fit is written as lines."""
        pdf = self._pdf
        if not rows or not rows[0]:
            return
        self.gap(1)
        count = len(rows[0])
        self._font(Style.TEXT, 9.5)
        widest = [max(min(pdf.get_string_width(row[n]) + 6 if n < len(row) else 6, 70) for row in rows) for n in range(count)]
        room = pdf.w - 2 * _MARGIN - self.indent
        pdf.set_text_color(*_BLACK)
        pdf.set_draw_color(200, 200, 200)
        pdf.set_fill_color(255, 255, 255)
        pdf.set_auto_page_break(True, _MARGIN)
        pdf.set_left_margin(_MARGIN + self.indent)
        try:
            with pdf.table(
                width=min(room, sum(widest)), col_widths=tuple(widest), align="LEFT", text_align="LEFT", line_height=5.2, padding=1.2
            ) as table:
                for row in rows:
                    table.row([*row, *[""] * (count - len(row))][:count])
        except (FPDFException, ValueError):
            for row in rows:
                self.text([Run(" | ".join(row))])
        finally:
            pdf.set_left_margin(_MARGIN)
            pdf.set_auto_page_break(False)
        self.gap(3)

    def rule(self) -> None:
        self._make_room(4)
        pdf = self._pdf
        pdf.set_draw_color(200, 200, 200)
        pdf.line(_MARGIN, pdf.get_y() + 1, pdf.w - _MARGIN, pdf.get_y() + 1)
        self.gap(4)

    def page_numbers(self) -> None:
        pdf, last = self._pdf, self._pdf.pages_count
        for number in range(1, last + 1):
            pdf.page = number
            self._font(Style.TEXT, _SMALL)
            pdf.set_text_color(*_GREY)
            pdf.set_xy(_MARGIN, pdf.h - 13)
            pdf.cell(pdf.w - 2 * _MARGIN, 5, f"{number} / {last}", align="C")

    def _make_room(self, height: float) -> None:
        if self._pdf.get_y() + height > self._pdf.h - _MARGIN:
            self._pdf.add_page()
            self._pdf.set_y(_MARGIN)

    def _font(self, style: Style, size: float) -> None:
        family, emphasis = _STYLES[style]
        self._pdf.set_font(family, emphasis, size)

    def _width(self, run: Run, size: float) -> float:
        self._font(run.style, size)
        return float(self._pdf.get_string_width(run.text)) + 2 * _PAD * (run.style is Style.CODE)

    def _fitting(self, text: str, room: float) -> int:
        self._font(Style.CODE, _CODE)
        low, high = 0, len(text)
        while low < high:
            middle = (low + high + 1) // 2
            if self._pdf.get_string_width(text[:middle]) <= room:
                low = middle
            else:
                high = middle - 1
        return max(low, 1) if text else 0
