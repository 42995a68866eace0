"""The boards of the Usage page over a seeded store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from streamlit.testing.v1 import AppTest

from core.inference.records import Usage
from core.people.permissions import Permission
from core.people.records import Role
from core.usage.machines.records import HOUR_S, Gauge, Span, Spread, Subject
from core.usage.money.records import Price
from core.usage.records import UsageQuery
from core.usage.rollups import service
from core.usage.rollups.service import Rollups
from data.unit_of_work import SqlUnitOfWork
from tests.pages.seeded import Stage, as_role, page, stage, texts
from tests.store import things


def today() -> datetime:
    return datetime.now(UTC)


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    made = stage(tmp_path_factory.mktemp("boards"))
    Rollups(lambda: SqlUnitOfWork(made.portal.database), lambda: datetime.now(UTC)).run()
    yield made
    made.portal.close()


def test_the_overview_shows_the_answers_that_the_report_counts(seeded: Stage) -> None:
    drawn = page("usage", seeded)
    assert not drawn.exception
    day = today().date()
    report = seeded.portal.usage.report(seeded.admin, UsageQuery(day - timedelta(days=27), day))
    figures = {each.label: each.value for each in drawn.metric}
    assert figures["Answers"] == f"{report.total.answers:,}" and figures["Active people"] == str(report.total.people)
    assert figures["Rated good"] == f"{report.total.satisfaction * 100:.1f} %"
    assert "<p class='sentence'><b>" in texts(drawn)


@pytest.mark.parametrize("tab", ["adoption", "quality", "speed", "capacity"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_board_draws_in_both_languages(seeded: Stage, tab: str, language: str) -> None:
    drawn = page("usage", seeded, language=language, query={"tab": tab})
    assert not drawn.exception and len(drawn.metric) >= 4 and "class='sentence'" in texts(drawn)


@pytest.mark.parametrize("tab", ["overview", "speed", "report"])
def test_figures_are_downloaded_only_by_people_who_may_export(seeded: Stage, tab: str) -> None:
    assert page("usage", seeded, query={"tab": tab}).get("download_button")
    without = replace(seeded.admin, withheld=frozenset({Permission.EXPORT}))
    drawn = page("usage", seeded, without, query={"tab": tab})
    assert not drawn.exception and not drawn.get("download_button")


def test_the_url_chooses_and_keeps_the_days_the_group_and_the_model(seeded: Stage) -> None:
    drawn = page("usage", seeded, query={"tab": "quality", "days": "7", "group": "Legal", "model": "GLM-4.5-Air-Q4_K_M"})
    assert drawn.session_state["boards-dates"] == (today().date() - timedelta(days=6), today().date())
    assert (drawn.selectbox(key="boards-group").value, drawn.selectbox(key="boards-model").value) == ("Legal", "GLM-4.5-Air-Q4_K_M")
    drawn.selectbox(key="boards-group").set_value("Risk").run()
    assert {name: drawn.query_params[name] for name in ("group", "days", "tab")} == {"group": "Risk", "days": "7", "tab": "quality"}


@pytest.mark.parametrize("value", ["-3", "2026-13-01_2026-01-01", "2026-02-01_2026-01-01", "2999-01-01_2999-01-02", "abc_", "_"])
def test_a_broken_url_shows_the_last_four_weeks(seeded: Stage, value: str) -> None:
    drawn = page("usage", seeded, query={"tab": "nonsense", "days": value, "group": "Nobody", "day": "2026-99-99"})
    assert not drawn.exception and drawn.session_state["boards-span"] == 28 and drawn.metric


def test_a_chosen_day_lists_its_answers_without_titles_of_others(seeded: Stage) -> None:
    with SqlUnitOfWork(seeded.portal.database) as work:
        day = work.rollups.latest_day(None, None)
        assert day is not None
        first = datetime(day.year, day.month, day.day, tzinfo=UTC)
        lines = work.rollups.lines(first, first + timedelta(days=1), None, None, seeded.admin, 200)
    drawn = page("usage", seeded, query={"day": day.isoformat()})
    [table] = [each.value for each in drawn.dataframe]
    assert len(table) == min(25, len(lines))
    assert set(table["2"]) <= {"not shared with you", *(each.title for each in lines if each.title is not None)}
    drawn.button(key="board-lines-close").click().run()
    assert not drawn.dataframe


def test_a_period_without_answers_leads_to_the_latest_month(seeded: Stage) -> None:
    drawn = page("usage", seeded, query={"days": "2020-01-01_2020-01-31"})
    assert "No answers in this period" in texts(drawn) and not drawn.metric
    drawn.button(key="board-month").click().run()
    first, last = drawn.session_state["boards-range"]
    assert not drawn.exception and drawn.metric and first.day == 1 and last <= today().date(), "no day to come can be chosen"


def test_an_admin_sets_a_price_and_a_budget_and_reads_the_cost(seeded: Stage) -> None:
    drawn = page("usage", seeded, query={"tab": "money"})
    assert not drawn.exception and "No answer of this period has a cost." in texts(drawn)
    drawn.selectbox(key="board-price-model").set_value("GLM-4.5-Air-Q4_K_M")
    drawn.text_input(key="board-price-currency").set_value("12")
    drawn.number_input(key="board-price-output").set_value(2.5)
    drawn.button[_button(drawn, "Set the price")].click().run()
    assert "A currency has three capital letters" in drawn.error[0].value
    drawn.text_input(key="board-price-currency").set_value("eur")
    drawn.button[_button(drawn, "Set the price")].click().run()
    [price] = seeded.portal.money.prices(seeded.admin)
    assert (price.model, price.currency, price.output) == ("GLM-4.5-Air-Q4_K_M", "EUR", 2.5)
    with SqlUnitOfWork(seeded.portal.database) as work:
        work.generations.add(replace(things.generation(seeded.admin, model=price.model, at=today()), usage=Usage(0, 1_000_000)))
        work.commit()
    Rollups(lambda: SqlUnitOfWork(seeded.portal.database), today).run()
    drawn.selectbox(key="board-budget-group").set_value("*")
    drawn.number_input(key="board-budget-amount").set_value(2.0)
    drawn.text_input(key="board-budget-currency").set_value("EUR")
    drawn.button[_button(drawn, "Set the budget")].click().run()
    assert not drawn.exception and {each.label: each.value for each in drawn.metric}["Cost, EUR"] == "2.50"
    assert "2.50 of 2.00 EUR" in texts(drawn) and "This month passes the budget of all groups." in texts(drawn)
    chinese = page("usage", seeded, language="zh", query={"tab": "money"})
    assert not chinese.exception and "2.50 / 2.00 EUR" in texts(chinese)
    manager = page("usage", seeded, as_role(seeded.admin, Role.MANAGER), query={"tab": "money"})
    assert "Set the price" not in {each.label for each in manager.button} and "Set the budget" in {each.label for each in manager.button}


def _button(drawn: AppTest, label: str) -> int:
    return [each.label for each in drawn.button].index(label)


def test_an_analyst_sees_no_board(seeded: Stage) -> None:
    refused = page("usage", seeded, as_role(seeded.admin, Role.ANALYST))
    assert not refused.metric and "does not allow this" in texts(refused)


def test_before_the_first_count_the_page_says_so_and_has_the_report(tmp_path, monkeypatch) -> None:
    made = stage(tmp_path)
    with monkeypatch.context() as many:
        many.setattr(service, "FEW_ROWS", 0)
        drawn = page("usage", made)
        assert not drawn.exception and "being added up" in drawn.info[0].value and not drawn.metric
    drawn = page("usage", made)
    assert drawn.metric and not drawn.info, "few answers are added up at once"
    made.portal.close()


def test_the_money_board_tells_measured_electricity_from_assumed(seeded: Stage) -> None:
    hour = today().replace(minute=0, second=0, microsecond=0) - timedelta(days=1)
    price = Price(model="here", currency="EUR", watts=100.0, kwh=0.5, valid_from=hour - timedelta(days=30))
    gauges = {Gauge.BUSY_POWER: Spread.of(400.0)}
    with SqlUnitOfWork(seeded.portal.database) as work:
        work.money.put_price(price)
        for at in (hour, hour - timedelta(hours=1)):
            row = replace(things.generation(seeded.admin, at=at), model="here", platform="local")
            work.generations.add(replace(row, timings=replace(row.timings, device_s=360.0, duration_s=360.0)))
        work.machines.add([Span(server="one", subject=Subject.GPU, name="0 GPU", step_s=HOUR_S, at=hour, gauges=gauges)])
        work.commit()
    Rollups(lambda: SqlUnitOfWork(seeded.portal.database), today).run()
    drawn = page("usage", seeded, query={"tab": "money"})
    assert not drawn.exception
    assert "40.0 Wh measured, 10.0 Wh by the watts of the price table, which are assumed" in texts(drawn)
