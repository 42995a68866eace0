"""Place lines, code and tables on pages."""

from __future__ import annotations

from collections.abc import Sequence

from fpdf import FPDF
from fpdf.errors import FPDFException

from plugins.pdf_export.drawing import Drawing
from plugins.pdf_export.fonts import is_cjk
from plugins.pdf_export.lines import Run, Style, broken

MARGIN = 20.0
INDENT = 6.0
SIZE, SMALL, CODE = 10.5, 8.5, 9.0
_LEADING = 1.55
_PAD = 0.8
"""Beside code in a line."""
_POINT = 25.4 / 72
_ROW, _ROW_PAD = 5.2, 1.2
_CELL, _SMALL_CELL = 9.5, 7.5
_HEAD, _MOST = 11.0, 70.0
"""The width of a Chinese head that is longer than its cells in a wide table, and the most of a column."""
KEPT_ROWS = 10
"""A table with at most so many rows stays on one page."""
GREY, BLACK, BLUE, SHADE = (110, 110, 110), (20, 20, 20), (20, 80, 160), (243, 243, 244)
_STYLES = {Style.TEXT: ("text", ""), Style.BOLD: ("text", "B"), Style.CODE: ("code", "")}


def table_height(rows: int) -> float:
    """Return the height of a table whose rows have one line each."""
    return rows * (_ROW + 2 * _ROW_PAD)


