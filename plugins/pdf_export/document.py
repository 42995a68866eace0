"""Lay out a chat on pages: title, questions, answers with their Markdown, page numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fpdf import FPDF
from markdown_it import MarkdownIt
from markdown_it.token import Token

from core.plugins.hookspecs import Chat, ChatMessage
from plugins.pdf_export.drawing import SVG
from plugins.pdf_export.fonts import find_fonts
from plugins.pdf_export.layout import GREY, INDENT, KEPT_ROWS, MARGIN, SIZE, SMALL, Layout, table_height
from plugins.pdf_export.lines import Run, Style

_HEADINGS = {1: 15.0, 2: 13.5, 3: 12.0}
_CODE_SIGNS = ("`", "    ", "\t", "~~~")
"""Without one of them the text of an answer has no code."""
_MAX_NESTED = 40
_DOCUMENT = "document"
"""The author of a text that has no heading of its own, as a report."""


def write(chat: Chat) -> bytes:
    """Return a chat as PDF. Raises PluginRefusal if no font has its characters."""
    fonts = find_fonts("".join([chat.title, *(text for each in chat.messages for text in _texts(each))]))
    pdf = FPDF(format="A4")
    faces = [("text", "", fonts.text), ("text", "B", fonts.bold)]
    # Reading a font takes a second.
    if any(each.steps or any(sign in each.text for sign in _CODE_SIGNS) for each in chat.messages):
        faces.append(("code", "", fonts.code))
    for family, style, face in faces:
        pdf.add_font(family, style, face.path, collection_font_number=face.number)
    pdf.c_margin = 0
    pdf.set_margins(MARGIN, MARGIN, MARGIN)
    pdf.set_auto_page_break(False)
    pdf.set_title(chat.title)
    pdf.set_creator("GLM Portal")
    pdf.set_creation_date(chat.updated_at)
    layout = Layout(pdf)
    layout.text([Run(chat.title, Style.BOLD)], size=18)
    if any(each.author != _DOCUMENT for each in chat.messages):  # A document says itself of when it is.
        layout.text([Run(f"{chat.updated_at:%Y-%m-%d %H:%M} UTC")], size=SMALL, colour=GREY)
    for message in chat.messages:
        _message(layout, message)
    layout.page_numbers()
    return bytes(pdf.output())


def _texts(message: ChatMessage) -> list[str]:
    steps = [text for step in message.steps for text in (step.title, step.arguments, step.error or step.result)]
    return [message.text, message.model, *message.files, *steps]


def _message(layout: Layout, message: ChatMessage) -> None:
    layout.gap(5)
    if message.author != _DOCUMENT:
        who = "Question" if message.author == "user" else "Answer"
        model = f" · {message.model}" if message.model else ""
        layout.text([Run(f"{who}{model} · {message.created_at:%Y-%m-%d %H:%M} UTC")], size=SMALL, colour=GREY, keep=12)
        layout.gap(1)
    for name in message.files:
        layout.text([Run(f"• {name}")], size=SMALL, colour=GREY)
    if message.author == "user":
        layout.text([Run(message.text)], shade=True)
        return
    for step in message.steps:
        seconds = f" · {step.seconds:.1f} s" if step.seconds is not None else ""
        layout.text([Run(f"Tool: {step.title}{seconds}")], size=SMALL, colour=GREY, keep=12)
        for text in (step.arguments, f"Error: {step.error}" if step.error else step.result):
            if text:
                layout.code(text)
    parser = MarkdownIt("commonmark", {"maxNesting": _MAX_NESTED, "html": False}).enable(["table", "strikethrough"])
    if message.author == _DOCUMENT:  # Reports of the portal hold charts; nothing else may.
        parser.validateLink = lambda url: url.startswith(("https://", "http://", "mailto:", SVG))  # type: ignore[method-assign]
    try:
        tokens = parser.parse(message.text)
    except (RecursionError, ValueError, IndexError):
        layout.text([Run(message.text)])
        return
    _blocks(layout, tokens)


def _blocks(layout: Layout, tokens: Sequence[Token]) -> None:
    """Draw the blocks of an answer."""
    lists: list[int | None] = []
    mark, size = "", SIZE
    at = 0
    while at < len(tokens):
        token = tokens[at]
        match token.type:
            case "heading_open":
                size = _HEADINGS.get(int(token.tag[1:]), SIZE + 0.5)
                layout.gap(2)
            case "heading_close":
                size = SIZE
            case "paragraph_close":
                layout.gap(0.6 if token.hidden else 2)
            case "bullet_list_open" | "ordered_list_open":
                lists.append(int(token.attrs.get("start", 1)) if token.type[0] == "o" else None)
                layout.indent += INDENT
            case "bullet_list_close" | "ordered_list_close":
                lists.pop()
                layout.indent -= INDENT
                layout.gap(0 if lists else 1.5)
            case "list_item_open":
                number = lists[-1]
                mark = "•" if number is None else f"{number}."
                lists[-1] = None if number is None else number + 1
            case "blockquote_open":
                layout.indent += INDENT
                layout.quoted += 1
            case "blockquote_close":
                layout.indent -= INDENT
                layout.quoted -= 1
            case "inline" if (chart := _chart(token)) is not None:
                try:
                    layout.drawing(chart)
                except ValueError:
                    layout.text([Run(token.children[0].content if token.children else "")])
            case "inline":
                bold = size != SIZE
                layout.text(_runs(token.children or (), bold=bold), size=size, mark=mark, keep=_room_below(tokens, at + 2) if bold else 0)
                mark = ""
                if bold:
                    layout.gap(1.5)
            case "fence" | "code_block":
                layout.code(token.content.rstrip("\n"))
            case "hr":
                layout.rule()
            case "table_open":
                end = next(n for n in range(at, len(tokens)) if tokens[n].type == "table_close")
                numbers = [token.attrs.get("style") == "text-align:right" for token in tokens[at:end] if token.type == "th_open"]
                layout.table(_rows(tokens[at:end]), numbers)
                at = end
        at += 1


def _chart(token: Token) -> str | None:
    """Return the address of the chart that this line is; None for any other line."""
    match token.children:
        case [Token(type="image") as image] if str(image.attrs.get("src", "")).startswith(SVG):
            return str(image.attrs["src"])
    return None


def _room_below(tokens: Sequence[Token], at: int) -> float:
    """Return how much of what follows a heading must be on its page: further headings, and a small table as a whole."""
    if at >= len(tokens):
        return 0.0
    if tokens[at].type == "heading_open":
        return 12.0 + _room_below(tokens, at + 3)
    if tokens[at].type != "table_open":
        return 14.0
    end = next(n for n in range(at, len(tokens)) if tokens[n].type == "table_close")
    rows = sum(token.type == "tr_open" for token in tokens[at:end])
    return 4.0 + table_height(rows if rows <= KEPT_ROWS else 3)


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
