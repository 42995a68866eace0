"""Choose what a dataset is made of, beside what a build would give."""

from __future__ import annotations

import time
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.errors import PortalError
from core.people.permissions import Permission, allows, reviewed_groups
from core.people.records import User
from core.review.datasets.datasets import Preview
from core.review.datasets.records import MAX_NAME, SOURCES, Dataset, DatasetSettings, Format, Layout, PersonalData
from pages.shell.words import error_text, t
from pages.widgets.chat.message import plain
from pages.widgets.common.card import card
from pages.widgets.common.formats import count
from pages.widgets.datasets.outcome import balance, example, funnel, split_bar
from pages.widgets.datasets.words import FORMATS, LAYOUTS, meaning, source_word
from pages.widgets.usage.days import between

if TYPE_CHECKING:
    from bootstrap.portal import Portal

FRESH_S = 30.0
"""Seconds for which a preview of the same settings is shown again."""
_LIMIT, _PREVIEW, _EXAMPLE = "dataset-taglimit", "dataset-preview", "dataset-example"


def form(portal: Portal, user: User, dataset: Dataset | None, actions: DeltaGenerator) -> tuple[str, DatasetSettings, bool, bool] | None:
    """Draw the form and the outcome. Return the name, the settings, and whether to save and to build."""
    left, right = st.columns([1, 1.15], gap="medium")
    with left, st.container(gap="small", key="dataset-form"):
        name = st.text_input(t("Name"), dataset.name if dataset else "", max_chars=MAX_NAME, key="dataset-name", autocomplete="off")
        try:
            settings = _settings(portal, user, dataset.settings if dataset else None)
        except PortalError as problem:
            settings = None
            st.markdown(f":red[:material/error: {plain(error_text(problem))}]")
    preview = None
    if settings is not None:
        with right, st.container(gap="small"):
            preview = _outcome(portal, user, settings)
    ready = bool(name.strip()) and preview is not None
    number = dataset.versions + 1 if dataset else 1
    with actions:
        save = st.button(t("Save without building"), type="tertiary", key="dataset-save", disabled=not ready)
        empty = preview is None or not preview.report.kept
        build = st.button(t("Build version {n}", n=number), type="primary", key="dataset-build", disabled=not ready or empty)
    return (name, settings, save, build) if settings is not None else None


def _settings(portal: Portal, user: User, now: DatasetSettings | None) -> DatasetSettings:
    """Draw the choices. Raises InvalidInput for those that make no sense together."""
    now = now or DatasetSettings(format=Format.SFT, sources=SOURCES[Format.SFT])
    st.markdown(f"### {t('1  Format')}", anchors=False)
    format = st.segmented_control(
        t("Format"), list(FORMATS), default=now.format, required=True, format_func=FORMATS.__getitem__, label_visibility="collapsed",
        key="dataset-format",
    )  # fmt: skip
    layout = st.segmented_control(
        t("Fields as read by"), list(LAYOUTS), default=now.layout, required=True, format_func=LAYOUTS.__getitem__, key="dataset-layout"
    )
    st.caption(meaning(format))
    st.markdown(f"### {t('2  Which answers')}", anchors=False)
    offered = SOURCES[format]
    sources = st.pills(
        t("Sources"), offered, selection_mode="multi", default=[each for each in now.sources if each in offered] or offered,
        format_func=source_word, key=f"dataset-sources-{format}",
    )  # fmt: skip
    with st.grid(2, min_column_width=150):
        if (reviewed := reviewed_groups(user)) is not None:  # Of one of these groups, since the others are not this person's to read.
            groups = sorted(reviewed)
            group = _choice(t("Group"), t("Choose a group"), groups, now.group if now.group in reviewed else next(iter(groups), None))
        else:
            named = {each.group for each in _groups(portal, user)} | _one(now.group)
            group = _choice(t("Group"), t("All groups"), sorted(named), now.group)
        model = _choice(t("Model"), t("All models"), sorted({each.name for each in portal.gateway.chat_models(user)} | _one(now.model)),
                        now.model)  # fmt: skip
        tag = _choice(t("Tag"), t("All tags"), sorted({*portal.case_queue.tags(user)} | _one(now.tag)), now.tag)
        days = (now.since.date(), (now.until - timedelta(microseconds=1)).date()) if now.since and now.until else ()
        dates = st.date_input(t("Rated between (UTC)"), value=days, format="YYYY-MM-DD", key="dataset-dates")
    since, until = between(dates, UTC)
    if not days and not dates:  # A program may have set only one of them.
        since, until = now.since, now.until
    st.markdown(f"### {t('3  Clean')}", anchors=False)
    masking = st.segmented_control(
        t("Personal data"), list(PersonalData), default=now.personal_data, required=True, format_func=_masking_word, key="dataset-masking"
    )
    near = st.checkbox(t("Remove nearly equal examples"), now.near_duplicates, key="dataset-near")
    with st.grid(3, min_column_width=110):
        low = st.number_input(t("Minimum characters"), 1, None, now.min_characters, key="dataset-low")
        high = st.number_input(t("Maximum characters"), 1, None, now.max_characters, key="dataset-high")
        st.session_state.setdefault(_LIMIT, now.tag_limit)
        limit = st.number_input(t("Maximum per tag"), 1, None, placeholder=t("No limit"), key=_LIMIT)
    context = st.checkbox(t("Keep the earlier turns"), now.context, key="dataset-context")
    instructions = st.checkbox(t("Keep instructions as a system message"), now.instructions, key="dataset-instructions")
    tools = st.checkbox(
        t("Keep tool calls and their results"), now.tools and layout is Layout.TRL, disabled=layout is not Layout.TRL,
        key=f"dataset-tools-{layout}",
    )  # fmt: skip
    st.caption(f":material/lock: {t('People who did not agree are always left out, and so are deleted chats and ratings taken back.')}")
    return DatasetSettings(
        format=format, sources=tuple(sources), layout=layout, states=now.states, group=group, model=model, tag=tag, since=since,
        until=until, personal_data=masking, near_duplicates=near, min_characters=int(low), max_characters=int(high),
        tag_limit=None if limit is None else int(limit), context=context, instructions=instructions, tools=tools,
    )  # fmt: skip


