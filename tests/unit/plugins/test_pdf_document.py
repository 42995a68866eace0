"""What a PDF of a chat contains."""

from __future__ import annotations

import base64
import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pypdf import PdfReader

from core.plugins.hookspecs import Chat, ChatMessage, ChatStep
from samples.servers.missing import missing

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


def test_an_answer_whose_only_code_is_in_the_steps_of_tools_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("fpdf")
    from plugins.pdf_export import document, fonts

    if not any(Path(each).is_file() for each in fonts.PLACES):
        missing("PDF files need a font: apt-get install fonts-noto-cjk")
    steps = (
        ChatStep(title="Search my chats", arguments='{"words": "斑马合同"}', result="Meyer", seconds=0.2),
        ChatStep(title="Book a room", arguments="{}", error="This step was refused. Nothing was changed."),
    )
    code: list[str] = []
    write = document.Layout.code

    def noted(layout: document.Layout, text: str) -> None:
        code.append(text)
        write(layout, text)

    monkeypatch.setattr(document.Layout, "code", noted)
    answer = ChatMessage("assistant", "Meyer has it.", NOW, steps=steps)
    made = document.write(Chat(title="Contract", updated_at=NOW, messages=(ChatMessage("user", "Who has it?", NOW), answer)))
    assert made.startswith(b"%PDF")
    assert code == ['{"words": "斑马合同"}', "Meyer", "{}", "Error: This step was refused. Nothing was changed."]


def test_a_small_table_of_a_report_stays_on_one_page_with_its_heading() -> None:
    pytest.importorskip("fpdf")
    from plugins.pdf_export import document, fonts

    if not any(Path(each).is_file() for each in fonts.PLACES):
        missing("PDF files need a font: apt-get install fonts-noto-cjk")
    parts = []
    for number in range(14):
        rows = "\n".join(f"| end{number}. | {row} |" for row in range(3 + number % 6))
        parts.append(f"# Board {number}\n\n## Begin{number}.\n\n| Name | Value |\n|---|---:|\n{rows}\n")
    text = "\n".join(parts)
    made = document.write(Chat(title="Report", updated_at=NOW, messages=(ChatMessage("document", text, NOW),)))
    pages = [each.extract_text().replace("\0", "") for each in PdfReader(io.BytesIO(made)).pages]
    assert len(pages) > 2 and "UTC" not in pages[0] and "Answer" not in pages[0]
    for number in range(14):
        [page] = [each for each in pages if f"Begin{number}." in each]
        assert page.count(f"end{number}.") == 3 + number % 6 and f"Board {number}\n" in page


def test_only_a_report_draws_charts(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("fpdf")
    from plugins.pdf_export import document, fonts

    if not any(Path(each).is_file() for each in fonts.PLACES):
        missing("PDF files need a font: apt-get install fonts-noto-cjk")
    shapes = (
        '<rect x="60" y="40" width="20" height="90" fill="#2f5bd7"/><line x1="9" x2="99" stroke="#d9dce1" stroke-dasharray="2 3"/>'
        '<circle cx="9" cy="9" r="2.5" fill="#0e8a7d"/><polyline points="1,2 3,4" fill="none" stroke="#0e8a7d"/>'
        '<text x="99" y="99" font-size="11" text-anchor="end" fill="#5a6068">60 %</text>'
    )
    svg = base64.b64encode(f'<svg viewBox="0 0 760 210" xmlns="http://www.w3.org/2000/svg">{shapes}</svg>'.encode()).decode()
    text = f"# Overview\n\n![Answers](data:image/svg+xml;base64,{svg})\n\nThe end."

    def words(author: str, text: str = text) -> str:
        made = document.write(Chat(title="Week", updated_at=NOW, messages=(ChatMessage(author, text, NOW),)))
        return PdfReader(io.BytesIO(made)).pages[0].extract_text().replace("\0", "")

    assert "60 %" in words("document") and "The end." in words("document")
    assert "60 %" not in words("assistant") and "data:image" in words("assistant")
    assert "Answers" in words("document", text.replace(svg, "bm8gY2hhcnQ=")), "what is no chart is named"