class Layout:
    """Places lines, code and tables one below the other, on as many pages as they take."""

    def __init__(self, pdf: FPDF) -> None:
        self._pdf = pdf
        self.indent = 0.0
        self.quoted = 0
        pdf.add_page()
        pdf.set_y(MARGIN)

    def gap(self, height: float) -> None:
        self._pdf.set_y(self._pdf.get_y() + height)

    def text(
        self, runs: Sequence[Run], *, size: float = SIZE, colour: tuple[int, int, int] = BLACK, mark: str = "", shade: bool = False,
        keep: float = 0,
    ) -> None:  # fmt: skip
        """Draw a paragraph. mark: stands before its first line. shade: on grey. keep: room below it that must be on the same page."""
        pdf, height = self._pdf, size * _LEADING * _POINT
        left = MARGIN + self.indent
        pad = 2.5 if shade else 0.0
        room = pdf.w - MARGIN - left - 2 * pad
        for number, line in enumerate(broken(runs, room, lambda run: self._width(run, size))):
            self._make_room(height + (keep if number == 0 else 0))
            if shade:
                pdf.set_fill_color(*SHADE)
                pdf.rect(left, pdf.get_y(), room + 2 * pad, height, style="F")
            for depth in range(self.quoted):
                pdf.set_draw_color(200, 200, 200)
                x = left - INDENT * (self.quoted - depth) + 2
                pdf.line(x, pdf.get_y(), x, pdf.get_y() + height)
            if mark and number == 0:
                self._font(Style.TEXT, size)
                pdf.set_text_color(*BLACK)
                pdf.set_x(left - INDENT)
                pdf.cell(INDENT - 1.5, height, mark, align="R")
            pdf.set_x(left + pad)
            for run in line:
                self._font(run.style, size)
                pdf.set_text_color(*(BLUE if run.link else colour))
                if run.style is Style.CODE:
                    pdf.set_fill_color(*SHADE)
                    pdf.rect(pdf.get_x(), pdf.get_y() + 0.6, self._width(run, size), height - 1.2, style="F")
                    pdf.set_x(pdf.get_x() + _PAD)
                pdf.cell(self._width(run, size) - _PAD * (run.style is Style.CODE), height, run.text, link=run.link)
            pdf.set_xy(MARGIN, pdf.get_y() + height)

    def code(self, text: str) -> None:
        """Draw a block of code; a long line continues below itself."""
        self.gap(1)
        pdf, height = self._pdf, CODE * 1.4 * _POINT
        left, pad = MARGIN + self.indent, 3.0
        room = pdf.w - MARGIN - left - 2 * pad
        for source in text.expandtabs(4).split("\n"):
            rest = source
            while True:
                fits = self._fitting(rest, room)
                self._make_room(height)
                pdf.set_fill_color(*SHADE)
                pdf.rect(left, pdf.get_y(), room + 2 * pad, height, style="F")
                self._font(Style.CODE, CODE)
                pdf.set_text_color(*BLACK)
                pdf.set_x(left + pad)
                pdf.cell(room, height, rest[:fits])
                pdf.set_xy(MARGIN, pdf.get_y() + height)
                rest = rest[fits:]
                if not rest:
                    break
        self.gap(3)

    def table(self, rows: Sequence[Sequence[str]], numbers: Sequence[bool] = ()) -> None:
        """Draw a table; one that does not fit is written as lines. numbers: which columns are aligned at the right."""
        pdf = self._pdf
        if not rows or not rows[0]:
            return
        self.gap(1)
        if len(rows) <= KEPT_ROWS:
            self._make_room(table_height(len(rows)))
        count = len(rows[0])
        room = pdf.w - 2 * MARGIN - self.indent
        self._font(Style.TEXT, _CELL)
        widest = [self._column(rows, n, 6) for n in range(count)]
        if sum(widest) > room:
            # The cells decide then, and heads take several lines.
            self._font(Style.BOLD, _SMALL_CELL)
            heads = [self._head(each) for each in rows[0]]
            self._font(Style.TEXT, _SMALL_CELL)
            widest = [max(self._column(rows[1:], n, 3), heads[n]) for n in range(count)]
            spare = max(0.0, room - sum(widest)) / count
            widest = [each + spare for each in widest]
        pdf.set_text_color(*BLACK)
        pdf.set_draw_color(200, 200, 200)
        pdf.set_fill_color(255, 255, 255)
        pdf.set_auto_page_break(True, MARGIN)
        pdf.set_left_margin(MARGIN + self.indent)
        try:
            with pdf.table(
                width=min(room, sum(widest)), col_widths=tuple(widest), align="LEFT", line_height=_ROW, padding=_ROW_PAD,
                text_align=tuple("RIGHT" if number else "LEFT" for number in [*numbers, *[False] * count][:count]),
                borders_layout="HORIZONTAL_LINES",
            ) as table:
                for row in rows:
                    table.row([*row, *[""] * (count - len(row))][:count])
        except (FPDFException, ValueError):
            for row in rows:
                self.text([Run(" | ".join(row))])
        finally:
            pdf.set_left_margin(MARGIN)
            pdf.set_auto_page_break(False)
        self.gap(3)

    def _column(self, rows: Sequence[Sequence[str]], number: int, more: float) -> float:
        """Return the width of a column's longest cell, and so much more, up to a limit."""
        return max((min(self._pdf.get_string_width(row[number]) + more, _MOST) for row in rows if number < len(row)), default=more)

    def _head(self, text: str) -> float:
        """Return the width that a head needs whose words stand below each other; Chinese can be broken anywhere."""
        widths = [(self._pdf.get_string_width(word), word) for word in text.split()]
        return 3 + max((min(width, _HEAD) if any(map(is_cjk, word)) else min(width, _MOST) for width, word in widths), default=0.0)

    def drawing(self, address: str) -> None:
        """Draw a chart as wide as the text. Raises ValueError for what is no chart."""
        pdf = self._pdf
        left = MARGIN + self.indent
        made = Drawing(address, pdf.w - MARGIN - left)
        self._make_room(made.height)
        made.draw(pdf, left, pdf.get_y(), "text")
        self.gap(made.height + 2)

    def rule(self) -> None:
        self._make_room(4)
        pdf = self._pdf
        pdf.set_draw_color(200, 200, 200)
        pdf.line(MARGIN, pdf.get_y() + 1, pdf.w - MARGIN, pdf.get_y() + 1)
        self.gap(4)

    def page_numbers(self) -> None:
        pdf, last = self._pdf, self._pdf.pages_count
        for number in range(1, last + 1):
            pdf.page = number
            self._font(Style.TEXT, SMALL)
            pdf.set_text_color(*GREY)
            pdf.set_xy(MARGIN, pdf.h - 13)
            pdf.cell(pdf.w - 2 * MARGIN, 5, f"{number} / {last}", align="C")

    def _make_room(self, height: float) -> None:
        if self._pdf.get_y() + height > self._pdf.h - MARGIN:
            self._pdf.add_page()
            self._pdf.set_y(MARGIN)

    def _font(self, style: Style, size: float) -> None:
        family, emphasis = _STYLES[style]
        self._pdf.set_font(family, emphasis, size)

    def _width(self, run: Run, size: float) -> float:
        self._font(run.style, size)
        return float(self._pdf.get_string_width(run.text)) + 2 * _PAD * (run.style is Style.CODE)

    def _fitting(self, text: str, room: float) -> int:
        self._font(Style.CODE, CODE)
        low, high = 0, len(text)
        while low < high:
            middle = (low + high + 1) // 2
            if self._pdf.get_string_width(text[:middle]) <= room:
                low = middle
            else:
                high = middle - 1
        return max(low, 1) if text else 0
