from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from streamlit.proto.Metric_pb2 import Metric as MetricProto
from streamlit.testing.v1 import AppTest

from core.changes.markers import mark
from core.changes.records import Change
from core.errors import NotAllowed
from core.people.audit_records import AuditFilter
from core.people.records import Role, User
from core.usage.reports import UsageQuery
from data.unit_of_work import SqlUnitOfWork
from pages.widgets.usage.export_menu import days_csv, rows_csv
from tests.pages.seeded import Stage, as_role, stage, texts
from tests.pages.seeded import page as drawn_page


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    made = stage(tmp_path_factory.mktemp("usage"))
    yield made
    made.portal.close()


def page(name: str, stage: Stage, user: User | None = None, language: str = "en") -> AppTest:
    """The page with its report, in the last of its tabs."""
    return drawn_page(name, stage, user, language, {"tab": "report"})


def charts(drawn: AppTest) -> list[dict]:
    return [json.loads(chart.proto.spec) for chart in drawn.get("plotly_chart")]


def metric(drawn: AppTest, label: str) -> str:
    return next(each.value for each in drawn.metric if each.label == label)


def test_an_empty_store_says_what_will_come_here(tmp_path) -> None:
    made = stage(tmp_path, empty=True)
    drawn = page("usage", made)
    assert not drawn.exception
    assert "No answers yet" in texts(drawn) and not drawn.metric
    made.portal.close()


def test_the_numbers_are_those_of_the_report(seeded: Stage) -> None:
    drawn = page("usage", seeded)
    assert not drawn.exception
    today = datetime.now(UTC).date()
    report = seeded.portal.usage.report(seeded.admin, UsageQuery(today - timedelta(days=27), today))
    assert metric(drawn, "Answers") == f"{report.total.answers:,}"
    assert metric(drawn, "People") == str(report.total.people)
    assert metric(drawn, "Rated good") == f"{report.total.satisfaction * 100:.1f} %"
    assert f"<dd>{report.total.prompt_tokens:,}</dd>" in texts(drawn)


def test_a_manager_may_look_and_an_analyst_is_told_no(seeded: Stage) -> None:
    assert page("usage", seeded, as_role(seeded.admin, Role.MANAGER)).metric
    refused = page("usage", seeded, as_role(seeded.admin, Role.ANALYST))
    assert not refused.metric and "does not allow this" in texts(refused)


def test_seven_days_moves_the_dates_and_dates_of_ones_own_release_the_choice(seeded: Stage) -> None:
    drawn = page("usage", seeded)
    today = datetime.now(UTC).date()
    drawn.segmented_control(key="usage-span").set_value(7).run()
    assert drawn.session_state["usage-dates"] == (today - timedelta(days=6), today)
    drawn.date_input(key="usage-dates").set_value((today - timedelta(days=3), today - timedelta(days=1))).run()
    assert drawn.segmented_control(key="usage-span").value is None
    report = seeded.portal.usage.report(seeded.admin, UsageQuery(today - timedelta(days=3), today - timedelta(days=1)))
    assert metric(drawn, "Answers") == f"{report.total.answers:,}"


def test_model_and_group_narrow_every_figure(seeded: Stage) -> None:
    drawn = page("usage", seeded)
    drawn.selectbox(key="usage-group").set_value("Legal").run()
    today = datetime.now(UTC).date()
    report = seeded.portal.usage.report(seeded.admin, UsageQuery(today - timedelta(days=27), today, group="Legal"))
    assert metric(drawn, "Answers") == f"{report.total.answers:,}"
    drawn.selectbox(key="usage-model").set_value("GLM-4.5-Air-Q4_K_M").run()
    assert int(metric(drawn, "Answers")) < report.total.answers


def test_a_day_without_answers_is_a_gap_in_the_latency_and_zero_in_the_counts(seeded: Stage) -> None:
    drawn = page("usage", seeded)
    people, _answers, first_token = charts(drawn)[:3]
    before_the_first_row = 0  # of 28 days only the last 12 are seeded
    assert first_token["data"][0]["y"][before_the_first_row] is None
    assert first_token["data"][0].get("connectgaps") is False
    assert _values(people["data"][0]["y"])[before_the_first_row] == 0


def _values(encoded: object) -> list[float]:
    """Plotly sends arrays of numbers as base64."""
    if isinstance(encoded, list):
        return encoded
    import base64
    import struct

    assert isinstance(encoded, dict)
    raw = base64.b64decode(encoded["bdata"])
    return list(struct.unpack(f"<{len(raw) // int(encoded['dtype'][1:])}{ {'i1': 'b', 'i2': 'h', 'f8': 'd'}[encoded['dtype']] }", raw))


def test_a_range_without_answers_says_so_instead_of_empty_charts(seeded: Stage) -> None:
    drawn = page("usage", seeded)
    drawn.date_input(key="usage-dates").set_value((date(2020, 1, 1), date(2020, 1, 31))).run()
    assert "No answers in this period" in texts(drawn) and not charts(drawn)
    assert metric(drawn, "Rated good") == "–"


