"""Export chats as PDF, with Chinese, headings, tables, code and page numbers.

In reading order:

- fonts: find a font that has the characters of a chat
- lines: break runs of text into lines
- layout: place lines, code and tables on pages
- drawing: draw the charts of reports
- document: draw a chat: title, questions, answers with their Markdown
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

from core.plugins.hookspecs import Chat, Exporter, hookimpl


@hookimpl
def exporters() -> Sequence[Exporter]:
    if importlib.util.find_spec("fpdf") is None:
        raise RuntimeError("The package fpdf2 is missing. Set PORTAL_PDF_EXPORT=true and start the portal again.")
    return [Exporter(name="pdf", title="PDF", ending="pdf", media_type="application/pdf", write=_write)]


def _write(chat: Chat) -> bytes:
    from plugins.pdf_export.document import write  # In the process that writes: it imports fpdf2.

    return write(chat)
