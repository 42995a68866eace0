"""What a PDF of a chat contains."""

from __future__ import annotations

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
