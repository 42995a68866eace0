"""Draw the fields of a rule, and read the rule from them."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.usage.alerts.measures import UNITS
from core.usage.alerts.rule_records import (
    BY_GROUP_ONLY,
    BY_MODEL_ONLY,
    BY_PLATFORM,
    DAY,
    HOUR,
    MAX_NAME_LENGTH,
    MINUTE,
    OF_MACHINES,
    PER_ANSWER,
    UNSCOPED,
    UNWINDOWED,
    AlertRule,
    Comparison,
    Measure,
)
from core.usage.alerts.rules import Choices
from core.usage.records import Language
from pages.shell.words import LANGUAGES, t
from pages.widgets.alerts.words import COMPARISONS, MEASURES, NO_DATA, SEVERITIES, measure_word, span_word

HOLD = "alert-hold"
_WINDOWS = (MINUTE, 5 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR, 6 * HOUR, DAY)
_LONG_WINDOWS = (*_WINDOWS, 7 * DAY)
_HOLDS = (0, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR)
_REPEATS = (0, 15 * MINUTE, HOUR, 4 * HOUR, 12 * HOUR, DAY)


def rule_form(now: AlertRule, choices: Choices, *, can_mail: bool) -> AlertRule:
    """Draw the form; return the rule as it is filled in. Raises InvalidInput."""
    name = st.text_input(t("Name"), now.name, max_chars=MAX_NAME_LENGTH, key="alert-name", autocomplete="off")
    measures = list(MEASURES)
    measure = st.selectbox(t("Measure"), measures, index=measures.index(now.measure), format_func=measure_word, key="alert-measure")
    model, group, platform = _scope(measure, now, choices)
    comparison, threshold, recovery = _limits(measure, now)
    window, hold, least = _times(measure, now)
    with st.grid(2, min_column_width=150):
        no_data = st.selectbox(
            t("Without data"), list(NO_DATA), index=list(NO_DATA).index(now.no_data), format_func=lambda each: t(NO_DATA[each]),
            key="alert-nodata",
        )  # fmt: skip
        severity = st.selectbox(
            t("How serious"), list(SEVERITIES), index=list(SEVERITIES).index(now.severity), format_func=lambda each: t(SEVERITIES[each]),
            key="alert-severity",
        )  # fmt: skip
    people, mails, webhooks, repeat = _told(now, choices, can_mail=can_mail)
    language = now.language
    if mails:
        language = st.selectbox(
            t("Language of mails"), list(Language), index=list(Language).index(now.language), format_func=lambda each: LANGUAGES[each],
            key="alert-language",
        )  # fmt: skip
    return AlertRule(
        name=name.strip(), measure=measure, model=model, group=group, platform=platform, window_s=window,
        comparison=comparison, threshold=threshold,
        recovery=recovery, hold_s=hold, least=least, no_data=no_data, severity=severity, people=people, mails=mails, webhooks=webhooks,
        repeat_s=repeat, language=language,
    )  # fmt: skip


def _scope(measure: Measure, now: AlertRule, choices: Choices) -> tuple[str | None, str | None, str | None]:
    """Return the model, the group and the platform."""
    if measure in UNSCOPED:
        return None, None, None
    model = group = platform = None
    with st.grid(3, min_column_width=110):
        if measure not in BY_GROUP_ONLY:
            model = _choice(t("Model"), t("All models"), choices.models, now.model)
        if measure not in BY_MODEL_ONLY:
            group = _choice(t("Group"), t("All groups"), choices.groups, now.group)
        if measure in BY_PLATFORM:
            platform = _choice(t("Platform"), t("All platforms"), choices.platforms, now.platform)
    return model, group, platform


def _limits(measure: Measure, now: AlertRule) -> tuple[Comparison, float, float | None]:
    unit = f" ({UNITS[measure].value})" if UNITS[measure].value else ""
    with st.grid(3, min_column_width=110):
        comparison = st.selectbox(
            t("Fires when it is"), list(COMPARISONS), index=list(COMPARISONS).index(now.comparison),
            format_func=lambda each: t(COMPARISONS[each]), key="alert-comparison",
        )  # fmt: skip
        threshold = st.number_input(t("Value") + unit, value=float(now.threshold), step=None, format="%g", key="alert-threshold")
        recovery = st.number_input(
            t("Recovers at") + unit, value=None if now.recovery is None else float(now.recovery), format="%g",
            placeholder=t("the value"), key="alert-recovery",
        )  # fmt: skip
    return comparison, threshold, recovery


def _times(measure: Measure, now: AlertRule) -> tuple[int, int, int]:
    window, least = now.window_s, 0
    with st.grid(3, min_column_width=110):
        if measure not in UNWINDOWED:
            key = "alert-window-machines" if measure in OF_MACHINES else f"alert-window-{measure is Measure.POOR}"
            windows = _with(_windows(measure), min(now.window_s, 7 * DAY))
            window = st.selectbox(t("Measured over"), windows, index=windows.index(now.window_s) if now.window_s in windows else 1,
                                  format_func=span_word, key=key)  # fmt: skip
        st.session_state.setdefault(HOLD, now.hold_s)
        holds = _with(_HOLDS, st.session_state[HOLD])
        hold = st.selectbox(t("Must last"), holds, format_func=lambda each: span_word(each) if each else t("No time"), key=HOLD)
        if measure in PER_ANSWER:
            least = int(st.number_input(t("With at least"), 0, 1_000_000, now.least, key="alert-least"))
    if measure in UNWINDOWED:
        window = 5 * MINUTE
    return window, hold, least


def _windows(measure: Measure) -> Sequence[int]:
    if measure in OF_MACHINES:
        return _WINDOWS[1:]
    return _LONG_WINDOWS if measure is Measure.POOR else _WINDOWS


def _told(now: AlertRule, choices: Choices, *, can_mail: bool) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], int]:
    names = {each.id: each.name for each in choices.people}
    hooks = {each.id: each.name for each in choices.webhooks}
    people = st.multiselect(
        t("Notices to"), list(names), default=[each for each in now.people if each in names], format_func=lambda id: names[id],
        placeholder=t("Nobody"), key="alert-people",
    )  # fmt: skip
    mails = st.text_input(t("Mails to"), ", ".join(now.mails), placeholder="ops@corp.example", key="alert-mails", autocomplete="off")
    if mails and not can_mail:
        st.caption(f":orange[:material/warning: {t('No mail server is set. An admin can set PORTAL_SMTP_HOST.')}]")
    webhooks: list[str] = []
    if hooks:
        webhooks = st.multiselect(
            t("Webhooks"), list(hooks), default=[each for each in now.webhooks if each in hooks],
            format_func=lambda id: hooks[id], placeholder=t("None"), key="alert-webhooks",
        )  # fmt: skip
    repeats = _with(_REPEATS, now.repeat_s)
    repeat = st.selectbox(t("Tell again while it fires"), repeats, index=repeats.index(now.repeat_s), key="alert-repeat",
                          format_func=lambda each: t("every {span}", span=span_word(each)) if each else t("Never"))  # fmt: skip
    addresses = tuple(dict.fromkeys(each.strip() for each in mails.replace(";", ",").split(",") if each.strip()))
    return tuple(people), addresses, tuple(webhooks), repeat


def _with(options: Sequence[int], value: int) -> list[int]:
    """Return the options, with a value that a program set."""
    return sorted({*options, value})


def _choice(label: str, everything: str, options: Sequence[str], now: str | None) -> str | None:
    known = list(options) + ([now] if now is not None and now not in options else [])
    index = known.index(now) if now is not None else None
    return st.selectbox(label, known, index=index, placeholder=everything, format_func=_named, key=f"alert-choice-{label}")


def _named(name: str) -> str:
    return name or t("No group")