def test_the_page_speaks_chinese(seeded: Stage) -> None:
    drawn = page("usage", seeded, language="zh")
    assert "# 用量" in texts(drawn) and {each.label for each in drawn.metric} == {"人数", "回答", "首个词元，p95", "好评率"}


def test_the_exports_hold_every_day_and_every_row(seeded: Stage) -> None:
    today = datetime.now(UTC).date()
    query = UsageQuery(today - timedelta(days=27), today)
    report = seeded.portal.usage.report(seeded.admin, query)
    days = list(csv.DictReader(io.StringIO(days_csv(report).decode("utf-8-sig"))))
    assert len(days) == 28 and sum(int(day["answers"]) for day in days) == report.total.answers
    assert days[0]["latency_p50"] == "" and days[0]["answers"] == "0"
    rows = list(csv.DictReader(io.StringIO(rows_csv(seeded.portal.usage.rows(seeded.admin, query)).decode("utf-8-sig"))))
    assert len(rows) == report.total.answers and "question" not in rows[0]


def test_a_change_too_small_to_show_has_no_sign_and_no_colour(seeded: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    today = datetime.now(UTC).date()
    report = seeded.portal.usage.report(seeded.admin, UsageQuery(today - timedelta(days=27), today))
    assert report.total.ttft_p95 is not None
    almost = replace(report, before=replace(report.total, ttft_p95=report.total.ttft_p95 + 0.01))
    monkeypatch.setattr(seeded.portal.usage, "report", lambda *_: almost)
    [first_token] = [each for each in page("usage", seeded).metric if each.label == "Time to first token, p95"]
    assert first_token.delta == "0.0 s" and first_token.proto.color == MetricProto.MetricColor.GRAY


def test_the_four_main_numbers_stand_alone_and_the_others_behind_them(seeded: Stage) -> None:
    drawn = page("usage", seeded)
    assert len(drawn.metric) == 4
    [more] = [each for each in drawn.expander if each.label == "More metrics"]
    assert "Prompt tokens" in "".join(html.value for html in more.get("html"))


def test_people_and_ways_are_counted_as_the_rows_say(seeded: Stage) -> None:
    today = datetime.now(UTC).date()
    query = UsageQuery(today - timedelta(days=27), today)
    rows = seeded.portal.usage.rows(seeded.admin, query)
    parts = seeded.portal.usage.parts(seeded.admin, query)
    asked = [row for row in rows if row.source in ("chat", "api")]
    assert sum(parts.answers_by_day(by_page=True)) + sum(parts.answers_by_day(by_page=False)) == len(asked)
    assert sum(each.tokens for each in parts.by_person()) == sum(row.prompt_tokens + row.completion_tokens for row in rows)
    assert len(parts.by_person()) == len({row.user_id for row in rows})
    assert [each.tokens for each in parts.by_person()] == sorted((each.tokens for each in parts.by_person()), reverse=True)
    narrow = seeded.portal.usage.parts(seeded.admin, UsageQuery(query.first, query.last, group="Legal"))
    assert {part.user_id for part in narrow.parts} == {row.user_id for row in rows if row.group == "Legal"}
    with pytest.raises(NotAllowed):
        seeded.portal.usage.parts(as_role(seeded.admin, Role.ANALYST), query)


def test_the_export_of_rows_is_recorded(seeded: Stage) -> None:
    today = datetime.now(UTC).date()
    rows_csv(seeded.portal.usage.rows(seeded.admin, UsageQuery(today, today)))
    newest = seeded.portal.audit.find(seeded.admin, AuditFilter()).entries[0].event
    assert (newest.action, newest.details["first"]) == ("usage.export", today.isoformat())


def test_changes_are_numbered_lines_that_are_named_below_the_chart(tmp_path) -> None:
    made = stage(tmp_path)
    now = datetime.now(UTC).replace(microsecond=0)
    with SqlUnitOfWork(made.portal.database) as work:
        mark(work, now, Change.LOAD, "<b>glm</b>")
        mark(work, now.replace(microsecond=1), Change.SWAP, "glm", to="f00d", state="done")
        mark(work, now.replace(microsecond=2), Change.CONFIGURATION, "7")
        work.commit()
    drawn = page("usage", made)
    marked = [each["layout"] for each in charts(drawn) if each["layout"].get("shapes")]
    assert len(marked) == 5, "every chart by day has it"
    [line], [number] = marked[0]["shapes"], [each for each in marked[0]["annotations"] if each["text"] == "1"]
    assert line["line"]["dash"] == "dot" and line["x0"] == now.date().isoformat()
    assert number["hovertext"] == (
        f"{now:%H:%M} &lt;b&gt;glm&lt;/b&gt; was loaded<br>{now:%H:%M} glm was swapped to version f00d"
        f"<br>{now:%H:%M} Configuration version 7 was applied"
    )
    assert "<b>1</b>" in texts(drawn) and ", &lt;b&gt;glm&lt;/b&gt; was loaded and 2 more" in texts(drawn)
    made.portal.close()