def _groups(portal: Portal, user: User) -> list[User]:
    """Return one person of each group that can be named: everybody's for people who manage people, otherwise the person's own."""
    people = portal.accounts.people(user) if allows(user, Permission.MANAGE_PEOPLE) else [user]
    return [each for each in people if each.group]


def _one(name: str | None) -> set[str]:
    return {name} if name else set()


def _choice(label: str, everything: str, options: list[str], now: str | None) -> str | None:
    index = options.index(now) if now in options else None
    return st.selectbox(label, options, index=index, placeholder=everything, key=f"dataset-choice-{label}")


def _masking_word(choice: PersonalData) -> str:
    return t("Mask") if choice is PersonalData.MASK else t("Leave the line out")


def _outcome(portal: Portal, user: User, settings: DatasetSettings) -> Preview | None:
    try:
        preview = _preview(portal, user, settings)
    except PortalError as problem:
        st.markdown(f":red[:material/error: {plain(error_text(problem))}]")
        return None
    sub = t("Counted now; changes as you choose")
    if preview.read < preview.total:
        sub = t("Counted on the newest {n} of {total} ratings; the build reads all", n=count(preview.read), total=count(preview.total))
    report = preview.report
    with card("dataset-get", t("What you get"), sub):
        funnel(report)
        split_bar(report)
        st.caption(t("{n} % of all chats are held out, the same ones in every dataset.", n=report.holdout_percent))
    with card("dataset-balance", t("Balance"), t("Examples by tag")):
        balance(report, _set_limit)
    if preview.examples:
        at = st.session_state.get(_EXAMPLE, 0) % len(preview.examples)
        with card("dataset-example", t("Example"), t("As it stands in the file")):
            example(preview.examples[at])
            if len(preview.examples) > 1:
                st.button(t("Another"), icon=":material/shuffle:", type="tertiary", key="dataset-another", on_click=_another)
    return preview


def _preview(portal: Portal, user: User, settings: DatasetSettings) -> Preview:
    known = st.session_state.get(_PREVIEW)
    if known is not None and known[0] == settings and time.monotonic() - known[1] < FRESH_S:
        found: Preview = known[2]
        return found
    made = portal.datasets.preview(user, settings)
    st.session_state[_PREVIEW] = (settings, time.monotonic(), made)
    return made


def _set_limit(limit: int) -> None:
    st.session_state[_LIMIT] = limit


def _another() -> None:
    st.session_state[_EXAMPLE] = st.session_state.get(_EXAMPLE, 0) + 1
