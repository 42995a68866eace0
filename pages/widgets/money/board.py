"""Draw the Money board."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from html import escape

import streamlit as st

from core.usage.boards.service import days_of
from core.usage.figures import Figure
from core.usage.money.records import EVERY_GROUP, BudgetState, CostPart, MoneyBoard
from pages.shell.frame import dark
from pages.shell.words import listed, t
from pages.widgets.boards.figures import figure, percent_change
from pages.widgets.boards.parts import sentence
from pages.widgets.boards.plots import head, period_words
from pages.widgets.common.data_frame import data_frame
from pages.widgets.common.formats import MISSING, amount, count
from pages.widgets.money.energy import energy
from pages.widgets.usage import charts
from pages.widgets.usage.change_marks import Mark, show_marked
from pages.widgets.usage.charts import Line
from pages.widgets.usage.filters import group_name


def money(board: MoneyBoard, marks: Sequence[Mark]) -> None:
    """Draw costs and budgets."""
    sentence(*_words(board))
    before = t("vs. {period}", period=period_words(board.query.before.first, board.query.before.last))
    with st.grid(3, min_column_width=160, gap="small", key="kpis"):
        for part in board.total:
            trend = board.days.get(part.currency, ())
            change = percent_change(Figure(part.cost, part.before).change)
            figure(t("Cost, {currency}", currency=part.currency), amount(part.cost), change, before, trend=trend)
            figure(t("An answer, {currency}", currency=part.currency), amount(part.per_answer), None, "")
            figure(
                t("An accepted answer, {currency}", currency=part.currency), amount(part.per_accepted), None, "",
                help=t("The cost of all answers for each one that was rated good."),
            )  # fmt: skip
    if board.budgets:
        _budgets(board)
    for currency, values in board.days.items():
        with st.container(border=True, key=f"card-board-cost-{currency}", gap="xsmall"):
            days = days_of(board.query)
            rows = zip(days, values, strict=True)
            title = t("Cost per day, {currency}", currency=currency)
            sub = t("At the prices that were valid when the answers were asked for")
            head(f"cost-{currency}", title, sub, ("day", "cost"), partial(list, rows))
            drawn = charts.bars(days, [Line(currency, values, 0)], dark(), whole=False)
            show_marked(drawn, marks, f"chart-board-cost-{currency}", title)
    if board.total:
        _table("groups", t("By group"), t("Group"), [(group_name(each.name), each) for each in board.groups])
        _table("models", t("By model"), t("Model"), [(each.name, each) for each in board.models])
    energy(board.energy)


def _words(board: MoneyBoard) -> tuple[str, str]:
    if not board.total:
        if not board.answers:
            return t("No answers in this period"), ""
        rest = t("An answer has a cost if its model had a price when it was asked for. Set prices below.")
        return t("No answer of this period has a cost."), rest
    spent = " + ".join(f"{amount(each.cost)} {each.currency}" for each in board.total)
    bold = t("{amount} in this period.", amount=spent)
    more = []
    late = [each for each in board.budgets if each.passed_on is not None]
    if late:
        names = listed(_budget_name(each) for each in late)
        more.append(t("This month passes the budget of {names}.", names=names))
    elif board.budgets:
        more.append(t("This month stays within every budget."))
    if board.unpriced:
        counts = {"n": count(board.unpriced), "all": count(board.answers)}
        more.append(t("{n} of {all} answers have no cost, since their model had no price.", **counts))
    return bold, " ".join(more)


def _budget_name(state: BudgetState) -> str:
    return t("all groups") if state.budget.group == EVERY_GROUP else group_name(state.budget.group)


def _budgets(board: MoneyBoard) -> None:
    with st.container(border=True, key="card-board-budgets", gap="xsmall"):
        rows = [
            (each.budget.group, each.budget.amount, each.budget.currency, each.spent, each.forecast, each.passed_on)
            for each in board.budgets
        ]
        sub = t("This month, with the forecast for its end: each day left costs the mean of its weekday in the last four weeks")
        head("budgets", t("Budgets"), sub, ("group", "budget", "currency", "spent", "forecast", "passed_on"), lambda: rows)
        st.html("<div class='buds'>" + "".join(map(_budget_row, board.budgets)) + "</div>")


def _budget_row(state: BudgetState) -> str:
    budget = state.budget
    passed = state.passed_on is not None

    def width(value: float) -> str:
        return f"{min(value / budget.amount * 100, 100):.0f}%"

    if state.passed_on is not None:
        words = t("passes its budget on {day}; nothing is stopped", day=state.passed_on.isoformat())
    elif state.forecast is None:
        words = t("too few days for a forecast")
    else:
        words = t("about {amount} at the end", amount=amount(state.forecast))
    spent = t("{spent} of {budget} {currency}", spent=amount(state.spent), budget=amount(budget.amount), currency=budget.currency)
    pale = width(max(state.spent, state.forecast or 0.0))
    return (
        f"<div class='bud{' bad' if passed else ''}'><b>{escape(_budget_name(state))}</b>"
        f"<span>{escape(spent)}</span>"
        f"<i><u style='width:{pale}'></u><s style='width:{width(state.spent)}'></s></i><small>{escape(words)}</small></div>"
    )


def _table(key: str, title: str, first: str, parts: Sequence[tuple[str, CostPart]]) -> None:
    names = (first, t("Currency"), t("Cost"), t("Before"), t("Answers"), t("Tokens"), t("An answer"), t("An accepted answer"))
    rows = [
        (name, each.currency, each.cost, each.before, each.answers, each.tokens, each.per_answer, each.per_accepted) for name, each in parts
    ]
    with st.container(border=True, key=f"card-board-money-{key}", gap="xsmall"):
        head(f"money-{key}", title, t("Whole period; accepted means rated good"), names, lambda: rows)
        number = st.column_config.NumberColumn
        small = "%.4f" if max((each.cost for _, each in parts), default=0.0) < 1 else "%.2f"
        formats = {2: small, 3: small, 4: "localized", 5: "localized", 6: "%.4f", 7: "%.4f"}
        columns = {
            **{str(n): st.column_config.TextColumn(names[n]) for n in (0, 1)},
            **{str(n): number(names[n], format=form) for n, form in formats.items()},
        }
        frame = data_frame({str(n): [row[n] for row in rows] for n in range(len(names))})
        st.dataframe(frame, hide_index=True, column_config=columns, placeholder=MISSING, key=f"table-board-money-{key}")
