"""The Reports page over a seeded store."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pypdf import PdfReader

from core.people.records import Role
from core.tasks.records import Every
from core.usage.records import Language
from core.usage.reporting.content import to_json
from core.usage.reporting.records import MadeReport, Period, ReportPlan
from core.usage.reporting.writer import ReportFormat
from core.usage.rollups.service import Rollups
from data.unit_of_work import SqlUnitOfWork
from samples.servers.missing import missing
from tests.pages.seeded import Stage, as_role, page, stage, texts
from tests.store import things

PLAN = ReportPlan(name="Board", cards=("overview.figures", "overview.answers_per_day"), every=Every.WEEK, mails=("a@corp.example",))


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    made = stage(tmp_path_factory.mktemp("reports"))
    Rollups(lambda: SqlUnitOfWork(made.portal.database), lambda: datetime.now(UTC)).run()
    yield made
    made.portal.close()


def test_a_new_report_is_shown_saved_and_listed(seeded: Stage) -> None:
    drawn = page("reports", seeded)
    assert not drawn.exception and "No reports yet" in texts(drawn)
    drawn.button(key="blank-reports-action").click().run()
    assert not drawn.exception and "<div class='paper'><h1>New report</h1>" in texts(drawn) and "data:image/svg+xml" in texts(drawn)
    drawn.text_input(key="report-name").set_value("Week").run()
    drawn.selectbox(key="report-every").set_value(Every.WEEK).run()
    drawn.text_input(key="report-mails").set_value("nobody").run()
    assert "nobody is not a mail address" in texts(drawn) and drawn.button(key="report-save").disabled
    drawn.text_input(key="report-mails").set_value("ops@corp.example").run()
    drawn.button(key="report-save").click().run()
    assert not drawn.exception and "Mondays at 7" in texts(drawn) and "No report was made on schedule yet." in texts(drawn)
    [stored] = seeded.portal.report_plans.overview(seeded.admin).plans
    assert stored.plan.every is Every.WEEK and stored.owner_id == seeded.admin.id
    seeded.portal.report_plans.remove(seeded.admin, stored.id)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_report_that_was_made_is_read_in_the_reader_s_language(seeded: Stage, language: str) -> None:
    stored = seeded.portal.report_plans.add(seeded.admin, replace(PLAN, name=f"Board {language}"))
    made = seeded.portal.report_writer.make(seeded.admin, stored.plan)
    report = MadeReport(
        id=things.new_id(), plan_id=stored.id, name=stored.plan.name, owner_id=seeded.admin.id, first=made.query.first,
        last=made.query.last, made_at=made.made_at,
    )  # fmt: skip
    with SqlUnitOfWork(seeded.portal.database) as work:
        work.reports.add_report(report, to_json(made), 60)
        work.commit()
    manager = as_role(seeded.admin, Role.MANAGER)
    assert made.query.first.isoformat() in texts(page("reports", seeded, manager, language=language)).replace("\\", "")
    drawn = page("reports", seeded, manager, language=language, query={"report": report.id})
    assert not drawn.exception and ("每日回答" if language == "zh" else "Answers per day") in texts(drawn)
    seeded.portal.report_plans.remove(seeded.admin, stored.id)


def test_what_is_gone_is_said_and_an_analyst_sees_nothing(seeded: Stage) -> None:
    assert "There is nothing here" in texts(page("reports", seeded, query={"plan": "x"}))
    assert "There is nothing here" in texts(page("reports", seeded, query={"report": "x"}))
    assert page("reports", seeded, as_role(seeded.admin, Role.ANALYST)).exception


def test_a_report_is_written_as_pdf_in_both_languages(seeded: Stage) -> None:
    pytest.importorskip("fpdf")
    from plugins.pdf_export.fonts import PLACES

    if not any(Path(each).is_file() for each in PLACES):
        missing("PDF files need a font: apt-get install fonts-noto-cjk")
    seeded.portal.plugins.change(seeded.admin, "pdf", everyone=True)
    today = datetime.now(UTC).date()
    cards = ("overview.figures", "overview.groups", "speed.models", "capacity.hours")
    plan = ReportPlan(name="Board, autumn", cards=cards, period=Period.FREE, first=today - timedelta(days=8), last=today)
    expected = {Language.EN: ("Overview", "This period", "By group", "Mon"), Language.ZH: ("概览", "本期", "按部门", "周一")}
    for language, words in expected.items():
        file = seeded.portal.report_writer.write(seeded.admin, plan, ReportFormat.PDF, language)
        assert file.name.endswith(".pdf") and file.media_type == "application/pdf"
        text = "\n".join(each.extract_text().replace("\0", "") for each in PdfReader(io.BytesIO(file.content)).pages)
        assert text.startswith("Board, autumn") and all(each in text for each in words), text
        assert "Treasury" in text and "GLM-4.5-Air-Q4_K_M" in text and text.count("UTC") == 2, "the day of making stands there once"
