"""A report as a page that asks for nothing, as CSV and as Markdown, in both languages."""

from __future__ import annotations

import ast
import base64
import hashlib
import io
import re
import zipfile
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from core.changes.markers import ROLLED_BACK, SENTENCES
from core.usage import reporting
from core.usage.records import Language, UsageQuery
from core.usage.reporting.content import from_json, to_json
from core.usage.reporting.files import markdown, zipped
from core.usage.reporting.html import page, shown
from core.usage.reporting.records import CARDS, FIGURES, Marked, Report
from core.usage.reporting.svg import chart
from core.usage.reporting.wording import BOARDS, CHINESE, NAMES, WEEKDAYS, say
from core.usage.reporting.wording import CARDS as CARD_WORDS
from core.usage.sheets.records import Board, Column, Drawing, Sheet, SheetFigure, Table, Unit

FIRST = date(2026, 11, 2)
DAYS = [FIRST + timedelta(days=n) for n in range(14)]
HOSTILE = "<script>alert(1)</script> | =1+1"


def days_table(values: list[float | None], drawing: Drawing = Drawing.BARS) -> Table:
    rows = [(day, value) for day, value in zip(DAYS, values, strict=True)]
    columns = [Column("day", Unit.DAY), Column("answers", Unit.COUNT)]
    return Table(name="answers_per_day", columns=columns, rows=rows, drawing=drawing, drawn=("answers",))


@pytest.fixture
def report() -> Report:
    query = UsageQuery(FIRST, DAYS[-1], group=HOSTILE)
    columns = [Column("group", Unit.TEXT), *(Column(name, Unit.COUNT) for name in ("answers", "before", "tokens"))]
    rows = [(HOSTILE, 12, 0, 3), ("", 6, 5, 4)]
    groups = Table(name="groups", columns=columns, rows=rows, drawing=Drawing.ROWS, drawn=("answers",))
    figures = [
        SheetFigure(name="rated_good", unit=Unit.SHARE, now=0.874, before=None),
        SheetFigure(name="cost", unit=Unit.AMOUNT, now=None, before=12.5, currency="EUR"),
    ]
    hours = Table(
        name="hours", columns=[Column("weekday", Unit.COUNT), Column("hour", Unit.COUNT), Column("busy", Unit.SHARE)],
        rows=[(1, 9, 0.9), (1, 10, None)], drawing=Drawing.HEAT, drawn=("busy",),
    )  # fmt: skip
    overview = Sheet(board=Board.OVERVIEW, query=query, figures=figures, tables=[days_table([None, 3, *[5.0] * 12]), groups])
    capacity = Sheet(board=Board.CAPACITY, query=query, figures=[], tables=[hours])
    marks = [Marked(DAYS[3], SENTENCES[next(iter(SENTENCES))], {"model": HOSTILE, "version": "b71e"})]
    return Report(
        name=HOSTILE, query=query, zone="Europe/Zurich", made_at=datetime(2026, 11, 16, 6, tzinfo=UTC), marks=marks,
        sheets=[(overview, (FIGURES, "answers_per_day", "groups")), (capacity, ("hours",))],
    )  # fmt: skip


class Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]


@pytest.mark.parametrize("language", list(Language))
def test_the_page_has_no_script_no_address_and_no_style_beside_the_hashed_one(report: Report, language: Language) -> None:
    text, seen = page(report, language), Seen()
    seen.feed(text)
    assert not {"script", "link", "img", "iframe", "a", "object"} & set(seen.tags) and seen.tags.count("style") == 1
    assert not [name for name, _ in seen.attributes if name.startswith("on") or name in ("style", "src", "href", "srcset")]
    assert not re.search(r"url\(|@import|https?://(?!www\.w3\.org/2000/svg)", text)
    [style] = re.findall("<style>(.*?)</style>", text, re.DOTALL)
    policy = next(value for name, value in seen.attributes if name == "content" and "default-src" in value)
    assert policy.startswith("default-src 'none'; ") and base64.b64encode(hashlib.sha256(style.encode()).digest()).decode() in policy
    assert "@media print" in style


def test_what_people_named_is_text_everywhere(report: Report) -> None:
    for language in Language:
        assert HOSTILE not in page(report, language) and "<script" not in shown(report, language)
        assert "&lt;script&gt;" in page(report, language)
        assert "\\<script\\>" in markdown(report, language) and "\\| =1" in markdown(report, language)
        assert markdown(report, language).count("](data:image/svg+xml;base64,") == 1, "the days are drawn, the groups and hours are tables"


def test_figures_dashes_and_the_period_before_stand_in_the_reader_s_language(report: Report) -> None:
    english, chinese = page(report, Language.EN), page(report, Language.ZH)
    assert "87.4 %" in english and "before: 12.50 EUR" in english and "<b>–</b>" in english and "No group" in english
    assert "之前：12.50 EUR" in chinese and "无部门" in chinese and 'lang="zh-CN"' in chinese
    assert "2026年11月2日 至 2026年11月15日" in chinese
    assert english.count("class='none'") == 7 * 24 - 1, "hours that were not measured are hatched"


def test_a_day_that_was_not_counted_has_no_bar_and_marks_are_numbered(report: Report) -> None:
    drawn = ElementTree.fromstring(chart(days_table([None, 3.0, *[5.0] * 12]), Language.EN, report.marks))
    space = "{http://www.w3.org/2000/svg}"
    assert len(drawn.findall(f"{space}rect")) == 13
    assert "1" in [each.text for each in drawn.findall(f"{space}text")] and len(drawn.findall(f"{space}line[@stroke-dasharray]")) == 1


def test_a_line_has_gaps_and_a_lonely_value_is_a_dot() -> None:
    drawn = chart(days_table([1.0, None, 2.0, 3.0, *[None] * 10], Drawing.LINES), Language.EN)
    assert drawn.count("<circle") == 1 and drawn.count("<polyline") == 1
    assert chart(days_table([None] * 14), Language.EN) == ""


def test_csv_keeps_nulls_empty_and_formulas_as_text(report: Report) -> None:
    with zipfile.ZipFile(io.BytesIO(zipped(report))) as archive:
        assert archive.namelist() == ["overview-figures.csv", "overview-answers_per_day.csv", "overview-groups.csv", "capacity-hours.csv"]
        lines = archive.read("overview-answers_per_day.csv").decode("utf-8-sig").splitlines()
    assert lines[:3] == ["day,answers", "2026-11-02,", "2026-11-03,3"]


def test_a_stored_report_is_read_back_as_it_was(report: Report) -> None:
    again = from_json(to_json(report))
    assert to_json(again) == to_json(report) and page(again, Language.ZH) == page(report, Language.ZH)


def test_every_word_of_a_report_has_its_chinese() -> None:
    said = {*BOARDS.values(), *CARD_WORDS.values(), *NAMES.values(), *WEEKDAYS, *SENTENCES.values(), ROLLED_BACK}
    for path in Path(str(reporting.__file__)).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "say":
                said |= {each.value for each in node.args[1:2] if isinstance(each, ast.Constant)}
    assert said - set(CHINESE) == set()
    assert {card.partition(".")[2] for card in CARDS} == set(CARD_WORDS)
    for sentence, words in CHINESE.items():
        assert set(re.findall(r"\{\w+\}", sentence)) == set(re.findall(r"\{\w+\}", words)), sentence
    assert say(Language.ZH, "Report: {name}", name="x") == "报告：x"
