"""Enter prices of models and budgets of groups."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

import streamlit as st

from core.errors import PortalError
from core.people.permissions import Permission, allows
from core.people.records import User
from core.usage.boards.records import Choices
from core.usage.money.records import EVERY_GROUP, Budget, Price
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.common.data_frame import data_frame
from pages.widgets.common.formats import MISSING
from pages.widgets.usage.filters import group_name

if TYPE_CHECKING:
    from bootstrap.portal import Portal

MONTHS = 12


def prices_and_budgets(portal: Portal, user: User, choices: Choices) -> None:
    """Draw the prices, and the forms that set prices and budgets."""
    with st.expander(t("Prices"), key="board-prices"):
        _prices(portal, user)
        if allows(user, Permission.RUN_MODELS):
            _price_form(portal, user, choices)
            _repricing_form(portal, user, choices)
        else:
            st.caption(t("Prices are set by people who may run models."))
    with st.expander(t("Set a budget"), key="board-budgets"):
        _budget_form(portal, user, choices)


def _prices(portal: Portal, user: User) -> None:
    prices = portal.money.prices(user)
    st.caption(t("A price counts for answers asked for from its time on. Earlier answers keep their cost."))
    st.caption(
        t("Prices of the platforms file come first, then those of a model on its platform. Tokens are priced per million.")
    )
    if not prices:
        return
    names = (
        t("Model"), t("From"), t("Currency"), t("Input"), t("Cached input"), t("Output"), t("Hour of computing, measured"),
        t("Watts, assumed"), t("Kilowatt-hour"),
    )  # fmt: skip
    rows = [
        (
            each.model, each.valid_from.astimezone(UTC).strftime("%Y-%m-%d %H:%M"), each.currency, each.input, each.cached, each.output,
            each.device_hour, each.watts, each.kwh,
        )
        for each in prices
    ]  # fmt: skip
    frame = data_frame({str(n): [row[n] for row in rows] for n in range(len(names))})
    columns = {
        str(n): st.column_config.NumberColumn(name, format="%.4g") if n > 2 else st.column_config.TextColumn(name)
        for n, name in enumerate(names)
    }
    st.dataframe(frame, hide_index=True, column_config=columns, placeholder=MISSING, key="table-board-prices")
    if allows(user, Permission.RUN_MODELS):
        with st.container(horizontal=True, gap="small", vertical_alignment="bottom", key="board-price-remove"):
            named = [f"{row[0]}, {row[1]}" for row in rows]
            chosen = st.selectbox(t("Price"), range(len(prices)), format_func=lambda n: named[n], key="board-price-which")
            if st.button(t("Remove"), key="board-price-gone") and chosen is not None:
                _carry_out(lambda: portal.money.remove_price(user, prices[chosen].model, prices[chosen].valid_from))


def _price_form(portal: Portal, user: User, choices: Choices) -> None:
    with st.form("board-price", border=False):
        with st.grid(4, min_column_width=150, gap="small"):
            targets = [*choices.models, *choices.targets]
            model = st.selectbox(t("Model, or model@platform"), targets, key="board-price-model")
            currency = st.text_input(t("Currency"), "USD", max_chars=3, key="board-price-currency")
            day = st.date_input(t("From, UTC"), choices.today, format="YYYY-MM-DD", key="board-price-day")
            given = st.number_input(t("Input, per million tokens"), 0.0, format="%.4f", key="board-price-input")
            cached = st.number_input(t("Cached input, per million tokens"), 0.0, value=None, format="%.4f", key="board-price-cached")
            output = st.number_input(t("Output, per million tokens"), 0.0, format="%.4f", key="board-price-output")
            hour = st.number_input(t("Hour of computing, measured"), 0.0, format="%.4f", key="board-price-hour")
            watts = st.number_input(t("Watts, assumed"), 0.0, format="%.1f", key="board-price-watts")
            kwh = st.number_input(t("Kilowatt-hour"), 0.0, format="%.4f", key="board-price-kwh")
        if st.form_submit_button(t("Set the price"), type="primary") and model is not None:
            _carry_out(lambda: portal.money.set_price(user, Price(
                model=model, currency=currency.upper(), valid_from=datetime.combine(day, time.min, UTC), input=given, cached=cached,
                output=output, device_hour=hour, watts=watts, kwh=kwh,
            )))  # fmt: skip


def _repricing_form(portal: Portal, user: User, choices: Choices) -> None:
    """Offer to compute past costs by the prices as they are now, for a price that was wrong."""
    with st.form("board-reprice", border=False):
        st.caption(t("Was a price wrong? Set it from its day on, then recompute the costs of these days. Charts mark it."))
        with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
            targets = [*choices.models, *choices.targets]
            model = st.selectbox(t("Model, or model@platform"), targets, key="board-reprice-model")
            start = choices.today.replace(day=1)
            days = st.date_input(t("Dates"), (start, choices.today), max_value=choices.today, format="YYYY-MM-DD", key="board-reprice-days")
            pressed = st.form_submit_button(t("Recompute"))
        if pressed and model is not None and len(days) == 2:
            try:
                portal.repricing.start(user, model, *days)
            except PortalError as problem:
                st.error(plain(error_text(problem)))
            else:
                st.toast(t("The costs are being recomputed. The Jobs page shows the progress."), icon=":material/check:")


def _budget_form(portal: Portal, user: User, choices: Choices) -> None:
    first = choices.today.replace(day=1)
    months = [first]
    for _ in range(MONTHS - 1):
        months.append((months[-1] + timedelta(days=32)).replace(day=1))
    with st.form("board-budget", border=False):
        with st.grid(4, min_column_width=150, gap="small"):
            group = st.selectbox(
                t("Group"), [EVERY_GROUP, *choices.groups], key="board-budget-group",
                format_func=lambda name: t("All groups") if name == EVERY_GROUP else group_name(name),
            )  # fmt: skip
            month = st.selectbox(t("From month"), months, format_func=lambda day: f"{day:%Y-%m}", key="board-budget-month")
            most = st.number_input(t("A month; 0 means no budget"), 0.0, format="%.2f", key="board-budget-amount")
            currency = st.text_input(t("Currency"), "USD", max_chars=3, key="board-budget-currency")
        st.caption(t("A budget is shown here and stops nothing."))
        if st.form_submit_button(t("Set the budget"), type="primary"):
            _carry_out(lambda: portal.money.set_budget(user, Budget(group=group, month=month, amount=most, currency=currency.upper())))


def _carry_out(action: Callable[[], None]) -> None:
    try:
        action()
    except PortalError as problem:
        st.error(plain(error_text(problem)))
        return
    st.rerun()
