"""Draw the charts of reports: SVG with rectangles, lines, circles and texts alone."""

from __future__ import annotations

import base64
import binascii
from xml.etree import ElementTree

from fpdf import FPDF

SVG = "data:image/svg+xml;base64,"
_NAMESPACE = "{http://www.w3.org/2000/svg}"
_DASH = 0.6
_POINTS = 72 / 25.4


class Drawing:
    """A chart in millimetres of a page, as wide as there is room."""

    def __init__(self, address: str, width: float) -> None:
        """Raises ValueError for what is no such chart."""
        try:
            self._root = ElementTree.fromstring(base64.b64decode(address.removeprefix(SVG), validate=True))
            _, _, across, down = (float(each) for each in self._root.get("viewBox", "").split())
            self._scale = width / across
        except (ElementTree.ParseError, binascii.Error, ZeroDivisionError) as wrong:
            raise ValueError("This is no chart.") from wrong
        self.height = down * self._scale

    def draw(self, pdf: FPDF, left: float, top: float, family: str) -> None:
        """Draw it at this position, with its texts in this font."""
        for shape in self._root:
            match shape.tag.removeprefix(_NAMESPACE):
                case "rect":
                    pdf.set_fill_color(shape.get("fill", "#000000"))
                    size = self._at(shape, "width"), self._at(shape, "height")
                    pdf.rect(self._at(shape, "x", left), self._at(shape, "y", top), *size, "F")
                case "line":
                    ends = [self._at(shape, name, left if name[0] == "x" else top) for name in ("x1", "y1", "x2", "y2")]
                    pdf.set_draw_color(shape.get("stroke", "#000000"))
                    pdf.set_line_width(0.2)
                    dashed = shape.get("stroke-dasharray") is not None
                    pdf.set_dash_pattern(*(_DASH, _DASH) if dashed else ())
                    pdf.line(*ends)
                    pdf.set_dash_pattern()
                case "circle":
                    pdf.set_fill_color(shape.get("fill", "#000000"))
                    pdf.circle(self._at(shape, "cx", left), self._at(shape, "cy", top), self._at(shape, "r"), "F")
                case "polyline":
                    points = [each.split(",") for each in shape.get("points", "").split()]
                    pdf.set_draw_color(shape.get("stroke", "#000000"))
                    pdf.set_line_width(0.5)
                    pdf.polyline([(left + float(x) * self._scale, top + float(y) * self._scale) for x, y in points])
                case "text":
                    self._text(pdf, shape, left, top, family)

    def _text(self, pdf: FPDF, shape: ElementTree.Element, left: float, top: float, family: str) -> None:
        words, x = shape.text or "", self._at(shape, "x", left)
        pdf.set_font(family, "", self._at(shape, "font-size") * _POINTS)
        pdf.set_text_color(shape.get("fill", "#000000"))
        before = {"middle": 0.5, "end": 1.0}.get(shape.get("text-anchor", ""), 0.0)
        pdf.text(x - pdf.get_string_width(words) * before, self._at(shape, "y", top), words)

    def _at(self, shape: ElementTree.Element, name: str, origin: float = 0.0) -> float:
        return origin + float(shape.get(name, "0")) * self._scale
