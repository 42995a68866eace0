"""Choose the board, the days, the group and the model; the URL keeps the choice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import streamlit as st

from core.usage.boards.records import Choices
from core.usage.records import UsageQuery
from pages.shell.words import t
from pages.widgets.usage.filters import ALL, group_name

OVERVIEW, ADOPTION, QUALITY, SPEED, CAPACITY, MONEY, REPORT = "overview", "adoption", "quality", "speed", "capacity", "money", "report"
TABS = {
    OVERVIEW: "Overview",
    ADOPTION: "Adoption",
    QUALITY: "Quality",
    SPEED: "Speed",
    CAPACITY: "Capacity",
    MONEY: "Money",
    REPORT: "Report",
}
SPANS = (7, 28, 91, 365)
_TAB, _SPAN, _DATES, _GROUP, _MODEL = "boards-tab", "boards-span", "boards-dates", "boards-group", "boards-model"


def tab() -> str:
    """Draw the tabs; return the chosen one."""
    state = st.session_state
    if _TAB not in state:
        state[_TAB] = _known("tab", TABS, OVERVIEW)
    chosen = st.segmented_control(
        t("Board"), list(TABS), format_func=lambda name: t(TABS[name]), key=_TAB, required=True, label_visibility="collapsed"
    ) or OVERVIEW  # fmt: skip
    _keep("tab", chosen, OVERVIEW)
    return str(chosen)


def query_of(choices: Choices) -> UsageQuery:
    """Draw the days, the group and the model; return their query."""
    state = st.session_state
    if _SPAN not in state and _DATES not in state:
        _start(choices.today)
    if len(dates := state.get(_DATES, ())) == 2 and dates[1] > choices.today:  # The month of an answer may go on.
        state[_DATES] = dates[0], choices.today
    if _GROUP not in state:
        state[_GROUP] = _named("group", choices.groups)
    if _MODEL not in state:
        state[_MODEL] = _named("model", choices.models)
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center", key="boardfilters"):
        st.segmented_control(
            t("Period"), SPANS, format_func=_span_word, label_visibility="collapsed", key=_SPAN, on_change=_choose_span,
            args=(choices.today,),
        )  # fmt: skip
        st.date_input(
            t("Dates"), max_value=choices.today, label_visibility="collapsed", key=_DATES, width=245, format="YYYY-MM-DD",
            on_change=_choose_dates, args=(choices.today,),
        )  # fmt: skip
        group = st.selectbox(
            t("Group"), [ALL, *choices.groups], format_func=lambda name: t("All groups") if name == ALL else group_name(name),
            label_visibility="collapsed", key=_GROUP, width=150,
        )  # fmt: skip
        model = st.selectbox(
            t("Model"), [ALL, *choices.models], format_func=lambda name: t("All models") if name == ALL else name,
            label_visibility="collapsed", key=_MODEL, width=180,
        )  # fmt: skip
    if len(state[_DATES]) == 2:
        state["boards-range"] = state[_DATES]
    first, last = state["boards-range"]
    span = state[_SPAN]
    _keep("days", str(span) if span else f"{first.isoformat()}_{last.isoformat()}", "28")
    _keep("group", group, ALL)
    _keep("model", model, ALL)
    return UsageQuery(first=first, last=last, model=None if model == ALL else model, group=None if group == ALL else group)


def show_month_of(day: date) -> None:
    """Choose the calendar month of a day at the next run."""
    first = day.replace(day=1)
    last = (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    st.session_state[_SPAN] = None
    st.session_state[_DATES] = st.session_state["boards-range"] = (first, last)


def _start(today: date) -> None:
    """Take the days from the URL: a number of days, or two dates."""
    text = str(st.query_params.get("days", "28"))
    state = st.session_state
    first, _, last = text.partition("_")
    try:
        dates = date.fromisoformat(first), date.fromisoformat(last)
    except ValueError:
        dates = None
    if dates is not None and dates[0] <= dates[1] <= today:
        state[_SPAN], state[_DATES] = None, dates
    else:
        span = int(text) if text in {str(each) for each in SPANS} else 28
        state[_SPAN], state[_DATES] = span, _last_days(today, span)
    state["boards-range"] = state[_DATES]


def _named(parameter: str, known: Sequence[str]) -> str:
    """Return the name in the URL; all, if it does not occur in the rows."""
    value = st.query_params.get(parameter, ALL)
    return str(value) if value in known else ALL


def _known(parameter: str, known: dict[str, str], default: str) -> str:
    value = str(st.query_params.get(parameter, default))
    return value if value in known else default


def _keep(parameter: str, value: str, default: str) -> None:
    """Put a choice into the URL; the default stays out of it."""
    if value != default:
        if st.query_params.get(parameter) != value:
            st.query_params[parameter] = value
    elif parameter in st.query_params:
        del st.query_params[parameter]


def _span_word(days: int) -> str:
    return t("1 year") if days == 365 else t("{n} days", n=days)


def _last_days(today: date, n: int) -> tuple[date, date]:
    return today - timedelta(days=n - 1), today


def _choose_span(today: date) -> None:
    span = st.session_state[_SPAN]
    if span:
        st.session_state[_DATES] = _last_days(today, span)


def _choose_dates(today: date) -> None:
    chosen = tuple(st.session_state[_DATES])
    st.session_state[_SPAN] = next((n for n in SPANS if chosen == _last_days(today, n)), None)
